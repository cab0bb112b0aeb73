"""Telling: whether one number of each example alone tells its answer."""

from collections.abc import Sequence

import numpy as np

LEFT = 0.05
"""A number tells a class or a label that leaves at most this share of what the commonest answer gets wrong."""
LEFT_OF_VALUES = 0.01
"""The same of the variance of values."""
FEWEST = 40
"""Of fewer examples, or examples of a class, nothing is said."""


def telling(
    codes: np.ndarray, form: str | None, y: np.ndarray, names: Sequence[str], unit: str, left: float | None = None
) -> list[str]:
    """What a number of each example, NaN where it is missing, alone tells: a few words for each target, none of most.

    `form` and `names` are those of the targets, `unit` is what an example is called. The rule is the answer that the nearest
    number has in half of the examples, and it is tried on the other half. `left` is the share of what the commonest answer gets
    wrong that it may leave, if not the usual one.

    >>> telling(np.arange(100) % 2, 'class', np.arange(100) % 2, ['no', 'yes'], 'rows')
    ['the class of 100.0% of the rows (the commonest: 50.0%)']
    """
    least, of_values = (LEFT, LEFT_OF_VALUES) if left is None else (left, left)
    if form == 'class':
        chance, share = _share(codes, y)
        return [f'the class of {share:.1%} of the {unit} (the commonest: {chance:.1%})'] * (1 - share <= least * (1 - chance))
    said = []
    for target, own in zip(names, y.T, strict=True) if form in ('labels', 'values') else ():
        known = ~np.isnan(own)
        if form == 'labels':
            chance, share = _share(codes[known], own[known].astype(np.int64))
            if 1 - share <= least * (1 - chance):
                said.append(f"'{target}' of {share:.1%} of the {unit} (the commoner: {chance:.1%})")
        elif (share := _explained(codes[known], own[known])) >= 1 - of_values:
            said.append(f"{share:.1%} of the variance of '{target}'")
    return said


def codes_of(texts: Sequence[object]) -> np.ndarray:
    """Categories as numbers: the place of each, far from the others."""
    places = {text: place for place, text in enumerate(dict.fromkeys(texts))}
    return np.array([places[text] for text in texts], np.float64)


def numbers_rows(numbers: np.ndarray) -> bool:
    """Whether each example has another whole number, rising along the file or without large gaps."""
    if len(numbers) < FEWEST or np.isnan(numbers).any() or (numbers != np.rint(numbers)).any():
        return False
    if len(np.unique(numbers)) < len(numbers):
        return False
    return bool((np.diff(numbers) > 0).all() or np.ptp(numbers) < 2 * len(numbers))


def _halves(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The places of the rows that make a rule, and of those that try it."""
    # Rows are drawn and not taken in turn: many files alternate.
    order = np.random.default_rng(0).permutation(len(codes))
    return order[::2], order[1::2]


def _share(codes: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """How often the commonest class is right, and the class that the nearest value has most often."""
    made, tried = _halves(codes)
    counts = np.bincount(y) if len(y) else np.zeros(1, np.int64)
    if len(y) < 2 * FEWEST or np.sort(counts)[-2:].min() < FEWEST // 4 or len(counts) < 2:
        return 1.0, 0.0
    values, places = np.unique(codes[made], return_inverse=True, equal_nan=True)
    table = np.zeros((len(values), len(counts)), np.int64)
    np.add.at(table, (places.reshape(-1), y[made]), 1)
    right = table.argmax(1)[_nearest(values, codes[tried])] == y[tried]
    return float(counts.max() / len(y)), float(right.mean())


def _explained(codes: np.ndarray, y: np.ndarray) -> float:
    """The share of the variance that the mean of the nearest value explains."""
    if len(y) < FEWEST or np.ptp(y) == 0:
        return 0.0
    made, tried = _halves(codes)
    values, places = np.unique(codes[made], return_inverse=True, equal_nan=True)
    means = np.bincount(places.reshape(-1), y[made].astype(np.float64)) / np.bincount(places.reshape(-1))
    rest = y[tried] - means[_nearest(values, codes[tried])]
    return float(1 - (rest**2).sum() / max(((y[tried] - y[tried].mean()) ** 2).sum(), 1e-300))


def _nearest(values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The place of the nearest of some rising values; NaN, where it is one, stands last and is nearest to itself alone."""
    known = values[~np.isnan(values)]
    places = np.clip(np.searchsorted(known, wanted), 1, max(len(known) - 1, 1))
    below = np.minimum(places - 1, len(known) - 1)
    above = np.minimum(places, len(known) - 1)
    nearer = (
        np.where(wanted - known[below] <= known[above] - wanted, below, above) if len(known) else np.zeros(len(wanted), int)
    )
    return np.where(np.isnan(wanted), len(values) - 1, nearer)
