"""Extensions of ranges: which sides are searched further, and where a range ends in runs that diverge."""

import math

import numpy as np
import pytest

from sweeps.protocol.extension import Tuned, below_divergence, sides_past_edges, sides_to_search

BOX = {'lr': (0.0, 1.0), 'decay': (0.0, 1.0)}
ENDS = {('lr', 'low'): -1 / 3, ('lr', 'high'): 4 / 3, ('decay', 'high'): 4 / 3}
LOST = -math.inf


def few(points: list[tuple[float, float, float]], ends: dict = ENDS, box: dict = BOX) -> Tuned:
    """Trials as rate, decay and score: too few for a surface."""
    made = np.array(points, float)
    return Tuned([True, True], box, ends, [(made[:, :2], made[:, 2])])


@pytest.mark.parametrize(
    ('rates', 'scores', 'high'),
    [
        ([0.2, 0.5, 0.8], [1, 2, 3], 1.0),
        ([0.2, 0.5, 0.8], [1, 2, LOST], 0.8),
        ([0.2, 0.5, 0.8], [1, LOST, LOST], 0.5),
        ([0.2, 0.5, 0.8], [1, LOST, 2], 1.0),
        ([0.2, 0.5, 0.8], [LOST, LOST, LOST], 0.2),
        ([0.2, 1.2], [1, LOST], 1.0),
    ],
)
def test_a_range_ends_at_the_lowest_rate_from_which_on_all_diverged(rates: list, scores: list, high: float):
    units = np.column_stack([rates, np.full(len(rates), 0.5)])
    assert below_divergence(units, np.array(scores, float), BOX) == {'lr': (0.0, high), 'decay': (0.0, 1.0)}


def test_a_range_never_ends_before_it_begins():
    assert below_divergence(np.array([[0.1, 0.5]]), np.array([LOST]), {'lr': (0.3, 0.9)}) == {'lr': (0.3, 0.3)}


@pytest.mark.parametrize(
    ('best', 'sides'),
    [
        ((0.5, 0.5), []),
        ((0.1, 0.5), [('lr', 'low')]),
        ((0.95, 0.5), [('lr', 'high')]),
        ((0.5, 0.9), [('decay', 'high')]),
        # Nothing better can lie past the low end of decay.
        ((0.5, 0.05), []),
        ((0.95, 0.95), [('lr', 'high'), ('decay', 'high')]),
        ((0.125, 0.5), []),
    ],
)
def test_without_a_surface_the_best_trial_says_which_sides_are_near(best: tuple, sides: list):
    tuned = few([(*best, 2.0), (0.45, 0.55, 1.0)])
    assert sides_to_search({'a': tuned}) == ({'a': sides} if sides else {})
    assert sides_past_edges({'arm': {'adamw': tuned}}) == ({'arm': {'adamw': sides}} if sides else {})


def test_where_every_run_diverged_lower_rates_are_tried_if_there_are_any():
    lost = [(0.3, 0.5, LOST), (0.6, 0.5, LOST)]
    assert sides_to_search({'a': few(lost)}) == {'a': [('lr', 'low')]}
    assert sides_to_search({'a': few(lost, {('lr', 'high'): 4 / 3})}) == {}
    assert sides_past_edges({'arm': {'adamw': few(lost)}}) == {}


def test_no_side_is_searched_past_which_runs_diverge():
    falls = few([(0.9, 0.5, LOST), (0.95, 0.5, LOST), (0.92, 0.5, 3.0), (0.5, 0.5, 1.0)])
    assert ('lr', 'high') not in falls.beyond and ('lr', 'low') in falls.beyond
    half = few([(0.9, 0.5, LOST), (0.95, 0.5, 3.0), (0.5, 0.5, 1.0)])
    assert ('lr', 'high') in half.beyond, 'half of the last ones are not most of them'
    # The highest rates all diverged, far from the end of the range.
    cliff = few([(0.7, 0.5, LOST), (0.6, 0.5, 3.0), (0.5, 0.9, 1.0)])
    assert set(cliff.beyond) == {('lr', 'low'), ('decay', 'high')}


def test_the_best_trial_says_which_sides_are_near_though_some_diverged():
    assert sides_to_search({'a': few([(0.1, 0.5, 2.0), (0.45, 0.55, 1.0), (0.6, 0.5, LOST)])}) == {'a': [('lr', 'low')]}
