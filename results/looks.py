"""Looks: the numbers of replicates at which a study's findings may be read, and the share of the error rate for each."""

import dataclasses
from collections.abc import Mapping

from ablations.study import Study
from results.sequential import sequential, shares_of

ENTRY = 'design'
"""The manifest's entry that keeps the looks as they were when the findings were read for the first time."""
MANY = 4
"""From so many looks on their levels are those of t statistics: levels of normal ones would let up to 6 % claim for 5."""


@dataclasses.dataclass(frozen=True)
class Looks:
    """Rising numbers of replicates, the share of the error rate for each, and that rate.

    `student`: whether their levels are those of t statistics in place of normal ones (results/student_looks.py).
    Whoever changes a study's looks after he has read its findings gains nothing: what counts was frozen at the first read.

    >>> looks = Looks((3, 5), (0.36, 0.64), 0.05)
    >>> round(looks.worth(0.018, 3), 3)
    0.05
    """

    counts: tuple[int, ...]
    shares: tuple[float, ...]
    alpha: float
    student: bool = False

    def worth(self, p: float | None, count: int) -> float | None:
        """What a two-sided p-value at a look is worth among all of them; None where no test is defined."""
        return None if p is None else sequential(p, self.counts.index(count), self.counts, self.shares, self.student)

    def worth_one_sided(self, p: float | None, count: int) -> float | None:
        """What a one-sided p-value at a look is worth among all of them."""
        return None if p is None else self.worth(2 * p, count) / 2 if p < 0.5 else p

    def until(self, recorded: int) -> tuple[int, ...]:
        """The looks for which so many replicates are enough."""
        return tuple(count for count in self.counts if count <= recorded)

    def to_dict(self) -> dict:
        levels = {'student': True} if self.student else {}
        return {'looks': list(self.counts), 'shares': list(self.shares), 'alpha': self.alpha, **levels}


def looks_of(study: Study, manifest: Mapping) -> Looks:
    """The looks of a study: those frozen in its folder, else the declared ones."""
    frozen = manifest.get(ENTRY)
    if frozen:
        return Looks(tuple(frozen['looks']), tuple(frozen['shares']), frozen['alpha'], frozen.get('student', False))
    return Looks(study.looks, study.shares or shares_of(study.looks), study.alpha, len(study.looks) >= MANY)
