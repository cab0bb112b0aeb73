"""Calibrate: how often the lab makes false claims, and how often it finds true effects, in worlds of known truth.

The usual protocol is judged beside it, on the same worlds (sweeps/protocol/world_studies.py).
"""

import concurrent.futures
import dataclasses
import math
import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from ablations.config import closest
from sweeps.machine import cores
from sweeps.protocol.simulate import World
from sweeps.protocol.world_studies import Conclusion, conclusion_of
from sweeps.protocol.worlds import ARMS, BEYOND, FLAT, WORLDS

PILOT = 400
"""How many studies measure the worth of each arm's tuned procedure."""


def _chunk(numbers: range, world: World, fields: dict) -> list[Conclusion]:
    return [conclusion_of(number, world, fields) for number in numbers]


def conclusions_of(
    world: World, studies: int, first: int = 0, fields: Mapping | None = None, progress: Callable[[int], None] | None = None
) -> list[Conclusion]:
    """The conclusions of many studies of a world, run over all cores; `progress(done)` gets the number of finished ones."""
    starts = range(first, first + studies, 20)
    chunks = [range(start, min(start + 20, first + studies)) for start in starts]
    if cores() == 1 or len(chunks) == 1:
        return [one for chunk in chunks for one in _chunk(chunk, world, dict(fields or {}))]
    done: list[list[Conclusion]] = []
    # Spawned, with one thread each: the arrays are small, and threads of several processes would be in each other's way.
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, '1'))
    try:
        with concurrent.futures.ProcessPoolExecutor(cores(), multiprocessing.get_context('spawn')) as crew:
            jobs = [crew.submit(_chunk, chunk, world, dict(fields or {})) for chunk in chunks]
            for job in jobs:
                done.append(job.result())
                if progress:
                    progress(sum(map(len, done)))
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)
    return [one for chunk in done for one in chunk]


THREADS = ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS')


def levelled(
    world: World, studies: int = PILOT, fields: Mapping | None = None, progress: Callable[[int], None] | None = None
) -> World:
    """The world with tops moved so that every arm's tuned procedure is worth the same, as measured by extra studies."""
    if not world.hills:
        return world
    for first in (10_000_000, 20_000_000):
        sample = conclusions_of(world, studies, first, fields, progress)
        means = {arm: float(np.mean([one.values[arm] for one in sample])) for arm in ARMS}
        top = {arm: world.top.get(arm, 0.0) + means[ARMS[0]] - means[arm] for arm in ARMS}
        world = dataclasses.replace(world, top=top)
    return world


def deviation(studies: list[Conclusion], arm: str) -> float:
    """Standard deviation of an arm's replicates within studies."""
    return float(np.sqrt(np.mean([np.var(one.values[arm], ddof=1) for one in studies])))


def summary(studies: list[Conclusion]) -> dict:
    """For studies whose arms are worth the same: false claims of the lab and of the usual protocol; coverage of intervals."""
    count = len(studies)
    covered = [
        low <= 0 <= high
        for one in studies
        for interval in one.intervals.values()
        if interval is not None
        for low, high in [interval]
    ]
    return {
        'studies': count,
        'claimed': sum(bool(one.claims) for one in studies),
        'usual': sum(bool(one.usual) for one in studies),
        'usual, not corrected': sum(bool(one.bare) for one in studies),
        'covered': float(np.mean(covered)) if covered else math.nan,
        'extended': sum(one.extended for one in studies),
        'censored': sum(one.censored for one in studies),
    }


def regrets(studies: list[Conclusion]) -> dict:
    """Mean regret of the lab's selection and of the best trial."""
    pairs = np.array([pair for one in studies for pair in one.regrets])
    return {'lab': float(pairs[:, 0].mean()), 'best trial': float(pairs[:, 1].mean())}


def power(
    world: World,
    deviations: float,
    studies: int,
    first: int = 30_000_000,
    fields: Mapping | None = None,
    progress: Callable[[int], None] | None = None,
) -> dict:
    """How often a loss of so many replicate deviations, planted in one arm, is detected and is inside its interval."""
    pilot = conclusions_of(world, 60, 40_000_000, fields)
    loss = deviations * deviation(pilot, ARMS[0])
    planted = dataclasses.replace(world, top={**world.top, ARMS[1]: world.top.get(ARMS[1], 0.0) - loss})
    sample = conclusions_of(planted, studies, first, fields, progress)
    inside = [one.intervals[ARMS[1]][0] <= -loss <= one.intervals[ARMS[1]][1] for one in sample]
    return {
        'studies': studies,
        'found': float(np.mean([one.claims.get(ARMS[1]) == 'worse' for one in sample])),
        'wrong way': float(np.mean([one.claims.get(ARMS[1]) == 'better' for one in sample])),
        'others claimed': float(np.mean([any(arm != ARMS[1] for arm in one.claims) for one in sample])),
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
    studies: int,
    names: list[str] | None = None,
    known: Mapping | None = None,
    progress: Callable[[str, int], None] | None = None,
) -> Iterator[dict]:
    """Calibrate world by world; yields all facts so far after each part, so that they can be saved.

    `names` are worlds; None means all, with power and looks. `known` are facts of an earlier call: its parts with as many
    studies are not run again. Raises ValueError on an unknown world.
    """
    worlds = {**WORLDS, **BEYOND}
    for name in names or ():
        if name not in worlds:
            raise ValueError(f"unknown world '{name}'; allowed: {list(worlds)}.{closest(name, worlds)}")
    facts = {'studies': studies, 'worlds': {}, 'beyond': {}, 'power': {}, 'looks': {}}
    if known and known.get('studies') == studies:
        facts |= {part: dict(known.get(part, {})) for part in facts if part != 'studies'}

    def progress_of(name: str) -> Callable[[int], None]:
        return lambda done: progress(name, done) if progress else None

    for name in names or worlds:
        part = 'worlds' if name in WORLDS else 'beyond'
        if name not in facts[part]:
            world = levelled(worlds[name], progress=progress_of(f'{name}, finding what arms are worth'))
            sample = conclusions_of(world, studies, progress=progress_of(name))
            more = conclusions_of(world, max(studies // 20, 1), 50_000_000, {'trials': 32}, progress_of(f'{name}, 32 trials'))
            curved = name not in FLAT
            row = {'about': world.about, 'curved': curved, **summary(sample)}
            facts[part][name] = {**row, 'regrets': {'16': regrets(sample), '32': regrets(more)}}
            # In the order of their declaration, however many calls it took.
            facts[part] = {each: facts[part][each] for each in worlds if each in facts[part]}
            yield facts
    for name, (place, fields, promised) in POWERS.items() if names is None else ():
        if name not in facts['power']:
            sample = power(WORLDS[place], 3, studies, fields=fields, progress=progress_of(f'power, {name}'))
            facts['power'][name] = {'promised': promised, **sample}
            yield facts
    for name, fields in LOOKS.items() if names is None else ():
        if name not in facts['looks']:
            sample = conclusions_of(WORLDS['plain'], studies, 60_000_000, fields, progress_of(name))
            facts['looks'][name] = {'studies': studies, 'claimed': sum(bool(one.claims) for one in sample)}
            yield facts
