"""Factorial: main effects and interactions of a study whose arms are all combinations of some factors' levels.

An effect is a contrast of arm means: its weights average over all other factors. Levels are compared with the first level of
their factor, which is the base's.
"""

import dataclasses
import itertools
import math
from collections.abc import Mapping

import numpy as np

from results.looks import Looks, looks_of
from results.noise import Noise
from results.rounding import plain
from results.runs import Runs
from results.statistics import Difference, holm, mean_interval, within
from results.store.reading import Reading

LEVEL = 0.95


def factors_of(levels: Mapping[str, Mapping[str, str]]) -> dict[str, list]:
    """The levels of each factor, in the order of the arms; raises ValueError unless the factorial is full.

    >>> factors_of({'base': {'norm': 'layer', 'gate': 'no'}, 'gated': {'norm': 'layer', 'gate': 'yes'},
    ...              'rms': {'norm': 'rms', 'gate': 'no'}, 'both': {'norm': 'rms', 'gate': 'yes'}})
    {'norm': ['layer', 'rms'], 'gate': ['no', 'yes']}
    """
    if not levels:
        raise ValueError('no levels; give {arm: {factor: level}} for every arm of the factorial')
    names = list(next(iter(levels.values())))
    for arm, own in levels.items():
        if set(own) != set(names):
            raise ValueError(f"arm '{arm}' has levels of {sorted(own)}; allowed: one of each of {names}; name its levels")
    factors = {name: list(dict.fromkeys(own[name] for own in levels.values())) for name in names}
    cells: dict[tuple, list] = {}
    for arm, own in levels.items():
        cells.setdefault(tuple(own[name] for name in names), []).append(arm)
    twice = [arms for arms in cells.values() if len(arms) > 1]
    if twice:
        raise ValueError(f'arms {twice[0]} have the same levels; allowed: one arm for each combination; remove one of them')
    missing = [cell for cell in itertools.product(*factors.values()) if cell not in cells]
    if missing:
        raise ValueError(
            f'no arm has the levels {dict(zip(names, missing[0], strict=True))} ({len(missing)} of '
            f'{math.prod(map(len, factors.values()))} combinations are missing); allowed: a full factorial; add arms'
        )
    return factors


def contrasts(levels: Mapping[str, Mapping[str, str]]) -> dict[tuple, dict[str, float]]:
    """Weights of the arms by effect: ((factor, level),) for main effects, ((factor, level), (factor, level)) for interactions.

    A main effect is a level minus the first level of its factor. An interaction is a difference of differences: the effect of a
    level at one level of the other factor, minus its effect at the other's first level. Both are means over the remaining
    factors.

    >>> levels = {'base': {'norm': 'layer'}, 'rms': {'norm': 'rms'}}
    >>> contrasts(levels)
    {(('norm', 'rms'),): {'base': -1.0, 'rms': 1.0}}
    """
    factors = factors_of(levels)
    cells = math.prod(map(len, factors.values()))

    def weights(chosen: dict) -> dict[str, float]:
        share = math.prod(len(factors[name]) for name in chosen) / cells
        by_arm = {}
        for arm, own in levels.items():
            sign = 1.0
            for name, level in chosen.items():
                sign *= 1.0 if own[name] == level else -1.0 if own[name] == factors[name][0] else 0.0
            by_arm[arm] = sign * share
        return by_arm

    others = {name: values[1:] for name, values in factors.items()}
    made = {((name, level),): weights({name: level}) for name, values in others.items() for level in values}
    for first, second in itertools.combinations(factors, 2):
        for a, b in itertools.product(others[first], others[second]):
            made[(first, a), (second, b)] = weights({first: a, second: b})
    return made


@dataclasses.dataclass(frozen=True)
class Effect:
    """A main effect (one factor) or an interaction (two), in the metric's good direction.

    name        e.g. 'norm: rms_norm' or 'norm: rms_norm x residual: post'
    difference  effect, standard error and degrees of freedom
    interval    95 %, not adjusted; `p_adjusted` by Holm over the effects of all tasks. None where nothing varies
    """

    name: str
    factors: tuple
    levels: tuple
    difference: Difference
    interval: tuple | None
    p: float | None
    p_adjusted: float | None


@dataclasses.dataclass(frozen=True)
class Cell:
    """One arm: its levels, its mean in the metric's own direction with a 95 % interval (Student)."""

    arm: str
    levels: dict
    value: float
    interval: tuple | None


@dataclasses.dataclass(frozen=True)
class Factorial:
    """All effects and cells of one task; `reason` says why effects are missing, or is ''."""

    task: str
    metric: str
    direction: str
    factors: dict
    effects: tuple
    cells: tuple
    reason: str = ''

    def to_dict(self) -> dict:
        """Plain data, numbers rounded to six significant digits."""
        return plain(self)

    def heat(self, row: str, column: str) -> np.ndarray:
        """Cell means of two factors, averaged over the others, NaN where nothing is recorded. `[rows, columns]`

        Raises ValueError on a name that is no factor, or the same twice.
        """
        for name in (row, column):
            if name not in self.factors or row == column:
                raise ValueError(f"factors '{row}' and '{column}'; allowed: two different ones of {list(self.factors)}")
        wanted = math.prod(len(levels) for name, levels in self.factors.items() if name not in (row, column))
        means = np.full((len(self.factors[row]), len(self.factors[column])), np.nan)
        for i, j in itertools.product(*map(range, means.shape)):
            pair = self.factors[row][i], self.factors[column][j]
            values = [cell.value for cell in self.cells if (cell.levels[row], cell.levels[column]) == pair]
            # A mean over some of the other levels only would compare unlike with like.
            if len(values) == wanted:
                means[i, j] = np.mean(values)
        return means


def effects(
    values: Mapping[str, np.ndarray],
    levels: Mapping[str, Mapping[str, str]],
    looks: Looks | None = None,
    base_factor: int = 1,
    items: Mapping[str, np.ndarray] | None = None,
) -> list[Effect]:
    """All main effects and two-factor interactions from replicate values by arm, higher-better: {arm: `[R]`}.

    Each is tested at all `looks` that so many replicates are enough for, without them once; the first arm is the base, which
    has `base_factor` times as many replicates. `items` may hold what replicates scored on each item, {arm: `[R, n]`}.

    >>> levels = {'base': {'norm': 'layer'}, 'rms': {'norm': 'rms'}}
    >>> values = {'base': np.array([0.90, 0.91, 0.89]), 'rms': np.array([0.92, 0.94, 0.93])}
    >>> [(effect.name, round(effect.difference.effect, 3)) for effect in effects(values, levels)]
    [('norm: rms', 0.03)]
    """
    made, base = contrasts(levels), next(iter(levels))
    fewest = min(len(values[arm]) // (base_factor if arm == base else 1) for arm in levels)
    taken = looks.until(fewest) if looks else ()
    items = items or {}

    def until(look: int) -> Noise:
        counts = {arm: look * (base_factor if arm == base else 1) for arm in levels}
        return Noise({arm: values[arm][: counts[arm]] for arm in levels}, {arm: v[: counts[arm]] for arm, v in items.items()})

    noises = [until(look) for look in taken]
    last, ps, differences = Noise({arm: np.asarray(values[arm], float) for arm in levels}, items), {}, {}
    for key, weights in made.items():
        differences[key] = last.contrast(weights)
        if looks is None:
            ps[key] = None if differences[key] is None else differences[key].p()
        else:
            tested = [(one, look) for noise, look in zip(noises, taken, strict=True) if (one := noise.contrast(weights))]
            ps[key] = min((looks.worth(one.p(), look) for one, look in tested if one.error), default=None)
    adjusted = dict(zip(ps, holm([1.0 if p is None else p for p in ps.values()]), strict=True))
    return [
        Effect(
            name=' x '.join(f'{factor}: {level}' for factor, level in key),
            factors=tuple(factor for factor, _ in key),
            levels=tuple(level for _, level in key),
            difference=difference,
            interval=difference.interval(LEVEL),
            p=ps[key],
            p_adjusted=None if ps[key] is None else adjusted[key],
        )
        for key, difference in differences.items()
        if difference is not None
    ]


def factorials(reading: Reading, levels: Mapping[str, Mapping[str, str]]) -> list[Factorial]:
    """One factorial for each task, from confirmed replicates; an empty list where the study has no levels.

    Raises ValueError where an arm is unknown or the factorial is not full.
    """
    study = reading.study
    if not levels:
        return []
    unknown = [arm for arm in levels if arm not in study.arms]
    if unknown:
        raise ValueError(f"levels of '{unknown[0]}', which is no arm; allowed: {list(study.arms)}; correct its name")
    factors, made = factors_of(levels), []
    for task in study.tasks:
        runs = {arm: Runs(reading, arm, task) for arm in levels}
        values = {arm: own.confirmed() for arm, own in runs.items()}
        items = {arm: scores for arm, own in runs.items() if (scores := own.items()) is not None}
        known = {arm: sample[np.isfinite(sample)] for arm, sample in values.items() if sample is not None}
        cells = []
        for arm, sample in known.items():
            if len(sample):
                interval = mean_interval(sample, LEVEL)
                ends = within(interval and tuple(sorted(task.sign * end for end in interval)), task.metric)
                cells.append(Cell(arm, dict(levels[arm]), task.sign * float(sample.mean()), ends))
        missing = [arm for arm in levels if arm not in known]
        none = [arm for arm, sample in known.items() if not len(sample)]
        few = [arm for arm, sample in known.items() if len(sample) < 2]
        reason = f'not all of these are confirmed: {", ".join(missing)}' if missing else ''
        reason = reason or (f'every run of these diverged: {", ".join(none)}' if none else '')
        reason = reason or (f'one replicate of {", ".join(few)}: noise cannot be measured' if few else '')
        looks = looks_of(study, reading.manifest)
        tested = () if reason else tuple(effects(values, levels, looks, study.base_factor, items))
        made.append(Factorial(task.name, task.metric, task.direction, factors, tested, tuple(cells), reason))
    return _over_tasks(made, len(contrasts(levels)) * len(study.tasks))


def _over_tasks(made: list[Factorial], family: int) -> list[Factorial]:
    """p-values adjusted over all tasks. The study fixes the family: effects without a test count too."""
    ps = [effect.p for one in made for effect in one.effects if effect.p is not None]
    adjusted = iter(holm(ps + [1.0] * (family - len(ps))))
    told = []
    for one in made:
        own = [e if e.p is None else dataclasses.replace(e, p_adjusted=next(adjusted)) for e in one.effects]
        told.append(dataclasses.replace(one, effects=tuple(own)))
    return told
