"""Lab: a body trained by the lab's own program, the one that a worker runs."""

import time

import jax
import jax.numpy as jnp
import numpy as np

from arch.cost import multiply_adds
from arch.model import build
from benchmarks.body import KNOBS, body_of, flat
from benchmarks.machine import peak_gflops
from benchmarks.sides.lab_profile import timed
from benchmarks.sides.profiled import grouped
from sweeps.tasks.batch_order import batch_order
from sweeps.training.loop import make_training


class Lab:
    """Training steps of AdamW on the lab's side, `steps` of them in the schedule; the process has one thread."""

    def __init__(self, body: str, sizes: dict[str, int], steps: int, config: dict | None = None):
        self.body, self.steps = body_of(body, sizes, config), steps
        pool = self.body.task.pool()
        self.pool = jax.device_put({'x': pool.x, 'y': pool.y})
        order = batch_order(0, np.arange(len(pool.x)), steps, self.body.batch)
        knobs = {name: np.float32(value) for name, value in KNOBS.items()}
        self.lane = {'seed': np.uint32(0), 'order': order, 'knobs': knobs}
        training = make_training(build(self.body.config), self.body.task, 'adamw', steps, self.body.batch, 1)
        self.begin = jax.jit(training.begin)
        self.advance = jax.jit(training.advance, donate_argnums=1)
        self.carry = None

    def share(self, file: str) -> None:
        """Write the first parameters, the examples and the order of the batches, for another side."""
        params = flat(self.begin(self.lane, self.pool['x'][:1])['params'].tree())
        arrays = {'x': self.pool['x'], 'y': self.pool['y'], 'order': self.lane['order']}
        np.savez(file, **arrays, **{f'params/{name}': leaf for name, leaf in params.items()})

    def losses(self, first: int) -> dict:
        """The training loss of each of the first steps, and the CPU seconds of the very first, which is compiled."""
        began, compile_s, losses = time.process_time(), None, []
        carry = self.begin(self.lane, self.pool['x'][:1])
        for step in range(first):
            carry = self.advance(self.lane, {**carry, 'total': jnp.float32(0)}, self.pool, 0, step, step + 1)
            losses.append(float(carry['total']))
            compile_s = compile_s or time.process_time() - began
        self.carry = carry
        return {'losses': losses, 'compile_s': compile_s}

    def train(self, steps: int) -> tuple[float, float]:
        """CPU and wall seconds of so many steps, from the schedule's first."""
        cpu, wall = time.process_time(), time.perf_counter()
        self.carry = self.advance(self.lane, self.carry, self.pool, 0, 0, steps)
        jax.block_until_ready(self.carry)
        return time.process_time() - cpu, time.perf_counter() - wall

    def profile(self, steps: int) -> dict[str, float]:
        """CPU milliseconds of a step by group."""
        text = self.advance.lower(self.lane, self.carry, self.pool, 0, 0, self.steps).compile().as_text()
        return grouped(timed(text, lambda: self.train(steps)), steps)

    def about(self) -> dict:
        """The peak of products on this side, and the floating-point operations of a step: forward once, backward twice."""
        x = jax.ShapeDtypeStruct((1, *self.pool['x'].shape[1:]), self.pool['x'].dtype)
        flops = 6 * self.body.batch * multiply_adds(self.body.config, x)
        parameters = sum(leaf.size for leaf in jax.tree.leaves(self.carry['params']))
        return {'peak_gflops': peak_gflops(5), 'flops': flops, 'parameters': parameters}
