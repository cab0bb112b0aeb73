"""Optimizers: formulas, roles, and traced values."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from optax import contrib

from ablations.knobs import KNOBS
from ablations.knobs import ROLES as ROLES_IN_WORDS
from ablations.schedules import SCHEDULES, number_of, value_text
from ablations.spaces import SPACES, choice, linear, log
from ablations.study import Study
from arch.roles import ROLES
from sweeps.training.optimizers import OPTIMIZERS, make_optimizer
from sweeps.training.role_knobs import DECAYED
from sweeps.training.role_knobs import KNOBS as ROLE_KNOBS
from sweeps.training.schedules import FALLS, rate, warmup_cosine
from sweeps.training.schedules import KNOBS as SCHEDULE_KNOBS
from sweeps.training.sophia import hutchinson

RNG = np.random.default_rng(0)
PARAMS = {
    'up': {'kernel': RNG.normal(size=(4, 6)).astype(np.float32), 'bias': RNG.normal(size=6).astype(np.float32)},
    'stack': {'kernel': RNG.normal(size=(3, 4, 4)).astype(np.float32)},
    'head': {'kernel': RNG.normal(size=(6, 2)).astype(np.float32)},
}
PARAM_ROLES = {'up': {'kernel': 'matrix', 'bias': 'vector'}, 'stack': {'kernel': 'matrix'}, 'head': {'kernel': 'head'}}
GRADIENT = jax.tree.map(lambda leaf: RNG.normal(size=leaf.shape).astype(np.float32) * 0.01, PARAMS)


TRIED = {'prodigy': {'first_distance': 0.1}, 'sophia': {'curvature_share': 30.0, 'refresh_steps': 2.0}}
"""Values with which a few steps tell more than with the defaults."""


def bent(params: dict) -> jax.Array:
    """A function whose curvature is 3 along every axis."""
    return sum(1.5 * (leaf**2).sum() for leaf in jax.tree.leaves(params))


def told(kind: str, scale: float = 1.0) -> dict:
    """What the direction of a type is told beside gradients."""
    known = {'scale': jnp.float32(scale), 'obj_fn': bent}
    return {name: known[name] for name in OPTIMIZERS[kind].TOLD}


def knobs_of(kind: str, **values: float) -> dict:
    given = {**OPTIMIZERS[kind].KNOBS, 'lr': 0.1, **TRIED.get(kind, {}), **values}
    return {name: jnp.asarray(value, jax.dtypes.canonicalize_dtype(float)) for name, value in given.items()}


@functools.cache
def stepping(kind: str) -> Callable:
    """One step at half the rate, compiled once with every knob an argument."""

    def run(knobs: dict) -> dict:
        direction, move = make_optimizer(kind, PARAM_ROLES, knobs)
        updates, _ = direction.update(GRADIENT, direction.init(PARAMS), PARAMS, **told(kind, 0.5))
        return move(updates, PARAMS, jnp.float32(0.5))

    return jax.jit(run)


def one_step(kind: str, **values: float) -> dict:
    return stepping(kind)(knobs_of(kind, **values))


def gradients(step: int) -> dict:
    """Gradients that change from step to step, some of them large."""
    generator = np.random.default_rng(step)
    return jax.tree.map(lambda leaf: leaf * 0.3 + 0.1 * generator.normal(size=leaf.shape).astype(np.float32), PARAMS)


def wide(tree: dict) -> dict:
    """Numbers in the widest type that is switched on."""
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, jax.dtypes.canonicalize_dtype(float)), tree)


@functools.cache
def several_steps(kind: str, count: int) -> Callable:
    def run(knobs: dict) -> list[dict]:
        direction, move = make_optimizer(kind, PARAM_ROLES, knobs)
        params = wide(PARAMS)
        state, made = direction.init(params), []
        for step in range(count):
            updates, state = direction.update(wide(gradients(step)), state, params, **told(kind))
            params = move(updates, params, 1.0)
            made.append(params)
        return made

    return jax.jit(run)


def steps_of(kind: str, count: int, **values: float) -> list[dict]:
    """The parameters after each of some steps at full rate, without clipping."""
    return several_steps(kind, count)(knobs_of(kind, **{'clip': 1e9, **values}))


def of_optax(optimizer: optax.GradientTransformation, count: int, **given: object) -> list[dict]:
    def run(params: dict) -> list[dict]:
        state, made = optimizer.init(params), []
        for step in range(count):
            updates, state = optimizer.update(wide(gradients(step)), state, params, **given)
            params = optax.apply_updates(params, updates)
            made.append(params)
        return made

    return jax.jit(run)(wide(PARAMS))


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


def two_sided(kind: str, gradient: Callable, count: int, refresh: int) -> list[np.ndarray]:
    """The directions of SOAP or Shampoo for one matrix, by the formulas of the papers."""
    b1, b2 = {'soap': (0.95, 0.95), 'shampoo': (0.9, 0.99)}[kind]
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
        steps = steps_of(kind, 5, refresh_steps=2.0)
        for name, slot in (('up', ()), ('stack', (1,))):
            directions = two_sided(
                kind, lambda step, name=name, slot=slot: gradients(step)[name]['kernel'].astype(float)[slot], 5, 2
            )
            expected = PARAMS[name]['kernel'].astype(float)[slot] - 0.1 * np.cumsum(directions, 0)
            for made, wanted in zip(steps, expected, strict=True):
                np.testing.assert_allclose(made[name]['kernel'][slot], wanted, rtol=1e-6, atol=1e-8)
        adamw = steps_of('adamw', 5, **{name: OPTIMIZERS[kind].KNOBS[name] for name in ('b1', 'b2')})
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


def test_every_optimizer_has_a_space_of_its_own():
    assert set(SPACES) == set(OPTIMIZERS)


# Roles.


def flat(made: dict) -> dict:
    return {'/'.join(part.key for part in path): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(made)}


@pytest.mark.parametrize('kind', OPTIMIZERS)
def test_a_share_moves_its_role_alone(kind: str):
    """Parameters of a role at half the rate move by half a first step, at rate 0 they stay, and the others do not notice."""
    whole, start = flat(one_step(kind, weight_decay=0.1)), flat(PARAMS)
    for role, names in {'head': ['head/kernel'], 'vector': ['up/bias'], 'matrix': ['up/kernel', 'stack/kernel']}.items():
        for share in (0.5, 0.0):
            made = flat(one_step(kind, weight_decay=0.1, **{f'lr_{role}': share}))
            for name, leaf in made.items():
                wanted = start[name] + share * (whole[name] - start[name]) if name in names else whole[name]
                np.testing.assert_allclose(leaf, wanted, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize('kind', OPTIMIZERS)
def test_decay_of_a_role_is_its_own(kind: str):
    plain, none, half = (
        flat(one_step(kind, weight_decay=decay, **given))
        for decay, given in ((0.1, {}), (0.0, {}), (0.2, {'weight_decay_matrix': 0.5, 'weight_decay_head': 0.0}))
    )
    assert (plain['head/kernel'] != none['head/kernel']).any(), 'else the test says nothing'
    np.testing.assert_allclose(half['up/kernel'], plain['up/kernel'], rtol=1e-6)
    np.testing.assert_array_equal(half['head/kernel'], none['head/kernel'])
    np.testing.assert_array_equal(half['up/bias'], none['up/bias'])
    on_vectors = flat(one_step(kind, weight_decay=0.1, weight_decay_vector=1.0))
    assert (on_vectors['up/bias'] != none['up/bias']).any()


def test_shares_that_a_study_does_not_name_add_nothing():
    def program(**given: float) -> str:
        def run(knobs: dict) -> dict:
            direction, move = make_optimizer('adamw', PARAM_ROLES, {**given, **knobs})
            updates, _ = direction.update(GRADIENT, direction.init(PARAMS), PARAMS)
            return move(updates, PARAMS, jnp.float32(0.5))

        return str(jax.make_jaxpr(run)(knobs_of('adamw')))

    assert program() == program(**ROLE_KNOBS)
    assert program(lr_head=0.5) != program()


def test_every_role_has_its_knobs():
    assert set(ROLES) == set(ROLES_IN_WORDS)
    assert ROLE_KNOBS.keys() <= KNOBS.keys()
    assert [role for role in ROLES if ROLE_KNOBS[f'weight_decay_{role}']] == list(DECAYED)
