"""Splits: the examples that a trial may see. Tuning gets an object from which no test array can be reached."""

import dataclasses
from collections.abc import Mapping

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


def _drawn(task: Kind, study: str, name: str, replicate: int, pool: Arrays) -> tuple[np.ndarray, np.ndarray]:
    return task.split(pool, derive('split', study, name, replicate))


def training_order(task: Kind, split: Split, seed: int, steps: int, batch: int, knobs: Mapping) -> np.ndarray:
    """The examples of each step, `[steps, batch]` of indices into the pool.

    Raises ValueError where a kind that orders them itself takes others than the training examples.
    """
    order = task.example_order(split.pool, split.train, seed, steps, batch, knobs)
    if order.shape != (steps, batch) or not np.isin(order, split.train).all():
        raise ValueError(
            f"task '{task.NAME}': its order of {list(order.shape)} examples takes others than the {len(split.train)} training "
            f'ones, or not {steps} steps of {batch}; mend its `example_order`'
        )
    return order


def tuning_split(task: Kind, study: str, name: str, replicate: int, pool: Arrays) -> Split:
    """The training and tuning-validation split of the pool that a replicate of a study has, the same for every arm.

    `name` is the task's in the study. A study of another name draws other splits, so it is an independent repetition.
    """
    train, held = _drawn(task, study, name, replicate, pool)
    return Split(pool, train, task.part(pool, held))


def confirmation_split(task: Kind, study: str, name: str, replicate: int, pool: Arrays, test: Arrays) -> Split:
    """The replicate's training split, scored on the sealed test split. Each use is a read of the test data."""
    train, _ = _drawn(task, study, name, replicate, pool)
    return Split(pool, train, test)
