"""Evidence: from confirmed trials to one finding per arm and task, and one verdict per arm over the tasks.

The unit of evidence is the tuning replicate (the mean of its confirmation seeds). Effects are in the metric's good
direction: above 0 the arm is better than the base.
"""

import dataclasses
import math
from collections.abc import Mapping

import numpy as np

from ablations.study import Study
from ablations.trial import Schedule
from results.sensitivity import lr_sensitivity
from results.statistics import Difference, holm, mean_interval, replicates_to_decide, welch

LEVEL = 0.95
TEST_NAME = 'Welch t over replicates'
VERDICTS = ('better', 'worse', 'equivalent', 'undecided', 'not comparable')


@dataclasses.dataclass(frozen=True)
class Finding:
    """One arm against the base on one task. What is not known yet is None.

    value, base_value      mean confirmed test metric over replicates, with `interval` and `base_interval` (95 %, Student)
    effect                 arm minus base in the good direction, with `effect_interval` (95 %, not adjusted)
    p, p_adjusted          of effect = 0, and by Holm over all arms and tasks of the study
    p_equivalent           of |effect| >= margin, by Holm over its own family
    shared_effect          the same difference when both use the base's selected values: descriptive, not tested
    lr_sensitivity         nats lost on average over the range of learning rates (2309.14322)
    diverged_share         share of all of the arm's runs on this task that diverged or failed
    censored               edges of the searched ranges at which the arm's optimum still lies
    optimism               tuning score less confirmed score, in the good direction
    test_error             standard error of the value from the finite test split (n_test examples)
    overall                the arm's verdict over all tasks, with `overall_reason`
    """

    study: str
    arm: str
    base: str
    task: str
    dataset: str
    metric: str
    unit: str
    direction: str
    margin: float
    base_value: float | None = None
    base_interval: tuple | None = None
    value: float | None = None
    interval: tuple | None = None
    effect: float | None = None
    effect_interval: tuple | None = None
    test: str = TEST_NAME
    p: float | None = None
    p_adjusted: float | None = None
    p_equivalent: float | None = None
    verdict: str = 'undecided'
    reason: str = ''
    shared_effect: float | None = None
    shared_interval: tuple | None = None
    params: int | None = None
    params_ratio: float | None = None
    macs: int | None = None
    macs_ratio: float | None = None
    lr_sensitivity: float | None = None
    base_lr_sensitivity: float | None = None
    diverged_share: float | None = None
    base_diverged_share: float | None = None
    censored: tuple = ()
    base_censored: tuple = ()
    replicates: int = 0
    seeds: int = 0
    n_test: int | None = None
    test_error: float | None = None
    optimism: float | None = None
    base_optimism: float | None = None
    overall: str = 'undecided'
    overall_reason: str = ''

    def to_dict(self) -> dict:
        """Plain data, numbers rounded to six significant digits."""

        def plain(value: object) -> object:
            if isinstance(value, float):
                return float(f'{value:.6g}')
            if isinstance(value, (tuple, list)):
                return [plain(item) for item in value]
            return value

        return {name: plain(value) for name, value in dataclasses.asdict(self).items()}


class _Arm:
    """What is recorded of one arm on one task."""

    def __init__(self, study: Study, schedule: Schedule, records: Mapping[str, dict], arm: str, task: str, count: int):
        self.study, self.schedule, self.records, self.arm = study, schedule, records, arm
        self.task = study.task(task)
        self.replicates = range(count)
        self.tried = [records[trial.id] for r in self.replicates for trial in self._asked('tune', r) if trial.id in records]

    def _asked(self, phase: str, replicate: int) -> list:
        return self.schedule.asked.get((phase, self.arm, self.task.name, replicate), [])

    def score(self, record: dict) -> float:
        """The test metric of a run in the good direction; a diverged or failed one scores chance."""
        return self.task.sign * (record['score'] if record['status'] == 'ok' else self.task.chance)

    def values(self, phase: str) -> np.ndarray | None:
        """The mean over seeds of each replicate, None until all are recorded."""
        means = []
        for replicate in self.replicates:
            trials = self._asked(phase, replicate)
            if any(trial.id not in self.records for trial in trials):
                return None
            if (phase, self.arm, self.task.name, replicate) not in self.schedule.asked:
                return None
            found = [self.score(self.records[trial.id]) for trial in trials]
            means.append(np.mean(found) if found else self.task.sign * self.task.chance)
        return np.array(means)

    def confirmed(self) -> list[dict]:
        return [self.records[t.id] for r in self.replicates for t in self._asked('confirm', r) if t.id in self.records]

    @property
    def nothing_selected(self) -> bool:
        found = [self.schedule.selections.get((self.arm, self.task.name, r), '') for r in self.replicates]
        return bool(found) and all(selected is None for selected in found)

    @property
    def diverged_share(self) -> float | None:
        runs = [*self.tried, *self.confirmed()]
        return sum(record['status'] != 'ok' for record in runs) / len(runs) if runs else None

    @property
    def sensitivity(self) -> float | None:
        """Of the optimizer that most replicates selected, averaged over replicates."""
        chosen = [s.optimizer for r in self.replicates if (s := self.schedule.selections.get((self.arm, self.task.name, r)))]
        if not chosen:
            return None
        optimizer = max(sorted(set(chosen)), key=chosen.count)
        found = []
        for replicate in self.replicates:
            runs = [self.records[t.id] for t in self._asked('tune', replicate) if t.program.optimizer == optimizer]
            runs = [record for record in runs if record.get('initial_loss') is not None]
            losses = [r['final_loss'] if r['final_loss'] is not None else math.inf for r in runs]
            value = lr_sensitivity(np.array(losses, float), np.array([r['initial_loss'] for r in runs], float))
            if value is not None:
                found.append(value)
        return float(np.mean(found)) if found else None

    @property
    def optimism(self) -> float | None:
        found = self.values('confirm')
        if found is None:
            return None
        gaps = [
            selected.score - value
            for replicate, value in zip(self.replicates, found, strict=True)
            if (selected := self.schedule.selections.get((self.arm, self.task.name, replicate)))
        ]
        return float(np.mean(gaps)) if gaps else None

    @property
    def censored(self) -> tuple:
        return tuple(self.schedule.censored.get((self.arm, self.task.name), ()))


def _known(study: Study, schedule: Schedule, records: Mapping, manifest: Mapping, arm: str, task: str, count: int) -> tuple:
    """What is known of a finding before any verdict, with the two samples of replicate values in the good direction."""
    own, base = (_Arm(study, schedule, records, name, task, count) for name in (arm, study.base))
    item = study.task(task)
    values, base_values = own.values('confirm'), base.values('confirm')
    shared = base.values('confirm') if arm == study.base else own.values('share')
    known = dict(
        study=study.name,
        arm=arm,
        base=study.base,
        task=task,
        dataset=item.dataset,
        metric=item.metric,
        unit=item.unit,
        direction=item.direction,
        margin=item.margin,
        replicates=count,
        seeds=study.seeds,
        diverged_share=own.diverged_share,
        base_diverged_share=base.diverged_share,
        censored=own.censored,
        base_censored=base.censored,
    )
    costs = manifest.get('costs', {})
    cost, base_cost = (costs.get(name, {}).get(task) for name in (arm, study.base))
    if cost and base_cost:
        known |= dict(params=cost['params'], macs=cost['macs'])
        known |= dict(params_ratio=cost['params'] / base_cost['params'], macs_ratio=cost['macs'] / base_cost['macs'])
    if schedule.look >= count or values is not None:
        known |= dict(lr_sensitivity=own.sensitivity, base_lr_sensitivity=base.sensitivity)

    def sided(interval: tuple | None) -> tuple | None:
        return None if interval is None else tuple(sorted(item.sign * end for end in interval))

    for name, sample, source in (('value', values, own), ('base_value', base_values, base)):
        if sample is None or len(sample) == 0:
            continue
        known[name] = item.sign * float(sample.mean())
        known['interval' if name == 'value' else 'base_interval'] = sided(mean_interval(sample, LEVEL))
        known['optimism' if name == 'value' else 'base_optimism'] = source.optimism
    confirmed = [record for record in own.confirmed() if record.get('score_se') is not None]
    if confirmed:
        known['n_test'] = confirmed[0]['n_held']
        known['test_error'] = float(np.mean([record['score_se'] for record in confirmed]))
    if values is not None and base_values is not None and len(values):
        difference = welch(values, base_values)
        known['effect'] = float(values.mean() - base_values.mean())
        if difference is not None:
            known['effect_interval'] = difference.interval(LEVEL)
        if shared is not None:
            shared_difference = welch(shared, base_values)
            known['shared_effect'] = float(shared.mean() - base_values.mean())
            known['shared_interval'] = shared_difference.interval(LEVEL) if shared_difference else None
    blocked = _incomparable(study, schedule, records, own, base)
    return known, values, base_values, blocked


def _incomparable(study: Study, schedule: Schedule, records: Mapping, own: _Arm, base: _Arm) -> str:
    """Why two arms cannot be compared at all, or ''."""
    for who in (own, base):
        broken = sum(record['status'] == 'failed' for record in (*who.tried, *who.confirmed()))
        if broken:
            return f"{broken} runs of '{who.arm}' failed (not diverged); see `archlab status`, then run with --retry-failed"
        if who.nothing_selected:
            runs = len(who.tried)
            return f"every tuning run of '{who.arm}' diverged ({runs} of {runs})"
    budgets = [schedule.budgets[who.arm, own.task.name]['trials'] for who in (own, base)]
    if budgets[0] != budgets[1]:
        return f'unequal budgets: {budgets[0]} tuning trials against {budgets[1]}'
    hashes = {r['environment'].get('source') for who in (own, base) for r in (*who.tried, *who.confirmed())}
    if len(hashes) > 1:
        return f'unequal sources: the records come from {len(hashes)} versions of arch/ and sweeps/'
    return ''


def _censored_side(effect: float, known: dict) -> str:
    """Why an optimum at an edge forbids this claim: a better recipe beyond the edge could undo it."""
    loser = ('censored', known['arm']) if effect < 0 else ('base_censored', 'the base')
    if known[loser[0]]:
        return f"censored: the optimum of '{loser[1]}' lies at the edge of its range ({', '.join(known[loser[0]])})"
    return ''


def _number(value: float) -> str:
    return f'{value:+.3g}'


def _decide(
    known: dict, difference: Difference, p: float, within: float, alpha: float, family: int, samples: tuple
) -> tuple[str, str]:
    """Verdict and reason from adjusted p-values; `family` comparisons share the error rate alpha."""
    effect, margin, unit = difference.effect, known['margin'], known['unit']
    inside = within <= alpha
    if p <= alpha:
        verdict = 'better' if effect > 0 else 'worse'
        censored = _censored_side(effect, known)
        if censored:
            return 'not comparable', censored
        extra = ', negligible: within the margin' if inside else ''
        return verdict, f'{_number(effect)} {unit}, adjusted p {p:.2g}{extra}'
    if inside:
        censored = _censored_side(-1, known) or _censored_side(1, known)
        if censored:
            return 'not comparable', censored
        return 'equivalent', f'{_number(effect)} {unit}, within the margin, adjusted p {within:.2g}'
    deviations = samples[0].std(ddof=1), samples[1].std(ddof=1)
    need = replicates_to_decide(*deviations, effect, margin, alpha / family)
    if need is None:
        likely = 'more than 1000 replicates would be needed at this effect'
    elif need <= len(samples[0]):
        likely = 'more replicates would be needed'
    else:
        likely = f'about {need} replicates would likely decide it at this effect and noise'
    reach = replicates_to_decide(*deviations, 0.0, margin, alpha / family)
    small = reach is None or reach > len(samples[0])
    note = f'; {len(samples[0])} cannot show equivalence within the margin at this noise' if small else ''
    return 'undecided', f'{_number(effect)} {unit}, adjusted p {p:.2g}; {likely}{note}'


def findings(study: Study, schedule: Schedule, records: Mapping[str, dict], manifest: Mapping) -> list[Finding]:
    """One finding for each arm but the base, on each task, at the last declared look that is whole.

    Before the first look the findings hold what is known and claim nothing. The error rate is shared among the declared
    looks, or among those that were taken if these are more (`manifest['looks']`).
    """
    count = schedule.look or study.looks[0]
    alpha = study.alpha / max(len(study.looks), len(set(manifest.get('looks', []))), 1)
    rows = [(a, t.name) for t in study.tasks for a in study.arms if a != study.base]
    known = {row: _known(study, schedule, records, manifest, *row, count) for row in rows}
    tests, verdicts = {}, {}
    for row, (facts, values, base_values, blocked) in known.items():
        difference = None if values is None or base_values is None else welch(values, base_values)
        if not schedule.look:
            verdicts[row] = 'undecided', 'unfinished: not all runs of the first look are recorded'
        elif blocked:
            verdicts[row] = 'not comparable', blocked
        elif difference is None:
            verdicts[row] = 'undecided', f'{count} replicate: noise cannot be measured with fewer than two'
        elif difference.error == 0:
            same = 'the same value' if difference.effect == 0 else 'two values'
            verdicts[row] = 'undecided', f'zero variance: all {count} replicates of both gave {same}, no test is defined'
        else:
            tests[row] = difference
        if row not in tests:
            facts['p'] = facts['p_adjusted'] = facts['p_equivalent'] = None
    # Comparisons without a test stay in the family: it is fixed by the study, not by what was found.
    missing = [1.0] * (len(rows) - len(tests))
    adjusted = dict(zip(tests, holm([d.p() for d in tests.values()] + missing), strict=False))
    margins = {row: study.task(row[1]).margin for row in rows}
    within = dict(zip(tests, holm([d.p_within(margins[row]) for row, d in tests.items()] + missing), strict=False))
    for row, difference in tests.items():
        facts, values, base_values, _ = known[row]
        facts |= dict(p=difference.p(), p_adjusted=adjusted[row], p_equivalent=within[row])
        verdicts[row] = _decide(facts, difference, adjusted[row], within[row], alpha, len(rows), (values, base_values))
    found = []
    for (arm, task), (facts, *_) in known.items():
        overall = across(study, {t.name: verdicts[arm, t.name][0] for t in study.tasks})
        verdict, reason = verdicts[arm, task]
        found.append(Finding(**facts, verdict=verdict, reason=reason, overall=overall[0], overall_reason=overall[1]))
    return found


def across(study: Study, verdicts: Mapping[str, str]) -> tuple[str, str]:
    """An arm's verdict over all tasks, from its verdict on each; datasets count, not tasks."""
    sets = {verdict: {study.task(t).dataset for t, v in verdicts.items() if v == verdict} for verdict in VERDICTS}
    total = len({task.dataset for task in study.tasks})
    if total < 2:
        return 'undecided', 'withheld: one dataset only; a claim needs two or more'
    if len(sets['better']) >= 2 and not sets['worse']:
        return 'better', f'better on {len(sets["better"])} of {total} datasets, worse on none'
    if len(sets['worse']) >= 2 and not sets['better']:
        return 'worse', f'worse on {len(sets["worse"])} of {total} datasets, better on none'
    if len(sets['equivalent']) == total and set(verdicts.values()) == {'equivalent'}:
        return 'equivalent', f'equivalent on all {total} datasets'
    counts = ', '.join(f'{verdict} on {len(names)}' for verdict, names in sets.items() if names)
    return 'undecided', f'{counts} of {total} datasets; a claim needs two or more in one direction and none against'
