"""Residual rules whose stream is more than one array: against loops in numpy, and what each promises at the start."""

import copy
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from rounding import assert_same_numbers
from stream_formulas import FORMULAS, C, X, f, norm, pre

from ablations.tasks import TASKS
from arch.branch import Branch
from arch.context import Context
from arch.depth import unstacked
from arch.model import build
from arch.probe import started as drawn
from arch.residuals import RESIDUALS
from arch.residuals.hyper_connections import number

ROUNDINGS = 500
"""Two blocks, each with sums over three times 32 channels, 6 positions, 64 hidden channels and a few streams; and a head."""


def after(y, context=None):
    """A branch's work on each position; it lets the rule mix its values, two heads of three."""
    y = np.tanh(y) if context is None else jnp.tanh(y)
    if context is None or context.values is None:
        return y
    return context.values(y.reshape(len(y), -1, 2, C // 2)).reshape(y.shape)


BRANCH = Branch(lambda y, context: y, norm, after)


class Stack(nn.Module):
    """A rule from enter over `blocks` blocks of two branches to leave."""

    kind: str
    spec: dict
    blocks: int = 2
    branch: Branch = BRANCH
    stop: bool = False

    @nn.compact
    def __call__(self, x, context):
        cls = RESIDUALS[self.kind]
        rule, own = cls(**self.spec), {'closing'} & set(cls.__dataclass_fields__)
        stream = rule.enter(x)
        for block in range(self.blocks):
            here = Context(**{**vars(context), 'layer': block, 'depth': self.blocks, 'branches': 2 * self.blocks})
            for part in range(2):
                made = cls(**self.spec, **dict.fromkeys(own, part == 1), name=f'branch_{2 * block + part}')
                stream = made(stream, self.branch, here)
        return stream if self.stop else rule.leave(stream, context, 'leave')


def started(kind, fields, blocks=2, knobs=None):
    """The first parameters of a ride."""
    stack = Stack(kind, fields, blocks)
    return jax.jit(lambda: stack.init(jax.random.key(0), jnp.asarray(X), Context(knobs=knobs or {})))().get('params', {})


def random(kind, fields, blocks=2):
    """Random parameters of a ride."""
    shapes = jax.eval_shape(lambda: Stack(kind, fields, blocks).init(jax.random.key(0), jnp.asarray(X), Context()))
    generator = np.random.default_rng(1)
    return jax.tree.map(lambda leaf: generator.normal(size=leaf.shape).astype(np.float32), shapes.get('params', {}))


def ridden(kind, fields, params, blocks=2, x=X, branch=BRANCH, stop=False, **context):
    stack = Stack(kind, fields, blocks, branch, stop)
    return jax.jit(lambda params, x: stack.apply({'params': params}, x, Context(**context)))(params, x)


KINDS = list(dict.fromkeys(case[0] for case in FORMULAS))


def test_every_rule_of_a_wider_stream_has_a_formula():
    own_files = {'shared_value_embeddings'}
    assert set(KINDS) == {kind for kind, cls in RESIDUALS.items() if cls.STREAMS} - own_files


@pytest.mark.parametrize(('kind', 'fields', 'blocks', 'formula'), FORMULAS)
def test_formula_on_sequences_and_maps(kind, fields, blocks, formula):
    params = random(kind, fields, blocks)
    expected = formula(jax.tree.map(np.float64, params), X.astype(np.float64), blocks)
    np.testing.assert_allclose(ridden(kind, fields, params, blocks), expected, rtol=1e-5, atol=1e-5)
    y = ridden(kind, fields, params, blocks, x=X.reshape(2, 2, 2, C))
    np.testing.assert_allclose(np.asarray(y).reshape(X.shape), expected, rtol=1e-5, atol=1e-5)


STARTS = [
    ('hyper_connections', {'streams': 4}, {}, lambda x: 4 * pre({}, x, 2)),
    ('manifold_hyper_connections', {}, {'hyper_connections_initial': 0.0}, lambda x: pre({}, x, 2)),
    ('depth_weighted_average', {}, {}, lambda x: pre({}, x, 2)),
]


@pytest.mark.parametrize(('kind', 'fields', 'knobs', 'formula'), STARTS)
def test_it_starts_as_a_pre_norm_residual(kind, fields, knobs, formula):
    params = started(kind, fields, knobs=knobs)
    np.testing.assert_allclose(ridden(kind, fields, params), formula(X.astype(np.float64)), rtol=1e-5, atol=1e-5)


def test_attention_residuals_start_as_means():
    outputs = [X.astype(np.float64)]
    for _ in range(4):
        outputs.append(f(np.mean(outputs, axis=0)))
    params = started('attention_residuals', {})
    assert 'branch_0' not in params
    np.testing.assert_allclose(ridden('attention_residuals', {}, params), np.mean(outputs, axis=0), rtol=1e-5, atol=1e-5)


def test_attention_residuals_look_up_by_direction_not_by_size():
    params = random('attention_residuals', {}, 1)
    small, large = (ridden('attention_residuals', {}, params, 1, x=size * X, stop=True) for size in (1, 100))
    keys = [np.asarray(v / jnp.sqrt(jnp.square(v).mean(-1, keepdims=True))) for v in (small[0], large[0])]
    np.testing.assert_allclose(*keys, rtol=1e-5)
    assert len(small) == len(large) == 3


def test_manifold_streams_start_close_to_a_pre_norm_residual_and_part():
    params = started('manifold_hyper_connections', {})
    streams = np.asarray(ridden('manifold_hyper_connections', {}, params, stop=True))
    expected = pre({}, X.astype(np.float64), 2)
    np.testing.assert_allclose(streams.mean(-2), expected, atol=0.05)
    assert np.abs(streams[..., 0, :] - streams[..., 1, :]).max() > 1e-4


def test_the_mixing_matrix_moves_the_streams():
    # Row s of H_res says what stream s takes: here stream 0 takes all of 1, 1 of 2, and 2 of 0.
    taken = np.array([1, 2, 0])
    bias = 40 * np.eye(3, dtype=np.float32)[taken].reshape(-1)
    params = jax.tree.map(np.zeros_like, random('manifold_hyper_connections', {'streams': 3}, 1)['branch_0'])
    params['res']['bias'] = bias
    stream = np.random.default_rng(3).normal(size=(2, 4, 3, C)).astype(np.float32)
    rule = RESIDUALS['manifold_hyper_connections'](streams=3)
    nothing = Branch(lambda y, context: y, norm, lambda y, context: jnp.zeros_like(y))
    y = jax.jit(lambda: rule.apply({'params': params}, jnp.asarray(stream), nothing, Context()))()
    np.testing.assert_allclose(y, stream[..., taken, :], rtol=1e-5, atol=1e-6)


def test_first_values_and_the_knobs_that_replace_them():
    first = started('hyper_connections', {'streams': 3})
    for i in range(4):
        width, depth = first[f'branch_{i}']['width'], first[f'branch_{i}']['depth']
        np.testing.assert_array_equal(width['bias'], np.concatenate([np.eye(3)[:, [i % 3]], np.eye(3)], axis=1))
        np.testing.assert_array_equal(depth['bias'], np.ones((3, 1)))
        assert not width['kernel'].any() and not depth['kernel'].any()
        assert width['gain'] == depth['gain'] == np.float32(0.01)
    knobs = {'hyper_connections_initial': 0.5}
    first = started('manifold_hyper_connections', {'streams': 3, 'identity': 2.0}, 1, knobs)
    assert first['branch_1']['res']['gain'] == first['leave']['gain'] == 0.5
    np.testing.assert_array_equal(first['branch_1']['res']['bias'], 2 * np.eye(3).reshape(-1))
    np.testing.assert_allclose(first['branch_1']['pre']['bias'], -math.log(2), rtol=1e-6)
    first = started('manifold_hyper_connections', {}, 1, {'hyper_connections_identity': 3.0})
    np.testing.assert_array_equal(first['branch_0']['res']['bias'], 3 * np.eye(4).reshape(-1))
    np.testing.assert_array_equal(started('value_residual', {}, 1)['branch_1']['scale'], [0.5, 0.5])
    first = started('value_residual', {'initial': 0.2}, 1, {'value_residual_initial': 0.75})
    np.testing.assert_array_equal(first['branch_1']['scale'], [0.75, 0.75])


@pytest.mark.parametrize(
    ('branches', 'depth', 'layer', 'closing', 'expected'),
    [(8, 4, 3, False, 6), (8, 4, 3, True, 7), (4, 4, 3, True, 3), (2, 2, 0, True, 0), (1, 2, 1, True, 1)],
)
def test_branches_are_numbered_through_the_body(branches, depth, layer, closing, expected):
    context = Context(branches=branches, depth=depth, layer=layer)
    assert number(context, closing) == expected


@pytest.mark.parametrize('kind', KINDS)
def test_streams_keep_the_type_of_the_input(kind):
    params = random(kind, {})

    def made(stop):
        stack = Stack(kind, {}, stop=stop)
        x = jnp.zeros(X.shape, jnp.bfloat16)
        return jax.tree.leaves(jax.eval_shape(lambda: stack.apply({'params': params}, x, Context())))

    assert {leaf.dtype for leaf in made(True) + made(False)} == {jnp.dtype(jnp.bfloat16)}


@pytest.mark.parametrize('kind', KINDS)
def test_stochastic_depth_drops_the_branch_and_nothing_else(kind):
    params = random(kind, {})
    zero = Branch(lambda y, context: y, norm, lambda y, context: after(y, context) * 0)

    def y(branch, rate, stream):
        # The last of two blocks, where branches are dropped for certain.
        context = Context(train=True, knobs={'drop_path': rate}, layer=1, depth=2, branches=4)
        cls = RESIDUALS[kind]
        rule = cls(**dict.fromkeys({'closing'} & set(cls.__dataclass_fields__), False))
        own = {'params': params.get('branch_2', {})}
        return rule.apply(own, stream, branch, context, rngs={'noise': jax.random.key(0)})

    @jax.jit
    def all_three():
        stream = Stack(kind, {}, 1, stop=True).apply({'params': params}, jnp.asarray(X), Context())
        return y(BRANCH, 1.0, stream), y(zero, 0.0, stream), y(BRANCH, 0.0, stream)

    dropped, without, whole = all_three()
    # Sums over 6 channels and a few streams on the way.
    assert_same_numbers(without, dropped, 16)
    assert any(np.abs(left - right).max() > 0.01 for left, right in zip(*map(jax.tree.leaves, (dropped, whole)), strict=True))


STILL = {'manifold_hyper_connections': {f'branch_0/res/{leaf}' for leaf in ('kernel', 'bias', 'gain')}}
"""Parameters without effect: the first mixing matrix, whose rows sum to 1, mixes copies."""


@pytest.mark.slow
@pytest.mark.parametrize('kind', KINDS)
def test_every_parameter_receives_a_gradient(kind):
    params, weights = random(kind, {}), np.random.default_rng(5).normal(size=X.shape).astype(np.float32)
    stack = Stack(kind, {})
    slopes = jax.jit(jax.grad(lambda params: jnp.sum(weights * stack.apply({'params': params}, X, Context()))))(params)
    leaves = jax.tree_util.tree_leaves_with_path(slopes)
    largest = max(float(jnp.abs(slope).max()) for _, slope in leaves)
    names = {jax.tree_util.keystr(path, simple=True, separator='/') for path, _ in leaves}
    alive = {jax.tree_util.keystr(path, simple=True, separator='/') for path, s in leaves if jnp.abs(s).max() > 1e-5 * largest}
    assert names - alive <= STILL.get(kind, set())


def config(task, kind, **fields):
    base = copy.deepcopy(TASKS[task].base)
    base['residual'] = {'kind': kind, **fields}
    if task == 'digits' and kind == 'value_residual':
        base['mixer'] = {'kind': 'attention', 'heads': 2}
    if kind == 'first_values':
        base['mixer'] = {'kind': 'rwkv7', 'heads': 2, 'rank': 2, 'gate_rank': 2, 'value_rank': 2}
    return base


IDS = np.random.default_rng(2).integers(12, size=(4, 6)).astype(np.int32)


@pytest.mark.slow
@pytest.mark.parametrize('kind', ['manifold_hyper_connections', 'depth_weighted_average', 'value_residual'])
def test_a_decoder_learns_with_it(kind):
    model, targets = build(config('recall', kind)), jax.nn.one_hot(IDS[:, ::-1], 12)

    def loss(params):
        y = model.apply(params, {}, IDS, knobs={}, key=jax.random.key(1), train=True)[0]
        return -(targets * jax.nn.log_softmax(y)).sum(-1).mean()

    def step(params, _):
        value, slopes = jax.value_and_grad(loss)(params)
        return jax.tree.map(lambda leaf, slope: leaf - 3e-3 * jnp.sign(slope), params, slopes), value

    losses = jax.jit(lambda: jax.lax.scan(step, model.init(jax.random.key(0), IDS, {})[0], None, length=30)[1])()
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.slow
@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('task', ['recall', 'digits'])
def test_it_works_on_tokens_and_in_stages_of_maps(task, kind):
    model = build(config(task, kind))
    x, shape = (IDS, (4, 6, 12)) if task == 'recall' else (np.zeros((2, 8, 8, 1), np.float32), (2, 10))

    def run():
        params, state = model.init(jax.random.key(0), x, {})
        return model.apply(params, state, x, knobs={}, key=jax.random.key(1), train=True)[0]

    assert jax.eval_shape(run).shape == shape


@pytest.mark.parametrize('kind', ['hyper_connections', pytest.param('manifold_hyper_connections', marks=pytest.mark.slow)])
def test_a_scan_over_depth_is_the_loop(kind):
    loop, scan = config('recall', kind), config('recall', kind)
    scan['body']['over_depth'] = 'scan'
    loop, scan = build(loop), build(scan)
    # Away from the first values, where streams are alike.
    params, _ = drawn(*jax.eval_shape(lambda: scan.init(jax.random.key(0), IDS, {})))

    def scores(model, params):
        return jax.jit(lambda params: model.apply(params, {}, IDS, knobs={}, key=jax.random.key(1), train=False)[0])(params)

    assert_same_numbers(scores(loop, unstacked(params, {'blocks_0': range(2)})), scores(scan, params), ROUNDINGS)


def test_first_values_in_a_scan_go_by_the_number_of_the_branch():
    given = config('recall', 'hyper_connections', streams=3)
    given['body']['over_depth'] = 'scan'
    model = build(given)

    @jax.jit
    def first():
        blocks = model.init(jax.random.key(0), IDS, {})[0]['blocks_0']
        return [blocks[f'residual_{branch}']['width']['bias'] for branch in ('mixer', 'channel')]

    for branch, both in enumerate(first()):
        for layer, bias in enumerate(both):
            number = 2 * layer + branch
            np.testing.assert_array_equal(bias, np.concatenate([np.eye(3)[:, [number % 3]], np.eye(3)], axis=1))


def test_only_mixers_after_the_first_block_mix_values():
    model = build(config('recall', 'value_residual'))
    params = jax.eval_shape(lambda: model.init(jax.random.key(0), IDS, {})[0])
    having = [f'{block}/{name}' for block, part in params.items() for name in part if name.startswith('residual')]
    assert having == ['block_1/residual_mixer']


def test_blocks_after_the_first_blend_its_values_in_each_direction():
    given = config('recall', 'first_values')
    for causal, ways in ((True, {'forward'}), (False, {'forward', 'backward'})):
        own = {**given, 'body': {**given['body'], 'causal': causal}, 'head': {'kind': 'classifier', 'outputs': 3}}
        model = build(own)
        params = jax.eval_shape(lambda model=model: model.init(jax.random.key(0), IDS, {})[0])
        having = {
            f'{block}/{way}' for block in ('block_0', 'block_1') for way in ways if 'first' in params[block]['mixer'][way]
        }
        assert having == {f'block_1/{way}' for way in ways}


REFUSED = [
    ('value_residual', {'mixer': {'kind': 'depthwise_conv', 'kernel': 3}}, 'mixes the values of attention'),
    ('first_values', {'mixer': {'kind': 'depthwise_conv', 'kernel': 3}}, "allowed with it: \\['rwkv7'\\]"),
    ('attention_residuals', {'over_depth': 'scan'}, 'not the same program at every depth'),
    ('depth_weighted_average', {'over_depth': 'scan'}, 'not the same program at every depth'),
    ('hyper_connections', {'streams': 0}, 'streams=0'),
    ('manifold_hyper_connections', {'streams': 1}, 'streams=1 .* 2 or more'),
    ('manifold_hyper_connections', {'steps': 0}, 'steps=0 .* 1 or more'),
    ('depth_weighted_average', {'dilation': 0}, 'dilation=0'),
    ('depth_weighted_average', {'period': 0}, 'period=0'),
]


@pytest.mark.parametrize(('kind', 'change', 'says'), REFUSED)
def test_what_cannot_be_is_refused(kind, change, says):
    given = config('recall', kind, **{name: value for name, value in change.items() if name not in ('mixer', 'over_depth')})
    given['mixer'] = change.get('mixer', given['mixer'])
    given['body']['over_depth'] = change.get('over_depth', 'loop')
    with pytest.raises(ValueError, match=says):
        jax.eval_shape(lambda: build(given).init(jax.random.key(0), IDS, {}))
