"""Agreement: the same model, batch and first steps on the accelerator and on the processor beside it."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from arch.model import build
from arch.published.convnext import convnext
from arch.published.llama import llama
from benchmarks.measured import Measured

NEEDS, SECONDS = (), 90
STEPS = 5
ALLOWED = {'loss': 1e-5, 'gradient': 1e-4, 'after five steps': 1e-3}
"""The largest relative difference, in float32 at the highest precision of products."""
BODIES = {
    'convolutions': (lambda: convnext([32, 64], [2, 2], outputs=10), (8, 32, 32, 3)),
    'attention': (lambda: llama(256, 64, 2, 4, 2, 128), (8, 64)),
}


def steps_on(device: jax.Device, config: dict, x: np.ndarray, y: np.ndarray) -> tuple[list[float], dict, dict]:
    """Losses of the first steps of gradient descent with momentum, the first gradient and the last parameters, on a device."""
    model, optimizer = build(config), optax.sgd(0.01, momentum=0.9)
    with jax.default_device(jax.devices('cpu')[0]):
        params, state = model.init(jax.random.key(0), jnp.asarray(x[:1]), {})
    params, state, x, y = jax.device_put((params, state, x, y), device)

    @jax.jit
    def step(params: dict, state: dict, moments: tuple) -> tuple:
        def loss(params: dict) -> jax.Array:
            scores, _, _ = model.apply(params, state, x, knobs={}, key=jax.random.key(1), train=False)
            return optax.softmax_cross_entropy_with_integer_labels(scores.astype(jnp.float32), y).mean()

        value, slope = jax.value_and_grad(loss)(params)
        updates, moments = optimizer.update(slope, moments, params)
        return value, slope, optax.apply_updates(params, updates), moments

    losses, first = [], None
    moments = jax.device_put(optimizer.init(params), device)
    for _ in range(STEPS):
        value, slope, params, moments = step(params, state, moments)
        losses.append(float(value))
        first = jax.device_get(slope) if first is None else first
    return losses, first, jax.device_get(params)


def apart(one: dict, other: dict) -> float:
    """The largest difference of two trees, relative to the largest number of its leaf."""
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return max(float(np.abs(a - b).max() / max(float(np.abs(b).max()), 1e-30)) for a, b in pairs)


def run(told: Measured, tiny: bool) -> None:
    """Loss, gradient and parameters after five steps of a body of each kind."""
    for name, (config, shape) in BODIES.items():
        draw = np.random.default_rng(0)
        if len(shape) == 2:
            x = draw.integers(0, 256, shape).astype(np.int32)
            y = np.roll(x, -1, 1)
        else:
            x, y = draw.standard_normal(shape, np.float32), draw.integers(0, 10, shape[0]).astype(np.int32)
        with jax.default_matmul_precision('highest'):
            here, there = (steps_on(device, config(), x, y) for device in (jax.devices()[0], jax.devices('cpu')[0]))
        distances = {
            'loss': abs(here[0][0] - there[0][0]) / abs(there[0][0]),
            'gradient': apart(here[1], there[1]),
            'after five steps': apart(here[2], there[2]),
        }
        told.add(
            name, apart=distances, allowed=ALLOWED, agrees=all(distances[what] <= limit for what, limit in ALLOWED.items())
        )
