"""World studies: a simulated study of a world of known truth, and the conclusions of the lab and of the usual protocol.

Simulated records go through the real plan, selection and evidence. The usual protocol is one tuning of each arm, its best
trial, a few fresh seeds of that, and a t test over the seeds.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np

from ablations.spaces import SPACES
from ablations.study import Study, task
from ablations.trial import TEST, Schedule, Trial
from results.evidence import findings
from results.statistics import holm, welch
from results.store.reading import Reading
from sweeps.protocol.simulate import World, simulate
from sweeps.protocol.tuning import scores
from sweeps.protocol.worlds import ARMS


def study_of(number: int, world: World, **fields: object) -> Study:
    """Five arms with the same config on one dataset, under the default protocol; points and seeds follow from the name.

    Models are tuned under AdamW, and also under SGD where the world has hills for it.
    """
    hills = [world.of(arm) for arm in ARMS]
    tune = {'adamw': SPACES['adamw']}
    if any({'sgd'} & {*hill.shift, *hill.move} for hill in hills):
        tune['sgd'] = SPACES['sgd']
    # A diverged run scores chance, which has to be worse than what these hills give.
    fields = {'tasks': (task('digits', chance=-1.0),), 'tune': tune, **fields}
    return Study(name=f'world_{number}', question='Does the lab claim what is not so?', arms=dict.fromkeys(ARMS, ()), **fields)


@dataclasses.dataclass(frozen=True)
class Conclusion:
    """The conclusion of one study of a world.

    claims      verdict by arm, of those called better or worse at any declared look
    effects     effect by arm, with its 95 % interval
    values      confirmed value of each arm by replicate, in the good direction
    regrets     the loss of the selected point, and of the best trial, against the top of the hill; by arm and replicate
    usual       arms that the usual protocol claims, with Holm's correction; `bare` without any
    """

    claims: dict
    effects: dict
    intervals: dict
    values: dict
    regrets: list
    censored: bool
    extended: bool
    usual: tuple
    bare: tuple


def conclusion_of(number: int, world: World, fields: Mapping) -> Conclusion:
    """Run one study of a world and conclude from it."""
    study = study_of(number, world, **fields)
    schedule, records = simulate(study, world, number)
    reading = Reading(study, schedule, records)
    last = findings(reading)
    values = {}
    for arm in study.arms:
        values[arm] = [
            float(np.mean([_score(study, records[trial.id]) for trial in schedule.asked['confirm', arm, 'digits', r]]))
            for r in range(study.count(arm, study.replicates))
        ]
    usual, bare = _usual(study, world, schedule, records, number)
    return Conclusion(
        claims={f.arm: f.verdict for f in last if f.verdict in ('better', 'worse')},
        effects={f.arm: f.effect for f in last},
        intervals={f.arm: f.effect_interval for f in last},
        values=values,
        regrets=_regrets(study, world, schedule, records),
        censored=any(schedule.censored.values()),
        extended=any(schedule.extended.values()),
        usual=usual,
        bare=bare,
    )


def _score(study: Study, record: dict) -> float:
    task = study.tasks[0]
    return task.sign * (record['score'] if record['status'] == 'ok' else task.chance)


def _regrets(study: Study, world: World, schedule: Schedule, records: Mapping) -> list[tuple[float, float]]:
    """The loss of the selected point and of the best trial against the top of the hill, by arm and replicate."""
    chance, made = study.tasks[0].sign * study.tasks[0].chance, []
    for arm in study.arms:
        hill = world.of(arm)
        top = hill.height + world.top.get(arm, 0.0) + max(hill.shift.get(optimizer, 0.0) for optimizer in study.tune)
        for replicate in range(study.count(arm, study.replicates)):
            chosen = schedule.selections[arm, 'digits', replicate]
            trials = schedule.asked['tune', arm, 'digits', replicate]
            best = trials[int(np.argmax(scores(study.tasks[0].sign, trials, records)))]
            knobs, space = dict(best.knobs), study.tune[best.program.optimizer]
            tried = best.program.optimizer, [values.unit(knobs[name]) for name, values in space.items()]
            worths = [world.worth(arm, *place) for place in ((chosen.optimizer, list(chosen.unit)), tried)]
            # A point past the cliff diverges and scores chance; how much that is in a world is a matter of convention.
            made.append(tuple(top - (chance if worth is None else worth) for worth in worths))
    return made


def _usual(
    study: Study, world: World, schedule: Schedule, records: Mapping, number: int, seeds: int = 5
) -> tuple[tuple, tuple]:
    """The claims of one tuning, its best trial and a test over seeds: with Holm's correction over the arms, and without."""
    samples = {}
    for arm in study.arms:
        trials = [trial for trial in schedule.asked['tune', arm, 'digits', 0] if not trial.extends]
        best = trials[int(np.argmax(scores(study.tasks[0].sign, trials, records)))]
        fresh = [Trial(best.program, 0, best.knobs, 1_000_000 + seed, TEST, 'confirm') for seed in range(seeds)]
        worths = [world.score(study, trial, number) for trial in fresh]
        samples[arm] = np.array([study.tasks[0].sign * study.tasks[0].chance if f is None else f for f in worths])
    base = samples.pop(study.base)
    tests = {arm: welch(sample, base) for arm, sample in samples.items()}
    ps = [1.0 if test.error == 0 else test.p() for test in tests.values()]
    named = list(zip(tests, holm(ps), ps, strict=True))
    return tuple(arm for arm, p, _ in named if p <= study.alpha), tuple(arm for arm, _, p in named if p <= study.alpha)
