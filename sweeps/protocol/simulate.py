"""Simulate: records of declared worlds instead of training runs, through the same plan as real ones.

A world gives each arm a hill of scores over the tuned values, and noise. Selection and evidence read its records like any
other, so that the lab's claims can be checked against a known truth.
"""

import dataclasses
import functools
import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from ablations.seeds import derive
from ablations.study import Study
from ablations.tasks import Task
from ablations.trial import TEST, Schedule, Trial
from results.store.item_scores import packed
from results.store.records import ITEMS, STOPPED
from sweeps.protocol.plan import schedule
from sweeps.protocol.streams import streams


@dataclasses.dataclass(frozen=True)
class Hill:
    """The scores of one arm: `height` at the optimum, minus a loss that grows with the distance from it, plus seed noise.

    Places are unit coordinates, the learning rate first. A coordinate without an entry has its optimum at 0.5 and the last
    given curvature (one number is for all). The loss is the sum of curvature x distance^2.

    skew        how many times steeper the learning rate's loss is above the optimum than below
    ridge       correlation of the first two coordinates: above 0 a loss in one is made good by the other
    depth       the largest loss, which far trials approach; 0 for no limit
    cliff       runs further than this above the optimal learning rate diverge
    noise       standard deviation of one training run, times `near_cliff` within a tenth of the cliff
    tails       degrees of freedom of Student's t that noise is drawn from; 0 for normal noise
    high        chance that a run ends in the high state; the low one is `fall` below
    lost        chance that a confirmation run diverges
    slow        how much higher the best learning rate is at the first step than at the last: small ones look bad at first
    apart       how many times as far below the optimum runs lie at the first step as at the last
    shift       {optimizer: addition to the height}; `move` {optimizer: addition to the optimal learning rate}
    """

    height: float = 0.0
    optimum: tuple[float, ...] = (0.55, 0.4)
    curvature: tuple[float, ...] | float = 1.0
    skew: float = 1.0
    ridge: float = 0.0
    depth: float = 0.0
    cliff: float = 0.4
    noise: float = 0.05
    near_cliff: float = 1.0
    tails: int = 0
    high: float = 1.0
    fall: float = 0.0
    lost: float = 0.0
    slow: float = 0.0
    apart: float = 1.0
    shift: dict = dataclasses.field(default_factory=dict)
    move: dict = dataclasses.field(default_factory=dict)

    def truth(self, optimizer: str, place: list[float]) -> float | None:
        """The expected score at a place; None where a run diverges."""
        lost, steps = 0.0, []
        bends = self.curvature if isinstance(self.curvature, tuple) else (self.curvature,)
        for dim, unit in enumerate(place):
            optimum = self.optimum[dim] if dim < len(self.optimum) else 0.5
            curvature = bends[min(dim, len(bends) - 1)]
            offset = unit - optimum - (self.move.get(optimizer, 0.0) if dim == 0 else 0.0)
            if dim == 0 and offset > self.cliff:
                return None
            steeper = self.skew if dim == 0 and offset > 0 else 1.0
            lost += curvature * offset * offset * steeper
            steps.append(math.sqrt(curvature * steeper) * offset)
        if self.ridge and len(steps) > 1:
            lost -= 2 * self.ridge * steps[0] * steps[1]
        if self.depth:
            lost = self.depth * (1 - math.exp(-lost / self.depth))
        return self.height + self.shift.get(optimizer, 0.0) - lost

    def noise_of(self, optimizer: str, place: list[float], chance: np.random.Generator) -> float:
        """The noise of one run at a place."""
        scale = self.noise
        if self.near_cliff != 1:
            left = self.cliff - (place[0] - self.optimum[0] - self.move.get(optimizer, 0.0))
            scale *= self.near_cliff if left < 0.1 else 1.0
        drawn = chance.standard_normal()
        if self.tails:
            # With the variance of the normal noise that it replaces.
            drawn *= math.sqrt((self.tails - 2) / chance.chisquare(self.tails))
        return scale * drawn - (self.fall if self.high < 1 and chance.random() >= self.high else 0.0)


@dataclasses.dataclass(frozen=True)
class World(Hill):
    """The hills of all arms, and their common noise; its own fields are the hill of arms that are not in `hills`.

    top         {arm: addition to its height}: planted effects, or the corrections that make tuned procedures worth the same
                on different hills (`levelled` in sweeps/protocol/calibrate.py)
    split       standard deviation of a replicate's data split, shared by all arms
    suits       standard deviation of a replicate's data split in one arm alone
    families    {arm: family}: arms of a family answer a split alike, by a standard deviation of `kin`, unlike other families
    items       test items, of which a score is the share that is right; 0 for scores without such rounding
    fixed       items of a test split that is the same for all runs, whose records say what each item scored; 0 for endless ones
    liking      standard deviation of what an arm scores more or less on an item, on all runs alike
    blur        standard deviation of what a score at the first step has beside that of the end
    on_task     {task: {arm: addition to its height there}}
    about       description
    """

    hills: dict = dataclasses.field(default_factory=dict)
    top: dict = dataclasses.field(default_factory=dict)
    split: float = 0.02
    suits: float = 0.0
    families: dict = dataclasses.field(default_factory=dict)
    kin: float = 0.0
    items: int = 0
    fixed: int = 0
    liking: float = 0.0
    blur: float = 0.0
    on_task: dict = dataclasses.field(default_factory=dict)
    about: str = ''

    @property
    def unit(self) -> float:
        """How many units of the metric one of the hills' is."""
        return 1.0

    def of(self, arm: str) -> Hill:
        return self.hills.get(arm, self)

    def task(self, asked: Task) -> Task:
        """The task of its studies, from one that is measured in the hills' unit."""
        return asked

    def summit(self, arm: str, optimizers: Iterable[str]) -> float:
        """The highest expected score of an arm, in the good direction."""
        hill = self.of(arm)
        return hill.height + self.top.get(arm, 0.0) + max(hill.shift.get(optimizer, 0.0) for optimizer in optimizers)

    def worth(self, arm: str, optimizer: str, place: list[float]) -> float | None:
        """The expected score of an arm at a place in the good direction, None where it diverges."""
        known = self.of(arm).truth(optimizer, place)
        return None if known is None else known + self.top.get(arm, 0.0)

    def scores(self, study: Study, trials: Sequence[Trial], seed: int) -> list[float | None]:
        """The scores of trials in the good direction, None where one diverges."""
        # A run that stops has the noise of its end, as far as it goes.
        chances = streams([derive(seed, trial.whole().id) for trial in trials])
        return [self.score(study, trial, seed, chance) for trial, chance in zip(trials, chances, strict=True)]

    def score(self, study: Study, trial: Trial, seed: int, chance: np.random.Generator) -> float | None:
        """The score of a trial, whose own randomness is `chance`; None where it diverges."""
        knobs, space = dict(trial.knobs), study.space(trial.arm, trial.program.optimizer)
        # At the base's point an arm has its default for what it alone tunes.
        place = [values.unit(knobs[name]) if name in knobs else 0.5 for name, values in space.items()]
        known = self.worth(trial.arm, trial.program.optimizer, place)
        if known is None:
            return None
        hill = self.of(trial.arm)
        if trial.until:
            known += self.early(trial, place, seed)
        known += hill.noise_of(trial.program.optimizer, place, chance) + self.on_task.get(trial.task, {}).get(trial.arm, 0.0)
        if trial.held == TEST and hill.lost and chance.random() < hill.lost:
            return None
        known += _split(seed, trial.task, trial.replicate) * self.split
        if self.suits:
            known += _split(seed, f'{trial.task}/{trial.arm}', trial.replicate) * self.suits
        if self.kin:
            known += _split(seed, f'{trial.task}/family {self.families.get(trial.arm, 0)}', trial.replicate) * self.kin
        if self.fixed and trial.held == TEST:
            known += self.liking * float(_liked(seed, f'{trial.task}/{trial.arm}', self.fixed).mean())
        if self.items:
            return chance.binomial(self.items, min(max(known, 0.0), 1.0)) / self.items
        return known

    def early(self, trial: Trial, place: list[float], seed: int) -> float:
        """What the score of a run that stops differs by from that of its end."""
        hill, left = self.of(trial.arm), 1 - trial.until / trial.program.steps
        moved = [place[0] - left * hill.slow, *place[1:]]
        top = hill.height + hill.shift.get(trial.program.optimizer, 0.0)
        then, last = (top - hill.truth(trial.program.optimizer, at) for at in (moved, place))
        noise = left * self.blur * _normal('early', seed, trial.id) if self.blur else 0.0
        return last - (1 + left * (hill.apart - 1)) * then + noise

    def on_items(self, trial: Trial, seed: int, score: float) -> np.ndarray:
        """What a run with this score has on each of the fixed items; `liking` is in the score already.

        On one item a run varies as much as its score does, times the root of the items: noise is that of independent items.
        """
        noise = np.random.Generator(np.random.SFC64(derive('items', seed, trial.id))).standard_normal(self.fixed)
        own = self.of(trial.arm).noise * math.sqrt(self.fixed) * noise
        own += self.liking * _liked(seed, f'{trial.task}/{trial.arm}', self.fixed)
        return score + own - own.mean()


def _normal(*parts: object) -> float:
    return float(np.random.Generator(np.random.SFC64(derive(*parts))).standard_normal())


@functools.lru_cache(maxsize=256)
def _liked(seed: int, arm: str, items: int) -> np.ndarray:
    return np.random.Generator(np.random.SFC64(derive('liked', seed, arm))).standard_normal(items)


@functools.lru_cache(maxsize=4096)
def _split(seed: int, task: str, replicate: int) -> float:
    return _normal('split', seed, task, replicate)


def simulated_record(study: Study, world: World, trial: Trial, seed: int) -> dict:
    """The record of a trial in this world."""
    return simulated_records(study, world, [trial], seed)[0]


def simulated_records(study: Study, world: World, trials: Sequence[Trial], seed: int) -> list[dict]:
    """The records of trials in this world."""
    scores = world.scores(study, trials, seed)
    return [_record(study, world, trial, seed, score) for trial, score in zip(trials, scores, strict=True)]


def _record(study: Study, world: World, trial: Trial, seed: int, score: float | None) -> dict:
    sign, item_scores = study.task(trial.task).sign, {}
    if trial.until and score is not None:
        return _stopped(trial, sign * score, math.exp(-score))
    if world.fixed and trial.held == TEST and score is not None:
        item_scores = {ITEMS: packed(sign * world.on_items(trial, seed, score))}
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
        **item_scores,
    }


def _stopped(trial: Trial, score: float, loss: float) -> dict:
    return {
        **{'id': trial.id, 'status': STOPPED, 'until': trial.until, 'held': trial.held, 'score': None, 'score_until': score},
        **{'n_held': 1000, 'initial_loss': 2.0, 'final_loss': loss, 'environment': {'source': 'simulated'}},
    }


def simulate(
    study: Study, world: World, seed: int, known: Mapping[str, dict] | None = None, manifest: Mapping | None = None
) -> tuple[Schedule, dict[str, dict]]:
    """Run a whole study in a world, from `known` records on: each trial is recorded as soon as the plan asks for it.

    Gives the same as planning, recording and planning again, because a record never changes earlier wants.
    """
    records = dict(known or {})
    planned = schedule(study, records, manifest or {}, lambda trials: simulated_records(study, world, trials, seed))
    return planned, records
