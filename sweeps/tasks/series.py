"""series: classes of time series of a prepared set."""

import dataclasses

import jax
import numpy as np

from sweeps.datasets.prepared import Part
from sweeps.tasks.arrays import Arrays, split_by_group
from sweeps.tasks.losses import classification
from sweeps.tasks.set_kind import SetKind


@dataclasses.dataclass(frozen=True)
class Series(SetKind):
    """Classification of univariate time series of equal length over a prepared set, such as one of the UCR archive.

    Source: the UCR Time Series Classification Archive, 2018 (www.cs.ucr.edu/~eamonn/time_series_data_2018; to be cited, no
    licence stated). Test split: the official one. Of the others each replicate draws `held` for tuning-validation and
    `train` for training (0: all others), equal series on one side. The model sees a series [N, 1] as it is stored: most sets
    of the archive have mean 0 and deviation 1 each. Metric: accuracy (share, higher is better); chance 1 / classes. The
    archive's usual reference is the nearest neighbour; figures stand beside each task in ablations/tasks/sound_tasks.py.
    """

    dataset: str = 'synthetic_control'
    train: int = 0
    held: int = 20

    NAME, METRIC = 'series', ('accuracy', 'higher')
    CLASSES, SETS = True, ('series',)

    losses = staticmethod(classification)

    def declared(self) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct((1, *self.entry().shape), np.float32)

    def inputs(self, x: jax.Array) -> jax.Array:
        """Stored series with a channel: `[B, N] -> [B, N, 1]`."""
        return x[..., None]

    def pool(self) -> Arrays:
        return _arrays(self.prepared.pool())

    def test(self) -> Arrays:
        return _arrays(self.prepared.test())

    def split(self, pool: Arrays, seed: int) -> tuple[np.ndarray, np.ndarray]:
        return split_by_group(pool, seed, self.held, self.train)


def _arrays(part: Part) -> Arrays:
    return Arrays(part.x, part.y, part.group)
