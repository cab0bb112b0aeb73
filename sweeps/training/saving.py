"""Saving: the checkpoints, pauses and weights that a run saves beside its records."""

import contextlib
import dataclasses
import shutil
from collections.abc import Container
from pathlib import Path

from ablations.trial import Schedule

CHECKPOINTS = 'checkpoints'
"""The folder of a run's checkpoints; those of a pack begin with its id."""

PAUSES = 'pauses'
"""The folder of the states in which tuning runs were stopped; those of a run begin with its id."""


def tidy_pauses(run: Path, schedule: Schedule, records: Container[str]) -> None:
    """Remove the pauses from which nothing goes on: of recorded runs, and of replicates whose tuning is over."""
    if not (run / PAUSES).is_dir():
        return
    paused = [trial for trial in schedule.trials if trial.until]
    over = {(arm, task, replicate) for phase, arm, task, replicate in schedule.asked if phase == 'confirm'}
    waiting = {trial.whole().id for trial in paused if (trial.arm, trial.task, trial.replicate) not in over}
    for path in (run / PAUSES).iterdir():
        name = path.name.partition('-')[0]
        # What is being written begins with a dot.
        if not name.startswith('.') and (name not in waiting or name in records):
            shutil.rmtree(path, ignore_errors=True)
    with contextlib.suppress(OSError):
        (run / PAUSES).rmdir()


def last_checkpoint(run: Path, pack: str) -> int:
    """The number of a pack's last whole checkpoint; 0 where it has none.

    >>> last_checkpoint(Path('nowhere'), 'a pack')
    0
    """
    names = (path.name for path in (run / CHECKPOINTS).glob(f'{pack}-*/*'))
    return max((int(name) for name in names if name.isdecimal()), default=0)


PARTS = 4
"""How many checkpoints there should be until a cluster ends a worker."""


@dataclasses.dataclass(frozen=True)
class Saving:
    """How often a long pack saves a checkpoint while it runs, and whether confirmed models keep their weights.

    A checkpoint is made every `minutes` of a pack, or every `steps` of its lanes where given. None: as suits the launcher.
    Raises ValueError where one is not above 0.
    """

    FOLDER = 'weights'

    minutes: float | None = None
    steps: int | None = None
    weights: bool = False

    def __post_init__(self):
        if self.minutes is not None and not self.minutes > 0:
            raise ValueError(f'--checkpoint-minutes {self.minutes}; allowed: above 0')
        if self.steps is not None and self.steps < 1:
            raise ValueError(f'--checkpoint-steps {self.steps}; allowed: 1 or more')

    def on(self, usual: float, lifetime: float | None) -> 'Saving':
        """Checkpoints as suits a launcher: its `usual` minutes unless others are given, and several in a worker's `lifetime`.

        That are the seconds after which the cluster ends a worker, if it does. Raises ValueError where given minutes would let
        it end before a checkpoint is made.

        >>> [Saving().on(10.0, seconds).minutes for seconds in (None, 7200, 1200)]
        [10.0, 10.0, 5.0]
        """
        if self.minutes is None:
            minutes = usual if lifetime is None else min(usual, lifetime / 60 / PARTS)
            return dataclasses.replace(self, minutes=minutes)
        if lifetime is not None and self.steps is None and 2 * 60 * self.minutes > lifetime:
            raise ValueError(
                f'--checkpoint-minutes {self.minutes:g}: workers are ended after {lifetime / 60:g} minutes, which may be '
                f'before a checkpoint is made; allowed: up to {lifetime / 120:g}; leave it out for {lifetime / 60 / PARTS:g}, '
                'or ask for more time'
            )
        return self

    def to_dict(self) -> dict:
        """The entries of a worker's command."""
        interval = {} if self.minutes is None else {'seconds': 60 * self.minutes}
        return {'checkpoints': {**interval, 'steps': self.steps}, 'weights': self.weights}
