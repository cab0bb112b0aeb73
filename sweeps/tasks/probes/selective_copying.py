"""selective_copying: tokens that lie scattered among blanks are repeated in order."""

import dataclasses

import numpy as np

from arch.make import positive
from sweeps.tasks.probes.synthetic import Synthetic


@dataclasses.dataclass(frozen=True)
class SelectiveCopying(Synthetic):
    """Selective copying (2312.00752; with `noise` tokens as in 2403.17844): remember what matters, forget the rest.

    A sequence has `length` places, of which `copies` random ones hold one of `tokens` content tokens and all others one of
    `noise` tokens that mean nothing; then `copies` marks, and at the k-th mark the target is the k-th content token. The
    vocabulary is content, then noise, then the mark.

    Source: made by the lab, no licence. Split: 512 sealed examples, `train` + `held` others, all different. Metric: share of
    right answers (higher is better), margin 0.02; chance 1 / tokens. Two layers of attention solve it (small base:
    1.000 after 1,000 steps), and as published selective state spaces, while state spaces and convolutions that treat all
    tokens alike do not; a model without a mixer stays at chance (0.13).
    """

    NAME = 'selective_copying'

    tokens: int = 8
    length: int = 16
    copies: int = 4
    noise: int = 1

    def __post_init__(self):
        super().__post_init__()
        positive(self.NAME, tokens=self.tokens, copies=self.copies, noise=self.noise)
        if self.copies > self.length:
            raise ValueError(
                f'selective_copying: copies={self.copies} with length={self.length}; allowed: 1 to length; raise length'
            )

    def make(self, generator: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
        content = generator.integers(0, self.tokens, (count, self.copies))
        places = generator.permuted(np.tile(np.arange(self.length), (count, 1)), axis=1)[:, : self.copies]
        told = generator.integers(self.tokens, self.tokens + self.noise, (count, self.length))
        np.put_along_axis(told, np.sort(places, 1), content, 1)
        x = np.concatenate([told, np.full(content.shape, self.tokens + self.noise)], 1)
        y = np.concatenate([np.full(told.shape, -1), content], 1)
        return x.astype(np.int32), y.astype(np.int32)
