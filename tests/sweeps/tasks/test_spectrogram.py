"""Spectrogram: mel bands against their formula, energies against scipy, tones where they belong."""

import math

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.signal import stft

from sweeps.tasks.spectrogram import FLOOR, hertz, log_mel, mel, mel_filters


def test_pitch_by_its_formula():
    np.testing.assert_allclose(mel([0, 700, 6300]), [0, 2595 * math.log10(2), 2595], rtol=1e-12)
    np.testing.assert_allclose(mel(1000), 1000, rtol=1e-4)
    np.testing.assert_allclose(hertz(mel([20, 440, 4000])), [20, 440, 4000], rtol=1e-12)


@pytest.mark.parametrize(('rate', 'window', 'mels'), [(8000, 256, 32), (16000, 512, 40)])
def test_filters_are_triangles_between_neighbours(rate: int, window: int, mels: int):
    filters = mel_filters(rate, window, mels)
    assert filters.shape == (window // 2 + 1, mels)
    step = 2595 * math.log10(1 + rate / 2 / 700) / (mels + 1)
    edges = [700 * (10 ** (number * step / 2595) - 1) for number in range(mels + 2)]
    for k in range(0, window // 2 + 1, 7):
        f = k * rate / window
        for band in range(0, mels, 3):
            left, middle, right = edges[band : band + 3]
            inside = (f - left) / (middle - left) if f <= middle else (right - f) / (right - middle)
            np.testing.assert_allclose(filters[k, band], max(inside, 0) if left < f < right else 0, atol=1e-6)
    between = [k for k in range(window // 2 + 1) if edges[1] <= k * rate / window <= edges[-2]]
    np.testing.assert_allclose(filters[between].sum(1), 1, atol=1e-6)


def test_more_filters_than_frequencies_are_refused():
    with pytest.raises(ValueError, match='use fewer mels or a longer window'):
        mel_filters(8000, 64, 40)


@pytest.mark.parametrize(('window', 'hop'), [(256, 128), (256, 64), (128, 128)])
def test_energies_are_those_of_scipy(window: int, hop: int):
    x = np.random.default_rng(0).normal(size=(2, 1024)).astype(np.float32) * 0.1
    around = window - hop
    padded = np.pad(x.astype(np.float64), ((0, 0), (around // 2, around - around // 2)))
    _, _, spectrum = stft(padded, nperseg=window, noverlap=around, window='hann', boundary=None, padded=False)
    # scipy divides by the sum of the window, which of a periodic Hann window is half its length.
    energy = np.abs(spectrum * window / 2).swapaxes(1, 2) ** 2
    expected = np.log(np.maximum(energy @ mel_filters(8000, window, 12).astype(np.float64), FLOOR))
    ours = log_mel(jnp.asarray(x), 8000, window, hop, 12)
    assert ours.shape == (2, 1024 // hop, 12)
    np.testing.assert_allclose(ours, expected, atol=2e-4)


@pytest.mark.parametrize('band', [3, 12, 28])
def test_a_tone_is_loudest_in_its_own_band(band: int):
    frequency = hertz((band + 1) * mel(4000) / 33)
    x = 0.5 * np.sin(2 * np.pi * frequency * np.arange(2048) / 8000)
    spectrum = np.asarray(log_mel(jnp.asarray(x[None], jnp.float32), 8000, 256, 128, 32))
    assert (spectrum[0, 2:-2].argmax(-1) == band).all()
    louder = np.asarray(log_mel(jnp.asarray(2 * x[None], jnp.float32), 8000, 256, 128, 32))
    np.testing.assert_allclose((louder - spectrum)[0, 2:-2, band], math.log(4), atol=1e-4)


def test_silence_is_the_floor():
    np.testing.assert_allclose(log_mel(jnp.zeros((1, 512)), 8000, 256, 128, 8), math.log(FLOOR), rtol=1e-6)


@pytest.mark.parametrize(
    ('window', 'hop', 'length'), [(256, 100, 1000), (256, 128, 1000), (250, 100, 1000), (256, 0, 1024), (256, -1, 1024)]
)
def test_frames_that_do_not_fit_are_refused(window: int, hop: int, length: int):
    with pytest.raises(ValueError, match=f'hop={hop} does not divide window={window} and length={length}; allowed: common'):
        log_mel(jnp.zeros((1, length)), 8000, window, hop, 8)
