"""Which whole models a kind is tried in, which cuts are tried for a leak, and what is said of one that generates otherwise."""

import importlib
from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest

from arch.block import Mixer
from arch.contracts.programs import Programs, shared
from arch.probe import PLAIN, probe
from arch.shape_lines import SIZES, shape_lines
from arch.sockets import TABLES

whole = importlib.import_module('arch.contracts.whole')  # the package has its rule of this name
V, C = SIZES['V'], SIZES['C']


def alone(family: str, kind: str, line: int = 0):
    return probe(family, kind, TABLES, shape_lines(TABLES[family][kind])[line])


@pytest.fixture
def around(monkeypatch):
    """The models that a kind is tried in: {body: {socket: what differs from the plain one}}, and their inputs."""

    def told(block) -> tuple[dict, dict]:
        configs, inputs = {}, {}
        monkeypatch.setattr(whole, 'build', lambda config, tables: config)
        for causal in (True, False):
            for body, config, x in whole.models(block, causal):
                configs[body] = {
                    name: spec for name, spec in config.items() if spec != PLAIN[name] and name not in ('stem', 'head', 'body')
                }
                scans = config['residual']['kind'] not in (
                    'value_residual',
                    'first_values',
                )  # other programs in the first layer
                assert config['body'].get('over_depth') == ('scan' if scans else None)
                assert config['body'].get('causal', False) == causal
                ids = 'tokens' in body
                assert config['stem']['kind'] == ('tokens' if ids else 'patchify') or block.family == 'stem'
                inputs[body] = x.shape, x.dtype
                assert set(np.unique(x)) == set(range(V)) if ids else abs(x.std() - 1) < 0.1
                own, given = config[block.family], block.fields if block.family in ENDS else {}
                assert own == {
                    'kind': block.kind,
                    **{name: given[name] for name in ENDS.get(block.family, ()) if name in given},
                }
        return configs, inputs

    return told


ENDS = {'stem': ('vocabulary',), 'head': ('outputs',)}
BETWEEN = {'downsample': {'kind': 'separate_conv'}}
MAPS, TEXT = ((2, 8, 8, 3), np.float32), ((2, 40), np.int32)


def test_a_mixer_is_tried_in_every_body_with_all_that_it_takes(around):
    laden = {
        'mixer': {'kind': 'attention'},
        'position': {'kind': 'rotary'},
        'qk_norm': {'kind': 'rms_norm'},
        'residual': {'kind': 'value_residual'},
    }
    configs, inputs = around(alone('mixer', 'attention'))
    assert configs == {'causal tokens': laden, 'tokens': laden} and inputs == {'causal tokens': TEXT, 'tokens': TEXT}
    configs, inputs = around(alone('mixer', 'attention', 1))
    assert configs == {'maps': laden, 'stages': {**laden, **BETWEEN}} and inputs == {'maps': MAPS, 'stages': MAPS}
    conv, _ = around(alone('mixer', 'conv'))
    assert conv == {'causal tokens': {'mixer': {'kind': 'conv'}}, 'tokens': {'mixer': {'kind': 'conv'}}}


def test_other_kinds_are_tried_with_a_mixer_that_meets_their_needs(around):
    configs, _ = around(alone('position', 'alibi'))
    own = {'position': {'kind': 'alibi'}, 'mixer': {'kind': 'attention'}}
    assert configs == {'causal tokens': own, 'tokens': own}
    configs, _ = around(alone('norm', 'rms_norm'))
    own = {'norm': {'kind': 'rms_norm'}, 'qk_norm': {'kind': 'rms_norm'}, 'mixer': {'kind': 'attention'}}
    assert configs == {'causal tokens': own, 'tokens': own}
    configs, _ = around(alone('norm', 'group_norm'))
    assert configs == {'tokens': {'norm': {'kind': 'group_norm'}}}
    configs, _ = around(alone('residual', 'value_residual'))
    own = {'residual': {'kind': 'value_residual'}, 'mixer': {'kind': 'attention'}}
    assert configs == {'causal tokens': own, 'tokens': own}
    configs, _ = around(alone('channel', 'gated', 1))
    own = {'channel': {'kind': 'gated'}}
    assert configs == {'maps': own, 'stages': {**own, **BETWEEN}}


def test_stems_and_heads_are_tried_in_a_causal_body_alone(around):
    for family, kind in (('stem', 'tokens'), ('head', 'next_token'), ('stem', 'hashed_ngrams')):
        assert around(alone(family, kind)) == ({'causal tokens': {}}, {'causal tokens': TEXT})
    for family, kind in (('stem', 'patchify'), ('head', 'classifier'), ('downsample', 'pool_conv'), ('stem', 'waveform')):
        assert around(alone(family, kind)) == ({}, {})


class TakesBias(Mixer):
    """`[B, N, C] -> [B, N, C]`"""

    FITS = ('isotropic', 'causal', 'bidirectional', 'tokens')
    TAKES = ('bias',)


class TakesNothing(TakesBias):
    """`[B, N, C] -> [B, N, C]`"""

    TAKES = ()


def test_the_first_mixer_that_meets_a_need_is_taken(around):
    assert around(alone('position', 'learned'))[0]['tokens']['mixer'] == {'kind': 'attention'}
    own = {'nothing': TakesNothing, 'bias': TakesBias, **TABLES['mixer']}
    tables = {**TABLES, 'mixer': own}
    block = probe('position', 'alibi', tables, shape_lines(TABLES['position']['alibi'])[0])
    assert around(block)[0]['tokens']['mixer'] == {'kind': 'bias'}
    biased = probe('mixer', 'bias', tables, shape_lines(TakesBias)[0])
    assert around(biased)[0]['tokens'] == {'mixer': {'kind': 'bias'}, 'position': {'kind': 'alibi'}}


def test_values_of_the_first_block_are_handed_to_a_mixer_that_takes_them_alone(around):
    residual = around(alone('mixer', 'rwkv7'))[0]['causal tokens']['residual']
    assert residual == {'kind': 'first_values'}


class Asked(list):
    """What `later_leak` was asked for."""

    def __call__(self, run, x, cuts, ids=None, thorough=True):
        self.append((cuts, ids, thorough, np.asarray(run(x)).shape))
        return ''


def same(params, state, x, *, knobs, key, train):
    return x[..., None].astype(jnp.float32) * (2 if train else 1), state, {}


@pytest.mark.parametrize(
    ('length', 'some', 'step'), [(40, [1, 2, 8, 20, 39], 1), (3, [1, 2], 1), (2, [1], 1), (200, [1, 2, 40, 100, 199], 3)]
)
def test_a_few_cuts_are_tried_in_every_way_and_each_in_one(length, some, step, monkeypatch):
    asked = Asked()
    monkeypatch.setattr(whole, 'later_leak', asked)
    model, x = SimpleNamespace(apply=same), np.zeros((2, length), np.int32)
    assert whole.model_leak(model, {}, {}, x, 7, {}, (False,)) == ''
    assert asked == [
        (some, 7, True, (2, length, 1)),
        (list(range(1, length, step)), 7, False, (2, length, 1)),
    ]


def test_a_leak_is_told_with_its_mode_and_equal_modes_are_tried_once(monkeypatch):
    tried = []

    def leaks(run, x, cuts, ids=None, thorough=True):
        tried.append(thorough)
        return '' if thorough else 'a leak'

    monkeypatch.setattr(whole, 'later_leak', leaks)
    x = np.zeros((2, 4), np.int32)
    model = SimpleNamespace(apply=same)
    assert whole.model_leak(model, {}, {}, x, 7, {}) == 'a leak, training'
    assert whole.model_leak(model, {}, {}, x, 7, {}, (False,)) == 'a leak, outside training'
    tried.clear()
    monkeypatch.setattr(whole, 'later_leak', lambda *given, **more: tried.append(1) or '')
    equal = SimpleNamespace(apply=lambda params, state, x, **_: (x[..., None], state, {}))
    assert whole.model_leak(equal, {}, {}, x, 7, {}) == '' and len(tried) == 2
    assert whole.model_leak(model, {}, {}, x, 7, {}) == '' and len(tried) == 6


def test_a_difference_names_the_first_token_and_the_largest(monkeypatch):
    whole_scores = np.ones((2, 3, 4), np.float32) * 2

    class Steps:
        def __init__(self, model, length):
            assert length == 3

        def scores(self, params, state, x, knobs):
            return jnp.asarray(whole_scores) + jnp.asarray([0.0, 1.0, 3.0])[None, :, None] * params['off']

    monkeypatch.setattr(whole, 'Generation', Steps)
    model = SimpleNamespace(apply=lambda *_, **__: (jnp.asarray(whole_scores), {}))
    x = np.zeros((2, 3), np.int32)
    said = 'token by token the scores of token 1 differ by 1.5 of the largest'
    assert whole.difference(model, {'off': jnp.float32(1)}, {}, x, {}) == said
    assert whole.difference(model, {'off': jnp.float32(1e-3)}, {}, x, {}) == ''
    assert whole.difference(model, {'off': jnp.float32(1.4e-3)}, {}, x, {}).startswith('token by token the scores of token 2')


def test_modes_of_one_program_are_one():
    assert [mode for mode, _ in Programs(alone('mixer', 'identity')).modes(causal=False, mixes=False)] == ['training']
    batch = Programs(alone('norm', 'batch_norm'))
    assert [mode for mode, _ in batch.modes(causal=False, mixes=False)] == ['training', 'outside training']
    assert [mode for mode, _ in batch.modes(causal=False, mixes=True)] == ['outside training']
    assert batch.traced(True, False) is batch.traced(True, False) is not batch.traced(False, False)
    known: list = []
    assert shared(batch.traced(True, False), known) is not None and len(known) == 1
    assert shared(batch.traced(True, False), known) is None and len(known) == 1
    assert shared(batch.traced(False, False), known) is not None and len(known) == 2


def test_slopes_of_ids_are_those_of_parameters_alone():
    programs = Programs(alone('stem', 'tokens'))
    (y, state), (by_params, by_x) = programs.slopes(*programs.start, programs.block.x())
    assert y.shape == (7, 6, C) and state == {} and list(by_params) == ['embedding'] and by_x == {}
    assert programs.output.shape == (7, 6, C) and programs.output.dtype == jnp.float32
    assert programs.causal_start is programs.start and programs.knobs == {}
    squashing = Programs(alone('norm', 'dynamic_tanh'))
    assert squashing.knobs == {'alpha0': 0.25, 'alpha0_mixer': 0.25}


def test_rules_on_whole_models_say_what_to_change(monkeypatch):
    programs = Programs(alone('norm', 'layer_norm'))
    monkeypatch.setattr(
        whole, 'models', lambda block, causal: [('tokens', SimpleNamespace(init=lambda *_: ({}, {})), np.ones(2))]
    )
    modes = []
    monkeypatch.setattr(whole, 'model_leak', lambda *given: modes.append((given[4], given[6])) or 'token 0 sees more')
    line = '[B, N, C] -> [B, N, C]'
    assert whole.whole(programs) == f'{line}: in a causal model, token 0 sees more; mask what comes later where context.causal'
    assert whole.whole(Programs(alone('norm', 'batch_norm'))).startswith(line) and modes == [(V, (True, False)), (V, (False,))]
    monkeypatch.setattr(whole, 'difference', lambda *_: 'token by token it differs')
    assert whole.generates(programs) == (
        f'{line}: token by token it differs; keep what is needed of earlier tokens in context.past'
    )
    assert whole.generates(Programs(alone('norm', 'group_norm'))).startswith(line) is TABLES['norm']['group_norm'].GENERATES
    monkeypatch.setattr(whole, 'difference', lambda *_: '')
    monkeypatch.setattr(whole, 'model_leak', lambda *_: '')
    assert whole.generates(programs) == whole.whole(programs) == whole.bodies(programs) == ''
