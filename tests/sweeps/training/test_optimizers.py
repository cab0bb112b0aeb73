"""Optimizers: formulas, roles, and traced values."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from arch.roles import ROLES
from sweeps.training.optimizers import DECAYED, OPTIMIZERS, make_optimizer
from sweeps.training.schedules import warmup_cosine

RNG = np.random.default_rng(0)
PARAMS = {
    'up': {'kernel': RNG.normal(size=(4, 6)).astype(np.float32), 'bias': RNG.normal(size=6).astype(np.float32)},
    'stack': {'kernel': RNG.normal(size=(3, 4, 4)).astype(np.float32)},
    'head': {'kernel': RNG.normal(size=(6, 2)).astype(np.float32)},
}
PARAM_ROLES = {'up': {'kernel': 'matrix', 'bias': 'vector'}, 'stack': {'kernel': 'matrix'}, 'head': {'kernel': 'head'}}
GRADIENT = jax.tree.map(lambda leaf: RNG.normal(size=leaf.shape).astype(np.float32) * 0.01, PARAMS)


def knobs_of(kind: str, **values: float) -> dict:
    given = {**OPTIMIZERS[kind].KNOBS, 'lr': 0.1, **values}
    return {name: jnp.float32(value) for name, value in given.items()}


def one_step(kind: str, **values: float) -> dict:
    def run(knobs: dict) -> dict:
        direction, move = make_optimizer(kind, PARAM_ROLES, knobs)
        updates, _ = direction.update(GRADIENT, direction.init(PARAMS), PARAMS)
        return move(updates, PARAMS, jnp.float32(0.5))

    return jax.jit(run)(knobs_of(kind, **values))


def test_first_step_of_adamw():
    # Bias correction makes the first direction g / (|g| + eps).
    moved = one_step('adamw', weight_decay=0.2)['up']['kernel']
    p, g = PARAMS['up']['kernel'], GRADIENT['up']['kernel']
    np.testing.assert_allclose(moved, p - 0.05 * (g / (np.abs(g) + 1e-8) + 0.2 * p), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize('kind', ['adamw', 'muon'])
def test_eps_is_added_to_the_root_of_the_second_moment(kind: str):
    moved = one_step(kind, eps=1e-2)['up']['bias']
    p, g = PARAMS['up']['bias'], GRADIENT['up']['bias']
    np.testing.assert_allclose(moved, p - 0.05 * g / (np.abs(g) + 1e-2), rtol=1e-4, atol=1e-6)


def test_first_step_of_sgd_is_nesterov():
    moved = one_step('sgd', momentum=0.8)['up']['kernel']
    p, g = PARAMS['up']['kernel'], GRADIENT['up']['kernel']
    np.testing.assert_allclose(moved, p - 0.05 * (g + 0.8 * g), rtol=1e-5)


def test_first_step_of_lion_is_a_sign():
    moved = one_step('lion')['head']['kernel']
    np.testing.assert_allclose(
        moved, PARAMS['head']['kernel'] - 0.05 * np.sign(GRADIENT['head']['kernel']), rtol=1e-5, atol=1e-7
    )


@pytest.mark.parametrize('place', ['up', 'stack'])
def test_muon_orthogonalises_matrices_whatever_stands_before_them(place: str):
    step = (PARAMS[place]['kernel'] - one_step('muon')[place]['kernel']) / 0.05
    singular = np.linalg.svd(step, compute_uv=False) / (0.2 * np.sqrt(max(step.shape[-2:])))
    assert (singular > 0.6).all() and (singular < 1.3).all()


def test_muon_treats_the_rest_as_adamw():
    muon, adamw = one_step('muon'), one_step('adamw')
    np.testing.assert_allclose(muon['head']['kernel'], adamw['head']['kernel'], rtol=1e-6)
    np.testing.assert_allclose(muon['up']['bias'], adamw['up']['bias'], rtol=1e-6)


@pytest.mark.parametrize('kind', OPTIMIZERS)
def test_vectors_do_not_decay(kind: str):
    plain, decayed = one_step(kind), one_step(kind, weight_decay=0.5)
    np.testing.assert_array_equal(plain['up']['bias'], decayed['up']['bias'])
    assert (plain['up']['kernel'] != decayed['up']['kernel']).any()
    assert set(DECAYED) == set(ROLES) - {'vector'}


@pytest.mark.parametrize('kind', OPTIMIZERS)
def test_every_role_moves_and_every_value_is_traced(kind: str):
    roles = {role: {'kernel': role} for role in ROLES}
    params = {role: {'kernel': RNG.normal(size=(3, 3)).astype(np.float32)} for role in ROLES}
    traces = []

    @jax.jit
    def run(knobs: dict) -> dict:
        traces.append(kind)
        direction, move = make_optimizer(kind, roles, knobs)
        updates, _ = direction.update(params, direction.init(params), params)
        return move(updates, params, jnp.float32(1))

    first = run(knobs_of(kind))
    second = run({name: value * 0.9 for name, value in knobs_of(kind, weight_decay=0.1).items()})
    assert len(traces) == 1
    for role in ROLES:
        assert (first[role]['kernel'] != params[role]['kernel']).any()
        assert (first[role]['kernel'] != second[role]['kernel']).any()


def test_large_gradients_are_clipped():
    large = jax.tree.map(lambda leaf: 1e6 * leaf, GRADIENT)
    direction, _ = make_optimizer('sgd', PARAM_ROLES, knobs_of('sgd', momentum=0.0, clip=1.0))
    updates, _ = direction.update(large, direction.init(PARAMS), PARAMS)
    assert np.sqrt(sum((leaf**2).sum() for leaf in jax.tree.leaves(updates))) == pytest.approx(1.0, rel=1e-4)


def schedule(warmup_fraction: float, final: float = 0.0, steps: int = 100) -> np.ndarray:
    """The rate of each step over its peak."""
    given = jnp.float32(warmup_fraction), jnp.float32(final)
    return np.array(jax.vmap(lambda step: warmup_cosine(step, steps, *given))(jnp.arange(steps)))


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
