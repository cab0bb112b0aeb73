"""Plan: from a study and what is recorded to the trials that come next. A pure function; no jax.

Per task: tune every arm; extend ranges at most twice; select a point for each replicate; confirm it with fresh seeds on the
sealed test split; confirm every arm at the base's point too. Replicates of a later look wait for the earlier look and follow
the extensions that it decided.

A side that one arm wants extended is extended for every arm. To extend each arm's ranges alone, with as many extra trials for
the others inside their own, would be equal in budget but not in the space searched: the decision is one noisy draw per arm
that all its replicates share, so that the spread over replicates does not show it. Simulated on identical arms whose optimum
lies outside the range, claims of a difference fell from 15 to 41 % of studies to 0 to 2 % (LOG.md).
"""

import math
from collections.abc import Mapping

import numpy as np

from ablations.seeds import derive
from ablations.spaces import limit, natural
from ablations.study import Study
from ablations.trial import TEST, TUNING, Schedule, Trial
from results.selection import edges, select
from sweeps.search.sobol import scrambled_sobol

ROUNDS = 2
REACH = 1 / 3
"""How far a round extends a side, as a share of the study's own range (on the range's scale)."""
NEAR = 1 / 8
"""Where no surface can be fitted, the best trial is at an edge when it lies within this share of it."""


def scores(study: Study, trials: list[Trial], records: Mapping[str, dict]) -> np.ndarray:
    """Tuning scores in the good direction, -inf where a run diverged or failed."""
    sign = study.task(trials[0].task).sign
    found = (records[trial.id] for trial in trials)
    return np.array([sign * record['score'] if record['status'] == 'ok' else -math.inf for record in found])


def units(study: Study, trials: list[Trial]) -> np.ndarray:
    """Unit coordinates of trials of one optimizer, in the order of its space. `[n, d]`."""
    space = study.tune[trials[0].program.optimizer]
    knobs = [dict(trial.knobs) for trial in trials]
    return np.array([[values.unit(point[name]) for name, values in space.items()] for point in knobs])


def sides_of(wants: Mapping[str, dict], optimizer: str) -> list[tuple[str, str]]:
    """The sides (value, low or high) of an optimizer's box that any arm wants extended, each once."""
    return list(dict.fromkeys(side for sides in wants.values() for side in sides.get(optimizer, [])))


class _Tuning:
    """The tuning of one task: its trials by arm, optimizer and replicate, and the extensions that were decided."""

    def __init__(self, study: Study, task: str, programs: dict):
        self.study, self.task, self.programs = study, task, programs
        self.points, self.trials, self.rounds = {}, {}, []

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

    def _trial(self, arm: str, optimizer: str, replicate: int, index: int, unit: np.ndarray, phase: str) -> Trial:
        space = self.study.tune[optimizer]
        knobs = {name: values.value(u) for (name, values), u in zip(space.items(), unit, strict=True)}
        seed = derive('tune', self.study.name, arm, self.task, optimizer, replicate, index)
        knobs = tuple(sorted({**self.study.fixed, **knobs}.items()))
        return Trial(self.programs[arm, optimizer], replicate, knobs, seed, TUNING, phase)

    def sequence(self, arm: str, optimizer: str, replicate: int) -> np.ndarray:
        """The arm's own scrambled points for a replicate: enough for tuning and every extension."""
        key = (arm, optimizer, replicate)
        if key not in self.points:
            study = self.study
            count = study.trials + ROUNDS * study.extension
            seed = derive('points', study.name, arm, self.task, optimizer, replicate)
            self.points[key] = scrambled_sobol(count, len(study.tune[optimizer]), seed)
        return self.points[key]

    def start(self, replicates: range) -> list[Trial]:
        """The first trials of these replicates, inside the study's own ranges, then their share of decided rounds."""
        added = []
        for arm in self.study.arms:
            for optimizer in self.study.tune:
                for replicate in replicates:
                    points = self.sequence(arm, optimizer, replicate)[: self.study.trials]
                    made = [self._trial(arm, optimizer, replicate, i, u, 'tune') for i, u in enumerate(points)]
                    self.trials[arm, optimizer, replicate] = made
                    added += made
        for number, wants in enumerate(self.rounds):
            added += self._extra(number, wants, replicates)
        return added

    def wanted(self, records: Mapping[str, dict], replicates: range) -> dict:
        """Sides that each arm would have extended: {arm: {optimizer: [(value, side)]}}, empty where none."""
        wants = {}
        for arm in self.study.arms:
            sides = self._sides(arm, records, replicates)
            if sides:
                wants[arm] = sides
        return wants

    def _sides(self, arm: str, records: Mapping[str, dict], replicates: range) -> dict:
        fits, sides = {}, {}
        for optimizer, space in self.study.tune.items():
            box = self.box(optimizer, len(self.rounds))
            beyond = {}
            for name, values in space.items():
                for side in ('low', 'high'):
                    end = self._end(name, values, box, side)
                    if end is not None:
                        beyond[name, side] = end
            pooled = []
            for replicate in replicates:
                trials = self.trials[arm, optimizer, replicate]
                pooled.append((units(self.study, trials), scores(self.study, trials, records)))
            found = edges(pooled, list(space), box, beyond)
            if found is not None:
                fits[optimizer] = found
            else:
                sides[optimizer] = self._near(pooled, list(space), box, beyond)
        top = max((found.inside for found in fits.values()), default=-math.inf)
        for optimizer, found in fits.items():
            sides[optimizer] = [side for side, gain in found.gains.items() if gain > found.noise and found.inside + gain >= top]
        return {optimizer: found for optimizer, found in sides.items() if found}

    @staticmethod
    def _end(name: str, values, box: dict, side: str) -> float | None:
        """How far a side would be extended, or None where nothing better can lie beyond it."""
        if natural(name, values, side):
            return None
        low, high = box[name]
        if side == 'low':
            end = max(low - REACH, limit(name, values, side))
            return end if end < low - 1e-9 else None
        end = min(high + REACH, limit(name, values, side))
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
        for arm in study.arms:
            for optimizer in study.tune:
                box, sides = self.box(optimizer, number), sides_of(wants, optimizer)
                for replicate in replicates if sides else ():
                    points = self.sequence(arm, optimizer, replicate)[first : first + study.extension]
                    made = []
                    for i, point in enumerate(points):
                        unit = self._place(optimizer, box, sides[i % len(sides)], point)
                        made.append(self._trial(arm, optimizer, replicate, first + i, unit, f'extend_{number + 1}'))
                    self.trials[arm, optimizer, replicate] = self.trials[arm, optimizer, replicate] + made
                    added += made
        return added

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


class _Builder:
    """A schedule in the making."""

    def __init__(self, study: Study, records: Mapping[str, dict]):
        self.study, self.records = study, records
        self.trials, self.asked, self.selections, self.censored, self.extended = {}, {}, {}, {}, {}
        self.programs = {
            task.name: {(a, o): study.program(a, task.name, o) for a in study.arms for o in study.tune} for task in study.tasks
        }

    def ask(self, trials: list[Trial]) -> bool:
        """Put trials on the schedule; True where all are recorded."""
        for trial in trials:
            self.trials.setdefault(trial.id, trial)
        return all(trial.id in self.records for trial in trials)

    def task(self, name: str) -> int:
        """Schedule a task as far as the records allow; the number of replicates that are wholly recorded."""
        study = self.study
        tuning = _Tuning(study, name, self.programs[name])
        first = range(study.looks[0])
        for number, look in enumerate(study.looks):
            replicates = range(study.looks[number - 1] if number else 0, look)
            done = self.ask(tuning.start(replicates))
            for _ in range(ROUNDS if number == 0 and study.extension else 0):
                wants = tuning.wanted(self.records, first) if done else {}
                if not wants:
                    break
                done = self.ask(tuning.extend(wants, first))
            for (arm, _, replicate), trials in tuning.trials.items():
                if replicate in replicates:
                    self.asked.setdefault(('tune', arm, name, replicate), []).extend(trials)
            self.extended[name] = tuning.rounds
            if not done:
                return study.looks[number - 1] if number else 0
            if number == 0:
                left = tuning.wanted(self.records, first)
                for arm in study.arms:
                    sides = left.get(arm, {})
                    self.censored[arm, name] = [f'{o} {n} {s}' for o, found in sides.items() for n, s in found]
            if not self._confirm(name, tuning, replicates):
                return study.looks[number - 1] if number else 0
        return study.looks[-1]

    def _confirm(self, task: str, tuning: _Tuning, replicates: range) -> bool:
        study, done = self.study, True
        for arm in study.arms:
            for replicate in replicates:
                tuned = {}
                for optimizer in study.tune:
                    trials = tuning.trials[arm, optimizer, replicate]
                    tuned[optimizer] = (units(study, trials), scores(study, trials, self.records))
                self.selections[arm, task, replicate] = select(tuned, study.tune)
        for phase in ('confirm', 'share'):
            for arm in study.arms:
                for replicate in replicates:
                    point = self.selections[arm if phase == 'confirm' else study.base, task, replicate]
                    trials = [] if point is None else self._confirmations(task, arm, replicate, point, phase)
                    self.asked[phase, arm, task, replicate] = trials
                    done &= self.ask(trials)
        return done

    def _confirmations(self, task: str, arm: str, replicate: int, point, phase: str) -> list[Trial]:
        program = self.programs[task][arm, point.optimizer]
        knobs = tuple(sorted({**self.study.fixed, **dict(point.knobs)}.items()))
        return [
            Trial(program, replicate, knobs, derive('confirm', task, replicate, index), TEST, phase)
            for index in range(self.study.seeds)
        ]


def schedule(study: Study, records: Mapping[str, dict], manifest: Mapping) -> Schedule:
    """All that the study wants so far, recorded or not; what a record says never changes what was wanted before it."""
    builder = _Builder(study, records)
    look = min(builder.task(task.name) for task in study.tasks)
    costs, budgets = manifest.get('costs', {}), {}
    for arm in study.arms:
        for task in study.tasks:
            count = sum(
                len(trials) for (phase, a, t, _), trials in builder.asked.items() if (phase, a, t) == ('tune', arm, task.name)
            )
            flops = costs.get(arm, {}).get(task.name, {}).get('flops')
            budgets[arm, task.name] = {
                'trials': count,
                'steps': count * task.steps,
                'examples': count * task.steps * task.batch,
                'flops': None if flops is None else count * task.steps * flops,
            }
    return Schedule(
        trials=tuple(builder.trials.values()),
        asked=builder.asked,
        selections=builder.selections,
        censored=builder.censored,
        extended=builder.extended,
        budgets=budgets,
        look=look,
        complete=look == study.looks[-1],
    )


def plan(study: Study, records: Mapping[str, dict], manifest: Mapping) -> list[Trial]:
    """The trials to run next: those that the schedule wants and no record has. Empty when the study is complete.

    `records` maps trial ids to records; `manifest` may hold the costs of arms and tasks.
    """
    return [trial for trial in schedule(study, records, manifest).trials if trial.id not in records]
