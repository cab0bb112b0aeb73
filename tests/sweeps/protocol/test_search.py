"""Searches: one interface for all kinds; pure, even where they should be, better than chance where they follow scores."""

import contextlib
import hashlib
import importlib.util
import itertools
import subprocess
import sys
import types
import warnings

import numpy as np
import pytest

import sweeps.protocol.search
from ablations.spaces import choice, integer, linear, log
from ablations.study import CHOICES
from sweeps.protocol.search import NOTHING, SEARCHES, propose
from sweeps.protocol.search.adaptive import STARTUP, _one_thread, _silent
from sweeps.protocol.search.grid import levels
from sweeps.protocol.search.sobol import scrambled_sobol

PLAIN = {'lr': log(1e-4, 1e-1), 'weight_decay': log(1e-3, 1.0)}
MIXED = {'lr': log(1e-4, 1e-1), 'b2': choice(0.9, 0.99, 0.999), 'depth': integer(1, 6), 'weight_decay': log(1e-3, 1.0)}
FOLLOWING = [
    pytest.param(
        kind,
        marks=pytest.mark.skipif(
            kind == 'gp' and importlib.util.find_spec('torch') is None, reason="torch is not installed: pip install '.[gp]'"
        ),
    )
    for kind in ('tpe', 'gp')
]
KINDS = ['sobol', 'random', 'grid', *FOLLOWING]


def seen_of(space: dict, count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Scores of a bowl around the middle at random points; every fifth run diverged."""
    generator = np.random.default_rng(seed)
    units = generator.random((count, len(space)))
    scores = -((units - 0.5) ** 2).sum(1) + 0.01 * generator.normal(size=count)
    scores[4::5] = -np.inf
    return units, scores


def test_the_table_holds_what_a_study_may_name():
    assert tuple(SEARCHES) == CHOICES['search']
    assert [kind for kind, search in SEARCHES.items() if search.adaptive] == ['tpe', 'gp']


@pytest.mark.parametrize(
    ('kind', 'space'),
    [
        ('sobol', MIXED),
        ('random', MIXED),
        ('grid', MIXED),
        ('tpe', PLAIN),
        ('tpe', MIXED),
        ('tpe', {'lr': PLAIN['lr']}),
        ('gp', MIXED),
    ],
    ids=['sobol', 'random', 'grid', 'tpe plain', 'tpe mixed', 'tpe one', 'gp'],
)
def test_points_are_units_and_the_same_every_time(kind, space):
    if kind == 'gp':
        pytest.importorskip('torch')
    seen = seen_of(space, 12)
    copies = [part.copy() for part in seen]
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        points = propose(kind, space, seen, 3, 12, 3)
    assert points.shape == (3, len(space)) and points.dtype == float
    assert ((points >= 0) & (points < 1)).all()
    sweeps.protocol.search._followed.cache_clear()
    assert (propose(kind, space, seen, 3, 12, 3) == points).all()
    assert all((part == copy).all() for part, copy in zip(seen, copies, strict=True)), 'what was seen is not changed'
    assert (propose(kind, space, seen, 3, 12, 4) != points).any(), 'another seed, other points'
    assert (propose(kind, space, seen, 3, 15, 3) != points).any(), 'another batch, other points'
    assert len({tuple(point) for point in points}) == 3


@pytest.mark.parametrize('kind', KINDS)
def test_points_are_the_same_in_another_process(kind, tmp_path):
    np.savez(tmp_path / 'seen.npz', units=seen_of(MIXED, 12)[0], scores=seen_of(MIXED, 12)[1])
    script = (
        'import hashlib, sys, numpy as np\n'
        'from ablations.spaces import Choice, Integer, Range\n'
        'from sweeps.protocol.search import propose\n'
        f"seen = np.load(r'{tmp_path / 'seen.npz'}')\n"
        f'space = {MIXED!r}\n'
        f"points = propose('{kind}', space, (seen['units'], seen['scores']), 2, 12, 3)\n"
        'print(hashlib.sha256(points.tobytes()).hexdigest())\n'
        "loaded = [name for name in ('jax', 'optuna') if name in sys.modules]\n"
        'print(loaded)\n'
    )
    ran = subprocess.run([sys.executable, '-W', 'error', '-c', script], capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0 and ran.stderr == '', ran.stderr
    here = propose(kind, MIXED, seen_of(MIXED, 12), 2, 12, 3)
    told, loaded = ran.stdout.splitlines()
    assert told == hashlib.sha256(here.tobytes()).hexdigest()
    assert loaded == str(['optuna'] if SEARCHES[kind].adaptive else [])


@pytest.mark.parametrize(('count', 'first'), [(16, 0), (4, 16), (4, 20), (1, 3)])
def test_sobol_points_are_those_of_every_recorded_study(count, first):
    points = propose('sobol', PLAIN, seen_of(PLAIN, 6), count, first, 7)
    assert (points == scrambled_sobol(24, 2, 7)[first : first + count]).all()


def test_random_points_go_on_where_they_ended():
    whole = propose('random', PLAIN, NOTHING, 24, 0, 5)
    assert (
        np.concatenate([propose('random', PLAIN, NOTHING, 16, 0, 5), propose('random', PLAIN, NOTHING, 8, 16, 5)]) == whole
    ).all()
    many = np.concatenate([propose('random', PLAIN, NOTHING, 50, 0, seed) for seed in range(100)])
    assert many.mean(0) == pytest.approx([0.5, 0.5], abs=0.02) and many.std(0) == pytest.approx([12**-0.5] * 2, abs=0.01)


# Grids.


@pytest.mark.parametrize(
    ('space', 'count', 'wanted'),
    [
        (PLAIN, 16, [4, 4]),
        (PLAIN, 12, [4, 3]),
        (PLAIN, 6, [3, 2]),
        (PLAIN, 10, [4, 3]),
        (PLAIN, 7, [4, 2]),
        (PLAIN, 1, [1, 1]),
        ({'lr': PLAIN['lr']}, 9, [9]),
        ({**PLAIN, 'b2': linear(0.9, 1)}, 16, [4, 2, 2]),
        ({**PLAIN, 'b2': linear(0.9, 1)}, 24, [4, 3, 2]),
        ({**PLAIN, 'b2': linear(0.9, 1)}, 27, [3, 3, 3]),
        ({**PLAIN, 'b2': linear(0.9, 1)}, 2, [2, 1, 1]),
        ({'lr': PLAIN['lr'], 'b2': choice(0.9, 0.99, 0.999)}, 16, [6, 3]),
        ({'lr': PLAIN['lr'], 'b2': choice(0.9, 0.99, 0.999)}, 2, [1, 2]),
        ({'lr': PLAIN['lr'], 'depth': integer(1, 2)}, 16, [8, 2]),
        (MIXED, 24, [2, 3, 2, 2]),
        ({'lr': PLAIN['lr'], 'depth': integer(1, 2), 'b2': linear(0.9, 1)}, 64, [8, 2, 4]),
    ],
)
def test_levels_of_a_grid(space, count, wanted):
    assert levels(space, count) == wanted


@pytest.mark.parametrize('count', [1, 2, 6, 7, 10, 12, 16, 20])
def test_a_grid_uses_every_point_in_even_columns(count):
    points = propose('grid', PLAIN, NOTHING, count, 0, 11)
    assert len(points) == count
    columns = sorted(points.tolist(), key=lambda point: (point[1], point[0]))
    sizes = []
    for _, column in itertools.groupby(columns, key=lambda point: point[1]):
        rates = [point[0] for point in column]
        sizes.append(len(rates))
        assert np.diff(rates) == pytest.approx(1 / len(rates)), 'even steps of the learning rate in every column'
    assert max(sizes) - min(sizes) <= 1 and max(sizes) >= len(sizes)
    decays = sorted({point[1] for point in columns})
    assert np.diff(decays) == pytest.approx(1 / len(decays))


def test_the_seed_moves_a_grid_and_leaves_its_steps():
    """Over replicates every place of a cell is as likely as any other: the noise of tuning is not designed away."""
    lowest = np.array([propose('grid', PLAIN, NOTHING, 16, 0, seed).min(0) for seed in range(400)])
    assert lowest.min() < 0.01 and 0.24 < lowest.max() < 0.25
    assert lowest.mean(0) == pytest.approx([0.125, 0.125], abs=0.012)
    first, second = (propose('grid', PLAIN, NOTHING, 4, first, 3) for first in (16, 20))
    assert not (first == second).any()


def test_a_grid_that_is_moved_as_far_as_it_can_stays_below_the_ends(monkeypatch):
    """By all of a cell but the last bit, which the next cells round to a whole one."""
    largest, made = np.nextafter(1.0, 0.0), np.random.default_rng

    class Last:
        def __init__(self, seed):
            self.permutation = made(seed).permutation

        def random(self, count):
            return np.full(count, largest)

    monkeypatch.setattr(np.random, 'default_rng', Last)
    points = propose('grid', MIXED, NOTHING, 24, 0, 0)
    assert points.max() == largest and points.min() > 0


def test_a_grid_crosses_a_choice_whole():
    space = {'lr': PLAIN['lr'], 'b2': choice(0.9, 0.99, 0.999)}
    points = propose('grid', space, NOTHING, 15, 0, 2)
    assert sorted(space['b2'].value(unit) for unit in points[:, 1]) == [0.9] * 5 + [0.99] * 5 + [0.999] * 5
    left_out = {tuple(sorted(space['b2'].value(u) for u in propose('grid', space, NOTHING, 2, 0, s)[:, 1])) for s in range(40)}
    assert left_out == {(0.9, 0.99), (0.9, 0.999), (0.99, 0.999)}, 'with too few points the seed says which are tried'


# Kinds that follow the scores.


@pytest.mark.parametrize('kind', FOLLOWING)
def test_the_first_points_are_sobols(kind):
    few = propose(kind, PLAIN, NOTHING, STARTUP, 0, 5)
    assert (few == scrambled_sobol(STARTUP, 2, 5)).all()
    units = scrambled_sobol(4, 2, 5)
    mixed = propose(kind, PLAIN, (units, np.arange(4.0)), STARTUP, 4, 5)
    sobol = scrambled_sobol(STARTUP + 4, 2, 5)[4:]
    assert (mixed[: STARTUP - 4] == sobol[: STARTUP - 4]).all() and (mixed[STARTUP - 4 :] != sobol[STARTUP - 4 :]).all()


@pytest.mark.parametrize('kind', FOLLOWING)
@pytest.mark.parametrize(
    'scores',
    [[-np.inf] * 8, [np.nan] * 8, [1.0] + [-np.inf] * 7, [0.5] * 8],
    ids=['all diverged', 'not numbers', 'one', 'all equal'],
)
def test_scores_that_say_little_do_no_harm(kind, scores):
    units = scrambled_sobol(8, 2, 1)
    points = propose(kind, PLAIN, (units, np.array(scores)), 4, 8, 1)
    assert ((points >= 0) & (points < 1)).all() and len({tuple(point) for point in points}) == 4


@pytest.mark.parametrize('kind', FOLLOWING)
def test_a_diverging_region_is_avoided(kind):
    """Two fifths of the range diverge: a search that is told so tries them less than one that never hears of it."""
    told, untold = [], []
    for seed in range(2 if kind == 'gp' else 6):
        units = scrambled_sobol(16, 2, seed)
        scores = np.where(units[:, 0] > 0.6, -np.inf, -((units - 0.5) ** 2).sum(1))
        fine = np.isfinite(scores)
        told += list(propose(kind, PLAIN, (units, scores), 4, 16, seed)[:, 0] > 0.6)
        untold += list(propose(kind, PLAIN, (units[fine], scores[fine]), 4, 16, seed)[:, 0] > 0.6)
    assert np.mean(told) < 0.4 < np.mean(untold)


@pytest.mark.parametrize('kind', FOLLOWING)
def test_choices_and_whole_numbers_are_found(kind):
    space = {'lr': log(1e-4, 1e-1), 'depth': integer(1, 6), 'b2': choice(0.9, 0.99, 0.999)}
    good = 0
    for seed in range(3):
        units = np.random.default_rng(seed).random((20, 3))
        depth, b2 = ([space[name].value(u) for u in units[:, column]] for column, name in ((1, 'depth'), (2, 'b2')))
        scores = -((units[:, 0] - 0.5) ** 2) - 0.05 * (np.array(depth) - 4) ** 2 - 0.3 * (np.array(b2) != 0.99)
        points = propose(kind, space, (units, scores), 4, 20, seed)
        for u in points[:, 2]:
            assert min(abs(u - np.array([1, 3, 5]) / 6)) < 1e-9, 'the middle of a strip'
        good += sum(space['depth'].value(u) in (3, 4, 5) and space['b2'].value(v) == 0.99 for u, v in points[:, 1:])
    assert good >= 5, 'of 12 points; one in six of a search that does not look: 2'


def regret(kind: str, seed: int) -> float:
    """Distance from the best of 32 noisy trials to the optimum of a bowl, squared."""
    generator = np.random.default_rng([seed, 1])
    centre = generator.uniform(0.25, 0.75, 2)
    units, scores = np.empty((0, 2)), np.empty(0)
    for first in range(0, 32, 8):
        new = propose(kind, PLAIN, (units, scores), 8, first, seed)
        units = np.concatenate([units, new])
        scores = np.concatenate([scores, -((new - centre) ** 2).sum(1) + 0.005 * generator.normal(size=8)])
    return float(((units[scores.argmax()] - centre) ** 2).sum())


@pytest.mark.parametrize('kind', FOLLOWING)
def test_following_the_scores_beats_chance(kind):
    seeds = range(2 if kind == 'gp' else 16)
    mean_regret = np.mean([regret(kind, seed) for seed in seeds])
    chance = np.mean([regret('random', seed) for seed in range(100)])
    assert mean_regret < 0.6 * chance


# What is refused.


@pytest.mark.parametrize(
    ('kind', 'seen', 'count', 'first', 'said'),
    [
        ('sobel', NOTHING, 4, 0, r"unknown search 'sobel'; allowed: \['sobol', .*Did you mean 'sobol'"),
        ('tpe', (np.zeros((3, 3)), np.zeros(3)), 4, 8, 'units of shape .3, 3. and 3 scores in a space of 2 values'),
        ('tpe', (np.zeros((3, 2)), np.zeros(2)), 4, 8, 'one row of units'),
        ('sobol', (np.full((1, 2), 1.2), np.zeros(1)), 4, 8, 'leave out the trials of extensions'),
        ('gp', (np.full((1, 2), -0.1), np.zeros(1)), 4, 8, 'units from -0.1 to -0.1'),
        ('gp', (np.full((1, 2), np.nan), np.zeros(1)), 4, 8, 'units from nan to nan'),
        ('random', NOTHING, -1, 0, 'count=-1'),
        ('grid', NOTHING, 1, -2, 'first=-2'),
    ],
)
def test_what_cannot_be_searched_is_refused(kind, seen, count, first, said):
    with pytest.raises(ValueError, match=said):
        propose(kind, PLAIN, seen, count, first, 0)


def test_a_gaussian_process_without_torch_says_what_to_install(monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name, *rest: None if name == 'torch' else find_spec(name, *rest))
    with pytest.raises(ValueError, match=r"search 'gp' needs torch, which is not installed; pip install 'archlab\[gp\]'"):
        propose('gp', PLAIN, seen_of(PLAIN, 8, seed=99), 4, 8, 123456)


@pytest.mark.parametrize('kind', SEARCHES)
def test_no_points_are_no_points(kind):
    assert propose(kind, PLAIN, NOTHING, 0, 3, 0).shape == (0, 2)


def test_values_at_an_end_may_come_back_from_beyond_it():
    """Six digits of a value move its unit a little: that is no trial of an extension."""
    units = np.array([[PLAIN['lr'].unit(PLAIN['lr'].value(1e-9)), 1 + 1e-6]])
    inside = propose('tpe', PLAIN, (np.clip(units, 0, 1), np.ones(1)), 2, 8, 0)
    assert (propose('tpe', PLAIN, (units, np.ones(1)), 2, 8, 0) == inside).all()


def test_what_a_search_sets_elsewhere_is_set_back_whatever_happens(monkeypatch):
    """The threads of torch, by a stand-in, and the log lines of optuna."""
    import optuna

    told = types.SimpleNamespace(threads=6)
    told.get_num_threads = lambda: told.threads
    told.set_num_threads = lambda count: setattr(told, 'threads', count)
    monkeypatch.setitem(sys.modules, 'torch', told)
    level = optuna.logging.get_verbosity()
    for ends in (False, True):
        with contextlib.suppress(KeyError), _one_thread(), _silent():
            assert told.threads == 1 and optuna.logging.get_verbosity() == optuna.logging.CRITICAL
            if ends:
                raise KeyError
        assert told.threads == 6 and optuna.logging.get_verbosity() == level


def test_units_that_rounding_put_past_an_end_are_taken_for_the_end():
    units, scores = seen_of(PLAIN, 12)
    low, high = units.copy(), units.copy()
    low[0], high[0] = (0.0, 1.0), (-9e-5, 1.00009)
    assert (propose('tpe', PLAIN, (low, scores), 2, 12, 3) == propose('tpe', PLAIN, (high, scores), 2, 12, 3)).all()
    high[0, 1] = 1.00011
    with pytest.raises(ValueError, match='a search works within the range of the study, 0 to 1'):
        propose('tpe', PLAIN, (high, scores), 2, 12, 3)


@pytest.mark.parametrize('kind', SEARCHES)
def test_no_points_are_none(kind):
    assert propose(kind, PLAIN, NOTHING, 0, 0, 0).shape == (0, 2)


@pytest.mark.parametrize('dimensions', [0, 13])
def test_a_sobol_sequence_has_up_to_twelve_values(dimensions):
    assert scrambled_sobol(2, 12, 0).shape == (2, 12)
    with pytest.raises(ValueError, match=f'{dimensions} tuned values; allowed: 1 to 12; tune fewer'):
        scrambled_sobol(2, dimensions, 0)
