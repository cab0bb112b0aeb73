"""Evidence: from confirmed trials to one finding per arm and task, and one verdict per arm over the tasks.

The unit of evidence is the tuning replicate (the mean of its confirmation seeds that did not diverge). Effects are in the
metric's good direction: above 0 the arm is better than the base. Divergence is an endpoint of its own.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np

from ablations.study import Study
from ablations.trial import Schedule
from results.budgets import equalities
from results.comparability import censored_side, incomparable, without_values
from results.divergence import compare
from results.family import Adjusted, PValues, Row, adjusted
from results.finding import TEST_NAME, VERDICTS, Finding
from results.looks import Looks, looks_of
from results.noise import Noise
from results.overall import OnTask, mean_over_datasets, verdict_over_tasks
from results.sensitivity import of_chosen
from results.side import Side
from results.statistics import Difference, detectable, holm, is_resolved, mean_interval, replicates_to_decide, within
from results.store.reading import Reading

__all__ = ['TEST_NAME', 'VERDICTS', 'Finding', 'claim_level', 'findings']

LEVEL = 0.95


def claim_level(study: Study, manifest: Mapping) -> float:
    """The error rate that the comparisons of a study share, over all of its looks.

    In a factorial study the other half of the rate goes to main effects and interactions (results/factorial.py).
    """
    return looks_of(study, manifest).alpha / (2 if study.levels else 1)


@dataclasses.dataclass(frozen=True)
class Comparison:
    """An arm and its reference on one task."""

    own: Side
    base: Side


def findings(reading: Reading, described: bool = True) -> list[Finding]:
    """One finding for each arm but the base, on each task, at the last complete declared look.

    Unless they are to be `described`, what no verdict rests on and takes long is left out: the sensitivity to learning rates,
    how much tuning scores exceed confirmed ones, how many replicates would decide what is undecided, and the mean effect over
    datasets.

    Before the first look the findings hold what is known and claim nothing. All looks share one error rate, and so do all words
    of a study. An arm that an earlier look decided may have fewer replicates than the others.
    """
    study, looks = reading.study, looks_of(reading.study, reading.manifest)
    rows = [(arm, task.name) for task in study.tasks for arm in study.arms if arm != study.base]
    sides = {(arm, task.name): Side(reading, arm, task) for task in study.tasks for arm in study.arms}
    pairs = {row: Comparison(sides[row], sides[study.reference(row[0]), row[1]]) for row in rows}
    budgets = equalities(study, reading.schedule, reading.records, reading.manifest.get('costs', {}))
    blocked = {row: incomparable(study, budgets, pair.own, pair.base) for row, pair in pairs.items()}
    measured = _differences(study, sides, reading.schedule)
    taken = looks.until(reading.schedule.look)
    noises = {
        (task.name, look): _noise(study, sides, task.name, {arm: study.count(arm, look) for arm in study.arms})
        for task in study.tasks
        for look in taken
    }
    open_rows = [row for row in rows if reading.schedule.look and not blocked[row]]
    tested = {row: _tested(study, looks, pairs[row], {look: noises[row[1], look] for look in taken}) for row in open_rows}
    level = claim_level(study, reading.manifest)
    words = adjusted({row: one.tested for row, one in tested.items()}, len(rows), level)
    shared = _differences(study, sides, reading.schedule, shared=True)
    one_recipe = _holm(shared, len(rows)) if reading.schedule.look else {}
    lost = _lost(reading, pairs) if described else {}
    made = {}
    for row, pair in pairs.items():
        facts = _facts(reading, pair, described)
        if row in lost:
            facts['lr_sensitivity'], facts['base_lr_sensitivity'] = lost[row]
        if row in measured:
            facts['effect'] = measured[row].effect
            facts['effect_interval'] = measured[row].interval(LEVEL)
            facts['family_interval'] = measured[row].interval(1 - level / len(rows))
            facts['test_split_error'] = measured[row].items and measured[row].items.error
        if row in shared:
            facts['shared_effect'] = shared[row].effect
            facts['shared_interval'] = shared[row].interval(LEVEL)
        if row in one_recipe:
            told = one_recipe[row] <= level
            facts['shared_verdict'] = 'undecided' if not told else 'better' if shared[row].effect > 0 else 'worse'
        if not reading.schedule.look:
            facts['verdict'], facts['reason'] = 'undecided', 'unfinished: not all runs of the first look are recorded'
        elif blocked[row]:
            facts['verdict'], facts['reason'] = 'not comparable', blocked[row]
        else:
            known = measured.get(row)
            facts |= _decided(study, pair, known, tested[row], words[row], level / len(rows), level)
            if described and facts['verdict'] == 'undecided' and 'detectable' in facts:
                facts |= _undecided(pair, known, words[row].p, level / len(rows))
        made[row] = facts
    return [
        Finding(**facts, **_over_tasks(study, made, tested, measured if described else {}, level, row[0]))
        for row, facts in made.items()
    ]


@dataclasses.dataclass(frozen=True)
class Looked:
    """A comparison as all declared looks saw it: the test, whether the arm was above its reference at the most telling look,
    that look, and one-sided p-values of an effect below and above the margin."""

    tested: PValues
    above: bool = False
    look: int | None = None
    p_worse: float | None = None
    p_better: float | None = None


def _tested(study: Study, looks: Looks, pair: Comparison, noises: Mapping[int, Noise]) -> Looked:
    """Test one comparison at each of its looks, with the noise of its task at that look."""
    margin, seen = pair.own.task.margin, []
    for look, noise in noises.items():
        if look <= len(pair.own.replicates):
            rates = [side.divergences.first(study.count(side.arm, look)) for side in (pair.own, pair.base)]
            seen.append((look, noise.difference(pair.own.arm, pair.base.arm), compare(*rates)))
    known = [(look, d) for look, d, _ in seen if d is not None and d.error]
    rates = min((dataclasses.replace(t, p=looks.worth(t.p, look)) for look, _, t in seen), key=lambda t: t.p, default=None)
    if not known:
        return Looked(PValues(rates=rates) if rates else PValues())
    worth = [(looks.worth(d.p(), look), look, d) for look, d in known]
    p, look, strongest = min(worth, key=lambda one: one[0])
    p_worse = min(looks.worth_one_sided(d.p_above(-margin), at) for at, d in known)
    p_better = min(looks.worth_one_sided(1 - d.p_above(margin), at) for at, d in known)
    last = known[-1][1]
    tested = PValues(
        p=p,
        p_within=min(looks.worth_one_sided(d.p_within(margin), at) for at, d in known),
        beyond=abs(last.effect) >= margin,
        rates=rates,
    )
    return Looked(tested, strongest.effect > 0, look, p_worse, p_better)


def _noise(
    study: Study, sides: Mapping[Row, Side], task: str, counts: Mapping[str, int] | None = None, shared: bool = False
) -> Noise:
    """The replicate values of all arms on one task, at most so many of each."""
    samples = {arm: sides[arm, task].shared if shared else sides[arm, task].values for arm in study.arms}
    items = {arm: sides[arm, task].items_of['share' if shared else 'confirm'] for arm in study.arms}

    def taken(by_arm: Mapping[str, np.ndarray | None]) -> dict[str, np.ndarray]:
        return {arm: v[: counts[arm]] if counts else v for arm, v in by_arm.items() if v is not None}

    return Noise(taken(samples), taken(items))


def _differences(study: Study, sides: Mapping[Row, Side], schedule: Schedule, shared: bool = False) -> dict[Row, Difference]:
    """The difference of each pair by all of its replicates; left out where one is missing or noise cannot be measured.

    An arm decided at an earlier look has the noise of that look, as in its test.
    """
    made = {}
    for task in study.tasks:
        noises: dict[int | None, Noise] = {}
        for arm in study.arms:
            if arm == study.base:
                continue
            reached = schedule.reached(arm, task.name, study.looks)
            look = reached if reached < schedule.look else None
            if look not in noises:
                counts = None if look is None else {one: study.count(one, look) for one in study.arms}
                noises[look] = _noise(study, sides, task.name, counts, shared)
            if (difference := noises[look].difference(arm, study.reference(arm))) is not None:
                made[arm, task.name] = difference
    return made


def _holm(differences: Mapping[Row, Difference], family: int) -> dict[Row, float]:
    tests = {row: difference for row, difference in differences.items() if difference.error}
    missing = [1.0] * (family - len(tests))
    return dict(zip(tests, holm([difference.p() for difference in tests.values()] + missing), strict=False))


def _lost(reading: Reading, pairs: Mapping[Row, Comparison]) -> dict[Row, tuple[float | None, float | None]]:
    """The sensitivity to learning rates of an arm and of its reference, where the arm has values to show."""
    shown = {row: pair for row, pair in pairs.items() if reading.schedule.look or pair.own.confirmed() is not None}
    sides = {(side.arm, side.task.name): side for pair in shown.values() for side in (pair.own, pair.base)}
    lost = dict(zip(sides, of_chosen(list(sides.values())), strict=True))
    return {row: (lost[row], lost[pair.base.arm, row[1]]) for row, pair in shown.items()}


def _facts(reading: Reading, pair: Comparison, described: bool) -> dict:
    """The fields of a finding before any test."""
    study, own, base = reading.study, pair.own, pair.base
    item = own.task
    counts, base_counts = own.divergences, base.divergences
    known = dict(
        study=study.name,
        arm=own.arm,
        base=base.arm,
        task=item.name,
        dataset=item.dataset,
        metric=item.metric,
        unit=item.unit,
        direction=item.direction,
        margin=item.margin,
        replicates=len(own.replicates),
        seeds=study.seeds,
        diverged_share=own.diverged_share,
        base_diverged_share=base.diverged_share,
        diverged=counts.diverged,
        confirmed=counts.runs,
        diverged_interval=counts.interval(LEVEL),
        base_diverged=base_counts.diverged,
        base_confirmed=base_counts.runs,
        censored=own.censored,
        base_censored=base.censored,
    )
    costs = reading.manifest.get('costs', {})
    cost, base_cost = (costs.get(name, {}).get(item.name) for name in (own.arm, study.base))
    if cost and base_cost:
        known |= dict(params=cost['params'], macs=cost['macs'])
        known |= dict(params_ratio=cost['params'] / base_cost['params'], macs_ratio=cost['macs'] / base_cost['macs'])

    def sided(interval: tuple | None) -> tuple | None:
        return None if interval is None else tuple(sorted(item.sign * end for end in interval))

    for prefix, side in (('', own), ('base_', base)):
        sample = side.confirmed()
        sample = None if sample is None else sample[np.isfinite(sample)]
        if sample is not None and len(sample):
            known[f'{prefix}value'] = item.sign * float(sample.mean())
            known[f'{prefix}interval'] = within(sided(mean_interval(sample, LEVEL)), item.metric)
            if described:
                known[f'{prefix}optimism'] = side.optimism
    confirmed = [record for record in own.recorded('confirm') if record.get('score_se') is not None]
    if confirmed:
        known['n_test'] = confirmed[0].get('n_held')
        known['test_error'] = float(np.mean([record['score_se'] for record in confirmed]))
    both = own.values, base.values
    if all(sample is not None and len(sample) == 1 and np.isfinite(sample).all() for sample in both):
        known['effect'] = float(both[0][0] - both[1][0])
    return known


def _number(value: float) -> str:
    return f'{value:+.3g}'


def _decided(
    study: Study,
    pair: Comparison,
    difference: Difference | None,
    looked: Looked,
    words: Adjusted,
    one_level: float,
    level: float,
) -> dict:
    """Verdict and reason of a permitted comparison, with their numbers.

    `level` is the error rate of all comparisons, `one_level` that of one among as many.
    """
    own, base, known = pair.own, pair.base, {'p_diverged': words.p_rates}
    if words.p_rates <= level:
        counts = ' against '.join(
            f'{side.divergences.diverged} of {side.divergences.runs} confirmation runs of {side.arm}' for side in (own, base)
        )
        told = f'; of the runs that ended {_number(difference.effect)} {own.task.unit}' if difference else ''
        return known | {'verdict': 'unstable', 'reason': f'{counts} diverged, adjusted p {words.p_rates:.2g}{told}'}
    missing = without_values(study, own, base)
    if missing:
        return known | {'verdict': 'not comparable', 'reason': missing}
    if difference is None:
        few = min(0 if side.values is None else int(np.isfinite(side.values).sum()) for side in (own, base))
        why = f'{few} replicate{"s" * (few != 1)}: noise cannot be measured with fewer than two'
        return known | {'verdict': 'undecided', 'reason': why}
    if words.p is None:
        return known | {'verdict': 'undecided', 'reason': _untested(difference, pair)}
    known |= {'p': looked.tested.p, 'p_adjusted': words.p, 'p_equivalent': words.p_within, 'decided_at': looked.look}
    known['detectable'] = detectable(difference, one_level)
    inside, censored = words.p_within <= level, {'arm': own.arm, 'base': base.arm}
    censored |= {'censored': own.censored, 'base_censored': base.censored}
    effect, unit = _number(difference.effect), own.task.unit
    if words.p <= level:
        edge = censored_side(1.0 if looked.above else -1.0, censored)
        if edge:
            return known | {'verdict': 'not comparable', 'reason': edge}
        known |= {'negligible': inside, 'one_more_diverged': _one_more(pair, difference, looked.above)}
        extra = ', negligible: within the margin' if inside else ''
        verdict = 'better' if looked.above else 'worse'
        return known | {'verdict': verdict, 'reason': f'{effect} {unit}, adjusted p {words.p:.2g}{extra}'}
    edge = censored_side(-1, censored) or censored_side(1, censored)
    if edge:
        return known | {'verdict': 'not comparable', 'reason': edge}
    if inside:
        why = f'{effect} {unit}, within the margin, adjusted p {words.p_within:.2g}'
        return known | {'verdict': 'equivalent', 'reason': why}
    return known | {'verdict': 'undecided', 'reason': f'{effect} {unit}, adjusted p {words.p:.2g}'}


def _untested(difference: Difference, pair: Comparison) -> str:
    """Why a difference that is known has no test."""
    if difference.error:
        return 'no declared look is complete, so nothing is tested'
    same = 'the same value' if difference.effect == 0 else 'values a constant apart'
    return f'zero variance: all {len(pair.own.replicates)} replicates of both gave {same}, no test is defined'


def _one_more(pair: Comparison, difference: Difference, above: bool) -> float:
    """The effect if one run more of the better side had diverged and scored chance."""
    side = pair.own if above else pair.base
    counts = side.divergences
    values = side.confirmed()
    lost = (float(np.nanmean(values)) - side.chance) / max(counts.runs - counts.diverged, 1)
    return difference.effect + (-lost if above else lost)


def _undecided(pair: Comparison, difference: Difference, p: float, one_level: float) -> dict:
    """The reason of an undecided comparison, and how many replicates would decide it."""
    margin, unit, count = pair.own.task.margin, pair.own.task.unit, len(pair.own.replicates)
    need = replicates_to_decide(difference, count, margin, one_level)
    resolved = need is not None or is_resolved(difference, margin, one_level)
    if not resolved:
        left = f'{difference.items.error:.3g} {unit}'
        likely = f'no number of replicates would decide it at this effect: the test split has an error of {left} of its own'
    elif need is None:
        likely = 'more than 1000 replicates would be needed at this effect'
    elif need <= count:
        likely = 'more replicates would be needed'
    else:
        likely = f'about {need} replicates would likely decide it at this effect and noise'
    alike = dataclasses.replace(difference, effect=0.0)
    reach = replicates_to_decide(alike, count, margin, one_level)
    small = reach is None or reach > count
    never = reach is None and not is_resolved(alike, margin, one_level)
    which = 'no number of them can' if never else f'{count} cannot'
    note = f'; {which} show equivalence within the margin at this noise' if small else ''
    why = f'{_number(difference.effect)} {unit}, adjusted p {p:.2g}; {likely}{note}'
    return {'reason': why, 'needed': need, 'resolved': resolved}


def _over_tasks(
    study: Study,
    made: Mapping[Row, Mapping],
    tested: Mapping[Row, Looked],
    measured: Mapping[Row, Difference],
    level: float,
    arm: str,
) -> dict:
    """The verdict of an arm over all tasks, and its mean effect over datasets, in margins.

    Whether an arm is not worse by a margin is asked on every task, and each has to say so: such tests need no correction among
    each other (Berger 1982), but one for the arms.
    """
    arms, concluded = max(len(study.arms) - 1, 1), {}
    for task in study.tasks:
        facts, looked = made[arm, task.name], tested.get((arm, task.name))
        shown = [None if looked is None else p for p in ((looked and looked.p_worse), (looked and looked.p_better))]
        not_worse, not_better = (p is not None and p * arms <= level for p in shown)
        concluded[task.name] = OnTask(facts['verdict'], facts.get('negligible', False), not_worse, not_better)
    overall, why = verdict_over_tasks(study, concluded)
    by_dataset: dict[str, list] = {}
    for task in study.tasks:
        difference = measured.get((arm, task.name))
        if difference is not None and difference.error and made[arm, task.name]['verdict'] != 'not comparable':
            by_dataset.setdefault(task.dataset, []).append((difference.effect / task.margin, difference.error / task.margin))
    effects = [np.mean(pairs, axis=0) for pairs in by_dataset.values()]
    known = len(by_dataset) == len({task.dataset for task in study.tasks})
    mean = mean_over_datasets(*np.array(effects).T) if effects and known else None
    told = {'overall': overall, 'overall_reason': why}
    return told if mean is None else told | {'overall_effect': mean[0], 'overall_interval': mean[1:]}
