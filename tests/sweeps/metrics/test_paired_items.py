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
from results.store.item_scores import by_item
from sweeps.metrics.hits import Probe, Retrieval
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


def retrieval(generator: np.random.Generator) -> list[list[np.ndarray]]:
    """A hundred scenes in two modalities, whose vectors do not always tell them apart."""
    scene, modality = np.repeat(np.arange(COUNT // 2), 2), np.tile([0, 1], COUNT // 2)
    truth = generator.standard_normal((COUNT // 2, 12))[scene]
    return [[np.column_stack([truth + 1.1 * noise, scene, modality]) for noise in arm] for arm in _noises(generator, COUNT, 12)]


def probe(generator: np.random.Generator) -> list[list[np.ndarray]]:
    """Four values that half of the examples teach a probe of the other half."""
    value = generator.integers(0, 4, COUNT)
    truth, number = 1.5 * np.eye(12)[value], np.arange(COUNT)
    return [[np.column_stack([truth + noise, value, number]) for noise in arm] for arm in _noises(generator, COUNT, 12)]


def _noises(generator: np.random.Generator, *shape: int) -> list[list[np.ndarray]]:
    """The noise of each replicate of two arms on each example: of the example, of the arm on it, and of the run."""
    shape = shape or (COUNT,)
    common = generator.standard_normal(shape)
    arms = generator.standard_normal((2, *shape))
    return [[(common + own + generator.standard_normal(shape)) / np.sqrt(3) for _ in range(REPLICATES)] for own in arms]


ALONE, PAIRS = np.arange(COUNT), np.repeat(np.arange(COUNT // 2), 2)
WORLDS = {
    'auroc': (RankedArea(), auroc, ALONE),
    'rmse': (RootMeanRatio(), rmse, ALONE),
    'macro_f1': (MeanRatio(), macro_f1, ALONE),
    'retrieval': (Retrieval(), retrieval, PAIRS),
    'probe': (Probe(), probe, ALONE),
}
"""A measure, how its statistics are drawn, and which examples belong together."""


def items_of(measure: Measure, statistics: np.ndarray, group: np.ndarray) -> np.ndarray:
    return by_item(measure.scored(statistics, group, resampled=False).items, group)


@pytest.mark.parametrize('name', WORLDS)
def test_equal_models_are_seldom_told_apart_on_a_new_test_split(name: str):
    measure, draw, group = WORLDS[name]
    claimed = {'with items': 0, 'without': 0}
    for seed in range(STUDIES):
        own, base = ([items_of(measure, one, group) for one in arm] for arm in draw(np.random.default_rng(seed)))
        gaps = np.array(own) - np.array(base)
        means = gaps.mean(1)
        alone = Difference(float(means.mean()), float(means.std(ddof=1) / np.sqrt(REPLICATES)), REPLICATES - 1)
        claimed['without'] += alone.p() < 0.05
        claimed['with items'] += alone.with_items(item_error(gaps)).p() < 0.05
    low, high = stats.binom.ppf([5e-4, 1 - 5e-4], STUDIES, 0.05)
    assert low <= claimed['with items'] <= high, claimed
    assert claimed['without'] > high, claimed
