"""Appraisal: every study of the lab can be built, without computing anything."""

import jax
import pytest

from ablations.digest import digest
from ablations.spaces import choice, fraction, linear, log
from ablations.studies import STUDIES
from ablations.study import Study, put, swap
from arch.cost import cost_of
from sweeps.commands import reaches_of
from sweeps.training import preflight as preflight_module
from sweeps.training.preflight import known_knobs, model_of, preflight


def check_builds(study: Study, pairs: list[tuple]) -> None:
    programs = [study.program(arm, task.name, optimizer) for arm, task in pairs for optimizer in study.tune]
    knobs = reaches_of(study)
    metrics = {task.name: [task.metric, task.direction] for task in study.tasks}
    costs = preflight(programs, knobs, metrics, study.blocks)
    for arm, task in pairs:
        assert costs[arm][task.name]['params'] > 0 and costs[arm][task.name]['flops'] > 0
        causal = model_of(study.program(arm, task.name, next(iter(study.tune))), study.blocks).causal
        assert causal == (task.base['head']['kind'] == 'next_token'), 'a model of a language must not see ahead'


@pytest.mark.parametrize('study', STUDIES.values(), ids=lambda study: study.name)
def test_every_arm_of_every_study_builds(study):
    """Each arm on one task, and the base on each."""
    arms, tasks = list(study.arms), study.tasks
    others = [(arm, tasks[number % len(tasks)]) for number, arm in enumerate(arms[1:])]
    check_builds(study, [*((arms[0], task) for task in tasks), *others])


@pytest.mark.slow
@pytest.mark.parametrize('study', STUDIES.values(), ids=lambda study: study.name)
def test_every_study_builds_on_every_task(study):
    check_builds(study, [(arm, task) for task in study.tasks for arm in study.arms])


COUNTED: dict[str, dict] = {}


@pytest.fixture
def counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models are counted once for all tests of what may be tuned: what is tuned changes no count."""

    def remembered(config: dict, x: jax.ShapeDtypeStruct, tables: dict) -> dict:
        address = digest([config, list(x.shape), str(x.dtype)])
        if address not in COUNTED:
            COUNTED[address] = cost_of(config, x, tables)
        return COUNTED[address]

    monkeypatch.setattr(preflight_module, 'cost_of', remembered)


def asked(name: str, optimizer: str = 'adamw') -> dict:
    """Costs of a small study that tunes a value of this name."""
    study = Study(
        name='asked',
        question='What?',
        arms={'base': (), 'squashed': swap('norm', 'dynamic_tanh')},
        tasks=('digits',),
        tune={optimizer: {'lr': log(1e-3, 1e-1), name: choice(0.1, 0.2)}},
    )
    programs = [study.program(arm, 'digits', optimizer) for arm in study.arms]
    metrics = {'digits': [study.tasks[0].metric, study.tasks[0].direction]}
    return preflight(programs, reaches_of(study), metrics, None)


@pytest.mark.usefixtures('counted_once')
@pytest.mark.parametrize('name', ['b1', 'b2', 'eps', 'clip', 'weight_decay', 'warmup_fraction', 'final_fraction'])
def test_values_of_optimizer_and_schedule_can_be_tuned(name):
    assert name in known_knobs('adamw') and set(asked(name)) == {'base', 'squashed'}


@pytest.mark.usefixtures('counted_once')
@pytest.mark.parametrize('name', ['label_smoothing', 'init_scale', 'drop_path', 'alpha0'])
def test_values_of_the_loss_and_of_some_model_can_be_tuned(name):
    assert set(asked(name)) == {'base', 'squashed'}


@pytest.mark.usefixtures('counted_once')
@pytest.mark.parametrize(
    ('name', 'optimizer', 'said'),
    [
        ('label_smooth', 'adamw', "'label_smooth' of optimizer 'adamw' is read by nothing; .* Did you mean 'label_smoothing'"),
        (
            'momentum',
            'adamw',
            r"'momentum' of optimizer 'adamw' is read by nothing; allowed: \['accumulate', 'b1', 'b2', 'clip', ",
        ),
        ('eps', 'lion', "'eps' of optimizer 'lion' is read by nothing"),
        ('alpha1', 'adamw', r"of the models here \['alpha0', 'alpha0_mixer', 'drop_path', 'init_scale'\]; rename or remove it"),
        ('b1', 'adamx', "unknown optimizer 'adamx'; allowed: .'adafactor', 'adam', 'adamw', "),
    ],
)
def test_values_that_nothing_reads_are_refused(name, optimizer, said):
    with pytest.raises(ValueError, match=said):
        asked(name, optimizer)


BOUNDED = '''
from flax import linen as nn

from arch.flags import Knob


class ShareNorm(nn.Module):
    """Scales: x share.

    `[..., C] -> [..., C]`
    """

    KNOBS = {'share': Knob('share', low=0, high=1)}

    share: float = 0.5

    @nn.compact
    def __call__(self, x, context):
        gain = self.param('gain', lambda key: context.knob('share', self.share) * nn.initializers.ones(key, ()))
        return x * gain.astype(x.dtype)


NORMS = {'share_norm': ShareNorm}
'''


@pytest.fixture(scope='module')
def own_blocks(tmp_path_factory):
    path = tmp_path_factory.mktemp('own') / 'blocks.py'
    path.write_text(BOUNDED)
    return str(path)


def with_own(blocks: str, tune: dict, fixed: dict, extension: int = 4, **fields: float) -> dict:
    """Costs of a small study with a user's norm in one of two arms."""
    arms = {'base': (), 'share': swap('norm', 'share_norm', **fields)}
    study = Study(
        name='own',
        question='What?',
        arms=arms,
        tasks=('digits',),
        tune={'adamw': {'lr': log(1e-3, 1e-1), **tune}},
        fixed=fixed,
        extension=extension,
        blocks=blocks,
    )
    programs = [study.program(arm, 'digits', 'adamw') for arm in study.arms]
    metrics = {'digits': [study.tasks[0].metric, study.tasks[0].direction]}
    return preflight(programs, reaches_of(study), metrics, study.blocks)


@pytest.mark.usefixtures('counted_once')
@pytest.mark.parametrize(
    ('more', 'said'),
    [
        ({'fixed': {'share': 1.5}}, "arm 'share' on task 'digits': 'share' is fixed at 1.5; its block allows 0 to 1"),
        ({'fixed': {'share': -0.5}}, 'fixed at -0.5'),
        ({'tune': {'share': choice(0.5, 2)}}, 'searched from 0.5 to 2'),
        ({'tune': {'share': linear(0.1, 0.9)}}, r'searched from 0 to inf.*linear\(low, high, bounds=\(0, 1\)\)'),
        ({'share': 3.0}, "norm 'share_norm': share=3 is given; allowed: 0 to 1"),
    ],
)
def test_values_outside_the_bounds_of_a_block_of_ones_own_are_refused(own_blocks, more, said):
    with pytest.raises(ValueError, match=said):
        with_own(own_blocks, **{'tune': {}, 'fixed': {}, **more})


@pytest.mark.usefixtures('counted_once')
def test_a_first_domain_that_a_task_does_not_have_is_refused():
    study = Study('turns', 'What?', {'base': (), 'fifth': ()}, ('digits_in_turn',), arm_fixed={'fifth': {'first_domain': 5}})
    programs = [study.program(arm, 'digits_in_turn', 'adamw') for arm in study.arms]
    with pytest.raises(
        ValueError, match="arm 'fifth' on task 'digits_in_turn': 'first_domain' is fixed at 5; its domains allow 1 to 4"
    ):
        preflight(programs, reaches_of(study), {'digits_in_turn': ['accuracy', 'higher']}, None)


@pytest.mark.usefixtures('counted_once')
@pytest.mark.parametrize(
    'more',
    [
        {'tune': {'share': fraction(0.1, 0.9)}},
        {'tune': {'share': linear(0.1, 0.9)}, 'extension': 0},
        {'tune': {'share': choice(0, 1)}},
        {'fixed': {'share': 1}},
    ],
    ids=repr,
)
def test_values_within_the_bounds_of_a_block_of_ones_own_pass(own_blocks, more):
    assert set(with_own(own_blocks, **{'tune': {}, 'fixed': {}, **more})) == {'base', 'share'}


@pytest.mark.usefixtures('counted_once')
def test_a_cost_names_the_tuned_values_that_an_arm_does_not_read():
    costs = asked('alpha0')
    assert costs['base']['digits']['unread'] == ['alpha0']
    assert costs['squashed']['digits']['unread'] == []


@pytest.mark.usefixtures('counted_once')
def test_an_arms_own_value_must_be_read_by_it():
    arms = {'base': (), 'squashed': swap('norm', 'dynamic_tanh')}
    for arm, fine in (('squashed', True), ('base', False)):
        study = Study(name='asked', question='?', arms=arms, tasks=('digits',), own={arm: {'alpha0': log(0.1, 2.0)}})
        programs = [study.program(arm, 'digits', 'adamw') for arm in study.arms]
        metrics = {'digits': [study.tasks[0].metric, study.tasks[0].direction]}
        if fine:
            assert preflight(programs, reaches_of(study), metrics, None)
        else:
            with pytest.raises(ValueError, match=r"'alpha0' of optimizer 'adamw' is read by nothing"):
                preflight(programs, reaches_of(study), metrics, None)


def tried(change: object, blocks: str | None = None) -> dict:
    """Costs of a small study with one arm beside the base."""
    arms = {'base': (), 'arm': change}
    study = Study(name='tried', question='?', arms=arms, tasks=('digits',), blocks=blocks)
    programs = [study.program(arm, 'digits', 'adamw') for arm in study.arms]
    return preflight(programs, reaches_of(study), {'digits': ['accuracy', 'higher']}, blocks)


@pytest.mark.usefixtures('counted_once')
def test_what_nobody_could_train_is_refused_before_a_run():
    said = r"arm 'arm' on task 'digits': the model has 1e\+300 parameters; allowed: up to 1e\+12; make it smaller"
    with pytest.raises(ValueError, match=said):
        tried(put('channel.ratio', 1e300))


RAISES = '''
from arch.block import Norm


class Raises(Norm):
    """Raises. `[..., C] -> [..., C]`"""

    def __call__(self, x, context):
        raise RuntimeError('x is odd')


NORMS = {'raises': Raises}
'''


@pytest.mark.usefixtures('counted_once')
def test_what_a_block_of_ones_own_raises_is_told_with_arm_and_task(tmp_path):
    (tmp_path / 'blocks.py').write_text(RAISES)
    with pytest.raises(ValueError, match=r"^arm 'arm' on task 'digits': RuntimeError: x is odd.*; see `archlab check`$"):
        tried(swap('norm', 'raises'), str(tmp_path / 'blocks.py'))


@pytest.mark.usefixtures('counted_once')
def test_a_metric_that_the_data_do_not_give_is_refused():
    study = Study(name='tried', question='?', arms={'base': ()}, tasks=('digits',))
    with pytest.raises(
        ValueError, match=r"task 'digits': metric and direction \['loss', 'lower'\]; data 'digits' gives \['acc"
    ):
        preflight([study.program('base', 'digits', 'adamw')], reaches_of(study), {'digits': ['loss', 'lower']}, None)
