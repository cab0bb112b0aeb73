"""Batches: the number of examples in a step as a tuned value. All runs see the same examples, so steps follow from it.

With matched compute an arm sees as many as cost what the base's cost, rounded to whole evaluations (results/budgets.py).
"""

import itertools
from collections.abc import Iterable, Mapping

TUNED = 'batch'
"""The tuned value that is no traced number: trials with other batches are other programs."""


def batches_of(tune: Mapping[str, Mapping]) -> list[int]:
    """The batches that search spaces tune, from the smallest."""
    return sorted({int(batch) for space in tune.values() if TUNED in space for batch in space[TUNED].values})


def check_batches(study: str, tune: Mapping[str, Mapping], tasks: Iterable, budget: str) -> None:
    """Raise ValueError where a tuned batch would make runs of other examples, or steps that evaluations do not divide.

    Where compute is matched the plan rounds, once costs are known.
    """
    batches = batches_of(tune) if budget == 'trials' else []
    for task, batch in itertools.product(tasks, batches):
        examples = task.steps * task.batch
        if examples % (batch * task.evaluations):
            raise ValueError(
                f"study '{study}': batch {batch} on task '{task.name}' makes {examples / batch:g} steps of {examples} "
                f'examples; allowed: whole multiples of its {task.evaluations} evaluations; choose other batches or other steps'
            )
