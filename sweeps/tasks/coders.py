"""Coders: the scores of lzma and of a count model of the last k bytes, which a model of the same bytes has to beat.

Neither adapts its counts to the test bytes. But lzma may copy from test bytes that it has already coded. Bytes that are the
numbers of observations are also coded by extrapolation.
"""

import lzma
import math

import numpy as np

from sweeps.tasks.extrapolation import ORDERS as POLYNOMIALS
from sweeps.tasks.extrapolation import number_bits
from sweeps.tasks.kind import Kind
from sweeps.tasks.mixture import Mixture

ORDERS = 16
"""The longest context that is tried, in bytes."""
OF_EACH = ('lzma', 'lzma_alone', 'order_k', 'k', 'best', 'order_0')
OF_NUMBERS = (*POLYNOMIALS, 'fitted', 'adapted')
"""What has a mean over the domains of a mixture; the latter where all of them are numbers."""


def reference(task: Kind) -> dict[str, float]:
    """The reference coder of a task that models bytes, on its test split; a read of the test split.

    It codes the bytes of `Kind.messages` that are not `Kind.given`, and the numbers of `Kind.numbers` where there are some; for
    a mixture it is the weighted mean over domains, of what all of them have. Where the lab has made the bytes, `source` is what
    who knows their source needs. Raises ValueError where there are no bytes.
    """
    if isinstance(task, Mixture):
        parts = [reference(component) for component in task.components]
        shared = [name for name in (*OF_EACH, *OF_NUMBERS) if all(name in bits for bits in parts)]
        return {name: float(task.shares @ [bits[name] for bits in parts]) for name in shared}
    train, test = task.messages(sealed=False), task.messages(sealed=True)
    if train is None or test is None:
        raise ValueError(f"'{task.NAME}' is no task over bytes; a reference coder needs one, such as text or molecules")
    least, scale, numbers = task.least_bits(), task.bits_per_byte(), task.numbers(sealed=False)
    known = {} if least is None or scale is None else {'source': least * scale}
    bits = reference_bits(train, test, task.given()) | known
    if numbers is None:
        return bits
    told = number_bits(numbers, task.numbers(sealed=True), (task.token_count() - 1).bit_length())
    return {**bits, **told, 'best': min(bits['best'], *told.values())}


def reference_bits(train: list[bytes], test: list[bytes], given: int = 0) -> dict[str, float]:
    """Bits per byte of the test messages: {lzma, lzma_alone, order_k, k, best, letters, uniform, order_0}.

    `uniform` takes the different bytes of the training messages, `letters` of them, for alike, the line end that ends them all
    aside; `order_0` knows how often each comes. `lzma` compresses the test after all of the training bytes, `lzma_alone`
    without them. `order_k` is interpolated Kneser-Ney over the last k bytes of the same message, counted on the training
    messages; k is chosen on their last tenth. `best` is the better of lzma and order_k. The first `given` bytes of each message
    cost nothing under count models; lzma has no price for a part, so its mean is over all bytes. Raises ValueError if a side
    has no bytes.
    """
    for name, messages in (('training', train), ('test', test)):
        if not sum(map(len, messages)):
            raise ValueError(f'no {name} bytes; a reference coder needs some on both sides')
    known, asked = b''.join(train), b''.join(test)
    context, alone = packed(known), packed(asked)
    with_context = 8 * (packed(known + asked) - context) / len(asked)
    seen, tried = _last_tenth(train)
    k = int(np.argmin(order_bits(seen, tried, given=given)))
    orders = order_bits(train, test, k, given)
    bits = {'lzma': with_context, 'lzma_alone': 8 * alone / len(asked), 'order_k': float(orders[k]), 'k': k}
    ended = all(message.endswith(b'\n') for message in train)
    letters = len(set(b''.join(message[:-1] for message in train) if ended else known))
    plain = {'letters': letters, 'uniform': math.log2(max(letters, 1)), 'order_0': float(orders[0])}
    return {**bits, 'best': min(bits['lzma'], bits['order_k']), **plain}


def packed(content: bytes) -> int:
    """The size of the content in bytes under raw LZMA2, with a window as wide as the content."""
    size = max(4096, min(len(content), 2**30))
    filters = [{'id': lzma.FILTER_LZMA2, 'preset': 9 | lzma.PRESET_EXTREME, 'dict_size': size}]
    return len(lzma.compress(content, lzma.FORMAT_RAW, filters=filters))


def _last_tenth(messages: list[bytes]) -> tuple[list[bytes], list[bytes]]:
    """The first nine tenths of the messages and the rest; of fewer than ten messages, of their bytes."""
    if len(messages) >= 10:
        cut = len(messages) * 9 // 10
        return messages[:cut], messages[cut:]
    whole = b''.join(messages)
    cut = max(len(whole) * 9 // 10, 1)
    return [whole[:cut]], [whole[cut:] or whole]


def order_bits(train: list[bytes], test: list[bytes], orders: int = ORDERS, given: int = 0) -> np.ndarray:
    """Bits per byte of the test messages but their first `given` ones under models of order 0, 1, ...

    They are those of `order_probabilities`. Raises ValueError if no byte is left.
    """
    asked = _places(test)[1] >= given
    if not asked.any():
        raise ValueError(f'the first {given} bytes of each test message are given, and none is longer; give longer messages')
    return np.array([-np.log2(p[asked]).mean() for p in order_probabilities(train, test, orders)])


def order_probabilities(train: list[bytes], test: list[bytes], orders: int = ORDERS) -> list[np.ndarray]:
    """The probability of each test byte under interpolated modified Kneser-Ney (Chen and Goodman 1998) of order 0 to `orders`.

    Order k uses k bytes of the same message; before the first byte stands a start sign that is never predicted. The highest
    order counts how often a byte follows a context. Lower orders count how many different bytes stand before context and byte.
    The lowest level gives each byte 1/256.
    """
    symbols, place = _places([*train, *test])
    known = np.arange(len(symbols)) < sum(map(len, train))
    context, gram = np.zeros(len(symbols), np.int64), symbols
    lower, probabilities = np.full(int((~known).sum()), 1 / 256), []
    for k in range(orders + 1):
        counts = np.bincount(gram[known], minlength=gram.max() + 1)
        probabilities.append(_interpolated(counts, gram, context, known, lower))
        # The next longer grams, by number, and the first place of each that stands in the training bytes.
        earlier = np.where(place > k, np.roll(symbols, k + 1), 0)
        longer = np.unique(earlier * (gram.max() + 1) + gram, return_inverse=True)[1]
        kinds = np.unique(longer[known], return_index=True)[1]
        counts = np.bincount(gram[known][kinds], minlength=gram.max() + 1)
        lower = _interpolated(counts, gram, context, known, lower)
        context, gram = np.where(place > 0, np.roll(gram, 1), gram.max() + 1), longer
    return probabilities


def _places(messages: list[bytes]) -> tuple[np.ndarray, np.ndarray]:
    """All bytes of the messages, as 1 to 256, and the number of bytes before each in its own message."""
    symbols = np.frombuffer(b''.join(messages), np.uint8).astype(np.int64) + 1
    lengths = np.array([len(message) for message in messages])
    return symbols, np.arange(len(symbols)) - np.repeat(np.cumsum(lengths) - lengths, lengths)


def _interpolated(
    counts: np.ndarray, gram: np.ndarray, context: np.ndarray, known: np.ndarray, lower: np.ndarray
) -> np.ndarray:
    """The probability of each byte that is not `known`: discounted counts of grams, plus the `lower` order's share.

    `counts`: those of each gram. `gram`, `context`: indices of the gram that ends with each byte, and of its context.
    """
    discounts = _discounts(counts[counts > 0])
    taken = discounts[np.minimum(counts, 3)]
    owner = np.zeros(len(counts), np.int64)
    owner[gram] = context
    total = np.bincount(owner, counts, context.max() + 1)
    left = np.divide(np.bincount(owner, taken, len(total)), total, out=np.ones(len(total)), where=total > 0)
    asked, before = gram[~known], context[~known]
    share = (counts - taken)[asked] / np.maximum(total[before], 1)
    return share + left[before] * lower


def _discounts(counts: np.ndarray) -> np.ndarray:
    """The discounts of counts of 0, 1, 2, and 3 or more, estimated from the numbers of such counts.

    A discount is one half if there are too few counts or the estimate takes nothing or all, since new bytes need a share.
    """
    n = np.bincount(np.minimum(counts, 5), minlength=6)[:5].astype(float)
    discounts = [0.0, 0.5, 0.5, 0.5]
    for i in (1, 2, 3):
        if n[1] and n[2] and n[i]:
            discount = i - (i + 1) * n[1] / (n[1] + 2 * n[2]) * n[i + 1] / n[i]
            discounts[i] = discount if 0 < discount < i else 0.5
    return np.array(discounts)


def reference_lines(name: str, bits: dict[str, float], unit: str = '', scale: float | None = None) -> list[str]:
    """A reference coder in words; where a score of 1 `unit` is `scale` bits per byte, the best one in that unit too."""
    own = '' if scale in (None, 1) else f', {bits["best"] / scale:.3f} {unit}'
    lines = [
        f'{name}: a model has to beat {bits["best"]:.3f} bits per byte{own}',
        f'  lzma after the training bytes {bits["lzma"]:.3f}, alone {bits["lzma_alone"]:.3f}',
        f'  Kneser-Ney over the last {bits["k"]} bytes {bits["order_k"]:.3f}, over none {bits["order_0"]:.3f}',
        *([f'  {bits["letters"]} different bytes, all alike {bits["uniform"]:.3f}'] if 'letters' in bits else []),
        *([f'  who knows the source {bits["source"]:.3f}: no model needs fewer but by chance'] if 'source' in bits else []),
    ]
    if 'fitted' in bits:
        polynomials = ', '.join(f'{way} {bits[way]:.3f}' for way in POLYNOMIALS)
        lines.append(
            f'  extrapolation: {polynomials}, a linear product {bits["fitted"]:.3f}, one that adapts {bits["adapted"]:.3f}'
        )
    return lines
