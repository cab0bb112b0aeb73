"""Short convolutions in front of mixers and channel blocks: their formula in numpy, their starts, and what reaches inside."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from rounding import assert_same_numbers

from ablations.config import changed
from ablations.study import put
from arch.config import complete
from arch.context import Context
from arch.contracts.whole import difference
from arch.initials import INITIALS
from arch.model import build
from arch.probe import started
from arch.short_conv import ShortConv

GENERATOR = np.random.default_rng(0)
IDS = GENERATOR.integers(5, size=(2, 9), dtype=np.int32)
SHORT = {'kind': 'behind_short_conv'}
ATTENTION = {'kind': 'attention', 'heads': 2}
SEQUENCE, MAP = (4,), (3, 5)


def formula(x, kernel, causal):
    """x + filter(x), one position and one tap at a time."""
    taps, y = len(kernel), x.astype(np.float64)
    back = taps - 1 if causal else (taps - 1) // 2
    for place in np.ndindex(*x.shape[1:-1]):
        for tap in np.ndindex(*kernel.shape[:-1]):
            other = np.add(place, tap) - back
            if ((other >= 0) & (other < x.shape[1:-1])).all():
                y[:, *place] += kernel[tap] * x[:, *other]
    return y


@pytest.mark.parametrize(('spatial', 'causal', 'taps'), [(SEQUENCE, True, 4), (SEQUENCE, False, 4), (MAP, False, 3)])
@pytest.mark.parametrize('family', ['mixer', 'channel'])
def test_formula(alone, family, spatial, causal, taps):
    x = GENERATOR.normal(size=(2, *spatial, 4)).astype(np.float32)
    kernel = GENERATOR.normal(size=(taps,) * len(spatial) + (4,)).astype(np.float32)
    product = GENERATOR.normal(size=(4, 4)).astype(np.float32)
    params, inner = {'short': {'depthwise': {'kernel': kernel}}}, {'kind': 'identity'}
    expected = formula(x, kernel, causal)
    if family == 'channel':
        params['channel'] = {'up': {'kernel': product}, 'down': {'kernel': product}}
        inner, expected = {'kind': 'mlp', 'ratio': 1.0, 'bias': False}, np.maximum(expected @ product, 0) @ product
    fields, relu = {family: inner, 'kernel': taps}, {'activation': {'kind': 'relu'}}
    y = alone(family, 'behind_short_conv', fields, params, x, causal=causal, around=relu)
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(('spatial', 'causal'), [(SEQUENCE, True), (MAP, False)])
def test_filters_on_queries_keys_and_values(alone, spatial, causal):
    """Attention of these is what it is with a product of filters, put in by hand."""
    x, draw = GENERATOR.normal(size=(2, *spatial, 4)).astype(np.float32), lambda *shape: GENERATOR.normal(size=shape) / 2
    params = {name: {'kernel': draw(4, 4).astype(np.float32)} for name in ('query', 'key', 'value', 'output')}
    filters = {name: draw(*(3,) * len(spatial), 4).astype(np.float32) for name in ('query', 'key', 'value')}
    fields = {'heads': 2, 'biases': 'none', 'short_conv': 3}
    own = {**params, **{f'{name}_short': {'depthwise': {'kernel': kernel}} for name, kernel in filters.items()}}
    y = alone('mixer', 'attention', fields, own, x, causal=causal)
    query, key, value = (
        formula(x @ params[name]['kernel'], filters[name], causal).reshape(2, -1, 2, 2) for name in ('query', 'key', 'value')
    )
    scores = np.einsum('bnkd,bmkd->bknm', query, key) / 2**0.5
    scores = np.where(np.tril(np.ones(scores.shape[-2:], bool)) if causal else True, scores, -np.inf)
    weights = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    mixed = np.einsum('bknm,bmkd->bnkd', weights, value).reshape(x.shape)
    np.testing.assert_allclose(y, mixed @ params['output']['kernel'], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize('kind', ['mlp', 'gated'])
def test_filters_on_hidden_channels(alone, kind):
    x = GENERATOR.normal(size=(2, *SEQUENCE, 4)).astype(np.float32)
    names = ('up', 'gate')[: 1 + (kind == 'gated')]
    kernels = {name: GENERATOR.normal(size=(4, 8)).astype(np.float32) for name in names}
    filters = {name: GENERATOR.normal(size=(4, 8)).astype(np.float32) for name in names}
    down = GENERATOR.normal(size=(8, 4)).astype(np.float32)
    params = {name: {'kernel': kernel} for name, kernel in [*kernels.items(), ('down', down)]}
    params |= {f'{name}_short': {'depthwise': {'kernel': filters[name]}} for name in names}
    fields = {'ratio': 2.0, 'short_conv': 4, **({'bias': False} if kind == 'mlp' else {})}
    y = alone('channel', kind, fields, params, x, causal=True, around={'activation': {'kind': 'relu'}})
    hidden = [formula(x @ kernels[name], filters[name], True) for name in names]
    hidden = np.maximum(hidden[-1], 0) * (hidden[0] if kind == 'gated' else 1)
    np.testing.assert_allclose(y, hidden @ down, rtol=1e-4, atol=1e-4)


def decoder(mixer=ATTENTION, channel=None, **others):
    return complete(
        body={'kind': 'isotropic', 'width': 8, 'depth': 2, 'causal': True},
        stem={'kind': 'tokens', 'vocabulary': 5},
        mixer=mixer,
        channel=channel or {'kind': 'mlp', 'ratio': 2.0},
        head={'kind': 'next_token', 'outputs': 5},
        **others,
    )


def drawn(config):
    return jax.jit(lambda key: build(config).init(key, jnp.asarray(IDS), {})[0])(jax.random.key(0))


def shapes(config):
    return jax.eval_shape(lambda: build(config).init(jax.random.key(0), jnp.asarray(IDS), {})[0])


def scores(config, params):
    apply = build(config).apply
    return jax.jit(lambda params: apply(params, {}, IDS, knobs={}, key=jax.random.key(0), train=False)[0])(params)


BOTH = {'mixer': {**SHORT, 'mixer': ATTENTION}, 'channel': {**SHORT, 'channel': {'kind': 'gated', 'ratio': 2.0}}}


def test_a_filter_has_four_taps_for_each_channel_and_the_role_of_a_convolution():
    config = decoder(**BOTH)
    params, plain = shapes(config), shapes(decoder(channel={'kind': 'gated', 'ratio': 2.0}))
    count = [sum(leaf.size for leaf in jax.tree.leaves(tree)) for tree in (params, plain)]
    assert count[0] - count[1] == 2 * 2 * 4 * 8
    block = build(config).roles(params)['block_1']
    assert block['mixer']['short'] == block['channel']['short'] == {'depthwise': {'kernel': 'conv'}}
    assert block['mixer']['mixer']['query']['kernel'] == block['channel']['channel']['gate']['kernel'] == 'matrix'


@pytest.mark.parametrize(('scale', 'most'), [(1.0, 0.5), (3.0, 1.5)])
def test_filters_start_uniform_between_plus_and_minus_the_root_of_the_taps(scale, most):
    context = Context(knobs={'init_scale': scale}, initial=INITIALS['normal'](), branch_scale=0.1)
    variables = jax.jit(lambda key, x: ShortConv(4).init(key, x, context))(jax.random.key(0), jnp.zeros((1, 2, 512)))
    kernel = np.asarray(variables['params']['depthwise']['kernel'])
    assert kernel.shape == (4, 512)
    assert 0.98 * most < np.abs(kernel).max() <= most
    assert abs(kernel.std() / most - 3**-0.5) < 0.02


def test_filters_that_start_at_zero_are_not_there_at_first():
    zero = {name: {**spec, 'start': 'zero'} for name, spec in BOTH.items()}
    params = drawn(decoder(**zero))
    bare = {name: part for name, part in params.items() if not name.startswith('block')}
    for number in (0, 1):
        bare[f'block_{number}'] = {name: part.get(name, part) for name, part in params[f'block_{number}'].items()}
    plain = decoder(channel={'kind': 'gated', 'ratio': 2.0})
    assert_same_numbers(scores(decoder(**zero), params), scores(plain, bare), 1)


def test_what_the_model_asks_of_a_mixer_reaches_the_inner_one():
    turned = decoder(**BOTH, position={'kind': 'rotary'}, qk_norm={'kind': 'rms_norm'}, residual={'kind': 'value_residual'})
    params = shapes(turned)
    assert params['block_1']['residual_mixer']['scale'].shape == (2,)
    assert params['block_0']['mixer']['mixer']['query_norm']['scale'].shape == (4,)


def test_values_are_mixed_once_where_the_first_of_two_mixers_is_behind_a_filter():
    two = {'kind': 'side_by_side', 'mixers': [{**SHORT, 'mixer': {**SHORT, 'mixer': ATTENTION}}, ATTENTION]}
    assert shapes(decoder(two, residual={'kind': 'value_residual'}))['block_1']['residual_mixer']['scale'].shape == (2,)


def test_axes_of_kernels_are_those_of_the_inner_kinds():
    experts = {'kind': 'mixture_of_experts', 'experts': 2, 'top': 1}
    config = decoder({**SHORT, 'mixer': {'kind': 'gated_recurrence', 'heads': 2}}, {**SHORT, 'channel': experts})
    params = shapes(config)
    products = build(config).products(params)['block_0']
    assert products['mixer']['mixer']['forward']['retain']['kernel'].inputs == (-2,)
    assert products['channel']['channel']['up']['kernel'].inputs == (-2,)


def test_token_by_token_it_is_the_same():
    window = {'kind': 'sliding_window_attention', 'window': 2, 'short_conv': 3}
    short = {'mixer': {**SHORT, 'mixer': window}, 'channel': {**SHORT, 'channel': {'kind': 'gated', 'short_conv': 2}}}
    model = build(decoder(**short, block={'kind': 'mixture_of_depths'}))
    params, state = started(*jax.eval_shape(lambda: model.init(jax.random.key(0), jnp.asarray(IDS), {})))
    assert difference(model, params, state, IDS, {}) == ''


@pytest.mark.parametrize(
    ('kinds', 'why'),
    [
        ({'mixer': {**SHORT, 'kernel': 0}}, "mixer 'behind_short_conv': kernel=0 is given, allowed is above 0"),
        ({'mixer': {**ATTENTION, 'short_conv': -1}}, "mixer 'attention': short_conv=-1; allowed: 0 for no filters"),
        ({'channel': {'kind': 'gated', 'short_conv': -1}}, "channel 'gated': short_conv=-1; allowed: 0 for no filters"),
        ({'channel': {**SHORT, 'start': 'zeros'}}, r"start='zeros'; allowed: \['uniform', 'zero'\]; change start"),
        ({'mixer': {**SHORT, 'mixer': {'kind': 'fourier'}}}, "^mixer.mixer: mixer 'fourier' does not work in a causal body"),
        ({'mixer': {**SHORT, 'mixer': {'heads': 2}}}, r'^mixer.mixer: mixer: given .*allowed a spec'),
        ({'mixer': {**SHORT, 'mixer': {'kind': 'attention', 'heads': 3}}}, '^mixer.mixer: .*heads=3 does not divide'),
        ({'channel': {**SHORT, 'channel': {'kind': 'mpl'}}}, r"^channel.channel: channel: unknown kind 'mpl'"),
        ({'channel': {**SHORT, 'channel': {'kind': 'mlp', 'ratio': 0.0}}}, '^channel.channel: .*ratio=0.0 is given'),
        (
            {'mixer': {**SHORT, 'mixer': {'kind': 'identity'}}, 'position': {'kind': 'rotary'}},
            "position 'rotary' turns queries and keys; mixer 'behind_short_conv' has none",
        ),
    ],
)
def test_what_is_refused(kinds, why):
    with pytest.raises(ValueError, match=why):
        build(decoder(**kinds))


def test_a_study_may_change_what_is_inside_also_what_the_inner_spec_leaves_out():
    base = decoder(**BOTH)
    several = (put('mixer.mixer.short_conv', 4), put('mixer.mixer.heads', 4), put('channel.channel.short_conv', 2))
    config = changed(base, several)
    assert config['mixer']['mixer'] == {'kind': 'attention', 'heads': 4, 'short_conv': 4}
    assert 'query_short' in shapes(config)['block_0']['mixer']['mixer']
    undone = (put('mixer.mixer.short_conv', 0), put('mixer.mixer.heads', 2), put('channel.channel.short_conv', 0))
    assert changed(config, undone) == changed(base, ())
    with pytest.raises(ValueError, match=r"mixer\.mixer has no 'hats'; it has .*'short_conv'"):
        changed(base, (put('mixer.mixer.hats', 4),))
