"""Hits: the share of examples that are right, where only all examples together say which are."""

import abc
import dataclasses

import numpy as np

from sweeps.metrics.measure import Measure


class Hits(Measure):
    """The mean of what each example hits; those among which it is to be found, or from which a probe learns, stay fixed."""

    @abc.abstractmethod
    def hits(self, statistics: np.ndarray) -> np.ndarray:
        """1 for each example that is right, else 0: `[n, S] -> [n]`."""

    def values(self, statistics: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return weights @ self.hits(statistics) / weights.sum(1)

    def influence(self, statistics: np.ndarray) -> np.ndarray:
        hits = self.hits(statistics)
        return (hits - hits.mean()) / len(hits)

    def is_mean(self, statistics: np.ndarray) -> bool:
        return True


@dataclasses.dataclass(frozen=True)
class Retrieval(Hits):
    """Whether the nearest vector of the other modality is of the same scene (recall at 1, both ways).

    Statistics are a vector, the number of the scene and that of the modality: `[n, D + 2]`. Nearest is the largest cosine.
    """

    def hits(self, statistics: np.ndarray) -> np.ndarray:
        vectors, scene, modality = statistics[:, :-2], statistics[:, -2], statistics[:, -1]
        length = np.linalg.norm(vectors, axis=1, keepdims=True)
        similar = (vectors @ vectors.T) / np.maximum(length * length.T, 1e-30)
        nearest = np.where(modality[:, None] != modality[None], similar, -np.inf).argmax(1)
        return (scene[nearest] == scene).astype(float)


@dataclasses.dataclass(frozen=True)
class Probe(Hits):
    """Whether a linear probe tells the value of an attribute from a vector that was learned without it.

    Statistics are a vector, the value and the number of the scene: `[n, D + 2]`. The probe is a ridge regression to one-hot
    values, in two folds by the scene's number: each half is told by the other half's probe.
    """

    ridge: float = 1e-3

    def hits(self, statistics: np.ndarray) -> np.ndarray:
        vectors, value, fold = statistics[:, :-2], statistics[:, -2], statistics[:, -1] % 2
        spread = vectors.std(0)
        inputs = np.column_stack([(vectors - vectors.mean(0)) / np.where(spread > 0, spread, 1.0), np.ones(len(vectors))])
        values = np.unique(value)
        right = np.zeros(len(value))
        for side in (0, 1):
            learned, asked = inputs[fold != side], inputs[fold == side]
            targets = (value[fold != side, None] == values).astype(float)
            gram = learned.T @ learned + self.ridge * len(learned) * np.eye(inputs.shape[1])
            told = values[(asked @ np.linalg.solve(gram, learned.T @ targets)).argmax(1)]
            right[fold == side] = told == value[fold == side]
        return right
