"""spectrogram_mask: widths and starts as in SpecAugment, and what they cover."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from sweeps.augment.spectrogram_mask import SpectrogramMask

KEYS = jax.random.split(jax.random.key(0), 20000)
X = jnp.asarray(np.random.default_rng(7).normal(3, 1, (30, 12)), jnp.float32)


def draw(kind: SpectrogramMask, shape: tuple[int, ...] = (50, 20), **settings: float) -> dict:
    given = {'time_width': kind.time_width, 'frequency_width': kind.frequency_width} | settings
    return jax.tree.map(np.asarray, jax.jit(jax.vmap(lambda key: kind.sample(key, shape, given)))(KEYS))


@pytest.mark.parametrize(('axis', 'size', 'widest'), [('time', 50, 10), ('frequency', 20, 5)])
def test_widths_are_uniform_and_starts_too(axis, size, widest):
    sample = draw(SpectrogramMask(time_width=10, frequency_width=5))[axis]
    assert sample.shape == (20000, 2, 2)
    starts, widths = sample[:, 0].reshape(-1), sample[:, 1].reshape(-1)
    values, counts = np.unique(widths, return_counts=True)
    assert list(values) == list(range(widest + 1)) and stats.chisquare(counts).pvalue > 1e-3
    for width in (0, widest):
        values, counts = np.unique(starts[widths == width], return_counts=True)
        assert list(values) == list(range(size - width)) and stats.chisquare(counts).pvalue > 1e-3
    first, second = sample[:, 1].T
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.03


def test_a_time_mask_is_no_wider_than_its_share_and_no_mask_wider_than_the_axis():
    sample = draw(SpectrogramMask(time_width=100, frequency_width=100, time_share=0.2))
    assert sample['time'][:, 1].max() == 10
    assert sample['frequency'][:, 1].max() == 20 and (sample['frequency'].sum(1) <= 20).all()


def test_widths_as_knobs_are_rounded_down():
    sample = draw(SpectrogramMask(), time_width=3.9, frequency_width=0.5)
    assert sample['time'][:, 1].max() == 3 and sample['frequency'][:, 1].max() == 0


def test_the_number_of_masks():
    sample = draw(SpectrogramMask(time_masks=3, frequency_masks=0))
    assert sample['time'].shape == (20000, 2, 3) and sample['frequency'].shape == (20000, 2, 0)


@pytest.mark.parametrize('channel', [False, True])
@pytest.mark.parametrize('fill', ['zero', 'mean'])
def test_masks_cover_their_times_and_frequencies(fill, channel):
    sample = {'time': jnp.asarray([[2, 20], [5, 0]]), 'frequency': jnp.asarray([[9], [3]])}
    expected = np.array(X)
    value = expected.mean() if fill == 'mean' else 0.0
    expected[2:7], expected[:, 9:12] = value, value
    x = X[..., None] if channel else X
    ours = np.asarray(SpectrogramMask(fill=fill).change(x, sample))
    np.testing.assert_allclose(ours.reshape(30, 12), expected, rtol=1e-6)
