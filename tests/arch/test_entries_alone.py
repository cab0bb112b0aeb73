"""One entry alone in its socket: what it is tried on, and what stands around it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from arch.block import Mixer
from arch.context import Context
from arch.positions import Alibi, Rotary
from arch.probe import handed, probe, started
from arch.shape_lines import SIZES, shape_lines
from arch.sockets import TABLES

TAKERS = [kind for kind, cls in TABLES['mixer'].items() if cls.TAKES]
DONORS = ('rotate', 'bias', 'values', 'first_values')
"""What other kinds hand to a mixer by its context; a norm of queries and keys it makes itself."""


def alone(family: str, kind: str, line: int = 0):
    return probe(family, kind, TABLES, shape_lines(TABLES[family][kind])[line])


@pytest.mark.parametrize('kind', TAKERS)
def test_a_mixer_is_handed_all_that_it_takes_and_nothing_else(kind):
    block = alone('mixer', kind)
    laden = handed(block)
    taken = block.cls.TAKES
    assert block.handed is None and set(laden.handed) == set(taken) & set(DONORS)
    if 'qk_norm' in taken:
        assert laden.module.sockets.kind('qk_norm') == 'rms_norm'
    rules = {name: getattr(rule, '__self__', None) for name, rule in laden.handed.items()}
    assert isinstance(rules.get('rotate', Rotary()), Rotary) and isinstance(rules.get('bias', Alibi()), Alibi)
    values = np.array([0.0, 1.0, 2.0], np.float32)
    for name, share in (('values', 0.5), ('first_values', 0)):
        if name in taken:
            np.testing.assert_allclose(laden.handed[name](values), share * values + np.sin(values), rtol=1e-6)


def test_what_takes_nothing_and_what_is_no_mixer_is_handed_nothing():
    assert handed(alone('mixer', 'conv')) is None and handed(alone('norm', 'layer_norm')) is None
    assert alone('norm', 'layer_norm')._given(np.zeros((1, 2, 3))) == {}


@pytest.mark.parametrize(('family', 'kind'), [('head', 'next_token'), ('residual', 'pre')])
def test_heads_and_residual_rules_on_a_sequence_are_told_tokens(family, kind):
    block = alone(family, kind)
    count = SIZES['V'] + 2
    ids = block._given(np.zeros((2, count, 3)))['ids']
    assert ids.tolist() == [[*range(SIZES['V']), 0, 1]] * 2
    assert block._given(np.zeros((2, 4, 4, 3))) == {}


class Tells(Mixer):
    """It tells where it is. `[B, N, C] -> [B, N, C]`"""

    KNOBS = {'gain': 1.0, 'slope': 2.0}

    size: int = 3

    def __call__(self, x, context):
        told.append((context.layer, context.depth, context.train, context.causal, dict(context.knobs), self.has_rng('noise')))
        return x


told: list[tuple] = []


def test_a_mixer_alone_is_the_second_of_two_layers():
    tables = {**TABLES, 'mixer': {**TABLES['mixer'], 'tells': Tells}}
    block = probe('mixer', 'tells', tables, shape_lines(Tells)[0])
    assert block.fields == {'size': 3} and block.knobs == ('gain', 'slope') and not block.takes_ids
    told.clear()
    x = block.x()
    assert block.init(jax.random.key(0), x, {'gain': 5}, causal=True) == ({}, {})
    y, state = block.apply({}, {'count': 1}, x)
    assert (y == x).all() and state == {'count': 1}
    block.apply({}, {}, x, key=jax.random.key(0), train=True, knobs={'slope': 6}, layer=0)
    assert told == [
        (1, 2, False, True, {'gain': 5}, False),
        (1, 2, False, False, {}, False),
        (0, 2, True, False, {'slope': 6}, True),
    ]


def test_inputs_are_ids_or_normal_numbers_of_the_sizes_of_the_line():
    ids = alone('stem', 'tokens')
    assert ids.takes_ids and ids.x().shape == (SIZES['B'], SIZES['N']) and ids.x().dtype == np.int32
    assert set(np.unique(ids.x())) == set(range(SIZES['V'])) and (ids.x() != ids.x(1)).any()
    maps = alone('norm', 'layer_norm', 1).x(2)
    assert maps.shape == (7, 8, 4, 16) and maps.dtype == np.float32 and abs(maps.std() - 1) < 0.1
    params, state = started({'a': jnp.zeros((500,))}, {'b': jnp.zeros((500,), jnp.float32), 'c': jnp.zeros(3, jnp.int32)})
    assert params['a'].std() == pytest.approx(0.5, abs=0.1) and abs(params['a'].mean()) < 0.1
    assert state['b'].min() >= 1 and state['b'].mean() == pytest.approx(1.8, abs=0.1) and state['c'].dtype == np.int32


def test_a_branch_of_a_residual_rule_has_a_norm_and_values_and_others_have_none():
    assert alone('norm', 'layer_norm')._branch() == ()
    (branch,) = alone('residual', 'pre')._branch()
    x = jnp.asarray(np.random.default_rng(0).normal(size=(2, 3, 4)), jnp.float32)
    half = x * 0.5
    np.testing.assert_allclose(branch(x, Context()), jnp.sin(half - half.mean(-1, keepdims=True)), rtol=1e-5)
    seen = []
    doubled = branch(x, Context(values=lambda part: seen.append(part.shape) or 2 * part))
    np.testing.assert_allclose(doubled, jnp.sin(2 * (half - half.mean(-1, keepdims=True))), rtol=1e-5)
    assert seen == [(2, 3, 2, 2)]


@pytest.mark.parametrize('kind', TABLES['body'])
def test_a_body_alone_has_the_stem_the_head_and_the_downsample_that_its_line_asks_for(kind):
    for line in shape_lines(TABLES['body'][kind]):
        block = probe('body', kind, TABLES, line)
        own, ids = block.module.sockets, line.given == ('B', 'N')
        assert own.kind('stem') == ('tokens' if ids else 'patchify')
        assert own.kind('head') == ('next_token' if line.made == ('B', 'N', 'V') else 'classifier')
        assert own.kind('downsample') == ('separate_conv' if kind == 'hierarchical' else 'none')
        assert own.config['head']['outputs'] == SIZES['V'] and block.module.causal == (line.made == ('B', 'N', 'V'))
        assert not ids or own.config['stem']['vocabulary'] == SIZES['V']
