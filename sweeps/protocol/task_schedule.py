"""Task schedule: the trials that a study wants on one task, look by look. No jax."""

import dataclasses
from collections.abc import Mapping

from ablations.study import Study
from ablations.tasks import Task
from ablations.trial import Program
from results.selection import Selected
from sweeps.protocol.asked import Asked
from sweeps.protocol.confirmation import confirm
from sweeps.protocol.tuning import Replicates, Tuning, Wants


@dataclasses.dataclass
class TaskSchedule:
    """The decisions on one task; `recorded` is the number of wholly recorded replicates (see `ablations.trial.Schedule`)."""

    selections: dict[tuple[str, str, int], Selected | None] = dataclasses.field(default_factory=dict)
    censored: dict[tuple[str, str], list[str]] = dataclasses.field(default_factory=dict)
    extended: list[Wants] = dataclasses.field(default_factory=list)
    recorded: int = 0


def schedule_task(
    study: Study, task: Task, programs: Mapping[tuple[str, str], Program], looks: Mapping[int, Replicates], asked: Asked
) -> TaskSchedule:
    """Tune all arms, extend their ranges, select and confirm, as far as the records allow; a look waits for the one before.

    `programs` has one for each arm and optimizer, `looks` the replicates of each arm that a look adds.
    """
    tuned = [study.base] if study.recipe == 'same' else list(study.arms)
    own = {key: program for key, program in programs.items() if key[0] in tuned}
    tuning = Tuning(study, task, own, asked.records, asked.ask)
    decided = TaskSchedule(extended=tuning.rounds)
    for look, replicates in looks.items():
        first = decided.recorded == 0
        done = tuning.tune(replicates, decide=first)
        for (arm, _, replicate), trials in tuning.trials.items():
            if replicate in replicates[arm]:
                asked.by_phase.setdefault(('tune', arm, task.name, replicate), []).extend(trials)
        if not done:
            break
        left = tuning.wanted(replicates) if first else {}
        for arm in study.arms if first else ():
            wants = left.get(arm if arm in tuned else study.base, {})
            edges = [f'{optimizer} {name} {side}' for optimizer, sides in wants.items() for name, side in sides]
            decided.censored[arm, task.name] = edges
        if not confirm(study, programs, tuning, replicates, decided.selections, asked):
            break
        decided.recorded = look
    return decided
