"""Schedules: the rate of each step over its peak."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ablations.schedules import SCHEDULES, number_of, value_text
from ablations.spaces import choice, linear, log
from ablations.study import Study
from sweeps.training.schedules import FALLS, rate, warmup_cosine
from sweeps.training.schedules import KNOBS as SCHEDULE_KNOBS


@functools.cache
def scheduled(steps: int) -> Callable:
    """The rates of so many steps, compiled once with the fractions as arguments."""
    return jax.jit(jax.vmap(lambda step, *given: warmup_cosine(step, steps, *given), (0, None, None)))


def schedule(warmup_fraction: float, final: float = 0.0, steps: int = 100) -> np.ndarray:
    """The rate of each step over its peak."""
    return np.array(scheduled(steps)(jnp.arange(steps), jnp.float32(warmup_fraction), jnp.float32(final)))


def test_schedule_peaks_at_one_and_ends_near_zero():
    values = schedule(0.1)
    assert values.max() == pytest.approx(1, abs=1e-5) and values[-1] == pytest.approx(0, abs=1e-3)
    assert (np.diff(values[:10]) > 0).all() and (np.diff(values[10:]) < 0).all()
    assert schedule(0)[0] == pytest.approx(1)


@pytest.mark.parametrize('final', [0.0, 0.1, 1.0])
def test_schedule_falls_to_its_final_fraction(final: float):
    values, cosine = schedule(0.2, final), 0.5 + 0.5 * np.cos(np.pi * np.linspace(0, 1, 81))
    np.testing.assert_allclose(values[20:], (final + (1 - final) * cosine)[:-1], atol=1e-5)
    np.testing.assert_allclose(values[:20], np.arange(1, 21) / 20, atol=1e-6)


@pytest.mark.parametrize('warmup_fraction', [0.0, 0.01, 0.1, 0.15, 0.5, 1.0])
@pytest.mark.parametrize('steps', [1, 2, 14, 140])
def test_no_step_has_rate_zero_and_none_exceeds_the_peak(warmup_fraction: float, steps: int):
    """Short runs too, where the warm-up is less than a step or no whole number of steps."""
    values = schedule(warmup_fraction, steps=steps)
    assert (values > 0).all() and (values <= 1).all()
    first = max(warmup_fraction * steps, 1)
    assert values[0] == pytest.approx(1 / first, rel=1e-5)


@jax.jit
def rated(given: dict) -> jax.Array:
    return jax.vmap(lambda step: rate(step, 100, given))(jnp.arange(100))


def rates(name: str, **knobs: float) -> np.ndarray:
    """The rate of each of 100 steps over its peak, all knobs traced."""
    given = {**SCHEDULE_KNOBS, 'schedule': number_of(name), **knobs}
    return np.array(rated({name: jnp.float32(value) for name, value in given.items()}))


AFTER = (np.arange(100) / 100 - 0.2) / 0.8
"""The share of the way after a warm-up of a fifth."""
FORMULAS = {
    'cosine': 0.5 + 0.5 * np.cos(np.pi * AFTER),
    'linear': 1 - AFTER,
    'constant': np.ones(100),
    'wsd': np.clip((1 - np.arange(100) / 100) / 0.25, 0, 1),
    'root': 1 - np.sqrt(np.maximum(AFTER, 0)),
    'one_cycle': 0.5 + 0.5 * np.cos(np.pi * AFTER),
    'step': np.repeat([1.0, 0.1, 0.01], [60, 20, 20]),
}


@pytest.mark.parametrize('name', SCHEDULES)
def test_schedules_are_their_formulas(name: str):
    for final in (0.0, 0.3):
        made = rates(name, warmup_fraction=0.2, final_fraction=final, decay_fraction=0.25)
        np.testing.assert_allclose(made[20:], (final + (1 - final) * FORMULAS[name])[20:], atol=1e-5)
        rise = np.arange(1, 21) / 20
        np.testing.assert_allclose(made[:20], 0.5 - 0.5 * np.cos(np.pi * rise) if name == 'one_cycle' else rise, atol=1e-6)
        assert (made > 0).all() or (name == 'root' and made.min() >= 0)
    assert set(FORMULAS) == set(SCHEDULES) == set(FALLS)


def test_a_warm_up_may_be_given_in_steps():
    np.testing.assert_allclose(rates('linear', warmup_steps=5.0), rates('linear', warmup_fraction=0.05), rtol=1e-5)
    assert rates('wsd', warmup_steps=1000.0)[-1] == pytest.approx(1), 'no longer than the run'


def test_without_a_choice_of_schedules_nothing_is_added_to_the_program():
    def program(**given: float) -> str:
        return str(jax.make_jaxpr(lambda step: rate(step, 8, {**SCHEDULE_KNOBS, **given}))(jnp.int32(0)))

    usual = str(jax.make_jaxpr(lambda step: warmup_cosine(step, 8, 0.1, 0.0))(jnp.int32(0)))
    assert program() == usual == program(decay_fraction=0.5)
    assert usual not in (program(schedule=1.0), program(warmup_steps=2.0))


@pytest.mark.parametrize(
    ('fields', 'said'),
    [
        ({'fixed': {'schedule': 'cosin'}}, "'cosin' is no name of a value; allowed: numbers, and the schedules"),
        ({'fixed': {'schedule': 'spectral'}}, r"fixed\['schedule'\]=101.0; allowed: \['cosine', 'linear'"),
        ({'fixed': {'schedule': 2.5}}, r"fixed\['schedule'\]=2.5; allowed: \['cosine', 'linear'"),
        ({'tune': {'adamw': {'lr': log(1e-3, 1e-1), 'schedule': linear(0, 3)}}}, r'allowed: a choice of names, such as choice'),
        ({'tune': {'adamw': {'lr': log(1e-3, 1e-1), 'schedule': choice(0, 9)}}}, r'allowed: a choice of names, such as choice'),
    ],
)
def test_schedules_that_are_none_are_refused(fields: dict, said: str):
    with pytest.raises(ValueError, match=said):
        Study(name='s', question='?', arms={'base': ()}, tasks=('digits',), **fields)


def test_a_study_tunes_and_fixes_schedules_by_name():
    space = {'lr': log(1e-3, 1e-1), 'schedule': choice('cosine', 'wsd', 'linear')}
    study = Study(name='s', question='?', arms={'base': ()}, tasks=('digits',), tune={'adamw': space})
    assert study.space('base', 'adamw')['schedule'].values == (0.0, 3.0, 1.0)
    fixed = Study(name='s', question='?', arms={'base': ()}, tasks=('digits',), fixed={'schedule': 'wsd'})
    assert fixed.fixed == {'schedule': 3.0} and value_text('schedule', fixed.fixed['schedule']) == 'wsd'
