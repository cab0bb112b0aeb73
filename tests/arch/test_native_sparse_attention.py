"""Native sparse attention with its three branches, against a loop in numpy; what comes later changes none of its choices."""

import jax
import numpy as np
import pytest

from arch.contracts.leaks import later_leak

GENERATOR = np.random.default_rng(0)
N, C, BLOCK = 20, 8, 3
X = GENERATOR.normal(size=(2, N, C)).astype(np.float32)


def normal(*shape):
    return GENERATOR.normal(size=shape).astype(np.float32)


def softmax(scores):
    raised = np.exp(scores - scores.max())
    return raised / raised.sum()


def split(x, params, name, heads):
    return (x.astype(np.float64) @ params[name]['kernel']).reshape(2, N, heads, -1)


def native(groups, span=BLOCK):
    """Parameters of native sparse attention with these groups of keys, and so many positions that become one."""
    narrow = groups * C // 4
    # Small queries, so that no two blocks have all the weight of a head each, which would rank them by rounding.
    params = {'query': {'kernel': normal(C, C) / 4}, 'output': {'kernel': normal(C, C)}}
    for branch in ('compressed', 'selected', 'window'):
        params |= {f'{part}_{branch}': {'kernel': normal(C, narrow)} for part in ('key', 'value')}
    for part in ('key', 'value'):
        up = {'kernel': normal(span * 2, 2), 'bias': normal(2)}
        params[f'compress_{part}'] = {'shift': normal(span, 2), 'up': up, 'down': {'kernel': normal(2, 2)}}
    params['compress_value']['down']['bias'] = normal(2)
    return params | {'gate': {'kernel': normal(C, 12), 'bias': normal(12)}}


FIELDS = {'heads': 4, 'kv_heads': 2, 'block': BLOCK, 'selected': 1, 'window': 2}


def compressed(params, blocks):
    """[M, l, D] to [M, D]."""
    placed = (blocks + params['shift']).reshape(len(blocks), -1)
    hidden = placed @ params['up']['kernel'] + params['up']['bias']
    return np.asarray(jax.nn.gelu(hidden)) @ params['down']['kernel'] + params['down'].get('bias', 0)


@pytest.mark.parametrize(('causal', 'span', 'apart'), [(True, 3, 3), (False, 3, 3), (True, 6, 3), (True, 2, 1), (False, 3, 1)])
def test_native_sparse_attention(alone, causal, span, apart):
    """Compressed are `span` positions from every `apart`-th on; blocks take the weights of what they share pieces with."""
    params, picked = native(2, span), set()
    spans = {'span': span, 'apart': apart} if (span, apart) != (BLOCK, BLOCK) else {}
    y = alone('mixer', 'native_sparse_attention', {**FIELDS, **spans}, params, X, causal=causal)
    begins = range(0, N - span + 1, apart)
    query, mixed = split(X, params, 'query', 4), np.zeros((2, N, 4, 2))
    gates = 1 / (1 + np.exp(-(X @ params['gate']['kernel'] + params['gate']['bias']))).reshape(2, N, 3, 4)
    parts = {name: split(X, params, name, 2) for name in params if name.startswith(('key', 'value'))}
    for b, n, group in np.ndindex(2, N, 2):
        ended = [number for number, first in enumerate(begins) if first + span <= (n + 1 if causal else N)]
        cut = {
            part: np.stack([parts[f'{part}_compressed'][b, first : first + span, group] for first in begins])
            for part in ('key', 'value')
        }
        keys, values = (compressed(params[f'compress_{part}'], cut[part]) for part in ('key', 'value'))
        heads, ranks = (2 * group, 2 * group + 1), np.zeros(N // BLOCK)
        for h in heads if ended else ():
            weights = softmax(keys[ended] @ query[b, n, h] / np.sqrt(2))
            for number, weight in zip(ended, weights, strict=True):
                for piece in range(begins[number], begins[number] + span, apart):
                    if piece // BLOCK < len(ranks):
                        ranks[piece // BLOCK] += weight
            mixed[b, n, h] += gates[b, n, 0, h] * (weights @ values[ended])
        own = n // BLOCK
        whole = [at for at in range(N // BLOCK) if (at + 1) * BLOCK <= (n + 1 if causal else N)]
        others = sorted((at for at in whole if at not in (0, own)), key=lambda at: -ranks[at])
        picked.add((own, *others[:1]))
        met = [m for m in (range(n + 1) if causal else range(N)) if m // BLOCK in {0, own, *others[:1]}]
        near = [m for m in (range(n + 1) if causal else range(N)) if abs(m - n) <= 2]
        for h in heads:
            for number, (name, places) in enumerate((('selected', met), ('window', near)), 1):
                key, value = (parts[f'{part}_{name}'][b, places, group] for part in ('key', 'value'))
                mixed[b, n, h] += gates[b, n, number, h] * (softmax(key @ query[b, n, h] / np.sqrt(2)) @ value)
    assert len(picked) > 4, 'queries choose differently'
    np.testing.assert_allclose(y, mixed.reshape(2, N, C) @ params['output']['kernel'], rtol=1e-3, atol=1e-4)


def test_what_comes_later_changes_no_choice(alone):
    params = native(2)
    run = jax.jit(lambda x: alone('mixer', 'native_sparse_attention', FIELDS, params, x, causal=True))
    assert later_leak(run, X, [2, 6, 11, 19]) == ''
    assert later_leak(lambda x: run(x)[:, ::-1], X, [5])


@pytest.mark.parametrize(
    ('fields', 'why'),
    [
        ({'kv_heads': 3}, 'kv_heads=3 does not divide heads=4'),
        ({'block': 0}, 'block=0 is given, allowed is above 0'),
        ({'span': 4, 'apart': 3}, 'apart=3 does not divide span=4'),
        ({'block': 4, 'span': 3}, 'apart=3 does not divide block=4'),
        ({'heads': 3, 'kv_heads': 1}, 'heads=3 does not divide width=8'),
    ],
)
def test_refused(alone, fields, why):
    with pytest.raises(ValueError, match=why):
        alone('mixer', 'native_sparse_attention', fields, {}, X)
