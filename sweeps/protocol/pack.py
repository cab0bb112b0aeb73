"""Pack: trials that share one compiled program and run side by side as lanes.

A pack depends on the plan of a phase and not on what is left of it: an interrupted pack runs again whole.
"""

import dataclasses
import functools

from ablations.digest import digest
from ablations.trial import Program, Trial

LANES = {'loop': 16, 'map': 16, 'vmap': 256}
"""The largest number of trials in a pack, by the strategy for its lanes."""


@dataclasses.dataclass(frozen=True)
class Pack:
    """Trials of one program, scored on the tuning splits of their replicates, or all of them on the test split."""

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
