"""Evidence: from confirmed trials to one finding per arm and task, and one verdict per arm over the tasks.

The unit of evidence is the tuning replicate (the mean of its confirmation seeds). Effects are in the metric's good
direction: above 0 the arm is better than the base.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np

from ablations.study import Study
from results.budgets import Equality, equalities
from results.finding import TEST_NAME, VERDICTS, Finding
from results.side import Side
from results.statistics import (
    Difference,
    detectable,
    holm,
    mean_interval,
    moderated,
    replicates_to_decide,
    spread,
)
from results.store.reading import Reading

__all__ = ['TEST_NAME', 'VERDICTS', 'Finding', 'findings', 'verdict_over_tasks']

LEVEL = 0.95


def _known(reading: Reading, budgets: tuple[Equality, ...], arm: str, task: str, count: int) -> tuple:
    """The fields of a finding before any verdict, and the two samples of replicate values in the good direction."""
    study = reading.study
    reference = study.reference(arm)
    item = study.task(task)
    own, base = (Side(reading, name, item) for name in (arm, reference))
    values, base_values = own.confirmed(), base.confirmed()
    known = dict(
        study=study.name,
        arm=arm,
        base=reference,
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
    costs = reading.manifest.get('costs', {})
    cost, base_cost = (costs.get(name, {}).get(task) for name in (arm, study.base))
    if cost and base_cost:
        known |= dict(params=cost['params'], macs=cost['macs'])
        known |= dict(params_ratio=cost['params'] / base_cost['params'], macs_ratio=cost['macs'] / base_cost['macs'])
    if reading.schedule.look >= count or values is not None:
        known |= dict(lr_sensitivity=own.sensitivity, base_lr_sensitivity=base.sensitivity)

    def sided(interval: tuple | None) -> tuple | None:
        return None if interval is None else tuple(sorted(item.sign * end for end in interval))

    for name, sample, source in (('value', values, own), ('base_value', base_values, base)):
        if sample is None or len(sample) == 0:
            continue
        known[name] = item.sign * float(sample.mean())
        known['interval' if name == 'value' else 'base_interval'] = sided(mean_interval(sample, LEVEL))
        known['optimism' if name == 'value' else 'base_optimism'] = source.optimism
    confirmed = [record for record in own.recorded('confirm') if record.get('score_se') is not None]
    if confirmed:
        known['n_test'] = confirmed[0]['n_held']
        known['test_error'] = float(np.mean([record['score_se'] for record in confirmed]))
    if values is not None and base_values is not None and len(values):
        known['effect'] = float(values.mean() - base_values.mean())
    shared = tuple(None if who.failed('share') else who.confirmed('share') for who in (own, base))
    if all(sample is not None and len(sample) for sample in shared):
        known['shared_effect'] = float(shared[0].mean() - shared[1].mean())
    blocked = _incomparable(study, budgets, own, base)
    # Runs that failed, or scored chance for want of a recipe, are no measure of noise: the others borrow none from them.
    usable = tuple(None if who.lost else sample for who, sample in ((own, values), (base, base_values)))
    return known, usable, shared, blocked


def _incomparable(study: Study, budgets: tuple[Equality, ...], own: Side, base: Side) -> str:
    """Why two arms cannot be compared at all, or ''."""
    for who in (own, base):
        broken = sum(record['status'] == 'failed' for record in who.runs)
        if broken:
            return f"{broken} runs of '{who.arm}' failed (not diverged); see `archlab status`, then run with --retry-failed"
        if who.nothing_selected:
            tuned = who
            if study.recipe == 'same' and who.arm != study.base:
                tuned = dataclasses.replace(who, arm=study.base)
            runs = len(tuned.recorded('tune'))
            return f"every tuning run of '{tuned.arm}' diverged ({runs} of {runs})"
    for side in (own, base):
        if side.leak:
            return f"'{side.arm}' sees what it is to predict: {side.leak}"
    unequal = _unequal(study, budgets, own, base)
    if unequal:
        return unequal
    hashes = {r['environment'].get('source') for who in (own, base) for r in who.runs}
    if len(hashes) > 1:
        return f'unequal sources: the records come from {len(hashes)} versions of the sources that train'
    return ''


def _unequal(study: Study, budgets: tuple[Equality, ...], own: Side, base: Side) -> str:
    """How the budget of one of two arms differs from the base's, or ''.

    With one recipe for all, only the base is tuned, so tuning budgets are not compared. Such a study exists to show that
    fallacy, and its pages and the checklist say so.
    """
    for one in budgets:
        if one.task != own.task.name or (study.recipe == 'same' and one.phase in ('tune', 'extend')):
            continue
        for arm in (own.arm, base.arm):
            if arm in one.unequal:
                return f'unequal budgets, {one.phase}: {one.unequal[arm]}'
            if arm in one.unknown:
                return f'budgets that may be unequal, {one.phase}: {one.why}'
    return ''


def _censored_side(effect: float, known: dict) -> str:
    """Why this claim is forbidden, or '': the worse side's optimum lies at an edge, and a better recipe may lie beyond."""
    loser = ('censored', known['arm']) if effect < 0 else ('base_censored', known['base'])
    if known[loser[0]]:
        return f"censored: the optimum of '{loser[1]}' lies at the edge of its range ({', '.join(known[loser[0]])})"
    return ''


def _number(value: float) -> str:
    return f'{value:+.3g}'


def _decide(
    known: dict, difference: Difference, p: float, within: float, alpha: float, family: int, samples: tuple
) -> tuple[str, str]:
    """Verdict and reason from adjusted p-values; `family` comparisons share the error rate alpha. Adds to `known`."""
    effect, margin, unit = difference.effect, known['margin'], known['unit']
    inside = within <= alpha
    known['detectable'] = detectable(difference, alpha / family)
    if p <= alpha:
        verdict = 'better' if effect > 0 else 'worse'
        censored = _censored_side(effect, known)
        if censored:
            return 'not comparable', censored
        known['negligible'] = inside
        extra = ', negligible: within the margin' if inside else ''
        return verdict, f'{_number(effect)} {unit}, adjusted p {p:.2g}{extra}'
    censored = _censored_side(-1, known) or _censored_side(1, known)
    if censored:
        return 'not comparable', censored
    if inside:
        return 'equivalent', f'{_number(effect)} {unit}, within the margin, adjusted p {within:.2g}'
    deviations = samples[0].std(ddof=1), samples[1].std(ddof=1)
    need = known['needed'] = replicates_to_decide(*deviations, effect, margin, alpha / family)
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


def _tests(study: Study, rows: dict[tuple, tuple]) -> dict[tuple, Difference]:
    """The moderated difference of each pair of samples by (arm, task); left out where a sample is missing or too small."""
    differences = {}
    for task in study.tasks:
        samples = {}
        for arm in study.arms:
            if (arm, task.name) in rows:
                samples[study.reference(arm)] = rows[arm, task.name][1]
                samples[arm] = rows[arm, task.name][0]
        spreads = spread({arm: samples[arm] for arm in study.arms if samples.get(arm) is not None})
        for arm in study.arms:
            if (arm, task.name) in rows:
                difference = moderated(samples, arm, study.reference(arm), spreads)
                if difference is not None:
                    differences[arm, task.name] = difference
    return differences


def _adjusted(differences: dict[tuple, Difference], family: int) -> dict[tuple, float]:
    """p-values by Holm over the family. The study fixes the family: comparisons without a test count too."""
    tested = {row: difference for row, difference in differences.items() if difference.error}
    missing = [1.0] * (family - len(tested))
    return dict(zip(tested, holm([difference.p() for difference in tested.values()] + missing), strict=False))


def findings(reading: Reading) -> list[Finding]:
    """One finding for each arm but the base, on each task, at the last complete declared look.

    Before the first look the findings hold what is known and claim nothing. The declared looks share the error rate; if more
    looks were taken (`manifest['looks']`), these share it. In a factorial study half of it goes to main effects and
    interactions (results/factorial.py).
    """
    study = reading.study
    count = reading.schedule.look or study.looks[0]
    alpha = claim_level(study, reading.manifest)
    rows = [(a, t.name) for t in study.tasks for a in study.arms if a != study.base]
    budgets = equalities(study, reading.schedule, reading.records, reading.manifest.get('costs', {}))
    known = {row: _known(reading, budgets, *row, count) for row in rows}
    differences = _tests(study, {row: pair for row, (_, pair, _, _) in known.items()})
    for row, difference in differences.items():
        known[row][0]['effect_interval'] = difference.interval(LEVEL)
    # A comparison that is blocked has no test, but stays in the family.
    open_rows = {row: d for row, d in differences.items() if reading.schedule.look and not known[row][3]}
    adjusted = _adjusted(open_rows, len(rows))
    tests = {row: differences[row] for row in adjusted}
    margins = {row: study.task(row[1]).margin for row in rows}
    missing = [1.0] * (len(rows) - len(tests))
    within = dict(zip(tests, holm([d.p_within(margins[row]) for row, d in tests.items()] + missing), strict=False))
    shared = _tests(study, {row: pair for row, (_, _, pair, _) in known.items()})
    for row, difference in shared.items():
        known[row][0]['shared_interval'] = difference.interval(LEVEL)
    one_recipe = _adjusted(shared if reading.schedule.look else {}, len(rows))
    verdicts = {}
    for row, (facts, pair, _, blocked) in known.items():
        if not reading.schedule.look:
            verdicts[row] = 'undecided', 'unfinished: not all runs of the first look are recorded'
        elif blocked:
            verdicts[row] = 'not comparable', blocked
        elif row not in differences:
            verdicts[row] = 'undecided', f'{count} replicate: noise cannot be measured with fewer than two'
        elif row not in tests:
            same = 'the same value' if differences[row].effect == 0 else 'two values'
            verdicts[row] = 'undecided', f'zero variance: all {count} replicates of both gave {same}, no test is defined'
        else:
            facts |= dict(p=tests[row].p(), p_adjusted=adjusted[row], p_equivalent=within[row])
            verdicts[row] = _decide(facts, tests[row], adjusted[row], within[row], alpha, len(rows), pair)
        if row in one_recipe:
            told = one_recipe[row] <= alpha
            facts['shared_verdict'] = 'undecided' if not told else 'better' if shared[row].effect > 0 else 'worse'
    made = []
    for (arm, task), (facts, *_) in known.items():
        overall = verdict_over_tasks(study, {t.name: verdicts[arm, t.name][0] for t in study.tasks})
        verdict, reason = verdicts[arm, task]
        made.append(Finding(**facts, verdict=verdict, reason=reason, overall=overall[0], overall_reason=overall[1]))
    return made


def claim_level(study: Study, manifest: Mapping) -> float:
    """The error rate that the comparisons of one look share."""
    looks = max(len(study.looks), len(set(manifest.get('looks', []))), 1)
    return study.alpha / looks / (2 if study.levels else 1)


def verdict_over_tasks(study: Study, verdicts: Mapping[str, str]) -> tuple[str, str]:
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
