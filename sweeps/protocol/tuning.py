"""Tuning: the trials that tune every arm of a study on one task, and the ranges that they were extended to. No jax."""

import math
from collections.abc import Mapping

import numpy as np

from ablations.digest import digest
from ablations.seeds import derive
from ablations.spaces import bounded
from ablations.study import Study
from ablations.trial import TUNING, Trial
from results.selection import edges
from sweeps.protocol.search import NOTHING, SEARCHES, propose

ROUNDS = 2
"""How often ranges are extended at most."""
REACH = 1 / 3
"""How far a round extends a side, as a share of the study's own range (on the range's scale)."""
NEAR = 1 / 8
"""What counts as close to an edge, as a share of the study's own range."""
BATCH = 8
"""Points that an adaptive search proposes at a time, for each replicate: its lanes in a pack."""


def scores(study: Study, trials: list[Trial], records: Mapping[str, dict]) -> np.ndarray:
    """Tuning scores in the good direction, -inf where a run diverged or failed."""
    sign = study.task(trials[0].task).sign
    found = (records[trial.id] for trial in trials)
    return np.array([sign * record['score'] if record['status'] == 'ok' else -math.inf for record in found])


def sides_of(wants: Mapping[str, dict], optimizer: str) -> list[tuple[str, str]]:
    """The sides (value, low or high) of an optimizer's box that any arm wants extended, each once."""
    return list(dict.fromkeys(side for sides in wants.values() for side in sides.get(optimizer, [])))


class Tuning:
    """The tuning of one task: trials and their unit coordinates by arm, optimizer and replicate, and decided extensions.

    `programs[arm, optimizer]` holds the arms that are tuned.
    """

    def __init__(self, study: Study, task: str, programs: dict):
        self.study, self.task, self.programs = study, task, programs
        self.arms = list(dict.fromkeys(arm for arm, _ in programs))
        self.trials: dict[tuple, list[Trial]] = {}
        self.rounds: list[dict] = []
        self._units: dict[tuple, list] = {}
        self._scores: dict[tuple, np.ndarray] = {}
        self._points: dict[tuple, np.ndarray] = {}
        self._addresses: dict[str, str] = {}
        self._by_seed: dict[int, list[dict]] | None = None

    def tuned(self, key: tuple, records: Mapping[str, dict]) -> tuple[np.ndarray, np.ndarray]:
        """Units `[n, d]`, in the order of the space, and scores `[n]` of all trials of an arm, optimizer and replicate."""
        if len(self._scores.get(key, ())) != len(self.trials[key]):
            self._scores[key] = scores(self.study, self.trials[key], records)
        return np.array(self._units[key]), self._scores[key]

    def _add(self, key: tuple, points: np.ndarray, phase: str) -> list[Trial]:
        space, made = self.study.tune[key[1]], []
        for point in points.tolist():
            values = {name: item.value(unit) for (name, item), unit in zip(space.items(), point, strict=True)}
            made.append(self._trial(key, len(self.trials.get(key, ())) + len(made), {**self.study.fixed, **values}, phase))
        return self._keep(key, made)

    def _trial(self, key: tuple, number: int, knobs: Mapping[str, float], phase: str) -> Trial:
        arm, optimizer, replicate = key
        seed = self._trial_seed(key, number)
        return Trial(self.programs[arm, optimizer], replicate, tuple(sorted(knobs.items())), seed, TUNING, phase)

    def _keep(self, key: tuple, made: list[Trial]) -> list[Trial]:
        """Note trials with their units: those of the values as they were rounded, which is what is trained."""
        space, units = self.study.tune[key[1]], self._units.setdefault(key, [])
        for trial in made:
            knobs = dict(trial.knobs)
            units.append([item.unit(knobs[name]) for name, item in space.items()])
        self.trials.setdefault(key, []).extend(made)
        return made

    def _trial_seed(self, key: tuple, number: int) -> int:
        """The seed of a trial. Where points follow scores it stands for the trial, so it names the search and its space too."""
        arm, optimizer, replicate = key
        parts = ['tune', self.study.name, arm, self.task, optimizer, replicate, number]
        if SEARCHES[self.study.search].adaptive:
            parts.append(self._address(optimizer))
        return derive(*parts)

    def _address(self, optimizer: str) -> str:
        if optimizer not in self._addresses:
            space = [[name, type(item).__name__, item.to_dict()] for name, item in self.study.tune[optimizer].items()]
            self._addresses[optimizer] = digest([self.study.search, space, self.study.fixed])
        return self._addresses[optimizer]

    def box(self, optimizer: str, rounds: int) -> dict:
        """The range of each value, in units, after the first `rounds` extensions; the same for every arm."""
        box = dict.fromkeys(self.study.tune[optimizer], (0.0, 1.0))
        for wants in self.rounds[:rounds]:
            ends = {}
            for name, side in sides_of(wants, optimizer):
                ends[name, side] = self._end(name, self.study.tune[optimizer][name], box, side)
            for (name, side), end in ends.items():
                low, high = box[name]
                box[name] = (end, high) if side == 'low' else (low, end)
        return box

    def _seed(self, key: tuple) -> int:
        return derive('points', self.study.name, key[0], self.task, key[1], key[2])

    def start(self, replicates: range, records: Mapping[str, dict], ask) -> bool:
        """The first trials of these replicates, inside the study's own ranges, then their share of decided rounds.

        `ask(trials)` puts them on the schedule and says whether all are recorded; so does this.
        """
        keys = [(arm, o, r) for arm in self.arms for o in self.study.tune for r in self._own(arm, replicates)]
        done = (
            self._followed(keys, records, ask)
            if SEARCHES[self.study.search].adaptive
            else ask([trial for key in keys for trial in self._add(key, self._first(key), 'tune')])
        )
        for number, wants in enumerate(self.rounds) if done else ():
            done &= ask(self._extra(number, wants, replicates))
        return done

    def _first(self, key: tuple) -> np.ndarray:
        return propose(self.study.search, self.study.tune[key[1]], NOTHING, self.study.trials, 0, self._seed(key))

    def _own(self, arm: str, replicates: range) -> range:
        """The replicates of an arm: the base may have several times as many."""
        return range(self.study.count(arm, replicates.start), self.study.count(arm, replicates.stop))

    def _followed(self, keys: list, records: Mapping[str, dict], ask) -> bool:
        """Batches of an adaptive search, each from what the batches before have found, in step for all arms."""
        for batch, first in enumerate(range(0, self.study.trials, BATCH), 1):
            made, phase = [], 'tune' if batch == 1 else f'tune_{batch}'
            count = min(BATCH, self.study.trials - first)
            for key in keys:
                found = self._recorded(key, range(first, first + count), phase, records)
                if found is not None:
                    made += self._keep(key, found)
                    continue
                units, known = self.tuned(key, records) if first else NOTHING
                seen = np.clip(units, 0, 1), known
                points = propose(self.study.search, self.study.tune[key[1]], seen, count, first, self._seed(key))
                made += self._add(key, points, phase)
            if not ask(made):
                return False
        return True

    def _recorded(self, key: tuple, numbers: range, phase: str, records: Mapping[str, dict]) -> list[Trial] | None:
        """The trials of a batch as they were recorded, by their seeds; None unless all of them are.

        What ran is not proposed again: a proposal costs time, and in its last bits it differs from machine to machine. Of
        two records of one seed the one with the smaller id counts.
        """
        if self._by_seed is None:
            self._by_seed = {}
            for record in records.values():
                if record.get('task') == self.task and record.get('held') == TUNING and 'knobs' in record:
                    self._by_seed.setdefault(record['seed'], []).append(record['knobs'])
        made = []
        for number in numbers:
            tried = [self._trial(key, number, knobs, phase) for knobs in self._by_seed.get(self._trial_seed(key, number), ())]
            known = [trial for trial in tried if trial.id in records]
            if not known:
                return None
            made.append(min(known, key=lambda trial: trial.id))
        return made

    def wanted(self, records: Mapping[str, dict], replicates: range) -> dict:
        """Sides that each arm would have extended: {arm: {optimizer: [(value, side)]}}, empty where none."""
        wants = {}
        for arm in self.arms:
            sides = self._sides(arm, records, replicates)
            if sides:
                wants[arm] = sides
        return wants

    def _sides(self, arm: str, records: Mapping[str, dict], replicates: range) -> dict:
        fits, sides = {}, {}
        for optimizer, whole in self.study.tune.items():
            space = {name: values for name, values in whole.items() if values.smooth}
            kept = [place for place, name in enumerate(whole) if name in space]
            box = self.box(optimizer, len(self.rounds))
            beyond = {}
            for name, values in space.items():
                for side in ('low', 'high'):
                    end = self._end(name, values, box, side)
                    if end is not None:
                        beyond[name, side] = end
            pooled = []
            for replicate in self._own(arm, replicates):
                units, found = self.tuned((arm, optimizer, replicate), records)
                pooled.append((units[:, kept], found))
            found = edges(pooled, list(space), box, beyond)
            if found is not None:
                fits[optimizer] = found
            else:
                sides[optimizer] = self._near(pooled, list(space), box, beyond)
        top = max((found.inside for found in fits.values()), default=-math.inf)
        for optimizer, found in fits.items():
            sides[optimizer] = [side for side, gain in found.gains.items() if gain > found.noise and found.inside + gain >= top]
        return {
            optimizer: kept
            for optimizer, found in sides.items()
            if (kept := [side for side in found if not self._falls_off(arm, optimizer, side, records, replicates)])
        }

    def _falls_off(self, arm: str, optimizer: str, side: tuple, records: Mapping[str, dict], replicates: range) -> bool:
        """Whether most of the arm's outermost trials on a side diverged: a cliff ends the range there, and no fit sees it."""
        place, end = list(self.study.tune[optimizer]).index(side[0]), self.box(optimizer, len(self.rounds))[side[0]]
        lost = []
        for replicate in self._own(arm, replicates):
            units, found = self.tuned((arm, optimizer, replicate), records)
            outer = units[:, place] < end[0] + NEAR if side[1] == 'low' else units[:, place] > end[1] - NEAR
            lost += np.isinf(found[outer]).tolist()
        return sum(lost) > len(lost) / 2

    @staticmethod
    def _end(name: str, values, box: dict, side: str) -> float | None:
        """How far a side would be extended, or None where nothing better can lie beyond it."""
        values = bounded(name, values)
        if values.natural(side):
            return None
        low, high = box[name]
        if side == 'low':
            end = max(low - REACH, values.limit(side))
            return end if end < low - 1e-9 else None
        end = min(high + REACH, values.limit(side))
        return end if end > high + 1e-9 else None

    @staticmethod
    def _near(pooled: list, names: list[str], box: dict, beyond: dict) -> list:
        every = np.concatenate([unit for unit, _ in pooled])
        score = np.concatenate([values for _, values in pooled])
        if not np.isfinite(score).any():
            return []
        best = every[score.argmax()]
        near = []
        for name, side in beyond:
            low, high = box[name]
            distance = best[names.index(name)] - low if side == 'low' else high - best[names.index(name)]
            if distance < NEAR:
                near.append((name, side))
        return near

    def extend(self, wants: dict, replicates: range) -> list[Trial]:
        """Another round: every arm searches past the edges that any arm wants extended."""
        self.rounds.append(wants)
        return self._extra(len(self.rounds) - 1, wants, replicates)

    def _extra(self, number: int, wants: dict, replicates: range) -> list[Trial]:
        study, added = self.study, []
        first = study.trials + number * study.extension
        for arm in self.arms:
            for optimizer in study.tune:
                box, sides = self.box(optimizer, number), sides_of(wants, optimizer)
                for replicate in self._own(arm, replicates) if sides else ():
                    key = (arm, optimizer, replicate)
                    points = self._strips(key)[first - study.trials : first - study.trials + study.extension]
                    placed = [self._place(optimizer, box, sides[i % len(sides)], point) for i, point in enumerate(points)]
                    added += self._add(key, np.array(placed).reshape(len(placed), -1), f'extend_{number + 1}')
        return added

    def _strips(self, key: tuple) -> np.ndarray:
        """Points of the unit cube for extensions: those that the Sobol sequence would go on with after tuning."""
        if (key, 'strips') not in self._points:
            count = self.study.trials + ROUNDS * self.study.extension
            whole = propose('sobol', self.study.tune[key[1]], NOTHING, count, 0, self._seed(key))
            self._points[key, 'strips'] = whole[self.study.trials :]
        return self._points[key, 'strips']

    def _place(self, optimizer: str, box: dict, side: tuple[str, str], point: np.ndarray) -> np.ndarray:
        """A point of the unit cube in the strip beyond one side of the box."""
        unit = np.empty(len(point))
        for dim, (name, values) in enumerate(self.study.tune[optimizer].items()):
            low, high = box[name]
            if side[0] == name:
                end = self._end(name, values, box, side[1])
                low, high = (end, low) if side[1] == 'low' else (high, end)
            unit[dim] = low + point[dim] * (high - low)
        return unit
