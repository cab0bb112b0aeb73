"""Population: many lanes of one training program, run by the platform's lane strategy.

    loop   one lane after the other through one compiled program; on CPU, where each worker process has one core
    map    the same inside one compiled program (lax.map)
    vmap   all lanes at once; on GPU and TPU, and wherever a worker has several devices (sweeps/training/layout.py)

Lanes are independent whatever the strategy: a lane's numbers do not depend on its neighbours, nor on where a run was cut.
"""

import functools
import time
from collections.abc import Callable, Sequence

import jax
import numpy as np

from sweeps.metrics.measure import Scored
from sweeps.protocol.pack import LANES
from sweeps.training.checkpoints import Checkpoints, Snapshot
from sweeps.training.device import memory_limit, on_host
from sweeps.training.faults import lacks_memory, of_model
from sweeps.training.lane_programs import LanePrograms
from sweeps.training.layout import Layout, layouts
from sweeps.training.loop import Training
from sweeps.training.pauses import Pauses
from sweeps.training.stream import Stream

STRATEGIES = ('loop', 'map', 'vmap')


def strategy_for(platform: str, devices: int = 1) -> str:
    """The lane strategy of a worker with so many devices of a platform (cpu, gpu, tpu)."""
    return 'loop' if platform == 'cpu' and devices == 1 else 'vmap'


class Population:
    """A training run (see `sweeps.training.loop`) compiled under a strategy, for as many lanes at a time as fit.

    Under vmap the lanes are filled up with copies of the last to a width (see `width_of`), of at most `most`, so that packs of
    many sizes share few compiled programs. With several `devices` they lie on these by the first layout that fits. What fits
    the compiled programs tell. `splits` counts how often lanes did not fit and `most` was lowered. `streamed` says that lanes
    get their batches, instead of indices into examples on the device.
    """

    def __init__(
        self,
        training: Training,
        strategy: str,
        most: int | None = None,
        streamed: bool = False,
        devices: Sequence[jax.Device] = (),
    ):
        if strategy not in STRATEGIES:
            raise ValueError(f"lane strategy '{strategy}'; allowed: {list(STRATEGIES)}")
        self.strategy, self.splits, self.streamed = strategy, 0, streamed
        self.most = LANES[strategy] if most is None else most
        self.training = training
        self.devices = tuple(devices) if strategy == 'vmap' and len(devices) > 1 else ()
        self.chosen: dict[int, LanePrograms] = {}
        self._made: dict[Layout | None, LanePrograms] = {}

    def programs(self, layout: Layout | None = None) -> LanePrograms:
        """The programs on one device, or over a layout; made once."""
        if layout not in self._made:
            training = self.training if layout is None else self.training.over(layout)
            self._made[layout] = LanePrograms(training, self.strategy, self.streamed, layout)
        return self._made[layout]

    @property
    def layout(self) -> Layout | None:
        """The layout of the programs that were used last."""
        return list(self.chosen.values())[-1].layout if self.chosen else None

    def run(
        self,
        lanes: list[dict],
        pool: dict,
        held: dict,
        checkpoints: Checkpoints | None = None,
        finish: Callable[[int, dict, dict, list], str | None] | None = None,
        measured: Callable[[int, np.ndarray, bool], Scored] | None = None,
        pauses: Pauses | None = None,
        until: int = 0,
    ) -> list[tuple[dict, float]]:
        """Train every lane; the result of each with the seconds it took (an equal share where lanes run together).

        A result has `curve`, `items` and `left_at`. The curve has, at every evaluation point, the loss and score on `held`,
        the score's standard error and the mean training loss since the last point; if `held` has domains, also `parts` [points,
        domains]. `items` [n] is the metric of each example of `held` at the last point.
        `left_at` is the step at which the run left the finite numbers, or -1. With checkpoints, the work of an interrupted call
        is not repeated. `finish(lane, params, state, told)` gets the trained parameters of each lane, and what it told of the
        lanes before. What it tells is the result's `told`; it is not asked again for a lane that a checkpoint holds.
        Lanes go on from their `pauses`, where all that run together have one. With a step `until` above 0 they stop there, and
        leave a pause each. The curve ends with the scores there, and items are not a score of anything.
        `measured(lane, statistics, last)` makes a lane's score where evaluation gives statistics, at the last point or before.
        """
        snapshot = checkpoints.latest() if checkpoints else None
        results: list[tuple[dict, float]] = [] if snapshot is None else snapshot.results
        if snapshot is not None and snapshot.width < width_of(len(lanes) - len(results), self.most):
            self.most = snapshot.width
        while len(results) < len(lanes):
            width = 1 if self.strategy == 'loop' else width_of(len(lanes) - len(results), self.most)
            part = lanes[len(results) :][:width]
            stacked = self._stacked(part, width)
            programs = self._choose(width, stacked, pool)
            if programs is None:
                self._lower(width)
                snapshot = None
                continue
            scorer = measured and functools.partial(
                _of_lanes, measured, self.strategy, range(len(results), len(results) + len(part))
            )
            flight = _Flight(self, programs, width, stacked, pool, held, results, checkpoints, scorer, until)
            began = time.perf_counter()
            if snapshot is None and pauses is not None:
                own_pauses = pauses.load(range(len(results), len(results) + len(part)))
                snapshot = own_pauses and self._together(own_pauses, width)
            try:
                together = flight.end(snapshot)
            except (jax.errors.JaxRuntimeError, MemoryError) as error:
                if not lacks_memory(error) or width == 1 or self.strategy == 'loop':
                    raise
                self._lower(width)
                snapshot = None
                continue
            seconds = (flight.spent + time.perf_counter() - began) / len(part)
            for lane in range(len(part)):
                own = together if self.strategy == 'loop' else jax.tree.map(lambda leaf, i=lane: leaf[i], together)
                told = [result['told'] for result, _ in results]
                own['told'] = finish(len(results), own['params'].tree(), own['state'], told) if finish is not None else None
                if until and pauses is not None and jax.process_count() == 1:
                    pauses.save(len(results), flight.pause(None if self.strategy == 'loop' else lane, seconds))
                results.append(({name: own[name] for name in ('curve', 'items', 'left_at', 'told')}, seconds))
            snapshot = None
        return results

    def _stacked(self, lanes: list[dict], width: int) -> dict:
        if self.strategy == 'loop':
            return lanes[0]
        filled = lanes + lanes[-1:] * (width - len(lanes)) if self.strategy == 'vmap' else lanes
        return jax.tree.map(lambda *leaves: np.stack(leaves), *filled)

    def _together(self, pauses: list[Snapshot], width: int) -> Snapshot:
        """The pauses of lanes that run at the same time as one; a program's further lanes are copies of the last."""
        if self.strategy == 'loop':
            return pauses[0]
        filled = pauses + pauses[-1:] * (width - len(pauses)) if self.strategy == 'vmap' else pauses

        def stacked(*leaves: np.ndarray) -> np.ndarray:
            return np.stack(leaves)

        carry = jax.tree.map(stacked, *(one.carry for one in filled))
        seen = jax.tree.map(stacked, *(one.seen for one in filled))
        return Snapshot([], carry, seen, pauses[0].step, width, sum(one.spent for one in pauses))

    def _lower(self, width: int) -> None:
        self.most, self.splits = width // 2, self.splits + 1

    def _choose(self, width: int, lanes: dict, pool: dict) -> LanePrograms | None:
        """The programs that train so many lanes: of the layouts the first that fits into the devices' memory, or None.

        Raises ValueError where a single lane fits by none.
        """
        if width not in self.chosen:
            limit = memory_limit() if self.strategy == 'vmap' and not self.streamed else None
            needed = {}
            for layout in layouts(self.devices, width) if self.devices else [None]:
                programs = self.programs(layout)
                needed[layout] = 0 if limit is None else programs.bytes_needed(programs.placed(lanes), pool)
                if limit is None or needed[layout] <= limit:
                    self.chosen[width] = programs
                    break
            else:
                if width == 1:
                    raise ValueError(too_large(min(needed.values()), limit, max(len(self.devices), 1)))
                return None
        return self.chosen[width]


def too_large(needed: int, limit: int, devices: int) -> str:
    """The error for a lane that does not fit."""
    each = f'each of {devices} devices, over which its parameters and its batch are spread' if devices > 1 else 'a device'
    return (
        f'a lane takes {needed / 1e9:.3g} GB of {each}; allowed: {limit / 1e9:.3g} GB; give a worker more devices (--devices, '
        "or --gpus of a cluster), make the batch or the model smaller, or put('body.remat', True) and "
        "put('body.compute', 'bfloat16')"
    )


def width_of(count: int, most: int) -> int:
    """The number of lanes of a program for so many trials: a power of four, so that a study compiles few of them.

    >>> [width_of(count, most=256) for count in (1, 3, 12, 50)], width_of(50, most=8)
    ([1, 4, 16, 64], 8)
    """
    width = 1
    while width < min(count, most):
        width *= 4
    return min(width, most)


class _Flight:
    """Lanes that run at the same time, from their beginning or from a snapshot to their end."""

    def __init__(
        self,
        population: Population,
        programs: LanePrograms,
        width: int,
        lanes: dict,
        pool: dict,
        held: dict,
        results: list,
        checkpoints: Checkpoints | None,
        scorer: Callable[[np.ndarray, bool], dict] | None = None,
        until: int = 0,
    ):
        self.scorer, self.until = scorer, until
        self.population, self.programs, self.width = population, programs, width
        self.results, self.checkpoints = results, checkpoints
        self.order, self.pool, self.held = lanes['order'], pool, held
        lanes = {name: part for name, part in lanes.items() if not population.streamed or name != 'order'}
        self.lanes = programs.placed(lanes)
        self.step, self.spent, self.seen = 0, 0.0, []

    def end(self, snapshot: Snapshot | None) -> dict:
        """Train to the end: curve, items, left_at, params and state, on the host."""
        population, programs, training = self.population, self.programs, self.population.training
        drawn, viewed = training.drawn_of(self.lanes), training.has_views(self.lanes)
        points = (*(p for p in training.points if p < self.until), self.until) if self.until else training.points
        began, before = time.perf_counter(), 0.0
        with of_model():
            carry = programs.begin(self.lanes, self.pool['x'][:1])
        if snapshot is not None:
            saved = jax.tree.unflatten(jax.tree.structure(carry), snapshot.carry)
            carry = saved if programs.layout is None else jax.tree.map(_where_is, saved, carry)
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
                        carry = programs.advance(self.lanes, carry, source, origin, first, stop)
                self.step = stop
            if self.step == point:
                views = programs.view(self.lanes, carry) if viewed else {'': carry['params']}
                seen = {'train_loss': carry['total']}
                for name, params in views.items():
                    with of_model():
                        own = programs.evaluate(drawn, params, carry['state'], self.held)
                    if self.scorer is not None:
                        own = on_host(own)
                        own |= self.scorer(own.pop('statistics'), point == training.points[-1])
                    # Beside the weights, of an average only how good it is.
                    seen |= {f'{part}{name}': own[part] for part in (own if not name else ('loss', 'score'))}
                if point != training.points[-1]:
                    # Of single examples only what is seen last is kept.
                    del seen['items']
                seen = on_host(seen)
                self.seen.append(
                    {**seen, 'train_loss': seen['train_loss'] / np.float32(point % training.stride or training.stride)}
                )
            if self.checkpoints and self.step:
                self.spent = before + time.perf_counter() - began
                self.checkpoints.offer(self._snapshot(carry))
        self.spent = before
        axis = 0 if population.strategy == 'loop' else 1
        curve = {name: np.stack([point[name] for point in self.seen], axis) for name in self.seen[0]}
        last = {name: carry[name] for name in ('params', 'state', 'left', 'initial')}
        if viewed:
            last['params'] = programs.view(self.lanes, carry)['']
        last = on_host(last)
        curve['train_loss'][..., 0] = last['initial']
        ended = {'params': last['params'], 'state': last['state'], 'left_at': last['left']}
        if self.until:
            self.carry = on_host(jax.tree.leaves(carry))
            return {'curve': curve, 'items': np.full((*last['left'].shape, 1), np.nan, np.float32), **ended}
        return {'curve': curve, 'items': self.seen[-1]['items'], **ended}

    def pause(self, lane: int | None, seconds: float) -> Snapshot:
        """The state at the stop: of one lane of several, or of the only one. It has only what the whole run sees too."""

        def own(leaf: np.ndarray) -> np.ndarray:
            return leaf if lane is None else leaf[lane]

        seen = self.seen[: sum(point <= self.until for point in self.population.training.points)]
        return Snapshot([], jax.tree.map(own, self.carry), jax.tree.map(own, seen), self.until, 1, seconds)

    def _snapshot(self, carry: dict) -> Snapshot:
        return Snapshot(self.results, jax.tree.leaves(carry), self.seen, self.step, self.width, self.spent)


def _of_lanes(measured: Callable, strategy: str, lanes: range, statistics: np.ndarray, last: bool) -> dict:
    """Score, its standard error and items by the statistics `[n, S]` of one lane, or `[lanes, n, S]` of several.

    Lanes that fill up a program are copies of the last lane; it is measured once.
    """
    rows = [statistics] if strategy == 'loop' else statistics
    own = [measured(lane, rows[number], last) for number, lane in enumerate(lanes)]
    own += own[-1:] * (len(rows) - len(own))
    stacked = {
        'score': np.array([one.score for one in own], np.float32),
        'score_se': np.array([one.error for one in own], np.float32),
        'items': np.stack([one.items for one in own]).astype(np.float32),
    }
    return {name: leaf[0] for name, leaf in stacked.items()} if strategy == 'loop' else stacked


def _where_is(values: np.ndarray, made: jax.Array) -> jax.Array:
    return jax.device_put(values, made.sharding)
