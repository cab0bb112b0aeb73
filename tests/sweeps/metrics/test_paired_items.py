"""Items of two models, subtracted: their spread is the error that the examples give to the difference of two scores.

Worlds with a known truth: two models of equal worth, which err partly on the same examples, each in five replicates, on a new
test split in each study. A difference that knows of the items is called one in about 5 % of studies; one that does not, or that
takes the models' errors for independent, is called too often or too seldom.
"""

import numpy as np
import pytest
from scipy import stats

from results.item_error import item_error
from results.statistics import Difference
from sweeps.metrics.measure import Measure
from sweeps.metrics.ranking import RankedArea
from sweeps.metrics.ratios import MeanRatio, RootMeanRatio

STUDIES, REPLICATES, COUNT = 160, 5, 200


def auroc(generator: np.random.Generator) -> list[list[np.ndarray]]:
    """Scores of a label that a fifth of the examples has."""
    y = (generator.random(COUNT) < 0.2).astype(float)
    return [[np.stack([1.2 * y + noise, y], 1) for noise in arm] for arm in _noises(generator)]


def rmse(generator: np.random.Generator) -> list[list[np.ndarray]]:
    """Errors of a value."""
    return [[np.stack([noise**2, np.ones(COUNT)], 1) for noise in arm] for arm in _noises(generator)]


def macro_f1(generator: np.random.Generator) -> list[list[np.ndarray]]:
    """Three classes of unequal size, of which a sixth to a half is said wrongly."""
    y = generator.choice(3, COUNT, p=[0.6, 0.3, 0.1])
    truth = np.eye(3)[y]
    given = [[np.eye(3)[np.where(noise > 0.8, (y + 1) % 3, y)] for noise in arm] for arm in _noises(generator)]
    return [[np.hstack([2 * truth * one, truth + one]) for one in arm] for arm in given]


def _noises(generator: np.random.Generator) -> list[list[np.ndarray]]:
    """The noise of each replicate of two arms on each example: of the example, of the arm on it, and of the run."""
    common = generator.standard_normal(COUNT)
    arms = generator.standard_normal((2, COUNT))
    return [[(common + own + generator.standard_normal(COUNT)) / np.sqrt(3) for _ in range(REPLICATES)] for own in arms]


WORLDS = {'auroc': (RankedArea(), auroc), 'rmse': (RootMeanRatio(), rmse), 'macro_f1': (MeanRatio(), macro_f1)}


def items_of(measure: Measure, statistics: np.ndarray) -> np.ndarray:
    return measure.values(statistics, np.ones((1, COUNT)))[0] + COUNT * measure.influence(statistics)


@pytest.mark.parametrize('name', WORLDS)
def test_equal_models_are_seldom_told_apart_on_a_new_test_split(name: str):
    measure, draw = WORLDS[name]
    claimed = {'with items': 0, 'without': 0}
    for seed in range(STUDIES):
        own, base = ([items_of(measure, one) for one in arm] for arm in draw(np.random.default_rng(seed)))
        gaps = np.array(own) - np.array(base)
        means = gaps.mean(1)
        alone = Difference(float(means.mean()), float(means.std(ddof=1) / np.sqrt(REPLICATES)), REPLICATES - 1)
        claimed['without'] += alone.p() < 0.05
        claimed['with items'] += alone.with_items(item_error(gaps)).p() < 0.05
    low, high = stats.binom.ppf([5e-4, 1 - 5e-4], STUDIES, 0.05)
    assert low <= claimed['with items'] <= high, claimed
    assert claimed['without'] > 1.2 * high, claimed
