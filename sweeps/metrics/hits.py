"""Hits: the share of examples that are right, where only all examples together say which are."""

import abc
import dataclasses
import math
from collections.abc import Iterator

import numpy as np

from sweeps.metrics.measure import Measure


class Hits(Measure):
    """The mean of what each example hits; those among which it is to be found stay fixed."""

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

    So an example has two parts in the score: what is told of it, and what the other half's probe learned from it. The second is
    the derivative of the expected share of right answers by the example's weight. It takes the density of margins at 0 (how
    much more the true value is given than the best other one), by a normal kernel of one deviation of the margins. Without it
    a quarter to nearly half of the variance that a new test split brings would be missed.
    """

    ridge: float = 1e-3

    def hits(self, statistics: np.ndarray) -> np.ndarray:
        right = np.zeros(len(statistics))
        for fold in self._folds(statistics):
            right[fold.asked] = fold.right()
        return right

    def influence(self, statistics: np.ndarray) -> np.ndarray:
        parts = np.zeros(len(statistics))
        for fold in self._folds(statistics):
            parts[fold.asked] += fold.right()
            parts[fold.learned] += fold.taught()
        return (parts - parts.mean()) / len(parts)

    def _folds(self, statistics: np.ndarray) -> Iterator['Fold']:
        vectors, value, side = statistics[:, :-2], statistics[:, -2], statistics[:, -1] % 2
        spread = vectors.std(0)
        inputs = np.column_stack([(vectors - vectors.mean(0)) / np.where(spread > 0, spread, 1.0), np.ones(len(vectors))])
        truth = np.unique(value, return_inverse=True)[1]
        for one in (0, 1):
            yield Fold(inputs, truth, np.flatnonzero(side != one), np.flatnonzero(side == one), self.ridge)


class Fold:
    """A probe that is fitted to the `learned` examples and tells the values of the `asked` ones."""

    def __init__(self, inputs: np.ndarray, truth: np.ndarray, learned: np.ndarray, asked: np.ndarray, ridge: float):
        self.learned, self.asked = learned, asked
        self._inputs, self._questions, self._truth = inputs[learned], inputs[asked], truth[asked]
        targets = np.eye(truth.max() + 1)[truth[learned]]
        gram = self._inputs.T @ self._inputs + ridge * len(learned) * np.eye(inputs.shape[1])
        product = np.linalg.solve(gram, self._inputs.T @ targets)
        self._gram, self._told, self._rest = gram, self._questions @ product, targets - self._inputs @ product

    def right(self) -> np.ndarray:
        """Whether each asked example is told its value: `[asked]`."""
        return self._told.argmax(1) == self._truth

    def margins(self) -> tuple[np.ndarray, np.ndarray]:
        """Of each asked example the best value beside the true one, and how far the true one is above it: `[asked]` each."""
        number = np.arange(len(self._told))
        others = self._told.copy()
        others[number, self._truth] = -np.inf
        rival = others.argmax(1)
        return rival, self._told[number, self._truth] - self._told[number, rival]

    def taught(self) -> np.ndarray:
        """By how much each learned example's weight changes the number of right answers: `[learned]`."""
        number, (rival, margin) = np.arange(len(self._told)), self.margins()
        if self._told.shape[1] < 2 or not margin.std():
            return np.zeros(len(self.learned))
        density = np.exp(-0.5 * (margin / margin.std()) ** 2) / (margin.std() * math.sqrt(2 * math.pi))
        pull = np.zeros_like(self._told)
        pull[number, self._truth] += density
        pull[number, rival] -= density
        return ((self._inputs @ np.linalg.solve(self._gram, self._questions.T @ pull)) * self._rest).sum(1)
