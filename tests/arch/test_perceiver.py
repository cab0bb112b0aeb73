"""Perceiver: latents that read the input before each stage, against numpy; its parameters to the unit, and what it refuses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from arch.model import build
from arch.probe import PLAIN, started
from arch.roles import names

M, C, V, N = 3, 8, 5, 6
IDS = np.random.default_rng(0).integers(V, size=(2, N), dtype=np.int32)
BODY = {'kind': 'perceiver', 'width': C, 'depths': (1, 2), 'latents': M, 'heads': 2}


def config(**specs):
    return {
        **PLAIN,
        'stem': {'kind': 'tokens', 'vocabulary': V},
        'block': {'kind': 'mixer_only'},
        'mixer': {'kind': 'identity'},
        'norm': {'kind': 'rms_norm'},
        'activation': {'kind': 'relu'},
        'head': {'kind': 'pooled_classifier', 'outputs': V},
        **specs,
        'body': {**BODY, **specs.get('body', {})},
    }


def drawn(model, x=IDS):
    return started(*jax.eval_shape(lambda: model.init(jax.random.key(0), x, {})))


def rms(x, scale):
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6) * scale


def product(x, params):
    return x @ params['kernel'] + params.get('bias', 0)


def read(params, h, x):
    """Softmax attention with two heads of the latents to the input."""
    query, key, value = product(h, params['query']), product(x, params['key']), product(x, params['value'])
    mixed = np.zeros_like(h)
    for head in (slice(0, C // 2), slice(C // 2, C)):
        scores = np.exp(query[..., head] @ np.swapaxes(key[..., head], 1, 2) / np.sqrt(C // 2))
        mixed[..., head] = scores / scores.sum(-1, keepdims=True) @ value[..., head]
    return product(mixed, params['output'])


@pytest.mark.parametrize('shared', [False, True])
def test_latents_read_before_each_stage(shared):
    model = build(config(body={'shared': shared, 'depths': (1, 2, 1)}))
    params, state = drawn(model)
    y = jax.jit(lambda params: model.apply(params, state, IDS, knobs={}, key=jax.random.key(0), train=False)[0])(params)
    x, h = params['stem']['embedding'][IDS], np.broadcast_to(params['latents']['embedding'], (2, M, C)).astype(np.float64)
    for stage, blocks in enumerate(((0,), (1, 2), (3,))):
        own = params[f'reading_{min(stage, 1) if shared else stage}']
        h = h + read(own['read'], rms(h, own['norm_latents']['scale']), rms(x, own['norm_input']['scale']))
        hidden = np.maximum(product(rms(h, own['norm_channel']['scale']), own['channel']['up']), 0)
        h = h + product(hidden, own['channel']['down'])
        for block in blocks:
            h = h + rms(h, params[f'block_{block}']['norm']['scale'])
    np.testing.assert_allclose(y, product(h.mean(1), params['head']['head']), rtol=1e-3, atol=1e-3)
    reading = 4 * C * C + 3 * C + 3 * C + 2 * C * 2 * C + 3 * C
    total = V * C + M * C + (2 if shared else 3) * reading + 4 * C + C * V + V
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == total


def test_depth_costs_the_latents_and_readings_the_input():
    model = build(config(body={'depths': (1, 1)}, norm={'kind': 'layer_norm'}))
    params, _ = drawn(model)
    above = {names(path)[0]: left for path, left in jax.tree_util.tree_leaves_with_path(model.above(params))}
    assert above == {'stem': 3, 'latents': 3, 'reading_0': 2, 'block_0': 2, 'reading_1': 1, 'block_1': 1, 'head': 0}
    roles = {names(path): role for path, role in jax.tree_util.tree_leaves_with_path(model.roles(params))}
    assert roles['latents', 'embedding'] == 'embedding'
    assert roles['reading_0', 'read', 'query', 'kernel'] == 'matrix'


def test_a_scan_and_maps_give_what_a_loop_gives():
    images = np.random.default_rng(1).normal(size=(2, 4, 4, 1)).astype(np.float32)
    specs = {'stem': {'kind': 'patchify', 'patch': 2}, 'position': {'kind': 'learned', 'length': 4}}
    loop, scan = (build(config(**specs, body={'depths': (3,), 'over_depth': way})) for way in ('loop', 'scan'))
    params, state = drawn(loop, images)
    stacked = {name: part for name, part in params.items() if not name.startswith('block')}
    stacked['blocks_0'] = jax.tree.map(lambda *leaves: np.stack(leaves), *(params[f'block_{at}'] for at in range(3)))
    given = {'knobs': {}, 'key': jax.random.key(0), 'train': False}
    one, other = (jnp.asarray(m.apply(p, state, images, **given)[0]) for m, p in ((loop, params), (scan, stacked)))
    np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ('specs', 'why'),
    [
        ({'body': {'heads': 3}}, "body 'perceiver': heads=3 does not divide width=8"),
        ({'body': {'depths': ()}}, 'depths=.* has nothing in it'),
        ({'body': {'latents': 0}}, 'latents=0 is given, allowed is above 0'),
        ({'body': {'depths': (1, 0)}}, r'depths\[1\]=0 is given, allowed is above 0'),
        (
            {'position': {'kind': 'rotary'}, 'mixer': {'kind': 'attention', 'heads': 2}},
            "position 'rotary' works inside attention, where latents of body 'perceiver' have no places; allowed: .*'learned'",
        ),
        ({'head': {'kind': 'next_token', 'outputs': V}}, "head 'next_token' does not work in a body that is not causal"),
        ({'mixer': {'kind': 'shifted_window_attention'}}, "mixer 'shifted_window_attention' does not work"),
    ],
)
def test_refused(specs, why):
    with pytest.raises(ValueError, match=why):
        build(config(**specs))
