"""color_jitter: factors are uniform about one, and changes follow in their order."""

import colorsys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image, ImageEnhance
from scipy import stats

from sweeps.augment.color_jitter import ColorJitter

IMAGE = np.random.default_rng(6).integers(40, 200, (16, 18, 3)).astype(np.uint8)
KEYS = jax.random.split(jax.random.key(0), 20000)


@pytest.mark.parametrize('strength', [0.2, 0.4, 1.5])
def test_factors_are_uniform(strength):
    settings = {'brightness': strength, 'contrast': strength / 2, 'saturation': strength, 'hue': 0.25}
    sample = jax.jit(jax.vmap(lambda key: ColorJitter().sample(key, IMAGE.shape, settings)))(KEYS)
    for name in ('brightness', 'contrast', 'saturation'):
        low, high = max(1 - settings[name], 0), 1 + settings[name]
        assert stats.kstest(np.asarray(sample[name]), stats.uniform(low, high - low).cdf).statistic < 0.015
    assert stats.kstest(np.asarray(sample['hue']), stats.uniform(-0.25, 0.5).cdf).statistic < 0.015
    together = np.corrcoef(np.stack([np.asarray(value) for value in sample.values()])) - np.eye(4)
    assert np.abs(together).max() < 0.03


def test_changes_follow_in_their_order():
    sample = {'brightness': 1.3, 'contrast': 0.6, 'saturation': 1.4, 'hue': 0.2}
    sample = {name: jnp.float32(value) for name, value in sample.items()}
    ours = np.asarray(ColorJitter().change(jnp.asarray(IMAGE / 255, jnp.float32), sample))
    image = Image.fromarray(IMAGE)
    for enhance, factor in ((ImageEnhance.Brightness, 1.3), (ImageEnhance.Contrast, 0.6), (ImageEnhance.Color, 1.4)):
        image = enhance(image).enhance(factor)
    expected = np.asarray(image) / 255
    hsv = np.apply_along_axis(lambda pixel: colorsys.rgb_to_hsv(*pixel), -1, expected)
    hsv[..., 0] = (hsv[..., 0] + 0.2) % 1
    expected = np.apply_along_axis(lambda pixel: colorsys.hsv_to_rgb(*pixel), -1, hsv)
    # Pillow cuts to whole levels three times, which the change of saturation and the turn make larger.
    assert np.abs(ours - expected).max() * 255 < 6
    assert np.abs(ours - expected).mean() * 255 < 1.5
