"""Simulate: records of declared worlds instead of training runs, through the same plan as real ones.

A world gives each arm and task a response surface over the tuned values and noise; what comes out are records that
selection and evidence read like any other. So the lab's claims can be checked where the truth is known.
"""

import dataclasses
import math

import numpy as np

from ablations.seeds import derive
from ablations.study import Study
from ablations.trial import Schedule, Trial
from sweeps.plan import schedule


@dataclasses.dataclass(frozen=True)
class World:
    """A score surface for every arm: top[arm] - curvature |u - optimum|^2 in unit coordinates, plus seed noise.

    `top` is the best score of each arm (arms not named have 0), `optimum` its place (the first tuned value first, the
    same for every optimizer), `noise` the standard deviation of one training run, `split` that of a replicate's data
    split, shared by all arms. Runs more than `cliff` above the optimum of the first value diverge.
    """

    top: dict = dataclasses.field(default_factory=dict)
    optimum: tuple[float, ...] = (0.55, 0.4)
    curvature: float = 1.0
    noise: float = 0.05
    split: float = 0.02
    cliff: float = 0.4
    optimizers: dict = dataclasses.field(default_factory=dict)

    def score(self, study: Study, trial: Trial, seed: int) -> float | None:
        """The score of a trial in the good direction, None where it diverges."""
        space = study.tune[trial.program.optimizer]
        knobs = dict(trial.knobs)
        place = [values.unit(knobs[name]) for name, values in space.items()]
        offsets = [u - o for u, o in zip(place, (*self.optimum, *[0.5] * len(place)), strict=False)]
        if offsets[0] > self.cliff:
            return None
        generator = np.random.default_rng(derive(seed, trial.id))
        split = np.random.default_rng(derive(seed, trial.task, trial.replicate)).normal() * self.split
        truth = self.top.get(trial.arm, 0.0) + self.optimizers.get(trial.program.optimizer, 0.0)
        return truth - self.curvature * sum(o * o for o in offsets) + split + generator.normal() * self.noise


def simulated_record(study: Study, world: World, trial: Trial, seed: int) -> dict:
    """The record that a trial would leave in this world."""
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
    """Run a whole study in a world: plan, record, plan again, until nothing is wanted."""
    records: dict[str, dict] = {}
    while True:
        found = schedule(study, records, {})
        wanted = [trial for trial in found.trials if trial.id not in records]
        if not wanted:
            return found, records
        for trial in wanted:
            records[trial.id] = simulated_record(study, world, trial, seed)
