"""Spectrogram: sounds as maps of time and pitch, on the device."""

import jax
import jax.numpy as jnp
import numpy as np

FLOOR = 1e-5
"""The energy of silence: far under speech, above the rounding of 16 bits."""


def mel(frequency: np.ndarray) -> np.ndarray:
    """Pitch of a frequency in Hz by HTK's formula, as torchaudio's default: 2595 log10(1 + f / 700)."""
    return 2595 * np.log10(1 + np.asarray(frequency, np.float64) / 700)


def hertz(pitch: np.ndarray) -> np.ndarray:
    """Frequency in Hz of a pitch in mel."""
    return 700 * (10 ** (np.asarray(pitch, np.float64) / 2595) - 1)


def mel_filters(rate: int, window: int, mels: int) -> np.ndarray:
    """Triangles over the frequencies k rate / window: `[window / 2 + 1, mels]`, peaks of 1, equally far apart in mel.

    Neighbouring triangles add up to 1 between their peaks; none is scaled by its width. Raises ValueError if a triangle
    lies between two frequencies and would always be 0.
    """
    edges = hertz(np.linspace(0, mel(rate / 2), mels + 2))
    frequencies = np.arange(window // 2 + 1)[:, None] * rate / window
    rising = (frequencies - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - frequencies) / (edges[2:] - edges[1:-1])
    filters = np.maximum(0, np.minimum(rising, falling))
    if not (empty := filters.sum(0) > 0).all():
        raise ValueError(
            f'mels={mels} at {rate} Hz with window={window}: {(~empty).sum()} filters lie between two frequencies and hear '
            'nothing; use fewer mels or a longer window'
        )
    return filters.astype(np.float32)


def log_mel(x: jax.Array, rate: int, window: int, hop: int, mels: int) -> jax.Array:
    """Log energies in mel bands: samples from -1 to 1 `[B, N] -> [B, N / hop, mels]`.

    Frames of `window` samples, `hop` apart, zeros around; a Hann window; squared magnitudes of the Fourier transform;
    triangles; the natural logarithm, not below that of FLOOR. Raises ValueError if `hop` does not divide `window` and N.
    """
    length = x.shape[-1]
    if hop < 1 or window % hop or length % hop:
        raise ValueError(
            f'hop={hop} does not divide window={window} and length={length}; allowed: common divisors of both; change hop'
        )
    around = window - hop
    pieces = jnp.pad(x, ((0, 0), (around // 2, around - around // 2))).reshape(len(x), -1, hop)
    frames = length // hop
    framed = jnp.concatenate([pieces[:, i : i + frames] for i in range(window // hop)], -1)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    spectrum = jnp.fft.rfft(framed * hann.astype(np.float32))
    energy = (spectrum.real**2 + spectrum.imag**2) @ mel_filters(rate, window, mels)
    return jnp.log(jnp.maximum(energy, FLOOR))
