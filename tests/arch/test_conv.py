"""The full convolution against a loop over taps, its first numbers and its role."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ablations.tasks.bases import convnext
from arch.context import Context
from arch.cost import cost
from arch.mixers.conv import Conv
from arch.model import build
from arch.ops.convolution import convolution
from arch.ops.lowering import lowering

GENERATOR = np.random.default_rng(0)
CASES = [
    ((2, 7, 3), (3,), False),
    ((2, 7, 3), (4,), True),
    ((2, 3, 3), (5,), True),
    ((2, 5, 4, 3), (3, 3), False),
    ((2, 2, 4, 3), (7, 7), False),
]


def loop(x, kernel, causal):
    sizes = kernel.shape[:-2]
    first = [-(size - 1) if causal else -((size - 1) // 2) for size in sizes]
    y = np.zeros((*x.shape[:-1], kernel.shape[-1]))
    for place in np.ndindex(*x.shape[1:-1]):
        for tap in np.ndindex(*sizes):
            other = tuple(p + f + t for p, f, t in zip(place, first, tap, strict=True))
            if all(0 <= o < n for o, n in zip(other, x.shape[1:-1], strict=True)):
                y[(slice(None), *place)] += x[(slice(None), *other)] @ kernel[tap]
    return y


@pytest.mark.parametrize(('shape', 'size', 'causal'), CASES)
def test_the_product_is_a_loop_over_taps(shape, size, causal):
    x, kernel = GENERATOR.normal(size=shape), GENERATOR.normal(size=(*size, shape[-1], 4))
    y = convolution(jnp.asarray(x, jnp.float32), jnp.asarray(kernel, jnp.float32), causal)
    np.testing.assert_allclose(y, loop(x, kernel, causal), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(('shape', 'size', 'causal'), [case for case in CASES if case[0][-2] > 3])
def test_formula(alone, shape, size, causal):
    x, kernel, bias = (GENERATOR.normal(size=s).astype(np.float32) for s in (shape, (*size, 3, 3), (3,)))
    y = alone('mixer', 'conv', {'kernel': size[0]}, {'conv': {'kernel': kernel, 'bias': bias}}, x, causal=causal)
    np.testing.assert_allclose(y, loop(x.astype(np.float64), kernel, causal) + bias, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(('shape', 'size'), [((2, 7, 3), (3,)), ((2, 5, 6, 3), (3, 3)), ((2, 6, 5, 3), (1, 1))])
@pytest.mark.parametrize('way', ['auto', 'reference'])
def test_a_stride_keeps_every_second_position_and_a_bias_can_be_left_out(shape, size, way):
    x, kernel = (GENERATOR.normal(size=s).astype(np.float32) for s in (shape, (*size, 3, 3)))
    with lowering(way):
        y = Conv(kernel=size[0], bias=False, stride=2).apply(
            {'params': {'conv': {'kernel': kernel}}}, jnp.asarray(x), Context()
        )
    expected = loop(x.astype(np.float64), kernel, False)[(slice(None), *[slice(None, None, 2)] * len(size))]
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-4)


def test_the_first_kernel_has_the_variance_of_its_fan_in_times_the_knob():
    def first(knobs):
        return Conv(kernel=3).init(jax.random.key(0), jnp.zeros((1, 4, 4, 32)), Context(knobs=knobs))['params']['conv'][
            'kernel'
        ]

    assert float(first({}).std()) == pytest.approx((9 * 32) ** -0.5, rel=0.05)
    np.testing.assert_allclose(first({'init_scale': 2.0}), 2 * first({}), rtol=1e-6)


def test_its_kernel_is_a_conv_and_costs_taps_times_channels_squared():
    base = convnext(outputs=3, patch=2, widths=[4, 8], depths=[1, 1], kernel=3)
    model = build({**base, 'mixer': {'kind': 'conv', 'kernel': 3}})
    counts = cost(model, jax.ShapeDtypeStruct((2, 8, 8, 1), jnp.float32))
    assert counts['params_by_role']['conv'] == 9 * 4 * 4 + 9 * 8 * 8
    assert counts['macs_by_role']['conv'] == 16 * 9 * 4 * 4 + 4 * 9 * 8 * 8


def test_even_kernels_have_no_middle(alone):
    with pytest.raises(ValueError, match=r"mixer 'conv': kernel=4 is even and has no middle; allowed: odd sizes; use 3 or 5"):
        alone('mixer', 'conv', {'kernel': 4}, {}, np.zeros((1, 5, 2), np.float32))
