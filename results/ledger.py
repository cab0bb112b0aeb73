"""Ledger: what every arm was given and what it used, phase by phase.

A run that diverged or failed is charged in full: its arm had the chance.
"""

import dataclasses
from collections.abc import Iterable, Mapping

from ablations.study import Study
from ablations.trial import TEST, Schedule, Trial
from results.rounding import plain
from results.store.records import STATUSES

PHASES = ('tune', 'extend', 'confirm', 'share')
"""First tuning trials, those past an edge of the ranges, confirmation, and confirmation at the base's recipe."""
SLACK = 0.02
"""Under equal compute steps are whole numbers: FLOPs that agree to this share are equal."""


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


def amount(trials: Iterable[Trial], costs: Mapping) -> Amount:
    """What these trials take in full; `costs` is {arm: {task: cost}} of the manifest."""
    total = Amount()
    for trial in trials:
        steps, flops = trial.program.steps, costs.get(trial.arm, {}).get(trial.task, {}).get('flops')
        total += Amount(1, steps, steps * trial.program.batch, None if flops is None else flops * steps)
    return total


@dataclasses.dataclass(frozen=True)
class Line:
    """One arm on one task in one phase.

    planned      all that the schedule asks for so far (a later phase is asked for once the earlier is recorded)
    spent        what is recorded of it, whatever became of the run
    reused       trials that another phase asked for first and that ran once: in `planned`, not in `spent`
    seconds      wall time of recorded runs, each on its own or its share of the lanes beside it
    unmeasured   recorded runs without a time
    ok, diverged, failed   what became of the runs of `spent`
    test_reads   runs of `spent` that were scored on the sealed test split
    """

    arm: str
    task: str
    phase: str
    planned: Amount
    spent: Amount
    reused: int
    seconds: float
    unmeasured: int
    ok: int
    diverged: int
    failed: int
    test_reads: int


@dataclasses.dataclass(frozen=True)
class Equality:
    """Whether every replicate of every arm is given the same in one phase of one task; None where it cannot be said."""

    task: str
    phase: str
    equal: bool | None
    why: str


@dataclasses.dataclass(frozen=True)
class Ledger:
    """All lines by task, arm and phase, their totals, and the checks.

    totals      {phase or 'all': line without arm and task}: reused trials are taken out of its `planned` too
    test_reads  {dataset: {'recorded': runs by these records, 'counted': reads by the manifest, reruns and repeats with them}}
    unplanned   recorded runs that nothing asks for any more, {'trials', 'seconds'}; they cost and count nowhere else
    """

    lines: tuple
    equality: tuple
    totals: dict
    test_reads: dict
    unplanned: dict

    @property
    def equal(self) -> bool:
        """Whether nothing is known to be unequal."""
        return all(one.equal is not False for one in self.equality)

    def to_dict(self) -> dict:
        """Plain data, numbers rounded to six significant digits."""
        return {**plain(self), 'equal': self.equal}


def _phase(asked: str, trial: Trial) -> str:
    return 'extend' if trial.phase.startswith('extend') else asked


def _line(arm: str, task: str, phase: str, planned: list, own: list, records: Mapping[str, dict], costs: Mapping) -> Line:
    done = [trial for trial in own if trial.id in records]
    found = [records[trial.id] for trial in done]
    seconds = [record['cost']['seconds'] for record in found if (record.get('cost') or {}).get('seconds') is not None]
    return Line(
        arm=arm,
        task=task,
        phase=phase,
        planned=amount(planned, costs),
        spent=amount(done, costs),
        reused=len(planned) - len(own),
        seconds=float(sum(seconds)),
        unmeasured=len(found) - len(seconds),
        **{status: sum(record['status'] == status for record in found) for status in STATUSES},
        test_reads=sum(trial.held == TEST for trial in done),
    )


def _equality(study: Study, task: str, phase: str, asked: Mapping, costs: Mapping) -> Equality:
    """Compare every replicate with the first of the base; the first difference is named."""
    by_compute = getattr(study, 'budget', 'trials') == 'compute'
    names = ('trials', 'flops') if by_compute else ('trials', 'steps', 'examples')
    rows = [(arm, replicate, amount(trials, costs)) for (arm, replicate), trials in asked.items()]
    if not rows:
        return Equality(task, phase, None, 'nothing is asked for yet')
    first_arm, first, wanted = rows[0]
    for arm, replicate, own in rows[1:]:
        for name in names:
            given, other = getattr(own, name), getattr(wanted, name)
            if given is None or other is None:
                return Equality(task, phase, None, f'the FLOPs of {arm} or {first_arm} are not known')
            slack = SLACK * other if name == 'flops' else 0
            if abs(given - other) > slack:
                where = f'{arm} replicate {replicate}: {given:,} {name}; {first_arm} replicate {first}: {other:,}'
                return Equality(task, phase, False, where)
    each = ', '.join(f'{getattr(wanted, name):,} {name}' for name in names)
    return Equality(task, phase, True, f'{each} for each of {len(rows)} replicates of {len({row[0] for row in rows})} arms')


def _total(lines: list[Line], phase: str, taken: Amount) -> dict:
    """The sum of lines; `taken` is what their reused trials would have cost."""
    some = [line for line in lines if phase in (line.phase, 'all')]
    planned, spent = (sum((getattr(line, name) for line in some), Amount()) for name in ('planned', 'spent'))
    less = {name: None if value is None else -value for name, value in dataclasses.asdict(taken).items()}
    counts = ('seconds', 'unmeasured', *STATUSES, 'test_reads')
    return {
        'planned': planned + Amount(**less),
        'spent': spent,
        **{name: sum(getattr(line, name) for line in some) for name in counts},
    }


def ledger(study: Study, schedule: Schedule, records: Mapping[str, dict], manifest: Mapping) -> Ledger:
    """The whole ledger of a study as far as it is planned and recorded."""
    costs = manifest.get('costs', {})
    asked: dict[tuple, dict] = {(task.name, phase): {} for task in study.tasks for phase in PHASES}
    for (wanted, arm, task, replicate), trials in schedule.asked.items():
        for phase in PHASES[:2] if wanted == 'tune' else (wanted,):
            asked[task, phase][arm, replicate] = [trial for trial in trials if _phase(wanted, trial) == phase]
    lines, reused, seen = [], {phase: [] for phase in PHASES}, set()
    for task in study.tasks:
        for arm in study.arms:
            for phase in PHASES:
                planned = [t for (a, _), trials in asked[task.name, phase].items() if a == arm for t in trials]
                own = [trial for trial in planned if trial.id not in seen]
                reused[phase] += [trial for trial in planned if trial.id in seen]
                seen |= {trial.id for trial in own}
                lines.append(_line(arm, task.name, phase, planned, own, records, costs))
    taken = {phase: amount(trials, costs) for phase, trials in reused.items()}
    taken['all'] = sum(taken.values(), Amount())
    datasets = {task.name: task.dataset for task in study.tasks}
    reads = {name: {'recorded': 0, 'counted': manifest.get('test_reads', {}).get(name)} for name in datasets.values()}
    for line in lines:
        reads[datasets[line.task]]['recorded'] += line.test_reads
    other = [record for key, record in records.items() if key not in seen]
    left = float(sum((record.get('cost') or {}).get('seconds') or 0.0 for record in other))
    return Ledger(
        lines=tuple(lines),
        equality=tuple(_equality(study, task, phase, found, costs) for (task, phase), found in asked.items()),
        totals={phase: _total(lines, phase, taken[phase]) for phase in (*PHASES, 'all')},
        test_reads=reads,
        unplanned={'trials': len(other), 'seconds': left},
    )
