"""Plan: from a study and what is recorded to the trials that come next. A pure function; no jax.

Per task: tune every arm; extend ranges at most twice; select a point for each replicate; confirm it with fresh seeds on the
sealed test split; confirm every arm at the base's point too. Replicates of a later look wait for the earlier look and follow
the extensions that it decided.

A side that one arm wants extended is extended for every arm. To extend each arm's ranges alone, with as many extra trials for
the others inside their own, would be equal in budget but not in the space searched: the decision is one noisy draw per arm
that all its replicates share, so that the spread over replicates does not show it. Simulated on identical arms whose optimum
lies outside the range, claims of a difference fell from 15 to 41 % of studies to 0 to 2 % (LOG.md).
"""

from collections.abc import Mapping

from ablations.seeds import derive
from ablations.study import Study
from ablations.tasks import Task
from ablations.trial import TEST, Schedule, Trial
from results.budgets import ROUNDING, matches, step_flops, steps_at_equal_compute, whole_evaluations
from results.selection import select
from sweeps.protocol.tuning import ROUNDS, Tuning


class _Builder:
    """A schedule in the making."""

    def __init__(self, study: Study, records: Mapping[str, dict], costs: Mapping):
        self.study, self.records = study, records
        self.trials, self.asked, self.selections, self.censored, self.extended = {}, {}, {}, {}, {}
        self.steps = {(arm, task.name): steps(study, arm, task, costs) for arm in study.arms for task in study.tasks}
        self.programs = {
            task.name: {
                (a, o): study.program(a, task.name, o, self.steps[a, task.name]) for a in study.arms for o in study.tune
            }
            for task in study.tasks
        }

    def ask(self, trials: list[Trial]) -> bool:
        """Put trials on the schedule; True where all are recorded."""
        for trial in trials:
            self.trials.setdefault(trial.id, trial)
        return all(trial.id in self.records for trial in trials)

    def task(self, name: str) -> int:
        """Schedule a task as far as the records allow; the number of replicates that are wholly recorded."""
        study = self.study
        tuned = [study.base] if study.recipe == 'same' else list(study.arms)
        tuning = Tuning(study, name, {key: program for key, program in self.programs[name].items() if key[0] in tuned})
        first = range(study.looks[0])
        for number, look in enumerate(study.looks):
            before = study.looks[number - 1] if number else 0
            replicates = range(before, look)
            done = tuning.start(replicates, self.records, self.ask)
            for _ in range(ROUNDS if number == 0 and study.extension else 0):
                wants = tuning.wanted(self.records, first) if done else {}
                if not wants:
                    break
                done = self.ask(tuning.extend(wants, first))
            for (arm, _, replicate), trials in tuning.trials.items():
                if study.count(arm, before) <= replicate < study.count(arm, look):
                    self.asked.setdefault(('tune', arm, name, replicate), []).extend(trials)
            self.extended[name] = tuning.rounds
            if not done:
                return before
            if number == 0:
                left = tuning.wanted(self.records, first)
                for arm in study.arms:
                    sides = left.get(arm if arm in tuned else study.base, {})
                    self.censored[arm, name] = [f'{o} {n} {s}' for o, found in sides.items() for n, s in found]
            if not self._confirm(name, tuning, replicates):
                return before
        return study.looks[-1]

    def _confirm(self, task: str, tuning: Tuning, replicates: range) -> bool:
        study, done = self.study, True
        own = {arm: range(study.count(arm, replicates.start), study.count(arm, replicates.stop)) for arm in study.arms}
        for arm in tuning.arms:
            for replicate in own[arm]:
                tuned = {optimizer: tuning.tuned((arm, optimizer, replicate), self.records) for optimizer in study.tune}
                self.selections[arm, task, replicate] = select(tuned, study.tune)
        for arm in study.arms:
            for replicate in own[arm] if arm not in tuning.arms else ():
                self.selections[arm, task, replicate] = self.selections[study.base, task, replicate]
        for phase in ('confirm', 'share'):
            for arm in study.arms:
                for replicate in own[arm]:
                    point = self.selections[arm if phase == 'confirm' else study.base, task, replicate]
                    trials = [] if point is None else self._confirmations(task, arm, replicate, point, phase)
                    self.asked[phase, arm, task, replicate] = trials
                    done &= self.ask(trials)
        return done

    def _confirmations(self, task: str, arm: str, replicate: int, point, phase: str) -> list[Trial]:
        program = self.programs[task][arm, point.optimizer]
        knobs = tuple(sorted({**self.study.fixed, **dict(point.knobs)}.items()))
        return [
            Trial(program, replicate, knobs, derive('confirm', task, replicate, index), TEST, phase)
            for index in range(self.study.seeds)
        ]


def steps(study: Study, arm: str, task: Task, costs: Mapping) -> int:
    """Training steps of an arm: the task's, or with matched compute as many as cost what the base's cost.

    Rounded to a multiple of the task's evaluations. Raises ValueError where matched compute lacks costs.
    """
    if study.budget == 'trials':
        return task.steps
    base_flops, flops = (step_flops(costs, name, task.name) for name in (study.base, arm))
    if not (base_flops and flops):
        raise ValueError(
            f"study '{study.name}' matches compute, and what '{arm}' costs on '{task.name}' is not known yet; start it with "
            '`archlab run`, which counts costs first'
        )
    exact = steps_at_equal_compute(task, flops, base_flops)
    rounded = whole_evaluations(exact, task.evaluations)
    if not matches(rounded, exact, task.evaluations):
        raise ValueError(
            f"study '{study.name}' matches compute: '{arm}' on '{task.name}' would take {exact:.1f} steps, or {rounded} as a "
            f'multiple of {task.evaluations} evaluations: more than {ROUNDING:.0%} off; '
            'give the task more steps or fewer evaluations'
        )
    return rounded


def schedule(study: Study, records: Mapping[str, dict], manifest: Mapping) -> Schedule:
    """All that the study wants so far, recorded or not; what a record says never changes what was wanted before it."""
    costs = manifest.get('costs', {})
    builder = _Builder(study, records, costs)
    look = min(builder.task(task.name) for task in study.tasks)
    counts: dict[tuple, int] = {}
    for (phase, arm, task, _), trials in builder.asked.items():
        if phase == 'tune':
            counts[arm, task] = counts.get((arm, task), 0) + len(trials)
    budgets = {}
    for arm in study.arms:
        for task in study.tasks:
            done = counts.get((arm, task.name), 0) * builder.steps[arm, task.name]
            flops = costs.get(arm, {}).get(task.name, {}).get('flops')
            budgets[arm, task.name] = {
                'trials': counts.get((arm, task.name), 0),
                'steps': done,
                'examples': done * task.batch,
                'flops': None if flops is None else done * flops,
            }
    return Schedule(
        trials=tuple(builder.trials.values()),
        asked=builder.asked,
        selections=builder.selections,
        censored=builder.censored,
        extended=builder.extended,
        budgets=budgets,
        look=look,
        complete=look == study.looks[-1],
    )


def plan(study: Study, records: Mapping[str, dict], manifest: Mapping) -> list[Trial]:
    """The trials to run next: those that the schedule wants and no record has. Empty when the study is complete.

    `records` maps trial ids to records; `manifest` may hold the costs of arms and tasks.
    """
    return [trial for trial in schedule(study, records, manifest).trials if trial.id not in records]
