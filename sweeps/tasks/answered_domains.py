"""answered_domains: several tasks of tokens with answers as one, of which one may be scored alone."""

import dataclasses
from typing import NoReturn

import jax
import numpy as np

from ablations.seeds import derive
from sweeps.tasks.arrays import Arrays
from sweeps.tasks.joined_domains import JoinedDomains
from sweeps.tasks.kind import Kind
from sweeps.tasks.lessons import SHARES


@dataclasses.dataclass(frozen=True)
class AnsweredDomains(JoinedDomains):
    """One causal model of several tasks that ask for tokens at some places of a sequence, such as the directions of pictures.

    Source, licence and test splits: those of `parts`, task specs with sequences of one length and one vocabulary. Each example
    counts the same in training, however many tokens it asks for. With `scored` 0 the score is the mean of all domains, whose
    metrics must be one; with k it is that of part k alone, and the others are learned for its sake. Parts over the same
    examples hold the same ones out. Metric and chance: those of what is scored (better as there). `lessons` say what training
    takes (docs/lessons.md).
    """

    parts: tuple = (
        {'kind': 'picture_language', 'pictures': 'blocks', 'asked': 'answer'},
        {'kind': 'picture_language', 'pictures': 'blocks', 'asked': 'picture'},
    )
    scored: int = 1
    weights: tuple = ()
    train: int = 0
    held: int = 256
    tested: int = 512
    lessons: str = SHARES

    NAME, STORED = 'answered_domains', np.int32

    def __post_init__(self):
        if isinstance(self.scored, bool) or self.scored not in range(len(self.parts) + 1):
            raise ValueError(
                f"task '{self.NAME}': scored={self.scored!r}; allowed: 0 (all parts) to {len(self.parts)}; choose one"
            )
        self.check_parts()

    def seed_of(self, seed: int, number: int) -> int:
        """One seed for all parts: what is held out of a set is held out of it in every part, whichever way it is asked."""
        return derive('answered_domains', seed)

    @property
    def METRIC(self) -> tuple[str, str]:
        return self.components[self.scored - 1 if self.scored else 0].METRIC

    def losses(self, scores: jax.Array, y: jax.Array, label_smoothing: jax.Array | None = None) -> tuple[jax.Array, jax.Array]:
        """The losses of what is scored: scores `[B, N, V]`, y `[B, N] -> [B], [B]`."""
        return self.components[self.scored - 1 if self.scored else 0].losses(scores, y, label_smoothing)

    def token_count(self) -> int | None:
        told = [component.token_count() for component in self.components]
        return None if None in told else max(told)

    def refuse(self, number: int, wrong: str) -> NoReturn:
        raise ValueError(
            f"task 'answered_domains': part {number} ({self.parts[number]}) has {wrong}; allowed: sequences of one length, a "
            'target or -1 at each token, and one metric among those that are scored; change the part, or take it out'
        )

    def wrong_of(self, component: Kind, arrays: Arrays, first: Arrays) -> str:
        x, y = arrays.x, arrays.y
        if x.ndim != 2 or x.shape != y.shape or x.shape[1] != first.x.shape[1]:
            return f'examples {list(x.shape[1:])} with targets {list(y.shape[1:])}'
        if not self.scored and component.METRIC != self.METRIC:
            return f'the metric {component.METRIC[0]}, and part 0 {self.METRIC[0]}'
        return ''
