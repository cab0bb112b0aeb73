"""Causality as trained: an arm that has learned to look ahead is caught, recorded, and not compared."""

import dataclasses
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ablations.config import swap
from ablations.spaces import log
from ablations.study import Study
from ablations.tasks import bases, task
from ablations.trial import TEST, TUNING, Trial
from arch.model import build
from arch.sockets import load_tables
from sweeps.protocol.pack import Pack
from sweeps.tasks.arrays import Arrays
from sweeps.training import causality
from sweeps.training.causality import in_float32, trained_leak, wants_check
from sweeps.training.preflight import preflight, task_of
from sweeps.training.trainer import Trainer

BLOCKS = '''
import jax.numpy as jnp
from flax import linen as nn

class Ahead(nn.Module):
    """`[B, N, C] -> [B, N, C]`"""

    threshold: float = 0.0

    @nn.compact
    def __call__(self, x, context):
        later = jnp.pad(x[:, 1:], ((0, 0), (0, 1), (0, 0)))
        gain = self.param('gain', lambda key: jnp.zeros((), jnp.float32))
        return jnp.where(gain > self.threshold, x * jnp.sign(later), gain * x)

class Behind(Ahead):
    """`[B, N, C] -> [B, N, C]`"""

    threshold: float = 9.0

MIXERS = {'ahead': Ahead, 'behind': Behind}
'''
BASE = bases.decoder(256, 32, 8, 1, {'kind': 'identity'}, 1.0)
BYTES = task('stdlib_bytes', steps=2, batch=4, evaluations=2, base=BASE)


@pytest.fixture(scope='module')
def blocks(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp('blocks') / 'ahead.py'
    path.write_text(BLOCKS)
    return str(path)


def of(blocks: str, kind: str) -> tuple:
    """The model of a mixer of the file, its task and random parameters, with the gain of the mixer at 1."""
    study = Study(
        name='ahead',
        question='?',
        arms={'base': (), 'arm': swap('mixer', kind)},
        tasks=(BYTES,),
        tune={'sgd': {'lr': log(1e-2, 1.0)}},
        blocks=blocks,
    )
    program = study.program('arm', BYTES.name, 'sgd')
    model, data = in_float32(program, blocks), task_of(program.data)
    drawn = jax.eval_shape(lambda x: model.init(jax.random.key(0), x, {}), np.zeros((1, 32), np.int32))
    generator = np.random.default_rng(0)
    params, state = jax.tree.map(lambda leaf: generator.normal(size=leaf.shape).astype(leaf.dtype) / 4, drawn)
    for name in [name for name in params if name.startswith('block_')]:
        params[name]['mixer'] = {'gain': np.float32(1)}
    return program, model, data, params, state


@pytest.mark.parametrize(('kind', 'leaks'), [('ahead', True), ('behind', False)])
def test_what_a_model_has_learned_to_see_is_caught(blocks, kind, leaks):
    _, model, data, params, state = of(blocks, kind)
    leak = trained_leak(model, data, data.pool(), params, state, {'lr': 0.1})
    assert ('sees what comes from token' in leak) == leaks
    broken = jax.tree.map(lambda leaf: leaf * np.nan, params)
    assert trained_leak(model, data, data.pool(), broken, state, {}) is None


def test_a_model_is_tried_in_float32_if_it_has_a_type_to_choose(monkeypatch):
    monkeypatch.setattr(causality, 'build', lambda config, tables: config['body'])
    body = {'kind': 'isotropic', 'compute': 'bfloat16'}
    for given, tried in ((body, {**body, 'compute': 'float32'}), ({'kind': 'own'}, {'kind': 'own'})):
        assert in_float32(types.SimpleNamespace(model={'body': given}, blocks=None), None) == tried


def test_there_is_nothing_to_see_for_a_model_of_images():
    digits = task('digits')
    model = build(digits.base, load_tables(None))
    assert trained_leak(model, task_of(digits.data), None, {}, {}, {}) is None


def test_a_kind_of_the_users_own_is_tried_before_a_run(blocks):
    program = of(blocks, 'ahead')[0]
    metrics = {BYTES.name: [BYTES.metric, BYTES.direction]}
    with pytest.raises(ValueError, match=r"arm 'arm' on task 'stdlib_bytes': mixer 'ahead' is not causal: .* sees what comes"):
        preflight([program], {'arm': {'sgd': {'lr': (0.1, 1.0)}}}, metrics, blocks)


def test_a_record_says_what_its_trained_model_sees(blocks, monkeypatch):
    program = of(blocks, 'behind')[0]
    trial = Trial(program=program, replicate=0, knobs=(('lr', 0.01),), seed=3, held=TEST, phase='confirm')
    later = dataclasses.replace(trial, replicate=1, seed=4)
    first, second = Trainer('loop', blocks).train(Pack((trial, later)))
    assert first['leak'] == '' and 'leak' not in second


@pytest.mark.parametrize(('held', 'replicate', 'wanted'), [(TEST, 0, True), (TEST, 1, False), (TUNING, 0, False)])
def test_the_first_replicates_confirmed_models_are_checked(held: str, replicate: int, wanted: bool):
    program = Study(name='s', question='?', arms={'base': ()}, tasks=('digits',)).program('base', 'digits', 'adamw')
    assert wants_check(Trial(program, replicate, (), 3, held, 'confirm')) == wanted


@pytest.mark.parametrize('shape', [(2,), (2, 1), (2, 4)])
def test_where_nothing_comes_later_or_one_score_is_given_for_all_there_is_nothing_to_see(shape: tuple):
    model = types.SimpleNamespace(
        causal=True, knobs={}, apply=lambda params, state, x, **_: (jnp.zeros((len(x), 3)), state, {})
    )
    data = types.SimpleNamespace(inputs=lambda x: x)
    pool = Arrays(np.zeros(shape, np.int32), np.zeros(2), np.zeros(2))
    assert trained_leak(model, data, pool, {}, {}, {}) is None
