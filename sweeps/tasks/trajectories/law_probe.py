"""law_probe: what a model that has learned the next number alone knows of the law, told by a linear probe of its features."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from sweeps.metrics.hits import Probe
from sweeps.metrics.measure import Measure
from sweeps.tasks.arrays import Arrays
from sweeps.tasks.losses import next_token
from sweeps.tasks.trajectories.hidden_law import HiddenLaw

TOLD = 2
"""Places of a target behind the numbers: the law, and the number of the example, which says the half that it is of."""


@dataclasses.dataclass(frozen=True)
class LawProbe(HiddenLaw):
    """Episodes that a model learns number by number, as in task kind trajectories, and is then asked by which law they moved.

    Training never sees a law: the loss is that of the next number, in nats. What is scored is a ridge regression (`Probe`) from
    features of the frozen model to the law, learned on one half of the scored episodes and asked on the other. The features
    are scores, which a head 'next_token' makes of what the last layer says by one product, so that a linear probe sees as much
    in them: their means over all numbers, and those of the last observation. `control` 'shuffled' and 'unlinked' as in kind
    hidden_law, for training and probe alike.

    Source: made by the lab, no licence. Split: 2,048 sealed episodes, the first 512 of them those of the other kinds, and
    `train` + `held` others, no episode on two sides. Metric: share of right answers (higher is better), margin 0.02; chance is
    1 / laws. An untrained model is no zero: a random map of the numbers keeps some of them, and the first point of a run's
    curve is its score. What a least-squares fit of each law gets is `fitted_share`. Reached scores stand beside the tasks in
    ablations/tasks/trajectory_tasks.py.
    """

    NAME, TEST = 'law_probe', 2048

    held: int = 2048

    @property
    def measure(self) -> Measure:
        return Probe()

    def inputs(self, x: jax.Array) -> jax.Array:
        """Stored numbers one place later, behind a 0: `[B, N] -> [B, N]`, int32."""
        return jnp.pad(x[:, :-1].astype(jnp.int32), ((0, 0), (1, 0)))

    def losses(self, scores: jax.Array, y: jax.Array, label_smoothing: jax.Array | None = None) -> tuple[jax.Array, jax.Array]:
        """The loss of each example and its statistics: scores `[B, N, V]`, y `[B, N + 2] -> [B], [B, (1 + C) V + 2]`."""
        loss, _ = next_token(scores, y[:, :-TOLD].astype(jnp.int32), label_smoothing)
        told = scores.astype(jnp.float32)
        last = told[:, -len(self.made.COORDINATES) :].reshape(len(told), -1)
        return loss, jnp.concatenate([told.mean(1), last, y[:, -TOLD:].astype(jnp.float32)], 1)

    def check_scores(self, scores: tuple[int, ...], y: tuple[int, ...]) -> None:
        if len(scores) != 3 or scores[1] != y[1] - TOLD:
            raise ValueError(
                f"task '{self.NAME}': scores {list(scores)}; allowed: [B, {y[1] - TOLD}, V], those of each next number; take "
                "head 'next_token'"
            )

    def _arrays(self, sealed: bool) -> Arrays:
        # Targets are numbers, because integers would be taken for classes.
        numbers = self.numbers(sealed)
        x = numbers.reshape(len(numbers), -1)
        y = np.column_stack([x, self._law(sealed), np.arange(len(x))]).astype(np.float32)
        return Arrays(x, y, np.arange(len(x)), self.SCALE)

    def labels(self) -> int:
        return self.token_count()
