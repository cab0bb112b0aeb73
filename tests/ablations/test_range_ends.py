"""Ranges: what is none, units and values, and where a side ends."""

import math

import pytest
from fine_study import FINE

from ablations.ranges import Range
from ablations.space_rules import bounded
from ablations.spaces import SPACES, linear, log
from ablations.study import Study


@pytest.mark.parametrize(
    ('make', 'low', 'high', 'said'),
    [
        (log, 1e-2, 1e-3, 'is empty'),
        (log, 1e-2, 1e-2, 'is empty'),
        (linear, 1.0, 0.0, 'is empty'),
        (log, 0, 1, 'a log range needs low > 0'),
        (log, -1e-3, 1e-2, 'a log range needs low > 0'),
        (log, '1e-3', 1e-2, 'finite numbers'),
        (log, 1e-3, None, 'finite numbers'),
        (log, True, 2, 'finite numbers'),
        (linear, math.nan, 1, 'finite numbers'),
        (linear, 0, math.inf, 'finite numbers'),
        (lambda low, high: Range(low, high, 'cubic'), 0.1, 1, "scale 'cubic' is unknown"),
    ],
)
def test_a_range_that_is_none_is_refused(make, low, high, said):
    with pytest.raises(ValueError, match=said):
        make(low, high)


@pytest.mark.parametrize('space', [log(1e-4, 3e-2), log(1, 1000), linear(0, 1), linear(0.1, 0.3), linear(5, 50)], ids=repr)
def test_units_and_values_are_inverse(space):
    assert (space.value(0), space.value(1)) == (space.low, space.high)
    assert space.value(0.5) == pytest.approx(
        math.sqrt(space.low * space.high) if space.scale == 'log' else (space.low + space.high) / 2, rel=1e-5
    )
    for unit in (-0.3, 0.0, 0.37, 0.99, 1.3):
        assert space.unit(space.value(unit)) == pytest.approx(unit, abs=1e-5)
        value = space.value(unit)
        assert value == float(f'{value:.6g}'), 'six digits, so that it is the same on every machine'


def test_default_spaces_are_sound():
    study = Study(**FINE, tune=SPACES)
    assert set(study.tune) == set(SPACES) and {'adamw', 'sgd', 'lion', 'muon'} <= set(SPACES)
    assert all(
        space['lr'].scale == 'log' and bounded('weight_decay', space['weight_decay']).natural('low')
        for space in SPACES.values()
    )


@pytest.mark.parametrize(
    ('name', 'space', 'side', 'wanted'),
    [
        ('lr', log(1e-3, 1), 'low', -math.inf),
        ('lr', log(1e-3, 1), 'high', math.inf),
        ('lr', linear(0.1, 0.3), 'low', -0.25),
        ('weight_decay', log(1e-3, 1), 'low', None),
        ('weight_decay', linear(0, 1), 'low', None),
        ('weight_decay', log(1e-3, 1), 'high', math.inf),
        ('b1', linear(0, 1), 'low', None),
        ('b1', linear(0, 1), 'high', None),
        ('b1', linear(0.5, 0.9), 'low', -0.625),
        ('b1', linear(0.5, 0.9), 'high', 1.125),
        ('momentum', linear(0, 0.9), 'low', None),
    ],
)
def test_where_a_side_ends(name, space, side, wanted):
    """None: a natural bound, beyond which nothing better can lie. Otherwise the unit past which the value has no meaning."""
    space = bounded(name, space)
    assert space.natural(side) == (wanted is None)
    if wanted is not None:
        assert space.limit(side) == pytest.approx(wanted)
