"""Remembered: results of surfaces, by the hash of their trials; a plan mostly repeats the one before."""

import hashlib
from collections.abc import Callable, Sequence

import numpy as np

KNOWN: dict[str, list] = {}
"""What this process has worked out, or an earlier one saved (results/store/selection_cache.py): plain lists and numbers."""
MOST_KNOWN = 1 << 15


Asked = tuple[np.ndarray, np.ndarray, object]
"""Units `[n, d]` and scores `[n]` of trials, and what else a result depends on."""


def remembered(what: str, asked: Sequence[Asked], work_out: Callable[[list[int]], list[list]]) -> list[list]:
    """The results of a function of trials, each worked out once.

    `what` names the function, and `work_out` gives its results at some places of `asked`: lists of lists, numbers and texts.

    >>> trials = np.zeros((1, 1)), np.zeros(1), 0
    >>> remembered('example', [trials], lambda places: [[1.0]]), remembered('example', [trials], lambda places: [[2.0]])
    ([[1.0]], [[1.0]])
    """
    keys = [_key(what, *one) for one in asked]
    results = {key: KNOWN[key] for key in keys if key in KNOWN}
    new = {key: place for place, key in enumerate(keys) if key not in results}
    for key, made in zip(new, work_out(list(new.values())) if new else (), strict=True):
        while len(KNOWN) >= MOST_KNOWN:
            del KNOWN[next(iter(KNOWN))]
        results[key] = KNOWN[key] = made
    return [results[key] for key in keys]


def _key(what: str, units: np.ndarray, scores: np.ndarray, about: object) -> str:
    units, scores = np.ascontiguousarray(units, float), np.ascontiguousarray(scores, float)
    told = repr((what, units.shape, about)).encode()
    return hashlib.sha256(told + units.tobytes() + scores.tobytes()).hexdigest()[:32]
