"""Halvings: the shares of their steps at which a tuning stops the worse half of its runs."""

import itertools
from collections.abc import Iterable

from ablations.tasks import Task

ROUNDING = 1e-6
"""How far a share of the steps may lie from a whole number of them."""


def checked_halvings(study: str, given: object, tasks: Iterable[Task], batches: Iterable[float]) -> tuple[float, ...]:
    """The shares in a study's `halvings`; raises ValueError where one is no whole number of steps.

    `batches` are those that the study tunes: trials of other batches have other steps, and all stop after the same examples.
    None are given where compute is matched: there steps are rounded, and so are stops.
    """
    shares = tuple(given) if isinstance(given, (tuple, list)) else (given,)
    numbers = all(isinstance(share, (int, float)) and not isinstance(share, bool) and 0 < share < 1 for share in shares)
    if not numbers or list(shares) != sorted(set(shares)):
        raise ValueError(
            f"study '{study}': halvings={given!r}; allowed: rising shares of the steps between 0 and 1, such as (0.3,), or ()"
        )
    batches = list(batches)
    for task, share in itertools.product(tasks, shares):
        for batch in {task.batch, *batches}:
            steps = task.steps * task.batch / batch
            if abs(share * steps - round(share * steps)) > ROUNDING * steps or round(share * steps) < 1:
                raise ValueError(
                    f"study '{study}': halvings={given!r}: on task '{task.name}' {share:g} of {steps:g} steps of {batch:g} are "
                    f'{share * steps:g}; allowed: whole numbers of steps, such as {max(round(share * steps), 1) / steps:g}'
                )
    return tuple(map(float, shares))


def going_on(count: int) -> int:
    """How many of so many runs go on after a halving: the larger half.

    >>> going_on(6), going_on(5), going_on(1)
    (3, 3, 1)
    """
    return (count + 1) // 2
