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
from sweeps.training.device import memory_limit
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

    Under vmap the lanes are filled up with copies of the last to a width (see `width_of`), of at most `most`, so that packs of
    many sizes share few compiled programs. Before a width is used the compiled program tells what memory it takes. `splits`
    counts how often lanes did not fit into the device's memory and `most` was lowered. `streamed` says that lanes get their
    batches, instead of indices into examples on the device.
    """

    def __init__(self, training: Training, strategy: str, most: int | None = None, streamed: bool = False):
        if strategy not in STRATEGIES:
            raise ValueError(f"lane strategy '{strategy}'; allowed: {list(STRATEGIES)}")
        self.strategy, self.splits, self.streamed = strategy, 0, streamed
        self.most = LANES[strategy] if most is None else most
        self.fitting: set[int] = set()
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
        results: list[tuple[dict, float]] = [] if snapshot is None else snapshot.results
        if snapshot is not None and snapshot.width < width_of(len(lanes) - len(results), self.most):
            self.most = snapshot.width
        while len(results) < len(lanes):
            width = 1 if self.strategy == 'loop' else width_of(len(lanes) - len(results), self.most)
            part = lanes[len(results) :][:width]
            stacked = self._stacked(part, width)
            if not self._fits(width, stacked, pool):
                snapshot = None
                continue
            flight = _Flight(self, width, stacked, pool, held, results, checkpoints)
            began = time.perf_counter()
            try:
                together = flight.end(snapshot)
            except jax.errors.JaxRuntimeError as error:
                if 'RESOURCE_EXHAUSTED' not in str(error) or width == 1 or self.strategy == 'loop':
                    raise
                self.most, self.splits, snapshot = width // 2, self.splits + 1, None
                continue
            seconds = (flight.spent + time.perf_counter() - began) / len(part)
            for lane in range(len(part)):
                own = together if self.strategy == 'loop' else jax.tree.map(lambda leaf, i=lane: leaf[i], together)
                told = [result['told'] for result, _ in results]
                own['told'] = finish(len(results), own['params'].tree(), own['state'], told) if finish is not None else None
                results.append(({name: own[name] for name in ('curve', 'items', 'left_at', 'told')}, seconds))
            snapshot = None
        return results

    def _stacked(self, lanes: list[dict], width: int) -> dict:
        if self.strategy == 'loop':
            return lanes[0]
        filled = lanes + lanes[-1:] * (width - len(lanes)) if self.strategy == 'vmap' else lanes
        return jax.tree.map(lambda *leaves: np.stack(leaves), *filled)

    def compiled(self, lanes: dict, pool: dict) -> jax.stages.Compiled:
        """The compiled program that trains these stacked lanes, to be asked what it takes."""
        with of_model():
            drawn = self._draw.eval_shape(self.training.drawn_of(lanes), pool['x'][:1])
            return self._advance.lower(lanes, self._start.eval_shape(lanes, *drawn), pool, 0, 0, 1).compile()

    def _fits(self, width: int, lanes: dict, pool: dict) -> bool:
        """Whether so many lanes fit into the device's memory, by the compiled program; lowers `most` where they don't."""
        limit = memory_limit()
        if self.strategy != 'vmap' or self.streamed or limit is None or width == 1 or width in self.fitting:
            return True
        if bytes_needed(self.compiled(lanes, pool)) <= limit:
            self.fitting.add(width)
            return True
        self.most, self.splits = width // 2, self.splits + 1
        return False


def width_of(count: int, most: int) -> int:
    """The number of lanes of a program for so many trials: a power of four, so that a study compiles few of them.

    >>> [width_of(count, most=256) for count in (1, 3, 12, 50)], width_of(50, most=8)
    ([1, 4, 16, 64], 8)
    """
    width = 1
    while width < min(count, most):
        width *= 4
    return min(width, most)


def bytes_needed(program: jax.stages.Compiled) -> int:
    """The memory that a compiled program takes while it runs: what it is given, what it gives, and what lies between."""
    memory = program.memory_analysis()
    given = memory.argument_size_in_bytes + memory.output_size_in_bytes - memory.alias_size_in_bytes
    return given + memory.temp_size_in_bytes


class _Flight:
    """Lanes that run at the same time, from their beginning or from a snapshot to their end."""

    def __init__(self, population: Population, width: int, lanes: dict, pool: dict, held: dict, results: list, checkpoints):
        self.population, self.width, self.results, self.checkpoints = population, width, results, checkpoints
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
                    for first in range(self.step, stop, training.chunk or stop):
                        carry = population._advance(self.lanes, carry, source, origin, first, stop)
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
        return Snapshot(self.results, jax.tree.leaves(carry), self.seen, self.step, self.width, self.spent)
