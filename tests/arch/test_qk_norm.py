"""Norms of queries and keys: attention against a loop, and what cannot norm or be normed."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ablations.tasks.bases import decoder
from arch.context import Context
from arch.fits import fits
from arch.mixers import MIXERS
from arch.model import build
from arch.model_sockets import Sockets
from arch.norms import NORMS
from arch.probe import PLAIN
from arch.sockets import TABLES

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(2, 5, 8)).astype(np.float32)


def dense(outputs):
    return {'kernel': GENERATOR.normal(size=(8, outputs)).astype(np.float32), 'bias': matrix(outputs)}


def matrix(*shape):
    return GENERATOR.normal(size=shape).astype(np.float32)


PARAMS = {name: dense(8) for name in ('query', 'key', 'value', 'output')}
PARAMS |= {'query_norm': {'scale': matrix(4)}, 'key_norm': {'scale': matrix(4)}}
NORM = {'qk_norm': {'kind': 'rms_norm', 'eps': 0.1}}


def normed(x, name):
    """The root mean square of the four channels of one head is 1, then they are scaled."""
    return PARAMS[name]['scale'] * x / np.sqrt(np.mean(x**2) + 0.1)


def project(name, x):
    return x.astype(np.float64) @ PARAMS[name]['kernel'] + PARAMS[name]['bias']


def formula(x, causal, turned=lambda x, n: x):
    """One query of one of two heads of size four at a time."""
    query, key, value = (project(name, x) for name in ('query', 'key', 'value'))
    mixed = np.zeros(x.shape)
    for b, n, first in np.ndindex(len(x), x.shape[1], 2):
        part, last = slice(4 * first, 4 * first + 4), n + 1 if causal else x.shape[1]
        one = turned(normed(query[b, n, part], 'query_norm'), n)
        scores = [turned(normed(key[b, m, part], 'key_norm'), m) @ one / 2 for m in range(last)]
        weights = np.exp(scores) / np.exp(scores).sum()
        mixed[b, n, part] = weights @ value[b, :last, part]
    return project('output', mixed)


@pytest.mark.parametrize('causal', [False, True])
def test_formula(alone, causal):
    y = alone('mixer', 'attention', {'heads': 2, 'biases': 'all'}, PARAMS, X, around=NORM, causal=causal)
    np.testing.assert_allclose(y, formula(X, causal), rtol=1e-4, atol=1e-4)


def test_the_norm_comes_before_positions_turn(alone):
    def rotate(x, spatial):
        return x * jnp.arange(1.0, 6.0)[None, :, None, None]

    y = alone('mixer', 'attention', {'heads': 2, 'biases': 'all'}, PARAMS, X, around=NORM, rotate=rotate)
    np.testing.assert_allclose(y, formula(X, False, lambda x, n: (n + 1) * x), rtol=1e-4, atol=1e-4)


def test_the_size_of_queries_and_keys_does_not_matter(alone):
    wide = {**PARAMS, **{name: jax.tree.map(lambda leaf: 3 * leaf, PARAMS[name]) for name in ('query', 'key')}}
    around = {'qk_norm': {'kind': 'rms_norm', 'eps': 0.0}}
    y = [alone('mixer', 'attention', {'heads': 2, 'biases': 'all'}, params, X, around=around) for params in (PARAMS, wide)]
    np.testing.assert_allclose(y[0], y[1], rtol=1e-5, atol=1e-5)


def config(mixer, norm):
    base = decoder(vocabulary=5, length=6, width=8, depth=1, mixer={'kind': mixer}, ratio=2.0)
    return {**base, 'qk_norm': {'kind': norm}}


@pytest.mark.parametrize('mixer', [kind for kind, cls in MIXERS.items() if 'qk_norm' in cls.TAKES])
def test_every_mixer_that_takes_it_has_a_norm_for_queries_and_keys(mixer):
    module = Sockets({**PLAIN, **NORM, 'mixer': {'kind': mixer}}, TABLES).make('mixer', name=None)
    x = jnp.zeros((1, 6, 16) if 'tokens' in fits(MIXERS[mixer]) else (1, 4, 4, 16))
    params = jax.eval_shape(lambda x: module.init(jax.random.key(0), x, Context()), x)['params']
    paths = [[part.key for part in path] for path, _ in jax.tree_util.tree_leaves_with_path(params)]
    assert {'query_norm', 'key_norm'} <= {name for path in paths for name in path}


@pytest.mark.parametrize('norm', [kind for kind, cls in NORMS.items() if 'queries' not in fits(cls)])
def test_norms_over_positions_or_examples_are_refused(norm):
    with pytest.raises(ValueError) as error:
        build(config('attention', norm))
    message = str(error.value)
    assert message.startswith(f"qk_norm '{norm}' does not take each query and key alone; allowed: [")
    assert "'rms_norm'" in message and "'layer_norm'" in message
    assert "'batch_norm'" not in message.split('allowed')[1]


def test_the_norms_refused_are_those_with_statistics_over_positions():
    assert {kind for kind, cls in NORMS.items() if 'queries' not in fits(cls)} >= {
        'batch_norm',
        'group_norm',
        'global_response_norm',
    }
    assert {kind for kind, cls in NORMS.items() if 'queries' in fits(cls)} >= {'layer_norm', 'rms_norm', 'scale_norm'}


def test_a_mixer_without_queries_is_refused():
    message = r"qk_norm 'rms_norm' norms queries and keys; mixer 'pool' has none; allowed with it: \['attention'"
    with pytest.raises(ValueError, match=message):
        build(config('pool', 'rms_norm'))
