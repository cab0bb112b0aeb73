"""trajectories: things that move by a law as a language, number by number."""

import dataclasses

import numpy as np

from sweeps.tasks.byte_sequences import ByteSequences
from sweeps.tasks.trajectories.readings import chances, entropy
from sweeps.tasks.trajectories.tracked import Tracked


@dataclasses.dataclass(frozen=True)
class NextNumbers(Tracked, ByteSequences):
    """Causal modelling of the coordinates of things that move, one byte a number (docs/trajectories.md).

    Fields, and what an episode is: `Tracked`. Each number is told from all numbers before it, the first ones from none, so that
    the bits of an observation are those of its numbers.

    Source: made by the lab, no licence. Split: 512 sealed episodes, `train` + `held` others, no episode on two sides. Metric:
    bits per number, which is a raw byte (lower is better), margin 0.02; chance is `bits`. Who knows where everything is needs
    `least_bits` for the noise alone: the floor, which nobody reaches who has to find out. What extrapolation needs is said by
    `archlab data reference`; reached scores stand beside the tasks in ablations/tasks/trajectory_tasks.py.
    """

    NAME = 'trajectories'

    def sequences(self, sealed: bool) -> tuple[np.ndarray, np.ndarray]:
        numbers = self.numbers(sealed)
        return numbers.reshape(len(numbers), -1), np.arange(len(numbers))

    def least_bits(self, sealed: bool = True) -> float:
        """Bits per number of who knows each coordinate and not its noise, on the sealed episodes or on the pool."""
        known = self.readings(sealed)
        told = [
            np.take_along_axis(chances(exact, self.noise, self.bits), levels[..., None].astype(int), -1)
            for exact, levels in zip(known.exact, known.levels, strict=True)
        ]
        return max(float(-np.log2(np.stack(told)).mean()), 0.0)

    def noise_bits(self, sealed: bool = True) -> float:
        """The same as an expectation over the noise: the entropy of the level of a coordinate that is known."""
        return float(np.mean([entropy(exact, self.noise, self.bits).mean() for exact in self.readings(sealed).exact]))
