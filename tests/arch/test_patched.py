"""Patched: blocks over patches and inside them, against numpy; what a token is told from; and what it refuses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from arch.contracts.whole import difference
from arch.cost import cost_of
from arch.generation import Generation
from arch.model import build
from arch.past import Past
from arch.probe import PLAIN, started
from arch.roles import names

WIDE, SMALL, V, N, PATCH = 8, 6, 5, 7, 3
IDS = np.random.default_rng(0).integers(V, size=(2, N), dtype=np.int32)
BODY = {'kind': 'patched', 'width': WIDE, 'inner_width': SMALL, 'depths': (2, 1), 'patch': PATCH}


def config(**specs):
    return {
        **PLAIN,
        'stem': {'kind': 'tokens', 'vocabulary': V},
        'block': {'kind': 'mixer_only'},
        'mixer': {'kind': 'depthwise_conv', 'kernel': 2},
        'norm': {'kind': 'rms_norm'},
        'head': {'kind': 'next_token', 'outputs': V},
        **specs,
        'body': {**BODY, **specs.get('body', {})},
    }


def drawn(model, x=IDS):
    return started(*jax.eval_shape(lambda: model.init(jax.random.key(0), x, {})))


def scores(model, params, state, x=IDS):
    run = jax.jit(lambda params, x: model.apply(params, state, x, knobs={}, key=jax.random.key(0), train=False)[0])
    return np.asarray(run(params, x))


def product(x, params):
    return x @ params['kernel'] + params.get('bias', 0)


def rms(x, params):
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6) * params['scale']


def block(h, params):
    """h + conv(norm(h)), two taps back from each position of `[n, C]`."""
    normed, mixer = rms(h, params['norm']), params['mixer']['depthwise']
    taps = np.asarray(mixer['kernel']).reshape(2, -1)
    return h + np.concatenate([np.zeros_like(normed[:1]), normed])[:-1] * taps[0] + normed * taps[1] + mixer['bias']


def told(params, ids, coded=lambda patch: patch):
    """The scores after each token of one text, patch by patch and place by place. `coded`: what large blocks see of a patch."""
    table = np.asarray(params['stem']['embedding'], np.float64)
    ids = [*ids, *[None] * (-len(ids) % PATCH)]
    tokens = [np.zeros(SMALL) if number is None else table[number] for number in ids]
    patches = [product(np.concatenate(tokens[at : at + PATCH]), params['join']) for at in range(0, len(tokens), PATCH)]
    over = np.stack([coded(patch) for patch in patches])
    for number in (0, 1):
        over = block(over, params[f'block_{number}'])
    made = {}
    for patch in range(len(patches) + 1):
        before = over[patch - 1] if patch else np.zeros(WIDE)
        vectors = product(before, params['hand_on']).reshape(PATCH, SMALL)
        for place in range(1, PATCH):
            at = patch * PATCH + place - 1
            vectors[place] += tokens[at] if at < len(tokens) else 0
        inside = block(vectors, params['block_2'])
        for place in range(PATCH):
            # What stands at a place tells the token of that place: it is the score after the token before.
            made[patch * PATCH + place - 1] = product(rms(inside[place], params['head']['norm']), params['head']['head'])
    return np.stack([made[at] for at in range(len(ids))])


@pytest.mark.parametrize('count', [1, 2, 3, 6, 7])
def test_against_numpy(count):
    model = build(config())
    params, state = drawn(model)
    made = scores(model, params, state, IDS[:, :count])
    expected = np.stack([told(params, ids)[:count] for ids in IDS[:, :count]])
    assert made.shape == (2, count, V)
    np.testing.assert_allclose(made, expected, rtol=1e-3, atol=1e-3)


def test_parameters_and_places():
    model = build(config(position={'kind': 'learned'}))
    params, _ = drawn(model)
    rows = sum(params[name]['embedding'].size for name in ('position', 'position_inside'))
    large, small = 2 * (WIDE + 2 * WIDE + WIDE), SMALL + 2 * SMALL + SMALL
    ends = V * SMALL + SMALL + SMALL * V + V
    between = PATCH * SMALL * WIDE + WIDE + WIDE * PATCH * SMALL + PATCH * SMALL
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == large + small + ends + between + rows
    assert rows == 64 * (WIDE + SMALL)
    above = {names(path)[0]: left for path, left in jax.tree_util.tree_leaves_with_path(model.above(params))}
    assert (above['block_0'], above['block_1'], above['block_2'], above['head']) == (3, 2, 1, 0)
    assert above['stem'] == above['position'] == above['join'] == 4 and above['hand_on'] == above['position_inside'] == 1


def test_each_token_is_told_from_all_before_it_and_from_no_other():
    """By changes of one token at a time: within a patch, over its edge, and from far away."""
    model = build(config(mixer={'kind': 'attention', 'heads': 2}, body={'depths': (1, 1)}))
    params, state = drawn(model)
    first = scores(model, params, state)
    for at in range(N):
        other = IDS.copy()
        other[:, at] = (other[:, at] + 1) % V
        changed = np.abs(scores(model, params, state, other) - first).max((0, 2)) > 1e-6
        assert changed.tolist() == [place >= at for place in range(N)], f'token {at}'


def test_large_blocks_cost_a_share():
    """Twice the patch halves what blocks over patches cost, and no more than that changes there."""
    x = jax.ShapeDtypeStruct((1, 48), jnp.int32)
    by_patch = []
    for patch in (2, 4):
        counts = cost_of(config(block={'kind': 'two_branch'}, body={'patch': patch}), x)
        by_patch.append(sum(count for part, count in counts['macs_by_part'].items() if part in ('block_0', 'block_1')))
    assert by_patch[0] == 2 * by_patch[1] > 0


def test_a_scan_gives_what_a_loop_gives():
    depths = {'depths': (2, 2)}
    loop, scan = (build(config(body={**depths, 'over_depth': way})) for way in ('loop', 'scan'))
    params, state = drawn(loop)
    stacked = {name: part for name, part in params.items() if not name.startswith('block')}
    for stage, holds in enumerate(((0, 1), (2, 3))):
        stacked[f'blocks_{stage}'] = jax.tree.map(lambda *leaves: np.stack(leaves), *(params[f'block_{at}'] for at in holds))
    np.testing.assert_allclose(scores(loop, params, state), scores(scan, stacked, state), rtol=1e-4, atol=1e-4)


GENERATED = (
    {'mixer': {'kind': 'attention', 'heads': 1}, 'position': {'kind': 'rotary'}},
    {'position': {'kind': 'learned'}, 'body': {'code_levels': (5, 4), 'over_depth': 'scan', 'depths': (2, 2)}},
    {
        'mixer': {'kind': 'gated_delta_rule'},
        'stem': {'kind': 'hashed_ngrams', 'vocabulary': V},
        'block': {'kind': 'mixture_of_depths', 'capacity': 0.5},
        'body': {'stack': [{}, {'stage': 1, 'mixer': {'kind': 'sliding_window_attention', 'window': 2}}]},
    },
)


@pytest.mark.parametrize('specs', GENERATED, ids=['buffers', 'codes', 'states'])
def test_token_by_token(specs):
    """Over whole patches and a part of one: what large blocks keep goes on by patches, and the inside begins anew in each."""
    model = build(config(**specs))
    ids = np.random.default_rng(1).integers(V, size=(3, 4 * PATCH + 1), dtype=np.int32)
    params, state = drawn(model, ids)
    assert difference(model, params, state, ids, {}) == ''


def test_patches_of_one_text_end_where_those_of_another_do_not():
    """The second text is one token behind the first."""
    model = build(config())
    params, state = drawn(model)
    whole = scores(model, params, state)

    @jax.jit
    def step(memory, token, at, live):
        past = Past(at=at, place=at, live=live, room=N, length=N)
        return model.step(params, state, memory, token[:, None], past=past, knobs={})

    memory = step({}, IDS[:, 0], np.zeros(2, np.int32), np.zeros(2, bool))[1]
    for place in range(N):
        at = np.array([place, max(place - 1, 0)], np.int32)
        made, memory = step(memory, IDS[(0, 1), at], at, np.array([True, place > 0]))
        expected = np.stack([whole[0, place], whole[1, at[1]]])
        np.testing.assert_allclose(made[: 1 + (place > 0), 0], expected[: 1 + (place > 0)], rtol=1e-3, atol=1e-3)


def test_a_text_goes_on_as_the_scores_say():
    model = build(config(body={'depths': (1, 1)}))
    params, state = drawn(model)
    text = Generation(model, 3 * PATCH).go_on(params, state, IDS[:, :4], jax.random.key(0), temperature=0.0)
    assert (text[:, :4] == IDS[:, :4]).all()
    assert (text[:, 4:] == scores(model, params, state, np.asarray(text)).argmax(-1)[:, 3:-1]).all()


@pytest.mark.parametrize(
    'head', [{'kind': 'tied_next_token'}, {'kind': 'multi_next_token', 'outputs': V}, {'kind': 'per_token'}]
)
@pytest.mark.parametrize('position', ['learned', 'rotary', 'alibi'])
def test_other_heads_and_positions(head, position):
    attention = {'mixer': {'kind': 'attention', 'heads': 1}}
    model = build(config(head=head, position={'kind': position}, **attention))
    params, state = drawn(model)
    made = jax.eval_shape(lambda: model.apply(params, state, IDS, knobs={}, key=jax.random.key(0), train=True)[0])
    assert made.shape[:2] == (2, N)


@pytest.mark.parametrize(
    ('specs', 'why'),
    [
        ({'body': {'depths': (2,)}}, r'depths=\[2\]; allowed: two numbers'),
        ({'body': {'depths': (2, 0)}}, r'depths\[1\]=0 is given, allowed is above 0'),
        ({'body': {'patch': 0}}, 'patch=0 is given, allowed is above 0'),
        ({'body': {'causal': False}}, "tells tokens from those before them; causal=False; put.'body.causal', True."),
        ({'mixer': {'kind': 'attention', 'heads': 4}}, 'heads=4 does not divide'),
        ({'head': {'kind': 'first_token_classifier'}}, "head 'first_token_classifier' does not work"),
        ({'residual': {'kind': 'value_embeddings'}, 'mixer': {'kind': 'attention', 'heads': 2}}, 'none for values of'),
    ],
)
def test_refused(specs, why):
    with pytest.raises(ValueError, match=why):
        drawn(build(config(**specs)))
