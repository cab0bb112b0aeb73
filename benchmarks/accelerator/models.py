"""Models: training steps of published models in bfloat16, as a share of what plain products reach."""

import concurrent.futures
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax

from arch.cost import multiply_adds
from arch.model import build
from arch.published.convnext import convnext
from arch.published.gpt2 import MODELS as GPT2
from arch.published.llama import llama
from arch.published.vit import MODELS as VIT
from benchmarks.accelerator.about import product
from benchmarks.measured import Measured
from benchmarks.timing import wall_seconds

NEEDS, SECONDS = (), 170
TOGETHER = 10
"""Steps in one program, so that no step waits for the host."""
BODIES: dict[str, tuple[Callable[[], dict], tuple[int, ...]]] = {
    'gpt2': (lambda: GPT2['gpt2'].config, (16, 1024)),
    'vit_small_patch16_224': (lambda: VIT['vit_small_patch16_224'].config, (256, 224, 224, 3)),
    'convnext_tiny': (lambda: convnext([96, 192, 384, 768], [3, 3, 9, 3]), (128, 224, 224, 3)),
    'llama of 100 million': (lambda: llama(32000, 768, 10, 12, 12, 2048), (16, 1024)),
}
"""Configs, and the shape of a batch."""
TINY = {
    'decoder': (lambda: llama(64, 16, 1, 2, 2, 32), (2, 16)),
    'convnext': (lambda: convnext([8, 16], [1, 1], outputs=10), (2, 32, 32, 3)),
}


class Steps:
    """Ten steps of AdamW on one batch as one compiled program; parameters and moments are float32."""

    def __init__(self, config: dict, shape: tuple[int, ...]):
        self.config = {**config, 'body': {**config['body'], 'compute': 'bfloat16'}}
        self.model, self.optimizer = build(self.config), optax.adamw(1e-4, weight_decay=0.01)
        draw, ids = np.random.default_rng(0), len(shape) == 2
        if ids:
            self.x = draw.integers(0, config['stem']['vocabulary'], shape).astype(np.int32)
            self.y = np.roll(self.x, -1, 1)
        else:
            self.x = draw.standard_normal(shape, np.float32)
            self.y = draw.integers(0, config['head']['outputs'], shape[0]).astype(np.int32)
        began = time.perf_counter()
        self.program = jax.jit(self._ten, donate_argnums=0).lower(jax.eval_shape(self._begin), self.x, self.y).compile()
        self.compiling = time.perf_counter() - began

    def _begin(self) -> tuple:
        params, state = self.model.init(jax.random.key(0), jnp.asarray(self.x[:1]), {})
        return params, state, self.optimizer.init(params)

    def _ten(self, carry: tuple, x: jax.Array, y: jax.Array) -> tuple[tuple, jax.Array]:
        def step(number: jax.Array, carry: tuple) -> tuple:
            (params, state, moments), _ = carry

            def loss_of(params: dict) -> tuple[jax.Array, dict]:
                key = jax.random.fold_in(jax.random.key(1), number)
                scores, after, _ = self.model.apply(params, state, x, knobs={}, key=key, train=True)
                return optax.softmax_cross_entropy_with_integer_labels(scores, y).mean(), after

            (loss, state), slope = jax.value_and_grad(loss_of, has_aux=True)(params)
            updates, moments = self.optimizer.update(slope, moments, params)
            return (optax.apply_updates(params, updates), state, moments), loss

        return jax.lax.fori_loop(0, TOGETHER, step, (carry, jnp.float32(0)))

    def measure(self) -> dict:
        """Seconds of a step, its floating-point operations, the last loss, and what the compiler says of memory."""
        carry, x, y = jax.jit(self._begin)(), jax.device_put(self.x), jax.device_put(self.y)
        loss = None

        def call() -> jax.Array:
            nonlocal carry, loss
            carry, loss = self.program(carry, x, y)
            return loss

        spent = {name: value / TOGETHER for name, value in wall_seconds(call, rounds=3).items()}
        # Forward once, backward twice, as papers count the share of peak.
        flops = 6 * len(self.x) * multiply_adds(self.config, jax.ShapeDtypeStruct(self.x.shape, self.x.dtype))
        memory = self.program.memory_analysis()
        return {
            'step': spent,
            'flops': flops / spent['median'],
            'loss': float(loss),
            'compiling': self.compiling,
            'temporary_bytes': getattr(memory, 'temp_size_in_bytes', None),
            'argument_bytes': getattr(memory, 'argument_size_in_bytes', None),
        }


def run(told: Measured, tiny: bool) -> None:
    """Each body at its usual batch, all of them compiled at the same time; half the batch where it does not fit."""
    peak = product(128 if tiny else 8192, 'bfloat16')
    bodies = TINY if tiny else BODIES
    with concurrent.futures.ThreadPoolExecutor() as crew:
        made = {name: crew.submit(Steps, config(), shape) for name, (config, shape) in bodies.items()}
        for name, (config, shape) in bodies.items():
            while True:
                try:
                    steps = made[name].result() if shape == bodies[name][1] else Steps(config(), shape)
                    measured = steps.measure()
                    told.add(name, batch=shape[0], share_of_peak=measured['flops'] / peak, **measured)
                    break
                except jax.errors.JaxRuntimeError as error:
                    told.add(f'{name}, batch {shape[0]}', failed=str(error)[:300])
                    if 'RESOURCE_EXHAUSTED' not in str(error) or shape[0] < 2:
                        break
                    shape = (shape[0] // 2, *shape[1:])
