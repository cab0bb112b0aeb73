"""World studies: a simulated study of a world of known truth, and the conclusions of the lab and of the usual protocol.

Simulated records go through the real plan, selection and evidence. The usual protocol is one tuning of each arm, its best
trial, a few fresh seeds of that, and a t test over the seeds.
"""

import dataclasses
import itertools
from collections.abc import Mapping

import numpy as np

from ablations.spaces import SPACES
from ablations.study import Study, task
from ablations.trial import TEST, Schedule, Trial
from results.evidence import claim_level, findings
from results.factorial import factorials
from results.looks import ENTRY, looks_of
from results.runs import Runs
from results.statistics import holm, welch
from results.store.reading import Reading
from sweeps.protocol.halving import scores
from sweeps.protocol.simulate import World, simulate
from sweeps.protocol.worlds import ARMS, MORE


def _shaped(shape: str, arms: tuple[str, ...]) -> dict:
    """The fields of a study of this shape: a path of steps, or a factorial of factors with two levels."""
    if shape == 'path':
        return {'shape': shape, 'against': dict(itertools.pairwise(reversed(arms)))}
    if shape == 'factorial':
        factors = range(len(arms).bit_length() - 1)
        levels = {arm: {f'f{bit}': str(place >> bit & 1) for bit in factors} for place, arm in enumerate(arms)}
        return {'shape': shape, 'levels': levels}
    return {'shape': shape}


def study_of(
    number: int,
    world: World,
    arms: int = len(ARMS),
    tasks: int = 1,
    margin: float | None = None,
    shape: str = 'one_swap',
    **fields: object,
) -> Study:
    """Arms with the same config, under the default protocol; points and seeds follow from the number in the name.

    Models are tuned under AdamW, and also under SGD where the world has hills for it. Each task is a dataset of its own.
    """
    hills = [world.of(arm) for arm in ARMS]
    tune = {'adamw': SPACES['adamw']}
    if any({'sgd', 'adamw'} & {*hill.shift, *hill.move} for hill in hills):
        tune['sgd'] = SPACES['sgd']
    # A diverged run scores chance, which has to be worse than what these hills give.
    own = {'chance': -1.0} | ({} if margin is None else {'margin': margin})
    names = ['digits', *(f'digits_{place}' for place in range(2, tasks + 1))]
    asked = {
        'tasks': tuple(world.task(task('digits', name=name, dataset=name, **own)) for name in names),
        'tune': tune,
        **fields,
    }
    named = (*ARMS, *MORE)[:arms]
    asked |= _shaped(shape, named)
    return Study(name=f'world_{number}', question='Does the lab claim what is not so?', arms=dict.fromkeys(named, ()), **asked)


@dataclasses.dataclass(frozen=True)
class Conclusion:
    """The conclusion of one study of a world.

    claims      verdict by arm, of those called better or worse on the first task
    words       {(arm, task): (verdict, whether negligible)}; `overall` verdict by arm
    effects     effect by arm on the first task, with its 95 % interval
    values      confirmed value of each arm by replicate on the first task, in the good direction, of runs that did not diverge
    regrets     the loss of the selected point, and of the best trial, against the top of the hill; by arm and replicate
    trials      how many runs the study took; of one that was stopped, the share of its steps that it was trained for
    replicates  how many replicates the comparisons of the first task had, on average
    factorial   names of the factorial effects that it claims
    usual       arms that the usual protocol claims, with Holm's correction; `bare` without any
    """

    claims: dict
    words: dict
    overall: dict
    effects: dict
    intervals: dict
    values: dict
    regrets: list
    censored: bool
    extended: bool
    trials: float
    replicates: float
    factorial: tuple
    usual: tuple
    bare: tuple


def conclusion_of(number: int, world: World, fields: Mapping, after: tuple[int, ...] = ()) -> Conclusion:
    """Run one study of a world and conclude from it; then `after` so many replicates again, as one who has read it may try."""
    study = study_of(number, world, **fields)
    schedule, records = simulate(study, world, number)
    reading = Reading(study, schedule, records)
    last = findings(reading, described=False)
    frozen = {ENTRY: looks_of(study, {}).to_dict()}
    for count in after:
        study = dataclasses.replace(study, replicates=count, looks=(*study.looks, count), shares=())
        schedule, records = simulate(study, world, number, records, frozen)
        reading = Reading(study, schedule, records, frozen)
        told = findings(reading, described=False)
        # What was once claimed is claimed.
        last = [new if old.verdict in ('undecided', 'not comparable') else old for old, new in zip(last, told, strict=True)]
    values = {}
    for arm in study.arms:
        sample = Runs(reading, arm, study.tasks[0]).confirmed()
        values[arm] = [] if sample is None else sample[np.isfinite(sample)].tolist()
    usual, bare = _usual(study, world, schedule, records, number)
    first = [finding for finding in last if finding.task == study.tasks[0].name]
    return Conclusion(
        claims={f.arm: f.verdict for f in first if f.verdict in ('better', 'worse')},
        words={(f.arm, f.task): (f.verdict, f.negligible) for f in last},
        overall={f.arm: f.overall for f in last},
        effects={f.arm: f.effect for f in first},
        intervals={f.arm: f.effect_interval for f in first},
        values=values,
        regrets=_regrets(study, world, schedule, records),
        censored=any(schedule.censored.values()),
        extended=any(schedule.extended.values()),
        trials=_runs(schedule),
        replicates=float(np.mean([f.replicates for f in first])),
        factorial=_factorial(reading),
        usual=usual,
        bare=bare,
    )


def _runs(schedule: Schedule) -> float:
    stopped = [trial for asked in schedule.asked.values() for trial in asked if trial.until]
    return round(sum(not trial.until for trial in schedule.trials) + sum(one.until / one.program.steps for one in stopped), 6)


def _factorial(reading: Reading) -> tuple[str, ...]:
    level = claim_level(reading.study, reading.manifest)
    made = factorials(reading, reading.study.levels)
    return tuple(e.name for one in made for e in one.effects if e.p_adjusted is not None and e.p_adjusted <= level)


def _regrets(study: Study, world: World, schedule: Schedule, records: Mapping) -> list[tuple[float, float]]:
    """The loss of the selected point and of the best trial against the top of the hill, by arm and replicate."""
    chance, made = study.tasks[0].sign * study.tasks[0].chance, []
    for arm in study.arms:
        top = world.summit(arm, {name: study.tune[name] for name in study.optimizers_of(arm)})
        for replicate in Runs(Reading(study, schedule, records), arm, study.tasks[0]).replicates:
            chosen = schedule.selections[arm, 'digits', replicate]
            if chosen is None:
                continue
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
        trials = schedule.asked['tune', arm, 'digits', 0]
        best = trials[int(np.argmax(scores(study.tasks[0].sign, trials, records)))]
        fresh = [Trial(best.program, 0, best.knobs, 1_000_000 + seed, TEST, 'confirm') for seed in range(seeds)]
        worths = world.scores(study, fresh, number)
        samples[arm] = np.array([study.tasks[0].sign * study.tasks[0].chance if f is None else f for f in worths])
    base = samples.pop(study.base)
    tests = {arm: welch(sample, base) for arm, sample in samples.items()}
    ps = [1.0 if test.error == 0 else test.p() for test in tests.values()]
    named = list(zip(tests, holm(ps), ps, strict=True))
    return tuple(arm for arm, p, _ in named if p <= study.alpha), tuple(arm for arm, _, p in named if p <= study.alpha)
