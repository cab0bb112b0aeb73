"""random_erasing: where, how much and with what."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from sweeps.augment.random_erasing import RandomErasing

SHAPE = (120, 90, 3)
KEYS = jax.random.split(jax.random.key(0), 20000)


def draw(kind: RandomErasing, **settings: float) -> dict:
    given = {'probability': kind.probability, 'area_high': kind.area_high} | settings
    sample = jax.jit(jax.vmap(lambda key: kind.sample(key, SHAPE, given)))(KEYS)
    return {name: np.asarray(sample[name]) for name in ('erased', 'rectangle')}


def test_areas_and_shapes_are_those_of_the_draws():
    """Small enough that nothing is refused: uniform areas, ratios uniform in the logarithm."""
    sample = draw(RandomErasing(probability=1.0, area_low=0.05, area_high=0.15))
    top, left, height, width = sample['rectangle'].astype(float).T
    assert sample['erased'].all()
    assert stats.kstest(height * width / (120 * 90), stats.uniform(0.05, 0.1).cdf).statistic < 0.02
    assert stats.kstest(np.log(width / height), stats.uniform(np.log(0.3), -2 * np.log(0.3)).cdf).statistic < 0.02
    assert top.min() == left.min() == 0 and (top + height).max() == 120 and (left + width).max() == 90


@pytest.mark.parametrize('probability', [0.0, 0.25, 1.0])
def test_as_many_are_erased_as_asked(probability):
    ours = draw(RandomErasing(), probability=probability)['erased'].mean()
    assert abs(ours - probability) <= 4 * np.sqrt(probability * (1 - probability) / len(KEYS))


def test_the_largest_area_is_a_knob():
    _, _, height, width = draw(RandomErasing(), area_high=0.05)['rectangle'].astype(float).T
    # Rounding of both sides adds at most half a pixel to each.
    assert ((height - 0.5) * (width - 0.5)).max() <= 0.05 * 120 * 90
    _, _, height, width = draw(RandomErasing(), area_high=0.01)['rectangle'].astype(float).T
    assert ((height - 0.5) * (width - 0.5)).max() <= 0.01 * 120 * 90


def erase(kind: RandomErasing, erased: bool = True) -> np.ndarray:
    x = jnp.full(SHAPE, 7.0)
    sample = {'erased': jnp.asarray(erased), 'rectangle': jnp.asarray([10, 20, 60, 50]), 'noise': jax.random.key(4)}
    return np.asarray(kind.change(x, sample))


def test_noise_has_the_mean_and_deviation_of_each_channel():
    mean, deviation = (0.1, 0.5, 0.9), (0.3, 0.2, 0.1)
    ours = erase(RandomErasing(mean=mean, deviation=deviation))
    patch = ours[10:70, 20:70].reshape(-1, 3)
    np.testing.assert_allclose(patch.mean(0), mean, atol=0.02)
    np.testing.assert_allclose(patch.std(0), deviation, rtol=0.05)
    assert np.unique(patch[:, 0]).size > 2900, 'noise differs from pixel to pixel'
    outside = np.ones(SHAPE[:2], bool)
    outside[10:70, 20:70] = False
    assert (ours[outside] == 7).all()


def test_a_constant_fill_is_the_mean():
    ours = erase(RandomErasing(fill='constant', mean=(0.1, 0.5, 0.9)))
    np.testing.assert_allclose(ours[10:70, 20:70], np.broadcast_to([0.1, 0.5, 0.9], (60, 50, 3)), rtol=1e-6)
    assert (ours == 7).sum() == 3 * (120 * 90 - 60 * 50)


def test_what_is_not_erased_stays():
    assert (erase(RandomErasing(), erased=False) == 7).all()
