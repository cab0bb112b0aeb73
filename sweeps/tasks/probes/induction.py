"""induction: a random string is read, and from some place on it comes again."""

import dataclasses

import numpy as np

from sweeps.tasks.probes.synthetic import Synthetic


@dataclasses.dataclass(frozen=True)
class Induction(Synthetic):
    """Induction (2209.11895): what followed this token when it was read before?

    A sequence is `length` different tokens of `tokens` in random order, and then a stretch of `asked` of them again, from a
    random place: at each of these the target is the token that followed it the first time. The start of the stretch differs
    from sequence to sequence, so copying from a fixed distance fails. The vocabulary is `tokens`.

    Source: made by the lab, no licence. Split: 512 sealed examples, `train` + `held` others, all different. Metric: share of
    right answers (higher is better), margin 0.02; chance 1 / tokens, and 1 / length for who knows only what was read. Two
    layers of attention solve it, the first to see what came before each token (small base: 1.000 after 1,000 steps); one
    layer cannot (0.21), and a model without a mixer stays at chance (0.08).
    """

    NAME = 'induction'

    tokens: int = 16
    length: int = 10
    asked: int = 4

    def __post_init__(self):
        super().__post_init__()
        if not 0 < self.asked < self.length <= self.tokens:
            raise ValueError(
                f'induction: asked={self.asked}, length={self.length}, tokens={self.tokens}; allowed: 0 < asked < length <= '
                'tokens; change one of them'
            )

    def make(self, generator: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
        told = generator.permuted(np.tile(np.arange(self.tokens), (count, 1)), axis=1)[:, : self.length]
        start = generator.integers(0, self.length - self.asked, (count, 1))
        places = start + np.arange(self.asked)
        x = np.concatenate([told, np.take_along_axis(told, places, 1)], 1)
        y = np.concatenate([np.full(told.shape, -1), np.take_along_axis(told, places + 1, 1)], 1)
        return x.astype(np.int32), y.astype(np.int32)
