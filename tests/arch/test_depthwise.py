"""Every lowering of the depthwise convolution against a loop over taps in numpy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from arch.ops import shifts as shifted
from arch.ops.depthwise import FORMS, depthwise, form_of
from arch.ops.lowering import LOWERING, lowering
from arch.ops.toeplitz import positions_under

CASES = [
    ((2, 7, 3), (3,), False),
    ((2, 7, 3), (4,), False),
    ((2, 7, 3), (3,), True),
    ((2, 7, 3), (4,), True),
    ((2, 3, 3), (5,), True),
    ((2, 5, 4, 3), (3, 3), False),
    ((2, 5, 4, 3), (7, 7), False),
    ((2, 5, 4, 3), (2, 2), False),
    ((2, 5, 4, 3), (3, 3), True),
]


def loop(x, kernel, causal):
    sizes = kernel.shape[:-1]
    first = [-(size - 1) if causal else -((size - 1) // 2) for size in sizes]
    y = np.zeros_like(x)
    for place in np.ndindex(*x.shape[1:-1]):
        for tap in np.ndindex(*sizes):
            other = tuple(p + f + t for p, f, t in zip(place, first, tap, strict=True))
            if all(0 <= o < n for o, n in zip(other, x.shape[1:-1], strict=True)):
                y[(slice(None), *place)] += x[(slice(None), *other)] * kernel[tap]
    return y


@pytest.mark.parametrize(('shape', 'size', 'causal'), CASES)
def test_lowerings_agree_with_a_loop(shape, size, causal):
    generator = np.random.default_rng(0)
    x, kernel = generator.normal(size=shape), generator.normal(size=(*size, shape[-1]))
    expected = loop(x, kernel, causal)
    for name in FORMS:
        with lowering(name):
            y = jax.jit(lambda x, kernel: depthwise(x, kernel, causal))(x.astype(np.float32), kernel.astype(np.float32))
        np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-4, err_msg=name)


@pytest.mark.parametrize(('shape', 'size', 'causal'), [case for case in CASES if case[0][1] > 3])
@pytest.mark.parametrize('stride', [2, 3])
def test_a_stride_keeps_some_of_the_positions(shape, size, causal, stride):
    generator = np.random.default_rng(0)
    x, kernel = generator.normal(size=shape), generator.normal(size=(*size, shape[-1]))
    expected = loop(x, kernel, causal)[(slice(None), *[slice(None, None, stride)] * len(size))]
    for name in FORMS:
        with lowering(name):
            y = jax.jit(lambda x, kernel: depthwise(x, kernel, causal, stride))(x.astype(np.float32), kernel.astype(np.float32))
        np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-4, err_msg=name)


def test_the_choice_goes_by_size_and_ends_with_its_context():
    def primitives(length):
        x, kernel = jnp.zeros((1, length, 2)), jnp.zeros((3, 2))
        return str(jax.make_jaxpr(lambda x, kernel: depthwise(x, kernel, False))(x, kernel))

    assert 'dot_general' in primitives(4)
    assert 'dot_general' not in primitives(1000)
    with lowering('reference'):
        assert 'conv_general_dilated' in primitives(4)
    assert LOWERING.get() == 'auto'


@pytest.mark.parametrize(
    ('spatial', 'sizes', 'stride', 'form'),
    [
        ((2, 2), (3, 3), 1, 'toeplitz'),
        ((4, 4), (7, 7), 1, 'toeplitz'),
        ((8, 8), (7, 7), 1, 'toeplitz'),
        ((8, 8), (3, 3), 1, 'shifts'),
        ((12, 12), (7, 7), 1, 'shifts'),
        ((32,), (5,), 1, 'shifts'),
        ((10, 10), (7, 7), 2, 'toeplitz'),
    ],
)
def test_the_form_is_the_one_that_was_measured_to_be_fast(spatial, sizes, stride, form):
    assert form_of(spatial, sizes, stride) == form


def test_positions_under_a_filter():
    np.testing.assert_array_equal(positions_under((5,), (3,), False), [2, 3, 3, 3, 2])
    np.testing.assert_array_equal(positions_under((5,), (3,), True), [1, 2, 3, 3, 3])
    np.testing.assert_array_equal(positions_under((2, 3), (3, 3), False), [[4, 6, 4], [4, 6, 4]])


@pytest.mark.parametrize(
    ('shape', 'size', 'causal', 'stride'),
    [
        ((3, 7, 2), (4,), True, 1),
        ((17, 8, 2), (5,), True, 3),
        ((2, 5, 3, 2), (7, 7), False, 1),
        ((4, 3, 4, 2), (2, 2), False, 2),
    ],
)
def test_the_slopes_of_shifts_are_those_of_a_convolution(monkeypatch, shape, size, causal, stride):
    """Of odd batches, of tiles that do not fill the map, of strides that leave out positions."""
    monkeypatch.setattr(shifted, 'TERMS', 4)
    generator, made = np.random.default_rng(0), []
    x, kernel = generator.normal(size=shape), generator.normal(size=(*size, shape[-1]))
    with jax.enable_x64(True):
        for name in ('reference', 'shifts'):

            @jax.jit
            def with_slopes(x, kernel, name=name):
                y, backward = jax.vjp(lambda x, kernel: FORMS[name](x, kernel, causal, stride), x, kernel)
                return y, *backward(jnp.asarray(np.random.default_rng(1).normal(size=y.shape)))

            made.append(with_slopes(x, kernel))
    for one, other in zip(*made, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-6, atol=1e-9)
