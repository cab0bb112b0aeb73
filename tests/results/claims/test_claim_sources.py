"""Sources of claims: studies and bundles; what each concludes, and which say nothing."""

import dataclasses
import hashlib
import json
import shutil
from pathlib import Path

import pytest
from made_claims import PUBLISHED, published
from simulated_study import small, study_of

from ablations.config import put
from ablations.shapes import ladder
from results.claims.bundles import bundles_in, read_bundle
from results.claims.claim import SAYING
from results.claims.collection import claim_at, collect
from results.claims.source import Source, claims_of


def source(shape: str = 'one_swap', **fields: object) -> Source:
    study, _, _, manifest, findings = small(shape)
    rows = [one.to_dict() for one in findings]
    return dataclasses.replace(Source(study, study.digest, rows, manifest['costs'], 'runs', 'runs/small'), **fields)


def test_there_is_a_claim_for_each_finding_and_one_for_each_arm():
    made = claims_of(source())
    study = small()[0]
    arms = [arm for arm in study.arms if arm != study.base]
    assert [(one.arm, one.tasks) for one in made] == [
        (arm, tasks) for arm in arms for tasks in (('digits',), ('stdlib_bytes',), ('digits', 'stdlib_bytes'))
    ]
    lost = [one for one in made if one.arm == 'no_mixer']
    assert [one.verdict for one in lost] == ['worse'] * 3
    assert lost[2].unit == 'margins' and lost[2].margin == 1.0 and lost[2].datasets == ('digits', 'stdlib_bytes')
    first = lost[0].settings[0]
    assert first.params == 10_400 and first.base_params == 10_000 and first.examples == first.steps * first.batch
    assert [one['path'] for one in first.differences] == ['mixer'] and lost[0].changes[0]['kind'] == 'identity'


@pytest.mark.parametrize('changed', [{'arm': 'layer_norm'}, {'arm': 'other'}, {'task': 'recall'}, {'arm': None}])
def test_findings_of_what_is_not_compared_in_the_study_are_refused(changed: dict):
    rows = [*source().rows, {**source().rows[0], **changed}]
    with pytest.raises(ValueError, match=r'it has findings of arms or tasks that the study does not have; take it from where'):
        claims_of(source(rows=rows))
    (sentence,) = collect([('there', lambda: source(rows=rows))]).skipped
    assert sentence.startswith('there: it has findings of arms or tasks')


@pytest.mark.parametrize(('verdict', 'p'), [('worse', 0.01), ('equivalent', 0.02), ('unstable', 0.03), ('undecided', 0.01)])
def test_the_p_value_is_that_of_the_verdict(verdict: str, p: float):
    row = {**source().rows[0], 'verdict': verdict, 'p_adjusted': 0.01, 'p_equivalent': 0.02, 'p_diverged': 0.03}
    assert claims_of(source(rows=[row]))[0].p_adjusted == p


def test_one_dataset_in_two_sizes_makes_no_claim_over_all():
    study = study_of('one_swap', tasks=ladder('digits', {'small': (), 'large': put('channel.ratio', 8.0)}))
    rows = [{**row, 'task': {'digits': 'digits_small', 'stdlib_bytes': 'digits_large'}[row['task']]} for row in source().rows]
    made = claims_of(source(study=study, rows=rows))
    assert {one.scope for one in made} == {'dataset'} and len(made) == len(rows)


def test_what_is_censored_is_marked():
    rows = [{**row, 'censored': ['lr high'], 'base_censored': ['lr low']} for row in source().rows]
    made = {(one.arm, one.tasks): one for one in claims_of(source(rows=rows))}
    for arm, tasks in made:
        won = {row['verdict'] for row in rows if row['arm'] == arm and row['task'] in tasks} & {'worse'}
        assert set(made[arm, tasks].censored) == {arm, *(['layer_norm'] if won else [])}
    assert {one.censored for one in claims_of(source(rows=[{**row, 'censored': []} for row in source().rows]))} == {()}


def test_an_arm_is_told_against_the_one_that_it_is_compared_with():
    made = {(one.arm, one.tasks): one for one in claims_of(source('drop_one'))}
    one = made['without_no_mixer', ('digits',)]
    assert one.base == 'all' and len(one.base_changes) == 2
    # The full model has the other mixer, and the arm has the base's.
    (difference,) = one.settings[0].differences
    assert difference['path'] == 'mixer' and difference['from'] == {'kind': 'identity'}


def test_matched_compute_has_steps_of_its_own():
    study = dataclasses.replace(small()[0], budget='compute')
    costs = {arm: {t.name: {'flops': 50.0 if arm == 'no_mixer' else 100.0} for t in study.tasks} for arm in study.arms}
    made = claims_of(source(study=study, costs=costs))
    one = next(one for one in made if one.arm == 'no_mixer').settings[0]
    assert one.steps == 2 * one.base_steps == 280 and one.params is None
    assert claims_of(source(study=study, costs={}))[0].settings[0].steps == 140


def test_optimizers_of_a_claim_are_told_by_their_names_whatever_their_order():
    study = small()[0]
    space = next(iter(study.tune.values()))
    many = dataclasses.replace(study, tune=dict.fromkeys(('sgd', 'muon', 'adamw', 'lion'), space))
    assert claims_of(source(study=many))[0].optimizers == ('adamw', 'lion', 'muon', 'sgd')


def test_a_study_over_several_metrics_has_none_over_all():
    rows = source().rows
    assert {one.metric for one in claims_of(source()) if one.scope == 'overall'} == {'several'}
    same = [{**row, 'metric': 'loss'} for row in rows]
    assert {one.metric for one in claims_of(source(rows=same)) if one.scope == 'overall'} == {'loss'}


def test_what_holds_over_all_datasets_has_the_replicates_of_the_least():
    arm = source().rows[0]['arm']
    own = [row for row in source().rows if row['arm'] == arm]
    rows = [
        {**row, 'replicates': count, 'overall_effect': -2.5, 'overall_interval': [-3, None]}
        for count, row in zip((5, 3), own, strict=True)
    ]
    overall = claims_of(source(rows=rows))[-1]
    assert (overall.scope, overall.replicates, overall.effect, overall.interval) == ('overall', 3, -2.5, (-3, None))
    # An arm that is told of on one task only claims nothing over all of them.
    assert [one.scope for one in claims_of(source(rows=rows[:1]))] == ['dataset']


@pytest.mark.parametrize(
    ('verdict', 'censored', 'base_censored', 'marked'),
    [
        ('worse', ['lr high'], ['lr high'], {'arm', 'base'}),
        ('worse', [], ['lr high'], {'base'}),
        ('better', [], ['lr high'], set()),
        ('better', ['lr high'], ['lr high'], {'arm'}),
        ('undecided', [], ['lr high'], set()),
    ],
)
def test_a_reference_at_an_edge_bears_on_the_verdict_where_it_wins(verdict, censored, base_censored, marked):
    row = {**source().rows[0], 'verdict': verdict, 'censored': censored, 'base_censored': base_censored}
    one = claims_of(source(rows=[row]))[0]
    assert set(one.censored) == {getattr(one, name) for name in marked}


def test_a_place_that_cannot_be_opened_is_skipped_with_what_the_system_says():
    def unreadable() -> Source:
        raise PermissionError(13, 'Permission denied', 'runs/first')

    def broken() -> Source:
        raise OSError('no strerror')

    made = collect([('first', unreadable), ('second', broken), ('third', source)])
    assert made.skipped == ('first: Permission denied', 'second: no strerror')
    assert len(made.sources) == 1 and made.claims


def test_the_fallacy_claims_nothing():
    with pytest.raises(ValueError, match='one recipe for all arms'):
        claims_of(source(study=dataclasses.replace(small()[0], recipe='same')))


def test_findings_of_another_study_are_refused():
    rows = [dict(row) for row in source().rows]
    with pytest.raises(ValueError, match='does not have'):
        claims_of(source(rows=[*rows, rows[0] | {'arm': 'ghost'}]))
    with pytest.raises(ValueError, match='does not have'):
        claims_of(source(rows=[*rows, rows[0]]))


def test_bundles_are_read_as_they_were_published():
    assert published().skipped == ()
    told = {(one.study, one.arm, one.datasets): one for one in published().claims}
    lost = told['quickstart', 'no_mixer', ('stdlib_bytes',)]
    assert lost.verdict == 'worse' and lost.effect < 0 and lost.settings[0].params > 20_000
    by_hand = [row for row in json.loads((PUBLISHED / 'norms' / 'table.json').read_text()) if row['verdict'] in SAYING]
    said = [one for one in published().claims if one.study == 'norms' and one.scope == 'dataset' and one.says]
    assert len(said) == len(by_hand) > 0


def copied(tmp_path: Path) -> Path:
    path = tmp_path / 'null'
    path.mkdir()
    for name in ('bundle.json', 'manifest.json', 'table.json'):
        shutil.copy(PUBLISHED / 'null' / name, path / name)
    return path


def resigned(path: Path) -> None:
    """Give the table its hash, as one does who publishes what he made up."""
    about = json.loads((path / 'bundle.json').read_text())
    about['files']['table.json'] = hashlib.sha256((path / 'table.json').read_bytes()).hexdigest()
    (path / 'bundle.json').write_text(json.dumps(about))


def test_a_table_that_was_changed_is_refused(tmp_path: Path):
    path = copied(tmp_path)
    (path / 'table.json').write_text((path / 'table.json').read_text().replace('equivalent', 'better'))
    with pytest.raises(ValueError, match=r'table.json was changed after it was published'):
        read_bundle(path)


BROKEN = {
    'bundle.json': ['{', '[]', '{"study": "null"}'],
    'manifest.json': ['{', '[]', '{}', '{"costs": 1}', '{"costs": {"same": {"digits": "dear"}}}'],
    'table.json': [
        '{',
        '{}',
        '[1]',
        '[{"row": "comparison"}]',
        '[{"row": "comparison", "arm": []}]',
        '[{"row": "comparison", "arm": "same"}]',
    ],
}


@pytest.mark.parametrize(('name', 'text'), [(name, text) for name, texts in BROKEN.items() for text in texts])
def test_a_damaged_bundle_is_skipped_with_a_sentence(tmp_path: Path, name: str, text: str):
    path = copied(tmp_path)
    (path / name).write_text(text)
    if name == 'table.json':
        resigned(path)
    made = collect([('there', lambda: read_bundle(path))])
    (sentence,) = made.skipped
    assert made.claims == () and sentence.startswith('there: ')


def test_values_of_another_kind_are_refused(tmp_path: Path):
    path = copied(tmp_path)
    rows = json.loads((path / 'table.json').read_text())
    rows[0]['effect'] = 'large'
    (path / 'table.json').write_text(json.dumps(rows))
    resigned(path)
    (sentence,) = collect([('there', lambda: read_bundle(path))]).skipped
    assert 'effect' in sentence and 'large' in sentence


def test_a_claim_in_two_places_is_there_once(tmp_path: Path):
    path = copied(tmp_path)
    assert bundles_in(tmp_path) == [path]
    both = collect([(str(place), lambda place=place: read_bundle(place)) for place in (PUBLISHED / 'null', path)])
    alone = collect([('null', lambda: read_bundle(path))])
    assert [one.digest for one in both.claims] == [one.digest for one in alone.claims]
    assert [len(one.sources) for one in both.claims] == [2] * len(alone.claims)


def test_a_claim_is_found_by_the_beginning_of_its_address():
    one = published().claims[3]
    assert claim_at(published(), one.digest[:8]) is one
    with pytest.raises(ValueError, match='no claim that was read begins'):
        claim_at(published(), 'zz')
    with pytest.raises(ValueError, match='no claim'):
        claim_at(published(), '')
    first = {claim.digest[0] for claim in published().claims}
    shared = next(letter for letter in first if sum(claim.digest[0] == letter for claim in published().claims) > 1)
    listed = [claim.digest for claim in published().claims if claim.digest[0] == shared][:5]
    with pytest.raises(ValueError, match=f'several claims begin with that; .*: {", ".join(listed)}$'):
        claim_at(published(), shared)
