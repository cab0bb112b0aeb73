"""compression: a whole sequence has to pass through one position."""

import dataclasses

import jax
import numpy as np

from arch.make import positive
from sweeps.tasks.losses import answers
from sweeps.tasks.probes.synthetic import Synthetic


@dataclasses.dataclass(frozen=True)
class Compression(Synthetic):
    """Compression (2403.17844): all that was read is told from the channels of one last token.

    A sequence is `length` random tokens of `tokens` and a mark. The model's `length * tokens` outputs at the mark are read
    as one choice of `tokens` for every place; outputs at other positions are not used. The published probe decodes the mark
    by an extra network over positions; here the last block's channel mixer and the head do it, so that any causal model fits.
    The vocabulary is the tokens and the mark.

    Source: made by the lab, no licence. Split: 512 sealed examples, `train` + `held` others, all different. Metric: share of
    right tokens (higher is better), margin 0.02; chance 1 / tokens. What can be reached depends on the channels at the mark:
    the default asks for 32 bits, and the small base of 32 channels and two layers of attention tells 0.97 of the tokens after
    1,000 steps; with half the length it tells all. A model without a mixer stays at chance.
    """

    NAME = 'compression'

    tokens: int = 4
    length: int = 16

    def __post_init__(self):
        super().__post_init__()
        positive(self.NAME, tokens=self.tokens, length=self.length)

    @staticmethod
    def losses(scores: jax.Array, y: jax.Array, label_smoothing: jax.Array | None = None) -> tuple[jax.Array, jax.Array]:
        """Cross-entropy and share of right tokens: scores `[B, N + 1, N V]`, y `[B, N] -> [B], [B]`.

        Raises ValueError where the outputs are not `length * tokens`.
        """
        if scores.shape[-1] % y.shape[-1]:
            raise ValueError(
                f'compression: a head of {scores.shape[-1]} outputs for {y.shape[-1]} places; allowed: length * tokens '
                "outputs; set 'head.outputs'"
            )
        return answers(scores[:, -1].reshape(*y.shape, -1), y, label_smoothing)

    def make(self, generator: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
        y = generator.integers(0, self.tokens, (count, self.length), np.int32)
        return np.concatenate([y, np.full((count, 1), self.tokens, np.int32)], 1), y
