"""Flip, crop and random resized crop: positions, and areas and ratios against what their draws promise."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from sweeps.augment.crop import Crop
from sweeps.augment.flip import Flip
from sweeps.augment.random_resized_crop import RandomResizedCrop

X = jnp.asarray(np.random.default_rng(3).random((9, 7, 3)), jnp.float32)
KEYS = jax.random.split(jax.random.key(0), 20000)


@functools.cache
def drawing(kind, shape: tuple[int, ...]) -> Callable:
    """Samples of many keys, compiled once with the settings as arguments."""
    return jax.jit(jax.vmap(lambda key, given: kind.sample(key, shape, given), (0, None)))


def draw(kind, shape: tuple[int, ...], keys: jax.Array = KEYS, **settings: float) -> dict:
    """Samples of many keys as numpy arrays."""
    given = {field: jnp.float32(settings.get(field, getattr(kind, field))) for field in kind.KNOBS.values()}
    return jax.tree.map(np.asarray, drawing(kind, shape)(keys, given))


def test_a_flip_exchanges_columns_and_two_are_none():
    once = Flip().change(X, {'flipped': True})
    np.testing.assert_array_equal(once, np.asarray(X)[:, ::-1])
    np.testing.assert_array_equal(Flip().change(once, {'flipped': True}), X)


@pytest.mark.parametrize('probability', [0.0, 0.3, 1.0])
def test_flips_are_as_often_as_asked(probability):
    ours = draw(Flip(), X.shape, probability=probability)['flipped'].mean()
    assert abs(ours - probability) <= 4 * np.sqrt(probability * (1 - probability) / len(KEYS))


@pytest.mark.parametrize('mode', ['zero', 'reflect'])
@pytest.mark.parametrize('shift', [(0, 0), (4, -4), (-3, 2), (6, 6)], ids=str)
def test_a_crop_is_a_window_of_the_padded_image(mode, shift):
    padded = np.pad(X, ((6, 6), (6, 6), (0, 0)), mode='constant' if mode == 'zero' else 'reflect')
    expected = padded[6 + shift[0] :, 6 + shift[1] :][:9, :7]
    np.testing.assert_array_equal(Crop(mode=mode).change(X, {'shift': jnp.asarray(shift)}), expected)


def test_a_crop_further_than_the_image_is_empty():
    assert not np.asarray(Crop().change(X, {'shift': jnp.asarray([9, 0])})).any()


def test_every_place_of_a_crop_is_as_likely():
    shifts = draw(Crop(padding=2), X.shape)['shift']
    counts = np.unique(shifts, axis=0, return_counts=True)
    assert [tuple(place) for place in counts[0]] == [(i, j) for i in range(-2, 3) for j in range(-2, 3)]
    assert stats.chisquare(counts[1]).pvalue > 1e-3


def test_padding_as_a_knob_is_rounded_down_and_reflection_ends_at_the_other_side():
    assert np.abs(draw(Crop(), X.shape, padding=1.9)['shift']).max() == 1
    far = np.abs(draw(Crop(mode='reflect'), X.shape, padding=50.0)['shift'])
    assert far[:, 0].max() == 8 and far[:, 1].max() == 6


def windows(shape: tuple[int, int], **fields) -> np.ndarray:
    kind = RandomResizedCrop(**fields)
    return draw(kind, (*shape, 3))['window'].astype(float)


@pytest.mark.parametrize('shape', [(224, 224), (400, 300)], ids=str)
def test_areas_and_ratios_of_windows_that_always_fit_are_uniform(shape):
    """Up to a third of the image nothing is refused: the area is uniform, the ratio uniform in its logarithm."""
    _, _, height, width = windows(shape, scale_low=0.1, scale_high=0.3).T
    area, ratio = height * width / np.prod(shape), np.log(width / height)
    assert stats.kstest(area, stats.uniform(0.1, 0.2).cdf).statistic < 0.015
    assert stats.kstest(ratio, stats.uniform(np.log(3 / 4), np.log(16 / 9)).cdf).statistic < 0.015
    assert abs(np.corrcoef(area, ratio)[0, 1]) < 0.03


def test_large_windows_are_refused_as_their_sampling_says():
    """With areas to the whole image, those kept have density proportional to the share of ratios that fit their area.

    On a square image a window of area a and log ratio t fits where |t| <= -log a; so the density of a is proportional to
    min(1, log(1/a) / log(4/3)).
    """
    area = np.prod(windows((500, 500)).T[2:], 0) / 500**2
    grid = np.linspace(0.08, 1, 4001)
    density = np.minimum(1, np.log(1 / grid) / np.log(4 / 3))
    mass = np.concatenate([[0], np.cumsum((density[1:] + density[:-1]) / 2)])
    assert stats.kstest(area, lambda a: np.interp(a, grid, mass / mass[-1])).statistic < 0.015


def test_windows_lie_anywhere_inside():
    top, left, height, width = windows((60, 40), scale_low=0.2, scale_high=0.3).T
    assert top.min() == left.min() == 0
    assert (top + height).max() == 60 and (left + width).max() == 40
    assert stats.kstest((top + 0.5) / (60 - height + 1), 'uniform').statistic < 0.03


@pytest.mark.parametrize(
    ('shape', 'expected'),
    [((100, 100), (0, 0, 100, 100)), ((100, 300), (0, 83, 100, 133)), ((300, 100), (83, 0, 133, 100))],
    ids=str,
)
def test_where_no_window_fits_it_is_the_central_one(shape, expected):
    """Only the whole of a square image has its whole area; oblong ones keep a ratio of 4/3 or 3/4 out of the middle."""
    np.testing.assert_array_equal(windows(shape, scale_low=1.0), np.broadcast_to(expected, (len(KEYS), 4)))


@pytest.mark.parametrize('interpolation', ['bilinear', 'bicubic'])
def test_a_window_is_resized_to_the_given_size(interpolation):
    """A window of a ramp is a ramp, but for the outermost pixels: places are as of pixels with the value in the middle."""
    rows, columns = np.mgrid[:40, :50] / 100
    x = jnp.asarray(np.stack([rows, columns, rows], -1), jnp.float32)
    kind = RandomResizedCrop(size=32, interpolation=interpolation)
    ours = np.asarray(kind.change(x, {'window': jnp.asarray([4, 10, 16, 24])}))
    assert ours.shape == (32, 32, 3)
    places = (np.arange(32) + 0.5) / 32
    np.testing.assert_allclose(ours[4:-4, 16, 0], (4 + places * 16 - 0.5)[4:-4] / 100, atol=1e-5)
    np.testing.assert_allclose(ours[16, 4:-4, 1], (10 + places * 24 - 0.5)[4:-4] / 100, atol=1e-5)
