"""Mixers side by side: their formula in numpy, what is asked of each of them, and a model that trains with them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from arch.config import complete
from arch.model import build

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(2, 5, 4)).astype(np.float32)
CONVS = [{'kind': 'depthwise_conv', 'kernel': kernel, 'bias': False} for kernel in (1, 3)]
PARAMS = {
    **{f'mixer_{i}': {'depthwise': {'kernel': GENERATOR.normal(size=(2 * i + 1, 4)).astype(np.float32)}} for i in (0, 1)},
    **{f'norm_{i}': {'scale': GENERATOR.normal(size=4).astype(np.float32)} for i in (0, 1)},
    **{f'scale_{i}': {'scale': GENERATOR.normal(size=4).astype(np.float32)} for i in (0, 1)},
}
RMS = {'norm': {'kind': 'rms_norm', 'eps': 1e-6}}


def outputs():
    """What each of the two filters gives."""
    one, three = (PARAMS[f'mixer_{i}']['depthwise']['kernel'] for i in (0, 1))
    padded = np.pad(X.astype(np.float64), [(0, 0), (1, 1), (0, 0)])
    return X * one[0], sum(padded[:, tap : tap + 5] * three[tap] for tap in range(3))


def normed(y, number):
    return PARAMS[f'norm_{number}']['scale'] * y / np.sqrt((y**2).mean(-1, keepdims=True) + 1e-6)


@pytest.mark.parametrize('join', ['average', 'weighted', 'sum'])
@pytest.mark.parametrize('norms', [True, False])
def test_side_by_side(alone, join, norms):
    y = alone('mixer', 'side_by_side', {'mixers': CONVS, 'join': join, 'normed': norms}, PARAMS, X, around=RMS)
    made = [normed(part, number) if norms else part for number, part in enumerate(outputs())]
    if join == 'weighted':
        made = [PARAMS[f'scale_{number}']['scale'] * part for number, part in enumerate(made)]
    np.testing.assert_allclose(y, sum(made) / (1 if join == 'sum' else 2), rtol=1e-4, atol=1e-5)


def decoder(*mixers, **others):
    return complete(
        body={'kind': 'isotropic', 'width': 8, 'depth': 2, 'causal': True},
        stem={'kind': 'tokens', 'vocabulary': 5},
        mixer={'kind': 'side_by_side', 'mixers': list(mixers)},
        head={'kind': 'next_token', 'outputs': 5},
        **others,
    )


RECURRENCE = {'kind': 'gated_recurrence', 'heads': 2}
ATTENTION = {'kind': 'attention', 'heads': 2}


@pytest.mark.parametrize(
    ('config', 'why'),
    [
        (decoder(ATTENTION), '1 mixer is given; allowed: two or more'),
        (decoder(ATTENTION, {'kind': 'fourier'}), r"mixer.mixers\[1\]: mixer 'fourier' does not work in a causal body"),
        (
            decoder(ATTENTION, {'kind': 'attention', 'heads': 3}),
            r"mixer.mixers\[1\]: mixer 'attention': heads=3 does not divide",
        ),
        (decoder(ATTENTION, {'kind': 'atention'}), r"mixer.mixers\[1\]: mixer: unknown kind 'atention'"),
        (
            decoder(*CONVS, position={'kind': 'rotary'}),
            "position 'rotary' turns queries and keys; mixer 'side_by_side' has none",
        ),
    ],
)
def test_what_is_asked_of_a_mixer_is_asked_of_each(config, why):
    with pytest.raises(ValueError, match=why):
        build(config)


def test_positions_and_axes_of_kernels_reach_the_inner_mixers():
    drawn = {}
    for position in ('rotary', 'none'):
        model = build(decoder(ATTENTION, RECURRENCE, position={'kind': position}))
        drawn[position] = jax.eval_shape(lambda model=model: model.init(jax.random.key(0), jnp.zeros((1, 3), jnp.int32), {})[0])
    assert drawn['rotary']['block_0'] == drawn['none']['block_0']
    forward = model.products(drawn['none'])['block_0']['mixer']['mixer_1']['forward']
    assert (forward['retain']['kernel'].inputs, forward['retain']['kernel'].outputs) == ((-2,), (-1,))


def test_values_are_mixed_in_the_first_mixer_that_has_some():
    config = decoder(RECURRENCE, ATTENTION, ATTENTION, residual={'kind': 'value_residual'})
    model = build(config)
    drawn = jax.eval_shape(lambda: model.init(jax.random.key(0), jnp.zeros((1, 3), jnp.int32), {})[0])
    assert drawn['block_1']['residual_mixer'] == {'scale': jax.ShapeDtypeStruct((2,), jnp.float32)}
