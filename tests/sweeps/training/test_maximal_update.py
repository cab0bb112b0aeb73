"""muP: first values, learning rates, and what they do to scores as a model grows wider."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from ablations.schedules import SCALES, number_of
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


def moves(model: Model, kind: str, rate: float, seeds: int, steps: int = 5, **knobs: float) -> dict[str, tuple[float, float]]:
    """How large the scores and the stream before the head are, and how far both move in some steps: root mean squares."""
    values = {**OPTIMIZERS[kind].KNOBS, 'lr': rate, 'clip': 1e9, **knobs}
    knobs = {name: value if name == 'matrix_scale' else jnp.float32(value) for name, value in values.items()}

    def one(seed):
        params, state = model.init(jax.random.key(seed), IDS, {})
        form = form_of(model, params, kind)
        direction, move = make_optimizer(kind, form.roles, knobs, form.products, (shares(kind, form, knobs), None))

        def seen(stored):
            streams = []

            def record(call, args, kwargs, context):
                if context.module.path == ('head',):
                    streams.append(args[0])
                return call(*args, **kwargs)

            with nn.intercept_methods(record):
                scores = model.apply(form.split(stored), state, IDS, knobs={}, key=jax.random.key(0), train=True)[0]
            return {'scores': scores, 'stream': streams[0]}

        def loss(stored):
            return -jnp.take_along_axis(jax.nn.log_softmax(seen(stored)['scores'][:, :-1]), IDS[:, 1:, None], -1).mean()

        def step(carry, _):
            stored, moments = carry
            told = {'obj_fn': loss} if 'obj_fn' in OPTIMIZERS[kind].TOLD else {}
            updates, moments = direction.update(jax.grad(loss)(stored), moments, stored, **told)
            return (move(updates, stored, 1.0), moments), None

        start = form.join(params).stored
        (end, _), _ = jax.lax.scan(step, (start, direction.init(start)), None, length=steps)
        before, after = seen(start), seen(end)
        return {name: (rms(before[name]), rms(after[name] - before[name])) for name in before}

    def rms(x):
        return jnp.sqrt(jnp.square(x).mean())

    made = jax.jit(jax.vmap(one))(jnp.arange(seeds))
    return {name: tuple(float(part.mean()) for part in own) for name, own in made.items()}


RATES = {'sgd': 0.3, 'lamb': 0.05, 'adafactor': 0.05}


@functools.cache
def sizes(width: int, kind: str, first: str) -> tuple[float, float]:
    """How large the scores of a model are, and how far they move in five steps at a rate for width 32."""
    model = build(config(width, MUP if first == 'mup' else STANDARD))
    return moves(model, kind, RATES.get(kind, 0.01), 4)['scores']


def streams(depth: int, base_depth: int) -> tuple[float, float]:
    """The same of the stream before the head, of models that differ in depth."""
    made = config(32, {**MUP, 'base_depth': base_depth}, depth=depth)
    return moves(build({**made, 'body': {**made['body'], 'over_depth': 'scan'}}), 'adamw', 0.003, 4)['stream']


def stream_of_products(depth: int, base_depth: int, width: int = 64) -> tuple[float, float]:
    """The same of x <- x + b W x over `depth` layers in numpy, before and after a step by signs, with the lab's own rules."""
    generator = np.random.default_rng(0)
    initial = MaximalUpdate(base_depth=base_depth)
    factor = initial.branch(depth) if base_depth else 1.0
    rate = 0.1 / width * OPTIMIZERS['adamw'].GROWN(Growth(layers=initial.layers(depth)))
    layers = generator.normal(size=(depth, width, width)) / np.sqrt(width)
    start, slope = generator.normal(size=width), generator.normal(size=width)

    def seen(layers):
        xs = [start]
        for layer in layers:
            xs.append(xs[-1] + factor * layer @ xs[-1])
        return xs

    before, moved = seen(layers), []
    for layer, x in zip(layers[::-1], before[-2::-1], strict=True):
        moved.append(layer - rate * np.sign(np.outer(slope, x)))
        slope = slope + factor * layer.T @ slope
    after = seen(moved[::-1])[-1]
    return np.sqrt((before[-1] ** 2).mean()), np.sqrt(((after - before[-1]) ** 2).mean())


def test_a_stream_of_products_is_as_large_and_moves_as_far_at_every_depth():
    with_rules, without = (np.array([stream_of_products(depth, base) for depth in (4, 16, 64)]) for base in (1, 0))
    assert (with_rules.max(0) / with_rules.min(0) < 1.6).all(), with_rules
    assert (without[1:] / without[:-1] > 2).all(), without


@pytest.mark.slow
def test_streams_are_as_large_and_move_as_far_at_every_depth():
    """The coordinate check of depth-muP (2310.02244); without its rules both grow."""
    with_rules, without = ([streams(depth, base) for depth in (4, 8, 16)] for base in (4, 0))
    for part in (0, 1):
        told = [own[part] for own in with_rules]
        assert max(told) / min(told) < 1.3, with_rules
        grows = np.array([own[part] for own in without])
        assert (grows[1:] / grows[:-1] > 1.2).all(), without


@pytest.mark.slow
@pytest.mark.parametrize('kind', ['adamw', 'sgd'])
def test_scores_move_as_far_at_every_width(kind: str):
    narrow, standard, mup = sizes(32, kind, 'mup'), sizes(128, kind, 'standard'), sizes(128, kind, 'mup')
    assert mup[0] == pytest.approx(narrow[0] / 2, rel=0.25)
    assert 0.75 < mup[1] / narrow[1] < 1.25
    assert standard[1] / narrow[1] > 1.25


@pytest.mark.slow
@pytest.mark.parametrize('kind', ['mars', 'sophia', 'lamb', 'adafactor', 'shampoo', 'soap', 'muon'])
def test_scores_move_as_far_at_every_width_under_others(kind: str):
    """In finite models the rules hold nearly: of 0.78 (Muon) to 1.04 (LAMB) from 32 to 128 channels."""
    assert 0.7 < sizes(128, kind, 'mup')[1] / sizes(32, kind, 'mup')[1] < 1.3


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


def test_shares_of_steps_of_other_sizes():
    """Inputs and outputs four times as many: matrices, and the head, whose outputs stay; tables and vectors have all of it."""
    hidden, head, table = Growth(4.0, 4.0), Growth(4.0, 1.0), Growth(1.0, 4.0)
    for kind, of_hidden, of_head in (
        *((kind, 0.25, 0.25) for kind in ('lion', 'mars', 'sophia', 'shampoo', 'rmsprop')),
        *((kind, 0.5, 1.0) for kind in ('lamb', 'adafactor')),
        ('soap', 1.0, 0.25),
    ):
        rule = OPTIMIZERS[kind].GROWN
        assert (rule(hidden, 'matrix', ''), rule(head, 'head', '')) == (of_hidden, of_head), kind
        assert rule(table, 'embedding', '') == rule(table, 'vector', '') == 1, kind
        assert rule(Growth(layers=4.0), 'matrix', '') == 0.5, kind
    for scale, of_hidden, of_head in (('adam_size', 0.5, 0.25), ('spectral', 1.0, 1.0), ('original', 1.0, 0.5)):
        some, all_of = OPTIMIZERS['muon'].GROWN, OPTIMIZERS['muon_everywhere'].GROWN
        assert some(hidden, 'matrix', scale) == all_of(hidden, 'matrix', scale) == of_hidden
        assert (some(head, 'head', scale), all_of(head, 'head', scale)) == (0.25, of_head)


def test_a_traced_scale_of_matrices_has_the_shares_of_its_name():
    model = build(config(64, MUP))
    form = form_of(model, jax.eval_shape(lambda: model.init(jax.random.key(0), IDS, {})[0]), 'muon')
    for name in SCALES:
        number = number_of(name)
        fixed, traced = (shares('muon', form, {'matrix_scale': value}) for value in (number, jnp.float32(number)))
        jax.tree.map(np.testing.assert_array_equal, fixed, traced)


def test_at_the_base_width_nothing_changes():
    standard, mup = build(config(32, STANDARD)), build(config(32, MUP))
    assert set(growth(mup).values()) == {Growth()}
    params = jax.jit(lambda key: [model.init(key, IDS, {})[0] for model in (standard, mup)])(jax.random.key(0))
    jax.tree.map(np.testing.assert_array_equal, *params)
    assert all((own == 1).all() for own in shares('adamw', form_of(mup, params[1], 'adamw'), {}).values())
    assert shares('adamw', form_of(standard, params[0], 'adamw'), {}) is None


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
    check_shares('prodigy', build(config(64, STANDARD)), ['lr'])
    check_shares('adamw', build(config(64, MUP)), ['lr', 'layer_decay'])
    for kind, why in (('prodigy', 'it finds one rate from all parameters together'), ('schedule_free', 'its direction is the')):
        with pytest.raises(ValueError, match=rf"no rule for the rates of optimizer '{kind}': {why}.*; allowed: .*'adamw'"):
            check_shares(kind, build(config(64, MUP)), ['lr'])
    with pytest.raises(ValueError, match=r"'layer_decay': optimizer 'schedule_free' is without layers"):
        check_shares('schedule_free', build(config(64, STANDARD)), ['layer_decay'])
    study = Study(
        name='s',
        question='?',
        arms={'base': (), 'wide': swap('initial', 'mup', base_width=32)},
        tasks=('stdlib_bytes',),
        tune={'prodigy': {'lr': log(1e-3, 1e-1)}},
    )
    programs = [study.program(arm, 'stdlib_bytes', 'prodigy') for arm in study.arms]
    reach = {arm: {'prodigy': study.reach(arm, 'prodigy')} for arm in study.arms}
    own = study.tasks[0]
    with pytest.raises(ValueError, match="arm 'wide' on task 'stdlib_bytes': initial 'mup' has no rule"):
        preflight(programs, reach, {own.name: (own.metric, own.direction)}, None)
