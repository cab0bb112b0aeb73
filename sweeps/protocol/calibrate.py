"""Calibrate: how often the lab claims what is not so, and finds what is, in worlds where the truth is known.

Simulated records go through the real plan, selection and evidence. Beside it stands the usual protocol on the same worlds:
one tuning an arm, its best trial, a few fresh seeds of that, and a t test over the seeds.
"""

import concurrent.futures
import dataclasses
import math
import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from ablations.config import closest
from ablations.spaces import SPACES
from ablations.study import Study, task
from ablations.trial import TEST, Schedule, Trial
from results.evidence import findings
from results.statistics import holm, welch
from results.store.reading import Reading
from sweeps.machine import cores
from sweeps.protocol.simulate import World, simulate
from sweeps.protocol.tuning import scores
from sweeps.protocol.worlds import ARMS, BEYOND, FLAT, WORLDS

PILOT = 400
"""Studies from which the worth of each arm's tuned procedure is measured."""


def study_of(number: int, world: World, **fields: object) -> Study:
    """Five arms that do not differ on paper, one dataset, under the default protocol; the name draws points and seeds.

    AdamW alone, and SGD too where the world knows of it.
    """
    hills = [world.of(arm) for arm in ARMS]
    tune = {'adamw': SPACES['adamw']}
    if any({'sgd'} & {*hill.shift, *hill.move} for hill in hills):
        tune['sgd'] = SPACES['sgd']
    # A diverged run scores chance, which has to be worse than what these hills give.
    fields = {'tasks': (task('digits', chance=-1.0),), 'tune': tune, **fields}
    return Study(name=f'world_{number}', question='Does the lab claim what is not so?', arms=dict.fromkeys(ARMS, ()), **fields)


@dataclasses.dataclass(frozen=True)
class Seen:
    """What one study of a world concludes.

    claims      verdict by arm, of those called better or worse at any declared look
    effects     effect by arm, with its 95 % interval
    values      confirmed value of each arm by replicate, in the good direction
    regrets     for each arm and replicate what the selected point loses against the best there is, and what the best trial
                of the same tuning does
    usual       arms that the usual protocol claims, with Holm; `bare` without any correction
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


def look(number: int, world: World, fields: Mapping) -> Seen:
    """Run one study of a world and say what it concludes."""
    study = study_of(number, world, **fields)
    schedule, records = simulate(study, world, number)
    reading = Reading(study, schedule, records)
    last = findings(reading)
    stopped = [dataclasses.replace(reading, schedule=dataclasses.replace(schedule, look=count)) for count in study.looks[:-1]]
    earlier = [finding for early in stopped for finding in findings(early)]
    values = {}
    for arm in study.arms:
        values[arm] = [
            float(np.mean([_score(study, records[trial.id]) for trial in schedule.asked['confirm', arm, 'digits', r]]))
            for r in range(study.count(arm, study.replicates))
        ]
    usual, bare = _usual(study, world, schedule, records, number)
    return Seen(
        claims={f.arm: f.verdict for f in [*earlier, *last] if f.verdict in ('better', 'worse')},
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
    """What the selection and the best trial lose against the top of the hill, by arm and replicate."""
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
    """What best-of-trials, one tuning and seeds as the unit would claim: with Holm over the arms, and without."""
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


def _chunk(numbers: range, world: World, fields: dict) -> list[Seen]:
    return [look(number, world, fields) for number in numbers]


def many(
    world: World, studies: int, first: int = 0, fields: Mapping | None = None, tell: Callable[[int], None] | None = None
) -> list[Seen]:
    """Many studies of a world, over all cores; `tell(done)` is told how many are done."""
    starts = range(first, first + studies, 20)
    chunks = [range(start, min(start + 20, first + studies)) for start in starts]
    if cores() == 1 or len(chunks) == 1:
        return [seen for chunk in chunks for seen in _chunk(chunk, world, dict(fields or {}))]
    done: list[list[Seen]] = []
    # Spawned, with one thread each: the arrays are small, and threads of several processes would be in each other's way.
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, '1'))
    try:
        with concurrent.futures.ProcessPoolExecutor(cores(), multiprocessing.get_context('spawn')) as crew:
            jobs = [crew.submit(_chunk, chunk, world, dict(fields or {})) for chunk in chunks]
            for job in jobs:
                done.append(job.result())
                if tell:
                    tell(sum(map(len, done)))
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)
    return [seen for chunk in done for seen in chunk]


THREADS = ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS')


def levelled(
    world: World, studies: int = PILOT, fields: Mapping | None = None, tell: Callable[[int], None] | None = None
) -> World:
    """The world with tops moved so that every arm's tuned procedure is worth the same, measured by studies of its own."""
    if not world.hills:
        return world
    for first in (10_000_000, 20_000_000):
        sample = many(world, studies, first, fields, tell)
        means = {arm: float(np.mean([seen.values[arm] for seen in sample])) for arm in ARMS}
        top = {arm: world.top.get(arm, 0.0) + means[ARMS[0]] - means[arm] for arm in ARMS}
        world = dataclasses.replace(world, top=top)
    return world


def deviation(studies: list[Seen], arm: str) -> float:
    """Standard deviation of an arm's replicates within studies."""
    return float(np.sqrt(np.mean([np.var(seen.values[arm], ddof=1) for seen in studies])))


def summary(studies: list[Seen]) -> dict:
    """Of studies whose arms are worth the same: how many claim anything, by the lab and usually; coverage of intervals."""
    count = len(studies)
    covered = [
        low <= 0 <= high
        for seen in studies
        for interval in seen.intervals.values()
        if interval is not None
        for low, high in [interval]
    ]
    return {
        'studies': count,
        'claimed': sum(bool(seen.claims) for seen in studies),
        'usual': sum(bool(seen.usual) for seen in studies),
        'usual, not corrected': sum(bool(seen.bare) for seen in studies),
        'covered': float(np.mean(covered)) if covered else math.nan,
        'extended': sum(seen.extended for seen in studies),
        'censored': sum(seen.censored for seen in studies),
    }


def regrets(studies: list[Seen]) -> dict:
    """Mean regret of the lab's selection and of the best trial."""
    pairs = np.array([pair for seen in studies for pair in seen.regrets])
    return {'lab': float(pairs[:, 0].mean()), 'best trial': float(pairs[:, 1].mean())}


def power(
    world: World,
    deviations: float,
    studies: int,
    first: int = 30_000_000,
    fields: Mapping | None = None,
    tell: Callable[[int], None] | None = None,
) -> dict:
    """How often a planted loss of so many replicate deviations in one arm is detected, and its interval holds the truth."""
    pilot = many(world, 60, 40_000_000, fields)
    loss = deviations * deviation(pilot, ARMS[0])
    planted = dataclasses.replace(world, top={**world.top, ARMS[1]: world.top.get(ARMS[1], 0.0) - loss})
    sample = many(planted, studies, first, fields, tell)
    inside = [seen.intervals[ARMS[1]][0] <= -loss <= seen.intervals[ARMS[1]][1] for seen in sample]
    return {
        'studies': studies,
        'found': float(np.mean([seen.claims.get(ARMS[1]) == 'worse' for seen in sample])),
        'wrong way': float(np.mean([seen.claims.get(ARMS[1]) == 'better' for seen in sample])),
        'others claimed': float(np.mean([any(arm != ARMS[1] for arm in seen.claims) for seen in sample])),
        'covered': float(np.mean(inside)),
    }


LOOKS = {'looks at 3 and 5 replicates': {'looks': (3, 5)}, 'looks at 3, 5 and 8': {'replicates': 8, 'looks': (3, 5, 8)}}
POWERS = {
    '5 replicates': ('plain', {}, True),
    '5 replicates, no split noise': ('no split noise', {}, True),
    '3 replicates': ('plain', {'replicates': 3}, False),
    '5 replicates, the base 10': ('plain', {'base_factor': 2}, False),
}
"""World, fields of the study, and whether the lab promises to find a loss of three replicate deviations."""


def calibrate(
    studies: int, names: list[str] | None = None, known: Mapping | None = None, tell: Callable[[str, int], None] | None = None
) -> Iterator[dict]:
    """Calibrate world by world; yields all facts so far after each part, so that they can be saved.

    `names` of worlds (all, with power and looks, where None); `known` facts of an earlier call, of which parts with as many
    studies are not run again. Raises ValueError on an unknown world.
    """
    worlds = {**WORLDS, **BEYOND}
    for name in names or ():
        if name not in worlds:
            raise ValueError(f"unknown world '{name}'; allowed: {list(worlds)}.{closest(name, worlds)}")
    facts = {'studies': studies, 'worlds': {}, 'beyond': {}, 'power': {}, 'looks': {}}
    if known and known.get('studies') == studies:
        facts |= {part: dict(known.get(part, {})) for part in facts if part != 'studies'}

    def telling(name: str) -> Callable[[int], None]:
        return lambda done: tell(name, done) if tell else None

    for name in names or worlds:
        part = 'worlds' if name in WORLDS else 'beyond'
        if name not in facts[part]:
            world = levelled(worlds[name], tell=telling(f'{name}, finding what arms are worth'))
            sample = many(world, studies, tell=telling(name))
            more = many(world, max(studies // 20, 1), 50_000_000, {'trials': 32}, telling(f'{name}, 32 trials'))
            curved = name not in FLAT
            row = {'about': world.about, 'curved': curved, **summary(sample)}
            facts[part][name] = {**row, 'regrets': {'16': regrets(sample), '32': regrets(more)}}
            # In the order of their declaration, however many calls it took.
            facts[part] = {each: facts[part][each] for each in worlds if each in facts[part]}
            yield facts
    for name, (place, fields, promised) in POWERS.items() if names is None else ():
        if name not in facts['power']:
            sample = power(WORLDS[place], 3, studies, fields=fields, tell=telling(f'power, {name}'))
            facts['power'][name] = {'promised': promised, **sample}
            yield facts
    for name, fields in LOOKS.items() if names is None else ():
        if name not in facts['looks']:
            sample = many(WORLDS['plain'], studies, 60_000_000, fields, telling(name))
            facts['looks'][name] = {'studies': studies, 'claimed': sum(bool(seen.claims) for seen in sample)}
            yield facts
