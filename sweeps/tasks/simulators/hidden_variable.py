"""hidden_variable: what is hidden of a simulator, at each event, given what was seen."""

import dataclasses

import numpy as np

from sweeps.tasks.losses import answers
from sweeps.tasks.simulators.watched import Watched


@dataclasses.dataclass(frozen=True)
class HiddenVariable(Watched):
    """A hidden variable of the first part of a simulator, asked at the last token of each event (docs/simulators.md).

    `variable`: the `direction` of the first ball, or the `mode` or the `key` of doors (sweeps/tasks/simulators).

    Source: made by the lab, no licence. Split: 512 sealed episodes, `train` + `held` others, no episode on two sides: those of
    task kind next_observation with the same simulator, events and numbers. Metric: share of right answers (higher is better),
    margin 0.02; chance is the share of the commonest value. The exact filter gets `best_share`; reached scores stand beside
    the tasks in ablations/tasks/simulated_tasks.py.
    """

    NAME, METRIC = 'hidden_variable', ('accuracy', 'higher')

    variable: str = 'direction'

    losses = staticmethod(answers)

    def __post_init__(self):
        super().__post_init__()
        if self.variable not in (allowed := sorted(self.made.chain.hidden)):
            raise ValueError(
                f"task '{self.NAME}': variable='{self.variable}' of simulator '{self.simulator['kind']}'; allowed: {allowed}; "
                'choose one'
            )

    def written(self, seen: np.ndarray, states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        tokens = self.made.written(seen, self.form)
        y = np.full(tokens.shape, -1, np.int32)
        y[..., -1] = self.made.chain.hidden[self.variable][states[..., 0]]
        return tokens.reshape(len(tokens), -1), y.reshape(len(tokens), -1)

    def labels(self) -> int:
        return int(self.made.chain.hidden[self.variable].max()) + 1

    def chance(self) -> float:
        """The share of the commonest value: what a constant answer gets."""
        chain = self.made.chain
        return float(np.bincount(chain.hidden[self.variable], chain.start).max())

    def best_share(self, sealed: bool = True) -> float:
        """The share of right answers of the exact filter on the sealed episodes, or on the pool."""
        drawn = self.episodes.test() if sealed else self.episodes.pool()
        seen, states = (self.episodes.apart(part)[..., 0] for part in (drawn.x, drawn.y))
        chain = self.made.chain
        values = chain.hidden[self.variable]
        if not self.linked:
            return float((values[states] == np.bincount(values, chain.start).argmax()).mean())
        return float((chain.beliefs(seen, self.variable).argmax(-1) == values[states]).mean())
