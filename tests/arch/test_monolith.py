"""Monolith: a whole model of a user's own stands in a study beside composed ones, and what it cannot be asked is said."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from ablations.tasks import TASKS
from arch.contracts import check
from arch.contracts.monoliths import RULES
from arch.cost import cost_of
from arch.generation import Generation
from arch.model import Model, build
from arch.model_sockets import Sockets
from arch.monolith import drawn, is_monolith, monolith, scored
from arch.outline import outline
from arch.sockets import TABLES, load_tables


class Tiny(nn.Module):
    """A convolution, batch norm, dropout. `[B, H, W, I] -> [B, V]`"""

    outputs: int
    width: int = 8
    rate: float = 0.5
    MIXES_BATCH = True

    @nn.compact
    def __call__(self, x, train):
        x = nn.Conv(self.width, (3, 3), use_bias=False)(x)
        x = nn.BatchNorm(use_running_average=not train)(x)
        x = nn.Dropout(self.rate, deterministic=not train)(nn.gelu(x))
        return nn.Dense(self.outputs, name='head')(x.mean((1, 2)))


@dataclasses.dataclass(frozen=True)
class Regression:
    """Softmax regression as a pair of functions. `[B, H, W, I] -> [B, V]`"""

    outputs: int
    ROLES = {'w': 'head'}

    def init(self, key, x):
        return {'w': jax.random.normal(key, (x[0].size, self.outputs)) / x[0].size ** 0.5}, {}

    def apply(self, params, state, x, key, train):
        return x.reshape(len(x), -1) @ params['w'], state


class Tokens(nn.Module):
    """Each token and the mean of those before it. `[B, N] -> [B, N, V]`"""

    outputs: int
    vocabulary: int
    causal: bool
    blind: bool = True

    @nn.compact
    def __call__(self, x, train):
        x = nn.Embed(self.vocabulary, 8, name='embed')(x)
        past = jnp.cumsum(x, 1) / jnp.arange(1, x.shape[1] + 1, dtype=x.dtype)[None, :, None]
        y = x + (past if self.causal and self.blind else x.mean(1, keepdims=True))
        return nn.Dense(self.outputs, name='head')(y)


def tables(**models: type) -> dict:
    return {**TABLES, 'body': {**TABLES['body'], **{kind: monolith(cls) for kind, cls in models.items()}}}


def made(cls: type, task: str = 'digits', **fields: object) -> Model:
    return build({**TASKS[task].base, 'body': {'kind': 'mine', **fields}}, tables(mine=cls))


IMAGES = np.random.default_rng(0).normal(size=(4, 8, 8, 1)).astype(np.float32)


def test_a_flax_module_trains_with_its_own_streams_and_statistics():
    model, key = made(Tiny, width=4), jax.random.key(1)
    params, state = model.init(key, IMAGES, {})
    assert set(params) == {'Conv_0', 'BatchNorm_0', 'head'} and set(state) == {'batch_stats'}
    assert params['head']['kernel'].shape == (4, 10)
    still, same, aux = model.apply(params, state, IMAGES, knobs={}, key=None, train=False)
    noisy, moved, _ = model.apply(params, state, IMAGES, knobs={}, key=key, train=True)
    other, _, _ = model.apply(params, state, IMAGES, knobs={}, key=jax.random.key(2), train=True)
    assert still.shape == (4, 10) and aux == {} and still.dtype == jnp.float32
    jax.tree.map(np.testing.assert_array_equal, same, state)
    assert np.abs(moved['batch_stats']['BatchNorm_0']['mean'] - state['batch_stats']['BatchNorm_0']['mean']).max() > 0
    assert np.abs(noisy - other).max() > 0
    assert model.knobs == {} and not model.causal
    with pytest.raises(ValueError, match=r"reads no knob \['alpha0'\]"):
        model.init(key, IMAGES, {'alpha0': 1.0})
    with pytest.raises(ValueError, match='does not fit the parameters'):
        model.apply(params, state, np.concatenate([IMAGES, IMAGES], -1), knobs={}, key=key, train=False)


def test_a_pair_of_functions_is_a_model_too():
    model = made(Regression)
    params, state = model.init(jax.random.key(0), IMAGES, {})
    y, after, _ = model.apply(params, state, IMAGES, knobs={}, key=None, train=False)
    np.testing.assert_allclose(y, IMAGES.reshape(4, -1) @ params['w'], rtol=1e-5, atol=1e-5)
    assert after == state == {} and model.roles(params) == {'w': 'head'}


@pytest.mark.parametrize(('task', 'causal'), [('stdlib_bytes', True), ('recall', True)])
def test_sizes_and_causality_come_from_the_task(task: str, causal: bool):
    model, base = made(Tokens, task), TASKS[task].base
    ids = np.zeros((2, 5), np.int32)
    params, _ = jax.eval_shape(lambda: model.init(jax.random.key(0), ids, {}))
    assert params['embed']['embedding'].shape[0] == base['stem']['vocabulary']
    assert params['head']['kernel'].shape[1] == base['head']['outputs'] and model.causal is causal


@pytest.mark.parametrize('cls', [Tiny, Regression, Tokens])
def test_a_sound_model_keeps_every_contract_that_can_be_asked(cls: type):
    contracts = check('body', 'mine', tables(mine=cls))
    assert [contract.rule for contract in contracts] == ['definition', *RULES]
    assert [f'{one.rule}: {one.why}' for one in contracts if not one.holds] == []


class Cheats(Tokens):
    """It sees later tokens. `[B, N] -> [B, N, V]`"""

    blind: bool = False


class Gossips(Tiny):
    """It mixes a batch and does not say so. `[B, H, W, I] -> [B, V]`"""

    MIXES_BATCH = False


class Idle(nn.Module):
    """It has a parameter that nothing reads. `[B, H, W, I] -> [B, V]`"""

    outputs: int

    @nn.compact
    def __call__(self, x, train):
        self.param('scale', nn.initializers.ones, (2,))
        return nn.Dense(self.outputs, name='head')(x.mean((1, 2)))


class Nameless(nn.Module):
    """Nobody knows which product is the last. `[B, H, W, I] -> [B, V]`"""

    outputs: int

    @nn.compact
    def __call__(self, x, train):
        return nn.Dense(self.outputs)(nn.gelu(nn.Dense(8)(x.mean((1, 2)))))


class Restless(Tiny):
    """It draws noise outside training. `[B, H, W, I] -> [B, V]`"""

    @nn.compact
    def __call__(self, x, train):
        x = nn.Dropout(self.rate, deterministic=False)(x)
        return nn.Dense(self.outputs, name='head')(x.mean((1, 2)))


@pytest.mark.parametrize(
    ('cls', 'rule', 'why'),
    [
        (Cheats, 'causal', 'sees what comes from token'),
        (Gossips, 'batch', 'examples of a batch see each other, training'),
        (Idle, 'gradient', "['scale'] receive no gradient"),
        (Nameless, 'roles', "ROLES = {'Dense_3/kernel': 'head'}"),
        (Restless, 'shape', "streams of noise are ['dropout', 'noise'], and only where train is true"),
    ],
)
def test_a_broken_model_is_told_what_it_breaks(cls: type, rule: str, why: str):
    broken = {one.rule: one.why for one in check('body', 'mine', tables(mine=cls)) if not one.holds}
    assert why in broken.get(rule, '') and 'https' not in broken[rule], broken


class Misspelt(Tiny):
    """`[B, H, W, I] -> [B, V]`"""

    ROLE = {'w': 'head'}


class Odd(nn.Module):
    """`[B, H, W, I] -> [B, V]`"""

    @nn.compact
    def __call__(self, x):
        return x


@pytest.mark.parametrize(
    ('cls', 'why'),
    [
        (Misspelt, "says ROLE, which is no flag of a model; .* Did you mean 'ROLES'"),
        (Odd, r"can't be called as __call__\(x, train\)"),
        (dict, 'no class of flax.linen.Module and no dataclass'),
        (3, 'no class of flax.linen.Module and no dataclass'),
        (dataclasses.make_dataclass('Half', ['outputs']), r"can't be called as init\(key, x\)"),
    ],
)
def test_what_is_no_model_is_refused(cls: object, why: str):
    with pytest.raises(ValueError, match=why):
        monolith(cls)


class Alone:
    """A pair of functions that give what they are told to."""

    def __init__(self, made=({}, {}), scored=(0.0, {})):
        self.made, self.scored = made, scored

    def init(self, key, x):
        return self.made

    def apply(self, params, state, x, key, train):
        return self.scored


@pytest.mark.parametrize('made', [{}, ({},), ({}, None), ({}, {}, {}), [{}, {}]], ids=str)
def test_first_parameters_are_a_pair_of_dictionaries(made):
    with pytest.raises(ValueError, match=r'init\(key, x\) gave no pair of dictionaries; return params, state'):
        drawn(Alone(made=made), jax.random.key(0), IMAGES)


@pytest.mark.parametrize('given', [0.0, (0.0,), (0.0, {}, {}), [0.0, {}]], ids=str)
def test_scores_come_with_statistics(given):
    with pytest.raises(ValueError, match=r'apply\(params, state, x, key, train\) gave no pair; return scores, state'):
        scored(Alone(scored=given), {}, {}, IMAGES, None, False)


class Counting(nn.Module):
    """It counts its calls, and lets others look inside. `[B, H, W, I] -> [B, V]`"""

    always: bool = False

    @nn.compact
    def __call__(self, x, train):
        count, still = self.variable('calls', 'count', jnp.zeros, ()), self.variable('other', 'still', jnp.ones, ())
        self.sow('intermediates', 'inside', x)
        self.sow('aux', 'beside', x)
        if (train or self.always) and not self.is_initializing():
            count.value = count.value + 1
        return x.mean((1, 2)) * still.value.astype(x.dtype)


def test_statistics_change_in_training_alone_and_others_stay():
    params, state = drawn(Counting(), jax.random.key(0), jnp.asarray(IMAGES))
    assert (params, set(state)) == ({}, {'calls', 'other'})
    for train, count in ((False, 0.0), (True, 1.0)):
        y, after = scored(Counting(), params, state, jnp.asarray(IMAGES, jnp.bfloat16), jax.random.key(1), train)
        assert y.dtype == jnp.float32 and set(after) == set(state)
        assert (float(after['calls']['count']), float(after['other']['still'])) == (count, 1.0)
    with pytest.raises(ValueError, match=r'^(?!.*https).*; running statistics change only where train is true$'):
        scored(Counting(always=True), params, state, jnp.asarray(IMAGES), jax.random.key(1), False)


def test_sizes_come_from_the_head_or_else_from_the_stem():
    base = TASKS['recall'].base
    for head, outputs in (({'kind': 'next_token', 'outputs': 3}, 3), ({'kind': 'tied_next_token'}, 7)):
        config = {**base, 'stem': {'kind': 'tokens', 'vocabulary': 7}, 'head': head, 'body': {'kind': 'mine'}}
        body = Sockets(config, tables(mine=Tokens)).make('body', name=None)
        assert (body.own().outputs, body.own().vocabulary, body.own().causal) == (outputs, 7, True)
        assert body.own(False).causal is False


class Whole(Tokens):
    """It needs all tokens. `[B, N] -> [B, N, V]`"""

    FITS = ('isotropic', 'bidirectional', 'tokens')


def test_a_model_that_is_not_causal_predicts_no_next_token():
    said = r"model 'mine' fits \['isotropic', 'bidirectional', 'tokens'\], and to predict the next token it has to fit 'causal'"
    with pytest.raises(ValueError, match=said):
        made(Whole, 'recall')
    config = {**TASKS['recall'].base, 'body': {'kind': 'mine'}}
    model = build({**config, 'head': {'kind': 'per_token', 'outputs': 5}}, tables(mine=Whole))
    assert not model.causal
    assert is_monolith(config, tables(mine=Whole)) and not is_monolith(TASKS['recall'].base, tables(mine=Whole))


def test_it_is_no_block_and_does_not_go_token_by_token():
    body = Sockets({**TASKS['digits'].base, 'body': {'kind': 'mine'}}, tables(mine=Tiny)).make('body', name=None)
    with pytest.raises(ValueError, match="'mine' is a model of its own and no block; build it by"):
        body(IMAGES, None)
    with pytest.raises(ValueError, match='goes through the kinds of a composed model, and this one is a whole model'):
        Generation(made(Tokens, 'recall'), 4)


def test_only_totals_are_known_of_it():
    config, own = {**TASKS['digits'].base, 'body': {'kind': 'mine', 'width': 4}}, tables(mine=Tiny)
    x = jax.ShapeDtypeStruct((2, 8, 8, 1), jnp.float32)
    costs = cost_of(config, x, own)
    assert costs['params'] == 9 * 4 + 2 * 4 + 4 * 10 + 10 == sum(costs['params_by_role'].values())
    assert costs['macs'] == 64 * 9 * 4 + 4 * 10 and costs['flops'] > 0 and costs['activation_bytes'] > 0
    assert [name for name in costs if '_by_' in name] == ['params_by_role']
    (part,) = outline(config, x, own)
    assert (part.kind, part.shape, part.params) == ('a model of its own', ((10,),), costs['params'])


FILE = (
    'from flax import linen as nn\n\n'
    'class Plain(nn.Module):\n    """`[B, H, W, I] -> [B, V]`"""\n    outputs: int\n    width: int = 8\n\n'
    '    @nn.compact\n    def __call__(self, x, train):\n'
    "        return nn.Dense(self.outputs, name='head')(nn.gelu(nn.Dense(self.width)(x.mean((1, 2)))))\n\n"
    "MODELS = {'plain': Plain}\n"
)
STUDY = (
    'from ablations.study import Study, put, swap\n'
    "study = Study(name='own', question='Which?', blocks='mine.py', tasks=('digits',),\n"
    "              arms={{'base': (), 'plain': ({changes})}})\n"
)


@pytest.mark.parametrize(
    ('changes', 'said'),
    [
        ("swap('body', 'plain', width=16),", ''),
        ("swap('body', 'plain'), put('norm.eps', 1e-5)", "one of your own and has no socket 'norm'"),
        ("swap('body', 'plain', depth=2),", "body 'plain': unknown field 'depth'; allowed: ['width']"),
    ],
)
def test_a_study_has_it_as_an_arm(called: Callable, tmp_path: Path, changes: str, said: str):
    (tmp_path / 'mine.py').write_text(FILE)
    (tmp_path / 'own.py').write_text(STUDY.format(changes=changes))
    done = called('plan', tmp_path / 'own.py')
    assert done.returncode == (2 if said else 0) and said in done.stderr, done.stderr
    if not said:
        shown = called('describe', f'{tmp_path / "own.py"}/plain').stdout
        assert 'Of a model of its own the parts are not known' in shown
        matched = called('match', f'{tmp_path / "own.py"}/plain').stdout
        assert "put('body.width'," in matched


def test_scores_of_another_shape_than_those_of_the_base_are_refused_before_anything_runs(called: Callable, tmp_path: Path):
    (tmp_path / 'mine.py').write_text(FILE.replace('nn.Dense(self.outputs', 'nn.Dense(7'))
    (tmp_path / 'own.py').write_text(STUDY.format(changes="swap('body', 'plain'),"))
    done = called('plan', tmp_path / 'own.py')
    assert done.returncode == 2, done.stderr
    assert "its model 'plain' gives scores [64, 7] for a batch of 64, and the base gives [64, 10]; mend what it" in done.stderr


@pytest.mark.parametrize(
    ('text', 'said'),
    [
        ("MODELS = {'isotropic': Plain}\n", "MODELS has 'isotropic', which the lab uses already"),
        ("MODELS = {'plain': 3}\n", r"MODELS\['plain'\] 3 is no class of flax"),
        ("MODEL = {'plain': Plain}\n", "Did you mean 'MODELS'"),
        ('MODELS = 3\n', 'MODELS is a int; allowed: a dict'),
    ],
)
def test_a_table_of_models_that_cannot_be_used_is_refused(tmp_path: Path, text: str, said: str):
    path = tmp_path / 'mine.py'
    path.write_text(FILE.partition('MODELS')[0] + text)
    with pytest.raises(ValueError, match=said):
        load_tables(str(path))
