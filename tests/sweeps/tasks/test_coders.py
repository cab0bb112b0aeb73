"""Reference coders: probabilities that sum to one, the formula written out again with dictionaries, and known entropies."""

import collections
import lzma
import math

import numpy as np
import pytest

from sweeps.tasks import coders
from sweeps.tasks.coders import order_bits, order_probabilities, packed, reference, reference_bits, reference_lines
from sweeps.tasks.probes.recall import Recall


def slow_kneser_ney(train: list[bytes], history: list[int], byte: int, k: int, highest: bool = True) -> float:
    """The definition, gram by gram: Chen and Goodman 1998, equations of the modified, interpolated form."""
    if k < 0:
        return 1 / 256
    grams, longer = collections.Counter(), set()
    for message in train:
        padded = [-1] * (k + 1) + list(message)
        for end in range(k + 1, len(padded)):
            grams[tuple(padded[end - k : end + 1])] += 1
            longer.add(tuple(padded[end - k - 1 : end + 1]))
    counts = grams if highest else collections.Counter(gram[1:] for gram in longer)
    n = [sum(count == i for count in counts.values()) for i in range(5)]
    discount = {1: 0.5, 2: 0.5, 3: 0.5}
    if n[1] and n[2]:
        y = n[1] / (n[1] + 2 * n[2])
        for i in (1, 2, 3):
            if n[i]:
                told = i - (i + 1) * y * n[i + 1] / n[i]
                discount[i] = told if 0 < told < i else 0.5
    context = tuple(history[len(history) - k :])
    follow = {gram[-1]: count for gram, count in counts.items() if gram[:-1] == context}
    below = slow_kneser_ney(train, history, byte, k - 1, False)
    if not follow:
        return below
    total, count = sum(follow.values()), follow.get(byte, 0)
    taken = discount[min(count, 3)] if count else 0
    return (count - taken) / total + sum(discount[min(c, 3)] for c in follow.values()) / total * below


TRAIN = [b'abracadabra', b'abra', b'cadabra cadabra', b'a', b'', b'barbara']


@pytest.mark.parametrize('k', range(4))
def test_probabilities_are_those_of_the_definition(k: int):
    test = [b'abracad', b'zebra', b'', b'aaaa']
    probabilities = order_probabilities(TRAIN, test, orders=3)[k]
    wanted = [
        slow_kneser_ney(TRAIN, [-1] * k + list(message[:place]), message[place], k)
        for message in test
        for place in range(len(message))
    ]
    np.testing.assert_allclose(probabilities, wanted, rtol=1e-12)


@pytest.mark.parametrize('context', [b'', b'ab', b'abr', b'zz', b'cadabra'])
def test_probabilities_of_all_next_bytes_sum_to_one(context: bytes):
    test = [context + bytes([byte]) for byte in range(256)]
    for probabilities in order_probabilities(TRAIN, test, orders=5):
        assert probabilities[len(context) :: len(context) + 1].sum() == pytest.approx(1)


def test_no_byte_is_impossible():
    """Counts that tell to take nothing from any: 4 letters, each once and twice more often than the last."""
    for train in ([b'abcd' * 500], [b'a'], [b'abbcccdddd'], [b'aabbccdd']):
        for probabilities in order_probabilities(train, [b'zab', b'dq'], orders=4):
            assert (probabilities > 0).all()


def test_an_even_coin_costs_a_bit_and_longer_contexts_do_not_help():
    generator = np.random.default_rng(0)
    train, test = (generator.integers(0, 2, 40_000).astype(np.uint8).tobytes() for _ in range(2))
    bits = order_bits([train], [test], orders=3)
    np.testing.assert_allclose(bits, 1, atol=0.01)


def test_a_markov_chain_costs_its_entropy_rate():
    # From either state it stays with probability 0.9: H(0.1) bits a symbol, one bit where the last one is not known.
    generator = np.random.default_rng(1)
    chain = (np.cumsum(generator.random(80_000) < 0.1) % 2).astype(np.uint8).tobytes()
    rate = -0.1 * math.log2(0.1) - 0.9 * math.log2(0.9)
    bits = order_bits([chain[:60_000]], [chain[60_000:]], orders=2)
    np.testing.assert_allclose(bits, [1, rate, rate], atol=0.015)
    known = reference_bits([chain[:60_000]], [chain[60_000:]])
    assert known['best'] == known['order_k'] == pytest.approx(rate, abs=0.015)
    assert known['k'] >= 1 and known['lzma'] > rate


def test_bases_cost_two_bits_where_nothing_tells_of_them_and_their_entropy_rate_where_two_before_do():
    """As DNA is judged: against two bits a base, and a context model that is told nothing of the length of contexts."""
    generator = np.random.default_rng(4)
    even = [bytes(row) for row in np.frombuffer(b'ACGT', np.uint8)[generator.integers(0, 4, (60, 1000))]]
    bits = reference_bits(even[:50], even[50:])
    assert bits['letters'] == 4 and bits['uniform'] == 2 and bits['order_0'] == pytest.approx(2, abs=0.01)
    assert bits['best'] == pytest.approx(2, abs=0.01)
    law = generator.dirichlet(np.full(4, 0.5), 16)
    states, bases = generator.integers(0, 16, 100), []
    for _ in range(1000):
        # The law of a base given the two before it.
        bases.append((generator.random(100)[:, None] >= np.cumsum(law[states], 1)[:, :-1]).sum(1))
        states = states % 4 * 4 + bases[-1]
    chains = np.stack(bases, 1)
    pairs = 4 * chains[:, :-2] + chains[:, 1:-1]
    rate = float((-(law * np.log2(law)).sum(1))[pairs].mean())
    rows = [bytes(row) + b'\n' for row in np.frombuffer(b'ACGT', np.uint8)[chains]]
    bits = reference_bits(rows[:80], rows[80:])
    assert bits['best'] == bits['order_k'] == pytest.approx(rate, abs=0.03) and 2 <= bits['k'] <= 5
    assert bits['letters'] == 4 and rate + 0.2 < bits['order_0']


def test_the_length_of_contexts_is_chosen_on_training_messages_alone():
    """Of a chain of order 1, whatever is asked about: a text of longer contexts, or one without any."""
    generator = np.random.default_rng(6)
    chain, coin = bytearray(b'a'), bytes(generator.integers(97, 99, 2000, dtype=np.uint8))
    for flips in generator.random(4000) < 0.1:
        chain.append(chain[-1] ^ 3 if flips else chain[-1])
    chosen = {reference_bits([bytes(chain)], [asked])['k'] for asked in (coin, b'aabb' * 500, bytes(chain[:50]))}
    assert chosen == {int(np.argmin(order_bits([bytes(chain[:3600])], [bytes(chain[3600:])])))} != {0}


def test_lzma_copies_what_it_has_seen():
    noise = np.random.default_rng(2).integers(0, 256, 30_000).astype(np.uint8).tobytes()
    bits = reference_bits([noise], [noise[10_000:20_000]])
    assert bits['lzma'] < 0.5 and bits['best'] == min(bits['lzma'], bits['order_k'])
    assert bits['lzma_alone'] == 8 * packed(noise[10_000:20_000]) / 10_000 > 8


def test_messages_know_nothing_of_each_other():
    test = [b'abra', b'cad']
    together = order_probabilities(TRAIN, test, orders=2)[2]
    apart = np.concatenate([order_probabilities(TRAIN, [message], orders=2)[2] for message in test])
    np.testing.assert_allclose(together, apart, rtol=1e-12)


class Messages(Recall):
    """A task whose examples are messages."""

    def messages(self, sealed: bool) -> list[bytes]:
        return [b'ab' * 10] if sealed else [b'ab' * 200]


def test_the_reference_of_a_task():
    bits = reference(Messages())
    assert bits == reference_bits([b'ab' * 200], [b'ab' * 10]) and bits['best'] < 1
    assert f'{bits["best"]:.3f} bits per byte' in reference_lines('messages', bits)[0]
    with pytest.raises(ValueError, match="'recall' is no task over bytes"):
        reference(Recall())


@pytest.mark.parametrize(
    ('train', 'test', 'side'), [([], [b'a'], 'training'), ([b''], [b'a'], 'training'), ([b'a'], [b''], 'test')]
)
def test_no_bytes_are_refused(train: list[bytes], test: list[bytes], side: str):
    with pytest.raises(ValueError, match=f'no {side} bytes; a reference coder needs some on both sides'):
        reference_bits(train, test)


@pytest.mark.parametrize(
    ('train', 'letters'),
    [([b'ab\n', b'b\n'], 2), ([b'ab\n', b'b'], 3), ([b'a\nb\n'], 3), ([b'\n'], 0), ([b'a'], 1)],
)
def test_line_ends_are_no_letters_where_every_message_has_one(train: list[bytes], letters: int):
    bits = reference_bits(train, [b'ab'])
    assert (bits['letters'], bits['uniform']) == (letters, math.log2(max(letters, 1)))


BITS = {'lzma': 1.5, 'lzma_alone': 2.25, 'order_k': 1.25, 'k': 3, 'best': 1.25, 'order_0': 4.0}


def test_a_reference_coder_is_said_in_words():
    assert reference_lines('mine', BITS) == [
        'mine: a model has to beat 1.250 bits per byte',
        '  lzma after the training bytes 1.500, alone 2.250',
        '  Kneser-Ney over the last 3 bytes 1.250, over none 4.000',
    ]
    more = {**BITS, 'letters': 4, 'uniform': 2.0, 'source': 1.125}
    assert reference_lines('mine', more)[3:] == [
        '  4 different bytes, all alike 2.000',
        '  who knows the source 1.125: no model needs fewer but by chance',
    ]
    numbers = {**BITS, 'last': 5.0, 'linear': 4.5, 'quadratic': 4.75, 'fitted': 3.0, 'adapted': 2.0}
    assert reference_lines('mine', numbers)[-1] == (
        '  extrapolation: last 5.000, linear 4.500, quadratic 4.750, a linear product 3.000, one that adapts 2.000'
    )


@pytest.mark.parametrize(('scale', 'said'), [(None, ''), (1, ''), (1.0, ''), (0.5, ', 2.500 bits per event')])
def test_the_best_coder_is_told_in_the_unit_of_the_task_too(scale: float | None, said: str):
    assert reference_lines('mine', BITS, 'bits per event', scale)[0] == f'mine: a model has to beat 1.250 bits per byte{said}'


def test_the_window_of_lzma_is_as_wide_as_what_it_packs(monkeypatch: pytest.MonkeyPatch):
    """From 4 kB to a gigabyte, which is what the format has."""

    class Long(bytes):
        def __len__(self) -> int:
            return 2**31

    asked = []
    monkeypatch.setattr(lzma, 'compress', lambda content, form, filters: asked.append((form, filters)) or b'12')
    assert [packed(content) for content in (b'', b'a' * 4096, b'a' * 5000, Long())] == [2] * 4
    best = {'id': lzma.FILTER_LZMA2, 'preset': 9 | lzma.PRESET_EXTREME}
    assert asked == [(lzma.FORMAT_RAW, [{**best, 'dict_size': size}]) for size in (4096, 4096, 5000, 2**30)]


@pytest.mark.parametrize(
    ('messages', 'first', 'last'),
    [
        ([b'a', b'b', b'c', b'd', b'e', b'f', b'g', b'h', b'i', b'j'], [], [b'j']),
        ([b'ab'] * 9, [b'ab' * 8], [b'ab']),
        ([b'a'], [b'a'], [b'a']),
        ([b'abc'], [b'ab'], [b'c']),
        ([b'x', b'y'] * 10, [b'x', b'y'] * 9, [b'x', b'y']),
    ],
)
def test_the_length_of_contexts_is_tried_on_the_last_tenth(messages: list[bytes], first: list[bytes], last: list[bytes]):
    assert coders._last_tenth(messages) == (first or messages[:9], last)


def test_numbers_are_coded_with_as_many_bits_as_their_tokens_need(monkeypatch: pytest.MonkeyPatch):
    class Numbers(Messages):
        tokens = 5

        def numbers(self, sealed: bool) -> np.ndarray:
            return np.full((1, 2, 3), int(sealed))

        def token_count(self) -> int:
            return self.tokens

    asked = []
    monkeypatch.setattr(coders, 'number_bits', lambda train, test, bits: asked.append((train, test, bits)) or {'last': -1.0})
    for tokens in (2, 4, 5, 256, 257):
        monkeypatch.setattr(Numbers, 'tokens', tokens)
        assert reference(Numbers())['best'] == -1.0
    assert [bits for *_, bits in asked] == [1, 2, 3, 8, 9] and not asked[0][0].any() and asked[0][1].all()


def test_the_length_of_contexts_is_chosen_by_the_bytes_that_are_asked_for():
    """What is given takes six bytes before it to be told, and what follows is a coin, of which they tell nothing."""
    coins = np.random.default_rng(0).integers(0, 2, (200, 8)).astype(np.uint8)
    rows = [b'aaaaabaaaaab' + bytes(row) for row in coins]
    whole, asked = reference_bits(rows[:150], rows[150:]), reference_bits(rows[:150], rows[150:], 12)
    tried = order_bits(rows[:135], rows[135:150], given=12)
    assert asked['k'] == int(np.argmin(tried)) < 5 < whole['k']
