"""Shifted-window attention against a loop over positions, and against Swin's layer in transformers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from rounding import assert_same_numbers

from arch.context import Context
from arch.model_sockets import Sockets
from arch.probe import PLAIN
from arch.sockets import TABLES

GENERATOR = np.random.default_rng(0)
KIND = 'shifted_window_attention'
FIELDS = {'head_size': 4, 'window': 4, 'biases': 'all'}


def numbers(*shape):
    return GENERATOR.normal(size=shape).astype(np.float32)


PARAMS = {name: {'kernel': numbers(8, 8) / 2, 'bias': numbers(8)} for name in ('query', 'key', 'value', 'output')}
PARAMS['bias'] = numbers(49, 2)
WIDE, SMALL, LOW = numbers(2, 8, 12, 8), numbers(2, 3, 3, 8), numbers(1, 4, 8, 8)
RAGGED, LOW_RAGGED = numbers(1, 6, 9, 8), numbers(2, 3, 7, 8)
COSINE = {**FIELDS, 'scores': 'cosine', 'bias': 'network'}
NETWORK = {'up': {'kernel': numbers(2, 512), 'bias': numbers(512)}, 'down': {'kernel': numbers(512, 2) / 16}}
SCALE = np.array([1.0, 5.0], np.float32)  # the second above log 100
COSINE_PARAMS = {name: part for name, part in PARAMS.items() if name != 'bias'} | {'scale': SCALE, 'position_bias': NETWORK}


def project(name, x):
    return x @ PARAMS[name]['kernel'].astype(np.float64) + PARAMS[name]['bias']


def seen(place, other, side, shift, spatial):
    """Whether a position sees another: both in one window of the lattice that begins `shift` rows and columns in.

    That lattice cuts the map at its edges, so no window wraps.
    """
    return all((p - shift) // side == (o - shift) // side for p, o in zip(place, other, strict=True))


def from_table(bias, window):
    """What a table adds, by the step from key to query and the head."""
    middle = window - 1
    return lambda rows, columns, head: bias[(rows + middle) * (2 * window - 1) + columns + middle, head]


def from_network(measure):
    """What Swin V2's network adds."""

    def added(rows, columns, head):
        scaled = [8 * step / (measure - 1) for step in (rows, columns)]
        spaced = np.array([np.sign(step) * np.log2(1 + abs(step)) / np.log2(8) for step in scaled])
        hidden = np.maximum(spaced @ NETWORK['up']['kernel'].astype(np.float64) + NETWORK['up']['bias'], 0)
        return 16 / (1 + np.exp(-(hidden @ NETWORK['down']['kernel'])[head]))

    return added


def dot(query, key, head):
    return query @ key / 2


def cosine(query, key, head):
    return min(np.exp(np.float64(SCALE[head])), 100) * (query @ key) / np.sqrt((query @ query) * (key @ key))


def formula(x, layer, window=4, added=None, met=dot):
    """One query of one of two heads at a time."""
    spatial = x.shape[1:-1]
    added = added or from_table(PARAMS['bias'], window)
    side = min(window, *spatial)
    shift = window // 2 if layer % 2 and min(spatial) > window else 0
    query, key, value = (project(name, x.astype(np.float64)) for name in ('query', 'key', 'value'))
    mixed = np.zeros(x.shape)
    for place in np.ndindex(*spatial):
        near = [other for other in np.ndindex(*spatial) if seen(place, other, side, shift, spatial)]
        for b, head in np.ndindex(len(x), 2):
            part = slice(4 * head, 4 * head + 4)
            scores = [
                met(query[(b, *place)][part], key[(b, *other)][part], head)
                + added(place[0] - other[0], place[1] - other[1], head)
                for other in near
            ]
            weights = np.exp(scores - np.max(scores))
            mixed[(b, *place)][part] = weights @ [value[(b, *other)][part] for other in near] / weights.sum()
    return project('output', mixed)


MAPS = {'wide': WIDE, 'small': SMALL, 'low': LOW, 'ragged': RAGGED, 'low and ragged': LOW_RAGGED}


@pytest.mark.parametrize('x', MAPS.values(), ids=MAPS)
@pytest.mark.parametrize('layer', [0, 1, 2])
def test_formula(alone, x, layer):
    np.testing.assert_allclose(alone('mixer', KIND, FIELDS, PARAMS, x, layer=layer), formula(x, layer), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('layer', [0, 1])
def test_windows_of_odd_size(alone, layer):
    bias, x = numbers(25, 2), numbers(1, 6, 9, 8)
    y = alone('mixer', KIND, {**FIELDS, 'window': 3}, {**PARAMS, 'bias': bias}, x, layer=layer)
    np.testing.assert_allclose(y, formula(x, layer, 3, from_table(bias, 3)), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('x', [SMALL, LOW, RAGGED], ids=['small', 'low', 'ragged'])
@pytest.mark.parametrize('layer', [0, 1])
def test_cosines_and_the_network_of_swin_v2(alone, x, layer):
    y = alone('mixer', KIND, COSINE, COSINE_PARAMS, x, layer=layer)
    side = min(4, *x.shape[1:-1])
    np.testing.assert_allclose(y, formula(x, layer, 4, from_network(side), cosine), rtol=1e-4, atol=1e-4)


def test_steps_are_measured_in_the_windows_of_pretraining(alone):
    y = alone('mixer', KIND, {**COSINE, 'scores': 'dot', 'pretrained_window': 7}, COSINE_PARAMS, LOW)
    np.testing.assert_allclose(y, formula(LOW, 0, 4, from_network(7)), rtol=1e-4, atol=1e-4)


def test_the_scale_starts_at_the_logarithm_of_ten():
    block = Sockets({**PLAIN, 'mixer': {'kind': KIND, **COSINE}}, TABLES).make('mixer', name=None)
    params = jax.jit(lambda x: block.init(jax.random.key(0), x, Context()))(jnp.asarray(SMALL))['params']
    assert jax.tree.map(np.shape, params) == jax.tree.map(np.shape, COSINE_PARAMS)
    np.testing.assert_allclose(params['scale'], np.log([10, 10]), rtol=1e-6)


@pytest.mark.parametrize('layer', [0, 1])
def test_padding_has_no_gradient_that_is_no_number(layer):
    """Its rows see nothing but each other, and its queries and keys have no direction."""
    block = Sockets({**PLAIN, 'mixer': {'kind': KIND, **COSINE}}, TABLES).make('mixer', name=None)
    x = jnp.asarray(RAGGED[:, :5, :5])

    def sum_of_squares(params):
        return jnp.square(block.apply({'params': params}, x, Context(layer=layer))).sum()

    slopes = jax.jit(jax.grad(sum_of_squares))(jax.tree.map(jnp.asarray, COSINE_PARAMS))
    assert all(np.isfinite(leaf).all() and np.abs(leaf).max() > 0 for leaf in jax.tree.leaves(slopes))


def test_the_number_of_the_block_may_be_traced():
    block = Sockets({**PLAIN, 'mixer': {'kind': KIND, **FIELDS}}, TABLES).make('mixer', name=None)

    def one(_, layer):
        return None, block.apply({'params': PARAMS}, jnp.asarray(WIDE), Context(layer=layer))

    scanned = jax.jit(lambda: jax.lax.scan(one, None, jnp.arange(2))[1])()
    for layer in (0, 1):
        # Two products over 8 channels, scores over 4, weights over the 16 positions of a window.
        assert_same_numbers(one(None, layer)[1], scanned[layer], 36)
    assert np.abs(np.asarray(scanned[0] - scanned[1])).max() > 0.1


@pytest.mark.parametrize('shape', [(2, 8, 12, 8), (1, 4, 8, 8)], ids=['shifts', 'one window high'])
@pytest.mark.parametrize('layer', [0, 1])
def test_is_the_attention_of_swin_in_transformers(alone, shape, layer):
    torch = pytest.importorskip('torch')
    swin = pytest.importorskip('transformers.models.swin.modeling_swin')
    config = swin.SwinConfig(embed_dim=8, window_size=4, num_heads=[2], depths=[2], mlp_ratio=1.0)
    config._attn_implementation = 'eager'
    whole = swin.SwinLayer(config, 8, shape[1:3], 2, shift_size=2 if layer else 0).eval()
    theirs = whole.attention
    whole.layernorm_before = torch.nn.Identity()
    with torch.no_grad():
        for name, short in (('query', 'q_proj'), ('key', 'k_proj'), ('value', 'v_proj'), ('output', 'o_proj')):
            getattr(theirs, short).weight.copy_(torch.tensor(PARAMS[name]['kernel'].T.copy()))
            getattr(theirs, short).bias.copy_(torch.tensor(PARAMS[name]['bias']))
        theirs.relative_position_bias.relative_position_bias_table.copy_(torch.tensor(PARAMS['bias']))
        for leaf in whole.mlp.fc2.parameters():
            leaf.zero_()
        x = numbers(*shape)
        tokens = torch.tensor(x.reshape(shape[0], -1, 8))
        expected = (whole(tokens, shape[1:3])[0] - tokens).numpy().reshape(shape)
    np.testing.assert_allclose(alone('mixer', KIND, FIELDS, PARAMS, x, layer=layer), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ('fields', 'why'),
    [
        ({'head_size': 3}, r'head_size=3 does not divide width=8; allowed: \[1, 2, 4, 8\]'),
        ({'head_size': 0}, 'head_size=0 is given, allowed is above 0'),
        ({'window': 0}, 'window=0 is given, allowed is above 0'),
        ({'scores': 'sine'}, r"scores='sine'; allowed: \['dot', 'cosine'\]; change scores"),
        ({'bias': 'none'}, r"bias='none'; allowed: \['table', 'network'\]; change bias"),
        ({'bias': 'network', 'pretrained_window': -1}, 'pretrained_window=-1; allowed: 0 for the windows that there are'),
        ({'bias': 'network', 'pretrained_window': 1}, 'pretrained_window=1; allowed: .* or from 2 on'),
        ({'pretrained_window': 8}, r"pretrained_window=8 with bias='table', which has no use for it; allowed: 0, or bias="),
        ({'biases': 'some'}, r"biases='some'; allowed: \['all', 'needed', 'none'\]"),
    ],
)
def test_errors(alone, fields, why):
    with pytest.raises(ValueError, match=why):
        alone('mixer', KIND, {**FIELDS, **fields}, PARAMS, WIDE)
    with pytest.raises(ValueError, match=why):
        Sockets({**PLAIN, 'mixer': {'kind': KIND, **FIELDS, **fields}}, TABLES).make('mixer', name=None).check(8, True)
