"""labelled_domains: several sets of labelled examples as one task, a domain each."""

import dataclasses
from typing import NoReturn

import numpy as np

from sweeps.tasks.arrays import Arrays
from sweeps.tasks.joined_domains import JoinedDomains
from sweeps.tasks.kind import Kind
from sweeps.tasks.lessons import SHUFFLED
from sweeps.tasks.losses import classification


@dataclasses.dataclass(frozen=True)
class LabelledDomains(JoinedDomains):
    """One model that classifies the examples of several sets, whose labels mean the same in all of them.

    Source, licence and test splits: those of `parts`, task specs with examples of one shape, a label each, scored by accuracy:
    digits turned by quarters, sets of images of one size. Which domain an example is of is not told. `weights` are the shares
    of the domains among `held` and `tested` examples (equal if none), `lessons` say what training takes (docs/lessons.md).
    Metric: accuracy (share, higher is better), the weighted mean of the domains', which records keep as `parts`; chance is that
    of the parts.
    """

    parts: tuple = tuple({'kind': 'digits', 'quarter_turns': turns} for turns in (0, 1, 2, 3))
    weights: tuple = ()
    train: int = 0
    held: int = 360
    tested: int = 720
    lessons: str = SHUFFLED

    NAME, METRIC = 'labelled_domains', ('accuracy', 'higher')

    losses = staticmethod(classification)

    def __post_init__(self):
        self.check_parts()

    def labels(self) -> int | None:
        told = [component.labels() for component in self.components]
        return None if None in told else max(told)

    def refuse(self, number: int, wrong: str) -> NoReturn:
        raise ValueError(
            f"task 'labelled_domains': part {number} ({self.parts[number]}) has {wrong}; allowed: examples of one shape, with "
            'one label each, scored by accuracy; change the part, or take it out'
        )

    def wrong_of(self, component: Kind, arrays: Arrays, first: Arrays) -> str:
        if component.knobs:
            return 'an augmentation, which is not used here'
        if component.METRIC != self.METRIC:
            return f'the metric {component.METRIC[0]}'
        if arrays.x.shape[1:] != first.x.shape[1:]:
            return f'examples {list(arrays.x.shape[1:])}, and part 0 {list(first.x.shape[1:])}'
        if arrays.y.ndim != 1 or not np.issubdtype(arrays.y.dtype, np.integer):
            return f'targets {list(arrays.y.shape)} of {arrays.y.dtype}'
        return ''
