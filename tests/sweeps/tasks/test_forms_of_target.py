"""Forms of target: losses and statistics against numpy, and missing targets without any weight."""

import functools
from collections.abc import Callable

import jax
import numpy as np
import pytest
from sklearn import metrics

from sweeps.tasks.targets import FORMS, ClassTarget, LabelsTarget, MapTarget, Target, ValuesTarget

RNG = np.random.default_rng(0)
B, V, T = 40, 7, 3
NAMES, COLUMNS = tuple('abcdefg'), ('x', 'y', 'z')
SCORES, CLASSES = RNG.normal(size=(B, V)).astype(np.float32) * 2, RNG.integers(0, V, B).astype(np.int32)
NUMBERS = RNG.normal(size=(B, T)).astype(np.float32)
MEAN, STD = np.array([5.0, 0.0, -2.0]), np.array([2.0, 1.0, 0.1])
GONE = RNG.random((B, T)) < 0.3
VALUES = np.where(GONE, np.nan, MEAN + STD * RNG.normal(size=(B, T))).astype(np.float32)
LABELS = np.where(GONE, np.nan, RNG.random((B, T)) < 0.4).astype(np.float32)
PLACES = RNG.normal(size=(B, 4, 5, V)).astype(np.float32) * 2
MAPS = np.where(RNG.random((B, 4, 5)) < 0.2, -1, RNG.integers(0, V, (B, 4, 5))).astype(np.int32)


@functools.cache
def program(target: Target, smooth: bool = False) -> Callable:
    """Losses, metric and the slope of the sum of losses, as one program: operation by operation takes longer to compile."""

    def told(scores: jax.Array, y: jax.Array, share: float) -> tuple:
        loss, metric = target.losses(scores, y, share if smooth else None)
        return loss.sum(), (loss, metric)

    slope = jax.value_and_grad(told, has_aux=True)
    return jax.jit(slope, compiler_options={'xla_backend_optimization_level': 0})


def losses(target: Target, scores: np.ndarray, y: np.ndarray, share: float | None = None) -> tuple[np.ndarray, ...]:
    """Losses, metric or statistics, and slopes."""
    (_, told), slope = program(target, share is not None)(scores, y, np.float32(share or 0))
    return tuple(map(np.asarray, (*told, slope)))


def scored(target: Target, scores: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, float]:
    """The losses, and the score of all examples."""
    loss, metric, _ = losses(target, scores, y)
    if target.measure is None:
        return loss, float(metric.mean())
    return loss, target.measure.scored(metric, np.arange(len(y))).score


def values_target(metric: str, **fields) -> ValuesTarget:
    return ValuesTarget(COLUMNS, metric, tuple(MEAN.tolist()), tuple(STD.tolist()), **fields)


def top5() -> float:
    return metrics.top_k_accuracy_score(CLASSES, SCORES, k=5, labels=range(V))


def one_against_the_rest() -> float:
    shares = np.exp(SCORES.astype(np.float64))
    return metrics.roc_auc_score(CLASSES, shares / shares.sum(1, keepdims=True), multi_class='ovr', labels=range(V))


GIVEN = SCORES.argmax(1)
KNOWN = MAPS.reshape(-1) >= 0
PAIR = MAPS.reshape(-1)[KNOWN], PLACES.argmax(-1).reshape(-1)[KNOWN]
OWN = MEAN + STD * NUMBERS


def columns(metric, guess: np.ndarray, truth: np.ndarray) -> float:
    return np.mean([metric(truth[~GONE[:, k], k], guess[~GONE[:, k], k]) for k in range(T)])


LABEL = (NUMBERS > 0).astype(int)
CASES = {
    'class accuracy': (ClassTarget(NAMES, 'accuracy'), SCORES, CLASSES, lambda: metrics.accuracy_score(CLASSES, GIVEN)),
    'class top5': (ClassTarget(NAMES, 'top5_accuracy'), SCORES, CLASSES, top5),
    'class balanced': (
        ClassTarget(NAMES, 'balanced_accuracy'),
        SCORES,
        CLASSES,
        lambda: metrics.balanced_accuracy_score(CLASSES, GIVEN),
    ),
    'class f1': (ClassTarget(NAMES, 'macro_f1'), SCORES, CLASSES, lambda: metrics.f1_score(CLASSES, GIVEN, average='macro')),
    'class auroc': (ClassTarget(NAMES, 'auroc'), SCORES, CLASSES, one_against_the_rest),
    'values rmse': (values_target('rmse'), NUMBERS, VALUES, lambda: columns(metrics.root_mean_squared_error, OWN, VALUES)),
    'values mae': (values_target('mae'), NUMBERS, VALUES, lambda: columns(metrics.mean_absolute_error, OWN, VALUES)),
    'values r2': (values_target('r2'), NUMBERS, VALUES, lambda: columns(metrics.r2_score, OWN, VALUES)),
    'labels auroc': (LabelsTarget(COLUMNS, 'auroc'), NUMBERS, LABELS, lambda: columns(metrics.roc_auc_score, NUMBERS, LABELS)),
    'labels accuracy': (
        LabelsTarget(COLUMNS, 'accuracy'),
        NUMBERS,
        LABELS,
        lambda: columns(metrics.accuracy_score, LABEL, LABELS),
    ),
    'labels f1': (LabelsTarget(COLUMNS, 'macro_f1'), NUMBERS, LABELS, lambda: columns(metrics.f1_score, LABEL, LABELS)),
    'map iou': (MapTarget(NAMES, 'mean_iou'), PLACES, MAPS, lambda: metrics.jaccard_score(*PAIR, average='macro')),
    'map accuracy': (MapTarget(NAMES, 'accuracy'), PLACES, MAPS, lambda: metrics.accuracy_score(*PAIR)),
    'map balanced': (MapTarget(NAMES, 'balanced_accuracy'), PLACES, MAPS, lambda: metrics.balanced_accuracy_score(*PAIR)),
    'map f1': (MapTarget(NAMES, 'macro_f1'), PLACES, MAPS, lambda: metrics.f1_score(*PAIR, average='macro')),
}


def test_every_metric_has_a_case():
    wanted = {(cls, metric) for cls in FORMS.values() for metric in cls.METRICS}
    assert {(type(target), target.metric) for target, *_ in CASES.values()} == wanted


@pytest.mark.parametrize('name', CASES)
def test_the_score_is_the_fields_own(name: str):
    target, scores, y, wanted = CASES[name]
    assert scored(target, scores, y)[1] == pytest.approx(wanted(), rel=1e-5)


@pytest.mark.parametrize('name', ['values rmse', 'values r2', 'labels auroc', 'labels f1', 'map iou'])
def test_what_is_missing_has_no_weight(name: str):
    """Whatever the model says where nothing is known: losses, gradients and score are the same."""
    target, scores, y, _ = CASES[name]
    gone = y < 0 if name.startswith('map') else np.isnan(y)
    other = np.where(gone[..., None] if name.startswith('map') else gone, 99.0, scores).astype(np.float32)
    for one, two in zip(scored(target, scores, y), scored(target, other, y), strict=True):
        np.testing.assert_array_equal(one, two)
    slope = losses(target, other, y)[2]
    assert np.isfinite(slope).all() and not slope[gone].any()


@pytest.mark.parametrize('name', ['values rmse', 'labels auroc', 'map iou'])
def test_each_known_target_counts_the_same(name: str):
    """The mean loss of a batch is the mean over what is known, whoever has it."""
    target, scores, y, _ = CASES[name]
    if name.startswith('values'):
        each = (scores - (y - MEAN) / STD) ** 2
    elif name.startswith('labels'):
        each = np.where(y == 1, np.log1p(np.exp(-scores)), np.where(y == 0, np.log1p(np.exp(scores)), np.nan))
    else:
        logs = scores - np.log(np.exp(scores).sum(-1, keepdims=True))
        each = np.where(y >= 0, -np.take_along_axis(logs, np.maximum(y, 0)[..., None], -1)[..., 0], np.nan)
    assert scored(target, scores, y)[0].mean() == pytest.approx(np.nanmean(each), rel=1e-5)


def test_an_example_without_any_target_has_no_loss():
    for name in ('values rmse', 'labels auroc'):
        target, scores, y, _ = CASES[name]
        loss, _, slope = losses(target, scores, np.where(np.arange(B)[:, None] == 3, np.nan, y).astype(np.float32))
        assert loss[3] == 0 and not slope[3].any() and np.isfinite(slope).all() and loss.any()


def test_absolute_errors_may_be_learned():
    loss = scored(values_target('mae', loss='absolute'), NUMBERS, VALUES)[0]
    assert loss.mean() == pytest.approx(np.nanmean(np.abs(NUMBERS - (VALUES - MEAN) / STD)), rel=1e-5)


@pytest.mark.parametrize(
    ('name', 'smooth'), [('class f1', True), ('labels auroc', True), ('map iou', True), ('values rmse', False)]
)
def test_smoothing_changes_the_loss_and_no_statistics(name: str, smooth: bool):
    target, scores, y, _ = CASES[name]
    plain, some, all_of_it = (losses(target, scores, y, share) for share in (None, 0.1, 1.0))
    assert ('label_smoothing' in target.KNOBS) == smooth == bool(np.abs(plain[0] - some[0]).max() > 0)
    np.testing.assert_array_equal(plain[1], some[1])
    if name.startswith('labels'):
        half = np.where(np.isnan(y), 0, (np.log1p(np.exp(-scores)) + np.log1p(np.exp(scores))) / 2)
        assert all_of_it[0].mean() == pytest.approx(half.sum() / (~np.isnan(y)).sum(), rel=1e-5)


def test_two_classes_have_one_area():
    target, y = ClassTarget(('no', 'yes'), 'auroc'), CLASSES % 2
    statistics = losses(target, SCORES[:, :2], y)[1]
    assert statistics.shape == (B, 2)
    made = target.measure.scored(statistics, np.arange(B)).score
    assert made == pytest.approx(metrics.roc_auc_score(y, SCORES[:, 1].astype(np.float64) - SCORES[:, 0]), rel=1e-6)


PRESENT = [
    (ClassTarget(NAMES, 'accuracy'), np.array([0, 1]), [True] * V),
    (ClassTarget(NAMES, 'macro_f1'), np.array([0, 2, 2]), [True, False, True, False, False, False, False]),
    (LabelsTarget(COLUMNS, 'auroc'), np.array([[1, 1, np.nan], [0, 1, 0]]), [True, False, False]),
    (LabelsTarget(COLUMNS, 'macro_f1'), np.array([[1, 1, np.nan], [0, 1, 0]]), [True, True, False]),
    (values_target('rmse'), np.array([[1, np.nan, 2], [1, np.nan, 3]]), [True, False, True]),
    (values_target('r2'), np.array([[1, np.nan, 2], [1, np.nan, 3]]), [False, False, True]),
    (MapTarget(('a', 'b'), 'mean_iou'), np.array([[0, -1], [0, 0]]), [True, False]),
]


@pytest.mark.parametrize(('target', 'y', 'wanted'), PRESENT)
def test_what_a_metric_needs_of_each_name(target: Target, y: np.ndarray, wanted: list[bool]):
    assert target.present(y).tolist() == wanted


def test_a_metric_of_another_form_is_refused():
    with pytest.raises(ValueError, match=r"metric 'rmse' of LabelsTarget; allowed: \['auroc', 'accuracy', 'macro_f1'\]"):
        LabelsTarget(COLUMNS, 'rmse')
