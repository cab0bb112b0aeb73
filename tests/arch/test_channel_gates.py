"""Channel gates, the layer and the head of EfficientNet, and Kolmogorov-Arnold channels, against their formulas in numpy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.interpolate import BSpline

from arch.context import Context
from arch.model import build
from arch.model_sockets import Sockets
from arch.ops.splines import bumps
from arch.probe import PLAIN
from arch.sockets import TABLES

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(2, 5, 6)).astype(np.float32)
RELU = {'activation': {'kind': 'relu'}}


def matrix(*shape):
    return {'kernel': GENERATOR.normal(size=shape).astype(np.float32) / 2}


def biased(*shape):
    return {**matrix(*shape), 'bias': GENERATOR.normal(size=shape[-1:]).astype(np.float32)}


def product(x, params):
    return x @ params['kernel'].astype(np.float64) + params.get('bias', 0)


def relu(x):
    return np.maximum(x, 0)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def mean_of(x, causal):
    return np.cumsum(x, 1) / np.arange(1, x.shape[1] + 1)[:, None] if causal else x.mean(1, keepdims=True)


def squeezed(x, gate, causal=False):
    return x * sigmoid(product(relu(product(mean_of(x, causal), gate['down'])), gate['up']))


def hard(x, gate, causal=False):
    shares = product(relu(product(mean_of(x, causal), gate['down'])), gate['up'])
    return x * np.clip((shares + 3) / 6, 0, 1)


def neighboured(x, gate, causal=False):
    wide = np.pad(mean_of(x, causal), [(0, 0), (0, 0), (1, 1)])
    return x * sigmoid(sum(gate['depthwise']['kernel'][at, 0] * wide[..., at : at + x.shape[-1]] for at in range(3)))


GATES = {
    'squeeze_excite': ({'down': biased(9, 3), 'up': biased(3, 9)}, squeezed),
    'hard_squeeze_excite': ({'down': biased(9, 3), 'up': biased(3, 9)}, hard),
    'efficient': ({'depthwise': matrix(3, 1)}, neighboured),
}


@pytest.mark.parametrize('causal', [False, True])
@pytest.mark.parametrize('kind', GATES)
def test_an_mlp_with_gated_channels(alone, kind, causal):
    """In a causal body a gate goes by the positions up to its own."""
    gate, formula = GATES[kind]
    params = {'up': biased(6, 9), 'gate': gate, 'down': biased(9, 6)}
    fields = {'ratio': 1.5, 'gate': kind, 'squeeze': 1 / 3}
    y = alone('channel', 'channel_gated_mlp', fields, params, X, around=RELU, causal=causal)
    hidden = formula(relu(product(X.astype(np.float64), params['up'])), gate, causal)
    np.testing.assert_allclose(y, product(hidden, params['down']), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ('fields', 'said'),
    [
        ({'gate': 'se'}, "gate='se'; allowed: "),
        ({'taps': 4}, 'taps=4; allowed: odd numbers'),
        ({'squeeze': 0.0}, 'squeeze=0.0 is given'),
    ],
)
def test_a_gate_that_makes_none_is_refused(fields, said):
    with pytest.raises(ValueError, match=f"channel 'channel_gated_mlp': {said}"):
        build({**PLAIN, 'channel': {'kind': 'channel_gated_mlp', **fields}})
    with pytest.raises(ValueError, match=f"block 'inverted_bottleneck': {said}"):
        build({**PLAIN, 'block': {'kind': 'inverted_bottleneck', 'gate': 'efficient', **fields}})


def test_bumps_are_the_cubic_splines_of_a_grid():
    x = np.linspace(-4.5, 4.5, 91).astype(np.float32)
    knots = -2 + np.arange(-3, 8)
    expected = [np.nan_to_num(BSpline.basis_element(knots[at : at + 5], extrapolate=False)(x)) for at in range(7)]
    np.testing.assert_allclose(bumps(jnp.asarray(x), -2.0, 2.0, 4), np.stack(expected, -1), atol=1e-5)


def test_kolmogorov_arnold(alone):
    params = {name: {'plain': matrix(*shape), 'spline': matrix(7 * shape[0], shape[1])} for name, shape in SHAPES.items()}
    y = alone('channel', 'kolmogorov_arnold', {'ratio': 0.5}, params, X)
    x = X.astype(np.float64)
    for name in SHAPES:
        knots, own = -2 + np.arange(-3, 8), params[name]
        shapes = [np.nan_to_num(BSpline.basis_element(knots[at : at + 5], extrapolate=False)(x)) for at in range(7)]
        spline = np.stack(shapes, -1).reshape(*x.shape[:-1], -1)
        x = product(x * sigmoid(x), own['plain']) + product(spline, own['spline'])
    np.testing.assert_allclose(y, x, rtol=1e-4, atol=1e-5)


SHAPES = {'up': (6, 3), 'down': (3, 6)}


def normed(x, scale):
    return scale * x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6)


def layer(fields, params, x, **more):
    kinds = {'mixer': {'kind': 'depthwise_conv', 'kernel': 1, 'bias': False}, 'norm': {'kind': 'rms_norm'}, **RELU}
    block = Sockets({**PLAIN, **kinds, 'block': {'kind': 'inverted_bottleneck', **fields}}, TABLES)
    return block.make('block', name=None, features=6).apply({'params': params}, jnp.asarray(x), Context(), **more)


@pytest.mark.parametrize('gate', ['none', 'efficient'])
@pytest.mark.parametrize('wide', [False, True])
def test_inverted_bottleneck(wide, gate):
    """The last product is linear, and with ratio 1 nothing is expanded."""
    size = 9 if wide else 6
    scales = GENERATOR.normal(size=(2, size)).astype(np.float32)
    params = {'mixer': {'depthwise': matrix(1, size)}, 'norm_mixer': {'scale': scales[0]}, 'project': matrix(size, 6)}
    params['norm_project'] = {'scale': GENERATOR.normal(size=6).astype(np.float32)}
    if wide:
        params |= {'expand': matrix(6, 9), 'norm_expand': {'scale': scales[1]}}
    if gate != 'none':
        params['gate'] = GATES['efficient'][0]
    y = layer({'ratio': size / 6, 'gate': gate}, params, X)
    x = X.astype(np.float64)
    hidden = relu(normed(product(x, params['expand']), scales[1])) if wide else x
    hidden = relu(normed(hidden * params['mixer']['depthwise']['kernel'], scales[0]))
    hidden = neighboured(hidden, params['gate']) if gate != 'none' else hidden
    np.testing.assert_allclose(
        y, x + normed(product(hidden, params['project']), params['norm_project']['scale']), rtol=1e-3, atol=1e-4
    )


def test_a_stage_can_begin_without_a_shortcut(alone):
    """Zeros stand in its place, but where nothing changes x itself does."""
    x = GENERATOR.normal(size=(2, 5, 3, 4)).astype(np.float32)
    y = alone('downsample', 'in_block_alone', {}, {}, x, features=7)
    assert y.shape == (2, 3, 2, 7) and not y.any()
    same = Sockets({**PLAIN, 'downsample': {'kind': 'in_block_alone'}}, TABLES).make(
        'downsample', name=None, features=4, stride=1
    )
    np.testing.assert_array_equal(same.apply({}, jnp.asarray(x), Context()), x)
    made = layer({'ratio': 1.5}, STARTED, X, shortcut=lambda x, context: 0 * x[:, ::2], stride=2)
    whole = layer({'ratio': 1.5}, STARTED, X)
    np.testing.assert_allclose(made, (whole - X)[:, ::2], rtol=1e-4, atol=1e-5)


STARTED = {
    **{'expand': matrix(6, 9), 'mixer': {'depthwise': matrix(1, 9)}, 'project': matrix(9, 6)},
    **{f'norm_{name}': {'scale': np.ones(size, np.float32)} for name, size in (('expand', 9), ('mixer', 9), ('project', 6))},
}


@pytest.mark.parametrize('hidden', [0, 4])
def test_a_wide_classifier_norms_activates_and_pools(alone, hidden):
    params = {'widen': matrix(6, 9), 'norm': {'scale': GENERATOR.normal(size=9).astype(np.float32)}}
    params |= {'hidden': biased(9, 4), 'head': biased(4, 3)} if hidden else {'head': biased(9, 3)}
    around = {'norm': {'kind': 'rms_norm'}, **RELU}
    y = alone('head', 'wide_classifier', {'outputs': 3, 'width': 9, 'hidden': hidden}, params, X, around=around)
    x = relu(normed(product(X.astype(np.float64), params['widen']), params['norm']['scale'])).mean(1)
    x = relu(product(x, params['hidden'])) if hidden else x
    np.testing.assert_allclose(y, product(x, params['head']), rtol=1e-4, atol=1e-5)


STAGES = {
    **PLAIN,
    'body': {'kind': 'hierarchical', 'widths': [4, 4, 8], 'depths': [1, 1, 1]},
    'block': {'kind': 'inverted_bottleneck'},
    'stem': {'kind': 'strided_conv', 'kernel': 3, 'factor': 2, 'after': 'norm_activation', 'bias': False, 'width': 6},
}


@pytest.mark.parametrize(('strides', 'side'), [([], 2), ([2, 1, 4], 1), ([1, 1, 1], 8)])
def test_every_stage_can_have_a_stride_of_its_own(strides, side):
    given = {'kind': 'in_block_alone', **({'strides': strides} if strides else {})}
    model = build({**STAGES, 'downsample': given, 'head': {'kind': 'interpolated', 'outputs': 3, 'factor': 1}})
    x = jax.ShapeDtypeStruct((2, 16, 16, 1), jnp.float32)
    params, state = jax.eval_shape(lambda x: model.init(jax.random.key(0), x, {}), x)
    y = jax.eval_shape(lambda p, s, x: model.apply(p, s, x, knobs={}, key=jax.random.key(0), train=False)[0], params, state, x)
    assert y.shape[1] == side and set(params['stem']['conv']) == {'kernel'}
    assert params['block_0']['expand']['kernel'].shape == (6, 24)


def test_a_stride_is_missing():
    with pytest.raises(ValueError, match="downsample 'in_block_alone': 2 strides for 3 stages; each stage needs one"):
        build({**STAGES, 'downsample': {'kind': 'in_block_alone', 'strides': [1, 2]}})
    with pytest.raises(ValueError, match=r'strides\[1\]=0 is given, allowed is above 0'):
        build({**STAGES, 'downsample': {'kind': 'in_block', 'strides': [1, 0, 2]}})
