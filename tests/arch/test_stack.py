"""Stacks: which specs stand at which depth; a loop and a scan of it are one model; layers that share parameters."""

import contextlib
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from rounding import assert_same_numbers

from ablations.config import changed, put
from ablations.neutral import NEUTRAL
from ablations.tasks.bases import convnext, decoder
from arch import published
from arch.cost import cost_of
from arch.depth import Row, rows, stacked
from arch.make import fields
from arch.model import build
from arch.model_sockets import Sockets
from arch.outline import outline
from arch.probe import started
from arch.sockets import TABLES
from arch.stack import layers

ATTENTION = {'kind': 'attention', 'heads': 2, 'biases': 'needed'}
RECURRENT = {'kind': 'gated_linear_attention', 'heads': 2}
EXPERTS = {'kind': 'mixture_of_experts', 'experts': 2, 'top': 1}
IDS = jnp.asarray(np.random.default_rng(0).integers(0, 5, size=(2, 6)), jnp.int32)
KEY = jax.random.key(0)
ROUNDINGS = 1000
"""Forward through nine blocks, each with sums of up to 16 terms, three times."""
BASE = {'mixer': {'kind': 'conv', 'kernel': 3}, 'norm': {'kind': 'layer_norm'}}


def model_of(stack, depth=9, **fields):
    base = decoder(vocabulary=5, length=6, width=8, depth=depth, mixer=ATTENTION, ratio=2.0)
    return {**base, 'body': {**base['body'], 'stack': stack, **fields}}


def kernels(stack, *stages):
    return ''.join(str(layer.specs.get('mixer', {}).get('kernel', 3)) for layer in layers(stack, stages, BASE))


def conv(kernel, **words):
    return {'mixer': {'kernel': kernel}, **words}


@pytest.mark.parametrize(
    ('stack', 'stages', 'expected'),
    [
        ([{'times': 2}, conv(5)], (7,), '3353353'),
        ([conv(5), conv(7)], (5,), '57575'),
        ([conv(9, at='first', times=2), conv(1, at='last')], (5,), '99331'),
        ([conv(9, at='first'), conv(5), {}, conv(1, at='last')], (6,), '953531'),
        ([conv(5, stage=1)], (2, 3), '33555'),
        ([conv(5, stage=1), conv(7)], (2, 3), '77555'),
        ([{'times': 2}, conv(5)], (3, 4), '3353353'[:3] + '3353'),
    ],
)
def test_entries_become_layers(stack, stages, expected):
    assert kernels(stack, *stages) == expected


@pytest.mark.parametrize(
    ('stack', 'stages', 'homes'),
    [
        ([{'shared': 'all'}], (2, 2), [0, 0, 2, 2]),
        ([{'times': 2, 'shared': 'turn'}, {}], (6,), [0, 0, 2, 3, 3, 5]),
        ([{'shared': 'all'}, {}], (4,), [0, 1, 0, 3]),
        ([{'at': 'first', 'times': 2, 'shared': 'turn'}, {}], (4,), [0, 0, 2, 3]),
        ([{'times': 2}], (3,), [0, 1, 2]),
    ],
)
def test_layers_of_an_entry_share_the_parameters_of_its_first_one(stack, stages, homes):
    made = layers(stack, stages, BASE)
    assert [layer.home for layer in made] == homes
    everywhere = [stack[layer.entry].get('shared') == 'all' for layer in made]
    assert [layer.everywhere for layer in made] == everywhere


def test_layers_that_no_entry_of_their_stage_names_are_the_bases():
    first, _ = layers([conv(5, stage=1)], (1, 1), BASE)
    assert (first.entry, first.specs, first.home) == (-1, {}, 0)


def test_an_entry_without_a_kind_keeps_the_other_fields():
    (layer,) = layers([conv(5)], (1,), {**BASE, 'mixer': {'kind': 'conv', 'kernel': 3, 'bias': True}})
    assert layer.specs == {'mixer': {'kind': 'conv', 'kernel': 5, 'bias': True}}


@pytest.mark.parametrize(
    ('entry', 'said'),
    [
        (3, 'is 3; allowed: a dictionary'),
        ({'mixr': {'kind': 'conv'}}, "unknown name 'mixr'.*Did you mean 'mixer'"),
        ({'stem': {'kind': 'tokens'}}, "unknown name 'stem'"),
        ({'mixer': 'conv'}, "mixer is 'conv'; allowed: a spec"),
        ({'times': 0}, 'times=0; allowed: whole numbers from 1'),
        ({'times': True}, 'times=True'),
        ({'times': 2.0}, 'times=2.0'),
        ({'mixer': {}}, r'body.stack\[0\]: mixer is \{\}; allowed: a spec'),
        ({'stage': 1}, 'stage=1; this body has 1, counted from 0; change it'),
        ({'stage': -1}, 'stage=-1; this body has 1'),
        ({'stage': False}, 'stage=False; this body has 1'),
        ({'stage': 0.0}, 'stage=0.0; this body has 1'),
        ({'times': 4, 'at': 'last'}, '0 first and 4 last layers, stage 0 has 3; take some away'),
        ({'at': 'middle'}, r"at='middle'; allowed: \['first', 'last'\]"),
        ({'shared': True}, r"shared=True; allowed: \['all', 'turn'\]"),
        ({'times': 4, 'at': 'first'}, '4 first and 0 last layers, stage 0 has 3'),
    ],
)
def test_a_wrong_entry_is_refused_by_its_number(entry, said):
    with pytest.raises(ValueError, match=said):
        build(model_of([entry], depth=3))


def test_an_entry_that_no_layer_is_left_for_is_refused():
    with pytest.raises(ValueError, match=r'body.stack\[1\] is no layer of this body, whose stages have \[3\] layers'):
        build(model_of([{'times': 3}, {'mixer': RECURRENT}], depth=3))


@pytest.mark.parametrize(
    ('stack', 'said'),
    [
        ([{'norm': {'kind': 'group_norm'}}, {}], r"body.stack\[0\]: norm 'group_norm' does not work in a causal body"),
        ([{'mixer': {'kind': 'attention', 'heads': 3}}, {}], r'body.stack\[0\]: .*heads=3'),
        (
            [{}, {'residual': {'kind': 'hyper_connections'}}],
            r"^body.stack\[1\]: residual 'hyper_connections' keeps several streams over all layers, and some have 'pre'; give",
        ),
        (
            [{'at': 'last', 'block': {'kind': 'conv_mixer'}, 'residual': {'kind': 'hyper_connections'}}],
            r'^body.stack\[0\]: .* sum',
        ),
        (
            [{}, {'position': {'kind': 'sinusoidal'}}],
            r"body.stack\[1\]: position 'sinusoidal' adds .* allowed in a stack: \['alibi', 'none', 'rotary'\]; swap",
        ),
        ([{'mixer': RECURRENT, 'position': {'kind': 'rotary'}}, {}], r"body.stack\[0\]: position 'rotary' turns queries"),
        ([{'mixer': RECURRENT, 'residual': {'kind': 'value_residual'}}], r"residual 'value_residual' mixes the values"),
        ([{'residual': {'kind': 'layer_scale', 'initial': 'x'}}, {}], r"residual 'layer_scale': initial='x'"),
    ],
)
def test_a_layer_that_does_not_fit_is_named(stack, said):
    with pytest.raises(ValueError, match=said):
        build(model_of(stack, depth=2))


def test_a_layer_that_differs_from_the_streams_of_the_base_is_named():
    config = model_of([{'at': 'last', 'residual': {'kind': 'pre'}}], depth=2)
    with pytest.raises(ValueError, match=r"^body.stack\[0\]: residual 'hyper_connections' keeps .*, and some have 'pre'"):
        build({**config, 'residual': {'kind': 'hyper_connections'}})


def test_rotary_positions_reach_the_layers_that_attend():
    """Layers without queries leave them unused; a position of a layer's own holds there alone."""
    hybrid = {**model_of([{'mixer': RECURRENT}, {}], depth=2), 'position': {'kind': 'rotary'}}
    slow = {**hybrid, 'body': {**hybrid['body'], 'stack': [{'mixer': RECURRENT}, {'position': {'base': 2.0}}]}}
    nowhere = {**hybrid, 'body': {**hybrid['body'], 'stack': [{'mixer': RECURRENT}, {'position': {'kind': 'none'}}]}}
    params, state = started(*jax.eval_shape(lambda: build(hybrid).init(KEY, IDS, {})))
    scores = [build(one).apply(params, state, IDS, knobs={}, key=KEY, train=False)[0] for one in (hybrid, slow, nowhere)]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert abs(scores[one] - scores[other]).max() > 1e-3


def cut(alike, joined=()):
    return ' '.join(f'{row.turns}x{alike[row.first : row.first + row.period]}' for row in rows(alike, 0, joined))


@pytest.mark.parametrize(
    ('alike', 'expected'),
    [
        ('aaaa', '4xa'),
        ('abababa', '3xab 1xa'),
        ('daaaadbbbbb', '1xd 4xa 1xd 5xb'),
        ('abcd', '1xa 1xb 1xc 1xd'),
        ('aabaabaab', '3xaab'),
        ('', ''),
    ],
)
def test_layers_are_cut_into_rows_that_repeat(alike, expected):
    assert cut(alike) == expected


def test_no_row_begins_with_a_layer_that_has_the_parameters_of_the_one_before():
    assert cut('aBaBaB', joined=(1, 3, 5)) == '3xaB'
    assert cut('xBaBaB', joined=(1, 3, 5)) == '1xx 1xB 2xaB'


def test_no_row_ends_before_a_layer_that_has_the_parameters_of_its_last_one():
    assert cut('aaaB', joined=(3,)) == '1xa 1xa 1xa 1xB' and cut('aaab') == '3xa 1xb'


def test_rows_are_counted_from_the_first_layer_of_the_stage():
    assert rows('xaab', 7) == [Row(7, 1, 1), Row(8, 1, 2), Row(10, 1, 1)]
    assert [row.after for row in rows('xababy', 2)] == [3, 7, 8]


STACKS = {
    'turns': [{'times': 2}, {'mixer': RECURRENT}],
    'ends': [{'at': 'first', 'norm': {'kind': 'rms_norm'}}, {'channel': EXPERTS}, {'mixer': RECURRENT}],
    'shared': [{'times': 3}, {'shared': 'all', 'mixer': RECURRENT}],
    'in turn': [{'times': 2, 'shared': 'turn'}, {'mixer': RECURRENT}],
}
MODULES = {
    'turns': 'blocks_0_0 blocks_0_1 blocks_0_2',
    'ends': 'block_0 blocks_0_0 blocks_0_1',
    'shared': 'block_3 block_8 blocks_0_0 blocks_0_1',
    'in turn': 'blocks_0_0 blocks_0_2',
}
FAST = ('ends',)


@functools.cache
def both(name):
    """The model as a loop and as a scan, with the same random numbers."""
    ways = [build(model_of(STACKS[name], over_depth=way)) for way in ('loop', 'scan')]
    numbers = Sockets(model_of(STACKS[name]), TABLES).make('body', name=None).blocks()
    params, state = started(*jax.eval_shape(lambda: ways[0].init(KEY, IDS, {})))
    return ways, (params, stacked(params, numbers)), state


@pytest.mark.parametrize('name', STACKS)
def test_a_scan_holds_the_rows_of_a_stack(name):
    (loop, scan), (_, expected), _ = both(name)
    given = jax.eval_shape(lambda: scan.init(KEY, IDS, {}))[0]
    assert ' '.join(sorted(part for part in given if part.startswith('block'))) == MODULES[name]
    assert jax.tree.map(jnp.shape, given) == jax.tree.map(jnp.shape, expected)
    roles = scan.roles(given)
    assert set(jax.tree.leaves(roles)) == set(jax.tree.leaves(loop.roles(both(name)[1][0])))


@pytest.mark.parametrize('name', [pytest.param(name, marks=[] if name in FAST else [pytest.mark.slow]) for name in STACKS])
def test_a_loop_and_a_scan_of_a_stack_are_the_same_model(name):
    ways, drawn, state = both(name)

    def step(model, params):
        def loss(params):
            y, _, aux = model.apply(params, state, IDS, knobs={}, key=KEY, train=True)
            return (y**2).sum() + sum(aux.values()), y

        return jax.grad(loss, has_aux=True)(params)

    made = [jax.jit(functools.partial(step, model))(own) for model, own in zip(ways, drawn, strict=True)]
    slopes, scores = zip(*made, strict=True)
    assert_same_numbers(scores[0], scores[1], ROUNDINGS)
    numbers = Sockets(model_of(STACKS[name]), TABLES).make('body', name=None).blocks()
    assert_same_numbers(stacked(slopes[0], numbers), slopes[1], 100 * ROUNDINGS)


def test_a_loop_and_a_scan_draw_the_same_numbers():
    ways, _, _ = both('in turn')
    looped, whole = jax.jit(lambda: [model.init(KEY, IDS, {})[0] for model in ways])()
    numbers = Sockets(model_of(STACKS['in turn']), TABLES).make('body', name=None).blocks()
    assert_same_numbers(stacked(looped, numbers), whole, ROUNDINGS)


def params_of(config):
    return cost_of(config, jax.ShapeDtypeStruct((2, 6), jnp.int32))


def test_shared_layers_cost_their_work_and_not_their_parameters():
    plain, shared = params_of(model_of([], depth=4)), params_of(model_of([{'shared': 'all'}], depth=4))
    assert plain['macs'] == shared['macs']
    assert plain['params'] - shared['params'] == 3 * plain['params_by_part']['block_1']
    pairs = params_of(model_of([{'times': 2, 'shared': 'turn'}], depth=4))
    assert plain['params'] - pairs['params'] == 2 * plain['params_by_part']['block_1']


def test_a_stack_of_equal_layers_is_the_model_without_one():
    plain, equal = model_of([], depth=3), model_of([{'times': 2}, {'mixer': {'heads': 2}}], depth=3)
    assert params_of(plain) == params_of(equal)
    drawn = [jax.eval_shape(lambda config=config: build(config).init(KEY, IDS, {})) for config in (plain, equal)]
    assert drawn[0] == drawn[1]


def test_kernels_of_more_axes_are_told_by_the_kind_of_their_layer():
    """The recurrent mixer's short filters are of one kind, the attention beside it has none of that name."""
    stack = [{}, {'mixer': {'kind': 'selective_state_space'}}]
    for way in ('loop', 'scan'):
        model = build(model_of(stack, depth=4, over_depth=way))
        drawn = jax.eval_shape(lambda model=model: model.init(KEY, IDS, {}))[0]
        assert 'conv' in jax.tree.leaves(model.roles(drawn))


def test_an_outline_shows_layers_that_differ():
    drawn = outline(model_of([{'times': 2}, {'mixer': {'heads': 4}}], depth=6), jax.ShapeDtypeStruct((2, 6), jnp.int32))
    blocks = [part for part in drawn if part.socket == 'block']
    assert [part.times for part in blocks] == [2, 1, 2, 1]
    mixers = [next(inside for inside in part.inside if inside.socket == 'mixer') for part in blocks]
    assert [mixer.spec['heads'] for mixer in mixers] == [2, 4, 2, 4]


def test_stages_differ():
    base = convnext(outputs=3, patch=2, widths=[4, 8], depths=[2, 2], kernel=3)
    config = {**base, 'body': {**base['body'], 'stack': [{'stage': 1, 'mixer': {'kernel': 5}}]}}
    drawn = jax.eval_shape(lambda: build(config).init(KEY, jnp.zeros((2, 8, 8, 1)), {}))[0]
    assert [drawn[f'block_{n}']['mixer']['depthwise']['kernel'].shape[0] for n in range(4)] == [3, 3, 5, 5]


def test_a_change_gives_a_base_a_stack_and_takes_it_away():
    base = decoder(vocabulary=5, length=6, width=8, depth=2, mixer=ATTENTION, ratio=2.0)
    hybrid = changed(base, (put('body.stack', [{}, {'mixer': RECURRENT}]),))
    assert hybrid['body']['stack'] == [{}, {'mixer': RECURRENT}]
    assert changed(hybrid, (put('body.stack', []),)) == changed(base, ()) == base


def test_neutral_fields_are_the_defaults_of_their_kinds():
    for socket, kinds in NEUTRAL.items():
        for kind, values in kinds.items():
            known = fields(TABLES[socket][kind])
            for name, value in values.items():
                default = known[name].default
                assert (list(default) if isinstance(default, tuple) else default) == value, (socket, kind, name)


def test_an_outline_shows_the_position_of_a_layer():
    config = {**model_of([{}, {'position': {'base': 2.0}}], depth=2), 'position': {'kind': 'rotary'}}
    drawn = outline(config, jax.ShapeDtypeStruct((2, 6), jnp.int32))
    inside = [[part.name for part in block.inside] for block in drawn if block.socket == 'block']
    assert 'position' not in inside[0] and inside[1][0] == 'position'


@pytest.mark.parametrize(('heads', 'said'), [((4, 6), ''), ((6, 4), r'body\.stack\[0\]: .*heads=6 does not divide width=8')])
def test_a_stage_may_have_heads_that_its_own_width_alone_has(heads, said):
    stack = [{'stage': stage, 'mixer': {'kind': 'attention', 'heads': own}} for stage, own in enumerate(heads)]
    config = published.MODELS['convnext_atto'].config
    config = {**config, 'body': {**config['body'], 'widths': [8, 12], 'depths': [1, 1], 'stack': stack}}
    with pytest.raises(ValueError, match=said) if said else contextlib.nullcontext():
        build(config)


def resnet(stack, **body):
    config = published.MODELS['resnet50'].config
    return {**config, 'body': {**config['body'], 'stack': stack, **body}}


def test_the_first_block_of_a_stage_that_downsamples_shares_nothing():
    with pytest.raises(ValueError, match=r"'in_block' is in the first block of a stage, .* by 'at': 'first'"):
        build(resnet([{'shared': 'all'}]))
    with pytest.raises(ValueError, match=r"body.stack\[0\]: downsample 'in_block' .*; block 'one_branch' can't; allowed: \["):
        build(resnet([{'block': {'kind': 'one_branch'}}]))
    model = build(resnet([{'at': 'first'}, {'shared': 'all'}]))
    params = jax.eval_shape(lambda: model.init(KEY, jnp.zeros((1, 64, 64, 3)), {}))[0]
    assert sorted(int(part[6:]) for part in params if part.startswith('block_')) == [0, 1, 3, 4, 7, 8, 13, 14]


def test_a_stage_that_downsamples_in_its_first_block_scans_the_others():
    model = build(resnet([{'at': 'first'}, {'mixer': {'kernel': 5}}], over_depth='scan'))
    params = jax.eval_shape(lambda: model.init(KEY, jnp.zeros((1, 64, 64, 3)), {}))[0]
    rows = {part: leaf['mixer']['conv']['kernel'].shape for part, leaf in params.items() if part.startswith('block')}
    assert {name: shape[:2] for name, shape in rows.items()} == {
        **dict.fromkeys(('block_0', 'block_3', 'block_7', 'block_13'), (3, 3)),
        **{f'blocks_{stage}': (count, 5) for stage, count in enumerate((2, 3, 5, 2))},
    }
