"""Optimizers: formulas and traced values."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from optax import contrib
from stepped import GRADIENT, PARAM_ROLES, PARAMS, RNG, gradients, knobs_of, of_optax, one_step, steps_of, told

from ablations.schedules import number_of
from ablations.spaces import SPACES
from arch.roles import ROLES
from sweeps.training.optimizers import OPTIMIZERS, make_optimizer
from sweeps.training.role_knobs import DECAYED
from sweeps.training.sophia import hutchinson

MASK = jax.tree.map(lambda role: role != 'vector', PARAM_ROLES)
DECAY = {'weight_decay': 0.1, 'mask': MASK}
SAME = {
    'adamw': lambda: optax.adamw(0.1, b2=0.99, **DECAY),
    'nadamw': lambda: optax.nadamw(0.1, b2=0.99, **DECAY),
    'adam': lambda: optax.chain(optax.add_decayed_weights(0.1, MASK), optax.adam(0.1, b2=0.99)),
    # As arrays, or its powers of them are in float32.
    'adan': lambda: optax.adan(0.1, *map(jnp.asarray, (0.98, 0.92, 0.99)), eps_root=0.0, **DECAY),
    'lion': lambda: optax.lion(0.1, **DECAY),
    'lamb': lambda: optax.lamb(0.1, **DECAY),
    'rmsprop': lambda: optax.chain(
        optax.scale_by_rms(0.99, 1e-8), optax.trace(0.9), optax.add_decayed_weights(0.1, MASK), optax.scale(-0.1)
    ),
    'sgd': lambda: optax.chain(optax.trace(0.9, nesterov=True), optax.add_decayed_weights(0.1, MASK), optax.scale(-0.1)),
    'adopt': lambda: optax.chain(contrib.scale_by_adopt(), optax.add_decayed_weights(0.1, MASK), optax.scale(-0.1)),
    'prodigy': lambda: contrib.prodigy(0.1, estim_lr0=0.1, weight_decay=0.1),
    'sophia': lambda: contrib.sophia(0.1, weight_decay=0.1, weight_decay_mask=MASK, gamma=30.0, update_interval=2),
    'schedule_free': lambda: contrib.schedule_free_adamw(0.1, b2=0.99, weight_decay=0.1),
    # Its own decay is not multiplied by the rate.
    'adafactor': lambda: optax.adafactor(0.1, min_dim_size_to_factor=2, weight_decay_rate=0.01, weight_decay_mask=MASK),
}


@pytest.mark.parametrize('kind', SAME)
def test_steps_are_those_of_optax(kind: str):
    # In float64: roots of small second moments make much of the last digits of float32.
    with jax.enable_x64(True):
        given = told(kind) if kind == 'sophia' else {}
        decay = {'weight_decay': 0.1, 'weight_decay_vector': float(kind in UNMASKED)}
        for own, other in zip(steps_of(kind, 4, **decay), of_optax(SAME[kind](), 4, **given), strict=True):
            jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-8), own, other)


UNMASKED = ('prodigy', 'schedule_free')
"""Optimizers of optax that decay all that there is."""


def test_mars_is_adam_on_a_corrected_gradient_of_at_most_norm_one():
    params, m, v, last = PARAMS['up']['kernel'], 0.0, 0.0, 0.0
    for step, made in enumerate(steps_of('mars', 4, gamma=0.5, weight_decay=0.1)):
        gradient = gradients(step)['up']['kernel'].astype(np.float64)
        corrected = gradient + (0.5 * 0.95 / 0.05 * (gradient - last) if step else 0)
        assert np.linalg.norm(gradient) > 1 or step == 0, 'else nothing would be clipped'
        corrected, last = corrected / max(np.linalg.norm(corrected), 1), gradient
        m, v = 0.95 * m + 0.05 * corrected, 0.99 * v + 0.01 * corrected**2
        move = m / (1 - 0.95 ** (step + 1)) / (np.sqrt(v / (1 - 0.99 ** (step + 1))) + 1e-8)
        params = params - 0.1 * (move + 0.1 * params)
        np.testing.assert_allclose(made['up']['kernel'], params, rtol=1e-4, atol=1e-5)


UNLIKE = {'b1': 0.8, 'b2': 0.95}
"""Not the defaults, of which SOAP's are equal: one in the other's place would change nothing."""


def two_sided(kind: str, gradient: Callable, count: int, refresh: int) -> list[np.ndarray]:
    """The directions of SOAP or Shampoo for one matrix, by the formulas of the papers."""
    b1, b2 = UNLIKE.values()
    made, m, v, left, right = [], 0.0, 0.0, 0.0, 0.0
    for step in range(count):
        g = gradient(step)
        squares = g @ g.T, g.T @ g
        if kind == 'soap' and step == 0:
            left, right = squares
            bases = [np.linalg.eigh(side)[1] for side in squares]
            made.append(np.zeros_like(g))
            continue
        left, right = (b2 * old + (1 - b2) * new for old, new in zip((left, right), squares, strict=True))
        steps = step if kind == 'soap' else step + 1
        m = b1 * m + (1 - b1) * g
        mean = m / (1 - b1**steps)
        if kind == 'soap':
            v = b2 * v + (1 - b2) * (bases[0].T @ g @ bases[1]) ** 2
            inside = bases[0].T @ mean @ bases[1] / (np.sqrt(v / (1 - b2**steps)) + 1e-8)
            made.append(bases[0] @ inside @ bases[1].T)
            if step % refresh == 0:
                bases = [np.linalg.qr(side @ basis)[0] for side, basis in zip((left, right), bases, strict=True)]
            continue
        v = b2 * v + (1 - b2) * g**2
        if step % refresh == 0:
            sides = [np.linalg.eigh(side / (1 - b2**steps)) for side in (left, right)]
            roots = [(q * (np.maximum(w, 0) + 1e-6 * w[-1]) ** -0.25) @ q.T for w, q in sides]
        update, adam = roots[0] @ mean @ roots[1], mean / (np.sqrt(v / (1 - b2**steps)) + 1e-8)
        made.append(update * np.linalg.norm(adam) / np.linalg.norm(update))
    return made


@pytest.mark.parametrize('kind', ['soap', 'shampoo'])
def test_matrices_move_by_their_rows_and_columns(kind: str):
    """The one of two axes, and each of those that a scan stacks."""
    with jax.enable_x64(True):
        steps = steps_of(kind, 5, refresh_steps=2.0, **UNLIKE)
        for name, slot in (('up', ()), ('stack', (1,))):
            directions = two_sided(
                kind, lambda step, name=name, slot=slot: gradients(step)[name]['kernel'].astype(float)[slot], 5, 2
            )
            expected = PARAMS[name]['kernel'].astype(float)[slot] - 0.1 * np.cumsum(directions, 0)
            for made, wanted in zip(steps, expected, strict=True):
                np.testing.assert_allclose(made[name]['kernel'][slot], wanted, rtol=1e-6, atol=1e-8)
        adamw = steps_of('adamw', 5, **UNLIKE)
        np.testing.assert_allclose(steps[-1]['head']['kernel'], adamw[-1]['head']['kernel'], rtol=1e-6)


def test_every_optimizer_is_compared_with_another_source():
    formulas = {'mars', 'muon', 'muon_everywhere', 'soap', 'shampoo'}
    assert {*SAME, *formulas} == set(OPTIMIZERS)


def test_the_curvature_is_that_of_optax():
    """Of a function with no diagonal Hessian, so that the estimate hangs on the signs."""

    def goal(params: dict) -> jax.Array:
        return jnp.sin(params['a'] @ jnp.arange(4.0)).sum() + (params['a'].sum(0) * params['b']).sum() ** 2

    params = {'a': jnp.asarray(RNG.normal(size=(3, 4)), jnp.float32), 'b': jnp.asarray(RNG.normal(size=4), jnp.float32)}

    @jax.jit
    def both(params: dict) -> list[dict]:
        made = []
        for estimate in (hutchinson(), contrib.hutchinson_estimator_diag_hessian()):
            made.append(estimate.update(params, estimate.init(params), params, obj_fn=goal)[0])
        return made

    jax.tree.map(lambda one, other: np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3), *both(params))


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


@pytest.mark.parametrize(
    ('rule', 'formula'),
    [
        ('adam_size', lambda m, n: 0.2 * max(m, n) ** 0.5),
        ('spectral', lambda m, n: (n / m) ** 0.5),
        ('original', lambda m, n: max(1, n / m) ** 0.5),
    ],
)
def test_muon_scales_matrices_by_a_rule(rule: str, formula: Callable):
    """`up` is wider than it is tall, the head the other way round; the usual rule is the default."""
    usual = one_step('muon_everywhere')
    made = one_step('muon_everywhere', matrix_scale=number_of(rule))
    for place in ('up', 'head'):
        start = PARAMS[place]['kernel']
        step, size = start - usual[place]['kernel'], formula(*start.shape) / (0.2 * max(start.shape) ** 0.5)
        np.testing.assert_allclose(start - made[place]['kernel'], size * step, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(made['up']['bias'], one_step('adamw')['up']['bias'], rtol=1e-6)


def test_iterations_of_newton_and_schulz_may_be_traced():
    g, made = GRADIENT['up']['kernel'].astype(np.float64), []
    for count in (1, 3, 5, 8):
        x = g / np.linalg.norm(g)
        for _ in range(count):
            gram = x @ x.T
            x = 3.4445 * x - 4.775 * gram @ x + 2.0315 * gram @ gram @ x
        step = (PARAMS['up']['kernel'] - one_step('muon', newton_schulz=count)['up']['kernel']) / 0.05
        np.testing.assert_allclose(step / (0.2 * 6**0.5), x, rtol=1e-3, atol=1e-4)
        made.append(step)
    direction, move = make_optimizer('muon', PARAM_ROLES, {**OPTIMIZERS['muon'].KNOBS, 'lr': 0.1})
    updates, _ = direction.update(GRADIENT, direction.init(PARAMS), PARAMS)
    untraced = (PARAMS['up']['kernel'] - move(updates, PARAMS, 0.5)['up']['kernel']) / 0.05
    np.testing.assert_allclose(made[2], untraced, rtol=1e-4, atol=1e-5)


def test_muon_treats_the_rest_as_adamw():
    muon, adamw = one_step('muon'), one_step('adamw')
    np.testing.assert_allclose(muon['head']['kernel'], adamw['head']['kernel'], rtol=1e-6)
    np.testing.assert_allclose(muon['up']['bias'], adamw['up']['bias'], rtol=1e-6)


@pytest.mark.parametrize('kind', OPTIMIZERS)
def test_vectors_do_not_decay(kind: str):
    plain, decayed = (steps_of(kind, 2, **values)[-1] for values in ({}, {'weight_decay': 0.5}))
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
        moved, state = params, direction.init(params)
        for _ in range(2):  # the first step of ADOPT begins its moments
            updates, state = direction.update(params, state, moved, **told(kind))
            moved = move(updates, moved, jnp.float32(1))
        return moved

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


def test_every_optimizer_has_a_space_of_its_own():
    assert set(SPACES) == set(OPTIMIZERS)
