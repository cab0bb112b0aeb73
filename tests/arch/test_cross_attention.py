"""Cross-attention through latents against its formula in numpy."""

import numpy as np
import pytest

GENERATOR = np.random.default_rng(0)
MAP = GENERATOR.normal(size=(2, 3, 2, 4)).astype(np.float32)


def normal(*shape):
    return GENERATOR.normal(size=shape).astype(np.float32)


def products():
    made = {name: {'kernel': normal(4, 4), 'bias': normal(4)} for name in ('query', 'value', 'output')}
    return made | {'key': {'kernel': normal(4, 4)}}


def read(params, x, others):
    """Two heads of two channels, one query at a time."""
    query, key, value = (
        part @ params[name]['kernel'] + params[name].get('bias', 0)
        for name, part in (('query', x), ('key', others), ('value', others))
    )
    mixed = np.zeros(query.shape)
    for n, head in np.ndindex(len(x), 2):
        at = slice(2 * head, 2 * head + 2)
        weights = np.exp(key[:, at] @ query[n, at] / np.sqrt(2))
        mixed[n, at] = weights @ value[:, at] / weights.sum()
    return mixed @ params['output']['kernel'] + params['output']['bias']


def test_cross_attention(alone):
    latents, gather, hand_out = normal(3, 4), products(), products()
    params = {'embedding': latents, 'gather': gather, 'hand_out': hand_out}
    y = alone('mixer', 'cross_attention', {'latents': 3}, params, MAP)
    for b, x in enumerate(MAP.reshape(2, 6, 4).astype(np.float64)):
        held = latents + read(gather, latents.astype(np.float64), x)
        np.testing.assert_allclose(y[b].reshape(6, 4), read(hand_out, x, held), rtol=1e-3, atol=1e-4)


def test_refused(alone):
    with pytest.raises(ValueError, match='latents=0 is given, allowed is above 0'):
        alone('mixer', 'cross_attention', {'latents': 0}, {}, MAP)
