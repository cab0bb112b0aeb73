"""Pack: trials that share one compiled program and run side by side as lanes.

A pack depends on the plan of a phase and not on what is left of it: an interrupted pack runs again whole.
"""

import dataclasses
import functools
from collections.abc import Iterable

from ablations.digest import digest
from ablations.study import Study
from ablations.trial import TEST, Program, Trial

LANES = 16
"""Trials in a pack of any phase, so that a program compiled for this many lanes serves all of them."""


@dataclasses.dataclass(frozen=True)
class Pack:
    """Trials of one program, scored on one held-out set: a replicate's tuning split, or the test split."""

    trials: tuple[Trial, ...]

    @functools.cached_property
    def id(self) -> str:
        return digest([trial.id for trial in self.trials])

    @property
    def program(self) -> Program:
        return self.trials[0].program

    @property
    def held(self) -> str:
        return self.trials[0].held

    def to_dict(self) -> dict:
        """Plain data that `from_dict` reads in another process."""
        lanes = [{k: v for k, v in vars(trial).items() if k in _LANE} for trial in self.trials]
        return {'program': dataclasses.asdict(self.program), 'trials': lanes}

    @staticmethod
    def from_dict(content: dict) -> 'Pack':
        program = Program(**content['program'])
        trials = []
        for lane in content['trials']:
            knobs = tuple((name, value) for name, value in lane['knobs'])
            trials.append(Trial(program=program, **{**lane, 'knobs': knobs}))
        return Pack(tuple(trials))


_LANE = [field.name for field in dataclasses.fields(Trial) if field.name != 'program']


def pack(study: Study, trials: Iterable[Trial], lanes: int) -> list[Pack]:
    """All packs of these trials, recorded or not, in their order; at most `lanes` trials each.

    Tuning trials are packed by replicate, so that more replicates add packs and change none; confirmations by look.
    """
    groups: dict[tuple, list[Trial]] = {}
    for trial in trials:
        look = sum(study.count(trial.arm, count) <= trial.replicate for count in study.looks)
        stage = ('look', look) if trial.held == TEST else ('replicate', trial.replicate)
        groups.setdefault((trial.program.id, trial.phase, stage), []).append(trial)
    return [Pack(tuple(group[start : start + lanes])) for group in groups.values() for start in range(0, len(group), lanes)]
