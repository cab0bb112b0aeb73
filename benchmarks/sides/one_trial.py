"""One trial: a process that trains one model by the lab's program and ends, like a script for each trial."""

import json
import sys

import jax
import numpy as np

from arch.model import build
from benchmarks.body import KNOBS
from sweeps.tasks.batch_order import batch_order
from sweeps.tasks.digits import Digits
from sweeps.training.loop import make_training
from sweeps.training.population import Population, strategy_for
from sweeps.training.splits import tuning_split


def train(model: dict, steps: int, batch: int, seed: int) -> float:
    """Train a model on the digits; its last score on the tuning split."""
    task = Digits()
    split = tuning_split(task, 'peers', 'digits', 0, task.pool())
    training = make_training(build(model), task, 'adamw', steps, batch, 1)
    order = batch_order(seed, split.train, steps, batch)
    lane = {'seed': np.uint32(seed), 'order': order, 'knobs': {name: np.float32(value) for name, value in KNOBS.items()}}
    pool, held = jax.device_put([{'x': part.x, 'y': part.y} for part in (split.pool, split.held)])
    ((result, _),) = Population(training, strategy_for(jax.default_backend())).run([lane], pool, held)
    return float(result['curve']['score'][-1])


if __name__ == '__main__':
    print(train(**json.loads(sys.argv[1])))
