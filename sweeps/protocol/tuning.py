"""Tuning: the trials that tune all arms of a study on one task. No jax.

Every replicate of every arm is tuned on its own, with the same number of trials under each optimizer. The first ones lie inside
the study's ranges. The last ones come in two rounds: past the edges where a surface of the trials so far may be higher, and
inside where it is not. No replicate shares such a decision with another, so their spread shows its effect.

With a screening every optimizer gets the first trials. The better one gets the rest, by the same selection as at the end of a
tuning; each replicate of each arm decides it for itself.

With halvings all trials that are asked for together stop at a share of their steps, and the better half of each key goes on
(sweeps/protocol/halving.py).
"""

import itertools
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ablations.digest import digest
from ablations.seeds import derive
from ablations.space_rules import Tunable, bounded
from ablations.study import Study
from ablations.tasks import Task
from ablations.trial import AFTER_SCREENING, TUNING, Program, Trial
from results.edges import Box, Side
from results.selection import Selected, select_each
from sweeps.protocol.extension import Measured, Tuned, below_divergence, sides_past_edges, sides_to_search
from sweeps.protocol.halving import better_half, ends
from sweeps.protocol.search import NOTHING, ROUNDING, SEARCHES, propose

ROUNDS = 2
"""The largest number of rounds that may extend ranges."""
REACH = 1 / 3
"""How far a round extends a side, as a share of the study's own range (on the range's scale)."""
BATCH = 8
"""Points that an adaptive search proposes at a time, for each replicate: its lanes in a pack."""

Key = tuple[str, str, int]
"""Arm, optimizer, replicate: the unit that is tuned on its own."""
Replicates = Mapping[str, range]
"""The replicates of each arm: the base may have several times as many."""


class Tuning:
    """The tuning of one task. `ask(trials)` puts trials on the schedule and gives whether all of them are recorded.

    `programs` has one for each tuned arm and each optimizer. `trials` are the ones asked for so far, and `extended` the sides
    that each round extended.
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
        self.extended: dict[Key, list[list[Side]]] = {}
        self._units: dict[Key, list[list[float]]] = {}
        self._measured: dict[Key, Measured] = {}
        self._spread: dict[tuple[str, Key], np.ndarray] = {}
        self._addresses: dict[tuple[str, str], list[str]] = {}
        self._knobs_by_seed: dict[int, list[dict]] | None = None

    def tune(self, replicates: Replicates) -> bool:
        """Ask for the trials of these replicates as far as the records allow; gives whether their tuning is wholly recorded."""
        study = self.study
        keys = [(arm, optimizer, r) for arm in self.arms for optimizer in study.optimizers_of(arm) for r in replicates[arm]]
        for first, last, extends in self._parts():
            if first and first == study.screening:
                keys = self._after_screening(replicates)
            sides = self._sides_to_search(keys) if extends else {}
            for key in keys:
                if extends:
                    self._extending(key, sides.get(key, []), first, last - first, f'extend_{extends}')
                else:
                    self._inside(key, first, last - first, self._phase(first))
            if not self._ask_for_last(last - first, keys):
                return False
        return True

    def _ask_for_last(self, count: int, keys: Sequence[Key]) -> bool:
        """Ask for the last trials of each key, with halvings stop by stop; gives whether all that go on are recorded.

        A trial that does not go on stays among the trials of its key as the run that was stopped.
        """
        places = {key: range(len(self.trials[key]) - count, len(self.trials[key])) for key in keys}
        for share in self.study.halvings:
            whole = {key: [self.trials[key][place] for place in own] for key, own in places.items()}
            for key, own in places.items():
                for place in own:
                    self.trials[key][place] = self.trials[key][place].up_to(share)
            if not self.ask([self.trials[key][place] for key, own in places.items() for place in own]):
                return False
            for key, own in places.items():
                stopped = [self.trials[key][place] for place in own]
                on = better_half(self.task.sign, stopped, self.records)
                places[key] = [own[number] for number in on]
                for number in on:
                    self.trials[key][own[number]] = whole[key][number]
        return self.ask([self.trials[key][place] for key, own in places.items() for place in own])

    def _parts(self) -> list[tuple[int, int, int]]:
        """The trials of a key that are asked for at the same time: from the first to before the last, and the number of the
        round that may extend ranges, 0 for none."""
        study = self.study
        # Half of the trials at most: a surface needs some inside.
        late = min(study.extension, study.trials // 2, study.trials - study.screening)
        start = study.trials - late
        inside = range(0, start, BATCH if self.adaptive else start)
        ends = [0, study.screening, start] if study.screening else [*inside, start]
        parts = [(first, last, 0) for first, last in itertools.pairwise(ends) if last > first]
        sizes = [late * number // ROUNDS for number in range(ROUNDS + 1)]
        rounds = [(first, last) for first, last in itertools.pairwise(sizes) if last > first]
        return parts + [(start + first, start + last, number) for number, (first, last) in enumerate(rounds, 1)]

    def _phase(self, first: int) -> str:
        """The phase of trials inside the study's own ranges."""
        later = f'tune_{first // BATCH + 1}' if self.adaptive else AFTER_SCREENING
        return later if first else 'tune'

    def _after_screening(self, replicates: Replicates) -> list[Key]:
        """The better optimizer of each replicate of each arm, by all its trials; the first one where all of them diverged."""
        keys = []
        for (arm, replicate), best in self.selected(replicates).items():
            keys.append((arm, best.optimizer if best else self.study.optimizers_of(arm)[0], replicate))
        return keys

    def selected(self, replicates: Replicates) -> dict[tuple[str, int], Selected | None]:
        """The selected point of each replicate of each arm; None where all trials diverged."""
        study = self.study
        places = [(arm, replicate) for arm in self.arms for replicate in replicates[arm]]
        spaces = {arm: {name: study.space(arm, name) for name in study.optimizers_of(arm)} for arm in self.arms}
        asked = [
            ({optimizer: self.measured((arm, optimizer, replicate)) for optimizer in spaces[arm]}, spaces[arm])
            for arm, replicate in places
        ]
        return dict(zip(places, select_each(asked), strict=True))

    def _sides_to_search(self, keys: Sequence[Key]) -> dict[Key, list[Side]]:
        """The sides past which each key may find better trials, by its own trials alone."""
        return sides_to_search({key: self._tuned(key[:2], [key[2]], self._box(key)) for key in keys})

    def sides_left(self, replicates: Replicates) -> dict[str, dict[str, list[Side]]]:
        """By arm and optimizer, the sides at which an optimum lies: past all that these replicates searched, by all of them."""
        asked: dict[str, dict[str, Tuned]] = {}
        for arm, optimizer in self.programs:
            boxes = [self._box((arm, optimizer, replicate)) for replicate in replicates[arm]]
            widest = {name: (min(b[name][0] for b in boxes), max(b[name][1] for b in boxes)) for name in boxes[0]}
            asked.setdefault(arm, {})[optimizer] = self._tuned((arm, optimizer), replicates[arm], widest)
        return sides_past_edges(asked)

    def _tuned(self, about: tuple[str, str], replicates: Sequence[int], box: Box) -> Tuned:
        """The tuning of these replicates of an arm with an optimizer, whose ranges are these so far."""
        tune, space = self.study.tune[about[1]], self.study.space(*about)
        ends = self._ends(about[1], box, [name for name, values in tune.items() if values.smooth])
        # What an arm alone tunes keeps its range.
        own = {**dict.fromkeys(space, (0.0, 1.0)), **box}
        trials = [self.measured((*about, replicate)) for replicate in replicates]
        return Tuned([values.smooth for values in space.values()], own, ends, trials)

    def measured(self, key: Key) -> Measured:
        """Units `[n, d]`, in the order of the space, and scores `[n]` of all trials of a key; all must be recorded.

        A run that was stopped has the score that it is expected to have ended with.
        """
        known = self._measured.get(key)
        if known is None or len(known[1]) != len(self.trials[key]):
            known = np.array(self._units[key]), ends(self.task.sign, self.trials[key], self.records, self.study.halvings)
            self._measured[key] = known
        return known

    def _box(self, key: Key) -> Box:
        """The range of each value so far, in units."""
        box = dict.fromkeys(self.study.tune[key[1]], (0.0, 1.0))
        for sides in self.extended.get(key, ()):
            for (name, side), end in self._ends(key[1], box, [name for name, _ in sides]).items():
                low, high = box[name]
                if (name, side) in sides:
                    box[name] = (end, high) if side == 'low' else (low, end)
        return box

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

    def _inside(self, key: Key, first: int, count: int, phase: str) -> list[Trial]:
        """The trials after the `first` ones, by the study's own search inside its ranges.

        An adaptive search goes in batches, at the same time for all arms, and each uses the scores of the batches before.
        Recorded batches are not proposed again, because a proposal takes time and its last bits differ between machines.
        """
        if not self.adaptive:
            return self._at(key, self._points(self.study.search, key, first, count), phase)
        made = self._of_records(key, range(first, first + count), phase)
        if made is not None:
            return self._add(key, made)
        units, known = self.measured(key) if first else NOTHING
        within = (np.abs(units - 0.5) <= 0.5 + ROUNDING).all(-1)
        return self._at(key, self._propose(self.study.search, key, (units[within], known[within]), count, first), phase)

    def _extending(self, key: Key, sides: list[Side], first: int, count: int, phase: str) -> list[Trial]:
        """The trials of a round: past these sides in turn, or inside the ranges so far without any.

        Inside they keep below the rates from which on all diverged.
        """
        if self.adaptive and not sides:
            made = self._inside(key, first, count, phase)
        else:
            points = self._points('sobol' if sides else self.study.search, key, first, count)
            box = below_divergence(*self.measured(key), self._box(key))
            strips = [self._strip(key, *side) for side in sides] or [{}]
            placed = [self._place(key, point, {**box, **strips[i % len(strips)]}) for i, point in enumerate(points)]
            made = self._at(key, placed, phase)
        self.extended.setdefault(key, []).append(sides)
        return made

    def _points(self, search: str, key: Key, first: int, count: int) -> np.ndarray:
        """Points of the unit cube by a search that follows no scores, made once for all rounds: a grid does not grow."""
        if (search, key) not in self._spread:
            self._spread[search, key] = self._propose(search, key, NOTHING, self.study.trials, 0)
        return self._spread[search, key][first : first + count]

    def _strip(self, key: Key, name: str, side: str) -> Box:
        """The range of a value past one side of its range so far."""
        box = self._box(key)
        (low, high), end = box[name], self._end(name, self.study.tune[key[1]][name], box, side)
        return {name: (end, low) if side == 'low' else (high, end)}

    def _place(self, key: Key, point: np.ndarray, box: Box) -> np.ndarray:
        """A point of the unit cube in these ranges. `[d] -> [d]`"""
        ends = np.array([box.get(name, (0.0, 1.0)) for name in self.study.space(*key[:2])])
        return ends[:, 0] + point * (ends[:, 1] - ends[:, 0])

    def _propose(self, search: str, key: Key, seen: Measured, count: int, first: int) -> np.ndarray:
        """Points of a search, with a seed of its own for each arm, optimizer and replicate. `[count, d]` in units"""
        arm, optimizer, replicate = key
        seed = derive('points', self.study.name, arm, self.task.name, optimizer, replicate)
        return propose(search, self.study.space(arm, optimizer), seen, count, first, seed)

    def _at(self, key: Key, points: Sequence[np.ndarray], phase: str) -> list[Trial]:
        """The next trials, at these points in units. `[n][d]`"""
        space, fixed, made = self.study.space(*key[:2]), self.study.fixed_of(key[0]), []
        for number, point in enumerate(np.array(points).tolist(), len(self.trials.get(key, ()))):
            values = {name: item.value(unit) for (name, item), unit in zip(space.items(), point, strict=True)}
            made.append(self._trial(key, self._seed(key, number), {**fixed, **values}, phase))
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
            known = [trial for trial in tried if self._first_run(trial).id in self.records]
            if not known:
                return None
            made.append(min(known, key=lambda trial: trial.id))
        return made

    def _first_run(self, trial: Trial) -> Trial:
        """What of a trial is trained first."""
        return trial.up_to(self.study.halvings[0]) if self.study.halvings else trial

    def _trial(self, key: Key, seed: int, knobs: Mapping[str, float], phase: str) -> Trial:
        arm, optimizer, replicate = key
        program = self.programs[arm, optimizer].at(knobs)
        return Trial(program, replicate, tuple(sorted(knobs.items())), seed, TUNING, phase)

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
            address = [digest([self.study.search, told, self.study.fixed_of(arm)])]
            self._addresses[arm, optimizer] = address if self.adaptive else []
        return self._addresses[arm, optimizer]
