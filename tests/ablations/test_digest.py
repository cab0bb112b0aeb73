"""Digests: one address for one thing, in every process; what a trial's address depends on, and what it does not."""

import dataclasses
import os
import subprocess
import sys

import pytest

from ablations.config import put, swap
from ablations.digest import canonical, digest
from ablations.spaces import SPACES, linear, log
from ablations.studies import STUDIES
from ablations.study import Study
from ablations.tasks import task
from ablations.trial import Trial
from sweeps.protocol.plan import plan
from sweeps.protocol.simulate import World, simulate

STUDY = Study(
    name='digests',
    question='What is in an address?',
    arms={'base': (), 'rms': swap('norm', 'rms_norm'), 'copy': ()},
    tasks=('digits', 'recall'),
    tune={'adamw': {'lr': log(1e-3, 1e-1), 'weight_decay': log(1e-3, 1.0)}},
    trials=4,
    replicates=2,
)


def ids(study: Study) -> dict[str, tuple]:
    return {trial.id: (trial.arm, trial.task, trial.replicate) for trial in plan(study, {}, {})}


@pytest.mark.parametrize(
    ('value', 'wanted'),
    [
        ({'b': 1, 'a': [1, 2.5, 'x', True]}, '{"a":[1,2.5,"x",true],"b":1}'),
        ((1, 2), '[1,2]'),
        ('é', '"\\u00e9"'),
        (1e-06, '1e-06'),
    ],
)
def test_canonical_json(value, wanted):
    assert canonical(value) == wanted


def test_golden_digest():
    """Update only if you meant it: every record ever written is addressed by these digits."""
    assert digest({'b': 1, 'a': [1, 2.5, 'x', True]}) == '392666ab43e25b3b'


@pytest.mark.parametrize('value', [object(), {1, 2}, b'x', float('nan'), [float('inf')]])
def test_no_digest_of_what_is_not_plain(value):
    with pytest.raises((TypeError, ValueError)):
        digest(value)


def test_digests_are_the_same_in_every_process():
    code = (
        'from ablations.studies import STUDIES\n'
        'from sweeps.protocol.plan import plan\n'
        'from ablations.digest import digest\n'
        'for study in STUDIES.values():\n'
        '    print(study.digest, digest([trial.id for trial in plan(study, {}, {})]))\n'
    )
    here = [f'{study.digest} {digest([trial.id for trial in plan(study, {}, {})])}' for study in STUDIES.values()]
    for seed in ('0', '4321'):
        environment = {**os.environ, 'PYTHONHASHSEED': seed, 'PYTHONPATH': os.pathsep.join(sys.path)}
        done = subprocess.run([sys.executable, '-c', code], env=environment, capture_output=True, text=True, check=True)
        assert done.stdout.split('\n')[:-1] == here


BLOCKS = 'NORMS = {}\n'


@pytest.mark.parametrize(
    'changes',
    [
        {'name': 'other'},
        {'question': 'Another one?'},
        {'arms': {'base': (), 'rms': swap('norm', 'rms_norm')}},
        {'arms': {'base': (), 'rms': swap('norm', 'rms_norm', eps=1e-3), 'copy': ()}},
        {'arms': {'base': (), 'rms': put('norm.eps', 1e-3), 'copy': ()}},
        {'arms': {'copy': (), 'rms': swap('norm', 'rms_norm'), 'base': ()}},
        {'tasks': ('digits',)},
        {'tasks': (task('digits', steps=80), 'recall')},
        {'tasks': (task('digits', margin=0.02), 'recall')},
        {'tasks': (task('digits', batch=32), 'recall')},
        {'tasks': (task('digits', data={'kind': 'digits', 'train': 500}), 'recall')},
        {'tune': {'sgd': {'lr': log(1e-3, 1e-1), 'weight_decay': log(1e-3, 1.0)}}},
        {'tune': {'adamw': {'lr': log(1e-3, 2e-1), 'weight_decay': log(1e-3, 1.0)}}},
        {'tune': {'adamw': {'lr': linear(1e-3, 1e-1), 'weight_decay': log(1e-3, 1.0)}}},
        {'tune': {'adamw': {'lr': log(1e-3, 1e-1)}}},
        {'fixed': {'b1': 0.8}},
        {'arm_fixed': {'rms': {'b1': 0.8}}},
        {'trials': 5},
        {'extension': 3},
        {'replicates': 3, 'looks': ()},
        {'seeds': 3},
        {'looks': (1, 2)},
        {'alpha': 0.01},
        {'shares': (1.0,)},
        {'halvings': (0.5,)},
    ],
)
def test_everything_a_study_says_is_in_its_digest(changes):
    assert dataclasses.replace(STUDY, **changes).digest != STUDY.digest


def test_every_field_of_a_study_is_in_its_plain_data():
    """A new field that is forgotten in `to_dict` would let two different studies share an address."""
    shared = dataclasses.replace(STUDY, replicates=5, looks=(3, 5), shares=(0.3, 0.7), own={'rms': {'alpha0': log(0.1, 1)}})
    tune = {name: SPACES[name] for name in ('adamw', 'sgd', 'lion')}
    pairs = {arm: ('adamw', 'sgd') if arm == shared.base else ('adamw', 'lion') for arm in shared.arms}
    shared = dataclasses.replace(shared, tune=tune, optimizers=pairs, trials=8, screening=4, arm_fixed={'rms': {'clip': 2.0}})
    shared = dataclasses.replace(shared, halvings=(0.5,))
    assert {field.name for field in dataclasses.fields(Study)} == set(shared.to_dict()) - {'base'}
    assert 'shares' not in STUDY.to_dict(), 'a later field at its default leaves older addresses as they were'


def test_a_block_file_is_in_the_digests(tmp_path):
    file = tmp_path / 'blocks.py'
    file.write_text(BLOCKS)
    first = dataclasses.replace(STUDY, blocks=str(file))
    addresses = first.digest, set(ids(first))
    assert first.digest != STUDY.digest
    assert not addresses[1] & set(ids(STUDY))
    file.write_text(BLOCKS + '# changed\n')
    again = dataclasses.replace(STUDY, blocks=str(file))
    assert again.digest != addresses[0]
    assert not addresses[1] & set(ids(again))
    other = tmp_path / 'elsewhere.py'
    other.write_text(BLOCKS)
    assert dataclasses.replace(STUDY, blocks=str(other)).digest == addresses[0], 'the content counts, not the place'


def test_how_a_study_is_written_down_is_not_in_its_digest():
    again = Study(
        name='digests',
        question='What is in an address?',
        arms={'base': [], 'rms': [swap('norm', 'rms_norm')], 'copy': ()},
        tasks=[task('digits'), 'recall'],
        tune={'adamw': {'weight_decay': log(1e-3, 1.0), 'lr': log(1e-3, 1e-1)}},
        trials=4,
        replicates=2,
        looks=(2,),
    )
    assert again.digest == STUDY.digest
    assert ids(again) == ids(STUDY)


@pytest.mark.parametrize(
    'changes',
    [
        {'question': 'Another one?'},
        {'alpha': 0.01},
        {'seeds': 7},
        {'extension': 9},
        {'tasks': (task('digits', margin=0.5), task('recall', margin=0.5))},
        {'tasks': (task('digits', unit='points'), 'recall')},
        {'tasks': ('recall', 'digits')},
        {'arms': {'base': (), 'copy': (), 'rms': swap('norm', 'rms_norm')}},
    ],
)
def test_what_does_not_change_a_run_does_not_change_its_address(changes):
    assert ids(dataclasses.replace(STUDY, **changes)) == ids(STUDY)


@pytest.mark.parametrize(
    'changes',
    [
        {'arms': {**STUDY.arms, 'more': swap('norm', 'identity')}},
        {'tasks': ('digits', 'recall', 'stdlib_bytes')},
        {'replicates': 4, 'looks': ()},
        {'replicates': 4, 'looks': (2, 4)},
        {'trials': 8},
        {'tune': {**STUDY.tune, 'sgd': {'lr': log(1e-2, 1.0)}}},
    ],
)
def test_growing_a_study_reuses_its_trials(changes):
    before, after = ids(STUDY), ids(dataclasses.replace(STUDY, **changes))
    assert before.items() <= after.items()
    assert changes == {'replicates': 4, 'looks': (2, 4)} or len(after) > len(before)


def test_growing_a_finished_study_repeats_no_run():
    _, records = simulate(STUDY, World(), seed=1)
    grown = dataclasses.replace(
        STUDY, arms={**STUDY.arms, 'more': swap('norm', 'identity')}, tasks=(*STUDY.tasks, 'stdlib_bytes')
    )
    wanted = plan(grown, records, {})
    assert {(trial.arm, trial.task) for trial in wanted} == {
        ('more', 'digits'),
        ('more', 'recall'),
        *((arm, 'stdlib_bytes') for arm in grown.arms),
    }


@pytest.mark.parametrize(
    ('changes', 'arms'),
    [
        ({'tasks': (task('digits', steps=80), task('recall', steps=100))}, set()),
        ({'tasks': (task('digits', batch=32), task('recall', batch=32))}, set()),
        ({'tasks': (task('digits', evaluations=5), task('recall', evaluations=5))}, set()),
        ({'fixed': {'b1': 0.8}}, set()),
        ({'name': 'other'}, set()),
        ({'arms': {'base': (), 'rms': swap('norm', 'rms_norm', eps=1e-3), 'copy': ()}}, {'base', 'copy'}),
    ],
)
def test_what_changes_a_run_changes_its_address(changes, arms):
    """`arms`: those whose runs stay the same."""
    before, after = ids(STUDY), ids(dataclasses.replace(STUDY, **changes))
    assert {where[0] for address, where in before.items() if address in after} == arms


def test_every_field_of_a_trial_but_its_phase_is_in_its_address():
    trial = plan(STUDY, {}, {})[0]
    others = {'replicate': 9, 'knobs': (('lr', 0.123),), 'seed': 1, 'held': 'test', 'until': 5}
    assert {field.name for field in dataclasses.fields(Trial)} == {*others, 'program', 'phase'}
    for name, value in others.items():
        assert dataclasses.replace(trial, **{name: value}).id != trial.id, name
    assert dataclasses.replace(trial, phase='share').id == trial.id


def test_every_field_of_a_program_is_in_its_address():
    program = plan(STUDY, {}, {})[0].program
    for field in dataclasses.fields(program):
        value = getattr(program, field.name)
        other = value + 1 if isinstance(value, int) else {**value, 'x': 1} if isinstance(value, dict) else value + 'x'
        assert dataclasses.replace(program, **{field.name: other}).id != program.id, field.name


def test_programs_that_compile_to_the_same_have_one_signature():
    program = plan(STUDY, {}, {})[0].program
    for field in dataclasses.fields(program):
        value = getattr(program, field.name)
        other = value + 1 if isinstance(value, int) else {**value, 'x': 1} if isinstance(value, dict) else value + 'x'
        same = dataclasses.replace(program, **{field.name: other}).signature == program.signature
        assert same == (field.name in ('study', 'arm', 'task', 'dataset', 'declared')), field.name


def test_a_copy_of_the_base_is_an_arm_of_its_own():
    """Same model, own tuning points and seeds, the same confirmation seeds: a real null arm."""
    study = dataclasses.replace(STUDY, seeds=3)
    planned, _ = simulate(study, World(), seed=2)
    assert study.model('base', 'digits') == study.model('copy', 'digits')

    def values(phase: str, arm: str, name: str) -> list:
        return [getattr(t, name) for r in range(2) for t in planned.asked[phase, arm, 'digits', r]]

    assert not set(values('tune', 'base', 'knobs')) & set(values('tune', 'copy', 'knobs'))
    assert not set(values('tune', 'base', 'seed')) & set(values('tune', 'copy', 'seed'))
    assert values('confirm', 'base', 'seed') == values('confirm', 'copy', 'seed')
    assert not set(values('confirm', 'base', 'id')) & set(values('confirm', 'copy', 'id'))
