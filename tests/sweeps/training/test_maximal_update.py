"""muP: first values, learning rates, and what they do to scores as a model grows wider."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ablations.spaces import log
from ablations.study import Study, swap
from ablations.tasks.bases import decoder
from arch.branch import Branch
from arch.context import Context
from arch.growth import Growth
from arch.initials import MaximalUpdate
from arch.model import Model, build
from sweeps.training.joined import Form
from sweeps.training.optimizers import OPTIMIZERS, make_optimizer
from sweeps.training.preflight import preflight
from sweeps.training.shares import check_shares, shares

IDS = jnp.asarray(np.random.default_rng(0).integers(0, 11, (8, 12)))
STANDARD, MUP = {'kind': 'lecun_normal'}, {'kind': 'mup', 'base_width': 32}


def config(width: int, initial: dict, depth: int = 1, **changes: dict) -> dict:
    base = decoder(11, 12, width, depth, {'kind': 'attention', 'heads': width // 16}, 2.0)
    return {**base, 'initial': initial, **changes}


def shapes(model: Model) -> dict:
    return jax.eval_shape(lambda: model.init(jax.random.key(0), IDS, {})[0])


def growth(model: Model) -> dict:
    grown = model.growth(shapes(model), IDS)
    leaves = jax.tree_util.tree_leaves_with_path(grown, is_leaf=lambda leaf: isinstance(leaf, Growth))
    return {'/'.join(part.key for part in path): own for path, own in leaves}


def form_of(model: Model, params: dict, kind: str) -> Form:
    roles, products = model.roles(params), model.products(params)
    return Form.of(params, roles, products, OPTIMIZERS[kind].WHOLE, model.growth and model.growth(params, IDS))


@functools.cache
def sizes(width: int, kind: str, first: str) -> tuple[float, float]:
    """How large the scores of a model are, and how far they move in five steps at a rate for width 32."""
    model, rate = build(config(width, MUP if first == 'mup' else STANDARD)), {'adamw': 0.01, 'sgd': 0.3}[kind]

    def one(seed):
        params, state = model.init(jax.random.key(seed), IDS, {})
        form = form_of(model, params, kind)
        knobs = {name: jnp.float32(value) for name, value in {**OPTIMIZERS[kind].KNOBS, 'lr': rate, 'clip': 1e9}.items()}
        direction, move = make_optimizer(kind, form.roles, knobs, form.products, (shares(kind, form), None))

        def scores(stored):
            return model.apply(form.split(stored), state, IDS, knobs={}, key=jax.random.key(0), train=True)[0]

        def loss(stored):
            return -jnp.take_along_axis(jax.nn.log_softmax(scores(stored)[:, :-1]), IDS[:, 1:, None], -1).mean()

        def step(carry, _):
            stored, moments = carry
            updates, moments = direction.update(jax.grad(loss)(stored), moments, stored)
            return (move(updates, stored, 1.0), moments), None

        start = form.join(params).stored
        (end, _), _ = jax.lax.scan(step, (start, direction.init(start)), None, length=5)
        return jnp.sqrt((scores(start) ** 2).mean()), jnp.sqrt(((scores(end) - scores(start)) ** 2).mean())

    first_size, moved = jax.jit(jax.vmap(one))(jnp.arange(4))
    return float(first_size.mean()), float(moved.mean())


@pytest.mark.slow
@pytest.mark.parametrize('kind', ['adamw', 'sgd'])
def test_scores_move_as_far_at_every_width(kind: str):
    narrow, standard, mup = sizes(32, kind, 'mup'), sizes(128, kind, 'standard'), sizes(128, kind, 'mup')
    assert mup[0] == pytest.approx(narrow[0] / 2, rel=0.25)
    assert 0.75 < mup[1] / narrow[1] < 1.25
    assert standard[1] / narrow[1] > 1.25


@pytest.mark.slow
def test_scores_move_as_far_at_all_widths_between():
    moved = [sizes(width, 'adamw', 'mup')[1] for width in (32, 64, 128, 256)]
    assert max(moved) / min(moved) < 1.5
    standard = [sizes(width, 'adamw', 'standard')[1] for width in (32, 64, 128, 256)]
    assert np.all(np.diff(standard) > 0)


def test_growth_and_rates_are_those_of_the_table():
    """Tables 3 and 8 of 2203.03466, by inputs and outputs relative to width 32."""
    grown = growth(build(config(128, MUP)))
    table = {
        'stem/embedding': (Growth(1.0, 4.0), 1.0, 1.0, 4.0),
        'block_0/channel/up/kernel': (Growth(4.0, 4.0), 1.0, 0.25, 1.0),
        'block_0/channel/down/kernel': (Growth(4.0, 4.0), 1.0, 0.25, 1.0),
        'block_0/channel/up/bias': (Growth(1.0, 4.0), 1.0, 1.0, 4.0),
        'block_0/norm_mixer/scale': (Growth(1.0, 4.0), 1.0, 1.0, 4.0),
        'head/head/kernel': (Growth(4.0, 1.0), 0.5, 0.25, 0.25),
        'head/head/bias': (Growth(1.0, 1.0), 1.0, 1.0, 1.0),
    }
    for name, (own, start, adaptive, plain) in table.items():
        assert (grown[name], own.start) == (own, start), name
        assert (OPTIMIZERS['adamw'].GROWN(own), OPTIMIZERS['sgd'].GROWN(own)) == (adaptive, plain), name
    assert {own.layers for own in grown.values()} == {1.0}


def test_at_the_base_width_nothing_changes():
    standard, mup = build(config(32, STANDARD)), build(config(32, MUP))
    assert set(growth(mup).values()) == {Growth()}
    params = jax.jit(lambda key: [model.init(key, IDS, {})[0] for model in (standard, mup)])(jax.random.key(0))
    jax.tree.map(np.testing.assert_array_equal, *params)
    assert all((own == 1).all() for own in shares('adamw', form_of(mup, params[1], 'adamw')).values())
    assert shares('adamw', form_of(standard, params[0], 'adamw')) is None


def test_a_share_acts_on_the_direction_and_not_on_the_decay():
    roles, params = {'a': 'matrix', 'b': 'matrix'}, {'a': jnp.ones((2, 2)), 'b': jnp.ones((2, 2))}
    _, move = make_optimizer('adamw', roles, {'lr': 0.1, 'weight_decay': 0.5, 'clip': 1.0, 'b1': 0, 'b2': 0, 'eps': 0}, None)
    _, shared = make_optimizer(
        'adamw',
        roles,
        {'lr': 0.1, 'weight_decay': 0.5, 'clip': 1.0, 'b1': 0, 'b2': 0, 'eps': 0},
        None,
        ({'a': 1.0, 'b': 0.25}, None),
    )
    whole, made = move(params, params, 1.0), shared(params, params, 1.0)
    np.testing.assert_allclose(made['a'], whole['a'])
    np.testing.assert_allclose(made['b'], 1 - 0.1 * (0.25 + 0.5), rtol=1e-6)


def test_depth_mup_makes_branches_and_their_rates_smaller():
    grown = growth(build(config(32, {**MUP, 'base_depth': 1}, depth=4)))
    assert {name: own.layers for name, own in grown.items() if own.layers > 1}.keys() == {
        name for name in grown if name.startswith('block')
    }
    assert grown['block_3/channel/up/kernel'] == Growth(layers=4.0)
    assert OPTIMIZERS['adamw'].GROWN(Growth(layers=4.0)) == 0.5
    branch = Branch(*[lambda x, context: x] * 3)
    deep = Context(initial=MaximalUpdate(base_depth=1), depth=4)
    assert (branch(1.0, deep), branch(1.0, Context(depth=4))) == (0.5, 1.0)


@pytest.mark.parametrize(
    ('changes', 'said'),
    [
        ({'head': {'kind': 'tied_next_token'}}, "head 'tied_next_token' is both; swap"),
        ({'initial': {**MUP, 'base_depth': 1}, 'residual': {'kind': 'post'}}, r"residual \['post'\] norms it again"),
        ({'initial': {'kind': 'mup', 'base_width': 0}}, "initial 'mup': base_width=0 is given, allowed is above 0"),
        ({'initial': {'kind': 'mup', 'base_width': 6}}, "this model with body.width 6, can't be made: mixer 'attention'"),
    ],
)
def test_models_that_have_no_rule(changes: dict, said: str):
    with pytest.raises(ValueError, match=said):
        build({**config(64, MUP), **changes})


def test_optimizers_without_a_rule_are_refused_before_a_run():
    check_shares('lamb', build(config(64, STANDARD)), ['lr'])
    check_shares('adamw', build(config(64, MUP)), ['lr', 'layer_decay'])
    with pytest.raises(ValueError, match=r"no rule for the rates of optimizer 'lamb'; allowed: .*'adamw'"):
        check_shares('lamb', build(config(64, MUP)), ['lr'])
    with pytest.raises(ValueError, match=r"'layer_decay': optimizer 'schedule_free' is without layers"):
        check_shares('schedule_free', build(config(64, STANDARD)), ['layer_decay'])
    study = Study(
        name='s',
        question='?',
        arms={'base': (), 'wide': swap('initial', 'mup', base_width=32)},
        tasks=('stdlib_bytes',),
        tune={'lamb': {'lr': log(1e-3, 1e-1)}},
    )
    programs = [study.program(arm, 'stdlib_bytes', 'lamb') for arm in study.arms]
    reach = {arm: {'lamb': study.reach(arm, 'lamb')} for arm in study.arms}
    own = study.tasks[0]
    with pytest.raises(ValueError, match="arm 'wide' on task 'stdlib_bytes': initial 'mup' has no rule"):
        preflight(programs, reach, {own.name: (own.metric, own.direction)}, None)
