"""state_tracking: the running product of elements of a group."""

import dataclasses

import numpy as np

from arch.make import positive
from sweeps.tasks.probes.finite_groups import group_table
from sweeps.tasks.probes.synthetic import Synthetic

ASKED = ('every', 'last')


@dataclasses.dataclass(frozen=True)
class StateTracking(Synthetic):
    """The word problem of a finite group (2404.08819): where does a row of moves lead?

    A sequence is `length` random elements of `group`, and at every token (`asked='every'`) or only at the last one the
    target is the product of all elements so far. `group` is `z2` (parity of bits), `s3`, `s5`, `a5`, `z60`, `a4xz5` or
    another that `finite_groups.py` knows. No fixed number of layers of attention or of diagonal state spaces solves a5 or s5
    at every length, unless TC0 = NC1; z60 and a4xz5 lie in TC0. The vocabulary is the elements of the group.

    Source: made by the lab, no licence. Split: 512 sealed examples, `train` + `held` others, all different. Metric: share of
    right states (higher is better), margin 0.02; chance 1 / order of the group, while who sees only the last move gets (1 +
    (length - 1) / order) / length where every state is asked: 0.27 by default (task `state_tracking`), 0.53 for 16 bits (task
    `parity`). The small base of two layers of attention reaches 0.73 on the first and 0.997 on the second, where the
    answers along the way teach it to count; asked for the last parity only it learns nothing (0.50). Recurrences whose state
    can change its sign solve parity at every length (2411.12537).
    """

    NAME = 'state_tracking'

    group: str = 's3'
    length: int = 8
    asked: str = 'every'

    def __post_init__(self):
        super().__post_init__()
        positive(self.NAME, length=self.length)
        group_table(self.group)
        if self.asked not in ASKED:
            raise ValueError(f"state_tracking: asked='{self.asked}'; allowed: {list(ASKED)}; choose one")

    def make(self, generator: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
        table = group_table(self.group)
        x = generator.integers(0, len(table), (count, self.length), np.int32)
        y, state = np.empty_like(x), np.zeros(count, np.int64)
        for place in range(self.length):
            state = table[state, x[:, place]]
            y[:, place] = state
        if self.asked == 'last':
            y[:, :-1] = -1
        return x, y
