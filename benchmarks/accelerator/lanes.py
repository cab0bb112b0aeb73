"""Lanes: training steps a second of the tiny bodies with 1 to 256 trials side by side in one program."""

import time

import jax
import numpy as np

from ablations.tasks import TASKS
from arch.model import build
from benchmarks.measured import Measured
from sweeps.tasks.batch_order import batch_order
from sweeps.training.loop import make_training
from sweeps.training.population import Population, strategy_for
from sweeps.training.preflight import task_of
from sweeps.training.splits import tuning_split

NEEDS, SECONDS = ('ml_collections',), 150
BODIES = ('digits', 'stdlib_bytes', 'recall')
WIDTHS, STEPS = (1, 4, 16, 64, 256), 64
AGREE = 1e-5
"""The largest relative difference of the first losses of a lane with and without neighbours."""


class Bench:
    """The lab's own training program of a task, under a strategy."""

    def __init__(self, name: str, steps: int):
        task = TASKS[name]
        self.data, self.steps, self.batch = task_of(task.data), steps, task.batch
        self.split = tuning_split(self.data, 'bench', name, 0, self.data.pool())
        self.training = make_training(build(task.base), self.data, 'adamw', steps, task.batch, 1)
        self.pool, self.held = ({'x': part.x, 'y': part.y} for part in (self.split.pool, self.split.held))

    def lanes(self, count: int) -> list[dict]:
        knobs = {'lr': np.float32(1e-3), 'weight_decay': np.float32(1e-2)}
        orders = [batch_order(seed, self.split.train, self.steps, self.batch) for seed in range(count)]
        return [{'seed': np.uint32(seed), 'order': order, 'knobs': knobs} for seed, order in enumerate(orders)]

    def measure(self, strategy: str, width: int) -> tuple[dict, list[dict]]:
        """Lane-steps a second, seconds of the first call (which compiles), and the curve of each lane."""
        population, times = Population(self.training, strategy, width), []
        pool, held = jax.device_put((self.pool, self.held))
        lanes = self.lanes(width)
        for _ in range(3):
            began = time.perf_counter()
            results = population.run(lanes, pool, held)
            times.append(time.perf_counter() - began)
        rate = width * self.steps / min(times[1:])
        measured = {'lane_steps': rate, 'first_call': times[0], 'splits': population.splits, 'most': population.most}
        return measured, [result['curve'] for result, _ in results]


def run(told: Measured, tiny: bool) -> None:
    """Each body at each number of lanes, and whether the first lane is what it is alone."""
    strategy = 'vmap' if tiny else strategy_for('gpu')
    for name in BODIES[2:] if tiny else BODIES:
        bench, alone = Bench(name, 4 if tiny else STEPS), None
        for width in WIDTHS[:2] if tiny else WIDTHS:
            measured, curves = bench.measure(strategy, width)
            first = float(curves[0]['loss'][0])
            alone = alone or {'rate': measured['lane_steps'], 'loss': first}
            apart = abs(first - alone['loss']) / abs(alone['loss'])
            times = measured['lane_steps'] / alone['rate']
            told.add(
                f'{name}, {width} lanes', strategy=strategy, times_one=times, apart=apart, agrees=apart <= AGREE, **measured
            )
