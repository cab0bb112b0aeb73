"""hidden_law: by which law something moves, from where it was seen."""

import dataclasses

import numpy as np

from ablations.seeds import derive
from sweeps.tasks.arrays import Arrays
from sweeps.tasks.losses import answers
from sweeps.tasks.trajectories.readings import places
from sweeps.tasks.trajectories.tracked import Tracked


@dataclasses.dataclass(frozen=True)
class HiddenLaw(Tracked):
    """The law of an episode, one of the `laws` of its motion, asked at its last number (docs/trajectories.md).

    Fields, and what an episode is: `Tracked`. Constants and start are drawn alike for all laws (`Motion`), so that only the way
    from there on tells. Where `control` is 'unlinked' the answers are drawn by themselves, and there is nothing to learn; in
    'shuffled' episodes only the places are left that were passed, which tell some of it.

    Source: made by the lab, no licence. Split: 512 sealed episodes, `train` + `held` others, no episode on two sides: those of
    task kind trajectories with the same motion, events, bits and noise. Metric: share of right answers (higher is better),
    margin 0.02; chance is 1 / laws. What a least-squares fit of each law gets is `fitted_share`, where the motion has one;
    reached scores stand beside the tasks in ablations/tasks/trajectory_tasks.py.
    """

    NAME, METRIC = 'hidden_law', ('accuracy', 'higher')
    CONTROLS = ('', 'shuffled', 'unlinked')

    losses = staticmethod(answers)

    def __post_init__(self):
        super().__post_init__()
        if len(self.made.laws) < 2:
            raise ValueError(
                f"task '{self.NAME}': laws={list(self.made.laws)} of motion '{self.motion['kind']}'; allowed: two or more of "
                f'{list(self.made.LAWS)}, or there is nothing to ask; add one'
            )

    def pool(self) -> Arrays:
        return self._arrays(sealed=False)

    def test(self) -> Arrays:
        return self._arrays(sealed=True)

    def _arrays(self, sealed: bool) -> Arrays:
        numbers = self.numbers(sealed)
        x = numbers.reshape(len(numbers), -1).astype(np.int32)
        y = np.full(x.shape, -1, np.int32)
        y[:, -1] = self._law(sealed)
        return Arrays(x, y, np.arange(len(x)), self.SCALE)

    def fitted_share(self, sealed: bool = True) -> float | None:
        """The share of right answers of the motion's own fit of each law; None where it has none."""
        told = self.made.fitted(places(self.numbers(sealed), self.made.REACH, self.bits))
        return None if told is None else float((told == self._law(sealed)).mean())

    def _law(self, sealed: bool) -> np.ndarray:
        law = self.readings(sealed).law
        if self.control != 'unlinked':
            return law
        return np.random.default_rng(derive(self.NAME, 'unlinked', sealed)).integers(len(self.made.laws), size=len(law))

    def labels(self) -> int:
        return len(self.made.laws)
