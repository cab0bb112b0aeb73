"""Gradients in batches of several, averages of weights beside them, and what is scored of a model under training."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from tiny_population import BATCH, CONFIG, STEPS, TASK, TinyPopulation

from arch.model import build
from sweeps.training.loop import make_training
from sweeps.training.optimizers import OPTIMIZERS, make_optimizer, views
from sweeps.training.population import Population

RNG = np.random.default_rng(0)
PARAMS = {'a': jnp.asarray(RNG.normal(size=(3, 4)), jnp.float32), 'b': jnp.asarray(RNG.normal(size=4), jnp.float32)}
ROLES = {'a': 'matrix', 'b': 'vector'}
GRADIENTS = [jax.tree.map(lambda leaf: jnp.asarray(RNG.normal(size=leaf.shape), jnp.float32), PARAMS) for _ in range(6)]


def stepped(kind: str, **knobs: float) -> list[tuple[dict, object]]:
    """Parameters and moments after each of the gradients; the values of the averages are traced."""

    def run(given: dict) -> list:
        values = {**OPTIMIZERS[kind].KNOBS, 'lr': 0.1, 'clip': 1e9, **given}
        direction, move = make_optimizer(kind, ROLES, values)
        params, made = PARAMS, []
        moments = direction.init(params)
        for gradient in GRADIENTS:
            told = {'scale': jnp.float32(1)} if 'scale' in OPTIMIZERS[kind].TOLD else {}
            updates, moments = direction.update(gradient, moments, params, **told)
            params = move(updates, params, 1.0)
            made.append((params, moments))
        return made

    return jax.jit(run)({name: jnp.float32(value) for name, value in knobs.items()})


def assert_close(one: dict, other: dict) -> None:
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), one, other)


@pytest.mark.parametrize('count', [2, 3])
def test_accumulated_steps_are_those_of_optax(count: int):
    other = optax.MultiSteps(optax.adamw(0.1, b2=0.99, weight_decay=0.1, mask={'a': True, 'b': False}), count)

    @jax.jit
    def of_optax() -> list[dict]:
        params, made = PARAMS, []
        state = other.init(params)
        for gradient in GRADIENTS:
            updates, state = other.update(gradient, state, params)
            params = optax.apply_updates(params, updates)
            made.append(params)
        return made

    for (own, _), wanted in zip(stepped('adamw', accumulate=count, weight_decay=0.1), of_optax(), strict=True):
        assert_close(own, wanted)


def test_the_average_is_that_of_all_steps_so_far():
    plain, made = stepped('adamw'), stepped('adamw', ema=0.7)
    average, read = PARAMS, views('adamw', {'ema': 0.7})
    for (params, _), (own, moments) in zip(plain, made, strict=True):
        assert_close(own, params)
        average = jax.tree.map(lambda mean, new: 0.7 * mean + 0.3 * new, average, params)
        seen = read(own, moments)
        assert_close(seen['_average'], average)
        assert seen[''] is own
    assert views('adamw', {}) is None


def test_both_at_once_and_a_mean_that_is_scored():
    """Schedule-free: the parameters are where gradients are taken, and what is scored is the mean of the steps."""
    both = stepped('schedule_free', accumulate=2.0, ema=0.5)
    read = views('schedule_free', {'ema': 0.5})
    seen = read(*both[-1])
    assert set(seen) == {'', '_average'}
    assert (np.abs(seen['']['a'] - both[-1][0]['a']) > 1e-4).any()
    last, before = both[-1], both[-2]
    assert (last[0]['a'] != before[0]['a']).any() and (before[0]['a'] == both[-3][0]['a']).all()


@functools.cache
def population(kind: str) -> Population:
    return Population(make_training(build(CONFIG), TASK, kind, STEPS, BATCH, 2), 'loop', 3)


def test_records_have_the_average_beside_the_weights(tiny: TinyPopulation):
    plain, beside, still = tiny.run('loop', [tiny.lane(1, 1e-2, **own) for own in ({}, {'ema': 0.5}, {'ema': 0.9999})])
    np.testing.assert_allclose(beside['curve']['loss'], plain['curve']['loss'], rtol=1e-5)
    assert set(beside['curve']) - set(plain['curve']) == {'loss_average', 'score_average'}
    own = beside['curve']
    assert own['loss_average'][0] == own['loss'][0]
    assert own['loss'][-1] < own['loss_average'][-1] < own['loss'][0]
    np.testing.assert_allclose(still['curve']['loss_average'], own['loss'][0], rtol=1e-3)


def test_what_is_scored_is_what_is_kept(tiny: TinyPopulation):
    """A model scored by the mean of its steps is given away as that mean."""
    trained = {}

    def finish(lane: int, params: dict, state: dict, told: list) -> None:
        trained[lane] = params

    result = tiny.run('loop', [tiny.lane(1, 1e-1)], finish=finish, population=population('schedule_free'))[0]
    scores = build(CONFIG).apply(
        trained[0], {}, TASK.inputs(jnp.asarray(tiny.held['x'])), knobs={}, key=jax.random.key(0), train=False
    )[0]
    loss = TASK.losses(scores, jnp.asarray(tiny.held['y']))[0].mean()
    assert result['curve']['loss'][-1] == pytest.approx(float(loss), rel=1e-4)
    assert result['curve']['loss'][-1] < result['curve']['loss'][0]


@pytest.mark.parametrize('kind', ['sophia', pytest.param('soap', marks=pytest.mark.slow)])
def test_a_model_with_derivatives_of_its_own_is_trained(kind: str, tiny: TinyPopulation):
    """Its norms have some; the curvature is a derivative of these."""
    curve = tiny.run('loop', [tiny.lane(1, 3e-2)], population=population(kind))[0]['curve']
    assert curve['loss'][-1] < curve['loss'][0]


def test_layers_have_no_shares_where_the_direction_is_the_step():
    with pytest.raises(ValueError, match="optimizer 'schedule_free' knows no shares of layers"):
        make_optimizer('schedule_free', ROLES, {'clip': 1.0}, None, (None, {}))
