"""Leaks: outputs that depend on inputs they must not see, detected by changing inputs and comparing outputs.

Gradients miss signs, ranks, counts and thresholds, because these have gradient 0 almost everywhere; outputs do not. Both runs
use one compiled program and inputs of one shape. So outputs that do not depend on a change are equal up to rounding, in
programs that compute positions together (a Fourier transform) or examples together (a matrix product).
"""

from collections.abc import Callable, Iterator

import numpy as np

ROUNDING = 32 * float(np.finfo(np.float32).eps)
"""A share of the largest output. A product or transform over n numbers rounds by about log2(n) eps of its largest one, in
each of a handful of layers."""
WIDE, LARGE, SMALL = 10.0, 1e3, 1e-3


def changes(part: np.ndarray, generator: np.random.Generator, ids: int | None = None) -> Iterator[tuple[str, np.ndarray]]:
    """Other values for a part of an input, each with the name of the change; `ids`: the number of ids, None for numbers.

    A shuffle permutes the second axis, the positions of a sequence or the rows of a map.
    """
    yield 'reversed', part[:, ::-1]
    yield 'shuffled', part[:, generator.permutation(part.shape[1])]
    if ids is not None:
        yield 'other ids', generator.integers(ids, size=part.shape, dtype=part.dtype)
        yield 'the next ids', ((part + 1) % ids).astype(part.dtype)
        for id in sorted({0, ids - 1}):
            yield f'all {id}', np.full_like(part, id)
        yield 'sorted', np.sort(part, 1)
        return
    for name, values in (
        ('negated', -part),
        ('positive', np.abs(part)),
        ('negative', -np.abs(part)),
        ('all 0', 0 * part),
        ('all 1', 0 * part + 1),
        ('other numbers', generator.normal(size=part.shape)),
        ('wide numbers', generator.uniform(-WIDE, WIDE, part.shape)),
        ('large numbers', LARGE * generator.normal(size=part.shape)),
        ('small numbers', SMALL * part),
        ('rounded', np.round(part)),
        ('sorted', np.sort(part, 1)),
    ):
        yield name, values.astype(part.dtype)


def unlike(before: np.ndarray, after: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Where the outputs before and after a change differ by more than rounding: a share of the largest number in `whole`.

    `whole` is all of the output after the change. Where it has no finite number, nothing counts as different. Where one of
    two outputs is not finite, they differ.
    """
    before, after = np.asarray(before, np.float64), np.asarray(after, np.float64)
    finite = np.isfinite(whole)
    if not finite.any():
        return np.zeros(before.shape, bool)
    scale = max(np.abs(before[np.isfinite(before)]).max(initial=0), np.abs(whole[finite]).max())
    with np.errstate(invalid='ignore'):
        return (np.isfinite(before) != np.isfinite(after)) | (np.abs(before - after) > ROUNDING * scale)


def later_leak(run: Callable, x: np.ndarray, cuts: list[int], ids: int | None = None, thorough: bool = True) -> str:
    """A description of what an output sees of later positions, or ''. `run` maps x `[B, N, ...]` to `[B, M, ...]`.

    The positions from each cut on are changed: if `thorough` in every way, else in one way, a different one from cut to cut. If
    M is below N, as after a filter with a stride, output m stands at position m N/M.
    """
    generator = np.random.default_rng(11)
    before = np.asarray(run(x))
    for number, cut in enumerate(cuts):
        tried = list(changes(x[:, cut:], generator, ids))
        for name, part in tried if thorough else [tried[number % len(tried)]]:
            after = np.asarray(run(np.concatenate([x[:, :cut], part], 1)))
            earlier = -(-cut * before.shape[1] // x.shape[1])
            seen = unlike(before[:, :earlier], after[:, :earlier], after)
            if seen.any():
                token = int(np.argwhere(seen)[0][1])
                return f'token {token} sees what comes from token {cut} on ({name})'
    return ''


def sees_nothing(run: Callable, x: np.ndarray, ids: int | None = None) -> bool:
    """Whether the last output is the same whatever the input is."""
    before = np.asarray(run(x))
    return not any(
        unlike(before[:, -1], (after := np.asarray(run(np.asarray(changed))))[:, -1], after).any()
        for _, changed in changes(x, np.random.default_rng(12), ids)
    )


def example_leak(run: Callable, x: np.ndarray, ids: int | None = None) -> str:
    """A description of what an example sees of others in its batch, or ''. `run` maps x `[B, ...]` to `[B, ...]`."""
    generator = np.random.default_rng(13)
    before = np.asarray(run(x))
    for own in (0, len(x) // 2, len(x) - 1):
        for name, changed in changes(x, generator, ids):
            changed = np.array(changed)
            changed[own] = x[own]
            after = np.asarray(run(changed))
            if unlike(before[own], after[own], after).any():
                return f'example {own} sees the others of its batch ({name})'
    return ''


def order_leak(run: Callable, x: np.ndarray, tolerance: float) -> str:
    """A description of what an output sees of the order of positions, or ''. `run` maps x `[B, N, ...]` to `[B, N, ...]`.

    Sums in another order round differently: `tolerance` is a share of the largest output.
    """
    generator, count = np.random.default_rng(3), x.shape[1]
    before = np.asarray(run(x), np.float64)
    for order in (generator.permutation(count), np.arange(count)[::-1], np.roll(np.arange(count), 1)):
        far = np.abs(np.asarray(run(x[:, order]), np.float64) - before[:, order]).max()
        if not far <= tolerance * max(1.0, np.abs(before).max()):
            return f'another order changes the outputs by {far:.1e}'
    return ''
