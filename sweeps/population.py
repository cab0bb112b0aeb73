"""Population: many lanes of one training program, run by the strategy that suits the platform.

    loop   one lane after the other through one compiled program; on CPU, where each worker process has one core
    map    the same inside one compiled program (lax.map)
    vmap   all lanes at once; on GPU and TPU

Lanes are independent whatever the strategy: a lane's numbers do not depend on its neighbours.
"""

import time
from collections.abc import Callable

import jax
import numpy as np

from sweeps.pack import LANES

STRATEGIES = ('loop', 'map', 'vmap')


def strategy_for(platform: str) -> str:
    """The lane strategy of a platform (cpu, gpu, tpu)."""
    return 'loop' if platform == 'cpu' else 'vmap'


def _begin_options() -> dict | None:
    # Drawing parameters runs once: on CPU it is cheaper to compile it fast than to run it fast.
    return {'xla_backend_optimization_level': 0} if jax.default_backend() == 'cpu' else None


class Population:
    """The compiled form of `begin` and `train` (see `sweeps.trial`) under a strategy.

    Under vmap every call has `width` lanes, filled up with copies of the last, so that packs of any size share one compiled
    program. `splits` counts how often the lanes did not fit the device's memory and the width was halved.
    """

    def __init__(self, begin: Callable, train: Callable, strategy: str, width: int = LANES):
        if strategy not in STRATEGIES:
            raise ValueError(f"lane strategy '{strategy}'; allowed: {list(STRATEGIES)}")
        self.strategy, self.width, self.splits = strategy, width, 0
        if strategy == 'vmap':
            begin, train = jax.vmap(begin, in_axes=(0, None)), jax.vmap(train, in_axes=(0, 0, None, None))
        elif strategy == 'map':
            begin, train = self._mapped(begin, train)
        self._begin = jax.jit(begin, compiler_options=_begin_options())
        self._train = jax.jit(train)

    @staticmethod
    def _mapped(begin: Callable, train: Callable) -> tuple[Callable, Callable]:
        def begin_all(lanes: dict, x: jax.Array) -> tuple:
            return jax.lax.map(lambda lane: begin(lane, x), lanes)

        def train_all(lanes: dict, starts: tuple, pool: dict, held: dict) -> dict:
            return jax.lax.map(lambda both: train(*both, pool, held), (lanes, starts))

        return begin_all, train_all

    def _one(self, lanes: dict, pool: dict, held: dict) -> dict:
        return jax.device_get(self._train(lanes, self._begin(lanes, pool['x'][:1]), pool, held))

    def run(self, lanes: list[dict], pool: dict, held: dict) -> list[tuple[dict, float]]:
        """Train every lane; the result of each with the seconds it took (an equal share where lanes run together)."""
        results: list[tuple[dict, float]] = []
        while len(results) < len(lanes):
            began, part = time.perf_counter(), lanes[len(results) :][: 1 if self.strategy == 'loop' else self.width]
            try:
                found = self._together(part, pool, held)
            except jax.errors.JaxRuntimeError as error:
                if 'RESOURCE_EXHAUSTED' not in str(error) or self.width == 1 or self.strategy == 'loop':
                    raise
                self.width, self.splits = self.width // 2, self.splits + 1
                continue
            seconds = (time.perf_counter() - began) / len(part)
            results += [(result, seconds) for result in found]
        return results

    def _together(self, lanes: list[dict], pool: dict, held: dict) -> list[dict]:
        if self.strategy == 'loop':
            return [self._one(lanes[0], pool, held)]
        filled = lanes + lanes[-1:] * (self.width - len(lanes)) if self.strategy == 'vmap' else lanes
        stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *filled)
        together = self._one(stacked, pool, held)
        return [jax.tree.map(lambda leaf, i=i: leaf[i], together) for i in range(len(lanes))]
