"""Splits: the examples that a trial may see. Tuning gets an object from which no test array can be reached."""

import dataclasses

import numpy as np

from ablations.seeds import derive
from sweeps.tasks.arrays import Arrays
from sweeps.tasks.kind import Kind


@dataclasses.dataclass(frozen=True)
class Split:
    """Training examples, as indices into `pool`, and the examples to score a trial on."""

    pool: Arrays
    train: np.ndarray
    held: Arrays


def _drawn(task: Kind, name: str, replicate: int, pool: Arrays) -> tuple[np.ndarray, np.ndarray]:
    return task.split(pool, derive('split', name, replicate))


def tuning_split(task: Kind, name: str, replicate: int, pool: Arrays) -> Split:
    """The replicate's own training and tuning-validation split of the pool, the same for every arm."""
    train, held = _drawn(task, name, replicate, pool)
    return Split(pool, train, task.part(pool, held))


def confirmation_split(task: Kind, name: str, replicate: int, pool: Arrays, test: Arrays) -> Split:
    """The replicate's training split, scored on the sealed test split. Each use is a read of the test data."""
    train, _ = _drawn(task, name, replicate, pool)
    return Split(pool, train, test)
