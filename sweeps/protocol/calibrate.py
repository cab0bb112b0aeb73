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
from ablations.study import Study
from sweeps.machine import cores
from sweeps.protocol.false_words import KINDS, effects_of, false_words, held
from sweeps.protocol.rough_worlds import FOUND, ROUGH, Cell
from sweeps.protocol.simulate import World
from sweeps.protocol.world_studies import Conclusion, conclusion_of, study_of
from sweeps.protocol.worlds import ARMS, BEYOND, FLAT, WORLDS

TRIALS = Study.__dataclass_fields__['trials'].default
"""How many tuning trials a study takes unless it says otherwise."""
PILOT = 400
"""How many studies measure the worth of each arm's tuned procedure."""


def _chunk(numbers: range, world: World, fields: dict, after: tuple[int, ...]) -> list[Conclusion]:
    return [conclusion_of(number, world, fields, after) for number in numbers]


def conclusions_of(
    world: World,
    studies: int,
    first: int = 0,
    fields: Mapping | None = None,
    progress: Callable[[int], None] | None = None,
    after: tuple[int, ...] = (),
) -> list[Conclusion]:
    """The conclusions of many studies of a world, run over all cores; `progress(done)` gets the number of finished ones."""
    starts = range(first, first + studies, 20)
    chunks = [range(start, min(start + 20, first + studies)) for start in starts]
    if cores() == 1 or len(chunks) == 1:
        return [one for chunk in chunks for one in _chunk(chunk, world, dict(fields or {}), after)]
    done: list[list[Conclusion]] = []
    # Spawned, with one thread each: the arrays are small, and threads of several processes would be in each other's way.
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, '1'))
    try:
        with concurrent.futures.ProcessPoolExecutor(cores(), multiprocessing.get_context('spawn')) as crew:
            jobs = [crew.submit(_chunk, chunk, world, dict(fields or {}), after) for chunk in chunks]
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
        means = {arm: float(np.mean([value for one in sample for value in one.values[arm]])) for arm in ARMS}
        top = {arm: world.top.get(arm, 0.0) + means[ARMS[0]] - means[arm] for arm in ARMS}
        world = dataclasses.replace(world, top=top)
    return world


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


def planted(cell: Cell, study: Study) -> World:
    """The world of a cell with its planted effects."""
    on_task = {task.name: {arm: cell.effect(arm, place) for arm in cell.planted} for place, task in enumerate(study.tasks)}
    return dataclasses.replace(cell.world, on_task=on_task)


def rough(cell: Cell, studies: int, first: int = 0, progress: Callable[[int], None] | None = None) -> dict:
    """What studies of a cell said that is not so, what they found, and what they took.

    The worth of the arms of unlike hills is measured with the same studies of five arms, and made the same.
    """
    alike = {name: value for name, value in cell.fields.items() if name in ('replicates', 'base_factor', 'seeds', 'trials')}
    cell = dataclasses.replace(cell, world=levelled(cell.world, fields=alike, progress=progress))
    example = study_of(0, cell.world, **cell.fields)
    sample = conclusions_of(planted(cell, example), studies, first, cell.fields, progress, cell.after)
    said = [false_words(example, cell, one) for one in sample]
    inside: dict[str, list[bool]] = {}
    for one in sample:
        for arm, holds in held(example, cell, one).items():
            inside.setdefault(arm, []).append(holds)
    signs = {(arm, task): effect for (arm, task), effect in effects_of(example, cell).items() if effect}
    hits = [one.words[key][0] == ('better' if effect > 0 else 'worse') for one in sample for key, effect in signs.items()]
    return {
        'about': cell.world.about,
        'promised': cell.promised,
        'studies': studies,
        'false': sum(map(bool, said)),
        **{kind: sum(kind in words for words in said) for kind in KINDS},
        'covered': {arm: float(np.mean(holds)) for arm, holds in inside.items()},
        'found': float(np.mean(hits)) if hits else None,
        'trials': float(np.mean([one.trials for one in sample])),
        'replicates': float(np.mean([one.replicates for one in sample])),
    }


def calibrate(
    studies: int,
    names: list[str] | None = None,
    known: Mapping | None = None,
    progress: Callable[[str, int], None] | None = None,
) -> Iterator[dict]:
    """Calibrate world by world; yields all facts so far after each part, so that they can be saved.

    `names` are worlds, rough ones and those of planted effects too; None means all. `known` are facts of an earlier call: its
    parts with as many studies are not run again. Raises ValueError on an unknown world.
    """
    worlds = {**WORLDS, **BEYOND}
    for name in names or ():
        if name not in (known_ones := {**worlds, **ROUGH, **FOUND}):
            raise ValueError(f"unknown world '{name}'; allowed: {list(known_ones)}.{closest(name, known_ones)}")
    facts = {'studies': studies, 'worlds': {}, 'beyond': {}, 'rough': {}, 'found': {}}
    if known and known.get('studies') == studies:
        facts |= {part: dict(known.get(part, {})) for part in facts if part != 'studies'}

    def progress_of(name: str) -> Callable[[int], None]:
        return lambda done: progress(name, done) if progress else None

    for name in worlds if names is None else [name for name in names if name in worlds]:
        part = 'worlds' if name in WORLDS else 'beyond'
        if name not in facts[part]:
            world = levelled(worlds[name], progress=progress_of(f'{name}, finding what arms are worth'))
            sample = conclusions_of(world, studies, progress=progress_of(name))
            more = conclusions_of(
                world, max(studies // 20, 1), 50_000_000, {'trials': 2 * TRIALS}, progress_of(f'{name}, twice')
            )
            curved = name not in FLAT
            row = {'about': world.about, 'curved': curved, **summary(sample)}
            facts[part][name] = {**row, 'regrets': {str(TRIALS): regrets(sample), str(2 * TRIALS): regrets(more)}}
            # In the order of their declaration, however many calls it took.
            facts[part] = {each: facts[part][each] for each in worlds if each in facts[part]}
            yield facts
    for part, cells, first in (('rough', ROUGH, 70_000_000), ('found', FOUND, 30_000_000)):
        for name, cell in cells.items() if names is None else [(name, cells[name]) for name in names if name in cells]:
            if name not in facts[part]:
                facts[part][name] = rough(cell, studies, first, progress_of(f'{part}, {name}'))
                facts[part] = {each: facts[part][each] for each in cells if each in facts[part]}
                yield facts
