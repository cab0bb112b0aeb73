"""Resizing of windows against Pillow's."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from sweeps.augment.resize import resize_weights, resize_window

IMAGE = np.random.default_rng(2).integers(0, 256, (33, 47, 3)).astype(np.uint8)
PILLOW = {'bilinear': Image.Resampling.BILINEAR, 'bicubic': Image.Resampling.BICUBIC}
WINDOWS = [(0, 0, 33, 47), (3, 5, 9, 14), (10, 30, 23, 17), (32, 46, 1, 1), (0, 20, 33, 2)]


RESIZED = functools.partial(jax.jit, static_argnums=(2, 3))(
    lambda image, window, size, interpolation: resize_window(image, *window, size, interpolation)
)
"""Compiled once for each size, with the window an argument, as in an augmentation."""


@pytest.mark.parametrize('interpolation', PILLOW)
@pytest.mark.parametrize('size', [(16, 16), (40, 24), (33, 47), (5, 64)], ids=str)
@pytest.mark.parametrize('window', WINDOWS, ids=str)
def test_windows_are_those_of_pillow(window, size, interpolation):
    top, left, height, width = window
    # Between its two passes Pillow cuts what overshoots [0, 255]; in an image of little contrast nothing does.
    image = IMAGE if interpolation == 'bilinear' else 80 + IMAGE // 4
    cut = Image.fromarray(image).crop((left, top, left + width, top + height))
    expected = np.asarray(cut.resize(size[::-1], PILLOW[interpolation])).astype(float)
    ours = RESIZED(jnp.asarray(image / 255, jnp.float32), window, size, interpolation)
    # Pillow rounds to whole levels after each of the two passes; the bicubic filter strengthens the first rounding.
    np.testing.assert_allclose(np.asarray(ours) * 255, expected, atol=1.01 if interpolation == 'bilinear' else 1.6)


@pytest.mark.parametrize('interpolation', PILLOW)
def test_weights_of_a_whole_window_of_the_same_size_copy(interpolation):
    np.testing.assert_array_equal(resize_weights(0, 32, 32, 32, interpolation), np.eye(32))


@pytest.mark.parametrize('interpolation', PILLOW)
def test_weights_sum_to_one_and_stay_in_the_window(interpolation):
    weights = np.asarray(resize_weights(5, 11, 30, 24, interpolation))
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-6)
    assert not weights[:, :5].any() and not weights[:, 16:].any()
    assert weights[:, 5:16].any(0).all()


def test_what_overshoots_is_cut_to_the_range_of_images_and_only_where_a_filter_does():
    """Bicubic filters overshoot at edges; bilinear ones do not, and what leaves [0, 1] before them, as noise may, stays."""
    edge = jnp.asarray(np.broadcast_to(np.arange(47)[:, None] > 22, IMAGE.shape), jnp.float32)
    cut = np.asarray(RESIZED(edge, WINDOWS[0], (40, 24), 'bicubic'))
    assert cut.min() == 0 and cut.max() == 1
    beyond = np.asarray(RESIZED(3 * edge - 1, WINDOWS[0], (40, 24), 'bilinear'))
    assert beyond.min() == pytest.approx(-1) and beyond.max() == pytest.approx(2)
    wide = np.asarray(RESIZED(3 * edge - 1, WINDOWS[0], (40, 24), 'bicubic'))
    assert wide.min() == 0 and wide.max() == 1


def test_pixels_are_multiplied_in_full_precision_on_every_platform():
    program = str(jax.make_jaxpr(lambda x: resize_window(x, 0, 0, 4, 4, (8, 8)))(jnp.zeros((4, 4, 1))))
    assert program.count('dot_general') == 2 and program.count('precision=(Precision.HIGHEST, Precision.HIGHEST)') == 2
