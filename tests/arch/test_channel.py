"""Channel blocks against their formulas in numpy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ablations.tasks.bases import decoder
from arch.channel import CHANNELS
from arch.context import Context
from arch.fits import fits
from arch.model import build
from arch.model_sockets import Sockets
from arch.probe import PLAIN
from arch.sockets import TABLES

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(2, 3, 6)).astype(np.float32)


def matrix(*shape):
    return GENERATOR.normal(size=shape).astype(np.float32) / 2


MLP = {'up': {'kernel': matrix(6, 9), 'bias': matrix(9)}, 'down': {'kernel': matrix(9, 6), 'bias': matrix(6)}}
GATED = {'gate': {'kernel': matrix(6, 9)}, 'up': {'kernel': matrix(6, 9)}, 'down': {'kernel': matrix(9, 6)}}


def relu(x):
    return np.maximum(x, 0)


def mlp(x):
    return relu(x @ MLP['up']['kernel'] + MLP['up']['bias']) @ MLP['down']['kernel'] + MLP['down']['bias']


def gated(x):
    return (relu(x @ GATED['gate']['kernel']) * (x @ GATED['up']['kernel'])) @ GATED['down']['kernel']


RESPONSE = {'norm_response': {'scale': matrix(9), 'bias': matrix(9)}, **MLP}


def global_response_mlp(x):
    hidden = relu(x @ MLP['up']['kernel'] + MLP['up']['bias'])
    size = np.sqrt((hidden**2).sum(1, keepdims=True))
    response, own = size / size.mean(-1, keepdims=True), RESPONSE['norm_response']
    hidden = hidden + own['scale'] * hidden * response + own['bias']
    return hidden @ MLP['down']['kernel'] + MLP['down']['bias']


SHIFTED = {'shift': {'scale': matrix(6)}, **{name: {'kernel': MLP[name]['kernel']} for name in ('up', 'down')}}


def shifted_mlp(x):
    before = np.pad(x, [(0, 0), (1, 0), (0, 0)])[:, :-1]
    return relu((x + SHIFTED['shift']['scale'] * (before - x)) @ MLP['up']['kernel']) @ MLP['down']['kernel']


FORMULAS = {
    'mlp': (MLP, mlp),
    'gated': (GATED, gated),
    'global_response_mlp': (RESPONSE, global_response_mlp),
    'shifted_mlp': (SHIFTED, shifted_mlp),
}


def test_every_channel_block_has_a_formula():
    own_files = {'mixture_of_experts', 'channel_gated_mlp', 'kolmogorov_arnold', 'behind_short_conv'}
    assert set(FORMULAS) | own_files == set(CHANNELS)


WIDENING = [kind for kind in CHANNELS if kind != 'behind_short_conv']
"""Those with hidden channels of their own."""


@pytest.mark.parametrize('kind', WIDENING)
def test_a_ratio_above_0_is_asked_for_before_there_is_an_input(kind):
    base = decoder(vocabulary=5, length=6, width=8, depth=1, mixer={'kind': 'identity'}, ratio=2.0)
    if 'causal' not in CHANNELS[kind].FITS:
        base |= {'body': {**base['body'], 'causal': False}, 'head': {'kind': 'classifier', 'outputs': 3}}
    with pytest.raises(ValueError, match=f"channel '{kind}': ratio=-1.0 is given, allowed is above 0; raise ratio"):
        build({**base, 'channel': {'kind': kind, 'ratio': -1.0}})


@pytest.mark.parametrize('kind', FORMULAS)
def test_formula(alone, kind):
    params, formula = FORMULAS[kind]
    y = alone('channel', kind, {'ratio': 1.5}, params, X, around={'activation': {'kind': 'relu'}})
    np.testing.assert_allclose(y, formula(X.astype(np.float64)), rtol=1e-4, atol=1e-4)


SCALED = [*(('channel', kind) for kind in WIDENING), ('mixer', 'token_mlp')]


@pytest.mark.parametrize(('family', 'kind'), SCALED, ids=[kind for _, kind in SCALED])
def test_a_share_of_the_channels_is_rounded_to_the_nearest_and_is_at_least_1(family, kind):
    """Of 10 channels, or tokens, 1.56 times as many are 16, and 1.24 times as many 12."""
    x = jnp.zeros((2, 10, 10) if 'tokens' in fits(TABLES[family][kind]) else (2, 10, 10, 10))
    for share, hidden in ((1.56, 16), (1.24, 12), (0.01, 1)):
        block = Sockets({**PLAIN, family: {'kind': kind, 'ratio': share}}, TABLES).make(family, name=None)
        params = jax.eval_shape(lambda x, block=block: block.init(jax.random.key(0), x, Context()), x)['params']
        sizes = {size for leaf in jax.tree.leaves(params) for size in leaf.shape}
        assert hidden in sizes or 2 * hidden in sizes, f'{share} of 10 gives {sorted(sizes)}'


def test_an_mlp_can_have_no_biases(alone):
    params = {name: {'kernel': part['kernel']} for name, part in MLP.items()}
    y = alone('channel', 'mlp', {'ratio': 1.5, 'bias': False}, params, X, around={'activation': {'kind': 'relu'}})
    expected = relu(X.astype(np.float64) @ MLP['up']['kernel']) @ MLP['down']['kernel']
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-4)
