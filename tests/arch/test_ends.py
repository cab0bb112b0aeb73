"""Stems, downsamples and heads against their formulas in numpy."""

import numpy as np
import pytest

GENERATOR = np.random.default_rng(0)
MAP = GENERATOR.normal(size=(2, 4, 6, 3)).astype(np.float32)


def dense(inputs, outputs):
    kernel, bias = GENERATOR.normal(size=(inputs, outputs)), GENERATOR.normal(size=outputs)
    return {'kernel': kernel.astype(np.float32), 'bias': bias.astype(np.float32)}


def product(x, params):
    return x @ params['kernel'] + params['bias']


def cut(x, size):
    """Patches one at a time, rows first."""
    rows = [
        [x[:, i : i + size, j : j + size].reshape(len(x), -1) for j in range(0, x.shape[2], size)]
        for i in range(0, x.shape[1], size)
    ]
    return np.stack([np.stack(row, 1) for row in rows], 1)


PLAIN_NORM = {'norm': {'kind': 'identity'}}


def test_patchify_is_one_product_on_each_patch(alone):
    params = dense(12, 5)
    y = alone('stem', 'patchify', {'patch': 2}, {'patches': params}, MAP, features=5)
    np.testing.assert_allclose(y, product(cut(MAP, 2), params), rtol=1e-4, atol=1e-4)


def test_tokens_look_up_a_row(alone):
    table, ids = GENERATOR.normal(size=(7, 5)).astype(np.float32), np.array([[0, 6, 3], [1, 1, 5]], np.int32)
    y = alone('stem', 'tokens', {'vocabulary': 7}, {'embedding': table}, ids, features=5)
    np.testing.assert_array_equal(y, table[ids])


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


def test_classifier_is_a_product_on_the_mean(alone):
    params = dense(3, 5)
    y = alone('head', 'classifier', {'outputs': 5}, {'head': params}, MAP, around=PLAIN_NORM)
    np.testing.assert_allclose(y, product(MAP.mean((1, 2)), params), rtol=1e-4, atol=1e-4)


def test_next_token_is_a_product_at_every_position(alone):
    params = dense(3, 5)
    y = alone('head', 'next_token', {'outputs': 5}, {'head': params}, MAP[0], around=PLAIN_NORM)
    np.testing.assert_allclose(y, product(MAP[0], params), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ('family', 'kind', 'fields', 'x', 'message'),
    [
        ('stem', 'patchify', {'patch': 5}, MAP, 'patch=5 does not divide the 4 x 6 map; allowed: common divisors'),
        ('stem', 'patchify', {}, np.zeros((2, 3), np.int32), "allowed images .*; use stem 'tokens'"),
        ('stem', 'tokens', {}, MAP, "allowed integer ids .*; use stem 'patchify'"),
        ('stem', 'tokens', {}, np.zeros((2, 3), np.float32), 'given float32 of shape'),
        ('downsample', 'pool_conv', {'factor': 4}, MAP, 'does not divide the 4 x 6 map'),
        ('head', 'next_token', {}, MAP, "allowed sequences .*; use head 'classifier'"),
        ('head', 'classifier', {'outputs': 0}, MAP, 'outputs=0 is given, allowed is above 0; raise outputs'),
    ],
)
def test_inputs_of_another_kind_are_refused(alone, family, kind, fields, x, message):
    with pytest.raises(ValueError, match=message):
        alone(family, kind, fields, {}, x, features=4, around=PLAIN_NORM)
