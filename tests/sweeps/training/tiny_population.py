"""A training run that compiles in seconds, under every strategy: all tests of how lanes run share its programs."""

import dataclasses
import functools
from collections.abc import Callable

import jax
import numpy as np

from ablations.tasks import bases
from arch.model import build
from sweeps.tasks.batch_order import batch_order
from sweeps.tasks.digits import Digits
from sweeps.training.checkpoints import Checkpoints
from sweeps.training.loop import make_training
from sweeps.training.population import Population

STEPS, BATCH, LANES = 12, 8, 3
TASK = Digits(train=96, held=32)
CONFIG = bases.vit(outputs=10, patch=4, length=4, width=8, depth=1, heads=2) | {
    'position': {'kind': 'none'},
    'block': {'kind': 'one_branch'},
    'mixer': {'kind': 'identity'},
    'channel': {'kind': 'mlp', 'ratio': 1.0},
}


@dataclasses.dataclass(frozen=True, eq=False)
class TinyPopulation:
    """Tiny programs with their data; `run` trains lanes of (seed, learning rate) by a strategy."""

    pool: dict
    held: dict
    train: np.ndarray

    @functools.cache  # noqa: B019 (it lives as long as the session)
    def population(self, strategy: str, streamed: bool = False, norm: str = 'layer_norm') -> Population:
        """The program of a strategy, compiled once; `batch_norm` has a state beside the parameters.

        Batch norms take away the biases before them: those have slopes of rounding alone, of which Adam makes whole steps.
        So programs with batch norms are no measure of each other.
        """
        config = CONFIG | {'norm': {**CONFIG['norm'], 'kind': norm}}
        training = make_training(build(config), TASK, 'adamw', STEPS, BATCH, 2, streamed)
        return Population(training, strategy, LANES, streamed)

    def lane(self, seed: int, lr: float, **knobs: float) -> dict:
        knobs = {'lr': lr, 'weight_decay': 1e-2, 'init_scale': 1.0, **knobs}
        order = batch_order(seed, self.train, STEPS, BATCH)
        return {'seed': np.uint32(seed), 'order': order, 'knobs': {k: np.float32(v) for k, v in knobs.items()}}

    def run(
        self,
        strategy: str,
        lanes: list[dict],
        checkpoints: Checkpoints | None = None,
        finish: Callable | None = None,
        population: Population | None = None,
    ) -> list[dict]:
        """The results of lanes, in the population of the strategy unless another is given."""
        population = population or self.population(strategy)
        ended = population.run(lanes, self.pool, self.held, checkpoints, finish)
        assert all(seconds > 0 for _, seconds in ended)
        return [result for result, _ in ended]


def tiny_population() -> TinyPopulation:
    pool = TASK.pool()
    inside, held = TASK.split(pool, 0)
    return TinyPopulation({'x': pool.x, 'y': pool.y}, {'x': pool.x[held], 'y': pool.y[held]}, inside)


def same_bits(one: object, other: object) -> bool:
    """Whether two trees hold the same numbers to the last bit."""
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return all(np.asarray(a).tobytes() == np.asarray(b).tobytes() for a, b in pairs)
