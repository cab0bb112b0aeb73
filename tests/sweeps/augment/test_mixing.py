"""mixup, cutmix and either: weights are what the image holds, and shares come from their distribution."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from sweeps.augment.mixing import Cutmix, Mixup, MixupOrCutmix, draw_patch, draw_share

KEYS = jax.random.split(jax.random.key(0), 64)
Y = jnp.arange(64)
SHARES = jax.jit(jax.vmap(draw_share, (0, None)))


def images(side: int = 16) -> jax.Array:
    """Image i is i + 1 everywhere, so that what an image is made of can be read from it."""
    return jnp.broadcast_to(jnp.arange(1.0, 65.0)[:, None, None, None], (64, side, side + 3, 3))


@pytest.mark.parametrize('kind', [Mixup(), Cutmix(), MixupOrCutmix()], ids=['mixup', 'cutmix', 'either'])
def test_weights_are_what_the_image_holds(kind):
    x = images()
    mixed, ((own, own_weight), (partner, partner_weight)) = jax.jit(lambda keys: kind.mix(keys, x, Y, {}))(KEYS)
    np.testing.assert_array_equal(own, Y)
    np.testing.assert_array_equal(partner, Y[::-1])
    np.testing.assert_array_equal(own_weight + partner_weight, np.ones(64, np.float32))
    means = np.asarray(mixed).mean((1, 2, 3))
    np.testing.assert_allclose(means, own_weight * (own + 1) + partner_weight * (partner + 1), rtol=1e-5)
    assert np.asarray(partner_weight).std() > 0.1


def test_a_patch_weighs_exactly_what_it_covers():
    x = images()
    mixed, (_, (_, weight)) = jax.jit(lambda keys: Cutmix().mix(keys, x, Y, {}))(KEYS)
    own, mixed = np.arange(1, 65), np.asarray(mixed)
    covered = (mixed != own[:, None, None, None]).sum((1, 2, 3)) // 3
    # To the last bit of a float32: XLA multiplies by the rounded inverse of the size.
    np.testing.assert_allclose(weight, covered / (16 * 19), rtol=2e-7)
    np.testing.assert_array_equal(np.round(np.asarray(weight, np.float64) * (16 * 19)), covered)
    assert np.isin(mixed, np.arange(1.0, 65.0)).all()
    for image, value in zip(mixed, own, strict=True):
        rows, columns = np.nonzero(image[..., 0] != value)
        if len(rows):
            assert len(rows) == (np.ptp(rows) + 1) * (np.ptp(columns) + 1), 'not a rectangle'


@pytest.mark.parametrize('alpha', [0.2, 0.8, 1.0, 4.0])
def test_shares_are_beta(alpha):
    keys = jax.random.split(jax.random.key(1), 20000)
    shares = np.asarray(SHARES(keys, jnp.float32(alpha)))
    # Next to 1 float32 holds no shares: two in a hundred of Beta(0.2, 0.2) are 1 itself, as they should be.
    grid = np.linspace(0.001, 0.999, 999)
    ours = np.searchsorted(np.sort(shares), grid, side='right') / len(shares)
    assert np.abs(ours - stats.beta(alpha, alpha).cdf(grid)).max() < 0.015
    assert ((shares >= 0) & (shares <= 1)).all()
    np.testing.assert_allclose(shares.mean(), 0.5, atol=4 * stats.beta(alpha, alpha).std() / np.sqrt(20000))
    np.testing.assert_allclose(shares.var(), 1 / (4 * (2 * alpha + 1)), rtol=0.05)


def test_patches_have_the_area_of_their_share_before_clipping():
    """Centres are uniform over pixels; where nothing is clipped a side is sqrt(1 - share) of the image's, to an even number."""
    draws = jax.random.uniform(jax.random.key(2), (20000, 2))
    top, left, height, width = np.asarray(jax.vmap(draw_patch, (0, None, None))(draws, (40, 60), 0.75)).T
    assert height.max() == 20 and width.max() == 30
    whole = (height == 20) & (width == 30)
    np.testing.assert_allclose(whole.mean(), (21 / 40) * (31 / 60), atol=0.015)
    assert top.min() == left.min() == 0 and (top + height).max() == 40 and (left + width).max() == 60
    assert (height >= 10).all() and (width >= 15).all()


def test_either_chooses_as_often_as_asked():
    kind, settings = MixupOrCutmix(), {'mixup_alpha': 0.8, 'cutmix_alpha': 1.0, 'cutmix_share': 0.3, 'probability': 0.6}
    keys = jax.random.split(jax.random.key(3), 20000)
    draw = jax.jit(jax.vmap(lambda key, settings: kind.sample(key, (1000, 1000, 3), settings), (0, None)))

    def shares(**changed: float) -> tuple[float, float]:
        """How many are blended and how many hold a patch. Nearly every blend and patch is large enough to see."""
        sample = draw(keys, {name: jnp.float32(value) for name, value in (settings | changed).items()})
        return float((sample['share'] < 1).mean()), float((sample['patch'][:, 2:].prod(1) > 0).mean())

    np.testing.assert_allclose(shares(), (0.6 * 0.7, 0.6 * 0.3), atol=0.015)
    np.testing.assert_allclose(shares(mixup_alpha=0.0), (0, 0.6), atol=0.015)
    np.testing.assert_allclose(shares(cutmix_alpha=0.0), (0.6, 0), atol=0.015)


def test_the_middle_of_an_odd_batch_is_its_own_partner():
    x = images()[:5]
    mixed, ((own, _), (partner, _)) = jax.jit(lambda keys, x: Mixup().mix(keys, x, np.arange(5), {}))(KEYS[:5], x)
    assert int(own[2]) == int(partner[2])
    np.testing.assert_allclose(mixed[2], x[2], rtol=1e-6)
