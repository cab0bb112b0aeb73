"""Layers of a mixer alone, of ConvMixer and of ResNet-18, against their formulas in numpy; a partial rotation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from arch.block import Residual
from arch.context import Context
from arch.model import build
from arch.model_sockets import Sockets
from arch.positions import Rotary
from arch.probe import PLAIN
from arch.sockets import TABLES

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(2, 5, 6)).astype(np.float32)
KINDS = {
    'mixer': {'kind': 'depthwise_conv', 'kernel': 1, 'bias': False},
    'norm': {'kind': 'rms_norm', 'eps': 1e-6},
    'activation': {'kind': 'relu'},
}


def matrix(*shape):
    return GENERATOR.normal(size=shape).astype(np.float32)


FILTER, SCALES = matrix(1, 6), matrix(2, 6)
PRODUCT = {'kernel': matrix(6, 6), 'bias': matrix(6)}


def normed(x, scale):
    return scale * x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6)


def run(kind, params, **fields):
    block = Sockets({**PLAIN, **KINDS, 'block': {'kind': kind, **fields}}, TABLES).make('block', name=None, features=6)
    return block.apply({'params': params}, jnp.asarray(X), Context())


def test_mixer_only():
    params = {'mixer': {'depthwise': {'kernel': FILTER}}, 'norm': {'scale': SCALES[0]}}
    x = X.astype(np.float64)
    np.testing.assert_allclose(run('mixer_only', params), x + normed(x, SCALES[0]) * FILTER, rtol=1e-4, atol=1e-5)


def test_conv_mixer():
    params = {
        'mixer': {'depthwise': {'kernel': FILTER}},
        'norm_mixer': {'scale': SCALES[0]},
        'product': PRODUCT,
        'norm_product': {'scale': SCALES[1]},
    }
    x = X.astype(np.float64)
    y = x + normed(np.maximum(x * FILTER, 0), SCALES[0])
    y = normed(np.maximum(y @ PRODUCT['kernel'] + PRODUCT['bias'], 0), SCALES[1])
    np.testing.assert_allclose(run('conv_mixer', params), y, rtol=1e-4, atol=1e-5)


def test_basic():
    kernel = matrix(3, 6, 6)
    params = {
        'conv': {'kernel': kernel},
        'norm_conv': {'scale': SCALES[0]},
        'mixer': {'depthwise': {'kernel': FILTER}},
        'norm_mixer': {'scale': SCALES[1]},
    }
    x = X.astype(np.float64)
    beside = np.pad(x, [(0, 0), (1, 1), (0, 0)])
    convolved = sum(beside[:, tap : tap + 5] @ kernel[tap] for tap in range(3))
    y = normed(np.maximum(normed(convolved, SCALES[0]), 0) * FILTER, SCALES[1])
    np.testing.assert_allclose(run('basic', params), np.maximum(x + y, 0), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(('norms', 'residual'), [('one', 'pre'), ('each', 'pre'), ('each', 'post')])
def test_parallel(norms, residual):
    params = {
        'mixer': {'depthwise': {'kernel': FILTER}},
        'channel': {'up': {'kernel': matrix(6, 9)}, 'down': {'kernel': matrix(9, 6)}},
        'norm': {'scale': SCALES[0]},
        **({'norm_channel': {'scale': SCALES[1]}} if norms == 'each' else {}),
    }
    kinds = {**KINDS, 'channel': {'kind': 'mlp', 'ratio': 1.5, 'bias': False}, 'residual': {'kind': residual}}
    block = Sockets({**PLAIN, **kinds, 'block': {'kind': 'parallel', 'norms': norms}}, TABLES).make(
        'block', name=None, features=6
    )
    y = block.apply({'params': params}, jnp.asarray(X), Context())
    x, channel = X.astype(np.float64), params['channel']
    first = normed(x, SCALES[0]) if residual == 'pre' else x
    second = normed(x, SCALES[1]) if norms == 'each' else first
    expected = x + first * FILTER + np.maximum(second @ channel['up']['kernel'], 0) @ channel['down']['kernel']
    expected = expected if residual == 'pre' else normed(expected, SCALES[0])
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)


def test_conv_mixer_works_on_one_stream():
    """As do blocks that begin stages, so that none of these is proposed instead."""
    said = r"keeps several streams; block 'conv_mixer' works on their sum; allowed with it: \['mixer_only', .*'two_branch'\]"
    with pytest.raises(ValueError, match=said) as refused:
        build({**PLAIN, 'block': {'kind': 'conv_mixer'}, 'residual': {'kind': 'hyper_connections'}})
    proposed = str(refused.value).partition('allowed with it: ')[2]
    assert not any(f"'{kind}'" in proposed for kind in ('conv_mixer', 'bottleneck', 'mixer_first'))


def test_a_share_of_the_channels_turns_and_the_others_stay():
    x = jnp.asarray(GENERATOR.normal(size=(2, 7, 3, 8)).astype(np.float32))
    half = Rotary(share=0.5).rotation(x, (7,))
    np.testing.assert_array_equal(half[..., 4:], x[..., 4:])
    np.testing.assert_allclose(half[..., :4], Rotary().rotation(x[..., :4], (7,)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize('stretch', [0.5, 4.0])
def test_yarn_stretches_slow_pairs_alone_and_sharpens_scores(stretch):
    """Eight pairs over a length of 400: the first turn 64 and 20 times, the last less than once."""
    x = matrix(1, 3, 1, 16)
    turned = Rotary(base=10000.0, stretch=stretch, stretched='yarn', length=400).rotation(jnp.asarray(x), (3,))
    factor, said = 0.1 * np.log(stretch) + 1 if stretch > 1 else 1.0, []
    for pair in range(8):
        turn = 10000.0 ** (-pair / 8)
        often = 400 * turn / (2 * np.pi)
        quick = 0.0 if often < 1 else 1.0 if often > 32 else (often - 1) / 31
        said.append(quick)
        for n in range(3):
            angle = n * (turn / stretch * (1 - quick) + turn * quick)
            z = factor * (x[0, n, 0, pair] + 1j * x[0, n, 0, pair + 8]) * np.exp(1j * angle)
            np.testing.assert_allclose(
                [turned[0, n, 0, pair], turned[0, n, 0, pair + 8]], [z.real, z.imag], rtol=1e-4, atol=1e-5
            )
    assert said[0] == 1 and 0 < said[1] < 1 and said[-1] == 0


def test_a_larger_base_keeps_the_quickest_pair_and_turns_the_slowest_as_far():
    (same, _), (wider, factor) = Rotary().turns(4), Rotary(stretch=3.0, stretched='base').turns(4)
    assert wider[0] == same[0] and factor == 1
    np.testing.assert_allclose(wider[-1], same[-1] / 3, rtol=1e-12)
    with pytest.raises(ValueError, match=r"stretched='ntk'; allowed: \['places', 'base', 'yarn'\]"):
        Rotary(stretched='ntk').check(8, False)


def test_stretched_positions_turn_as_far_as_fewer_do():
    x = jnp.asarray(GENERATOR.normal(size=(2, 7, 3, 8)).astype(np.float32))
    stretched, plain = Rotary(stretch=2.0).rotation(x, (7,)), Rotary().rotation(x[:, ::2], (4,))
    np.testing.assert_allclose(stretched[:, ::2], plain, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ('share', 'said'), [(0.3, 'of which share=0.3 is 5'), (2.0, 'of which share=2 is 32'), (-1.0, 'share=-1')]
)
def test_a_share_that_does_not_split_into_pairs_is_refused(share, said):
    with pytest.raises(ValueError, match=said):
        config = {**PLAIN, 'mixer': {'kind': 'attention', 'heads': 1}, 'position': {'kind': 'rotary', 'share': share}}
        jax.eval_shape(lambda: build(config).init(jax.random.key(0), jnp.zeros((1, 8, 8, 3)), {}))


class OfZeros(Residual):
    """It hands its branch zeros in place of the stream. `[..., C] -> [..., C]`"""

    @nn.compact
    def __call__(self, x, branch, context):
        return branch.bare(jnp.zeros_like(x), context)


@pytest.mark.parametrize('kind', [kind for kind, cls in TABLES['block'].items() if cls.STRIDES])
def test_a_layer_within_a_stage_reads_what_the_residual_rule_hands_its_branch(kind):
    """And at the beginning of a stage what it was given, whatever the rule does."""
    tables = {**TABLES, 'residual': {**TABLES['residual'], 'of_zeros': OfZeros}}
    plain = {**PLAIN, 'norm': {'kind': 'identity'}, 'activation': {'kind': 'tanh'}}
    sockets = Sockets({**plain, 'block': {'kind': kind}, 'residual': {'kind': 'of_zeros'}}, tables)
    block = sockets.make('block', name=None, features=4)

    @jax.jit
    def run(x):
        key, context = jax.random.key(0), Context()
        begins = block.init_with_output(key, x, context, shortcut=lambda x, context: x, stride=1)[0]
        return block.init_with_output(key, x, context)[0], begins

    (one, first), (two, second) = (run(jnp.asarray(GENERATOR.normal(size=(1, 3, 3, 4)), jnp.float32)) for _ in range(2))
    assert (one == two).all() and abs(first - second).max() > 1e-3
