"""Confirmation: the selected points of a task's arms, and the runs with fresh seeds that confirm them. No jax."""

from collections.abc import Mapping

from ablations.seeds import derive
from ablations.study import Study
from ablations.trial import TEST, Program, Trial
from results.selection import Selected
from sweeps.protocol.asked import Asked
from sweeps.protocol.tuning import Replicates, Tuning


def confirm(
    study: Study,
    programs: Mapping[tuple[str, str], Program],
    tuning: Tuning,
    replicates: Replicates,
    selections: dict[tuple[str, str, int], Selected | None],
    asked: Asked,
) -> bool:
    """Select a point for these replicates of each arm and ask for its confirmations; gives whether all are recorded.

    An arm is confirmed at its own point and, where the study shares, at the base's ('share'), with the same seeds for all arms;
    an arm that has not the base's optimizers is not, because it may not have the one of that point.
    An arm without tuning takes the base's points. The points go into `selections`.
    """
    task = tuning.task.name
    selections.update({(arm, task, replicate): point for (arm, replicate), point in tuning.selected(replicates).items()})
    for arm in study.arms:
        for replicate in replicates[arm] if arm not in tuning.arms else ():
            selections[arm, task, replicate] = selections[study.base, task, replicate]
    asked_for = []
    for phase in ('confirm', 'share') if study.share else ('confirm',):
        for arm in study.arms if phase == 'confirm' else filter(study.is_shared, study.arms):
            for replicate in replicates[arm]:
                point = selections[arm if phase == 'confirm' else study.base, task, replicate]
                trials = []
                for index in range(study.seeds if point is not None else 0):
                    knobs = {**study.fixed_of(arm), **dict(point.knobs)}
                    program = programs[arm, point.optimizer].at(knobs)
                    seed = derive('confirm', study.name, task, replicate, index)
                    trials.append(Trial(program, replicate, tuple(sorted(knobs.items())), seed, TEST, phase))
                asked.by_phase[phase, arm, task, replicate] = trials
                asked_for += trials
    return asked.ask(asked_for)
