"""Source: a study with what it concludes, from one place; and the claims of it."""

import dataclasses
from collections.abc import Mapping, Sequence

from ablations.study import Study
from results.claims.claim import Claim, claim_of
from results.claims.setting import setting_of
from results.rounding import plain

ORIGINS = ('runs', 'bundle')
P = {'equivalent': 'p_equivalent', 'unstable': 'p_diverged'}
"""Which p-value of a finding belongs to its verdict; that of a difference, else."""


@dataclasses.dataclass(frozen=True)
class Source:
    """A study, the rows of its findings as plain data (those of `Finding.to_dict`), and where they were read.

    digest    the study's address when it concluded this
    costs     {arm: {task: cost}}, as in the manifest
    kind      one of ORIGINS
    failing   rules of the checklist that the study breaks, as far as its bundle says
    """

    study: Study
    digest: str
    rows: Sequence[Mapping]
    costs: Mapping
    kind: str
    place: str
    failing: tuple[str, ...] = ()


def claims_of(source: Source) -> list[Claim]:
    """A claim for each finding, and one for each arm over all datasets where there are several.

    Raises ValueError for a study that shows the fallacy of one recipe, and for a row of another study.
    """
    study = source.study
    if study.recipe == 'same':
        raise ValueError('it shows one recipe for all arms, so it claims nothing of the arms at their own best')
    known = {(arm, task.name) for task in study.tasks for arm in study.arms if arm != study.base}
    rows = {key: row for row in source.rows for key in known if key == (row.get('arm'), row.get('task'))}
    if len(rows) < len(source.rows):
        raise ValueError('it has findings of arms or tasks that the study does not have; take it from where it was made')
    several = len({task.dataset for task in study.tasks}) > 1
    made = []
    for arm in study.arms:
        own = [rows[arm, task.name] for task in study.tasks if (arm, task.name) in rows]
        made += [_on_one_task(source, row) for row in own]
        if several and len(own) == len(study.tasks):
            made.append(_over_datasets(source, own))
    return made


def _about(source: Source, arm: str) -> dict:
    study, base = source.study, source.study.reference(arm)
    return {
        'study': study.name,
        'question': study.question,
        'study_digest': source.digest,
        'arm': arm,
        'base': base,
        'changes': [change.to_dict() for change in study.arms[arm]],
        'base_changes': [change.to_dict() for change in study.arms[base]],
        'trials': study.trials,
        'optimizers': sorted({*study.optimizers_of(arm), *study.optimizers_of(base)}),
        'seeds': study.seeds,
        'budget': study.budget,
        'blocks': study.blocks_hash,
        'sources': [{'kind': source.kind, 'place': source.place, 'failing': list(source.failing)}],
    }


def _on_one_task(source: Source, row: Mapping) -> Claim:
    arm, task = row['arm'], row['task']
    own = ('metric', 'unit', 'direction', 'margin', 'verdict', 'reason', 'negligible', 'effect', 'replicates')
    counts = {name: row.get(name, 0) for name in ('diverged', 'confirmed', 'base_diverged', 'base_confirmed')}
    about = {**_about(source, arm), **{name: row.get(name) for name in own}, **counts}
    about |= {'scope': 'dataset', 'interval': row.get('effect_interval')}
    about['p_adjusted'] = row.get(P.get(row.get('verdict'), 'p_adjusted'))
    about |= {'settings': [setting_of(source.study, arm, task, source.costs)], 'censored': _censored(about, row)}
    return claim_of(plain(about))


def _censored(about: Mapping, row: Mapping) -> list[str]:
    """The arms to be marked: the arm itself, and its reference where that one wins (as in all tables)."""
    own = [about['arm']] if row.get('censored') else []
    return own + ([about['base']] if row.get('base_censored') and row.get('verdict') == 'worse' else [])


def _over_datasets(source: Source, rows: Sequence[Mapping]) -> Claim:
    arm = rows[0]['arm']
    metrics = {row.get('metric') for row in rows}
    about = {
        **_about(source, arm),
        'scope': 'overall',
        'metric': metrics.pop() if len(metrics) == 1 else 'several',
        'unit': 'margins',
        'direction': 'higher',
        'margin': 1.0,
        'replicates': min(row.get('replicates', 0) for row in rows),
        'verdict': rows[0].get('overall'),
        'reason': rows[0].get('overall_reason'),
        'effect': rows[0].get('overall_effect'),
        'interval': rows[0].get('overall_interval'),
        'settings': [setting_of(source.study, arm, row['task'], source.costs) for row in rows],
    }
    about['censored'] = sorted({name for row in rows for name in _censored(about, row)})
    return claim_of(plain(about))
