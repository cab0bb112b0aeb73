"""Extensions of ranges: which sides are searched further, and where a range ends in runs that diverge."""

import math
import types

import numpy as np
import pytest

from sweeps.protocol import extension
from sweeps.protocol.extension import NEARLY, ROUNDING, Tuned, below_divergence, sides_past_edges, sides_to_search

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
        ([0.5, 0.5], [1, LOST], 1.0),
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


@pytest.mark.parametrize(
    ('lost', 'gone'),
    [
        # Rates: most of those within an eighth of the end.
        ([0.05, 0.1], {('lr', 'low')}),
        ([0.05, 0.125], {('lr', 'low')}),
        ([0.125, 0.13], set()),
        ([0.92, 0.95], {('lr', 'high')}),
    ],
)
def test_a_side_ends_where_most_of_the_trials_close_to_it_diverged(lost: list, gone: set):
    tuned = few([*((rate, 0.5, LOST) for rate in lost), (0.99, 0.5, 1.0) if lost[0] < 0.5 else (0.01, 0.5, 1.0)])
    assert ENDS.keys() - tuned.beyond.keys() == gone


def test_what_lies_an_eighth_from_an_end_is_not_close_to_it():
    for column in (0, 1):
        trials = [(0.875, 0.875, LOST), (0.3, 0.3, 1.0), (0.95, 0.95, 2.0)]
        assert not extension._falls_off((np.array(trials)[:, :2], np.array(trials)[:, 2]), column, (0.0, 1.0), 'high')
        trials = [(0.125, 0.125, LOST), (0.3, 0.3, 1.0), (0.05, 0.05, 2.0)]
        assert not extension._falls_off((np.array(trials)[:, :2], np.array(trials)[:, 2]), column, (0.0, 1.0), 'low')


def edges(gain: float, inside: float = 1.0, noise: float = 0.1) -> types.SimpleNamespace:
    return types.SimpleNamespace(gains={('lr', 'high'): gain, ('lr', 'low'): -9.0}, inside=inside, noise=noise)


@pytest.mark.parametrize(
    ('gain', 'searched'), [(0.0, True), (-0.049, True), (-NEARLY * 0.1, False), (-0.06, False), (0.5, True)]
)
def test_a_side_is_searched_unless_the_surface_is_lower_there_by_half_a_standard_error(
    monkeypatch, gain: float, searched: bool
):
    monkeypatch.setattr(extension, '_looked', lambda asked: {key: edges(gain) for key in asked})
    tuned = few([(0.5, 0.5, 1.0)])
    assert sides_to_search({'a': tuned}) == ({'a': [('lr', 'high')]} if searched else {})


@pytest.mark.parametrize(
    ('own', 'other', 'past'),
    [
        (edges(0.1), None, True),
        (edges(0.0), None, False),
        (edges(ROUNDING * 0.1), None, False),
        (edges(3e-7), None, True),
        # What any optimizer of the arm reaches inside has to be reached past the edge.
        (edges(0.5), edges(0.0, inside=1.5), True),
        (edges(0.5), edges(0.0, inside=1.6), False),
        (edges(0.5), edges(9.0, inside=1.5), True),
    ],
)
def test_an_optimum_is_past_an_edge_where_the_surface_rises_there_to_the_best_of_the_arm(monkeypatch, own, other, past: bool):
    tuned = few([(0.5, 0.5, 1.0)])
    told = {('arm', 'adamw'): own, ('arm', 'sgd'): other, ('better', 'adamw'): edges(0.0, inside=99.0)}
    monkeypatch.setattr(extension, '_looked', lambda asked: {key: told[key] for key in asked})
    sides = sides_past_edges({'arm': {'adamw': tuned, 'sgd': tuned}, 'better': {'adamw': tuned}})
    assert (sides.get('arm', {}).get('adamw') == [('lr', 'high')]) is past and 'better' not in sides
