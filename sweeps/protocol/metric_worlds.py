"""Metric worlds: worlds whose scores are those of another metric: an error to be lowered, bits, an area that ends at 1.

Runs differ as in any world, in hidden scores. A curve turns a hidden score into the metric, and its noise is skewed there as
that of real metrics is. Planted effects and levels are added after the curve, in the metric's own unit, and so stay known.
"""

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from ablations.study import Study
from ablations.tasks import TASKS, Task
from ablations.trial import Trial
from sweeps.protocol.rough_worlds import ONE_SPLIT
from sweeps.protocol.simulate import World
from sweeps.protocol.worlds import WORLDS


def error(hidden: float) -> float:
    """An error of 40 that falls by the same share for each step of a hidden score, in the good direction.

    >>> error(0.0), error(0.5) > -25
    (-40.0, True)
    """
    return -40 * math.exp(-hidden)


def bits(hidden: float) -> float:
    """Bits, 4 of them where the hidden score is 0, in the good direction."""
    return hidden / math.log(2) - 4


def area(hidden: float) -> float:
    """A share between 0 and 1, 0.85 where the hidden score is 0 and as steep there; it bends before 1.

    >>> round(area(0.0), 3), area(2.0) < 1
    (0.85, True)
    """
    return 1 / (1 + math.exp(-hidden / (0.85 * 0.15)) * 0.15 / 0.85)


@dataclasses.dataclass(frozen=True)
class MetricWorld(World):
    """A world that is seen in a metric.

    curve   gives the metric, in the good direction, of a hidden score
    like    the task of the lab whose metric, direction and unit its task has
    unit    how much the metric changes for a hidden score around 0
    """

    curve: Callable[[float], float] = error
    like: str = 'friedman'
    unit: float = 40.0

    @property
    def hidden(self) -> World:
        """The same runs by their hidden scores, with nothing planted."""
        own = {field.name: getattr(self, field.name) for field in dataclasses.fields(World)}
        return World(**{**own, 'top': {}, 'on_task': {}})

    def task(self, asked: Task) -> Task:
        one, margin = TASKS[self.like], self.unit * asked.margin
        words = {'metric': one.metric, 'direction': one.direction, 'unit': one.unit}
        return dataclasses.replace(asked, **words, margin=margin, chance=one.sign * self.curve(asked.chance))

    def worth(self, arm: str, optimizer: str, place: list[float]) -> float | None:
        known = self.hidden.worth(arm, optimizer, place)
        return None if known is None else self.curve(known) + self.top.get(arm, 0.0)

    def summit(self, arm: str, optimizers: Iterable[str]) -> float:
        return self.curve(self.hidden.summit(arm, optimizers)) + self.top.get(arm, 0.0)

    def scores(self, study: Study, trials: Sequence[Trial], seed: int) -> list[float | None]:
        hidden = self.hidden.scores(study, trials, seed)
        return [
            None if score is None else self.curve(score) + self._planted(trial)
            for trial, score in zip(trials, hidden, strict=True)
        ]

    def _planted(self, trial: Trial) -> float:
        return self.top.get(trial.arm, 0.0) + self.on_task.get(trial.task, {}).get(trial.arm, 0.0)

    def on_items(self, trial: Trial, seed: int, score: float) -> np.ndarray:
        own = self.hidden.on_items(trial, seed, 0.0)
        return score + self.unit * own


def seen_in(world: World, about: str, **fields: object) -> MetricWorld:
    """A world seen in a metric."""
    own = {field.name: getattr(world, field.name) for field in dataclasses.fields(World)}
    return MetricWorld(**{**own, 'about': f'{world.about}; {about}', **fields})


ERRORS = 'an error to be lowered, of 40, whose noise is skewed to the bad side'
AREAS = 'an area under a curve of 0.85, which noise cannot raise above 1'
BITS = {'curve': bits, 'like': 'spoken_digits_bytes', 'unit': 1 / math.log(2)}
AREA = {'curve': area, 'like': 'shape_labels', 'unit': 1.0}
METRIC_WORLDS: Mapping[str, MetricWorld] = {
    'an error': seen_in(WORLDS['plain'], ERRORS),
    'an error, all unlike': seen_in(WORLDS['all unlike'], ERRORS),
    'an area': seen_in(WORLDS['plain'], AREAS, **AREA),
    'an area near 1': seen_in(World(height=0.3, about='a round hill inside the range'), 'an area of 0.98', **AREA),
    'bits of one fixed test split': seen_in(ONE_SPLIT, 'bits to be lowered', **BITS),
}
"""Worlds of other metrics; of these too the lab promises a false word in at most 5 % of studies."""
