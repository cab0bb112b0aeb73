"""Stems and downsamples against their formulas in numpy; which inputs and places stems, downsamples and heads refuse."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from end_formulas import GENERATOR, MAP, PLAIN_NORM, RMS_NORM, SCALES, cut, dense, kernel, normed, product, scales

from ablations.tasks.bases import decoder
from arch.context import Context
from arch.downsamples import DOWNSAMPLES
from arch.heads import HEADS
from arch.model import build
from arch.model_sockets import Sockets
from arch.probe import PLAIN
from arch.sockets import TABLES
from arch.stems import STEMS

SAMPLES = GENERATOR.normal(size=(2, 7, 2)).astype(np.float32)
CAUSAL = decoder(vocabulary=5, length=6, width=8, depth=1, mixer={'kind': 'identity'}, ratio=2.0)


def slid(x, params, stride, first):
    """A convolution, one place and one tap at a time; `first`: where the first tap of place 0 stands."""
    lengths, taps = x.shape[1:-1], params['kernel'].shape[:-2]
    y = np.zeros((len(x), *(-(-n // stride) for n in lengths), params['kernel'].shape[-1]))
    for place in np.ndindex(*y.shape[1:-1]):
        for tap in np.ndindex(*taps):
            other = tuple(p * stride + t + first for p, t in zip(place, tap, strict=True))
            if all(0 <= o < n for o, n in zip(other, lengths, strict=True)):
                y[(slice(None), *place)] += x[(slice(None), *other)].astype(np.float64) @ params['kernel'][tap]
    return y + params.get('bias', 0)


def test_patchify_is_one_product_on_each_patch(alone):
    params = dense(12, 5)
    y = alone('stem', 'patchify', {'patch': 2}, {'patches': params}, MAP, features=5)
    np.testing.assert_allclose(y, product(cut(MAP, 2), params), rtol=1e-4, atol=1e-4)


def test_tokens_look_up_a_row(alone):
    table, ids = GENERATOR.normal(size=(7, 5)).astype(np.float32), np.array([[0, 6, 3], [1, 1, 5]], np.int32)
    y = alone('stem', 'tokens', {'vocabulary': 7}, {'embedding': table}, ids, features=5)
    np.testing.assert_array_equal(y, table[ids])


def test_normed_tokens_are_normed_rows(alone):
    table, ids = GENERATOR.normal(size=(7, 5)).astype(np.float32), np.array([[1, 6]])
    own = {'embedding': table, 'norm': scales(5)}
    y = alone('stem', 'normed_tokens', {'vocabulary': 7}, own, ids, features=5, around=RMS_NORM)
    np.testing.assert_allclose(y, normed(table[ids]), rtol=1e-5)


def test_root_scaled_tokens_are_rows_times_the_root_of_the_channels(alone):
    table, ids = GENERATOR.normal(size=(7, 5)).astype(np.float32), np.array([[0, 6, 3], [1, 1, 5]], np.int32)
    y = alone('stem', 'root_scaled_tokens', {'vocabulary': 7}, {'embedding': table}, ids, features=5)
    np.testing.assert_allclose(y, table[ids] * np.sqrt(5), rtol=1e-6)


@pytest.mark.parametrize(('family', 'fields'), [('stem', {'after': 'nothing'}), ('downsample', {})])
def test_strided_conv_slides_or_cuts(alone, family, fields):
    filters = {**kernel(3, 3, 3, 5), 'bias': SCALES[:5]}
    y = alone(family, 'strided_conv', {'kernel': 3, 'factor': 2, **fields}, {'conv': filters}, MAP, features=5)
    np.testing.assert_allclose(y, slid(MAP, filters, 2, -1), rtol=1e-4, atol=1e-4)
    params = dense(12, 5)
    y = alone(family, 'strided_conv', {'kernel': 2, 'factor': 2, **fields}, {'patches': params}, MAP, features=5)
    np.testing.assert_allclose(y, product(cut(MAP, 2), params), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ('family', 'fields', 'before', 'after'),
    [
        ('stem', {'after': 'norm'}, lambda x: x, normed),
        ('stem', {'after': 'activation'}, lambda x: x, lambda y: normed(np.maximum(y, 0))),
        ('stem', {'after': 'norm_activation'}, lambda x: x, lambda y: np.maximum(normed(y), 0)),
        ('downsample', {'norm': True}, normed, lambda y: y),
    ],
)
def test_strided_conv_has_a_norm_where_it_says(alone, family, fields, before, after):
    params = dense(12, 5)
    own = {'patches': params, 'norm': scales(3 if family == 'downsample' else 5)}
    y = alone(family, 'strided_conv', {'kernel': 2, 'factor': 2, **fields}, own, MAP, features=5, around=RMS_NORM)
    np.testing.assert_allclose(y, after(product(cut(before(MAP), 2), params)), rtol=1e-4, atol=1e-4)


def test_separate_conv_is_one_product_on_each_window(alone):
    params = dense(12, 5)
    y = alone('downsample', 'separate_conv', {'factor': 2}, {'patches': params}, MAP, features=5, around=PLAIN_NORM)
    np.testing.assert_allclose(y, product(cut(MAP, 2), params), rtol=1e-4, atol=1e-4)


def test_pool_conv_is_a_product_on_the_mean_of_each_window(alone):
    params = dense(3, 5)
    y = alone('downsample', 'pool_conv', {'factor': 2}, {'project': params}, MAP, features=5, around=PLAIN_NORM)
    mean = cut(MAP, 2).reshape(2, 2, 3, 4, 3).mean(3)
    np.testing.assert_allclose(y, product(mean, params), rtol=1e-4, atol=1e-4)


def test_no_downsample_changes_nothing(alone):
    np.testing.assert_array_equal(alone('downsample', 'none', {}, {}, MAP), MAP)


def test_patchify_norm_norms_each_patch(alone):
    params = dense(12, 5)
    y = alone('stem', 'patchify_norm', {'patch': 2}, {'patches': params, 'norm': scales(5)}, MAP, features=5, around=RMS_NORM)
    np.testing.assert_allclose(y, normed(product(cut(MAP, 2), params)), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('kind', ['patchify_norm', 'overlapping_conv', 'strided_conv'])
def test_a_width_of_its_own_takes_the_place_of_the_bodys(kind):
    module = Sockets({**PLAIN, 'stem': {'kind': kind, 'width': 9}}, TABLES).make('stem', name=None, features=5)
    y = jax.eval_shape(
        lambda x: module.init_with_output(jax.random.key(0), x, Context())[0], np.zeros((2, 8, 8, 3), np.float32)
    )
    assert y.shape == (2, 2, 2, 9)


def test_class_token_stands_before_the_patches(alone):
    params, token = dense(12, 5), GENERATOR.normal(size=(1, 5)).astype(np.float32)
    y = alone('stem', 'class_token', {'patch': 2}, {'patches': params, 'embedding': token}, MAP, features=5)
    expected = np.concatenate([np.stack([token] * 2), product(cut(MAP, 2), params).reshape(2, -1, 5)], 1)
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-4)


def test_registers_stand_between_the_class_token_and_the_patches(alone):
    params, tokens = dense(12, 5), GENERATOR.normal(size=(4, 5)).astype(np.float32)
    given = {'patches': params, 'embedding': tokens}
    y = alone('stem', 'class_token', {'patch': 2, 'registers': 3}, given, MAP, features=5)
    expected = np.concatenate([np.stack([tokens] * 2), product(cut(MAP, 2), params).reshape(2, -1, 5)], 1)
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-4)
    with pytest.raises(ValueError, match='registers=-1; allowed: 0 or more'):
        alone('stem', 'class_token', {'patch': 2, 'registers': -1}, given, MAP, features=5)


def test_the_class_token_starts_at_0_and_registers_do_not():
    stem = Sockets({**PLAIN, 'stem': {'kind': 'class_token', 'registers': 2}}, TABLES).make('stem', name=None, features=5)
    tokens = stem.init(jax.random.key(0), jnp.zeros((1, 4, 4, 3)), Context())['params']['embedding']
    assert tokens.shape == (3, 5) and not tokens[0].any() and (tokens[1:] != 0).all()


def test_overlapping_conv_filters_norms_and_takes_maxima(alone):
    """The maximum over 3 x 3 places is centred, at every second one."""
    x, params = GENERATOR.normal(size=(2, 9, 6, 3)).astype(np.float32), kernel(7, 7, 3, 5)
    y = alone('stem', 'overlapping_conv', {}, {'conv': params, 'norm': scales(5)}, x, features=5, around=RMS_NORM)
    inner = np.maximum(normed(slid(x, params, 2, -3)), 0)
    expected = np.zeros((2, 3, 2, 5))
    for i, j in np.ndindex(3, 2):
        window = inner[:, max(2 * i - 1, 0) : 2 * i + 2, max(2 * j - 1, 0) : 2 * j + 2]
        expected[:, i, j] = window.max((1, 2))
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-4)


def test_scaled_tokens_multiply_the_row_by_the_gain(alone):
    table, ids = GENERATOR.normal(size=(7, 5)).astype(np.float32), np.array([[0, 6, 3]], np.int32)
    y = alone('stem', 'scaled_tokens', {'vocabulary': 7}, {'embedding': table, 'gain': np.float32(1.5)}, ids, features=5)
    np.testing.assert_allclose(y, 1.5 * table[ids], rtol=1e-6)


@pytest.mark.parametrize(('taps', 'factor', 'causal'), [(3, 2, False), (3, 3, True), (4, 2, True), (5, 3, False)])
def test_waveform_is_an_activated_convolution_of_the_samples(alone, taps, factor, causal):
    """In a causal body token n reads samples up to factor n; elsewhere taps stand around it."""
    params = {**kernel(taps, 2, 5), 'bias': GENERATOR.normal(size=5).astype(np.float32)}
    fields = {'kernel': taps, 'factor': factor}
    y = alone('stem', 'waveform', fields, {'conv': params}, SAMPLES, features=5, around=RMS_NORM, causal=causal)
    first = 1 - taps if causal else -((taps - 1) // 2)
    np.testing.assert_allclose(y, np.maximum(slid(SAMPLES, params, factor, first), 0), rtol=1e-5, atol=1e-5)


def test_waveform_begins_a_causal_model_that_sees_no_later_samples():
    model = build({**CAUSAL, 'mixer': {'kind': 'attention', 'heads': 2}, 'stem': {'kind': 'waveform', 'factor': 2}})
    x = jnp.asarray(GENERATOR.normal(size=(2, 12, 1)), jnp.float32)

    @jax.jit
    def run(key, x):
        params, state = model.init(key, x, {})
        return [model.apply(params, state, given, knobs={}, key=key, train=False)[0] for given in (x, x.at[:, 7].add(1.0))]

    before, after = run(jax.random.key(0), x)
    assert before.shape == (2, 6, 5)
    change = np.abs(before - after).max((0, 2))
    assert (change[:4] == 0).all() and (change[4:] > 1e-6).all()


def test_patch_merging_norms_the_patch_before_the_product(alone):
    params = kernel(12, 5)
    y = alone('downsample', 'patch_merging', {}, {'norm': scales(12), 'merge': params}, MAP, features=5, around=RMS_NORM)
    np.testing.assert_allclose(y, normed(cut(MAP, 2)) @ params['kernel'], rtol=1e-4, atol=1e-4)


def test_patch_merging_norms_after_the_product_where_it_is_asked_to(alone):
    params = kernel(12, 5)
    own = {'norm': scales(5), 'merge': params}
    y = alone('downsample', 'patch_merging', {'norm': 'after'}, own, MAP, features=5, around=RMS_NORM)
    np.testing.assert_allclose(y, normed(cut(MAP, 2) @ params['kernel']), rtol=1e-4, atol=1e-4)


def test_in_block_is_a_product_on_every_other_position_and_a_norm(alone):
    params, x = kernel(1, 1, 3, 5), GENERATOR.normal(size=(2, 5, 6, 3)).astype(np.float32)
    y = alone('downsample', 'in_block', {}, {'project': params, 'norm': scales(5)}, x, features=5, around=RMS_NORM)
    np.testing.assert_allclose(y, normed(x[:, ::2, ::2] @ params['kernel'][0, 0]), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (
            {'stem': {'kind': 'patchify'}},
            "stem 'patchify' does not work in a causal body; allowed there: .*'tokens', 'waveform'",
        ),
        ({'head': {'kind': 'first_token_classifier'}}, "head 'first_token_classifier' does not work in a causal body"),
        ({'downsample': {'kind': 'in_block'}}, "downsample 'in_block' does not work in an isotropic body"),
    ],
)
def test_ends_say_where_they_fit(change, message):
    with pytest.raises(ValueError, match=message):
        build({**CAUSAL, **change})


def test_every_stem_downsample_and_head_is_tested_here():
    files = (
        Path(__file__).with_name(f'test_{name}.py') for name in ('ends', 'heads', 'ngrams', 'channel_gates', 'multi_next_token')
    )
    text = ''.join(path.read_text() for path in files)
    for table in (STEMS, DOWNSAMPLES, HEADS):
        assert [kind for kind in table if f"'{kind}'" not in text] == []


@pytest.mark.parametrize(
    ('family', 'kind', 'fields', 'x', 'message'),
    [
        ('stem', 'strided_conv', {'kernel': 2, 'factor': 3}, MAP, 'kernel=2 is below factor=3, .* kernels of 3 or more'),
        ('stem', 'strided_conv', {'after': 'all'}, MAP, "after='all'; allowed:"),
        ('downsample', 'strided_conv', {'kernel': 1, 'factor': 2}, MAP, 'kernel=1 is below factor=2'),
        ('head', 'next_token', {'softcap': -1.0}, MAP[0], 'softcap=-1; allowed: 0 for none, or above'),
        ('stem', 'patchify', {'patch': 5}, MAP, 'patch=5 does not divide the 4 x 6 map; allowed: common divisors'),
        ('stem', 'patchify', {}, np.zeros((2, 3), np.int32), "allowed images .* use stem 'tokens'"),
        ('stem', 'tokens', {}, MAP, "allowed integer ids .*; use stem 'patchify'"),
        ('stem', 'tokens', {}, np.zeros((2, 3), np.float32), 'given float32 of shape'),
        ('downsample', 'pool_conv', {'factor': 4}, MAP, 'does not divide the 4 x 6 map'),
        ('stem', 'class_token', {}, np.zeros((2, 3), np.int32), "stem 'class_token': given .* allowed images"),
        ('stem', 'overlapping_conv', {}, np.zeros((2, 3), np.int32), "stem 'overlapping_conv': given .* allowed images"),
        ('stem', 'patchify_norm', {}, np.zeros((2, 3), np.int32), "stem 'patchify_norm': given .* allowed images"),
        (
            'stem',
            'waveform',
            {},
            np.zeros((2, 3), np.int32),
            r"given int32 of shape \(2, 3\), allowed samples .*; use stem 'tokens'",
        ),
        ('stem', 'waveform', {}, np.zeros((2, 3, 1), np.int32), 'given int32 of shape .* of a floating type'),
        ('stem', 'waveform', {}, MAP, "allowed samples .* or 'patchify' for images"),
        ('stem', 'waveform', {'factor': 0}, SAMPLES, 'factor=0 is given, allowed is above 0'),
        ('stem', 'waveform', {'kernel': 2, 'factor': 3}, SAMPLES, 'kernel=2 is below factor=3, .* kernels of 3 or more'),
        ('downsample', 'patch_merging', {'factor': 4}, MAP, 'does not divide the 4 x 6 map'),
        ('downsample', 'patch_merging', {'norm': 'none'}, MAP, r"norm='none'; allowed: \['before', 'after'\]; change norm"),
        ('downsample', 'in_block', {'factor': 0}, MAP, 'factor=0 is given, allowed is above 0'),
        ('head', 'tied_next_token', {}, MAP[0], "stem 'patchify' has none; swap.'stem', 'tokens'. or use head 'next_token'"),
        ('head', 'pixel_shuffle', {'factor': 0}, MAP, 'factor=0 is given, allowed is above 0'),
        ('head', 'classifier', {'outputs': 0}, MAP, 'outputs=0 is given, allowed is above 0; raise outputs'),
    ],
)
def test_inputs_of_another_kind_are_refused(alone, family, kind, fields, x, message):
    with pytest.raises(ValueError, match=message):
        alone(family, kind, fields, {}, x, features=4, around=PLAIN_NORM)
