"""Undecided: the arms that get more replicates after a look, because it left a comparison of theirs open."""

from results.evidence import findings
from results.store.reading import Reading


def undecided_arms(reading: Reading) -> dict[str, tuple[str, ...]]:
    """By task, the arms of undecided comparisons and those that they are compared with, in the study's order.

    A task without any has an empty tuple. In a factorial study every arm enters every effect, so all go on or none.
    """
    study = reading.study
    wanted = {task.name: set() for task in study.tasks}
    for finding in findings(reading, described=False):
        if finding.verdict == 'undecided':
            wanted[finding.task] |= {finding.arm, finding.base}
    if study.levels and any(wanted.values()):
        return {task: tuple(study.arms) for task in wanted}
    for arms in wanted.values():
        # A reference may itself be compared with another arm, whose replicates it then needs beside its own.
        for arm in list(arms):
            while arm != study.base:
                arm = study.reference(arm)
                arms.add(arm)
    return {task: tuple(arm for arm in study.arms if arm in arms) for task, arms in wanted.items()}
