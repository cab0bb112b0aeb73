"""Spaces: whole numbers and choices, their units and where they end. Ranges on log and linear scales: test_study.py."""

import dataclasses
import math

import numpy as np
import pytest

from ablations.choices import Choice
from ablations.knobs import KNOBS
from ablations.ranges import Integer
from ablations.settings import override
from ablations.space_rules import bounded, check_space
from ablations.spaces import SPACES, choice, fraction, integer, linear, log
from ablations.study import Study

FINE = dict(name='asked', question='What?', arms={'base': ()}, tasks=('digits',))


@pytest.mark.parametrize(
    ('space', 'wanted'),
    [
        (integer(1, 4), {0: 1, 0.24: 1, 0.25: 2, 0.49: 2, 0.5: 3, 0.75: 4, 0.999: 4, 1.0: 5, 1.3: 6, -0.2: 1}),
        (integer(0, 3), {0: 0, 0.26: 1, -0.2: 0}),
        (integer(3, 6), {0: 3, -0.01: 2, -0.26: 1, -3.0: 1}),
        # log: ends at log(0.5) and log(8.5); 1.5 lies at log(3) / log(17) of the way
        (integer(1, 8, log=True), {0: 1, 0.387: 1, 0.389: 2, 0.9999: 8, 1.01: 9, -1.0: 1}),
        (choice(0.9, 0.99, 0.999), {0: 0.9, 0.33: 0.9, 0.34: 0.99, 0.67: 0.999, 0.999: 0.999, 1.0: 0.999, -0.5: 0.9, 7: 0.999}),
        (choice(3, 1), {0.2: 3.0, 0.5: 1.0}),
    ],
    ids=repr,
)
def test_values_at_units(space, wanted):
    for unit, value in wanted.items():
        assert space.value(unit) == value and type(space.value(unit)) is float, unit


@pytest.mark.parametrize('space', [integer(1, 4), integer(0, 9), integer(2, 64, log=True), choice(0.9, 0.99, 0.999)], ids=repr)
def test_every_value_has_a_unit_of_its_own(space):
    values = space.values if isinstance(space, Choice) else range(space.low, space.high + 1)
    units = [space.unit(value) for value in values]
    assert units == sorted(units) and units[0] > 0 and units[-1] < 1
    assert [space.value(unit) for unit in units] == list(values)
    assert len(values) == space.levels


@pytest.mark.parametrize('space', [integer(1, 5), integer(0, 3), choice(1, 2, 4)], ids=repr)
def test_values_share_the_units_evenly(space):
    values = [space.value(unit) for unit in np.linspace(0, 1, 6000, endpoint=False)]
    counts = np.unique(values, return_counts=True)[1]
    assert len(counts) == space.levels and counts == pytest.approx(np.full(len(counts), 6000 / len(counts)), abs=2)


def test_whole_numbers_lie_evenly_on_their_scale():
    even, logs = integer(1, 9), integer(2, 32, log=True)
    assert np.diff([even.unit(value) for value in (1, 3, 5, 7)]) == pytest.approx(2 / 9)
    steps = np.diff([logs.unit(value) for value in (2, 4, 8, 16, 32)])
    assert steps == pytest.approx(np.full(4, math.log(2) / math.log(32.5 / 1.5)))


def test_six_digits():
    assert integer(1.0, 4.0) == integer(1, 4) and type(integer(1.0, 4.0).high) is int
    assert integer(1, 9_999_999).value(0.5) == 5e6
    assert choice(1 / 3, 0.5).values == (0.333333, 0.5) and choice(1 / 3, 0.5).unit(1 / 3) == 0.25


@pytest.mark.parametrize(
    ('space', 'smooth'), [(log(1, 2), True), (linear(0, 1), True), (integer(1, 3), True), (choice(1, 2), False)], ids=repr
)
def test_surfaces_are_fitted_over_what_is_ordered(space, smooth):
    assert space.smooth is smooth


def test_ranges_have_any_number_of_values():
    assert log(1, 2).levels == linear(0, 1).levels == math.inf


@pytest.mark.parametrize(
    ('name', 'space', 'side', 'wanted'),
    [
        ('heads', choice(1, 2), 'low', None),
        ('heads', choice(1, 2), 'high', None),
        ('b2', choice(0.9, 0.99), 'high', None),
        ('depth', integer(1, 4), 'low', None),
        ('depth', integer(0, 4), 'low', None),
        ('depth', integer(1, 4), 'high', math.inf),
        ('depth', integer(3, 6), 'low', -0.5),
        ('depth', integer(2, 5), 'low', -0.25),
        ('depth', integer(3, 16, log=True), 'low', (math.log(0.5) - math.log(2.5)) / (math.log(16.5) - math.log(2.5))),
        ('final_fraction', linear(0, 0.5), 'low', None),
        ('final_fraction', linear(0.0, 0.5), 'high', 1.5),
        ('weight_decay', integer(3, 6), 'low', None),
    ],
)
def test_where_a_side_ends(name, space, side, wanted):
    """None: a natural bound. Otherwise the unit past which the value has no meaning, and the value there still has one."""
    space = bounded(name, space)
    assert space.natural(side) == (wanted is None)
    if wanted is not None:
        assert space.limit(side) == pytest.approx(wanted)
        if isinstance(space, Integer) and side == 'low':
            assert space.value(space.limit(side)) == 1


@pytest.mark.parametrize('space', [choice(1, 2), choice(0.9, 0.99, 0.5)], ids=repr)
def test_a_choice_ends_where_it_ends(space):
    assert (space.limit('low'), space.limit('high')) == (0, 1)


@pytest.mark.parametrize(
    ('make', 'said'),
    [
        (lambda: integer(1.5, 3), 'whole numbers, given low=1.5'),
        (lambda: integer(1, 3.2), 'whole numbers, given high=3.2'),
        (lambda: integer(True, 3), 'finite numbers, given low=True'),
        (lambda: integer(1, '3'), "finite numbers, given high='3'"),
        (lambda: integer(1, math.inf), 'finite numbers, given high=inf'),
        (lambda: integer(3, 3), 'the range 3 to 3 is empty'),
        (lambda: integer(0, 3, log=True), 'needs low >= 1, given 0'),
        (lambda: integer(1, 3, log='yes'), "log='yes'; allowed: True or False"),
        (lambda: choice(), 'two or more different numbers'),
        (lambda: choice(1.0), 'two or more different numbers'),
        (lambda: choice(1, 2, 1.0), 'two or more different numbers'),
        (lambda: choice(0.1, 0.10000001), 'two or more different numbers'),
        (lambda: choice(1, 'two'), "'two' is no name of a value; allowed: numbers, and the schedules .'cosine', "),
        (lambda: Choice((1, 'two')), "finite numbers, given value 2='two'"),
        (lambda: choice(1, math.nan), 'finite numbers, given value 2=nan'),
        (lambda: choice([1, 2]), 'finite numbers'),
        (lambda: Choice(3), 'choice.. of 3; give two or more numbers'),
        (lambda: choice(1, 2).unit(3), r'3 is none of the choice \(1.0, 2.0\)'),
    ],
)
def test_what_is_no_range_is_refused(make, said):
    with pytest.raises(ValueError, match=said):
        make()


@pytest.mark.parametrize(
    ('space', 'said'),
    [
        ({'lr': choice(1e-3, 1e-2)}, 'selection fits a curve over the learning rate: use log'),
        ({'lr': integer(1, 3)}, 'selection fits a curve over the learning rate'),
        ({'lr': log(1e-3, 1), 'seed': choice(1, 2)}, 'seeds are never tuned'),
        ({'lr': log(1e-3, 1), 'data_seed': integer(1, 9)}, 'seeds are never tuned'),
        ({'lr': log(1e-3, 1), 'b2': choice(0.9, 1.1)}, 'ends at 1.1; allowed: 0 to below 1 .decay of the second'),
        ({'lr': log(1e-3, 1), 'final_fraction': linear(0.5, 1.5)}, 'ends at 1.5; allowed: 0 to 1'),
        ({'lr': log(1e-3, 1), 'gain': choice(-1, 1)}, 'starts at -1.0; allowed: 0 or more'),
        ({'lr': log(1e-3, 1), 'gain': integer(-1, 1)}, 'starts at -1; allowed: 0 or more'),
        ({'lr': log(1e-3, 1), 'gain': (1, 2)}, r'integer\(low, high\) or choice\(v1, v2, ...\)'),
    ],
)
def test_spaces_that_cannot_be_searched_are_refused(space, said):
    with pytest.raises(ValueError, match=said):
        check_space({'adamw': space})


def test_each_optimizer_has_values_of_its_own():
    tune = {
        'adamw': {'lr': log(1e-4, 1e-2), 'b2': choice(0.9, 0.99, 0.999), 'eps': log(1e-10, 1e-6)},
        'sgd': {'lr': log(1e-2, 1.0), 'momentum': linear(0.5, 0.99), 'label_smoothing': choice(0, 0.1)},
    }
    study = Study(**FINE, tune=tune)
    assert {name: list(space) for name, space in study.tune.items()} == {
        'adamw': ['lr', 'b2', 'eps'],
        'sgd': ['lr', 'label_smoothing', 'momentum'],
    }


def test_studies_with_other_spaces_are_other_studies():
    """A range, whole numbers and a choice of the same ends never share a digest."""
    rate = {'lr': log(1e-3, 1)}
    spaces = [linear(1, 2), log(1, 2), integer(1, 2), integer(1, 2, log=True), choice(1, 2), choice(2, 1)]
    studies = [Study(**FINE, tune={'adamw': {**rate, 'gain': space}}) for space in spaces]
    assert len({study.digest for study in studies}) == len(spaces)
    assert [study.to_dict()['tune']['adamw']['gain'] for study in studies[2:5]] == [
        {'low': 1, 'high': 2, 'log': False},
        {'low': 1, 'high': 2, 'log': True},
        {'values': (1.0, 2.0)},
    ]


def test_ranges_are_rebuilt_from_their_fields():
    """What --set does: a field is replaced and the range checks itself again."""
    assert dataclasses.replace(integer(1, 4), high=8) == integer(1, 8)
    assert dataclasses.replace(choice(1, 2), values=(1, 2, 3)) == choice(1, 2, 3)
    with pytest.raises(ValueError, match='is empty'):
        dataclasses.replace(SPACES['adamw']['lr'], high=1e-9)


@pytest.mark.parametrize('name', ['flip_probability', 'cutmix_share', 'drop_path'])
def test_shares_and_probabilities_end_at_one(name):
    whole, part = bounded(name, linear(0.0, 1.0)), bounded(name, linear(0.1, 0.8))
    assert whole.natural('low') and whole.natural('high')
    assert not part.natural('high') and part.value(part.limit('high')) == 0.9


def test_a_knob_of_ones_own_is_a_fraction_only_if_its_range_says_so():
    plain, share = bounded('my_gain', linear(0.1, 0.9)), bounded('my_gain', fraction(0.1, 0.9))
    assert plain.limit('high') == math.inf and share.value(share.limit('high')) == 0.95
    assert share.value(share.limit('low')) == 0.05
    assert bounded('my_gain', fraction(0, 1)).natural('low') and bounded('my_gain', fraction(0, 1)).natural('high')


def test_the_narrower_of_two_bounds_counts():
    item = bounded('drop_path', linear(0.1, 0.3, bounds=(0.1, 0.5)))
    assert item.natural('low') and item.value(item.limit('high')) == 0.4
    assert bounded('rand_augment_magnitude', linear(2, 8, bounds=(0, 99))).limit('high') == pytest.approx(7 / 6)


def test_whole_numbers_stop_at_their_bounds():
    item = bounded('rand_augment_magnitude', integer(2, 9))
    assert [item.value(unit) for unit in (item.limit('high') - 1e-6, 3.0)] == [10, 10]
    assert bounded('rand_augment_magnitude', integer(2, 10)).natural('high')
    assert integer(3, 6, bounds=(2, 9)).value(-9) == 2 and integer(2, 6, bounds=(2, 9)).natural('low')


def test_bounds_are_part_of_a_study_only_where_a_range_says_them():
    def made(**tune):
        return Study(**FINE, tune={'adamw': {'lr': log(1e-3, 1), **tune}})

    assert made(drop_path=linear(0, 0.9)).to_dict()['tune']['adamw']['drop_path'] == {'low': 0, 'high': 0.9, 'scale': 'linear'}
    assert made(gain=log(1, 2, bounds=(0.5, math.inf))).to_dict()['tune']['adamw']['gain']['bounds'] == [0.5, None]
    studies = [made(gain=item) for item in (linear(0.1, 0.9), fraction(0.1, 0.9), linear(0.1, 0.9, bounds=(0, 2)))]
    assert len({study.digest for study in studies}) == 3
    assert fraction(0.1, 0.9) == linear(0.1, 0.9, bounds=(0, 1))
    assert dataclasses.replace(fraction(0.1, 0.9), high=0.8) == fraction(0.1, 0.8)


@pytest.mark.parametrize(
    ('make', 'said'),
    [
        (lambda: fraction(0.1, 1.2), 'the range 0.1 to 1.2 leaves its bounds, 0 to 1'),
        (lambda: integer(0, 4, bounds=(1, 9)), 'the range 0 to 4 leaves its bounds, 1 to 9'),
        (lambda: log(1e-3, 1, bounds=(2, 1)), 'the bounds 2 to 1 hold nothing'),
        (lambda: linear(0, 1, bounds=1), 'bounds=1; allowed: two numbers'),
        (lambda: linear(0, 1, bounds='01'), "bounds='01'; allowed: two numbers"),
        (lambda: linear(0, 1, bounds=(0, math.nan)), 'bounds need numbers, given high=nan'),
    ],
)
def test_bounds_that_are_none_are_refused(make, said):
    with pytest.raises(ValueError, match=said):
        make()


WRONG = {  # values outside of each kind of bounds, and what the error says is allowed
    'lr': ([0, -1e-3], 'above 0'),
    'clip': ([0, -1], 'above 0 .largest global norm.*for no clipping give a large number'),
    'weight_decay': ([-20], '0 or more'),
    'b1': ([1, 1.2, -0.1], '0 to below 1'),
    'b2': ([1.0], '0 to below 1'),
    'momentum': ([1], '0 to below 1'),
    'eps': ([-1], '0 or more'),
    'warmup_fraction': ([5, -0.1], '0 to 1'),
    'final_fraction': ([3], '0 to 1'),
    'label_smoothing': ([1.5], '0 to 1'),
    'drop_path': ([1.5], '0 to 1'),
    'init_scale': ([0], 'above 0'),
    'rand_augment_magnitude': ([11], '0 to 10'),
    'jitter_hue': ([0.6], '0 to 0.5'),
    'swap_probability': ([1.1], '0 to 1'),
}


@pytest.mark.parametrize('name', WRONG)
def test_values_outside_the_bounds_of_their_knob_are_refused(name):
    """Fixed, chosen and searched alike."""
    values, said = WRONG[name]
    for value in values:
        with pytest.raises(ValueError, match=rf"fixed\['{name}'\]={value}; allowed: {said}"):
            Study(**FINE, fixed={name: value})
        if name != 'lr':
            low, high = sorted((value, 0.3))
            for space in (choice(0.3, value), linear(low, high) if value != 1 else choice(value, 2)):
                with pytest.raises(ValueError, match=rf"tune\['adamw'\]\['{name}'\] (starts|ends) at .*; allowed: {said}"):
                    check_space({'adamw': {'lr': log(1e-3, 1), name: space}})


def test_whole_numbers_are_held_to_the_bounds_too():
    with pytest.raises(ValueError, match=r'starts at 0; allowed: above 0 .largest global norm'):
        check_space({'adamw': {'lr': log(1e-3, 1), 'clip': integer(0, 3)}})


def test_values_within_the_bounds_pass():
    fixed = {'clip': 1e9, 'weight_decay': 0, 'b2': 0.999, 'warmup_fraction': 1, 'final_fraction': 1, 'label_smoothing': 0}
    assert Study(**FINE, tune={'adamw': {'lr': log(1e-3, 1)}}, fixed={**fixed, 'my_bias': -3}).fixed['my_bias'] == -3
    # The end that a knob leaves out may end a range, because no search proposes it.
    check_space({'adamw': {'lr': log(1e-3, 1), 'b1': linear(0.5, 1), 'momentum': linear(0, 1)}})


def test_settings_are_held_to_the_bounds_as_well():
    study = Study(**FINE, fixed={'clip': 2.0}, tune={'adamw': {'lr': log(1e-3, 1), 'b1': linear(0.5, 0.9)}})
    for setting, said in (('fixed.clip=0', "fixed.'clip'.=0; allowed: above 0"), ('tune.adamw.b1.high=2', 'ends at 2')):
        with pytest.raises(ValueError, match=said):
            override(study, [setting])


@pytest.mark.parametrize('name', KNOBS)
def test_a_knob_says_what_it_is(name):
    assert KNOBS[name].about and KNOBS[name].about == KNOBS[name].about.strip(' .')
