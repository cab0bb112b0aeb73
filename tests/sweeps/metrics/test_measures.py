"""Measures: the values of scikit-learn's, standard errors that cover, and items whose mean is the score."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from sweeps.metrics.hits import Fold, Probe, Retrieval
from sweeps.metrics.measure import Measure
from sweeps.metrics.ranking import RankedArea
from sweeps.metrics.ratios import ClassRatio, Determination, MeanRatio, RootMeanRatio

COUNT = 400
CLASSES = 4


def classes(generator: np.random.Generator, count: int, metric: str) -> tuple[np.ndarray, Callable[[], float]]:
    """Statistics of a noisy classifier of unequal classes, as the device gives them, and scikit-learn's value."""
    y = generator.choice(CLASSES, count, p=[0.5, 0.3, 0.15, 0.05])
    given = np.where(generator.random(count) < 0.7, y, generator.integers(0, CLASSES, count))
    truth, guess = np.eye(CLASSES)[y], np.eye(CLASSES)[given]
    hits = truth * guess
    below = {'balanced_accuracy': truth, 'macro_f1': truth + guess, 'mean_iou': truth + guess - hits}[metric]
    known = {
        'balanced_accuracy': lambda: metrics.balanced_accuracy_score(y, given),
        'macro_f1': lambda: metrics.f1_score(y, given, average='macro'),
        'mean_iou': lambda: metrics.jaccard_score(y, given, average='macro'),
    }[metric]
    return np.hstack([2 * hits if metric == 'macro_f1' else hits, below]), known


def pairs(generator: np.random.Generator, count: int, metric: str) -> tuple[np.ndarray, Callable[[], float]]:
    """The class and the given class of each example, and scikit-learn's value."""
    y = generator.choice(CLASSES, count, p=[0.5, 0.3, 0.15, 0.05])
    given = np.where(generator.random(count) < 0.7, y, generator.integers(0, CLASSES, count))
    value = {
        'balanced_accuracy of classes': lambda: metrics.balanced_accuracy_score(y, given),
        'macro_f1 of classes': lambda: metrics.f1_score(y, given, average='macro'),
    }[metric]
    return np.stack([y, given], 1), value


def values(generator: np.random.Generator, count: int, metric: str) -> tuple[np.ndarray, Callable[[], float]]:
    """Statistics of noisy values of two targets, some of them missing, and scikit-learn's value."""
    y = generator.normal(1e3, [2.0, 0.5], (count, 2))
    error = generator.normal(size=(count, 2)) * [1.5, 0.2]
    known = generator.random((count, 2)) < 0.8
    each = {'rmse': metrics.root_mean_squared_error, 'mae': metrics.mean_absolute_error, 'r2': metrics.r2_score}[metric]

    def value() -> float:
        return np.mean([each(y[known[:, k], k], given[known[:, k], k]) for k in range(2)])

    given = y + error
    error, wanted = np.where(known, error, 0), np.where(known, y, 0)
    if metric == 'r2':
        return np.hstack([error**2, wanted, known]), value
    return np.hstack([error**2 if metric == 'rmse' else np.abs(error), known]), value


def ranks(generator: np.random.Generator, count: int, metric: str) -> tuple[np.ndarray, Callable[[], float]]:
    """Statistics of scores with ties of two labels, some of them missing, and scikit-learn's value."""
    y = (generator.random((count, 2)) < [0.3, 0.1]).astype(int)
    score = (y + generator.normal(size=(count, 2))).round(1)
    known = generator.random((count, 2)) < 0.8

    def value() -> float:
        return np.mean([metrics.roc_auc_score(y[known[:, k], k], score[known[:, k], k]) for k in range(2)])

    return np.hstack([score, np.where(known, y, -1)]), value


MEASURES = {
    'balanced_accuracy': (MeanRatio(), classes),
    'macro_f1': (MeanRatio(), classes),
    'mean_iou': (MeanRatio(), classes),
    'balanced_accuracy of classes': (ClassRatio(given=False), pairs),
    'macro_f1 of classes': (ClassRatio(given=True), pairs),
    'mae': (MeanRatio(), values),
    'rmse': (RootMeanRatio(), values),
    'r2': (Determination(), values),
    'auroc': (RankedArea(), ranks),
}


@pytest.fixture(params=MEASURES)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def told(name: str, seed: int = 0, count: int = COUNT) -> tuple[Measure, np.ndarray, Callable[[], float]]:
    measure, make = MEASURES[name]
    return measure, *make(np.random.default_rng(seed), count, name)


def test_the_score_is_that_of_scikit_learn(name: str):
    measure, statistics, value = told(name)
    made = measure.scored(statistics, np.arange(COUNT))
    assert made.score == pytest.approx(value(), rel=1e-9)
    assert made.items.mean() == pytest.approx(made.score, rel=1e-9)


def test_items_are_the_derivative_by_the_weights(name: str):
    measure, statistics, _ = told(name)
    made, step = measure.scored(statistics, np.arange(COUNT)), 1e-4
    weights = np.ones((8, COUNT)) + step * np.eye(8, COUNT)
    slopes = (measure.values(statistics, weights) - made.score) / step
    np.testing.assert_allclose(made.items[:8], made.score + COUNT * slopes, atol=2e-3 * np.abs(made.items).max())


def test_bootstrap_and_items_tell_the_same_error(name: str):
    measure, statistics, _ = told(name)
    made = measure.scored(statistics, np.arange(COUNT))
    assert made.error == pytest.approx(made.items.std() / np.sqrt(COUNT), rel=0.2)
    fast = measure.scored(statistics, np.arange(COUNT), resampled=False)
    assert fast.score == made.score and fast.error == pytest.approx(made.items.std() / np.sqrt(COUNT))


def test_scores_vary_from_set_to_set_as_the_error_says(name: str):
    """The truth is the mean over many sets; of 120 sets about 95 % have it within 1.96 errors (of items, for speed)."""
    scored = []
    for seed in range(120):
        measure, statistics, _ = told(name, seed)
        score = float(measure.values(statistics, np.ones((1, COUNT)))[0])
        scored.append((score, np.sqrt(COUNT) * measure.influence(statistics).std()))
    scores, errors = np.array(scored).T
    low, high = stats.binom.ppf([1e-3, 1 - 1e-3], 120, 0.95)
    assert low <= (np.abs(scores - scores.mean()) <= 1.96 * errors).sum() <= high
    assert scores.std() == pytest.approx(errors.mean(), rel=0.25)


def test_examples_of_a_group_are_drawn_together(name: str):
    measure, statistics, _ = told(name)
    alone = measure.scored(statistics, np.arange(COUNT))
    copies = measure.scored(np.repeat(statistics, 4, axis=0), np.repeat(np.arange(COUNT), 4))
    assert copies.score == pytest.approx(alone.score) and copies.error == pytest.approx(alone.error)
    apart = measure.scored(np.repeat(statistics, 4, axis=0), np.arange(4 * COUNT))
    assert apart.error == pytest.approx(alone.error / 2, rel=0.25)


def test_the_same_again_and_nothing_of_what_is_not_finite(name: str):
    measure, statistics, _ = told(name, count=30)
    one, other = (measure.scored(statistics, np.arange(30)) for _ in range(2))
    assert one.error == other.error and np.array_equal(one.items, other.items)
    lost = measure.scored(np.where(np.arange(30)[:, None] == 3, np.nan, statistics), np.arange(30))
    assert np.isnan([lost.score, lost.error, *lost.items]).all()


def test_weights_of_zero_and_one_choose_examples(name: str):
    """Also for R2, whose mean is then that of the chosen ones."""
    measure, statistics, _ = told(name)
    chosen = np.random.default_rng(1).random(COUNT) < 0.1
    alone = measure.scored(statistics[chosen], np.arange(chosen.sum())).score
    assert measure.values(statistics, chosen[None].astype(float))[0] == pytest.approx(alone, rel=1e-9)
    assert measure.values(statistics, 3 * chosen[None].astype(float))[0] == pytest.approx(alone, rel=1e-9)


@pytest.mark.parametrize('metric', ['balanced_accuracy', 'macro_f1'])
def test_classes_as_numbers_are_measured_as_with_a_column_each(metric: str):
    (one, columns, _), (other, numbers, _) = told(metric), told(f'{metric} of classes')
    a, b = one.scored(columns, np.arange(COUNT)), other.scored(numbers, np.arange(COUNT))
    assert (a.score, a.error) == pytest.approx((b.score, b.error)) and a.items == pytest.approx(b.items)


def test_a_mean_has_the_closed_form():
    assert not any(other.is_mean(np.ones((4, 2))) for other in (RootMeanRatio(), RankedArea()))
    errors = np.abs(np.random.default_rng(0).normal(size=(50, 1)))
    made = MeanRatio().scored(np.hstack([errors, np.ones((50, 1))]), np.arange(50))
    assert made.error == pytest.approx(errors.std() / np.sqrt(50)) and made.items == pytest.approx(errors[:, 0])


def test_a_class_that_a_resample_lacks_is_left_out_of_its_mean():
    statistics = np.array([[1.0, 0, 1, 0], [0, 1, 0, 1], [0, 0, 1, 0]])
    weights = np.array([[1.0, 0, 1], [0, 1, 0]])
    assert MeanRatio().values(statistics, weights).tolist() == [0.5, 1.0]
    one_sided = np.array([[0.9, 1.0], [0.1, 0.0]])
    assert np.isnan(RankedArea().values(one_sided, np.array([[1.0, 0.0]]))).all()


def test_perfect_scores_have_no_error():
    y = np.arange(6.0)[:, None]
    for measure, statistics in (
        (RootMeanRatio(), np.hstack([0 * y, 0 * y + 1])),
        (Determination(), np.hstack([0 * y, y, 0 * y + 1])),
    ):
        made = measure.scored(statistics, np.arange(6))
        assert made.error == 0 and np.ptp(made.items) == 0


def test_a_label_of_which_one_side_is_missing_is_left_out_of_the_mean():
    """Of three labels the first alone has both sides: all of the second are there, of the third nothing is known."""
    scores = np.array([[0.9, 0.1, 0.5], [0.2, 0.3, 0.4], [0.4, 0.2, 0.1], [0.6, 0.7, 0.9]])
    y = np.array([[1, 1, -1], [0, 1, -1], [1, 1, -1], [0, 1, -1]])
    made, alone = (RankedArea().scored(np.hstack([scores[:, :k], y[:, :k]]), np.arange(4)) for k in (3, 1))
    assert made.score == alone.score == 0.75
    np.testing.assert_allclose(made.items, alone.items)
    nothing = np.hstack([scores[:, 1:], y[:, 1:]])
    assert np.isnan(RankedArea().values(nothing, np.ones((2, 4)))).all() and not RankedArea().influence(nothing).any()


def test_equal_scores_are_ranked_by_half():
    statistics = np.array([[0.5, 1], [0.5, 0], [0.5, 0], [0.2, 1]])
    made = RankedArea().scored(statistics, np.arange(4))
    assert made.score == pytest.approx(0.25) and made.items.mean() == pytest.approx(0.25)


def test_a_probe_of_one_value_is_right_and_teaches_nothing():
    generator = np.random.default_rng(0)
    statistics = np.column_stack([generator.normal(size=(8, 2)), np.full(8, 3), np.arange(8)])
    assert Probe().hits(statistics).tolist() == [1] * 8 and Probe().influence(statistics).tolist() == [0] * 8


def test_the_nearest_of_the_other_modality_is_that_of_the_largest_cosine():
    """Lengths do not count, a vector of nothing is near to all alike, and ties go to the first."""
    vectors = np.array([[1, 0], [0, 2], [1, 1], [9, 1], [0.1, 9], [0, 0]])
    scene, modality = np.array([0, 1, 2, 0, 1, 2]), np.array([0, 0, 0, 1, 1, 1])
    statistics = np.column_stack([vectors, scene, modality])
    # (1, 1) is nearer to (9, 1) than to (0.1, 9); (0, 0) has the first of the others, of scene 0.
    assert Retrieval().hits(statistics).tolist() == [1, 1, 0, 1, 1, 0]
    made = Retrieval().scored(statistics, np.arange(6))
    assert made.score == pytest.approx(4 / 6) and made.items == pytest.approx([1, 1, 0, 1, 1, 0])
    assert made.error == pytest.approx(np.std([1, 1, 0, 1, 1, 0]) / np.sqrt(6)) and Retrieval().is_mean(statistics)
    assert Retrieval().values(statistics, np.array([[1.0, 1, 2, 0, 0, 0]])).tolist() == [0.5]


def test_a_probe_learns_from_the_other_half_of_the_scenes():
    """In scenes of even number the value is the sign of a feature, in the others the other one: so all answers are wrong."""
    generator = np.random.default_rng(0)
    scene, sign = np.repeat(np.arange(40), 2), generator.integers(0, 2, 80)
    vectors = np.column_stack([sign + 0.1 * generator.normal(size=80), generator.normal(size=80), np.full(80, 7.0)])
    alike, unlike = (np.column_stack([vectors, 5 + (sign + own) % 2, scene]) for own in (0, scene % 2))
    assert Probe().hits(alike).tolist() == [1] * 80 and Probe().hits(unlike).tolist() == [0] * 80
    # Features count alike, whatever their unit and their zero.
    weak = np.column_stack([vectors + 0.5 * generator.normal(size=(80, 3)), 5 + sign, scene])
    other = weak * np.array([1e3, 1e-3, 1, 1, 1]) + np.array([50, -50, 0, 0, 0])
    assert Probe().hits(other).tolist() == Probe().hits(weak).tolist() and 0 < Probe().hits(weak).mean() < 1
    assert Probe().influence(other) == pytest.approx(Probe().influence(weak)) and Probe().influence(
        weak
    ).sum() == pytest.approx(0)


@pytest.mark.parametrize('given', [True, False])
def test_classes_of_one_example_and_none_are_measured_as_with_a_column_each(given: bool):
    """Class 1 has no example and is never said, class 3 one that is missed, class 4 is only said."""
    pairs = np.array([[0, 0], [0, 2], [2, 2], [2, 2], [3, 0], [2, 4]])
    truth, said = (np.eye(5)[pairs[:, side]] for side in (0, 1))
    hits, below = (2 * truth * said, truth + said) if given else (truth * said, truth)
    one, other = ClassRatio(given).scored(pairs, np.arange(6)), MeanRatio().scored(np.hstack([hits, below]), np.arange(6))
    assert one.score == pytest.approx(other.score) and one.items == pytest.approx(other.items)
    assert one.score == pytest.approx((2 * 1 / 4 + 2 * 2 / 6 + 0 + 0) / 4 if given else (1 / 2 + 2 / 3 + 0) / 3)


def test_resamples_are_the_same_in_every_run_however_many_are_held_at_a_time(monkeypatch: pytest.MonkeyPatch):
    statistics = np.column_stack([np.arange(12.0) ** 2, np.ones(12)])
    wanted = RootMeanRatio().scored(statistics, np.arange(12) // 2)
    drawn = np.random.default_rng(0).multinomial(6, np.full(6, 1 / 6), 200)
    each = [np.sqrt(np.average(np.arange(12.0) ** 2, weights=np.repeat(row, 2))) for row in drawn]
    assert wanted.error == pytest.approx(np.std(each, ddof=1), rel=1e-12)
    for block in (1, 12, 12 * 70, 12 * 200):
        monkeypatch.setattr('sweeps.metrics.measure.BLOCK', block)
        assert RootMeanRatio().scored(statistics, np.arange(12) // 2).error == pytest.approx(wanted.error, rel=1e-12)
    lost = RankedArea().scored(np.array([[0.5, 1.0]]), np.array([0]))
    assert np.isnan(lost.score) and np.isnan(lost.error), 'of one side there is nothing to rank'


def test_what_an_example_teaches_a_probe_is_the_derivative_of_the_expected_hits_by_its_weight():
    """Hits are expected by a normal distribution function of the margins, whose scale stays that of the unchanged probe."""
    generator = np.random.default_rng(0)
    truth = generator.integers(0, 3, 60)
    inputs = np.column_stack([np.eye(3)[truth] + 0.8 * generator.normal(size=(60, 3)), np.ones(60)])
    learned, asked, ridge = np.arange(40), np.arange(40, 60), 0.01
    fold = Fold(inputs, truth, learned, asked, ridge)
    rival, margin = fold.margins()

    def told(weights: np.ndarray) -> np.ndarray:
        known = inputs[learned]
        gram = known.T @ (weights[:, None] * known) + ridge * 40 * np.eye(4)
        return inputs[asked] @ np.linalg.solve(gram, known.T @ (weights[:, None] * np.eye(3)[truth[learned]]))

    def expected(weights: np.ndarray) -> float:
        scores, row = told(weights), np.arange(20)
        return stats.norm.cdf((scores[row, truth[asked]] - scores[row, rival]) / margin.std()).sum()

    scores, row = told(np.ones(40)), np.arange(20)
    assert margin == pytest.approx(scores[row, truth[asked]] - scores[row, rival]) and (rival != truth[asked]).all()
    assert fold.right().tolist() == (scores.argmax(1) == truth[asked]).tolist() == (margin > 0).tolist()
    slopes = [(expected(1 + 1e-5 * own) - expected(1 - 1e-5 * own)) / 2e-5 for own in np.eye(40)]
    np.testing.assert_allclose(fold.taught(), slopes, rtol=1e-4, atol=1e-7)
