"""Ledger: the budget of every arm, planned and spent, phase by phase.

A run that diverged or failed is charged in full.
"""

import dataclasses
from collections.abc import Mapping

from ablations.trial import TEST
from results.budgets import PHASES, Amount, Equality, amount, equalities, trials_by_phase
from results.rounding import plain
from results.store.reading import Reading
from results.store.records import STATUSES


@dataclasses.dataclass(frozen=True)
class Line:
    """One arm on one task in one phase.

    planned      everything that the schedule asks for so far (a later phase once the earlier one is recorded)
    spent        the recorded part of it, whatever became of the run
    reused       trials that another phase asked for first, which ran once: in `planned`, not in `spent`
    seconds      wall time of recorded runs; of a run in lanes, its share of their time
    unmeasured   recorded runs without a time
    ok, diverged, failed, stopped   what became of the runs of `spent`; one that went on after a stop is charged once, whole
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
    stopped: int
    test_reads: int


@dataclasses.dataclass(frozen=True)
class Ledger:
    """All lines by task, arm and phase, their totals, and the checks.

    totals      {phase or 'all': line without arm and task}: reused trials are taken out of its `planned` too
    test_reads  {dataset: {'recorded': runs by these records, 'counted': reads by the manifest, reruns and repeats with them}}
    unplanned   recorded runs that nothing asks for any more, {'trials', 'seconds'}; they count nowhere else
    """

    lines: tuple
    equality: tuple[Equality, ...]
    totals: dict
    test_reads: dict
    unplanned: dict

    @property
    def equal(self) -> bool:
        """Whether no budget is known to be unequal."""
        return all(one.equal is not False for one in self.equality)

    def to_dict(self) -> dict:
        """Plain data, numbers rounded to six significant digits."""
        return {**plain(self), 'equal': self.equal}


def _line(arm: str, task: str, phase: str, planned: list, own: list, records: Mapping[str, dict], costs: Mapping) -> Line:
    done = [trial for trial in own if trial.id in records]
    recorded = [records[trial.id] for trial in done]
    seconds = [record['cost']['seconds'] for record in recorded if (record.get('cost') or {}).get('seconds') is not None]
    return Line(
        arm=arm,
        task=task,
        phase=phase,
        planned=amount(planned, costs),
        spent=amount(done, costs, records),
        reused=len(planned) - len(own),
        seconds=float(sum(seconds)),
        unmeasured=len(recorded) - len(seconds),
        **{status: sum(record['status'] == status for record in recorded) for status in STATUSES},
        test_reads=sum(trial.held == TEST for trial in done),
    )


def _total(lines: list[Line], phase: str, taken: Amount) -> dict:
    """The sum of lines; `taken` is the cost of their reused trials."""
    some = [line for line in lines if phase in (line.phase, 'all')]
    planned, spent = (sum((getattr(line, name) for line in some), Amount()) for name in ('planned', 'spent'))
    less = {name: None if value is None else -value for name, value in dataclasses.asdict(taken).items()}
    counts = ('seconds', 'unmeasured', *STATUSES, 'test_reads')
    return {
        'planned': planned + Amount(**less),
        'spent': spent,
        **{name: sum(getattr(line, name) for line in some) for name in counts},
    }


def ledger(reading: Reading) -> Ledger:
    """The ledger of a study, as far as it is planned and recorded."""
    study = reading.study
    costs = reading.manifest.get('costs', {})
    asked = trials_by_phase(study, reading.schedule)
    lines, reused, seen = [], {phase: [] for phase in PHASES}, set()
    for task in study.tasks:
        for arm in study.arms:
            for phase in PHASES:
                planned = [t for (a, _), trials in asked[task.name, phase].items() if a == arm for t in trials]
                own = [trial for trial in planned if trial.id not in seen]
                reused[phase] += [trial for trial in planned if trial.id in seen]
                seen |= {trial.id for trial in own}
                lines.append(_line(arm, task.name, phase, planned, own, reading.records, costs))
    taken = {phase: amount(trials, costs) for phase, trials in reused.items()}
    taken['all'] = sum(taken.values(), Amount())
    datasets = {task.name: task.dataset for task in study.tasks}
    reads = {name: {'recorded': 0, 'counted': reading.manifest.get('test_reads', {}).get(name)} for name in datasets.values()}
    for line in lines:
        reads[datasets[line.task]]['recorded'] += line.test_reads
    # Of a run that went on after a stop the run up to there is a part.
    seen |= {trial.id for trial in reading.schedule.trials}
    other = [record for key, record in reading.records.items() if key not in seen]
    left = float(sum((record.get('cost') or {}).get('seconds') or 0.0 for record in other))
    return Ledger(
        lines=tuple(lines),
        equality=equalities(study, reading.schedule, reading.records, costs),
        totals={phase: _total(lines, phase, taken[phase]) for phase in (*PHASES, 'all')},
        test_reads=reads,
        unplanned={'trials': len(other), 'seconds': left},
    )
