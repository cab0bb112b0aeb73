"""Values of single arms: their order, their ranges, and what is tuned or fixed for all arms too."""

import dataclasses

import pytest
from fine_study import FINE

from ablations.config import changed, closest, put, swap
from ablations.spaces import choice, linear, log
from ablations.study import Study
from sweeps.protocol.plan import plan

LR = log(1e-3, 1e-1)


def test_how_values_are_written_down_changes_no_trial():
    fields = {'own': {'b1': linear(0.5, 0.9), 'b2': linear(0.9, 0.99)}, 'arm_fixed': {'clip': 2.0, 'warmup_fraction': 0.2}}
    one = Study(**FINE, **{name: {'other': own} for name, own in fields.items()})
    other = Study(**FINE, **{name: {'other': dict(reversed(own.items()))} for name, own in fields.items()})
    for study in (one, other):
        assert list(study.own['other']) == ['b1', 'b2'] and list(study.arm_fixed['other']) == ['clip', 'warmup_fraction']
        assert list(study.space('other', 'adamw')) == [*study.tune['adamw'], 'b1', 'b2']
    assert [trial.id for trial in plan(one, {}, {})] == [trial.id for trial in plan(other, {}, {})]
    assert swap('norm', 'x', b=1, a=2) == swap('norm', 'x', a=2, b=1)


def test_ranges_of_all_arms_are_extended_and_those_of_an_arm_are_not():
    study = Study(
        **FINE, tune={'adamw': {'lr': LR, 'b1': linear(0.5, 0.9)}}, own={'other': {'gain': linear(1, 2)}}, fixed={'b2': 0.9}
    )
    wide = {'lr': (0.0, float('inf')), 'b1': (0.0, 1.0), 'b2': (0.9, 0.9)}
    assert study.reach('base', 'adamw') == wide and study.reach('other', 'adamw') == {**wide, 'gain': (1, 2)}
    still = dataclasses.replace(study, extension=0)
    assert still.reach('other', 'adamw') == {'lr': (1e-3, 1e-1), 'b1': (0.5, 0.9), 'gain': (1, 2), 'b2': (0.9, 0.9)}


def test_a_value_of_an_arm_is_tuned_by_no_optimizer_of_all_arms():
    tune = {'adamw': {'lr': LR, 'b1': linear(0.5, 0.9)}, 'sgd': {'lr': LR}}
    for given in ({'tune': tune}, {'fixed': {'b1': 0.9}}):
        with pytest.raises(ValueError, match=r"own\['other'\]\['b1'\]: 'b1' is tuned or fixed for all arms too"):
            Study(**FINE, **given, own={'other': {'b1': linear(0.5, 0.9)}})
    assert Study(**FINE, tune=tune, own={'other': {'b2': linear(0.5, 0.9)}}).own['other']


def test_a_study_tunes_the_batch_where_one_of_its_optimizers_does():
    spaces = {'adamw': {'lr': LR, 'batch': choice(32, 64)}, 'sgd': {'lr': LR}}
    fields = {**FINE, 'tasks': ('digits',), 'budget': 'compute'}
    assert Study(**fields, tune=spaces).tunes_batch
    assert not Study(**fields, tune={'sgd': spaces['sgd']}).tunes_batch


def test_a_spec_within_a_spec_can_be_changed_where_it_was_swapped_in():
    base = {'mixer': {'kind': 'x'}}
    made = changed(base, (swap('mixer', 'y', inner={'kind': 'z', 'size': 1}), put('mixer.inner.size', 3)))
    assert made == {'mixer': {'kind': 'y', 'inner': {'kind': 'z', 'size': 3}}}


@pytest.mark.parametrize(
    ('given', 'allowed', 'told'),
    [
        ('x', ['x', 'X'], " Did you mean 'X'?"),
        ('rmsnorm', ['layer_norm', 'rms_norm'], " Did you mean 'rms_norm'?"),
        ('X', ['y', 'x'], " Did you mean 'x'?"),
        (3, [3.0, 31], " Did you mean '31'?"),
        ('waltz', ['layer_norm'], ''),
        ('waltz', [], ''),
    ],
)
def test_the_closest_name_is_told(given, allowed, told):
    assert closest(given, allowed) == told
