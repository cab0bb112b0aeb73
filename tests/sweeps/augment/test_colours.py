"""Changes of colour against Pillow's on 8-bit images, and hue against the standard library's."""

import colorsys

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from sweeps.augment import colours


def pictures() -> dict[str, np.ndarray]:
    """8-bit images [H, W, 3]: noise, a smooth dull one that does not fill the range, an even one, two values."""
    generator = np.random.default_rng(0)
    rows, columns = np.mgrid[:40, :48]
    smooth = np.stack([60 + rows + columns, 90 + 2 * rows, 200 - columns], -1) + generator.integers(0, 9, (40, 48, 3))
    return {
        'noise': generator.integers(0, 256, (40, 48, 3)).astype(np.uint8),
        'dull': np.clip(smooth, 0, 255).astype(np.uint8),
        'even': np.full((40, 48, 3), 77, np.uint8),
        'two': np.where(generator.random((40, 48, 3)) < 0.3, 20, 130).astype(np.uint8),
    }


PICTURES = pictures()
OPERATIONS = {
    'invert': [(lambda i: ImageOps.invert(i), lambda x: colours.invert(x), 0)],
    'autocontrast': [(lambda i: ImageOps.autocontrast(i), lambda x: colours.autocontrast(x), 1)],
    'equalize': [(lambda i: ImageOps.equalize(i), lambda x: colours.equalize(x), 0)],
    'posterize': [(lambda i, b=b: ImageOps.posterize(i, b), lambda x, b=b: colours.posterize(x, b), 0) for b in (1, 4, 7)],
    'solarize': [(lambda i, t=t: ImageOps.solarize(i, t), lambda x, t=t: colours.solarize(x, t), 0) for t in (0, 26, 130, 256)],
    'solarize_add': [
        (
            lambda i, a=a: i.point([min(255, v + a) if v < 128 else v for v in range(256)] * 3),
            lambda x, a=a: colours.solarize_add(x, a),
            0,
        )
        for a in (0, 60, 110, 200)
    ],
    # Pillow cuts what it blends to whole levels, after it has rounded greys and sums; so it is up to two levels away.
    'brightness': [
        (lambda i, f=f: ImageEnhance.Brightness(i).enhance(f), lambda x, f=f: colours.brightness(x, f), 1)
        for f in (0.1, 0.7, 1.0, 1.9)
    ],
    'contrast': [
        (lambda i, f=f: ImageEnhance.Contrast(i).enhance(f), lambda x, f=f: colours.contrast(x, f), 2)
        for f in (0.1, 0.7, 1.0, 1.9)
    ],
    'color': [
        (lambda i, f=f: ImageEnhance.Color(i).enhance(f), lambda x, f=f: colours.saturation(x, f), 2)
        for f in (0.1, 0.7, 1.0, 1.9)
    ],
    'sharpness': [
        (lambda i, f=f: ImageEnhance.Sharpness(i).enhance(f), lambda x, f=f: colours.sharpness(x, f), 2)
        for f in (0.1, 0.7, 1.0, 1.9)
    ],
}


@pytest.mark.parametrize('picture', PICTURES)
@pytest.mark.parametrize('operation', OPERATIONS)
def test_operations_are_those_of_pillow(operation, picture):
    image = PICTURES[picture]
    for reference, ours, levels in OPERATIONS[operation]:
        expected = np.asarray(reference(Image.fromarray(image))).astype(np.float64)
        changed = np.asarray(ours(jnp.asarray(image / 255, jnp.float32))) * 255
        np.testing.assert_allclose(changed, expected, atol=levels + 1e-3)


@pytest.mark.parametrize('operation', ['equalize', 'autocontrast', 'contrast', 'color', 'sharpness'])
def test_operations_on_grey_images_are_those_of_pillow(operation):
    image = PICTURES['dull'][..., 0]
    for reference, ours, levels in OPERATIONS[operation]:
        expected = np.asarray(reference(Image.fromarray(image))).astype(np.float64)
        changed = np.asarray(ours(jnp.asarray(image[..., None] / 255, jnp.float32)))[..., 0] * 255
        np.testing.assert_allclose(changed, expected, atol=levels + 1e-3)


@pytest.mark.parametrize('shift', [-0.5, -0.21, 0.05, 0.3, 0.5])
def test_hue_turns_as_in_hsv(shift):
    image = np.concatenate([PICTURES['noise'][:6, :6].reshape(-1, 3), PICTURES['even'][0, :3], [[0, 0, 0], [255, 0, 0]]]) / 255
    ours = colours.hue(jnp.asarray(image[None], jnp.float32), shift)[0]
    for pixel, new in zip(image, ours, strict=True):
        hue, saturation, value = colorsys.rgb_to_hsv(*pixel)
        np.testing.assert_allclose(new, colorsys.hsv_to_rgb((hue + shift) % 1, saturation, value), atol=2e-6)


def test_grey_images_have_no_colours_to_change():
    x = jnp.asarray(PICTURES['noise'][..., :1] / 255, jnp.float32)
    for change in (colours.hue, colours.saturation):
        np.testing.assert_array_equal(change(x, 0.3), x)


def test_images_of_other_channels_have_no_grey():
    with pytest.raises(ValueError, match=r'4 channels.*allowed: 1 or 3'):
        colours.contrast(jnp.zeros((5, 5, 4)), 0.5)


@pytest.mark.parametrize('channels', [1, 2, 4])
def test_hues_of_images_that_have_none_stay(channels):
    x = jnp.asarray(np.random.default_rng(0).random((3, 3, channels)))
    assert colours.hue(x, 0.3) is x


def test_images_too_small_for_neighbours_are_not_sharpened():
    for shape in ((2, 5, 3), (5, 2, 3)):
        x = jnp.ones(shape)
        assert colours.sharpness(x, 1.5) is x
