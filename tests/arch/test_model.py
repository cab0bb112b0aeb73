"""Model: init, apply, knobs and statistics; and what can't be composed raises one clear error."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from ablations.tasks.bases import convnext, decoder, vit
from arch.flags import Knob
from arch.model import build
from arch.probe import started
from arch.sockets import TABLES

CONV = convnext(outputs=3, patch=2, widths=[4, 8], depths=[1, 1], kernel=3)
DECODER = decoder(vocabulary=5, length=6, width=8, depth=2, mixer={'kind': 'attention', 'heads': 2}, ratio=2.0)
VIT = vit(outputs=3, patch=2, length=16, width=8, depth=1, heads=2)
IMAGES = jnp.asarray(np.random.default_rng(0).normal(size=(4, 8, 8, 1)), jnp.float32)
IDS = jnp.asarray(np.random.default_rng(0).integers(0, 5, size=(4, 6)), jnp.int32)
KEY = jax.random.key(0)


def drawn(config, x):
    """A model, random parameters and statistics."""
    model = build(config)
    return model, *started(*jax.eval_shape(lambda x: model.init(KEY, x, {}), x))


def shapes(config, x):
    model = build(config)
    params, state = jax.eval_shape(lambda x: model.init(KEY, x, {}), x)
    return jax.eval_shape(lambda p, s, x: model.apply(p, s, x, knobs={}, key=KEY, train=True), params, state, x)


@pytest.mark.parametrize(
    ('config', 'x', 'shape'),
    [(CONV, IMAGES, (4, 3)), (DECODER, IDS, (4, 6, 5)), (VIT, IMAGES, (4, 3))],
    ids=['convnext', 'decoder', 'vit'],
)
def test_scores_statistics_and_losses(config, x, shape):
    y, state, aux = shapes(config, x)
    assert (y.shape, y.dtype, state, aux) == (shape, jnp.float32, {}, {})


def test_the_same_key_draws_the_same_model():
    model, again = build(CONV), build(CONV)
    one, other = (jax.make_jaxpr(lambda key, made=made: made.init(key, IMAGES, {}))(KEY) for made in (model, again))
    assert str(one) == str(other) and all(map(np.array_equal, one.consts, other.consts))
    params, _ = jax.eval_shape(lambda: model.init(KEY, IMAGES, {}))
    assert set(params) == {'stem', 'block_0', 'downsample_1', 'block_1', 'head'}
    assert jax.tree.structure(model.roles(params)) == jax.tree.structure(params)


def test_a_causal_model_does_not_see_later_tokens():
    model, params, state = drawn(DECODER, IDS)
    assert model.causal
    run = jax.jit(lambda x: model.apply(params, state, x, knobs={}, key=KEY, train=False)[0])
    change = np.abs(run(IDS) - run(IDS.at[:, 3].set((IDS[:, 3] + 1) % 5))).max((0, 2))
    assert (change[:3] == 0).all()
    assert (change[3:] > 1e-6).all()


def test_statistics_change_only_in_training():
    model, params, state = drawn({**CONV, 'norm': {'kind': 'batch_norm', 'eps': 1e-5, 'momentum': 0.9}}, IMAGES)
    run = jax.jit(lambda state, train: model.apply(params, state, IMAGES, knobs={}, key=KEY, train=train)[1], static_argnums=1)
    same = jax.tree.map(lambda new, old: bool((new == old).all()), run(state, False), state)
    assert jax.tree.all(same)
    moved = jax.tree.map(lambda new, old: bool((new != old).any()), run(state, True), state)
    assert jax.tree.all(moved)


def test_knobs_are_traced_and_change_the_model():
    model = build({**DECODER, 'norm': {'kind': 'dynamic_tanh', 'alpha0': 0.4}})
    read = {'init_scale': 1.0, 'drop_path': 0.0, 'attention_dropout': 0.0}
    assert model.knobs == {**read, 'alpha0': 0.4, 'alpha0_mixer': 0.5}

    @jax.jit
    def run(knobs):
        params, state = model.init(KEY, IDS, knobs)
        return params, model.apply(params, state, IDS, knobs=knobs, key=KEY, train=True)[0]

    def at(**knobs):
        return run({name: jnp.float32(value) for name, value in {**model.knobs, **knobs}.items()})

    params, y = at()
    wide = at(init_scale=2.0)[0]
    query = params['block_0']['mixer']['query']['kernel']
    np.testing.assert_allclose(wide['block_0']['mixer']['query']['kernel'], 2 * query, rtol=1e-6)
    assert float(at(alpha0=0.9)[0]['head']['norm']['gain']) == pytest.approx(0.9)
    for rate in ('drop_path', 'attention_dropout'):
        assert np.abs(at(**{rate: 0.5})[1] - y).max() > 1e-3
    assert run._cache_size() == 1


class Bounded(nn.Module):
    """Its strength has bounds. `[..., C] -> [..., C]`"""

    KNOBS = {'strength': Knob('strength', low=0.0, high=5.0)}

    strength: float = 1.0

    @nn.compact
    def __call__(self, x, context):
        return x * context.knob('strength', self.strength)


class Narrower(Bounded):
    """The same knob with other bounds. `[..., C] -> [..., C]`"""

    KNOBS = {'strength': Knob(2.0, low=0.5, high=9.0), 'open': Knob(1.0)}


BOUNDED = {**TABLES, 'norm': {**TABLES['norm'], 'bounded': Bounded}, 'mixer': {**TABLES['mixer'], 'narrower': Narrower}}


def test_a_knob_of_two_kinds_lies_within_the_bounds_of_both():
    both = {**DECODER, 'norm': {'kind': 'bounded'}, 'mixer': {'kind': 'narrower'}}
    assert build(both, BOUNDED).knob_bounds == {'strength': (0.5, 5.0), 'open': (-np.inf, np.inf)}
    assert build(DECODER).knob_bounds == {}
    for strength in (0.0, 5.0):
        model = build({**DECODER, 'norm': {'kind': 'bounded', 'strength': strength}}, BOUNDED)
        assert (model.knobs['strength'], model.knob_bounds) == (strength, {'strength': (0.0, 5.0)})


@pytest.mark.parametrize('strength', [-0.5, 5.5])
def test_a_knob_that_begins_outside_its_bounds_is_refused(strength):
    said = f"norm 'bounded': strength={strength:g} is given; allowed: 0 to 5; change it"
    with pytest.raises(ValueError, match=f'^{said}$'):
        build({**DECODER, 'norm': {'kind': 'bounded', 'strength': strength}}, BOUNDED)
    stack = [{}, {'norm': {'kind': 'bounded', 'strength': strength}}]
    with pytest.raises(ValueError, match=rf'^body.stack\[1\]: {said}$'):
        build({**DECODER, 'body': {**DECODER['body'], 'stack': stack}}, BOUNDED)


def test_a_stem_that_makes_a_map_of_tokens_begins_no_causal_body():
    class Squares(nn.Module):
        """`[B, N] -> [B, H, W, C]`"""

        features: int
        vocabulary: int = 5

        @nn.compact
        def __call__(self, x, context):
            return jnp.zeros((len(x), 2, x.shape[1] // 2, self.features))

    model = build({**DECODER, 'stem': {'kind': 'squares'}}, {**TABLES, 'stem': {**TABLES['stem'], 'squares': Squares}})
    with pytest.raises(ValueError, match=r"is causal and its stem gave a map; .* put\('body.causal', False\)"):
        jax.eval_shape(lambda: model.init(KEY, IDS, {}))


def test_a_knob_has_the_value_of_the_field_it_replaces():
    model = build({**CONV, 'residual': {'kind': 'layer_scale', 'initial': 0.25}})
    assert model.knobs['layer_scale_initial'] == 0.25
    assert build({**CONV, 'residual': {'kind': 'layer_scale'}}).knobs['layer_scale_initial'] == 1e-6


def test_knobs_may_be_python_floats():
    model = build(CONV)

    def run(x):
        params, state = model.init(KEY, x, {'drop_path': 0.5})
        return model.apply(params, state, x, knobs={'drop_path': 0.5}, key=KEY, train=True)[0]

    assert jax.eval_shape(run, IMAGES).shape == (4, 3)


def test_losses_of_blocks_are_summed_by_name():
    class Balanced(nn.Module):
        """`[..., C] -> [..., C]`"""

        @nn.compact
        def __call__(self, x, context):
            self.sow('aux', 'balance', jnp.float32(1.5))
            return x

    model = build({**DECODER, 'mixer': {'kind': 'balanced'}}, {**TABLES, 'mixer': {'balanced': Balanced}})

    def run(x):
        params, state = model.init(KEY, x, {})
        return model.apply(params, state, x, knobs={}, key=KEY, train=True)[2]

    assert {name: float(value) for name, value in jax.jit(run)(IDS).items()} == {'balance': 3.0}


REFUSED = [
    (
        'unknown knob',
        CONV,
        {},
        IMAGES,
        r"this model reads no knob \['lr'\]; allowed: \['drop_path', 'init_scale'\]; leave it out",
    ),
    (
        'rotary',
        CONV,
        {'position': {'kind': 'rotary'}},
        IMAGES,
        r"mixer 'depthwise_conv' has none; allowed with it: \['attention', .*swap the mixer or the position",
    ),
    (
        'heads',
        DECODER,
        {'mixer': {'kind': 'attention', 'heads': 3}},
        IDS,
        r'heads=3 does not divide width=8; allowed: \[1, 2, 4, 8\]',
    ),
    ('length', DECODER, {'position': {'kind': 'learned', 'length': 5}}, IDS, 'the input has 6 positions, the table length=5'),
    ('patch', CONV, {'stem': {'kind': 'patchify', 'patch': 3}}, IMAGES, 'patch=3 does not divide the 8 x 8 map'),
    (
        'ids',
        CONV,
        {'stem': {'kind': 'tokens'}},
        IDS,
        r"stem 'tokens' does not work in a hierarchical body; allowed there: \['overlapping_conv', 'patchify'",
    ),
    ('unknown socket', CONV, {'mixr': {'kind': 'pool'}}, IMAGES, r"unknown socket 'mixr'; allowed: .* Did you mean 'mixer'\?"),
    (
        'downsample',
        DECODER,
        {'downsample': {'kind': 'pool_conv'}},
        IDS,
        r"downsample 'pool_conv' does not work in an isotropic body; allowed there: \['none'\]",
    ),
    (
        *('none', CONV, {'downsample': {'kind': 'none'}}, IMAGES),
        r"needs a downsample .*allowed: \['in_block', 'in_block_alone', 'patch_merging'",
    ),
    ('stages', CONV, {'body': {'kind': 'hierarchical', 'widths': [4], 'depths': [1, 1]}}, IMAGES, '1 widths and 2 depths'),
    ('depth', DECODER, {'body': {'kind': 'isotropic', 'width': 8, 'depth': 0}}, IDS, 'depth=0 is given, allowed is above 0'),
    ('widths', CONV, {'body': {'kind': 'hierarchical', 'widths': [4, 0]}}, IMAGES, r'widths\[1\]=0 is given'),
    ('head', CONV, {'head': {'kind': 'next_token'}}, IMAGES, "head 'next_token' does not work in a hierarchical body"),
    (
        'two-way words',
        DECODER,
        {'body': {'kind': 'isotropic', 'width': 8}},
        IDS,
        "'next_token' does not work in a body that is",
    ),
    (
        'causal map',
        VIT,
        {'body': {'kind': 'isotropic', 'width': 8, 'causal': True}},
        IMAGES,
        "'patchify' does not work in a causal",
    ),
    (
        'way',
        CONV,
        {'body': {'kind': 'hierarchical', 'over_depth': 'scna'}},
        IMAGES,
        r"over_depth='scna'; allowed: \['loop', 'scan'\]",
    ),
    (
        'type',
        CONV,
        {'body': {'kind': 'hierarchical', 'compute': 'float16'}},
        IMAGES,
        r"compute='float16'; allowed: \['float32', 'bfl",
    ),
    ('first block', CONV, {'downsample': {'kind': 'in_block'}}, IMAGES, "block 'one_branch' can't; allowed: .*'bottleneck'"),
    (
        'qk norm',
        CONV,
        {'qk_norm': {'kind': 'rms_norm'}},
        IMAGES,
        "qk_norm 'rms_norm' norms queries and keys; mixer 'depthwise_conv'",
    ),
    ('tied head', VIT, {'head': {'kind': 'tied_next_token'}}, IMAGES, "head 'tied_next_token' does not work"),
    ('branch end', CONV, {'initial': {'kind': 'lecun_normal', 'branch_end': 'zeros'}}, IMAGES, "branch_end='zeros'; allowed"),
    ('map head', VIT, {'mixer': {'kind': 'depthwise_conv', 'kernel': 4}}, IMAGES, 'even and has no middle'),
    ('turning map', VIT, {'position': {'kind': 'rotary'}, 'mixer': {'kind': 'attention', 'heads': 4}}, IMAGES, 'head size 2'),
]


@pytest.mark.parametrize(('config', 'change', 'x', 'message'), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_cannot_be_composed_is_refused(config, change, x, message):
    with pytest.raises(ValueError, match=message):
        model = build({**config, **change})
        jax.eval_shape(lambda x: model.init(KEY, x, {} if change else {'lr': 1.0}), x)


def test_a_missing_socket_is_named():
    with pytest.raises(ValueError, match=r"the model config lacks \['norm'\]; it needs all of"):
        build({family: spec for family, spec in CONV.items() if family != 'norm'})
    with pytest.raises(ValueError, match='the model config is a str; allowed: a dictionary of specs'):
        build('convnext')


def test_building_keeps_the_config_as_it_was():
    config = convnext(outputs=3, patch=2, widths=[4, 8], depths=[1, 1], kernel=3)
    model = build(config)
    config['mixer']['kernel'] = 4
    assert jax.eval_shape(lambda x: model.init(KEY, x, {}), IMAGES)[0]['block_0']['mixer']['depthwise']['kernel'].shape == (
        3,
        3,
        4,
    )


AT_BUILD = [
    ({'block': {'kind': 'bottleneck', 'ratio': 0.0}}, 'ratio=0.0 is given'),
    ({'block': {'kind': 'mixer_first', 'norms': 'two'}}, "norms='two'; allowed"),
    ({'mixer': {'kind': 'attention', 'heads': 3}}, 'heads=3 does not divide width=8'),
    ({'mixer': {'kind': 'grouped_query_attention', 'heads': 4, 'kv_heads': 3}}, 'kv_heads=3 does not divide heads=4'),
    ({'mixer': {'kind': 'attention', 'heads': 2, 'biases': 'some'}}, "biases='some'; allowed"),
    ({'mixer': {'kind': 'sliding_window_attention', 'window': 0}}, 'window=0 is given'),
    ({'mixer': {'kind': 'depthwise_conv', 'kernel': 0}}, 'kernel=0 is given'),
    ({'body': {'kind': 'isotropic', 'width': 0, 'causal': True}}, 'width=0 is given'),
    ({'mixer': {'kind': 'attention', 'haeds': 2}}, "Did you mean 'heads'"),
]


@pytest.mark.parametrize(('change', 'message'), AT_BUILD)
def test_what_can_be_known_without_an_input_is_refused_at_build(change, message):
    with pytest.raises(ValueError, match=message):
        build({**DECODER, **change})


def test_a_width_is_checked_in_every_stage_and_inside_a_bottleneck():
    stages = {'mixer': {'kind': 'attention', 'heads': 8, 'biases': 'needed'}, 'norm': {'kind': 'layer_norm'}}
    with pytest.raises(ValueError, match='heads=8 does not divide width=4'):
        build({**CONV, **stages})
    inside = {
        **CONV,
        'block': {'kind': 'bottleneck'},
        'downsample': {'kind': 'in_block'},
        'mixer': {'kind': 'attention', 'heads': 2},
    }
    with pytest.raises(ValueError, match='heads=2 does not divide width=1'):
        build(inside)
    with pytest.raises(ValueError, match='groups=3 does not divide width=4'):
        build({**CONV, 'norm': {'kind': 'group_norm', 'groups': 3}})


@pytest.mark.parametrize(
    ('x', 'message'),
    [
        (
            jnp.zeros((2, 8, 8, 3)),
            r'^an input of shape \(2, 8, 8, 3\) does not fit the parameters: (?!.*https).*"/stem/patches".*; give inputs of '
            r'the size and channels that they were drawn for, or draw new ones by init$',
        ),
        (jnp.zeros((2, 8, 8)), r"stem 'patchify_norm': given float32 of shape \(2, 8, 8\), allowed images"),
        (
            jnp.zeros((2, 8, 8, 1), jnp.int32),
            "given int32 of shape .* scale whole numbers to floats, use stem 'tokens' for ids",
        ),
        (jnp.zeros((2, 7, 8, 1)), 'patch=2 does not divide the 7 x 8 map'),
    ],
    ids=['channels', 'rank', 'type', 'size'],
)
def test_an_input_that_does_not_fit_is_refused(x, message):
    model, params, state = drawn(CONV, IMAGES)
    with pytest.raises(ValueError, match=message):
        model.apply(params, state, x, knobs={}, key=KEY, train=False)
