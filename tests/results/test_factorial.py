"""Factorials: effects against a regression on the same replicates, and by hand."""

import dataclasses
import itertools
import json
import math

import numpy as np
import pytest
from scipy import stats

from ablations.study import Study
from results.factorial import contrasts, effects, factorials, factors_of
from results.looks import Looks
from results.statistics import holm
from results.store.reading import Reading
from sweeps.protocol.simulate import World, simulate

TWO = {'norm': ['layer', 'rms'], 'residual': ['pre', 'post'], 'gate': ['off', 'on']}
MANY = {'norm': ['layer', 'rms', 'none'], 'residual': ['pre', 'post']}


def crossed(factors: dict) -> dict:
    """{arm: {factor: level}} of all combinations, the last factor fastest."""
    crossing = {}
    for levels in itertools.product(*factors.values()):
        crossing['_'.join(levels)] = dict(zip(factors, levels, strict=True))
    return crossing


def drawn(levels: dict, replicates: int = 4, seed: int = 0) -> dict:
    generator = np.random.default_rng(seed)
    return {arm: generator.normal(i, 1 + i, replicates) for i, arm in enumerate(levels)}


def test_factors_keep_the_order_of_the_arms():
    assert factors_of(crossed(MANY)) == MANY


@pytest.mark.parametrize(
    ('levels', 'said'),
    [
        ({}, 'no levels; give'),
        ({'a': {'x': '1'}, 'b': {'y': '1'}}, r"arm 'b' has levels of \['y'\]; allowed: one of each of \['x'\]"),
        ({'a': {'x': '1'}, 'b': {'x': '1'}}, r"arms \['a', 'b'\] have the same levels; allowed: one arm for each"),
        (
            {arm: own for arm, own in crossed(MANY).items() if arm != 'rms_post'},
            r"no arm has the levels {'norm': 'rms', 'residual': 'post'} \(1 of 6 combinations are missing\)",
        ),
    ],
    ids=['none', 'other_factor', 'twice', 'missing'],
)
def test_what_is_no_full_factorial_is_refused(levels, said):
    with pytest.raises(ValueError, match=said):
        factors_of(levels)


# Effects.


@pytest.mark.parametrize('factors', [TWO, MANY], ids=['two_levels', 'three_levels'])
def test_effects_are_differences_of_means_over_the_other_factors(factors):
    levels = crossed(factors)
    values = drawn(levels)
    means = {arm: sample.mean() for arm, sample in values.items()}

    def mean(**chosen: str) -> float:
        return float(np.mean([means[arm] for arm, own in levels.items() if chosen.items() <= own.items()]))

    all_effects = {one.name: one.difference.effect for one in effects(values, levels)}
    wanted = {}
    for name, (first, *others) in factors.items():
        for level in others:
            wanted[f'{name}: {level}'] = mean(**{name: level}) - mean(**{name: first})
    for (a, (a0, *a_levels)), (b, (b0, *b_levels)) in itertools.combinations(factors.items(), 2):
        for i, j in itertools.product(a_levels, b_levels):
            there, here = mean(**{a: i, b: j}) - mean(**{a: a0, b: j}), mean(**{a: i, b: b0}) - mean(**{a: a0, b: b0})
            wanted[f'{a}: {i} x {b}: {j}'] = there - here
    assert all_effects == pytest.approx(wanted)
    assert list(all_effects) == list(wanted), 'main effects first, in the order of the factors'


def test_effects_are_the_coefficients_of_a_regression():
    """Two factors of two levels, coded 0 and 1 about their middle: least squares on all replicates gives the same numbers."""
    levels = crossed({'a': ['0', '1'], 'b': ['0', '1']})
    values = drawn(levels)
    rows = [(float(own['a']) - 0.5, float(own['b']) - 0.5, y) for arm, own in levels.items() for y in values[arm]]
    a, b, y = np.array(rows).T
    coefficients = np.linalg.lstsq(np.stack([np.ones_like(a), a, b, a * b], 1), y, rcond=None)[0]
    assert [one.difference.effect for one in effects(values, levels)] == pytest.approx(coefficients[1:])


@pytest.mark.parametrize('unequal', [False, True])
def test_errors_are_those_of_simulated_means(unequal):
    """At unequal noise arms lend each other some of it, so that an error may be too small by a tenth or two."""
    levels = crossed(MANY)
    scales = dict(zip(levels, (1.0, 2.0, 1.0, 0.5, 2.0, 1.0) if unequal else (1.0,) * 6, strict=True))
    generator = np.random.default_rng(0)
    made = [effects({arm: generator.normal(0, scales[arm], 5) for arm in levels}, levels) for _ in range(600)]
    for columns in zip(*made, strict=True):
        spread = np.std([one.difference.effect for one in columns])
        claimed = np.sqrt(np.mean([one.difference.error**2 for one in columns]))
        assert claimed == pytest.approx(spread, rel=0.25 if unequal else 0.12)


def test_every_effect_carries_its_test():
    levels = crossed(TWO)
    all_effects = effects(drawn(levels), levels)
    assert len(all_effects) == 3 + 3
    for one in all_effects:
        assert one.interval == one.difference.interval(0.95)
        assert one.p == one.difference.p()
        assert len(one.factors) == len(one.levels)
    assert [one.p_adjusted for one in all_effects] == holm([one.p for one in all_effects])


def test_effects_of_a_growing_study_are_tested_at_every_look():
    levels = crossed(TWO)
    values = drawn(levels, replicates=6)
    looks = Looks((4, 6), (0.5, 0.5), 0.05)
    early, late = (effects({arm: sample[:count] for arm, sample in values.items()}, levels) for count in (4, 6))
    for one, first, last in zip(effects(values, levels, looks), early, late, strict=True):
        assert one.difference == last.difference
        assert one.p == min(looks.worth(first.p, 4), looks.worth(last.p, 6))


def test_arms_without_two_replicates_in_common_have_no_effects():
    levels = crossed(TWO)
    assert effects(drawn(levels, replicates=1), levels) == []
    values = drawn(levels, replicates=3)
    first, second, *_ = levels
    values[first][0] = values[second][1] = math.nan
    assert effects(values, levels) == [], 'each has two, and they share one'


@pytest.mark.parametrize('factor', [1, 2])
def test_a_look_takes_as_many_replicates_of_each_arm_as_it_has(factor):
    levels = crossed(TWO)
    base, values = next(iter(levels)), drawn(levels, replicates=12)
    values = {arm: sample[: 6 * (factor if arm == base else 1)] for arm, sample in values.items()}
    early = {arm: sample[: 4 * (factor if arm == base else 1)] for arm, sample in values.items()}
    looks = Looks((4, 8), (0.5, 0.5), 0.05)
    for one, first in zip(effects(values, levels, looks, factor), effects(early, levels), strict=True):
        assert one.p == looks.worth(first.p, 4), 'the second look is not reached'


def test_a_look_is_taken_once_the_base_has_all_of_its_replicates_too():
    levels = crossed(TWO)
    base, values = next(iter(levels)), drawn(levels, replicates=8)
    values = {arm: sample[: 6 if arm == base else 4] for arm, sample in values.items()}
    looks = Looks((3, 4), (0.5, 0.5), 0.05)
    early = {arm: sample[: 6 if arm == base else 3] for arm, sample in values.items()}
    for one, first in zip(effects(values, levels, looks, 2), effects(early, levels), strict=True):
        assert one.p == looks.worth(first.p, 3), 'the base has six of the eight of the second look'


def test_what_a_split_does_to_all_arms_changes_no_effect():
    levels = crossed(TWO)
    values, split = drawn(levels), np.array([5.0, -3.0, 0.5, 2.0])
    moved = effects({arm: sample + split for arm, sample in values.items()}, levels)
    for one, two in zip(effects(values, levels), moved, strict=True):
        assert two.difference.error == pytest.approx(one.difference.error)


def test_weights_of_an_effect_sum_to_nothing():
    for weights in contrasts(crossed(MANY)).values():
        assert sum(weights.values()) == pytest.approx(0)


# Whole studies.


@pytest.mark.parametrize('task', ['digits', 'stdlib_bytes'])
def test_a_study_whose_effects_are_known(task):
    """norm rms adds 0.3, residual post takes 0.2, both together add 0.4 more; where lower is better the same is found."""
    levels = crossed({'norm': ['layer', 'rms'], 'residual': ['pre', 'post']})
    top = {'rms_pre': 0.3, 'layer_post': -0.2, 'rms_post': 0.5}
    study = Study(name='told', question='?', arms=dict.fromkeys(levels, ()), tasks=(task,), trials=8, looks=(5,))
    schedule, records = simulate(study, World(top=top, noise=0.01), seed=0)
    (factorial,) = factorials(Reading(study, schedule, records), levels)
    assert factorial.reason == ''
    truth = {'norm: rms': (0.3 + 0.7) / 2, 'residual: post': (-0.2 + 0.2) / 2, 'norm: rms x residual: post': 0.4}
    for one in factorial.effects:
        assert one.difference.effect == pytest.approx(truth[one.name], abs=0.03)
        low, high = one.interval
        assert low < one.difference.effect < high
    sign = study.tasks[0].sign
    heat = factorial.heat('norm', 'residual')
    assert sign * (heat[1, 1] - heat[0, 0]) == pytest.approx(0.5, abs=0.03)
    assert factorial.heat('residual', 'norm').tolist() == heat.T.tolist()
    for cell in factorial.cells:
        runs = [np.mean([records[t.id]['score'] for t in schedule.asked['confirm', cell.arm, task, r]]) for r in range(5)]
        assert cell.value == pytest.approx(np.mean(runs))
        low, high = stats.t.interval(0.95, 4, np.mean(runs), stats.sem(runs))
        # Neither metric is ever below 0, so that the interval of a value above it is not either.
        assert cell.interval == pytest.approx((max(low, 0.0) if cell.value >= 0 else low, high))
        assert cell.levels == levels[cell.arm]
    assert list(json.loads(json.dumps(factorial.to_dict(), allow_nan=False))) == [
        field.name for field in dataclasses.fields(factorial)
    ]


def test_what_is_not_confirmed_is_named():
    levels = crossed({'norm': ['layer', 'rms'], 'residual': ['pre', 'post'], 'gate': ['off', 'on']})
    study = Study(name='told', question='?', arms=dict.fromkeys(levels, ()), tasks=('digits',), trials=8, replicates=2)
    schedule, records = simulate(study, World(), seed=0)
    gone = schedule.asked['confirm', 'rms_post_on', 'digits', 1][0].id
    (factorial,) = factorials(Reading(study, schedule, {key: one for key, one in records.items() if key != gone}), levels)
    assert (factorial.effects, factorial.reason) == ((), 'not all of these are confirmed: rms_post_on')
    assert len(factorial.cells) == 7
    heat = factorial.heat('norm', 'residual')
    assert np.isnan(heat).tolist() == [[False, False], [False, True]], 'no mean over one level of the gate alone'
    means = {cell.arm: cell.value for cell in factorial.cells}
    assert heat[0, 1] == pytest.approx((means['layer_post_off'] + means['layer_post_on']) / 2)
    for pair in (('norm', 'norm'), ('norm', 'depth')):
        with pytest.raises(ValueError, match='allowed: two different ones of'):
            factorial.heat(*pair)


def test_one_replicate_has_cells_but_no_effects():
    levels = crossed({'norm': ['layer', 'rms']})
    study = Study(name='told', question='?', arms=dict.fromkeys(levels, ()), tasks=('digits',), trials=8, replicates=1)
    (planned,) = factorials(Reading(study, *simulate(study, World(), seed=0)), levels)
    assert (len(planned.cells), planned.effects) == (2, ())
    assert planned.reason == 'one replicate of layer, rms: noise cannot be measured'


def test_levels_belong_to_arms():
    study = Study(name='told', question='?', arms={'base': ()}, tasks=('digits',))
    schedule, records = simulate(dataclasses.replace(study, trials=2, replicates=1, looks=()), World(), seed=0)
    assert factorials(Reading(study, schedule, records), {}) == []
    with pytest.raises(ValueError, match=r"levels of 'other', which is no arm; allowed: \['base'\]; correct its name"):
        factorials(Reading(study, schedule, records), {'other': {'norm': 'rms'}})
