"""A claim back to the study that tests it."""

import dataclasses
import math
from pathlib import Path

import pytest
from made_claims import published
from simulated_study import small, study_of

from ablations.config import Swap, put, swap
from ablations.shapes import ladder
from ablations.spaces import choice, integer, linear, log
from ablations.study import Study
from ablations.study_files import load_study
from results.claims.claim import Claim
from results.claims.source import Source, claims_of
from results.claims.study_file import fresh_name, study_file
from sweeps.protocol.plan import plan

RECALL = study_of('one_swap', tasks=('recall',)).tasks[0]


def claims(study: Study) -> list[Claim]:
    """Claims of a study that found nothing yet."""
    about = dict(metric='accuracy', unit='share', direction='higher', margin=0.01, reason='', negligible=False, replicates=0)
    about |= dict(verdict='undecided', overall='undecided', overall_reason='')
    rows = [{**about, 'arm': arm, 'task': task.name} for task in study.tasks for arm in study.arms if arm != study.base]
    return claims_of(Source(study, study.digest, rows, {}, 'runs', 'runs/x'))


def loaded(tmp_path: Path, claim: Claim, study: Study, **more: object) -> Study:
    path = tmp_path / 'again.py'
    path.write_text(study_file(claim, study, **more))
    return load_study(str(path))


PROTOCOL = [
    field.name
    for field in dataclasses.fields(Study)
    if field.name
    not in (
        'name',
        'question',
        'arms',
        'tasks',
        'tune',
        'optimizers',
        'own',
        'arm_fixed',
        'against',
        'levels',
        'shape',
        'blocks',
    )
]


def check(tmp_path: Path, claim: Claim, study: Study) -> Study:
    """The study that tests a claim compares the same models under the same protocol, and has a name of its own."""
    again = loaded(tmp_path, claim, study, taken={study.name})
    assert again.name != study.name and str(claim.digest) in again.question
    assert tuple(item.name for item in again.tasks) == claim.tasks
    assert again.reference(claim.arm) == claim.base and claim.arm in again.arms
    for item in again.tasks:
        assert item == study.task(item.name)
        for arm in again.arms:
            assert again.model(arm, item.name) == study.model(arm, item.name)
    assert again.own == {arm: study.own[arm] for arm in again.arms if arm in study.own}
    assert all(again.fixed_of(arm) == study.fixed_of(arm) for arm in again.arms)
    assert all(again.optimizers_of(arm) == study.optimizers_of(arm) for arm in again.arms)
    used = {optimizer for arm in again.arms for optimizer in study.optimizers_of(arm)}
    assert again.tune == {optimizer: space for optimizer, space in study.tune.items() if optimizer in used}
    assert {name: getattr(again, name) for name in PROTOCOL} == {name: getattr(study, name) for name in PROTOCOL}
    return again


def test_every_published_claim_can_be_tested_anew(tmp_path: Path):
    studies = {source.digest: source.study for source in published().sources}
    for one in published().claims:
        check(tmp_path, one, studies[one.study_digest])


def test_the_new_study_plans_runs_of_its_own(tmp_path: Path):
    study = small()[0]
    again = check(tmp_path, claims(study)[0], study)
    wanted, before = plan(again, {}, {}), plan(study, {}, {})
    assert wanted and not {trial.seed for trial in wanted} & {trial.seed for trial in before}


@pytest.mark.parametrize('shape', ['path', 'drop_one', 'factorial'])
def test_an_arm_is_tested_against_what_it_was_compared_with(tmp_path: Path, shape: str):
    study = study_of(shape)
    for one in claims(study):
        again = check(tmp_path, one, study)
        assert len(again.arms) == (2 if one.base == study.base else 3)


def test_a_base_that_lacks_a_field_is_said_in_full(tmp_path: Path):
    """No change takes a field away from the task's own base, such as the mixer's here."""
    base = {**RECALL.base, 'mixer': {name: value for name, value in RECALL.base['mixer'].items() if name != 'biases'}}
    assert base != RECALL.base
    study = study_of('one_swap', tasks=(dataclasses.replace(RECALL, base=base),))
    for one in claims(study):
        assert check(tmp_path, one, study).tasks[0].base == base


def odd() -> Study:
    """A study that says everything a study can say."""
    space = {'lr': log(1e-4, 1.0, bounds=(1e-5, 2.0)), 'weight_decay': log(1e-3, 1.0)}
    sgd = {'lr': linear(0.1, 0.9), 'momentum': choice(0.8, 0.95), 'accumulate': integer(1, 4, bounds=(1, 8))}
    return dataclasses.replace(
        study_of('one_swap'),
        name='odd',
        arms={
            'base': (),
            'wide': (put('channel.ratio', 6.0), swap('mixer', 'depthwise_conv', kernel=5, bias=True)),
            'plain': swap('norm', 'identity'),
        },
        tasks=(*ladder('digits', {'small': (), 'large': put('channel.ratio', 8.0)}), dataclasses.replace(RECALL, name='mine')),
        tune={'adamw': space, 'sgd': {name: sgd[name] for name in ('lr', 'momentum')}},
        fixed={'beta2': 0.99},
        looks=(2, 4),
        replicates=4,
        base_factor=2,
        alpha=0.1,
        search='random',
    )


def test_everything_that_a_study_says_is_said_again(tmp_path: Path):
    study = odd()
    for one in claims(study):
        check(tmp_path, one, study)


def test_ranges_and_fields_of_every_sort_are_said_again(tmp_path: Path):
    sgd = {'lr': linear(0.1, 0.9), 'accumulate': integer(1, 4, bounds=(1, 8)), 'warmup_steps': integer(1, 64, log=True)}
    study = dataclasses.replace(odd(), tune={'sgd': {**sgd, 'my_gain': linear(-1.0, 1.0, bounds=(-math.inf, 3))}})
    for one in claims(study)[:1]:
        check(tmp_path, one, study)
    named = Swap('mixer', 'depthwise_conv', (('kernel', 5), ('not a name', 3)))
    study = dataclasses.replace(odd(), arms={'base': (), 'wide': (named,)})
    again = check(tmp_path, claims(study)[0], study)
    assert again.arms['wide'] == (named,)


@pytest.mark.parametrize(
    ('verdict', 'asked'),
    [
        ('better', 'wide is better than base?'),
        ('worse', 'wide is worse than base?'),
        ('equivalent', 'wide is equivalent to base?'),
        ('unstable', 'wide diverges at another rate than base?'),
        ('undecided', 'wide is better or worse than base?'),
    ],
)
def test_a_study_asks_what_was_claimed(verdict: str, asked: str):
    one = dataclasses.replace(claims(odd())[0], verdict=verdict, effect=None)
    assert study_file(one, odd()).startswith(f'"""Does it hold that, at this scale, {asked}\n')


def test_a_study_file_is_python_whatever_a_claim_is_called(tmp_path: Path):
    name = 'a\\b' + 3 * '"' + '\\'
    one = dataclasses.replace(claims(odd())[0], study=name, verdict='better', effect=0.02)
    assert name in loaded(tmp_path, one, odd()).question


def test_a_base_is_said_by_its_changes_and_only_where_it_differs():
    text = study_file(next(one for one in claims(odd()) if one.tasks == ('digits_large',)), odd())
    assert "base=changed(task('digits').base, (put('channel.ratio', 8.0),))" in text
    longer = study_of('one_swap', tasks=(dataclasses.replace(RECALL, steps=2 * RECALL.steps),))
    text = study_file(claims(longer)[0], longer)
    assert f"task('recall', steps={2 * RECALL.steps})" in text


def test_a_base_that_cannot_be_said_by_changes_is_said_in_full(tmp_path: Path):
    odd_base = {**RECALL.base, 'extra': {'kind': 'none'}}
    study = study_of('one_swap', tasks=(dataclasses.replace(RECALL, base=odd_base),))
    assert check(tmp_path, claims(study)[0], study).tasks[0].base == odd_base


def test_a_name_is_taken_once():
    one = claims(small()[0])[0]
    first = fresh_name(one, ())
    assert first.startswith('rms_norm_against_layer_norm_')
    assert fresh_name(one, {first}) == f'{first}_2' and fresh_name(one, {first, f'{first}_2'}) == f'{first}_3'


def test_a_study_with_a_block_file_needs_that_file(tmp_path: Path):
    path = tmp_path / 'my_norm.py'
    path.write_text('NORMS = {}\n')
    study = study_of('one_swap', blocks=str(path))
    one = claims(study)[0]
    assert one.blocks == study.blocks_hash
    with pytest.raises(ValueError, match=f'hash is {one.blocks}; give that file: --blocks FILE'):
        study_file(one, study)
    with pytest.raises(ValueError, match='no such file'):
        study_file(one, study, blocks=tmp_path / 'nowhere.py')
    other = tmp_path / 'other.py'
    other.write_text('NORMS = {1: 2}\n')
    with pytest.raises(ValueError, match='is another file, or another version'):
        study_file(one, study, blocks=other)
    assert loaded(tmp_path, one, study, blocks=path).blocks_hash == one.blocks
    with pytest.raises(ValueError, match='without a block file'):
        study_file(claims(small()[0])[0], small()[0], blocks=path)


def test_values_of_training_of_an_arm_are_said(tmp_path: Path):
    study = dataclasses.replace(odd(), arm_fixed={arm: {'ema': 0.5} for arm in list(odd().arms)[1:]})
    one = next(iter(claims(study)))
    again = check(tmp_path, one, study)
    assert again.arm_fixed[one.arm] == {'ema': 0.5} and study.base not in again.arm_fixed
