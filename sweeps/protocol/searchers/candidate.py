"""Candidate: one model at one recipe, and all those that a searcher may try."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from ablations.choices import Choice
from ablations.ranges import Range
from ablations.space_rules import Tunable
from ablations.study import Study
from ablations.tasks import Task
from ablations.trial import Program, Trial

MIDDLE = 0.5
"""Where a start lies in every range."""
BELOW_ONE = 1 - 1e-4
"""The largest unit that is proposed."""


class Candidate(NamedTuple):
    """An arm under an optimizer, at a point of its space in units."""

    arm: str
    optimizer: str
    units: tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class Candidates:
    """All that may be tried on one task of a study: its arms, its optimizers and their spaces.

    The `start` is the base under its first optimizer in the middle of its ranges: one recipe that nobody tuned.
    """

    study: Study
    task: Task

    @property
    def start(self) -> Candidate:
        return self.candidate(self.study.base, self.study.optimizers_of(self.study.base)[0], [])

    @property
    def chance(self) -> float:
        """What a diverged run scores, in the good direction."""
        return self.task.sign * self.task.chance

    def optimizer_of(self, arm: str, optimizer: str, before: str) -> str:
        """The optimizer of a candidate that was of the arm `before`: the same, or the one in its place if the arm lacks it."""
        own = self.study.optimizers_of(arm)
        return optimizer if optimizer in own else own[self.study.optimizers_of(before).index(optimizer)]

    def candidate(self, arm: str, optimizer: str, units: list[float]) -> Candidate:
        """A candidate at the first of these units; what they lack lies in the middle."""
        size = len(self.study.space(arm, optimizer))
        return Candidate(arm, optimizer, tuple(units[:size]) + (MIDDLE,) * (size - len(units)))

    @functools.cached_property
    def joint(self) -> Mapping[str, Tunable]:
        """One space for everything: a choice of arms and one of optimizers where there are several, then as many units as the
        largest space has values."""
        unit, size = (
            Range(0.0, 1.0, 'linear'),
            max(len(self.study.space(a, o)) for a in self.study.arms for o in self.study.optimizers_of(a)),
        )
        counts = {'arm': len(self.study.arms), 'optimizer': len(self.study.optimizers_of(self.study.base))}
        choices = {name: Choice(tuple(map(float, range(count)))) for name, count in counts.items() if count > 1}
        return {**choices, **{f'unit {place}': unit for place in range(size)}}

    def of_joint(self, point: np.ndarray) -> Candidate:
        """The candidate at a point of the joint space. `[d]`"""
        told = dict(zip(self.joint, point.tolist(), strict=True))
        arms = list(self.study.arms)
        arm = arms[int(self.joint['arm'].value(told.pop('arm')))] if 'arm' in told else arms[0]
        optimizers = self.study.optimizers_of(arm)
        optimizer = (
            optimizers[int(self.joint['optimizer'].value(told.pop('optimizer')))] if 'optimizer' in told else optimizers[0]
        )
        return self.candidate(arm, optimizer, list(told.values()))

    def in_joint(self, candidate: Candidate) -> list[float]:
        """The point of a candidate in the joint space. `[d]`"""
        named = {
            'arm': list(self.study.arms).index(candidate.arm),
            'optimizer': self.study.optimizers_of(candidate.arm).index(candidate.optimizer),
        }
        first = [self.joint[name].unit(float(place)) for name, place in named.items() if name in self.joint]
        units = [min(max(unit, 0.0), BELOW_ONE) for unit in candidate.units]
        return first + units + [MIDDLE] * (len(self.joint) - len(first) - len(units))

    @functools.cached_property
    def _programs(self) -> dict[tuple[str, str], Program]:
        return {}

    def trial(self, candidate: Candidate, replicate: int, seed: int, held: str, phase: str) -> Trial:
        """A run of a candidate."""
        arm, optimizer, units = candidate
        if (arm, optimizer) not in self._programs:
            self._programs[arm, optimizer] = self.study.program(arm, self.task.name, optimizer)
        space = self.study.space(arm, optimizer)
        knobs = {
            **self.study.fixed_of(arm),
            **{name: item.value(unit) for (name, item), unit in zip(space.items(), units, strict=True)},
        }
        program = self._programs[arm, optimizer].at(knobs)
        return Trial(program, replicate, tuple(sorted(knobs.items())), seed, held, phase)
