"""Lab lanes: one body trained in many lanes by one process, one after another, mapped or vectorised."""

import time
from collections.abc import Callable

import jax
import numpy as np

from arch.model import build
from benchmarks.body import KNOBS, body_of
from sweeps.tasks.batch_order import batch_order
from sweeps.training.loop import make_training

STEPS = 10
"""Steps of the schedule, over and over."""


class Lanes:
    """The training program of a body under each way of lanes; each is compiled by `prepare`."""

    def __init__(self, body: str, sizes: dict[str, int]):
        self.body = body_of(body, sizes)
        pool = self.body.task.pool()
        self.pool = jax.device_put({'x': pool.x, 'y': pool.y})
        self.training = make_training(build(self.body.config), self.body.task, 'adamw', STEPS, self.body.batch, 1)
        self.ready: dict[tuple[str, int], list] = {}

    def _lanes(self, width: int) -> dict:
        knobs = {name: np.full(width, value, np.float32) for name, value in KNOBS.items()}
        orders = [batch_order(seed, np.arange(len(self.pool['x'])), STEPS, self.body.batch) for seed in range(width)]
        return {'seed': np.arange(width, dtype=np.uint32), 'order': np.stack(orders), 'knobs': knobs}

    def _form(self, way: str) -> Callable:
        advance = self.training.advance
        if way == 'map':
            return lambda lanes, carry, *given: jax.lax.map(lambda own: advance(*own, *given), (lanes, carry))
        return jax.vmap(advance, (0, 0, None, None, None, None))

    def prepare(self, way: str, width: int) -> dict:
        """Compile a way for so many lanes; CPU seconds of both, and of a step afterwards, and the bytes of memory."""
        lanes, x = self._lanes(width), self.pool['x'][:1]
        begin = jax.jit(jax.vmap(self.training.begin, (0, None)))
        form, carry = self._form(way), begin(lanes, x)
        if way == 'loop':
            lanes, carry, form = *(jax.tree.map(lambda leaf: leaf[0], tree) for tree in (lanes, carry)), self.training.advance
        began = time.process_time()
        program = jax.jit(form, donate_argnums=1).lower(lanes, carry, self.pool, 0, 0, STEPS).compile()
        compile_s, memory = time.process_time() - began, program.memory_analysis()
        self.ready[way, width] = [program, lanes, carry]
        self.train(way, width, STEPS)
        spent, _ = self.train(way, width, STEPS)
        own = (
            memory.temp_size_in_bytes + memory.argument_size_in_bytes + memory.output_size_in_bytes - memory.alias_size_in_bytes
        )
        return {'compile_s': compile_s, 'step_s': spent / STEPS, 'bytes': own}

    def train(self, way: str, width: int, steps: int) -> tuple[float, float]:
        """CPU and wall seconds of so many steps of every lane."""
        ready = self.ready[way, width]
        program, lanes, carry = ready
        cpu, wall = time.process_time(), time.perf_counter()
        while steps > 0:
            carry = program(lanes, carry, self.pool, 0, 0, min(steps, STEPS))
            steps -= STEPS
        jax.block_until_ready(carry)
        ready[2] = carry
        return time.process_time() - cpu, time.perf_counter() - wall
