"""rand_augment: what is drawn, and every operation at its strengths against Pillow."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps
from scipy import stats

from sweeps.augment.rand_augment import OPERATIONS, RandAugment

IMAGE = np.random.default_rng(5).integers(0, 256, (32, 36, 3)).astype(np.uint8)
SIZE = IMAGE.shape[1::-1]
GREY = (128, 128, 128)


def moved(image: Image.Image, *coefficients: float) -> Image.Image:
    return image.transform(SIZE, Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR, fillcolor=GREY)


REFERENCES = {
    # At magnitude m of 10 and a side of -1 or 1, as the increasing list of timm has them.
    'identity': lambda i, m, s: i,
    'autocontrast': lambda i, m, s: ImageOps.autocontrast(i),
    'equalize': lambda i, m, s: ImageOps.equalize(i),
    'invert': lambda i, m, s: ImageOps.invert(i),
    'rotate': lambda i, m, s: i.rotate(s * m * 3, Image.Resampling.BILINEAR, fillcolor=GREY),
    'posterize': lambda i, m, s: ImageOps.posterize(i, 4 - int(m / 10 * 4)),
    'solarize': lambda i, m, s: ImageOps.solarize(i, 256 - int(m / 10 * 256)),
    'solarize_add': lambda i, m, s: i.point([min(255, v + int(m * 11)) if v < 128 else v for v in range(256)] * 3),
    'color': lambda i, m, s: ImageEnhance.Color(i).enhance(max(0.1, 1 + s * 0.09 * m)),
    'contrast': lambda i, m, s: ImageEnhance.Contrast(i).enhance(max(0.1, 1 + s * 0.09 * m)),
    'brightness': lambda i, m, s: ImageEnhance.Brightness(i).enhance(max(0.1, 1 + s * 0.09 * m)),
    'sharpness': lambda i, m, s: ImageEnhance.Sharpness(i).enhance(max(0.1, 1 + s * 0.09 * m)),
    'shear_x': lambda i, m, s: moved(i, 1, s * 0.03 * m, 0, 0, 1, 0),
    'shear_y': lambda i, m, s: moved(i, 1, 0, 0, s * 0.03 * m, 1, 0),
    'translate_x': lambda i, m, s: moved(i, 1, 0, s * 0.045 * m * SIZE[0], 0, 1, 0),
    'translate_y': lambda i, m, s: moved(i, 1, 0, 0, 0, 1, s * 0.045 * m * SIZE[1]),
}


@pytest.mark.parametrize('name', OPERATIONS)
def test_operations_at_their_strengths_are_those_of_pillow(name):
    x, fill = jnp.asarray(IMAGE / 255, jnp.float32), jnp.asarray(GREY) / 255
    operation = jax.jit(OPERATIONS[name])
    for magnitude, side in ((1.3, 1), (5.0, -1), (8.7, -1), (9.3, 1)):
        expected = np.asarray(REFERENCES[name](Image.fromarray(IMAGE), magnitude, side)).astype(float)
        ours = np.asarray(operation(x, jnp.float32(magnitude / 10), side, fill)) * 255
        away = np.abs(ours - expected).max(-1)
        # A place on the very edge of a turned image may fall on either side of it.
        assert (away > 2.01).sum() <= (1 if name == 'rotate' else 0), f'magnitude {magnitude}, side {side}: {away.max()}'


def test_what_is_drawn():
    kind = RandAugment(count=3)
    settings = {'magnitude': 9.0, 'deviation': 0.5, 'probability': 0.5}
    keys = jax.random.split(jax.random.key(0), 20000)
    sample = jax.tree.map(np.asarray, jax.jit(jax.vmap(lambda key: kind.sample(key, IMAGE.shape, settings)))(keys))
    used = sample['level'] > 0
    np.testing.assert_allclose(used.mean(0), 0.5, atol=0.015)
    names, counts = np.unique(sample['operation'], return_counts=True)
    assert list(names) == list(range(15)) and stats.chisquare(counts).pvalue > 1e-3
    np.testing.assert_allclose((sample['side'] > 0).mean(), 0.5, atol=0.01)
    levels = sample['level'][used]
    # Below the strongest, which holds all draws above it, levels are normal.
    np.testing.assert_allclose((levels >= 1).mean(), stats.norm.sf(2), atol=0.005)
    below = levels[levels < 1]
    assert stats.kstest(below, stats.truncnorm(-18, 2, 0.9, 0.05).cdf).statistic < 0.015
    together = np.corrcoef(np.c_[sample['operation'], sample['side'], used].T.astype(float)) - np.eye(9)
    assert np.abs(together).max() < 0.03


def test_operations_follow_one_another():
    kind = RandAugment(operations=('invert', 'posterize'))
    sample = {'operation': jnp.asarray([1, 0]), 'level': jnp.asarray([0.5, 0.9]), 'side': jnp.asarray([1, 1])}
    ours = kind.change(jnp.asarray(IMAGE / 255, jnp.float32), sample)
    np.testing.assert_allclose(ours * 255, 255 - IMAGE // 64 * 64.0, atol=1e-3)


def test_a_magnitude_of_zero_leaves_out_what_has_no_strength():
    kind = RandAugment(operations=('invert',))
    sample = {'operation': jnp.asarray([0, 0]), 'level': jnp.asarray([0.0, 0.0]), 'side': jnp.asarray([1, 1])}
    x = jnp.asarray(IMAGE / 255, jnp.float32)
    np.testing.assert_array_equal(kind.change(x, sample), x)
