"""Domain grids: means and paired differences by hand, and a section of a page only where a task has domains."""

import dataclasses

import golden_texts
import numpy as np
import pytest
from read_pages import CHECKLIST, bare
from simulated_study import data, read, small, study_of
from told_values import told as lines_of

from results.domain_scores import domain_scores
from results.report.domain_grids import domain_grids
from results.statistics import mean_interval
from results.store.reading import Reading


@pytest.fixture(scope='module')
def on_domains() -> tuple[Reading, list]:
    """A study on a task where lower is better, of which every run tells the score of two domains, and one without domains."""
    study = dataclasses.replace(study_of('one_swap'), tasks=('stdlib_bytes', 'digits'), name='small_domains')
    study, planned, records, *told = data(study, {'rms_norm': 0.2})
    generator = np.random.default_rng(0)
    for record in records.values():
        if record['task'] == 'stdlib_bytes' and record['status'] == 'ok':
            record['parts'] = {'code': record['score'] + generator.normal(), 'prose': record['score'] / 2}
    return read(study, planned, records, *told)


def test_scores_are_means_of_replicates_and_differences_are_paired(on_domains: tuple):
    reading, _ = on_domains
    told = domain_scores(reading)
    arms = list(reading.study.arms)
    assert [(one.arm, one.task, one.domain) for one in told] == [
        (a, 'stdlib_bytes', d) for a in arms for d in ('code', 'prose')
    ]

    def by_hand(arm: str, domain: str) -> np.ndarray:
        keys = sorted(key for key in reading.schedule.asked if key[:3] == ('confirm', arm, 'stdlib_bytes'))
        records = [[reading.records[trial.id] for trial in reading.schedule.asked[key]] for key in keys]
        return np.array([np.mean([r['parts'][domain] for r in own if r['status'] == 'ok']) for own in records])

    for one in told:
        own, base = by_hand(one.arm, one.domain), by_hand(reading.study.base, one.domain)
        assert one.value == pytest.approx(own.mean()) and one.interval == pytest.approx(mean_interval(own, 0.95))
        if one.arm == reading.study.base:
            assert one.effect is None
        else:
            # Lower is better here, so that an arm below the base is above 0.
            assert one.effect == pytest.approx((base - own).mean())
            assert one.effect_interval == pytest.approx(mean_interval(base - own, 0.95))


def test_a_page_has_a_table_for_each_task_with_domains(on_domains: tuple):
    reading, effects = on_domains
    (grid,) = domain_grids(reading)
    arms = list(reading.study.arms)
    assert [row[:2] for row in grid['rows']] == [[domain, arm] for domain in ('code', 'prose') for arm in arms]
    assert grid['caption'] == 'stdlib_bytes: domain by domain, in nats per byte'
    first = domain_scores(reading)[0]
    said = f'{first.value:.3f} [{first.interval[0]:.3f}, {first.interval[1]:.3f}]'.replace('-', '−')
    assert grid['rows'][0][2:] == [said, '–']
    golden_texts.hold(
        'grid_domains', '\n'.join(lines_of('domains', {row: own for one in [grid] for row, own in enumerate(one['rows'])}))
    )
    assert 'id="domains"' in bare(reading, effects, CHECKLIST)
    assert 'id="domains"' not in bare(*read(*small()), CHECKLIST)


def test_intervals_of_shares_end_where_shares_do():
    study, planned, records, *told = data(dataclasses.replace(study_of('one_swap'), tasks=('digits',), name='small_shares'), {})
    for record in records.values():
        if record['status'] == 'ok':
            record['parts'] = {'upright': 0.9 + 0.1 * (record['replicate'] % 2)}
    reading, _ = read(study, planned, records, *told)
    for one in domain_scores(reading):
        assert mean_interval(np.array([0.9, 1.0, 0.9]), 0.95)[1] > 1 == one.interval[1] and one.interval[0] > 0.5


def test_a_study_of_which_nothing_is_confirmed_has_none(on_domains: tuple):
    reading, _ = on_domains
    assert domain_grids(dataclasses.replace(reading, records=type(reading.records).of([]))) == []


def test_runs_that_diverged_and_records_without_domains_are_left_out(on_domains: tuple):
    reading, _ = on_domains
    keys = {key: [t.id for t in trials] for key, trials in reading.schedule.asked.items() if key[0] == 'confirm'}
    arm = list(reading.study.arms)[1]
    first, *others = keys['confirm', arm, 'stdlib_bytes', 0]
    odd = {**reading.records[first], 'status': 'diverged', 'parts': {'code': 99.0, 'prose': 99.0}}
    told = domain_scores(dataclasses.replace(reading, records={**reading.records, first: odd}))
    rest = {key: row for key, row in reading.records.items() if key != first}
    assert others and told == domain_scores(dataclasses.replace(reading, records=rest))
    bare = {**reading.records, first: {**reading.records[first], 'parts': None}}
    assert domain_scores(dataclasses.replace(reading, records=bare)) == told
    none = {key: row for key, row in reading.records.items() if key not in keys['confirm', arm, 'stdlib_bytes', 0]}
    made = next(one for one in domain_scores(dataclasses.replace(reading, records=none)) if one.arm == arm)
    assert made.interval is not None and made.effect is not None, 'two of three replicates are left'
    assert domain_scores(dataclasses.replace(reading, records={})) == []


def test_shares_are_in_percent(on_domains: tuple):
    reading, _ = on_domains
    records = {key: {**row, 'parts': {'one': 0.5}} if row['task'] == 'digits' else row for key, row in reading.records.items()}
    grids = {grid['caption']: grid for grid in domain_grids(dataclasses.replace(reading, records=records))}
    assert list(grids) == [
        'stdlib_bytes: domain by domain, in nats per byte',
        'digits: domain by domain, in %, and points',
    ]
    base, *others = grids['digits: domain by domain, in %, and points']['rows']
    assert base == ['one', reading.study.base, '50.0 [50.0, 50.0]', '–'] and {row[3] for row in others} == {'0.0 [0.0, 0.0]'}
