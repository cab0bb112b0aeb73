"""Task schedule: the trials that a study wants on one task, look by look. No jax."""

from collections.abc import Mapping

from ablations.study import Study
from ablations.tasks import Task
from ablations.trial import Program
from results.edges import Side
from results.selection import Selected
from sweeps.protocol.asked import Asked
from sweeps.protocol.confirmation import confirm
from sweeps.protocol.tuning import Key, Replicates, Tuning


class TaskSchedule:
    """The decisions on one task so far: selected points, edges at which an optimum lies, extended ranges.

    `programs` has one for each arm and optimizer. See `ablations.trial.Schedule`.
    """

    def __init__(self, study: Study, task: Task, programs: Mapping[tuple[str, str], Program], asked: Asked):
        self.study, self.task, self.programs, self.asked = study, task, programs, asked
        self.tuned = [study.base] if study.recipe == 'same' else list(study.arms)
        own = {key: program for key, program in programs.items() if key[0] in self.tuned}
        self.tuning = Tuning(study, task, own, asked.records, asked.ask)
        self.selections: dict[tuple[str, str, int], Selected | None] = {}
        self.censored: dict[tuple[str, str], list[str]] = {}

    @property
    def extended(self) -> dict[Key, list[list[Side]]]:
        """By arm, optimizer and replicate, the sides that each round extended; without those that extended none."""
        return {key: rounds for key, rounds in self.tuning.extended.items() if any(rounds)}

    def advance(self, replicates: Replicates, first: bool) -> bool:
        """Tune, select and confirm these replicates as far as the records allow; gives whether all of it is recorded.

        The `first` look says of whom an optimum lies at an edge.
        """
        done = self.tuning.tune(replicates)
        for (arm, _, replicate), trials in self.tuning.trials.items():
            if replicate in replicates[arm]:
                self.asked.by_phase.setdefault(('tune', arm, self.task.name, replicate), []).extend(trials)
        if not done:
            return False
        if first:
            self._note_edges(replicates)
        return confirm(self.study, self.programs, self.tuning, replicates, self.selections, self.asked)

    def _note_edges(self, replicates: Replicates) -> None:
        """Note the sides past which an arm would still have its range extended."""
        left = self.tuning.sides_left(replicates)
        for arm in self.study.arms:
            wants = left.get(arm if arm in self.tuned else self.study.base, {})
            edges = [f'{optimizer} {name} {side}' for optimizer, sides in wants.items() for name, side in sides]
            self.censored[arm, self.task.name] = edges
