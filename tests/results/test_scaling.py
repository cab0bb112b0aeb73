"""Scaling: exponents with their intervals, bends and crossings of lines whose law is known."""

import dataclasses
import math

import numpy as np
import pytest
from scipy import stats

from ablations.study import Study
from ablations.tasks import task
from results.scaling import crossing, error_of, law, scaling, scaling_of
from results.store.reading import Reading
from sweeps.protocol.simulate import World, simulate

SIZES = np.array([1e4, 1e5, 1e6])


def drawn(
    exponent: float, level: float, noise: float = 0.02, replicates: int = 5, seed: int = 0, bend: float = 0.0
) -> np.ndarray:
    """Errors that fall by a law, every replicate with a height and a slope of its own. `[R, S]`"""
    generator = np.random.default_rng(seed)
    x = np.log(SIZES) - np.log(SIZES).mean()
    height, slope = generator.normal(0, noise, (2, replicates, 1))
    return np.exp(level + height - (exponent + slope / 5) * x + bend * x**2)


def test_an_exponent_is_the_slope_in_logarithms():
    fitted = law('base', SIZES, drawn(0.3, -1.0, noise=0.0))
    assert fitted.exponent == pytest.approx(0.3) and fitted.interval == pytest.approx((0.3, 0.3)) and fitted.bent is False
    np.testing.assert_allclose(fitted.errors, drawn(0.3, -1.0, noise=0.0)[0])


def test_intervals_hold_the_exponent_as_often_as_they_say():
    held = sum(
        one.interval[0] <= 0.3 <= one.interval[1] for seed in range(400) if (one := law('a', SIZES, drawn(0.3, -1, seed=seed)))
    )
    low, high = stats.binom.ppf([1e-4, 1 - 1e-4], 400, 0.95)
    assert low <= held <= high


def test_a_bend_is_told_and_two_sizes_tell_none():
    assert law('a', SIZES, drawn(0.3, -1, bend=0.02)).bent is True
    assert law('a', SIZES[:2], drawn(0.3, -1)[:, :2]).bent is None


@pytest.mark.parametrize(
    ('sizes', 'errors'),
    [
        (SIZES, drawn(0.3, -1)[:2]),
        (SIZES[[0, 0]], drawn(0.3, -1)[:, :2]),
        (SIZES, np.where(np.eye(5, 3) > 0, np.nan, drawn(0.3, -1))),
        (SIZES, drawn(0.3, -1) * [1, 1, 0]),
    ],
)
def test_without_enough_there_is_no_law(sizes, errors):
    assert law('a', sizes, errors) is None


def test_lines_that_cross_among_the_sizes():
    """They meet at the middle size: the flatter one is better below it."""
    flat, steep = drawn(0.1, -1, noise=0.005, seed=1), drawn(0.4, -1, noise=0.005, seed=2)
    one = crossing('flat', 'steep', SIZES, flat, steep)
    assert (
        one.tried
        and one.before == 'flat'
        and one.interval[0] < 1e5 < one.interval[1]
        and one.size == pytest.approx(1e5, rel=0.2)
    )
    other = crossing('steep', 'flat', SIZES, steep, flat)
    assert other.before == 'flat' and other.size == pytest.approx(one.size)


def test_a_crossing_beyond_the_sizes_says_so():
    ahead = crossing('flat', 'steep', SIZES, drawn(0.1, -1.8, noise=0.005, seed=1), drawn(0.4, -1, noise=0.005, seed=2))
    assert not ahead.tried and ahead.before == 'flat' and ahead.size == pytest.approx(1e5 * math.exp(0.8 / 0.3), rel=0.3)


@pytest.mark.parametrize('level', [-1.0, -1.5])
def test_lines_that_are_not_told_apart_or_run_alike_do_not_cross(level):
    assert crossing('a', 'b', SIZES, drawn(0.3, level, seed=1), drawn(0.3, -1, seed=2)) is None


def test_laws_and_crossings_of_all_arms():
    errors = {'base': drawn(0.3, -1, noise=0.005, seed=3), 'flat': drawn(0.05, -1, noise=0.005, seed=4)}
    made = scaling('bytes', SIZES, errors, {'flat': 'base', 'absent': 'base'})
    assert [one.arm for one in made.laws] == ['base', 'flat'] and [one.arm for one in made.crossings] == ['flat']
    assert made.sizes == (1e4, 1e5, 1e6)


def test_errors_of_metrics():
    """Scores come in the good direction."""
    np.testing.assert_allclose(error_of(task('digits'), np.array([0.9, 0.5])), [0.1, 0.5])
    np.testing.assert_allclose(error_of(task('stdlib_bytes'), np.array([-2.5])), [2.5])
    assert error_of(task('friedman'), np.array([-0.3])) == pytest.approx(0.3)
    assert error_of(task('digits', metric='words', direction='higher'), np.array([0.3])) is None


def test_an_arm_and_its_reference_are_compared_in_the_replicates_that_both_have():
    flat, steep = drawn(0.1, -1, noise=0.005, seed=1), drawn(0.4, -1, noise=0.005, seed=2, replicates=7)
    wanted = crossing('flat', 'steep', SIZES, flat, steep[:5])
    assert crossing('flat', 'steep', SIZES, flat, steep) == wanted
    assert crossing('flat', 'steep', SIZES, flat[:2], steep) is None
    assert scaling('bytes', SIZES, {'base': steep}, {'base': 'base'}).crossings == (), 'nothing crosses itself'
    assert crossing('flat', 'steep', SIZES, flat[:3], steep[:3]) is not None, 'three replicates are enough'


@pytest.mark.parametrize(
    ('name', 'fields', 'scores', 'errors'),
    [
        ('digits', {'metric': 'r2', 'direction': 'higher'}, [0.75, -2.0], [0.25, 3.0]),
        ('digits', {'metric': 'words', 'direction': 'lower'}, [-2.0], None),
        ('stdlib_bytes', {}, [-0.5], [0.5]),
    ],
)
def test_an_error_is_what_lacks_to_the_best_value(name, fields, scores, errors):
    made = error_of(task(name, **fields), np.array(scores))
    assert made is None if errors is None else made.tolist() == errors


STUDY = Study(name='sized', question='?', arms={'base': (), 'arm': ()}, tasks=('stdlib_bytes',), trials=6, replicates=3)


def steps_of(tops: dict[float, float], left_out: str = '') -> list:
    """Readings of a study at some sizes, each with its base's score."""
    made = []
    for size, top in tops.items():
        planned, records = simulate(STUDY, World(height=top, noise=0.001, cliff=2.0), seed=1)
        gone = {trial.id for trial in planned.asked['confirm', left_out, 'stdlib_bytes', 0]} if left_out else ()
        records = {key: record for key, record in records.items() if key not in gone}
        made.append((Reading(STUDY, planned, records), STUDY.tasks[0], size))
    return made


def test_the_scaling_of_readings():
    tops = {1e4: -4.0, 1e5: -2.0, 1e6: -1.0}
    made = scaling_of('bytes', steps_of(tops))
    assert (made.task, made.sizes, [one.arm for one in made.laws]) == ('bytes', (1e4, 1e5, 1e6), ['base', 'arm'])
    assert made.laws[0].exponent == pytest.approx(math.log(2) / math.log(10), rel=0.05)
    assert [one.arm for one in scaling_of('bytes', steps_of(tops, left_out='arm')).laws] == ['base']
    whole, lacking = steps_of(tops), steps_of(tops, left_out='arm')
    assert [one.arm for one in scaling_of('bytes', [*whole[:2], lacking[2]]).laws] == ['base'], 'not confirmed at one size'
    (one, *_), same = steps_of(tops), steps_of({1e4: -4.0})
    assert scaling_of('bytes', [one]) is None and scaling_of('bytes', [one, *same]) is None, 'one size only'
    assert scaling_of('bytes', steps_of({1e4: 4.0, 1e5: 2.0})) is None, 'these errors have no logarithm'


def test_sizes_with_more_replicates_lend_the_first_of_them():
    steps = steps_of({1e4: -4.0, 1e5: -2.0})
    more = dataclasses.replace(STUDY, replicates=4, looks=(4,))
    reading = Reading(more, *simulate(more, World(height=-2.0, noise=0.001, cliff=2.0), seed=1))
    wanted = [one.errors for one in scaling_of('bytes', steps).laws]
    for given in ([steps[0], (reading, STUDY.tasks[0], 1e5)], [(reading, STUDY.tasks[0], 1e4), steps[1]]):
        laws = scaling_of('bytes', given).laws
        assert [one.arm for one in laws] == ['base', 'arm'] and all(len(one.errors) == 2 for one in laws)
    assert [one.errors for one in scaling_of('bytes', [steps[0], (reading, STUDY.tasks[0], 1e5)]).laws] == [
        pytest.approx(own, rel=0.01) for own in wanted
    ]
