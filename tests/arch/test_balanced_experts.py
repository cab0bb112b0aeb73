"""Experts as in DeepSeek-V3 against a loop over positions: gates, groups, shared experts, biases that move with the load."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from rounding import assert_same_numbers

from ablations.tasks.bases import decoder
from arch.channel.expert_gates import in_best_groups
from arch.channel.mixture_of_experts import MixtureOfExperts
from arch.context import Context
from arch.contracts import check
from arch.model import build
from arch.model_sockets import Sockets
from arch.ops.lowering import lowering
from arch.probe import PLAIN
from arch.sockets import TABLES

GENERATOR = np.random.default_rng(0)
KIND = 'mixture_of_experts'
X = GENERATOR.normal(size=(2, 7, 6)).astype(np.float32)
EXPERTS, WIDTH, HIDDEN, GROUPS = 6, 6, 3, 3
SILU = {'activation': {'kind': 'silu'}}
FORM = {
    **{'ratio': 0.5, 'experts': EXPERTS, 'top': 3, 'gated': True, 'shared': 2, 'scoring': 'sigmoid', 'scale': 2.5},
    **{'groups': GROUPS, 'top_groups': 2, 'bias_step': 0.25, 'balance': 0.5, 'router_z': 0.0},
}
ROUNDINGS = 60
"""A slope: forward over 6, 3 and 6 channels and 3 gates, back over as many, and a sum over 14 positions."""


def kernel(*shape):
    return {'kernel': GENERATOR.normal(size=shape).astype(np.float32) / 2}


PARAMS = {
    'router': kernel(WIDTH, EXPERTS),
    **{name: kernel(EXPERTS, WIDTH, HIDDEN) for name in ('gate', 'up')},
    'down': kernel(EXPERTS, HIDDEN, WIDTH),
    'shared_experts': {'gate': kernel(WIDTH, 2 * HIDDEN), 'up': kernel(WIDTH, 2 * HIDDEN), 'down': kernel(2 * HIDDEN, WIDTH)},
}
BIAS = np.float32([0.3, -0.2, 0.1, 0.0, 0.4, -0.3])


def silu(x):
    return x / (1 + np.exp(-x))


def gated(x, gate, up, down):
    return (silu(x @ gate) * (x @ up)) @ down


def scored(x):
    return 1 / (1 + np.exp(-(x.reshape(-1, WIDTH).astype(np.float64) @ PARAMS['router']['kernel'])))


def choices(x, bias, top=3, top_groups=2):
    """The experts of each position: of the best groups, each as good as its two experts, the best ones."""
    chosen = []
    for row in scored(x) + bias:
        best = np.argsort(-row.reshape(GROUPS, -1).sum(-1))[:top_groups]
        chosen.append(sorted((e for e in range(EXPERTS) if e // 2 in best), key=lambda e, row=row: -row[e])[:top])
    return chosen


def formula(x, bias, with_shared=True):
    y, kernels = np.zeros((x.size // WIDTH, WIDTH)), {name: PARAMS[name]['kernel'] for name in ('gate', 'up', 'down')}
    shared = {name: part['kernel'] for name, part in PARAMS['shared_experts'].items()}
    for place, (token, row, chosen) in enumerate(
        zip(x.reshape(-1, WIDTH).astype(np.float64), scored(x), choices(x, bias), strict=True)
    ):
        for e in chosen:
            own = (part[e] for part in kernels.values())
            y[place] += 2.5 * row[e] / sum(row[c] for c in chosen) * gated(token, *own)
        y[place] += gated(token, *shared.values()) if with_shared else 0
    return y.reshape(x.shape)


def module(**fields):
    return Sockets({**PLAIN, **SILU, 'channel': {'kind': KIND, **FORM, **fields}}, TABLES).make('channel', name=None)


def applied(x, train=False, bias=BIAS, **fields):
    variables = {'params': PARAMS, 'state': {'bias': jnp.asarray(bias)}}
    run = jax.jit(lambda variables, x: module(**fields).apply(variables, x, Context(train=train), mutable=['state', 'aux']))
    return run(jax.tree.map(jnp.asarray, variables), jnp.asarray(x))


@pytest.mark.parametrize('train', [True, False])
@pytest.mark.parametrize('way', ['auto', 'reference'])
def test_formula(way, train):
    with lowering(way):
        y, _ = applied(X, train)
    np.testing.assert_allclose(y, formula(X, BIAS), rtol=1e-5, atol=1e-5)
    assert choices(X, BIAS) != choices(X, 0)


@pytest.mark.parametrize('way', ['auto', 'reference'])
def test_plain_shared_experts_and_gates_of_a_softmax(way, alone):
    """One expert: what it makes has weight 1, and the shared one is an MLP beside it."""
    params = {'router': kernel(6, 1), 'up': kernel(1, 6, 3), 'down': kernel(1, 3, 6)}
    params['shared_experts'] = {'up': kernel(6, 3), 'down': kernel(3, 6)}
    fields = {'ratio': 0.5, 'experts': 1, 'top': 1, 'shared': 1, 'scale': 0.5}
    with lowering(way):
        y = alone('channel', KIND, fields, params, X, around=SILU)
    x, shared = X.astype(np.float64), params['shared_experts']
    wanted = 0.5 * silu(x @ params['up']['kernel'][0]) @ params['down']['kernel'][0]
    wanted += silu(x @ shared['up']['kernel']) @ shared['down']['kernel']
    np.testing.assert_allclose(y, wanted, rtol=1e-5, atol=1e-5)


def test_a_training_step_moves_each_bias_against_its_load():
    loads = np.bincount(np.concatenate(choices(X, BIAS)), minlength=EXPERTS)
    assert loads.sum() == 3 * 14 and len(set(np.sign(7 - loads))) > 1
    _, changed = applied(X, train=True)
    np.testing.assert_allclose(changed['state']['bias'], BIAS + 0.25 * np.sign(7 - loads), rtol=1e-6)
    _, same = applied(X)
    np.testing.assert_array_equal(same['state']['bias'], BIAS)


def test_loads_of_a_router_of_one_sided_scores_become_even():
    """Every position prefers the same two experts; with biases each is chosen by a third of them, without they alone are."""
    router = np.zeros((6, 6), np.float32)
    router[:, :2] = 2.0
    x = np.abs(GENERATOR.normal(size=(4, 50, 6))).astype(np.float32)
    own = Sockets({**PLAIN, 'channel': {'kind': KIND, 'experts': 6, 'top': 2, 'ratio': 0.5, 'bias_step': 0.02}}, TABLES)
    mixture = own.make('channel', name=None)
    params = {'router': {'kernel': router}, 'up': PARAMS['up'], 'down': PARAMS['down']}

    @jax.jit
    def moved(bias):
        given = {'params': params, 'state': {'bias': bias}}
        return mixture.apply(given, x, Context(train=True), mutable=['state', 'aux'])[1]['state']['bias']

    bias, means = jnp.zeros(6), []
    for _ in range(60):
        bias = moved(bias)
        means.append(np.asarray(bias))
    logits = x.reshape(-1, 6).astype(np.float64) @ router
    shares = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    loads = [np.bincount(np.argsort(-(shares + bias), -1)[:, :2].ravel(), minlength=6) for bias in (0 * means[0], *means[-20:])]
    assert loads[0][:2].tolist() == [200, 200]
    assert (np.mean(loads[1:], 0) > 20).all()


@pytest.mark.parametrize('over', ['batch', 'example'])
def test_balance_is_asked_of_all_positions_or_of_each_example(over):
    _, changed = applied(X, balance_over=over)
    losses = []
    for part in [X] if over == 'batch' else X:
        shares = scored(part) / scored(part).sum(-1, keepdims=True)
        fell = np.bincount(np.concatenate(choices(part, BIAS)), minlength=EXPERTS) / (3 * part.size / WIDTH)
        losses.append(0.5 * EXPERTS * (fell * shares.mean(0)).sum())
    assert float(changed['aux']['expert_balance'][0]) == pytest.approx(np.mean(losses), rel=1e-5)
    assert set(changed['aux']) == {'expert_balance'}


def test_both_ways_have_the_same_gradient():
    def slopes(params, x, way):
        def loss(params):
            given = {'params': params, 'state': {'bias': jnp.asarray(BIAS)}}
            y, changed = module().apply(given, x, Context(train=True), mutable=['aux', 'state'])
            return jnp.sin(y).sum() + sum(value[0] for value in changed['aux'].values())

        with lowering(way):
            return jax.grad(loss)(params)

    params, x = jax.tree.map(jnp.asarray, PARAMS), jnp.asarray(X)
    dense, sorted_ = (jax.jit(slopes, static_argnums=2)(params, x, way) for way in ('auto', 'reference'))
    assert_same_numbers(dense, sorted_, ROUNDINGS)
    assert all(np.abs(leaf).max() > 1e-4 for leaf in jax.tree.leaves(dense))


def test_scores_of_0_have_gates():
    """Sigmoids of -200 are 0 in float32."""
    params = {**PARAMS, 'router': {'kernel': np.full((6, 6), -200.0, np.float32)}}
    given = {'params': params, 'state': {'bias': jnp.asarray(BIAS)}}
    y, _ = module().apply(given, jnp.ones((1, 2, 6)), Context(), mutable=['aux'])
    assert np.isfinite(np.asarray(y)).all()


def test_all_groups_are_no_limit_and_single_experts_are_groups():
    preferred = jnp.asarray(GENERATOR.normal(size=(5, 6)).astype(np.float32))
    assert in_best_groups(preferred, 3, 3) is preferred
    best = np.asarray(in_best_groups(preferred, 6, 2))
    assert (np.isfinite(best).sum(-1) == 2).all() and (best.max(-1) == np.asarray(preferred).max(-1)).all()


class AsInDeepSeek(MixtureOfExperts):
    """All of it at once. `[..., C] -> [..., C]`"""

    gated: bool = True
    shared: int = 1
    scoring: str = 'sigmoid'
    groups: int = 2
    top_groups: int = 1
    bias_step: float = 0.01
    balance_over: str = 'example'


@pytest.mark.parametrize('way', ['auto', 'reference'])
def test_all_of_it_keeps_the_contracts(way):
    """Among them: no example sees another in training, no token a later one, and statistics move in training alone."""
    tables = {**TABLES, 'channel': {**TABLES['channel'], 'as_in_deepseek': AsInDeepSeek}}
    with lowering(way):
        rules = ['flags', 'roles', 'gradient', 'edges', 'lanes', 'scan', 'causal', 'batch', 'statistics', 'generates']
        contracts = check('channel', 'as_in_deepseek', tables, rules, lines=1)
    assert [f'{one.rule}: {one.why}' for one in contracts if not one.holds] == []


def config(**what_differs):
    made = decoder(vocabulary=5, length=6, width=8, depth=3, mixer={'kind': 'identity'}, ratio=2.0)
    body = {**made['body'], **what_differs.pop('body', {})}
    return {**made, 'body': body, 'channel': {'kind': KIND, 'ratio': 1.0, 'bias_step': 0.5}, **what_differs}


@pytest.mark.parametrize('over_depth', ['loop', 'scan'])
def test_a_model_moves_the_biases_of_all_its_layers(over_depth):
    """Also those of layers for tokens ahead, which run in training alone."""
    head = {'kind': 'multi_next_token', 'outputs': 5}
    model, ids = build(config(head=head, body={'over_depth': over_depth})), jnp.asarray([[0, 1, 2, 3, 4, 0]])
    params, state = jax.jit(lambda: model.init(jax.random.key(0), ids, {}))()

    def step(train):
        return jax.jit(lambda: model.apply(params, state, ids, knobs={}, key=jax.random.key(0), train=train)[1])()

    assert all(not leaf.any() for leaf in jax.tree.leaves(state))
    trained, outside = step(True), step(False)
    assert jax.tree.structure(trained) == jax.tree.structure(outside) == jax.tree.structure(state)
    assert sum(leaf.size for leaf in jax.tree.leaves(state)) == 4 * (3 + 1)
    assert all(leaf.any() for leaf in jax.tree.leaves(trained)) and not any(leaf.any() for leaf in jax.tree.leaves(outside))


@pytest.mark.parametrize(
    ('body', 'why'),
    [
        ({'stack': [{'shared': 'all'}]}, 'layers share its parameters'),
        ({'stack': [{}, {'times': 2, 'shared': 'turn'}]}, 'layers share its parameters'),
        ({'kind': 'towers', 'depths': [1, 1], 'depth': None}, 'a tower reads the examples of others too'),
        (
            {'kind': 'perceiver', 'depths': [1, 1], 'latents': 2, 'shared': True, 'depth': None, 'causal': None},
            'readings share its parameters',
        ),
    ],
)
def test_a_layer_that_runs_twice_or_on_others_examples_moves_nothing(body, why):
    whole = config(body=body)
    whole['body'] = {name: value for name, value in whole['body'].items() if value is not None}
    if body.get('kind') == 'perceiver':
        whole |= {'position': {'kind': 'learned', 'length': 6}, 'head': {'kind': 'classifier', 'outputs': 5}}
    with pytest.raises(ValueError, match=f"channel '{KIND}' moves a statistic in each training step, and {why}; allowed: "):
        build(whole)
    build({**whole, 'channel': {'kind': KIND, 'ratio': 1.0}})


def test_a_part_of_a_channel_block_that_layers_share_moves_nothing_either():
    inside = {'kind': 'behind_short_conv', 'channel': {'kind': KIND, 'ratio': 1.0, 'bias_step': 0.5}}
    with pytest.raises(ValueError, match=f"channel.channel: channel '{KIND}' moves a statistic in each training step"):
        build(config(body={'stack': [{'shared': 'all'}]}, channel=inside))
    build(config(body={'stack': [{}]}, channel=inside))


@pytest.mark.parametrize(
    ('fields', 'message'),
    [
        ({'scoring': 'tanh'}, r"scoring='tanh'; allowed: \['softmax', 'sigmoid'\]; change scoring"),
        ({'balance_over': 'token'}, r"balance_over='token'; allowed: \['batch', 'example'\]"),
        ({'groups': 4}, r'groups=4 does not divide experts=6; allowed: \[1, 2, 3, 6\]'),
        ({'top_groups': 4}, 'top_groups=4 is given with groups=3; allowed: 1 to 3; change top_groups'),
        ({'top_groups': 0}, 'top_groups=0 is given with groups=3'),
        ({'top_groups': 1}, 'top=3 is above the 2 experts of top_groups=1 groups; lower top or raise top_groups'),
        ({'shared': -1}, 'shared=-1 is given, allowed is 0 or above; raise shared'),
        ({'bias_step': -0.1}, 'bias_step=-0.1 is given, allowed is 0 or above'),
        ({'scale': 0.0}, 'scale=0.0 is given, allowed is above 0'),
    ],
)
def test_what_no_mixture_can_have(alone, fields, message):
    with pytest.raises(ValueError, match=f"channel 'mixture_of_experts': {message}"):
        alone('channel', KIND, {**FORM, **fields}, {}, X)
