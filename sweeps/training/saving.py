"""Saving: the checkpoints and weights that a run saves beside its records."""

import dataclasses
from pathlib import Path

CHECKPOINTS = 'checkpoints'
"""The folder of a run's checkpoints; those of a pack begin with its id."""


def last_checkpoint(run: Path, pack: str) -> int:
    """The number of a pack's last whole checkpoint; 0 where it has none.

    >>> last_checkpoint(Path('nowhere'), 'a pack')
    0
    """
    names = (path.name for path in (run / CHECKPOINTS).glob(f'{pack}-*/*'))
    return max((int(name) for name in names if name.isdecimal()), default=0)


@dataclasses.dataclass(frozen=True)
class Saving:
    """How often a long pack saves a checkpoint while it runs, and whether confirmed models keep their weights.

    A checkpoint is made every `minutes` of a pack, or every `steps` of its lanes where given. Raises ValueError where one is
    not above 0.
    """

    FOLDER = 'weights'

    minutes: float = 10.0
    steps: int | None = None
    weights: bool = False

    def __post_init__(self):
        if not self.minutes > 0:
            raise ValueError(f'--checkpoint-minutes {self.minutes}; allowed: above 0')
        if self.steps is not None and self.steps < 1:
            raise ValueError(f'--checkpoint-steps {self.steps}; allowed: 1 or more')

    def to_dict(self) -> dict:
        """The entries of a worker's command."""
        return {'checkpoints': {'seconds': 60 * self.minutes, 'steps': self.steps}, 'weights': self.weights}
