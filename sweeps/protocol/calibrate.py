"""Calibrate: how often the lab says something false, and how often it finds the truth, in worlds of known truth.

The usual protocol is judged beside it, on the same worlds (sweeps/protocol/world_studies.py).
"""

import concurrent.futures
import contextlib
import dataclasses
import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from ablations.config import closest
from results.calibration import limit
from results.protocol import ENTRY, NOW
from sweeps.machine import cores
from sweeps.protocol import tally
from sweeps.protocol.cells import DEFAULT, PARTS, Cell
from sweeps.protocol.simulate import World
from sweeps.protocol.world_studies import Conclusion, conclusion_of, study_of
from sweeps.protocol.worlds import ARMS, MORE

PILOT = 200
"""How many studies measure, twice, the worth of each arm's tuned procedure."""
CHUNK = 20
SAVED = 100
"""After so many studies of a cell the facts are given out, to be saved."""
POWER = 10
"""A cell of the cover is also run with a planted loss, in one study for so many without."""
AGAIN = 4
"""A cell with too many false words is run again, with so many times as many fresh studies, which then count."""
FIRST = {'levels': (10_000_000, 20_000_000), 'studies': 70_000_000, 'power': 30_000_000, 'again': 90_000_000}
"""The numbers at which studies start; a study's seeds follow from its number."""
THREADS = ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS')


def _chunk(numbers: range, world: World, fields: dict, after: tuple[int, ...]) -> list[Conclusion]:
    return [conclusion_of(number, world, fields, after) for number in numbers]


@contextlib.contextmanager
def _crew() -> Iterator[concurrent.futures.Executor | None]:
    """One process for each core, each with one thread: arrays are small, and threads would be in each other's way."""
    if cores() == 1:
        yield None
        return
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, '1'))
    try:
        with concurrent.futures.ProcessPoolExecutor(cores(), multiprocessing.get_context('spawn')) as crew:
            yield crew
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)


def conclusions_of(
    world: World,
    studies: int,
    first: int = 0,
    fields: Mapping | None = None,
    after: tuple[int, ...] = (),
    crew: concurrent.futures.Executor | None = None,
) -> list[Conclusion]:
    """The conclusions of studies of a world, from the number `first` on; over the processes of a crew where one is given."""
    starts = range(first, first + studies, CHUNK)
    chunks = [range(start, min(start + CHUNK, first + studies)) for start in starts]
    asked = world, dict(fields or {}), after
    if crew is None:
        return [one for chunk in chunks for one in _chunk(chunk, *asked)]
    return [one for job in [crew.submit(_chunk, chunk, *asked) for chunk in chunks] for one in job.result()]


def levels_of(world: World, studies: int = PILOT, crew: concurrent.futures.Executor | None = None) -> dict[str, float]:
    """Additions to the top of each arm that make all tuned procedures worth the same, measured by extra studies."""
    added = dict.fromkeys(ARMS, 0.0)
    for first in FIRST['levels'] if world.hills else ():
        top = {arm: world.top.get(arm, 0.0) + added[arm] for arm in ARMS}
        sample = conclusions_of(dataclasses.replace(world, top=top), studies, first, crew=crew)
        means = {arm: float(np.mean([value for one in sample for value in one.values[arm]])) for arm in ARMS}
        added = {arm: added[arm] + means[ARMS[0]] - means[arm] for arm in ARMS}
    # Further arms of larger studies are as the arms without a hill of their own.
    alike = next((added[arm] for arm in ARMS if arm not in world.hills), 0.0)
    return {arm: round(value, 6) for arm, value in {**added, **dict.fromkeys(MORE, alike)}.items() if value}


@dataclasses.dataclass
class Calibration:
    """Facts as they grow: `levels` {world: {arm: addition}} and `cells` {part: {cell: tally}}.

    `studies` is how many each cell shall have. `told` is called with a cell's name and its number of studies so far.
    """

    studies: int
    facts: dict
    crew: concurrent.futures.Executor | None = None
    told: Callable[[str, int], None] = lambda *_: None

    def run(self, part: str, name: str) -> Iterator[dict]:
        """Run one cell, or the rest of it; gives all facts now and then, so that they can be saved."""
        cell = PARTS[part][name]
        levels = self.facts['levels']
        if cell.name not in levels:
            self.told(f'{cell.name}: what arms are worth', 0)
            levels[cell.name] = levels_of(cell.world, crew=self.crew)
            yield self.facts
        own = self.facts['cells'].setdefault(part, {})
        told = own.setdefault(name, tally.new(cell))
        yield from self._grow(name, cell, told, self.studies, FIRST['studies'])
        if part == 'cover':
            lost = cell.with_a_loss()
            power = told.setdefault('power', tally.new(lost))
            yield from self._grow(f'{name}, a planted loss', lost, power, max(self.studies // POWER, 1), FIRST['power'])
        if cell.promised and told['false'] > limit(told['studies']):
            again = told.setdefault('again', tally.new(cell))
            yield from self._grow(f'{name}, again', cell, again, AGAIN * self.studies, FIRST['again'])
        # In the order of their declaration, however many calls it took.
        self.facts['cells'][part] = {each: own[each] for each in PARTS[part] if each in own}
        yield self.facts

    def _grow(self, name: str, cell: Cell, told: dict, studies: int, first: int) -> Iterator[dict]:
        example = study_of(0, cell.world, **cell.fields)
        world = cell.planted_world(example, self.facts['levels'][cell.name])
        while told['studies'] < studies:
            more = min(SAVED, studies - told['studies'])
            seen = conclusions_of(world, more, first + told['studies'], cell.fields, cell.after, self.crew)
            tally.add(told, cell, example, seen)
            self.told(name, told['studies'])
            yield self.facts


def wanted(names: list[str] | None) -> list[tuple[str, str]]:
    """The cells of these names, or of worlds of these names, as (part, cell); without any those of the default protocol.

    Raises ValueError on an unknown name.
    """
    all_cells = [(part, name) for part, cells in PARTS.items() for name in cells]
    if names is None:
        return [(part, name) for part, name in all_cells if part in DEFAULT]
    worlds = {cell.name for cells in PARTS.values() for cell in cells.values()}
    for name in names:
        if name not in (known := {*worlds, *(cell for _, cell in all_cells)}):
            raise ValueError(f"unknown world '{name}'; allowed: {sorted(worlds)}, or one of their cells.{closest(name, known)}")
    return [(part, name) for part, name in all_cells if name in names or PARTS[part][name].name in names]


def calibrate(
    studies: int,
    names: list[str] | None = None,
    known: Mapping | None = None,
    told: Callable[[str, int], None] | None = None,
) -> Iterator[dict]:
    """Calibrate cell by cell; gives all facts now and then, so that a stopped calibration can go on.

    `names` are cells or worlds; None means all of the default protocol. `known` are facts of an earlier call, to which studies
    are added.
    Raises ValueError on an unknown name, and where the known facts are of another protocol.
    """
    cells, known = wanted(names), known or {ENTRY: NOW}
    if known.get(ENTRY) != NOW:
        raise ValueError(
            f'the known studies were counted under protocol {known.get(ENTRY, "1 or 2")}, this is protocol {NOW}; '
            'give another folder: the studies of two protocols are not added up'
        )
    facts = {ENTRY: NOW, 'levels': dict(known.get('levels', {})), 'cells': dict(known.get('cells', {}))}
    with _crew() as crew:
        made = Calibration(studies, facts, crew, told or (lambda *_: None))
        for part, name in cells:
            yield from made.run(part, name)
