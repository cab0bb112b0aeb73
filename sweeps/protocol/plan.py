"""Plan: from a study and its records to the next trials. A pure function; no jax.

Per task: tune every arm; select a point for each replicate; confirm it with fresh seeds on the sealed test split; confirm every
arm at the base's point too. Replicates of a later look wait for the earlier look.

Every replicate of every arm is tuned on its own (sweeps/protocol/tuning.py): its last trials go past an edge of the ranges
where its own trials point there. A shared decision would be a chance that the spread of replicates does not show. With one
decision for all, intervals of an arm whose optimum lies outside held the truth in 66 % of simulated studies (LOG.md).
"""

import itertools
from collections.abc import Callable, Mapping

from ablations.batches import batches_of
from ablations.study import Study
from ablations.tasks import Task
from ablations.trial import Schedule, Trial
from results.budgets import ROUNDING, matches, step_flops, steps_at_equal_compute, whole_evaluations
from results.store.reading import Reading
from results.undecided import undecided_arms
from sweeps.protocol.asked import Asked
from sweeps.protocol.task_schedule import TaskSchedule


def steps(study: Study, arm: str, task: Task, costs: Mapping, batch: int | None = None) -> int:
    """The training steps of an arm: the task's, or with matched compute as many as cost the same as the base's.

    `batch` is a tuned one in place of the task's. Rounded to a multiple of the task's evaluations, with matched compute. Raises
    ValueError where that lacks costs.
    """
    batch = batch or task.batch
    if study.budget == 'trials':
        return task.steps * task.batch // batch
    base_flops, flops = (step_flops(costs, name, task.name) for name in (study.base, arm))
    if not (base_flops and flops):
        raise ValueError(
            f"study '{study.name}' matches compute, and what '{arm}' costs on '{task.name}' is not known yet; start it with "
            '`archlab run`, which counts costs first'
        )
    exact = steps_at_equal_compute(task, flops, base_flops, batch)
    rounded = whole_evaluations(exact, task.evaluations)
    if not matches(rounded, exact, task.evaluations):
        of, more = ('', '') if batch == task.batch else (f' of {batch}', ', or leave that batch out')
        raise ValueError(
            f"study '{study.name}' matches compute: '{arm}' on '{task.name}' would take {exact:.1f} steps{of}, or {rounded} as "
            f'a multiple of {task.evaluations} evaluations: more than {ROUNDING:.0%} off; '
            f'give the task more steps or fewer evaluations{more}'
        )
    return rounded


def schedule(
    study: Study, records: Mapping[str, dict], manifest: Mapping, answer: Callable[[list[Trial]], list[dict]] | None = None
) -> Schedule:
    """Everything that the study wants so far, recorded or not. A new record never changes what was already wanted.

    A look waits until the look before it is recorded on every task. Then only undecided arms get more replicates, and so do
    their references. `answer` makes the records of trials that have none, in a simulated study: they go into `records`, and the
    schedule comes out complete.
    """
    costs, asked = manifest.get('costs', {}), Asked(records, answer)
    lengths = {(arm, task.name): steps(study, arm, task, costs) for arm in study.arms for task in study.tasks}
    batches = batches_of(study.tune) if study.budget == 'compute' else []
    of_tasks = {}
    for task in study.tasks:
        programs = {
            (arm, optimizer): study.program(arm, task.name, optimizer, lengths[arm, task.name]).with_steps(
                {batch: steps(study, arm, task, costs, batch) for batch in batches}
            )
            for arm in study.arms
            for optimizer in study.optimizers_of(arm)
        }
        of_tasks[task.name] = TaskSchedule(study, task, programs, asked)
    parts, going = {}, {task.name: tuple(study.arms) for task in study.tasks}

    def made(look: int, complete: bool) -> Schedule:
        return Schedule(
            trials=tuple(asked.trials.values()),
            asked=asked.by_phase,
            selections={key: point for one in of_tasks.values() for key, point in one.selections.items()},
            censored={key: edges for one in of_tasks.values() for key, edges in one.censored.items()},
            extended={task: one.extended for task, one in of_tasks.items()},
            budgets=asked.budgets(study.arms, study.tasks, lengths, costs),
            look=look,
            complete=complete,
            parts=parts,
        )

    for before, look in itertools.pairwise((0, *study.looks)):
        done = True
        for name, of_task in of_tasks.items():
            parts[look, name] = going[name]
            replicates = {
                arm: range(study.count(arm, before), study.count(arm, look) if arm in going[name] else study.count(arm, before))
                for arm in study.arms
            }
            done &= not going[name] or of_task.advance(replicates, first=before == 0)
        if not done:
            return made(before, False)
        if look == study.looks[-1]:
            break
        going = undecided_arms(Reading(study, made(look, False), records, manifest))
        if not any(going.values()):
            break
    return made(look, True)


def plan(study: Study, records: Mapping[str, dict], manifest: Mapping) -> list[Trial]:
    """The trials to run next: those of the schedule without a record. Empty when the study is complete.

    `records` maps trial ids to records; `manifest` may hold the costs of arms and tasks.
    """
    return [trial for trial in schedule(study, records, manifest).trials if trial.id not in records]
