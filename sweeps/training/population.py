"""Population: many lanes of one training program, run by the platform's lane strategy.

    loop   one lane after the other through one compiled program; on CPU, where each worker process has one core
    map    the same inside one compiled program (lax.map)
    vmap   all lanes at once; on GPU and TPU

Lanes are independent whatever the strategy: a lane's numbers do not depend on its neighbours, nor on where a run was cut.
"""

import time
from collections.abc import Callable

import jax
import numpy as np

from sweeps.protocol.pack import LANES
from sweeps.training.checkpoints import Checkpoints, Snapshot
from sweeps.training.faults import of_model
from sweeps.training.loop import Training
from sweeps.training.stream import Stream

STRATEGIES = ('loop', 'map', 'vmap')


def strategy_for(platform: str) -> str:
    """The lane strategy of a platform (cpu, gpu, tpu)."""
    return 'loop' if platform == 'cpu' else 'vmap'


def _once() -> dict | None:
    # What runs once, before the first step: on CPU it is cheaper to compile it fast than to run it fast.
    return {'xla_backend_optimization_level': 0} if jax.default_backend() == 'cpu' else None


class Population:
    """The compiled form of a training run (see `sweeps.training.loop`) under a strategy.

    Under vmap every call has `width` lanes, filled up with copies of the last, so that packs of any size share one compiled
    program. `splits` counts how often lanes did not fit into the device's memory and the width was halved. `streamed` says that
    lanes get their batches, instead of indices into examples on the device.
    """

    def __init__(self, training: Training, strategy: str, width: int = LANES, streamed: bool = False):
        if strategy not in STRATEGIES:
            raise ValueError(f"lane strategy '{strategy}'; allowed: {list(STRATEGIES)}")
        self.strategy, self.width, self.splits, self.streamed = strategy, width, 0, streamed
        self.training = training
        source = 0 if self.streamed else None
        # The functions, and which of their arguments have an axis of lanes.
        self._draw = jax.jit(self._lanes(training.draw, (0, None)), compiler_options=_once())
        self._start = jax.jit(self._lanes(training.start, (0, 0, 0)), compiler_options=_once())
        self._advance = jax.jit(self._lanes(training.advance, (0, 0, source, None, None, None)), donate_argnums=1)
        self._evaluate = jax.jit(self._lanes(training.evaluate, (0, 0, 0, None)))

    def _begin(self, lanes: dict, x: jax.Array) -> dict:
        return self._start(lanes, *self._draw(self.training.drawn_of(lanes), x))

    def _lanes(self, function: Callable, axes: tuple) -> Callable:
        if self.strategy == 'loop':
            return function
        if self.strategy == 'vmap':
            return jax.vmap(function, in_axes=axes)

        def mapped(*given: object) -> object:
            own = [value for value, axis in zip(given, axes, strict=True) if axis == 0]

            def one(lane: list) -> object:
                lane = iter(lane)
                return function(*(next(lane) if axis == 0 else value for value, axis in zip(given, axes, strict=True)))

            return jax.lax.map(one, own)

        return mapped

    def run(
        self,
        lanes: list[dict],
        pool: dict,
        held: dict,
        checkpoints: Checkpoints | None = None,
        finish: Callable[[int, dict, dict, list], str | None] | None = None,
    ) -> list[tuple[dict, float]]:
        """Train every lane; the result of each with the seconds it took (an equal share where lanes run together).

        A result has `curve`, `items` and `left_at`. The curve has, at every evaluation point, the loss and score on `held`,
        the score's standard error and the mean training loss since the last point; if `held` has domains, also `parts` [points,
        domains]. `items` [n] is the metric of each example of `held` at the last point.
        `left_at` is the step at which the run left the finite numbers, or -1. With checkpoints, the work of an interrupted call
        is not repeated. `finish(lane, params, state, told)` gets the trained parameters of each lane, and what it told of the
        lanes before. What it tells is the result's `told`; it is not asked again for a lane that a checkpoint holds.
        """
        snapshot = checkpoints.latest() if checkpoints else None
        results: list[tuple[dict, float]] = []
        if snapshot is not None:
            results, self.width = snapshot.results, snapshot.width
        while len(results) < len(lanes):
            part = lanes[len(results) :][: 1 if self.strategy == 'loop' else self.width]
            flight = _Flight(self, self._stacked(part), pool, held, results, checkpoints)
            began = time.perf_counter()
            try:
                together = flight.end(snapshot)
            except jax.errors.JaxRuntimeError as error:
                if 'RESOURCE_EXHAUSTED' not in str(error) or self.width == 1 or self.strategy == 'loop':
                    raise
                self.width, self.splits, snapshot = self.width // 2, self.splits + 1, None
                continue
            seconds = (flight.spent + time.perf_counter() - began) / len(part)
            for lane in range(len(part)):
                own = together if self.strategy == 'loop' else jax.tree.map(lambda leaf, i=lane: leaf[i], together)
                told = [result['told'] for result, _ in results]
                own['told'] = finish(len(results), own['params'].tree(), own['state'], told) if finish is not None else None
                results.append(({name: own[name] for name in ('curve', 'items', 'left_at', 'told')}, seconds))
            snapshot = None
        return results

    def _stacked(self, lanes: list[dict]) -> dict:
        if self.strategy == 'loop':
            return lanes[0]
        filled = lanes + lanes[-1:] * (self.width - len(lanes)) if self.strategy == 'vmap' else lanes
        return jax.tree.map(lambda *leaves: np.stack(leaves), *filled)


class _Flight:
    """Lanes that run at the same time, from their beginning or from a snapshot to their end."""

    def __init__(self, population: Population, lanes: dict, pool: dict, held: dict, results: list, checkpoints):
        self.population, self.results, self.checkpoints = population, results, checkpoints
        self.order, self.pool, self.held = lanes['order'], pool, held
        self.lanes = {name: part for name, part in lanes.items() if not population.streamed or name != 'order'}
        self.step, self.spent, self.seen = 0, 0.0, []

    def end(self, snapshot: Snapshot | None) -> dict:
        """Train to the end: curve, items, left_at, params and state, on the host."""
        population, training = self.population, self.population.training
        drawn, points = training.drawn_of(self.lanes), training.points
        began, before = time.perf_counter(), 0.0
        with of_model():
            carry = population._begin(self.lanes, self.pool['x'][:1])
        if snapshot is not None:
            carry = jax.tree.unflatten(jax.tree.structure(carry), snapshot.carry)
            self.step, self.seen, before = snapshot.step, snapshot.seen, snapshot.spent
        if self.checkpoints:
            self.checkpoints.begin(self.step)
        stream = Stream(self.pool, self.order, self.step) if population.streamed else None
        while len(self.seen) < len(points):
            point = points[len(self.seen)]
            if self.step < point:
                source, origin, stop = stream.at(self.step) if stream else (self.pool, 0, point)
                stop = min(stop, point, self.step + self.checkpoints.stretch() if self.checkpoints else point)
                with of_model():
                    carry = population._advance(self.lanes, carry, source, origin, self.step, stop)
                self.step = stop
            if self.step == point:
                with of_model():
                    seen = population._evaluate(drawn, carry['params'], carry['state'], self.held)
                if len(self.seen) + 1 < len(points):
                    # Of single examples only what is seen last is kept.
                    del seen['items']
                seen = jax.device_get({**seen, 'train_loss': carry['total']})
                self.seen.append({**seen, 'train_loss': seen['train_loss'] / np.float32(training.stride)})
            if self.checkpoints and self.step:
                self.spent = before + time.perf_counter() - began
                self.checkpoints.offer(self._snapshot(carry))
        self.spent = before
        axis = 0 if population.strategy == 'loop' else 1
        curve = {name: np.stack([point[name] for point in self.seen], axis) for name in self.seen[0]}
        last = jax.device_get({name: carry[name] for name in ('params', 'state', 'left', 'initial')})
        curve['train_loss'][..., 0] = last['initial']
        ended = {'params': last['params'], 'state': last['state'], 'left_at': last['left']}
        return {'curve': curve, 'items': self.seen[-1]['items'], **ended}

    def _snapshot(self, carry: dict) -> Snapshot:
        return Snapshot(self.results, jax.tree.leaves(carry), self.seen, self.step, self.population.width, self.spent)
