"""Targets: what is asked of an example, in four forms, each with its loss in nats or squared deviations and its metrics.

    class    one of V classes           scores [B, V]
    values   T numbers                  scores [B, T], in standard deviations of the pool from its mean
    labels   each of T labels or not    scores [B, T]
    map      a class at every place     scores [B, N, V] or [B, H, W, V]

A missing value or label (NaN) and a place without a class (-1) have no weight: the loss of an example is its sum over known
values, divided by the batch's mean number of known values. So each known value counts the same.

A metric is the mean of single scores, `[B]`, or a measure (sweeps/metrics) of their statistics, `[B, S]`.
"""

import abc
import dataclasses
from collections.abc import Mapping, Sequence
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from sweeps.metrics.measure import Measure
from sweeps.metrics.ranking import RankedArea
from sweeps.metrics.ratios import ClassRatio, Determination, MeanRatio, RootMeanRatio
from sweeps.tasks.losses import KNOBS as LOSS_KNOBS
from sweeps.tasks.losses import classification

TOP = 5
LOSSES = ('squared', 'absolute')


@dataclasses.dataclass(frozen=True)
class Target(abc.ABC):
    """One form of target with its `metric`, for the names of the classes or targets that are asked for."""

    METRICS: ClassVar[dict[str, Measure | None]] = {}
    """The measures of its metrics by name; None for the mean of single scores."""
    KNOBS: ClassVar[dict[str, float]] = LOSS_KNOBS
    """The values that its loss reads, with their defaults."""

    names: tuple[str, ...]
    metric: str

    def __post_init__(self):
        check_metric(self)

    @property
    def measure(self) -> Measure | None:
        """What makes the score of statistics; None where it is the mean of the metric."""
        return self.METRICS[self.metric]

    @property
    def outputs(self) -> int:
        """The number of scores for an example, or for a place of it."""
        return len(self.names)

    @abc.abstractmethod
    def losses(self, scores: jax.Array, y: jax.Array, label_smoothing: jax.Array | None = None) -> tuple[jax.Array, jax.Array]:
        """The loss of each example `[B]`, and its metric `[B]` or its statistics `[B, S]`."""

    @abc.abstractmethod
    def present(self, y: np.ndarray) -> np.ndarray:
        """Whether examples hold what the metric needs of each name: `[n, ...] -> [outputs]`."""

    @abc.abstractmethod
    def counted(self, facts: Mapping, split: str) -> np.ndarray:
        """The same of a split that is not read, as far as the counts in the facts of its set tell: `[outputs]`."""

    def places(self, y: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of the scores for targets of a shape."""
        return (y[0], self.outputs)


def check_metric(target: Target) -> None:
    """Raise ValueError for a metric that the form does not have."""
    if target.metric not in target.METRICS:
        raise ValueError(f"metric '{target.metric}' of {type(target).__name__}; allowed: {list(target.METRICS)}; choose one")


def _padded(counts: Sequence[int] | None, size: int) -> np.ndarray:
    """Counts of classes, 0 for the last ones that a split lacks."""
    return np.pad(np.asarray(counts or (), np.int64), (0, size - len(counts or ())))


def _of_names(facts: Mapping, fact: str, split: str, names: tuple[str, ...]) -> np.ndarray:
    return np.array([facts[fact][split][facts['targets'].index(name)] for name in names])


def _shares(weights: jax.Array) -> jax.Array:
    """What an example's sum is divided by: the mean number of known targets in the batch. `[B, ...] -> []`"""
    return jnp.maximum(weights.reshape(len(weights), -1).sum(1).mean(), 1e-6)


def _ratios(above: jax.Array, below: jax.Array) -> jax.Array:
    return jnp.concatenate([above, below], axis=-1).astype(jnp.float32)


def _hits(given: jax.Array, truth: jax.Array, metric: str) -> jax.Array:
    """Statistics from the given and the true labels, 1 or 0 for each place and class: `[B, P, V], [B, P, V] -> [B, S]`."""
    hits, given, truth = (part.sum(1) for part in (given * truth, given, truth))
    below = {'balanced_accuracy': truth, 'macro_f1': given + truth, 'mean_iou': given + truth - hits}
    if metric == 'accuracy':
        return _ratios(hits.sum(-1, keepdims=True), truth.sum(-1, keepdims=True))
    return _ratios(2 * hits if metric == 'macro_f1' else hits, below[metric])


class ClassTarget(Target):
    """One class of each example: cross-entropy."""

    METRICS = {
        'accuracy': None,
        'top5_accuracy': None,
        'balanced_accuracy': ClassRatio(given=False),
        'macro_f1': ClassRatio(given=True),
        'auroc': RankedArea(),
    }

    def losses(self, scores: jax.Array, y: jax.Array, label_smoothing: jax.Array | None = None) -> tuple[jax.Array, jax.Array]:
        loss, right = classification(scores, y, label_smoothing)
        if self.metric == 'accuracy':
            return loss, right
        if self.metric == 'top5_accuracy':
            own = jnp.take_along_axis(scores, y[:, None], 1)
            # Of equal scores the first counts as higher, as it does for the largest.
            before = (scores > own) | ((scores == own) & (jnp.arange(scores.shape[1]) < y[:, None]))
            return loss, (before.sum(1) < TOP).astype(jnp.float32)
        if self.metric == 'auroc':
            shares, truth = jax.nn.softmax(scores.astype(jnp.float32)), jax.nn.one_hot(y, self.outputs)
            # Of two classes one is enough: the other's area is the same.
            first = 1 if self.outputs == 2 else 0
            return loss, _ratios(shares[:, first:], truth[:, first:])
        return loss, jnp.stack([y, scores.argmax(-1)], axis=1).astype(jnp.float32)

    def present(self, y: np.ndarray) -> np.ndarray:
        return self._enough(np.bincount(y, minlength=self.outputs))

    def counted(self, facts: Mapping, split: str) -> np.ndarray:
        return self._enough(_padded(facts['balance'][split], self.outputs))

    def _enough(self, counts: np.ndarray) -> np.ndarray:
        return (counts > 0) | (self.measure is None)


@dataclasses.dataclass(frozen=True)
class ValuesTarget(Target):
    """Numbers, each standardised by the `mean` and deviation `std` of the pool: squared or absolute error.

    Metrics are in the unit of the values; R2 has none. Several targets count alike: the metric is the mean of theirs.
    """

    METRICS = {'rmse': RootMeanRatio(), 'mae': MeanRatio(), 'r2': Determination()}
    KNOBS = {}

    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    loss: str = 'squared'

    def losses(self, scores: jax.Array, y: jax.Array, label_smoothing: jax.Array | None = None) -> tuple[jax.Array, jax.Array]:
        std = jnp.asarray(self.std, jnp.float32)
        known = ~jnp.isnan(y)
        weights = known.astype(jnp.float32)
        wanted = jnp.where(known, (y - jnp.asarray(self.mean, jnp.float32)) / std, 0)
        error = jnp.where(known, scores.astype(jnp.float32) - wanted, 0)
        loss = (error**2 if self.loss == 'squared' else jnp.abs(error)).sum(1) / _shares(weights)
        if self.metric == 'r2':
            return loss, jnp.concatenate([error**2, wanted, weights], axis=1)
        return loss, _ratios((error * std) ** 2 if self.metric == 'rmse' else jnp.abs(error * std), weights)

    def present(self, y: np.ndarray) -> np.ndarray:
        known = ~np.isnan(y)
        if self.metric != 'r2':
            return known.any(0)
        low, high = (reduce(np.where(known, y, other), 0) for reduce, other in ((np.min, np.inf), (np.max, -np.inf)))
        return low < high

    def counted(self, facts: Mapping, split: str) -> np.ndarray:
        return _of_names(facts, 'known', split, self.names) > (1 if self.metric == 'r2' else 0)


class LabelsTarget(Target):
    """Labels, each there or not: binary cross-entropy. Smoothing moves a label towards one half."""

    KNOBS = {'label_smoothing': LOSS_KNOBS['label_smoothing']}

    METRICS = {'auroc': RankedArea(), 'accuracy': MeanRatio(), 'macro_f1': MeanRatio()}

    def losses(self, scores: jax.Array, y: jax.Array, label_smoothing: jax.Array | None = None) -> tuple[jax.Array, jax.Array]:
        known = ~jnp.isnan(y)
        weights, scores = known.astype(jnp.float32), scores.astype(jnp.float32)
        truth = jnp.where(known, y, 0)
        wanted = truth if label_smoothing is None else (1 - label_smoothing) * truth + label_smoothing / 2
        # -log p = softplus(-s) and -log(1 - p) = softplus(s), so that no large score is lost to rounding.
        each = wanted * jax.nn.softplus(-scores) + (1 - wanted) * jax.nn.softplus(scores)
        loss = (weights * each).sum(1) / _shares(weights)
        if self.metric == 'auroc':
            return loss, _ratios(scores, jnp.where(known, truth, -1))
        given = (scores > 0).astype(jnp.float32) * weights
        if self.metric == 'accuracy':
            return loss, _ratios((given == truth) * weights, weights)
        return loss, _ratios(2 * given * truth, given + truth)

    def present(self, y: np.ndarray) -> np.ndarray:
        return self._enough((~np.isnan(y)).sum(0), (y == 1).sum(0))

    def counted(self, facts: Mapping, split: str) -> np.ndarray:
        return self._enough(*(_of_names(facts, fact, split, self.names) for fact in ('known', 'positive')))

    def _enough(self, known: np.ndarray, positive: np.ndarray) -> np.ndarray:
        if self.metric == 'accuracy':
            return known > 0
        return (positive > 0) & ((positive < known) | (self.metric != 'auroc'))


class MapTarget(Target):
    """A class at every place, -1 where it has none: cross-entropy of the places that have one."""

    METRICS = {'mean_iou': MeanRatio(), 'accuracy': MeanRatio(), 'balanced_accuracy': MeanRatio(), 'macro_f1': MeanRatio()}

    def losses(self, scores: jax.Array, y: jax.Array, label_smoothing: jax.Array | None = None) -> tuple[jax.Array, jax.Array]:
        scores, y = scores.reshape(len(y), -1, self.outputs), y.reshape(len(y), -1).astype(jnp.int32)
        weights = (y >= 0).astype(jnp.float32)
        logs = jax.nn.log_softmax(scores.astype(jnp.float32))
        picked = jnp.take_along_axis(logs, jnp.maximum(y, 0)[..., None], -1)[..., 0]
        if label_smoothing is not None:
            picked = (1 - label_smoothing) * picked + label_smoothing * logs.mean(-1)
        loss = -(weights * picked).sum(1) / _shares(weights)
        given = jax.nn.one_hot(scores.argmax(-1), self.outputs) * weights[..., None]
        # The one-hot of -1 is 0 everywhere.
        return loss, _hits(given, jax.nn.one_hot(y, self.outputs), self.metric)

    def present(self, y: np.ndarray) -> np.ndarray:
        there = np.zeros(self.outputs, bool)
        there[np.unique(y[y >= 0])] = True
        return there | (self.metric == 'accuracy')

    def counted(self, facts: Mapping, split: str) -> np.ndarray:
        return (_padded(facts['balance'][split], self.outputs) > 0) | (self.metric == 'accuracy')

    def places(self, y: tuple[int, ...]) -> tuple[int, ...]:
        return (*y, self.outputs)


FORMS: dict[str, type[Target]] = {'class': ClassTarget, 'values': ValuesTarget, 'labels': LabelsTarget, 'map': MapTarget}
"""Form of target, as prepared sets name it -> its class."""
