"""Edges: the gain past the edges of a range, and that noise, ridges and cliffs are not mistaken for one."""

import numpy as np
import pytest
from test_selection import grid

from results.edges import Edges, Range, _boxes, edges
from results.surface import fit
from sweeps.protocol.search.sobol import scrambled_sobol

BOX = {'lr': (0.0, 1.0), 'weight_decay': (0.0, 1.0)}
BEYOND = {('lr', 'low'): -1 / 3, ('lr', 'high'): 4 / 3, ('weight_decay', 'high'): 4 / 3}


def tuned(
    optimum,
    noise: float = 0.01,
    replicates: int = 5,
    curvature: float = 1.0,
    seed: int = 0,
    ridge: float = 0.0,
    count: int = 16,
) -> list:
    generator = np.random.default_rng(seed)
    made = []
    for _ in range(replicates):
        units = scrambled_sobol(count, 2, int(generator.integers(1 << 30)))
        away = units - np.array(optimum)
        scores = -curvature * ((away**2).sum(1) - 2 * ridge * away.prod(1)) + generator.normal(0, noise, count)
        made.append((units, scores + generator.normal(0, 0.1)))
    return made


def looked(replicates: list) -> Edges | None:
    return edges(replicates, [True, True], BOX, BEYOND)


def wanted(seen: Edges) -> set:
    return {side for side, gain in seen.gains.items() if gain > 0.25 * seen.noise}


@pytest.mark.parametrize(
    ('optimum', 'sides'),
    [
        ((0.5, 0.5), set()),
        ((0.8, 0.5), set()),
        ((1.3, 0.5), {('lr', 'high')}),
        ((-0.3, 0.5), {('lr', 'low')}),
        ((0.5, 1.3), {('weight_decay', 'high')}),
        ((1.3, 1.3), {('lr', 'high'), ('weight_decay', 'high')}),
        # Weight decay towards 0 is a natural bound: nothing beyond it was asked for.
        ((0.5, -0.3), set()),
    ],
    ids=lambda value: '+'.join(sorted(map('-'.join, value))) if isinstance(value, set) else str(value),
)
@pytest.mark.parametrize('seed', [0, 1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (2, 3, 4))])
def test_gain_beyond_an_edge_is_seen_where_the_optimum_is_there(optimum, sides, seed):
    seen = looked(tuned(optimum, seed=seed))
    assert wanted(seen) == sides
    assert set(seen.gains) == set(BEYOND)


def test_a_flat_surface_is_seldom_extended():
    """Noise alone seldom looks like a gain in every replicate."""
    sides = [wanted(looked(tuned((0.5, 0.5), noise=0.05, curvature=0.0, seed=seed))) for seed in range(40)]
    assert sum(map(bool, sides)) <= 8
    exact = looked([(units, np.zeros(16)) for units, _ in tuned((0.5, 0.5))])
    assert max(exact.gains.values()) <= 1e-9


@pytest.mark.parametrize('ridge', [0.9, -0.9])
def test_a_ridge_inside_the_range_is_not_extended(ridge):
    """Two values that act together rise towards a corner, which is no gain past an edge."""
    sides = [wanted(looked(tuned((0.5, 0.5), noise=0.05, ridge=ridge, seed=seed, count=10))) for seed in range(20)]
    assert sum(map(bool, sides)) <= 2


def test_the_gain_and_the_height_are_the_worlds():
    """Without noise: the optimum at 1.2 gains 0.2 squared over the edge, of which the prior leaves a part; the best inside is
    the edge."""
    units = grid(64)
    seen = looked([(units, -((units - np.array([1.2, 0.5])) ** 2).sum(1))] * 3)
    assert 0.01 < seen.gains['lr', 'high'] < 0.05
    assert seen.gains['lr', 'low'] < 0
    assert seen.inside == pytest.approx(-0.04, abs=5e-3)


def test_the_noise_is_that_of_an_average():
    """Of the first replicates, up to 64 trials."""
    replicates = tuned((1.2, 0.5), noise=0.05)
    (units, scores), *_ = replicates
    together = fit(*(np.concatenate(parts) for parts in zip(*replicates[:4], strict=True)), groups=np.repeat(np.arange(4), 16))
    assert looked(replicates).noise == pytest.approx(together.noise / 4**0.5)
    assert together.noise == pytest.approx(0.05, rel=0.3)
    assert looked([(units, scores)]).noise == pytest.approx(fit(units, scores).noise)


def test_replicates_of_different_height_are_not_mistaken_for_a_slope():
    """A replicate's split moves all its scores."""
    replicates = [(units, scores + 10 * number) for number, (units, scores) in enumerate(tuned((0.5, 0.5)))]
    assert all(gain < 0 for gain in looked(replicates).gains.values())


def test_too_few_runs_have_no_edges_to_speak_of():
    few = (grid(4), np.array([0.0, 1.0, -np.inf, 0.5]))
    assert looked([few]) is None
    assert looked([(grid(16), np.full(16, -np.inf))] * 5) is None
    assert looked([few, few]) is not None, 'together they are enough'


def test_diverged_runs_leave_the_edges_alone():
    lost = [(units, np.where(units[:, 0] > 0.8, -np.inf, scores)) for units, scores in tuned((0.5, 0.5))]
    assert wanted(looked(lost)) == set()


def test_a_range_ends_with_its_trials_where_it_may_not_be_extended():
    """The best past a cliff that no trial survived is no best inside: the low side is compared with what was tried."""
    units = grid(64)
    scores = np.where(units[:, 0] > 0.4, -np.inf, units[:, 0] ** 2 - units[:, 0] / 4)
    only_low = {('lr', 'low'): -1 / 3}
    seen = edges([(units, scores)] * 2, [True, True], BOX, only_low)
    assert seen.inside <= scores[np.isfinite(scores)].max() + 1e-3


def test_a_choice_keeps_a_value_that_was_tried():
    units = np.stack([grid(32)[:, 0], np.tile([0.25, 0.75], 18)[: len(grid(32))]], 1)
    scores = -((units[:, 0] - 1.2) ** 2) + (units[:, 1] > 0.5)
    seen = edges([(units, scores)] * 2, [True, False], {'lr': (0.0, 1.0), 'kind': (0.0, 1.0)}, {('lr', 'high'): 4 / 3})
    assert 0 < seen.gains['lr', 'high'] < 0.05


def test_inside_ends_with_the_trials_but_where_the_range_may_be_extended_and_past_a_side_lies_what_it_would_add():
    units = np.array([[0.2, 0.3], [0.4, 0.9], [0.7, 0.5], [0.95, 0.05]])
    scores = np.array([0.1, 0.2, 0.3, -np.inf])
    beyond = {('lr', 'low'): -1 / 3, ('weight_decay', 'high'): 4 / 3, ('lr', 'high'): 5 / 4}
    asked = Range([(units, scores)], [True, True], {'lr': (0.0, 1.0), 'weight_decay': (0.1, 0.95)}, beyond)
    boxes = [(low.tolist(), high.tolist()) for low, high in _boxes(asked, asked.first_ones)]
    assert boxes == [
        ([0.0, 0.3], [1.0, 0.95]),
        ([-1 / 3, 0.3], [0.0, 0.95]),
        ([0.0, 0.95], [1.0, 4 / 3]),
        ([1.0, 0.3], [5 / 4, 0.95]),
    ]
    other = Range([(units, scores)], [True, True], asked.box, {('weight_decay', 'low'): -1.0})
    boxes = [(low.tolist(), high.tolist()) for low, high in _boxes(other, other.first_ones)]
    assert boxes == [([0.2, 0.1], [0.7, 0.9]), ([0.2, -1.0], [0.7, 0.1])]


@pytest.mark.parametrize(
    ('sizes', 'count'), [([16] * 9, 4), ([16, 16, 33], 2), ([64, 1], 1), ([65, 1], 1), ([90, 90], 1), ([3], 1)]
)
def test_the_first_replicates_are_looked_at_up_to_so_many_trials(sizes, count):
    replicates = [(np.zeros((size, 1)), np.zeros(size)) for size in sizes]
    assert len(Range(replicates, [True], {}, {}).first_ones) == count
