"""Token by token a causal model gives what it gives at once, with every kind that says so; what cannot do it is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from arch.block import Mixer
from arch.contracts import check
from arch.contracts.whole import difference
from arch.generation import Generation
from arch.model import build
from arch.probe import PLAIN, started
from arch.sockets import TABLES

N, V = 12, 5
IDS = np.random.default_rng(0).integers(V, size=(3, N), dtype=np.int32)


def model(tables=TABLES, **specs):
    body = {'kind': 'isotropic', 'width': 8, 'depth': 2, 'causal': True}
    stem, head = {'kind': 'tokens', 'vocabulary': V}, {'kind': 'next_token', 'outputs': V}
    config = {**PLAIN, 'stem': stem, 'head': head, **specs, 'body': {**body, **specs.get('body', {})}}
    return build(config, tables)


def drawn(model):
    return started(*jax.eval_shape(lambda x: model.init(jax.random.key(0), x, {}), IDS))


LAYERS = (
    {'mixer': {'kind': 'gated_delta_rule'}, 'block': {'kind': 'mixture_of_depths', 'capacity': 0.3}},
    {'mixer': {'kind': 'native_sparse_attention', 'block': 4, 'selected': 1, 'window': 2, 'span': 4, 'apart': 2}},
    {'mixer': {'kind': 'block_sparse_attention', 'block': 2, 'selected': 1}},
    {'mixer': {'kind': 'sliding_window_attention', 'window': 2}, 'channel': {'kind': 'shifted_mlp'}},
)


def test_layers_that_keep_blocks_windows_states_and_taken_tokens():
    hybrid = model(
        body={'depth': 4, 'stack': LAYERS}, position={'kind': 'rotary'}, stem={'kind': 'hashed_ngrams', 'vocabulary': V}
    )
    params, state = drawn(hybrid)
    assert difference(hybrid, params, state, IDS, {}) == ''


SUMS = (
    {'mixer': {'kind': 'pool', 'window': 2}},
    {'mixer': {'kind': 'conv', 'kernel': 2}, 'norm': {'kind': 'adaptive_layer_norm'}},
    {'mixer': {'kind': 'linear_attention'}, 'channel': {'kind': 'channel_gated_mlp', 'ratio': 1.0}},
    {'mixer': {'kind': 'selective_state_space', 'state': 2}},
    {'mixer': {'kind': 'hyena', 'hidden': 2, 'waves': 1, 'length': N}},
    {'mixer': {'kind': 'attention', 'heads': 2}},
)


@pytest.mark.parametrize('position', [{'kind': 'sinusoidal'}, {'kind': 'alibi'}], ids=lambda spec: spec['kind'])
def test_layers_that_keep_sums_filters_and_inputs(position):
    stack = SUMS if position['kind'] == 'sinusoidal' else SUMS[-1:]
    hybrid = model(body={'depth': len(stack), 'stack': stack}, position=position, channel={'kind': 'mlp', 'ratio': 0.5})
    params, state = drawn(hybrid)
    assert difference(hybrid, params, state, IDS[:, :6], {}) == ''


def test_ngrams_that_count_once_remember_what_stood_before():
    bag = model(body={'depth': 1}, stem={'kind': 'hashed_ngrams', 'vocabulary': V, 'once': True})
    params, state = drawn(bag)
    assert difference(bag, params, state, IDS % 3, {}) == ''


def test_a_text_goes_on_as_the_scores_say():
    plain = model(position={'kind': 'learned', 'length': N}, body={'depth': 1})
    params, state = drawn(plain)
    text = np.asarray(Generation(plain, N).go_on(params, state, IDS[:, :4], jax.random.key(0), temperature=0.0))
    assert (text[:, :4] == IDS[:, :4]).all()
    scores = plain.apply(params, state, text, knobs={}, key=jax.random.key(0), train=False)[0]
    assert (text[:, 4:] == scores.argmax(-1)[:, 3:-1]).all()


class Sees(nn.Module):
    """The mean of what is before. `[B, N, C] -> [B, N, C]`"""

    FITS = ('isotropic', 'causal', 'tokens')

    @nn.compact
    def __call__(self, x, context):
        return jnp.cumsum(x, 1) / jnp.arange(1.0, x.shape[1] + 1)[None, :, None]


class Claims(Sees):
    """A mean that keeps nothing, and says otherwise. `[B, N, C] -> [B, N, C]`"""

    GENERATES = True


def test_what_keeps_nothing_is_refused_and_what_only_says_so_is_found():
    tables = {**TABLES, 'mixer': {**TABLES['mixer'], 'sees': Sees, 'claims': Claims}}
    honest, other = model(tables, mixer={'kind': 'sees'}), model(tables, mixer={'kind': 'claims'})
    with pytest.raises(ValueError, match="mixer 'sees' keeps nothing of earlier tokens, which generation needs; allowed: "):
        Generation(honest, N).start(*drawn(honest), IDS)
    assert 'the scores of token 1 differ by' in difference(other, *drawn(other), IDS, {})
    hybrid = model(tables, body={'stack': [{}, {'mixer': {'kind': 'sees'}}]})
    with pytest.raises(
        ValueError, match=r"^body.stack\[1\]: mixer 'sees' keeps nothing .*; allowed: \[.*'claims'.*\]; swap"
    ) as said:
        Generation(hybrid, N).start(*drawn(hybrid), IDS)
    assert "'sees'" not in str(said.value).partition('allowed')[2]


def test_texts_that_do_not_fit_and_temperatures_below_0_are_refused():
    plain, key = model(), jax.random.key(0)
    steps, (params, state) = Generation(plain, 4), drawn(plain)
    for tokens in (0, 5):
        with pytest.raises(ValueError, match=rf'texts of {tokens} tokens; allowed: 1 to length=4'):
            steps.go_on(params, state, np.zeros((2, tokens), np.int32), key)
        with pytest.raises(ValueError, match=rf'texts of {tokens} tokens'):
            steps.scores(params, state, np.zeros((2, tokens), np.int32))
    with pytest.raises(ValueError, match=r'temperature=-1; allowed: 0 \(the largest score\) or more'):
        steps.go_on(params, state, IDS[:, :2], key, temperature=-1)


def test_a_text_as_long_as_it_may_be_stays_and_a_hot_one_is_drawn():
    """At a very low temperature the largest scores are drawn, at a very high one all tokens are."""
    steps, (params, state) = Generation(HEARD, N), drawn(HEARD)
    assert (steps.go_on(params, state, IDS, jax.random.key(0)) == IDS).all()
    cold, best, hot = (steps.go_on(params, state, IDS[:, :1], jax.random.key(1), temperature=one) for one in (1e-6, 0.0, 1e6))
    assert (cold == best).all() and (cold[:, :1] == IDS[:, :1]).all() and len(np.unique(hot)) == V


HEARD = model(body={'depth': 1}, block={'kind': 'mixer_only'}, mixer={'kind': 'identity'})


def test_a_full_layer_lets_later_tokens_pass_though_they_want_in():
    """Of twelve tokens that all want in, the first three go through the layer."""
    routed = model(
        body={'depth': 1},
        block={'kind': 'mixture_of_depths', 'capacity': 0.25},
        mixer={'kind': 'identity'},
        channel={'kind': 'mlp', 'ratio': 0.5},
    )
    params, state = drawn(routed)
    params['block_0']['router']['bias'] = params['block_0']['router']['bias'] + 50
    assert difference(routed, params, state, IDS, {}) == ''


class Louder(nn.Module):
    """`[B, N, C] -> [B, N, C]`"""

    GENERATES = True
    KNOBS = {'loudness': 1.0}

    @nn.compact
    def __call__(self, x, context):
        return x * jnp.sin(context.knob('loudness', 1.0) * x)


def test_knobs_reach_every_step():
    tables = {**TABLES, 'mixer': {**TABLES['mixer'], 'louder': Louder}}
    loud = model(tables, body={'depth': 1}, block={'kind': 'mixer_only'}, mixer={'kind': 'louder'})
    steps, (params, state) = Generation(loud, N), drawn(loud)
    made = []
    for knobs in (None, {'loudness': 1.0}, {'loudness': 3.0}):
        memory = steps.start(params, state, IDS, knobs)
        made.append(np.asarray(steps.step(params, state, memory, IDS[:, 0], knobs)[0]))
    assert (made[0] == made[1]).all() and abs(made[1] - made[2]).max() > 1e-3


def test_a_router_that_looks_at_later_tokens_is_refused():
    routed = model(body={'causal': False}, block={'kind': 'mixture_of_depths'}, head={'kind': 'per_token', 'outputs': V})
    with pytest.raises(ValueError, match="body 'isotropic' is not causal: its tokens, and its routers, look at later ones"):
        Generation(routed, N).start(*drawn(routed), IDS)


MIXERS = [kind for kind, cls in TABLES['mixer'].items() if 'causal' in cls.FITS]


def test_every_causal_mixer_generates():
    assert [kind for kind in MIXERS if not TABLES['mixer'][kind].GENERATES] == []


KEEPING = ('stem', 'position', 'block', 'mixer', 'norm', 'channel', 'residual', 'activation', 'head')
ENTRIES = [(family, kind) for family in KEEPING for kind in TABLES[family]]


class Forgets(Mixer):
    """The mean of the tokens so far, which keeps nothing of them. `[B, N, C] -> [B, N, C]`"""

    FITS = ('isotropic', 'causal', 'tokens')
    GENERATES = True

    @nn.compact
    def __call__(self, x, context):
        return jnp.cumsum(x, 1) / jnp.arange(1, x.shape[1] + 1, dtype=x.dtype)[None, :, None]


def test_a_mixer_that_forgets_what_it_read_is_seen():
    tables = {**TABLES, 'mixer': {**TABLES['mixer'], 'forgets': Forgets}}
    why = {one.rule: one.why for one in check('mixer', 'forgets', tables, rules=['generates'])}
    assert 'keep what is needed of earlier tokens in context.past' in why['generates']


@pytest.mark.slow
@pytest.mark.parametrize(('family', 'kind'), ENTRIES)
def test_every_entry_generates_as_it_says(family, kind):
    assert [contract.why for contract in check(family, kind, rules=['generates']) if not contract.holds] == []
