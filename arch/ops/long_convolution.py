"""Long convolution: a causal filter as long as the sequence, by Fourier transforms, by products, or its last position alone."""

import jax
import jax.numpy as jnp
import numpy as np

SHORT = 64
"""Up to so many positions it is a matrix of positions for each channel, which sees nothing of later ones to the last bit."""


def long_convolution(x: jax.Array, taps: jax.Array) -> jax.Array:
    """y_n = sum of taps_m x_(n-m) over m = 0 ... n: `[B, N, C] -> [B, N, C]` with taps [N, C], both float32.

    By Fourier transforms of twice the length, so that the end does not reach the beginning. There what comes later rounds
    what comes before, by a share of float32's precision of the largest number.
    """
    length = x.shape[1]
    if length <= SHORT:
        steps = np.arange(length)[:, None] - np.arange(length)[None, :]
        matrix = jnp.where((steps >= 0)[..., None], taps[np.maximum(steps, 0)], 0.0)
        return jnp.einsum('nmc,bmc->bnc', matrix, x)
    spectrum = jnp.fft.rfft(x, 2 * length, axis=1) * jnp.fft.rfft(taps, 2 * length, axis=0)[None]
    return jnp.fft.irfft(spectrum, 2 * length, axis=1)[:, :length]


def last_of(x: jax.Array, taps: jax.Array, at: jax.Array) -> jax.Array:
    """y_n alone for n = `at` [B], of inputs that are known up to n: `[B, N, C] -> [B, 1, C]`."""
    steps = at[:, None] - jnp.arange(x.shape[1])[None, :]
    return jnp.einsum('bmc,bmc->bc', jnp.where((steps >= 0)[..., None], taps[jnp.maximum(steps, 0)], 0.0), x)[:, None]
