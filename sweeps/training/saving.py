"""Saving: the checkpoints and weights that a run saves beside its records."""

import dataclasses


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
