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

STRATEGIES = ('loop', 'map', 'vmap')


def strategy_for(platform: str) -> str:
    """The lane strategy of a platform (cpu, gpu, tpu)."""
    return 'loop' if platform == 'cpu' else 'vmap'


def _begin_options() -> dict | None:
    # Drawing parameters runs once: on CPU it is cheaper to compile it fast than to run it fast.
    return {'xla_backend_optimization_level': 0} if jax.default_backend() == 'cpu' else None


class Population:
    """The compiled form of `begin` and `train` (see `sweeps.trial`) under a strategy.

    `splits` counts how often lanes did not fit the device's memory and ran in halves.
    """

    def __init__(self, begin: Callable, train: Callable, strategy: str):
        if strategy not in STRATEGIES:
            raise ValueError(f"lane strategy '{strategy}'; allowed: {list(STRATEGIES)}")
        self.strategy = strategy
        self.splits = 0
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

    def run(self, lanes: list[dict], pool: dict, held: dict, on_lane: Callable = lambda: None) -> list[tuple[dict, float]]:
        """Train every lane; the result of each with the seconds it took (an equal share where lanes run together).

        `on_lane` is called as lanes finish. Where the lanes do not fit the device's memory they run in halves.
        """
        if self.strategy == 'loop':
            results = []
            for lane in lanes:
                began = time.perf_counter()
                results.append((self._one(lane, pool, held), time.perf_counter() - began))
                on_lane()
            return results
        began = time.perf_counter()
        try:
            stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *lanes)
            together = self._one(stacked, pool, held)
        except jax.errors.JaxRuntimeError as error:
            if 'RESOURCE_EXHAUSTED' not in str(error) or len(lanes) == 1:
                raise
            self.splits += 1
            half = len(lanes) // 2
            return self.run(lanes[:half], pool, held, on_lane) + self.run(lanes[half:], pool, held, on_lane)
        seconds = (time.perf_counter() - began) / len(lanes)
        for _ in lanes:
            on_lane()
        return [(jax.tree.map(lambda leaf, i=i: leaf[i], together), seconds) for i in range(len(lanes))]
