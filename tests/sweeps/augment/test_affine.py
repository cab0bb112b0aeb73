"""Affine maps against Pillow's."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from sweeps.augment.affine import affine, rotate, shear_x, shear_y, translate

IMAGE = np.random.default_rng(1).integers(0, 256, (30, 41, 3)).astype(np.uint8)
FILL = (10, 200, 128)
MAPS = [
    *[(f'shear_x {f}', shear_x, (f,), (1, f, 0, 0, 1, 0)) for f in (0.0, 0.27, -0.3)],
    *[(f'shear_y {f}', shear_y, (f,), (1, 0, 0, f, 1, 0)) for f in (0.14, -0.3)],
    *[(f'translate {a} {b}', translate, (a, b), (1, 0, a, 0, 1, b)) for a, b in ((5, 0), (-7.4, 0), (0, 3.25), (0, -29.5))],
]


def ours(matrix: jax.Array) -> np.ndarray:
    return np.asarray(affine(jnp.asarray(IMAGE / 255, jnp.float32), matrix, jnp.asarray(FILL) / 255)) * 255


@pytest.mark.parametrize(('make', 'amounts', 'coefficients'), [m[1:] for m in MAPS], ids=[m[0] for m in MAPS])
def test_moves_are_those_of_pillow(make, amounts, coefficients):
    image = Image.fromarray(IMAGE)
    expected = image.transform(image.size, Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR, fillcolor=FILL)
    np.testing.assert_allclose(ours(make(*amounts)), np.asarray(expected), atol=1.01)


@pytest.mark.parametrize('degrees', [1.5, -13.0, 27.0, -30.0, 61.0])
def test_turns_are_those_of_pillow(degrees):
    expected = np.asarray(Image.fromarray(IMAGE).rotate(degrees, Image.Resampling.BILINEAR, fillcolor=FILL)).astype(float)
    away = np.abs(ours(rotate(degrees, IMAGE.shape[:2])) - expected).max(-1)
    # A place on the very edge of the image may fall on either side of it.
    assert (away > 1.01).sum() <= 1


def test_nothing_moves_by_nothing():
    x = jnp.asarray(IMAGE / 255, jnp.float32)
    for matrix in (shear_x(0.0), shear_y(0.0), translate(0.0, 0.0), rotate(0.0, IMAGE.shape[:2])):
        np.testing.assert_array_equal(affine(x, matrix, jnp.zeros(3)), x)


def test_what_comes_from_outside_is_the_fill():
    moved = ours(translate(6.0, 0.0))
    np.testing.assert_allclose(moved[:, :-6], IMAGE[:, 6:], atol=1e-3)
    np.testing.assert_allclose(moved[:, -6:], np.broadcast_to(FILL, (30, 6, 3)), atol=1e-3)
