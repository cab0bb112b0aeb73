"""Simulate: records of declared worlds instead of training runs, through the same plan as real ones.

A world gives each arm a hill of scores over the tuned values, and noise. Selection and evidence read its records like any
other, so that the lab's claims can be checked against a known truth.
"""

import dataclasses
import functools
import math

import numpy as np

from ablations.seeds import derive
from ablations.study import Study
from ablations.trial import Schedule, Trial
from sweeps.protocol.plan import schedule


@dataclasses.dataclass(frozen=True)
class Hill:
    """The scores of one arm: `height` at the optimum, minus a loss that grows with the distance from it, plus seed noise.

    Places are unit coordinates, the learning rate first. A coordinate without an entry has its optimum at 0.5 and the last
    given curvature (one number is for all). The loss is the sum of curvature x distance^2.

    skew        how many times steeper the learning rate's loss is above the optimum than below
    depth       the largest loss, which far trials approach; 0 for no limit
    cliff       runs further than this above the optimal learning rate diverge
    noise       standard deviation of one training run
    shift       {optimizer: addition to the height}; `move` {optimizer: addition to the optimal learning rate}
    """

    height: float = 0.0
    optimum: tuple[float, ...] = (0.55, 0.4)
    curvature: tuple[float, ...] | float = 1.0
    skew: float = 1.0
    depth: float = 0.0
    cliff: float = 0.4
    noise: float = 0.05
    shift: dict = dataclasses.field(default_factory=dict)
    move: dict = dataclasses.field(default_factory=dict)

    def truth(self, optimizer: str, place: list[float]) -> float | None:
        """The expected score at a place; None where a run diverges."""
        lost = 0.0
        bends = self.curvature if isinstance(self.curvature, tuple) else (self.curvature,)
        for dim, unit in enumerate(place):
            optimum = self.optimum[dim] if dim < len(self.optimum) else 0.5
            curvature = bends[min(dim, len(bends) - 1)]
            offset = unit - optimum - (self.move.get(optimizer, 0.0) if dim == 0 else 0.0)
            if dim == 0 and offset > self.cliff:
                return None
            lost += curvature * offset * offset * (self.skew if dim == 0 and offset > 0 else 1.0)
        if self.depth:
            lost = self.depth * (1 - math.exp(-lost / self.depth))
        return self.height + self.shift.get(optimizer, 0.0) - lost


@dataclasses.dataclass(frozen=True)
class World(Hill):
    """The hills of all arms, and their common noise; its own fields are the hill of arms that are not in `hills`.

    top         {arm: addition to its height}: planted effects, or the corrections that make tuned procedures worth the same
                on different hills (`levelled` in sweeps/protocol/calibrate.py)
    split       standard deviation of a replicate's data split, shared by all arms
    suits       standard deviation of a replicate's data split in one arm alone
    about       description
    """

    hills: dict = dataclasses.field(default_factory=dict)
    top: dict = dataclasses.field(default_factory=dict)
    split: float = 0.02
    suits: float = 0.0
    about: str = ''

    def of(self, arm: str) -> Hill:
        return self.hills.get(arm, self)

    def worth(self, arm: str, optimizer: str, place: list[float]) -> float | None:
        """The expected score of an arm at a place in the good direction, None where it diverges."""
        known = self.of(arm).truth(optimizer, place)
        return None if known is None else known + self.top.get(arm, 0.0)

    def score(self, study: Study, trial: Trial, seed: int) -> float | None:
        """The score of a trial in the good direction, None where it diverges."""
        knobs, space = dict(trial.knobs), study.tune[trial.program.optimizer]
        place = [values.unit(knobs[name]) for name, values in space.items()]
        known = self.worth(trial.arm, trial.program.optimizer, place)
        if known is None:
            return None
        noise = _normal(seed, trial.id) * self.of(trial.arm).noise
        own = _split(seed, f'{trial.task}/{trial.arm}', trial.replicate) * self.suits if self.suits else 0.0
        return known + _split(seed, trial.task, trial.replicate) * self.split + noise + own


def _normal(*parts: object) -> float:
    return float(np.random.Generator(np.random.SFC64(derive(*parts))).standard_normal())


@functools.lru_cache(maxsize=4096)
def _split(seed: int, task: str, replicate: int) -> float:
    return _normal('split', seed, task, replicate)


def simulated_record(study: Study, world: World, trial: Trial, seed: int) -> dict:
    """The record of a trial in this world."""
    sign = study.task(trial.task).sign
    score = world.score(study, trial, seed)
    return {
        'id': trial.id,
        'status': 'ok' if score is not None else 'diverged',
        'score': None if score is None else sign * score,
        'score_se': 0.0,
        'n_held': 1000,
        'initial_loss': 2.0,
        'final_loss': None if score is None else math.exp(-score),
        'environment': {'source': 'simulated'},
        'held': trial.held,
    }


def simulate(study: Study, world: World, seed: int) -> tuple[Schedule, dict[str, dict]]:
    """Run a whole study in a world: plan, record and plan again until it is complete."""
    records: dict[str, dict] = {}
    while True:
        planned = schedule(study, records, {})
        wanted = [trial for trial in planned.trials if trial.id not in records]
        if not wanted:
            return planned, records
        for trial in wanted:
            records[trial.id] = simulated_record(study, world, trial, seed)
