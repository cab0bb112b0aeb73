"""The width of the good window, where it is known."""

import dataclasses
import json
import math

import numpy as np
import pytest

from ablations.ranges import Range
from ablations.spaces import linear, log
from ablations.study import Study
from ablations.tasks import task
from results.good_window import _decades, _windows, good_part, windows
from results.rate_profile import Profile
from results.runs import Runs
from results.store.reading import Reading
from sweeps.protocol.simulate import World, simulate


@pytest.mark.parametrize(
    ('scores', 'tolerance', 'wanted'),
    [
        ([0, 1, 2, 1, 0], 1.0, (1.0, 3.0, False, False)),
        ([0, 1, 2, 1, 0], 0.5, (1.5, 2.5, False, False)),
        ([0, 1, 2, 1, 0], 2.0, (0.0, 4.0, True, True)),
        ([0, 1, 2, 3, 4], 1.5, (2.5, 4.0, False, True)),
        ([4, 3, 2, 1, 0], 0.25, (0.0, 0.25, True, False)),
        # A second hill does not count, however good: between them it is worse.
        ([2, 0, 4, 0, 3.9], 1.0, (1.75, 2.25, False, False)),
        ([1, 1, 1, 1, 1], 0.1, (0.0, 4.0, True, True)),
    ],
)
def test_the_part_around_the_best(scores, tolerance, wanted):
    assert good_part(np.arange(5.0), np.array(scores, float), tolerance) == pytest.approx(wanted)


@pytest.mark.parametrize('tolerance', [0.0, -1.0, math.nan])
def test_a_tolerance_is_above_nothing(tolerance):
    with pytest.raises(ValueError, match=r'allowed: above 0'):
        good_part(np.arange(3.0), np.zeros(3), tolerance)


RATES = log(1e-4, 1e-1)


def asked(rates: Range = RATES, **fields: object) -> Study:
    return Study(
        **{
            'name': 'told',
            'question': 'Is it?',
            'arms': {'base': (), 'arm': ()},
            'tasks': (task('digits', margin=0.02, chance=-0.5),),
            'tune': {'adamw': {'lr': rates, 'weight_decay': log(1e-3, 1.0)}},
            'trials': 16,
            'extension': 0,
            'replicates': 4,
            **fields,
        }
    )


def test_a_known_surface_has_its_known_window():
    """The score falls by (u - 1/2)^2 over three decades: the margin allows sqrt(0.02) on each side, a tenth sqrt(0.05)."""
    study = asked(tasks=(task('digits', margin=0.02, chance=0.5),))
    world = World(top={'base': 1.0, 'arm': 1.0}, optimum=(0.5, 0.5), noise=0.002, cliff=9.0)
    planned = windows(Reading(study, *simulate(study, world, seed=1)))
    assert [(w.arm, w.rule) for w in planned] == [(a, r) for a in ('base', 'arm') for r in ('margin', 'tenth')]
    for window in planned:
        half = math.sqrt(0.02 if window.rule == 'margin' else 0.05)
        assert window.decades == pytest.approx(6 * half, rel=0.08)
        assert window.tolerance == pytest.approx(half**2, rel=0.1)
        assert (math.log10(window.low), math.log10(window.high)) == pytest.approx((-2.5 - 3 * half, -2.5 + 3 * half), abs=0.06)
        assert window.interval[0] < window.decades < window.interval[1]
        assert window.censored == {}
        assert window.reason == ''
        assert list(json.loads(json.dumps(window.to_dict(), allow_nan=False))) == [
            field.name for field in dataclasses.fields(window)
        ]


def test_where_lower_is_better_nothing_changes():
    study = asked(tasks=(task('stdlib_bytes', margin=0.02, chance=0.5),))
    planned = windows(Reading(study, *simulate(study, World(optimum=(0.5, 0.5), noise=0.002, cliff=9.0), seed=1)))
    assert [w.decades for w in planned[::2]] == pytest.approx([6 * math.sqrt(0.02)] * 2, rel=0.05)
    assert [w.tolerance for w in planned[1::2]] == pytest.approx([0.05] * 2, rel=0.1)


def test_noise_widens_the_interval_and_coverage_is_near_its_name():
    truth, held, widths = 6 * math.sqrt(0.02), 0, []
    for seed in range(12):
        study = asked(arms={'base': ()})
        window = windows(Reading(study, *simulate(study, World(optimum=(0.5, 0.5), noise=0.01, cliff=9.0), seed=seed)))[0]
        held += window.interval[0] <= truth <= window.interval[1]
        widths.append(window.interval[1] - window.interval[0])
    assert held >= 8, '95 % of 12; eight or fewer come by chance once in 5,000'
    assert min(widths) > 0.01


def test_an_optimum_at_the_edge_of_the_range_is_flagged():
    study = asked()
    planned = windows(Reading(study, *simulate(study, World(optimum=(1.1, 0.5), noise=0.002, cliff=9.0), seed=1)))
    assert {window.censored.get('high') for window in planned} == {'range'}
    assert all(window.high <= 0.1 for window in planned)


def test_a_window_wider_than_the_fitted_trials_is_flagged():
    """All rates are good to within a tenth, but those past the cliff diverged, and the surface has not seen them."""
    study = asked(tasks=(task('digits', margin=0.02, chance=-9.0),))
    planned = windows(Reading(study, *simulate(study, World(optimum=(0.5, 0.5), noise=0.002, cliff=0.2), seed=1)))
    for window in planned[1::2]:
        assert window.censored == {'low': 'range', 'high': 'fit'}
        assert window.decades < 3 * 0.7


def test_the_range_may_be_linear():
    study = asked(linear(0.01, 0.09))
    window = windows(Reading(study, *simulate(study, World(optimum=(0.5, 0.5), noise=0.002, cliff=9.0), seed=1)))[0]
    half = 0.08 * math.sqrt(0.02)
    assert window.decades == pytest.approx(math.log10((0.05 + half) / (0.05 - half)), rel=0.08)


def test_without_a_surface_there_is_a_reason():
    study = asked()
    planned = windows(Reading(study, *simulate(study, World(cliff=-0.6), seed=0)))
    assert planned
    for window in planned:
        assert (window.decades, window.interval, window.low) == (None, None, None)
        assert window.reason == 'no surface fits: 64 of 64 tuning runs diverged, too few are left'


def test_runs_that_failed_are_told_beside_those_that_diverged():
    study = asked()
    schedule, records = simulate(study, World(cliff=-0.6), seed=0)
    first = schedule.asked['tune', 'arm', 'digits', 1][0].id
    mixed = {**records, first: {**records[first], 'status': 'failed', 'score': None}}
    reasons = {window.arm: window.reason for window in windows(Reading(study, schedule, mixed))}
    assert reasons == {
        'base': 'no surface fits: 64 of 64 tuning runs diverged, too few are left',
        'arm': 'no surface fits: 64 of 64 tuning runs diverged or failed, too few are left',
    }


def test_an_arm_no_better_than_chance_has_no_tenth():
    study = asked(tasks=(task('digits', margin=0.02, chance=0.9),))
    margin, tenth = windows(Reading(study, *simulate(study, World(noise=0.002, cliff=9.0), seed=0)))[:2]
    assert margin.decades > 0
    assert (tenth.decades, tenth.reason) == (None, 'no better than chance at its best')


def test_one_replicate_has_no_interval_and_none_no_window():
    study = asked(replicates=1)
    schedule, records = simulate(study, World(noise=0.002, cliff=9.0), seed=0)
    assert {window.interval for window in windows(Reading(study, schedule, records))} == {None}
    assert windows(Reading(study, schedule, {})) == []


@pytest.mark.parametrize(
    ('rates', 'low', 'high', 'wanted'),
    [
        (Range(1e-4, 1e-2), 0.0, 1.0, 2.0),
        (Range(1e-4, 1e-2), 0.25, 0.75, 1.0),
        (Range(0.0, 1.0, 'linear'), 0.1, 1.0, 1.0),
        (Range(0.0, 1.0, 'linear'), 0.0, 1.0, None),
        (Range(1.0, 11.0, 'linear'), -0.1, 0.9, None),
        (Range(1.0, 11.0, 'linear'), 0.0, 0.9, 1.0),
    ],
)
def test_decades_between_two_rates(rates, low, high, wanted):
    made = _decades(rates, low, high)
    assert made is None if wanted is None else made == pytest.approx(wanted)


@pytest.mark.parametrize(
    ('low', 'high', 'others', 'censored'),
    [
        (0.0, 1.0, (), {'low': 'range', 'high': 'range'}),
        (0.2, 0.8, (), {'low': 'fit', 'high': 'fit'}),
        (0.125, 0.875, (), {'low': 'range', 'high': 'range'}),
        (0.126, 0.874, (), {'low': 'fit', 'high': 'fit'}),
        (-0.3, 1.3, (), {'low': 'range', 'high': 'range'}),
        # Trials past the range that diverged: it goes on there, and the fit does not.
        (0.0, 1.0, (-0.3,), {'low': 'fit', 'high': 'range'}),
        (0.0, 1.0, (1.3,), {'low': 'range', 'high': 'fit'}),
    ],
)
def test_a_window_may_be_wider_where_it_ends_with_the_range_or_with_the_fit(low, high, others, censored):
    study = asked()
    units = np.array([[unit, 0.5] for unit in (low, high, *others)])
    runs = Runs(Reading(study, *simulate(study, World(), seed=0)), 'arm', study.tasks[0])
    flat = Profile(np.linspace(low, high, 9), np.full(9, 0.5), np.full(9, math.nan), 1)
    for window in _windows(runs, 'adamw', [[]], [(units, np.zeros(len(units)))], flat):
        assert window.censored == censored and window.decades == pytest.approx(3 * (high - low))
        assert (window.low, window.high) == pytest.approx((RATES.value(low), RATES.value(high))) and window.interval is None
    # The best is at the low end alone.
    steep = dataclasses.replace(flat, scores=np.linspace(0.5, -9, 9))
    assert _windows(runs, 'adamw', [[]], [(units, np.zeros(len(units)))], steep)[0].censored == {'low': censored['low']}
