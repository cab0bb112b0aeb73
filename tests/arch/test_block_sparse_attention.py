"""Attention to chosen blocks against a loop in numpy; masks and gathered blocks give the same."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from arch.contracts.leaks import later_leak
from arch.ops.attend import SOFTMAX, Scoring
from arch.ops.attend_blocks import attend_blocks
from arch.ops.lowering import lowering

GENERATOR = np.random.default_rng(0)
N, C, HEADS, BLOCK = 11, 8, 2, 3
X = GENERATOR.normal(size=(2, N, C)).astype(np.float32)


def normal(*shape):
    return GENERATOR.normal(size=shape).astype(np.float32)


def softmax(scores):
    raised = np.exp(scores - scores.max())
    return raised / raised.sum()


def split(x, params, name, heads=HEADS):
    return (x.astype(np.float64) @ params[name]['kernel']).reshape(2, N, heads, -1)


def seen_by(n, causal):
    return range(n + 1) if causal else range(N)


@pytest.mark.parametrize('causal', [True, False])
def test_block_sparse_attention(alone, causal):
    params = {name: {'kernel': normal(C, C)} for name in ('query', 'key', 'value', 'output')}
    fields = {'heads': HEADS, 'biases': 'none', 'block': BLOCK, 'selected': 1}
    y = alone('mixer', 'block_sparse_attention', fields, params, X, causal=causal)
    query, key, value = (split(X, params, name) for name in ('query', 'key', 'value'))
    mixed, picked = np.zeros_like(query), set()
    for b, h, n in np.ndindex(2, HEADS, N):
        own, blocks = n // BLOCK, [range(at, min(at + BLOCK, N)) for at in range(0, N, BLOCK)]
        ranked = [at for at in range(len(blocks)) if (at < own if causal else at != own)]
        ranked.sort(key=lambda at: -query[b, n, h] @ key[b, list(blocks[at]), h].mean(0))
        chosen = {own, *ranked[:1]}
        picked.add((own, *ranked[:1]))
        met = [m for at in sorted(chosen) for m in blocks[at] if m in seen_by(n, causal)]
        mixed[b, n, h] = softmax(key[b, met, h] @ query[b, n, h] / 2) @ value[b, met, h]
    assert len(picked) > 4, 'queries choose differently'
    np.testing.assert_allclose(y, mixed.reshape(2, N, C) @ params['output']['kernel'], rtol=1e-3, atol=1e-4)


def test_enough_blocks_are_attention(alone):
    params = {name: {'kernel': normal(C, C)} for name in ('query', 'key', 'value', 'output')}
    fields = {'heads': HEADS, 'biases': 'none'}
    y = alone('mixer', 'block_sparse_attention', {**fields, 'block': BLOCK, 'selected': 3}, params, X, causal=True)
    np.testing.assert_allclose(y, alone('mixer', 'attention', fields, params, X, causal=True), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('scoring', [SOFTMAX, Scoring(2.0, np.zeros(HEADS, np.float32))], ids=['plain', 'capped with a sink'])
@pytest.mark.parametrize('causal', [True, False])
def test_a_mask_and_the_chosen_blocks_alone_give_the_same(causal, scoring):
    query, key, value = (jnp.asarray(normal(2, N, HEADS, 4)) for _ in range(3))
    # The own block, then any earlier one or none.
    own = np.broadcast_to(np.arange(N) // BLOCK, (2, HEADS, N))
    other = np.where(GENERATOR.random(own.shape) < 0.7, own - 1, -1)
    chosen = jnp.asarray(np.stack([own, other], -1))
    masked = attend_blocks(query, key, value, chosen, BLOCK, causal, None, scoring)
    with lowering('reference'):
        alone = attend_blocks(query, key, value, chosen, BLOCK, causal, None, scoring)
    np.testing.assert_allclose(masked, alone, rtol=1e-4, atol=1e-5)


def test_what_comes_later_changes_no_choice(alone):
    params = {name: {'kernel': normal(C, C)} for name in ('query', 'key', 'value', 'output')}
    fields = {'block': BLOCK, 'biases': 'none', 'selected': 1}
    run = jax.jit(lambda x: alone('mixer', 'block_sparse_attention', fields, params, x, causal=True))
    assert later_leak(run, X, [2, 5, 6, 10]) == ''


def test_refused(alone):
    with pytest.raises(ValueError, match='selected=0 is given, allowed is above 0'):
        alone('mixer', 'block_sparse_attention', {'selected': 0}, {}, X)
