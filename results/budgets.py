"""Budgets: the cost of training runs, and the one rule of equal budgets.

The plan matches steps by this rule; the ledger, the checklist and the verdicts judge by it.

    budget='trials'    every replicate of every arm has as many runs as the base's, of the same steps and examples; where the
                       batch is tuned, of the same examples
    budget='compute'   every replicate has as many runs, and each costs the FLOPs of a run of the base, whatever its batch.
                       Steps are rounded to whole evaluations; if that changes them by more than ROUNDING, the budgets are
                       not equal

Each phase of a task is judged on its own, replicate by replicate, so the base may have more replicates than the others.
Everything asked for so far is judged, recorded or not, and a run that diverged or failed counts in full. If a record has other
steps than were asked for, the record's steps count.
"""

import collections
import dataclasses
from collections.abc import Iterable, Mapping

from ablations.study import Study
from ablations.tasks import Task
from ablations.trial import Program, Schedule, Trial

PHASES = ('tune', 'confirm', 'share')
"""Tuning, confirmation, and confirmation at the base's recipe."""
ROUNDING = 0.05
"""The largest change by rounding to whole evaluations, as a share of the steps that match compute."""


@dataclasses.dataclass(frozen=True)
class Amount:
    """Training runs, their steps and examples, and FLOPs where the manifest knows costs."""

    trials: int = 0
    steps: int = 0
    examples: int = 0
    flops: int | None = 0

    def __add__(self, other: 'Amount') -> 'Amount':
        flops = None if self.flops is None or other.flops is None else self.flops + other.flops
        return Amount(self.trials + other.trials, self.steps + other.steps, self.examples + other.examples, flops)


def step_flops(costs: Mapping, arm: str, task: str) -> float | None:
    """FLOPs of a training step by the manifest's `costs`, {arm: {task: cost}}; None where they are not known.

    >>> step_flops({'base': {'digits': {'flops': 80.0}}}, 'base', 'digits'), step_flops({}, 'base', 'digits')
    (80.0, None)
    """
    return costs.get(arm, {}).get(task, {}).get('flops')


def program_flops(costs: Mapping, program: Program) -> float | None:
    """The same of a program, whose trials may have tuned their batch."""
    return program.flops(step_flops(costs, program.arm, program.task))


def length(trial: Trial, records: Mapping[str, dict]) -> tuple[int, int]:
    """Steps and batch of a run: as recorded, or as planned where there is no record; of one that stops, the steps to there."""
    record = records.get(trial.id, {})
    return record.get('until') or record.get('steps', trial.steps), record.get('batch', trial.program.batch)


def amount(trials: Iterable[Trial], costs: Mapping, records: Mapping[str, dict] | None = None) -> Amount:
    """The total of these trials, by their records where `records` are given."""
    total = Amount()
    for trial in trials:
        steps, batch = length(trial, records or {})
        flops = program_flops(costs, trial.program)
        total += Amount(1, steps, steps * batch, None if flops is None else flops * steps)
    return total


def steps_at_equal_compute(task: Task, flops: float, base_flops: float, batch: int | None = None) -> float:
    """The number of steps, not rounded, that costs as much as a run of the base; both FLOPs are those of one step.

    `batch` is that of the steps where it is not the task's.

    >>> from ablations.tasks import task
    >>> digits = task('digits', steps=100, batch=32)
    >>> [steps_at_equal_compute(digits, 80.0, 100.0, batch) for batch in (None, 64)]
    [125.0, 62.5]
    """
    exact = task.steps * base_flops / flops
    return exact if batch in (None, task.batch) else exact * task.batch / batch


def whole_evaluations(steps: float, evaluations: int) -> int:
    """The nearest number of steps, above 0, that is a multiple of the task's evaluations.

    >>> whole_evaluations(118.5, evaluations=10), whole_evaluations(3, evaluations=10)
    (120, 10)
    """
    return max(round(steps / evaluations), 1) * evaluations


def matches(steps: int, wanted: float, evaluations: int) -> bool:
    """Whether steps are the `wanted` ones of equal compute, rounded to whole evaluations.

    >>> matches(120, 118.5, evaluations=10), matches(130, 118.5, evaluations=10), matches(10, 9.0, evaluations=10)
    (True, False, False)
    """
    nearest = abs(steps / evaluations - wanted / evaluations) <= 0.5
    return nearest and abs(steps / wanted - 1) <= ROUNDING


@dataclasses.dataclass(frozen=True)
class Equality:
    """Whether every replicate of every arm gets the same in one phase of one task; None where that is not known.

    `unequal` says how an arm differs from the base, {arm: sentence}. `unknown` names the arms whose FLOPs are not known.
    """

    task: str
    phase: str
    equal: bool | None
    why: str
    unequal: dict = dataclasses.field(default_factory=dict)
    unknown: tuple = ()


def trials_by_phase(study: Study, schedule: Schedule) -> dict[tuple[str, str], dict[tuple[str, int], list[Trial]]]:
    """{(task, phase): {(arm, replicate): trials}} of everything asked for."""
    asked: dict[tuple, dict] = {(task.name, phase): {} for task in study.tasks for phase in PHASES}
    for (phase, arm, task, replicate), trials in schedule.asked.items():
        asked[task, phase][arm, replicate] = trials
    return asked


def equalities(study: Study, schedule: Schedule, records: Mapping[str, dict], costs: Mapping) -> tuple[Equality, ...]:
    """The judgement of every task and phase; `costs` is {arm: {task: cost}} of the manifest."""
    asked = trials_by_phase(study, schedule)
    return tuple(
        _judged(study, schedule, task, phase, asked[task.name, phase], records, costs)
        for task in study.tasks
        for phase in PHASES
    )


def _looks(study: Study, schedule: Schedule, task: str, phase: str) -> list[list[tuple[str, int]]]:
    """Groups of (arm, replicate) that must get the same, the base first.

    A look whose tuning is under way has fewer trials than the looks before it, so it is a group of its own.
    """
    tuned, under_way = [], []
    for before, look in zip((0, *study.looks), study.looks, strict=False):
        arms = [arm for arm in study.arms if schedule.takes_part(arm, task, look)]
        rows = [(arm, number) for arm in arms for number in range(study.count(arm, before), study.count(arm, look))]
        if any(('confirm', arm, task, number) in schedule.asked for arm, number in rows):
            tuned += rows
        elif any(('tune', arm, task, number) in schedule.asked for arm, number in rows):
            under_way += rows
    place = {arm: number for number, arm in enumerate(study.arms)}
    groups = (tuned, under_way) if phase == 'tune' else (tuned,)
    return [sorted(rows, key=lambda row: (place[row[0]], row[1])) for rows in groups if rows]


def _nothing_selected(study: Study, schedule: Schedule, task: str, phase: str, arm: str, replicate: int) -> bool:
    """Whether a replicate has no recipe to confirm, because every tuning run diverged or failed."""
    tuned = {'confirm': arm, 'share': study.base}.get(phase)
    return tuned is not None and schedule.selections.get((tuned, task, replicate), '') is None


def _judged(
    study: Study,
    schedule: Schedule,
    task: Task,
    phase: str,
    asked: Mapping[tuple[str, int], list[Trial]],
    records: Mapping[str, dict],
    costs: Mapping,
) -> Equality:
    """Compare every replicate with the first of the base, and report the first difference of each arm."""
    flops = {arm: step_flops(costs, arm, task.name) for arm in study.arms}
    unequal, unknown, told, unselected = {}, [], [], 0
    for rows in _looks(study, schedule, task.name, phase):
        if phase == 'share' and study.share:
            rows = [row for row in rows if study.is_shared(row[0])]
        some = [row for row in rows if not _nothing_selected(study, schedule, task.name, phase, *row)]
        unselected += len(rows) - len(some)
        if not some:
            continue
        runs = {row: collections.Counter(length(trial, records) for trial in asked.get(row, ())) for row in some}
        first = some[0]
        for row in some:
            same = _same(study, task, row[0], runs[row], runs[first], flops)
            if same is None:
                unknown.append(row[0])
            elif not same:
                unequal.setdefault(row[0], _difference(study, task, row, runs[row], first, runs[first], flops))
        each = ', '.join(f'{value:,} {name}' for name, value in _counts(study, task, runs[first], flops[first[0]]).items())
        told.append(f'{each} for each of {len(some)} replicates of {len({arm for arm, _ in some})} arms')
    if unselected:
        told.append(f'{unselected} replicates have nothing to confirm, since every tuning run diverged or failed')
    unknown = tuple(dict.fromkeys(unknown))
    if unequal:
        return Equality(task.name, phase, False, next(iter(unequal.values())), unequal, unknown)
    if unknown:
        why = f'the FLOPs of {" and ".join(dict.fromkeys((study.base, *unknown)))} are not all known'
        return Equality(task.name, phase, None, why, unknown=unknown)
    return Equality(task.name, phase, True if told else None, '; '.join(told) or 'nothing is asked for yet')


def _same(
    study: Study,
    task: Task,
    arm: str,
    runs: collections.Counter,
    wanted: collections.Counter,
    flops: Mapping[str, float | None],
) -> bool | None:
    """Whether the runs of a replicate, counted by steps and batch, are as many as the base's runs allow it."""
    if study.budget == 'trials':
        return _examples(runs) == _examples(wanted) if study.tunes_batch else runs == wanted
    if runs.total() != wanted.total():
        return False
    if not (flops[arm] and flops[study.base]):
        return None
    own, base = (
        _by_length(study, task, some, flops[who], flops[study.base]) for who, some in ((arm, runs), (study.base, wanted))
    )
    # What is wrong with the base itself is said of the base.
    return own is not None and base in (None, own)


def _by_length(study: Study, task: Task, runs: collections.Counter, flops: float, base_flops: float) -> dict[float, int] | None:
    """How many runs are trained to their end, and to each share of their steps at which a tuning stops some.

    None where one of them is of another length than equal compute gives it at its batch.
    """
    counts: collections.Counter = collections.Counter()
    for (own, batch), count in runs.items():
        steps = steps_at_equal_compute(task, flops, base_flops, batch)
        whole = whole_evaluations(steps, task.evaluations)
        shares = {max(round(share * whole), 1): share for share in study.halvings}
        share = shares.get(own, 1.0)
        right = batch == task.batch or study.tunes_batch
        if not right or not matches(own if share == 1.0 else whole, steps, task.evaluations):
            return None
        counts[share] += count
    return dict(counts)


def _examples(runs: collections.Counter) -> collections.Counter:
    """How many runs see how many examples."""
    seen: collections.Counter = collections.Counter()
    for (steps, batch), count in runs.items():
        seen[steps * batch] += count
    return seen


def _counts(study: Study, task: Task, runs: collections.Counter, flops: float | None) -> dict:
    """The counts that must be equal, by name; FLOPs are left out where they are not known."""
    steps = sum(steps * count for (steps, _), count in runs.items())
    if study.budget == 'compute':
        # In steps of the task's own batch, whose FLOPs are known.
        worth = sum(steps * batch * count for (steps, batch), count in runs.items()) / task.batch
        worth = int(worth) if worth.is_integer() else worth
        return {'trials': runs.total()} | ({} if flops is None else {'flops': worth * flops})
    examples = sum(steps * batch * count for (steps, batch), count in runs.items())
    # A run with a larger batch has fewer steps: then the examples are what is equal.
    return {'trials': runs.total(), **({} if study.tunes_batch else {'steps': steps}), 'examples': examples}


def _difference(
    study: Study, task: Task, row: tuple, runs: collections.Counter, first: tuple, wanted: collections.Counter, flops
) -> str:
    """The first count that differs between two replicates, in words."""
    own, base = _counts(study, task, runs, flops[row[0]]), _counts(study, task, wanted, flops[first[0]])
    who, whom = (f'{arm} replicate {number}' for arm, number in (row, first))
    for name, value in own.items():
        if name in base and value != base[name]:
            return f'{who}: {value:,} {name}; {whom}: {base[name]:,}'
    return f'{who}: runs of other steps or batches than {whom}'
