"""Tuning: the trials that tune all arms of a study on one task, first inside its ranges, then past their edges. No jax.

With a screening every optimizer gets the first trials, and the optimizer that is then better, by the selection that ends a
tuning too, gets the rest; each replicate of each arm decides it for itself. A round that extends ranges gives trials to every
optimizer that it concerns, kept or not: the screening did not see what lies past the edges. So all replicates of all arms have
the same number of trials.
"""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ablations.digest import digest
from ablations.seeds import derive
from ablations.space_rules import Tunable, bounded
from ablations.study import Study
from ablations.tasks import Task
from ablations.trial import KEPT, TUNING, Program, Trial
from results.edges import Box, Side
from results.selection import Selected, select_each
from sweeps.protocol.extension import Measured, Tuned, sides_past_edges
from sweeps.protocol.search import NOTHING, SEARCHES, propose

ROUNDS = 2
"""The largest number of extensions."""
REACH = 1 / 3
"""How far a round extends a side, as a share of the study's own range (on the range's scale)."""
BATCH = 8
"""Points that an adaptive search proposes at a time, for each replicate: its lanes in a pack."""

Key = tuple[str, str, int]
"""Arm, optimizer, replicate: the unit that is tuned on its own."""
Replicates = Mapping[str, range]
"""The replicates of each arm: the base may have several times as many."""
Wants = dict[str, dict[str, list[Side]]]
"""The sides that each arm wants extended, by optimizer; arms that want none are left out."""


def scores(sign: int, trials: Sequence[Trial], records: Mapping[str, dict]) -> np.ndarray:
    """Scores times `sign` (a task's: 1 where higher is better, else -1), -inf where a run diverged or failed. `[n]`"""
    own = (records[trial.id] for trial in trials)
    return np.array([sign * record['score'] if record['status'] == 'ok' else -math.inf for record in own])


class Tuning:
    """The tuning of one task. `ask(trials)` puts trials on the schedule and gives whether all of them are recorded.

    `programs` has one for each tuned arm and each optimizer. `trials` are the ones asked for so far, and `rounds` the decided
    extensions.
    """

    def __init__(
        self,
        study: Study,
        task: Task,
        programs: Mapping[tuple[str, str], Program],
        records: Mapping[str, dict],
        ask: Callable[[list[Trial]], bool],
    ):
        self.study, self.task, self.programs, self.records, self.ask = study, task, programs, records, ask
        self.arms = list(dict.fromkeys(arm for arm, _ in programs))
        self.adaptive = SEARCHES[study.search].adaptive
        self.trials: dict[Key, list[Trial]] = {}
        self.rounds: list[Wants] = []
        self._units: dict[Key, list[list[float]]] = {}
        self._scores: dict[Key, np.ndarray] = {}
        self._strips: dict[Key, np.ndarray] = {}
        self._addresses: dict[tuple[str, str], list[str]] = {}
        self._knobs_by_seed: dict[int, list[dict]] | None = None

    def tune(self, replicates: Replicates, decide: bool) -> bool:
        """Ask for the trials of these replicates as far as the records allow; gives whether their tuning is wholly recorded.

        With `decide` they decide how ranges are extended; otherwise they follow the decided rounds.
        """
        study = self.study
        keys = [(arm, optimizer, r) for arm in self.arms for optimizer in study.tune for r in replicates[arm]]
        for first, last in itertools.pairwise(self._rounds()):
            asked = self._kept(replicates) if study.screening and first else keys
            if not self.ask([trial for key in asked for trial in self._inside(key, first, last - first)]):
                return False
        done = self.ask([trial for number in range(len(self.rounds)) for trial in self._beyond(number, replicates)])
        while decide and done and study.extension and len(self.rounds) < ROUNDS and (wants := self.wanted(replicates)):
            self.rounds.append(wants)
            done = self.ask(self._beyond(len(self.rounds) - 1, replicates))
        return done

    def _rounds(self) -> list[int]:
        """How many trials inside its own ranges a key has after each round, from 0 on."""
        study = self.study
        if study.screening:
            return [0, study.screening, study.trials]
        return [*range(0, study.trials, BATCH if self.adaptive else study.trials), study.trials]

    def _kept(self, replicates: Replicates) -> list[Key]:
        """The better optimizer of each replicate of each arm, by all its trials; the first one where all of them diverged."""
        kept = []
        for (arm, replicate), best in self.selected(replicates).items():
            kept.append((arm, best.optimizer if best else next(iter(self.study.tune)), replicate))
        return kept

    def selected(self, replicates: Replicates) -> dict[tuple[str, int], Selected | None]:
        """The selected point of each replicate of each arm; None where all trials diverged."""
        tune = self.study.tune
        places = [(arm, replicate) for arm in self.arms for replicate in replicates[arm]]
        spaces = {arm: {optimizer: self.study.space(arm, optimizer) for optimizer in tune} for arm in self.arms}
        asked = [
            ({optimizer: self.measured((arm, optimizer, replicate)) for optimizer in tune}, spaces[arm])
            for arm, replicate in places
        ]
        return dict(zip(places, select_each(asked), strict=True))

    def wanted(self, replicates: Replicates) -> Wants:
        """The sides that each arm would have extended, by these replicates of it."""
        study, rounds = self.study, len(self.rounds)
        boxes = {optimizer: self.box(optimizer, rounds) for optimizer in study.tune}
        ends = {
            optimizer: self._ends(optimizer, boxes[optimizer], [name for name, values in space.items() if values.smooth])
            for optimizer, space in study.tune.items()
        }
        arms = {arm: {} for arm in self.arms}
        for arm, tunings in arms.items():
            for optimizer in study.tune:
                space = study.space(arm, optimizer)
                # What an arm alone tunes keeps its range.
                own = {**dict.fromkeys(space, (0.0, 1.0)), **boxes[optimizer]}
                trials = [self.measured((arm, optimizer, replicate)) for replicate in replicates[arm]]
                tunings[optimizer] = Tuned([values.smooth for values in space.values()], own, ends[optimizer], trials)
        return sides_past_edges(arms)

    def measured(self, key: Key) -> Measured:
        """Units `[n, d]`, in the order of the space, and scores `[n]` of all trials of a key; all must be recorded."""
        if len(self._scores.get(key, ())) != len(self.trials[key]):
            self._scores[key] = scores(self.task.sign, self.trials[key], self.records)
        return np.array(self._units[key]), self._scores[key]

    def box(self, optimizer: str, rounds: int) -> Box:
        """The range of each value, in units, after the first `rounds` extensions; the same for every arm."""
        box = dict.fromkeys(self.study.tune[optimizer], (0.0, 1.0))
        for number in range(rounds):
            sides = self._sides(optimizer, number)
            for (name, side), end in self._ends(optimizer, box, [name for name, _ in sides]).items():
                low, high = box[name]
                if (name, side) in sides:
                    box[name] = (end, high) if side == 'low' else (low, end)
        return box

    def _sides(self, optimizer: str, number: int) -> list[Side]:
        """The sides of an optimizer's box that any arm wanted extended in a round, each once."""
        return list(dict.fromkeys(side for sides in self.rounds[number].values() for side in sides.get(optimizer, [])))

    def _ends(self, optimizer: str, box: Box, names: list[str]) -> dict[Side, float]:
        """The end of each side's extension, for these values; without sides beyond which nothing better can lie."""
        ends = {}
        for name in names:
            for side in ('low', 'high'):
                end = self._end(name, self.study.tune[optimizer][name], box, side)
                if end is not None:
                    ends[name, side] = end
        return ends

    @staticmethod
    def _end(name: str, values: Tunable, box: Box, side: str) -> float | None:
        """The end of a side's extension, or None where nothing better can lie beyond the side."""
        values = bounded(name, values)
        if values.natural(side):
            return None
        low, high = box[name]
        if side == 'low':
            end = max(low - REACH, values.limit(side))
            return end if end < low - 1e-9 else None
        end = min(high + REACH, values.limit(side))
        return end if end > high + 1e-9 else None

    def _inside(self, key: Key, first: int, count: int) -> list[Trial]:
        """The trials after the `first` ones inside the study's own ranges.

        An adaptive search goes in batches, at the same time for all arms, and each uses the scores of the batches before.
        Recorded batches are not proposed again, because a proposal takes time and its last bits differ between machines.
        """
        later = f'tune_{first // BATCH + 1}' if self.adaptive else KEPT
        phase = 'tune' if first == 0 else later
        made = self._of_records(key, range(first, first + count), phase) if self.adaptive else None
        if made is not None:
            return self._add(key, made)
        units, known = self.measured(key) if first else NOTHING
        points = self._propose(self.study.search, key, (np.clip(units, 0, 1), known), count, first)
        return self._at(key, points, phase, first)

    def _beyond(self, number: int, replicates: Replicates) -> list[Trial]:
        """The trials of a round: every arm searches past the edges that any arm wants extended."""
        made, extension = [], self.study.extension
        for arm in self.arms:
            for optimizer in self.study.tune:
                box, sides = self.box(optimizer, number), self._sides(optimizer, number)
                for replicate in replicates[arm] if sides else ():
                    key = (arm, optimizer, replicate)
                    points = self._after_tuning(key)[number * extension : (number + 1) * extension]
                    placed = [self._place(key, box, sides[i % len(sides)], point) for i, point in enumerate(points)]
                    # Numbered as if no screening had left any trial out.
                    first = self.study.trials + sum(trial.extends for trial in self.trials[key])
                    made += self._at(key, np.array(placed).reshape(len(placed), -1), f'extend_{number + 1}', first)
        return made

    def _after_tuning(self, key: Key) -> np.ndarray:
        """Points of the unit cube for all rounds: the continuation of the Sobol sequence after tuning. `[n, d]`"""
        if key not in self._strips:
            count = self.study.trials + ROUNDS * self.study.extension
            self._strips[key] = self._propose('sobol', key, NOTHING, count, 0)[self.study.trials :]
        return self._strips[key]

    def _place(self, key: Key, box: Box, side: Side, point: np.ndarray) -> np.ndarray:
        """A point of the unit cube in the strip beyond one side of the box. `[d] -> [d]`"""
        unit = np.empty(len(point))
        for dim, (name, values) in enumerate(self.study.space(*key[:2]).items()):
            low, high = box.get(name, (0.0, 1.0))
            if side[0] == name:
                end = self._end(name, values, box, side[1])
                low, high = (end, low) if side[1] == 'low' else (high, end)
            unit[dim] = low + point[dim] * (high - low)
        return unit

    def _propose(self, search: str, key: Key, seen: Measured, count: int, first: int) -> np.ndarray:
        """Points of a search, with a seed of its own for each arm, optimizer and replicate. `[count, d]` in units"""
        arm, optimizer, replicate = key
        seed = derive('points', self.study.name, arm, self.task.name, optimizer, replicate)
        return propose(search, self.study.space(arm, optimizer), seen, count, first, seed)

    def _at(self, key: Key, points: np.ndarray, phase: str, first: int) -> list[Trial]:
        """Trials at these points, numbered from `first` on. `[n, d]` in units"""
        space, made = self.study.space(*key[:2]), []
        for number, point in enumerate(points.tolist(), first):
            values = {name: item.value(unit) for (name, item), unit in zip(space.items(), point, strict=True)}
            made.append(self._trial(key, self._seed(key, number), {**self.study.fixed, **values}, phase))
        return self._add(key, made)

    def _of_records(self, key: Key, numbers: range, phase: str) -> list[Trial] | None:
        """The trials of a batch as they were recorded, by their seeds; None unless all of them are.

        Of two records of one seed the one with the smaller id counts.
        """
        if self._knobs_by_seed is None:
            self._knobs_by_seed = {}
            for record in self.records.values():
                if record.get('task') == self.task.name and record.get('held') == TUNING and 'knobs' in record:
                    self._knobs_by_seed.setdefault(record['seed'], []).append(record['knobs'])
        made = []
        for seed in (self._seed(key, number) for number in numbers):
            tried = [self._trial(key, seed, knobs, phase) for knobs in self._knobs_by_seed.get(seed, ())]
            known = [trial for trial in tried if trial.id in self.records]
            if not known:
                return None
            made.append(min(known, key=lambda trial: trial.id))
        return made

    def _trial(self, key: Key, seed: int, knobs: Mapping[str, float], phase: str) -> Trial:
        arm, optimizer, replicate = key
        return Trial(self.programs[arm, optimizer], replicate, tuple(sorted(knobs.items())), seed, TUNING, phase)

    def _add(self, key: Key, made: list[Trial]) -> list[Trial]:
        """Note trials with the units of their rounded values, because these are trained."""
        space, units = self.study.space(*key[:2]), self._units.setdefault(key, [])
        for trial in made:
            knobs = dict(trial.knobs)
            units.append([values.unit(knobs[name]) for name, values in space.items()])
        self.trials.setdefault(key, []).extend(made)
        return made

    def _seed(self, key: Key, number: int) -> int:
        """The seed of a trial. In an adaptive search it identifies the trial, so it depends on the search and its space too."""
        arm, optimizer, replicate = key
        return derive(
            'tune', self.study.name, arm, self.task.name, optimizer, replicate, number, *self._address(arm, optimizer)
        )

    def _address(self, arm: str, optimizer: str) -> list[str]:
        if (arm, optimizer) not in self._addresses:
            space = self.study.space(arm, optimizer)
            told = [[name, type(item).__name__, item.to_dict()] for name, item in space.items()]
            address = [digest([self.study.search, told, self.study.fixed])]
            self._addresses[arm, optimizer] = address if self.adaptive else []
        return self._addresses[arm, optimizer]
