"""fuzzy_recall: associative recall whose keys and values are words of several tokens."""

import dataclasses

import numpy as np

from arch.make import positive
from sweeps.tasks.probes.synthetic import Synthetic, fingerprints


@dataclasses.dataclass(frozen=True)
class FuzzyRecall(Synthetic):
    """Fuzzy in-context recall (2403.17844): keys and values are words of 1 to `longest` tokens.

    A sequence tells `pairs` of key and value, then gives every pair once more in random order; there the target is each
    token of the value, from the last token of its key on. Keys differ from each other and use `keys` tokens, values use
    `values` others. Shorter sequences are filled up at the end by a token of their own; the vocabulary is keys, values, and
    that one. A mixer has to see where words begin and end, and to compare several tokens at once.

    Source: made by the lab, no licence. Split: 512 sealed examples, `train` + `held` others, all different. Metric: share of
    right answers, the mean over sequences (higher is better), margin 0.02; chance 1 / values. Two layers of attention solve
    it (small base: 0.997 after 2,000 steps); a model without a mixer stays at chance.
    """

    NAME = 'fuzzy_recall'

    pairs: int = 3
    keys: int = 8
    values: int = 4
    longest: int = 2

    def __post_init__(self):
        super().__post_init__()
        positive(self.NAME, pairs=self.pairs, keys=self.keys, values=self.values, longest=self.longest)
        words = sum(self.keys**size for size in range(1, self.longest + 1))
        if self.pairs > words:
            raise ValueError(
                f'fuzzy_recall: pairs={self.pairs}, but {self.keys} tokens make only {words} keys of up to {self.longest}; '
                'give more keys or fewer pairs'
            )

    def _words(self, generator: np.random.Generator, first: int, tokens: int, count: int) -> np.ndarray:
        """Words of random size, -1 after their end: `[count, pairs, longest]`."""
        words = generator.integers(first, first + tokens, (count, self.pairs, self.longest))
        sizes = generator.integers(1, self.longest + 1, (count, self.pairs, 1))
        return np.where(np.arange(self.longest) < sizes, words, -1)

    def make(self, generator: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
        keys = self._words(generator, 0, self.keys, 2 * count)
        spelled = np.sort(fingerprints(keys.reshape(-1, self.longest)).reshape(-1, self.pairs), 1)
        keys = keys[(spelled[:, 1:] != spelled[:, :-1]).all(1)]
        values = self._words(generator, self.keys, self.values, len(keys))
        told = np.concatenate([keys, values], 2)
        order = generator.permuted(np.tile(np.arange(self.pairs), (len(keys), 1)), axis=1)
        asked = np.take_along_axis(told, order[..., None], 1)
        tokens = np.stack([told, asked], 1).reshape(len(keys), -1)
        asks = np.zeros((2, self.pairs, 2 * self.longest), bool)
        asks[1, :, self.longest :] = True
        # Tokens move to the front, in their order, and each token that is asked for is the target of the one before it.
        places = np.argsort(tokens < 0, 1, kind='stable')
        tokens = np.take_along_axis(tokens, places, 1)
        answered = np.where(asks.reshape(-1)[places] & (tokens >= 0), tokens, -1)
        x = np.where(tokens < 0, self.keys + self.values, tokens)[:, :-1]
        return x.astype(np.int32), answered[:, 1:].astype(np.int32)
