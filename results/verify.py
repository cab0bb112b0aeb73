"""Verify: the checklist of an honest comparison, rule by rule."""

import dataclasses
from collections.abc import Mapping

from ablations.study import Study
from ablations.trial import TEST, TUNING, Schedule

FEW_REPLICATES = 3
SIZE_WARNING = 0.05


@dataclasses.dataclass(frozen=True)
class Check:
    """One rule: whether it holds, and why (what was counted, and the fix where it does not)."""

    rule: str
    holds: bool
    why: str

    def to_dict(self) -> dict:
        return dataclasses.asdict(self)


def verify(study: Study, schedule: Schedule, records: Mapping[str, dict], manifest: Mapping, skipped: list[str]) -> list[Check]:
    """The checklist over what is recorded; `skipped` are the sentences about files that were not read."""
    planned = {trial.id: trial for trial in schedule.trials}
    found = {key: record for key, record in records.items() if key in planned}
    return [
        _sound(skipped),
        _complete(schedule, found),
        _own_recipe(study),
        _equal_budgets(study, schedule),
        _datasets(study),
        _noise(study),
        _fresh_seeds(study, planned),
        _sealed(found, manifest),
        _one(found, 'source', 'one version of the sources', lambda record: record['environment'].get('source')),
        _one_data(found),
        _looks(study, manifest),
        _edges(study, schedule),
        _sizes(study, manifest),
        _diverged(found),
    ]


def _sound(skipped: list[str]) -> Check:
    return Check('every records file is sound', not skipped, '; '.join(skipped) or 'all files match their checks')


def _complete(schedule: Schedule, found: Mapping[str, dict]) -> Check:
    failed = sum(record['status'] == 'failed' for record in found.values())
    missing = len(schedule.trials) - len(found)
    why = f'{len(found)} of {len(schedule.trials)} planned trials are recorded, {failed} failed'
    holds = schedule.complete and not failed and not missing
    return Check('the study is complete', holds, why if holds else f'{why}; run it again (--retry-failed for failed ones)')


def _own_recipe(study: Study) -> Check:
    lacking = [optimizer for optimizer, space in study.tune.items() if not {'lr', 'weight_decay'} <= set(space)]
    tuned = sorted({name for space in study.tune.values() for name in space})
    why = f'{", ".join(tuned)} of {", ".join(study.tune)} are tuned for every arm on its own'
    if lacking:
        why = f'{", ".join(lacking)} lacks a range for learning rate or weight decay; add it to tune'
    return Check('every arm has its own recipe', not lacking, why)


def _equal_budgets(study: Study, schedule: Schedule) -> Check:
    unequal = []
    for task in study.tasks:
        counts = {tuple(schedule.budgets[arm, task.name][k] for k in ('trials', 'steps', 'examples')) for arm in study.arms}
        if len(counts) > 1:
            unequal.append(task.name)
    trials = sorted({schedule.budgets[study.base, task.name]['trials'] for task in study.tasks})
    why = f'unequal on {", ".join(unequal)}' if unequal else f'tuning trials per arm and task: {", ".join(map(str, trials))}'
    return Check('every arm has the same budget', not unequal, why)


def _datasets(study: Study) -> Check:
    names = sorted({task.dataset for task in study.tasks})
    fix = '' if len(names) > 1 else '; a claim needs two or more: add a task on another dataset'
    return Check('more than one dataset', len(names) > 1, f'{len(names)}: {", ".join(names)}{fix}')


def _noise(study: Study) -> Check:
    holds = study.replicates >= FEW_REPLICATES
    why = f'{study.replicates} independent tunings of every arm, {study.seeds} confirmation seeds each'
    return Check('noise is measured', holds, why if holds else f'{why}; {FEW_REPLICATES} are the least, 5 the default')


def _fresh_seeds(study: Study, planned: Mapping) -> Check:
    tuning = {trial.seed for trial in planned.values() if trial.held == TUNING}
    by_replicate: dict[tuple, set] = {}
    for trial in planned.values():
        if trial.held == TEST:
            by_replicate.setdefault((trial.task, trial.replicate), set()).add(trial.seed)
    seeds = [seed for found in by_replicate.values() for seed in found]
    holds = len(seeds) == len(set(seeds)) and not tuning & set(seeds)
    why = f'{len(seeds)} confirmation seeds, none shared between replicates or with {len(tuning)} tuning seeds'
    return Check('confirmation seeds are fresh', holds, why if holds else 'a seed is used twice; rename the study')


def _sealed(found: Mapping[str, dict], manifest: Mapping) -> Check:
    wrong = [r['id'] for r in found.values() if (r['held'] == TEST) != (r.get('phase', '') in ('confirm', 'share'))]
    reads = manifest.get('test_reads', {})
    counted = ', '.join(f'{name} {count}' for name, count in sorted(reads.items())) or 'none yet'
    why = f'{len(wrong)} tuning trials were scored on test data' if wrong else f'test reads by dataset: {counted}'
    return Check('nothing was tuned on test data', not wrong, why)


def _one(found: Mapping[str, dict], name: str, rule: str, of) -> Check:
    values = {of(record) for record in found.values() if record['status'] != 'failed'}
    why = f'{name}: {", ".join(sorted(map(str, values)))}' if values else 'nothing is recorded yet'
    holds = len(values) <= 1
    return Check(rule, holds, why if holds else f'{why}; run the study in a new folder')


def _one_data(found: Mapping[str, dict]) -> Check:
    sums: dict[tuple, set] = {}
    for record in found.values():
        if record['status'] != 'failed':
            where = record['replicate'] if record['held'] == TUNING else TEST
            sums.setdefault((record['task'], where), set()).add(record.get('checksum'))
    mixed = sorted({task for (task, _), values in sums.items() if len(values) > 1})
    why = f'the data of {", ".join(mixed)} changed; run the study in a new folder' if mixed else 'one checksum for each split'
    return Check('one version of the data', not mixed, why)


def _looks(study: Study, manifest: Mapping) -> Check:
    taken = sorted(set(manifest.get('looks', [])))
    undeclared = [look for look in taken if look not in study.looks]
    why = f'declared at {", ".join(map(str, study.looks))} replicates, taken at {", ".join(map(str, taken)) or "none"}'
    return Check('looks were declared', not undeclared, f'{why}; the error rate is shared among all of them')


def _edges(study: Study, schedule: Schedule) -> Check:
    at_edge = [f'{arm} on {task} ({", ".join(sides)})' for (arm, task), sides in schedule.censored.items() if sides]
    why = 'no optimum lies at an edge' if not at_edge else f'{"; ".join(at_edge)}; widen the range of tune'
    return Check('no recipe is censored', not at_edge, why)


def _sizes(study: Study, manifest: Mapping) -> Check:
    costs, far = manifest.get('costs', {}), []
    for task in study.tasks:
        base = costs.get(study.base, {}).get(task.name)
        for arm in study.arms:
            cost = costs.get(arm, {}).get(task.name)
            if base and cost and abs(cost['params'] / base['params'] - 1) > SIZE_WARNING:
                far.append(f'{arm} on {task.name} x{cost["params"] / base["params"]:.2f}')
    why = f'warning, parameters differ by more than 5 %: {", ".join(far)}' if far else 'all within 5 % of the base'
    return Check('sizes are shown', True, why)


def _diverged(found: Mapping[str, dict]) -> Check:
    count = sum(record['status'] == 'diverged' for record in found.values())
    return Check(
        'diverged runs are counted', True, f'{count} of {len(found)} runs diverged; they score chance, none is dropped'
    )
