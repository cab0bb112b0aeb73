"""Sliding-window attention against a loop over the neighbours, and against attention where the window covers all."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from rounding import assert_same_numbers

from ablations.tasks.bases import decoder
from arch.cost import cost
from arch.model import build
from arch.ops.attend import MASKED_BELOW, attend_near
from arch.ops.lowering import lowering

GENERATOR = np.random.default_rng(0)
SEQUENCE = GENERATOR.normal(size=(2, 7, 8)).astype(np.float32)
MAP = GENERATOR.normal(size=(2, 4, 5, 8)).astype(np.float32)
KIND = 'sliding_window_attention'
PARAMS = {
    name: {'kernel': GENERATOR.normal(size=(8, 8)).astype(np.float32) / 2, 'bias': GENERATOR.normal(size=8).astype(np.float32)}
    for name in ('query', 'value', 'output')
}
PARAMS['key'] = {'kernel': GENERATOR.normal(size=(8, 8)).astype(np.float32) / 2}
CASES = [(SEQUENCE, 1, False), (SEQUENCE, 2, True), (SEQUENCE, 4, False), (MAP, 1, False), (MAP, 3, False)]


def project(name, x):
    return x @ PARAMS[name]['kernel'].astype(np.float64) + PARAMS[name].get('bias', 0)


def formula(x, window, causal):
    """One query of one of two heads at a time, over the positions that are near it on every axis."""
    query, key, value = (project(name, x.astype(np.float64)) for name in ('query', 'key', 'value'))
    mixed = np.zeros(x.shape)
    places = list(np.ndindex(*x.shape[1:-1]))
    for place in places:
        steps = [(other, np.subtract(other, place)) for other in places]
        near = [other for other, step in steps if np.abs(step).max() <= window and not (causal and step.max() > 0)]
        for b, part in ((b, part) for b in range(len(x)) for part in (slice(0, 4), slice(4, 8))):
            weights = np.array([np.exp(key[(b, *other)][part] @ query[(b, *place)][part] / 2) for other in near])
            values = np.array([value[(b, *other)][part] for other in near])
            mixed[(b, *place)][part] = weights @ values / weights.sum()
    return project('output', mixed)


@pytest.mark.parametrize('way', ['auto', 'reference'])
@pytest.mark.parametrize(('x', 'window', 'causal'), CASES)
def test_formula(alone, x, window, causal, way):
    with lowering(way):
        y = alone('mixer', KIND, {'heads': 2, 'window': window}, PARAMS, x, causal=causal)
    np.testing.assert_allclose(y, formula(x, window, causal), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('way', ['auto', 'reference'])
@pytest.mark.parametrize(('x', 'window', 'causal'), [(SEQUENCE, 6, False), (SEQUENCE, 99, True), (MAP, 4, False)])
def test_a_window_that_covers_all_is_attention(alone, x, window, causal, way):
    with lowering(way):
        y = alone('mixer', KIND, {'heads': 2, 'window': window}, PARAMS, x, causal=causal)
    full = alone('mixer', 'attention', {'heads': 2}, PARAMS, x, causal=causal)
    # Two products over 8 channels, scores over 4, weights over 20 positions.
    assert_same_numbers(full, y, 40)


def test_both_ways_have_the_same_gradient():
    query, key, value = jnp.asarray(GENERATOR.normal(size=(3, 2, 6, 2, 4)), jnp.float32)

    def slopes(way):
        with lowering(way):
            near = jax.grad(lambda *parts: (attend_near(*parts, (6,), 2, True) ** 2).sum(), (0, 1, 2))
            return jax.jit(near)(query, key, value)

    # Scores over 4 channels and weights over 6 positions, there and back.
    assert_same_numbers(slopes('auto'), slopes('reference'), 20)


def test_long_sequences_compute_no_full_scores():
    def program(length):
        x = jnp.zeros((1, length, 1, 2))
        return str(jax.make_jaxpr(lambda x: attend_near(x, x, x, (length,), 2, True))(x))

    length = MASKED_BELOW * 3
    assert f'{length - 1},{length - 1}]' in program(length - 1)
    assert f'{length},{length}]' not in program(length)


def test_costs_are_those_of_the_window():
    mixer = {'kind': KIND, 'heads': 2, 'window': 2}
    model = build(decoder(vocabulary=5, length=6, width=8, depth=1, mixer=mixer, ratio=2.0))
    counts = cost(model, jax.ShapeDtypeStruct((2, 6), jnp.int32))
    assert counts['macs_by_role']['activation'] == 2 * 6 * 3 * 8
    assert sum(counts['flops_by_part'].values()) == counts['flops']


def test_the_window_is_above_0(alone):
    with pytest.raises(ValueError, match="mixer 'sliding_window_attention': window=0 is given, allowed is above 0"):
        alone('mixer', KIND, {'window': 0}, {}, SEQUENCE)
