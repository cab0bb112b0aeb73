"""Several tokens ahead: scores of the next one alone, losses of the others by their formula, roles of their layers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from arch.config import complete
from arch.cost import cost_of
from arch.model import build
from arch.multi_next_token import loss
from arch.sockets import TABLES

IDS = np.random.default_rng(0).integers(5, size=(2, 6)).astype(np.int32)


def config(head='multi_next_token', **fields):
    """Layers that double what they get."""
    return complete(
        body={'kind': 'isotropic', 'width': 4, 'depth': 1, 'causal': True},
        stem={'kind': 'tokens', 'vocabulary': 5},
        block={'kind': 'mixer_only'},
        mixer={'kind': 'identity'},
        norm={'kind': 'rms_norm', 'eps': 1e-6},
        residual={'kind': 'post'},
        head={'kind': head, 'outputs': 5, **fields},
    )


@pytest.fixture(scope='module')
def told():
    """The model, random parameters, and what it gives in training and outside."""
    model = build(config(ahead=3, weight=0.5))
    shapes = jax.eval_shape(lambda: model.init(jax.random.key(0), jnp.asarray(IDS), {})[0])
    generator = np.random.default_rng(1)
    params = jax.tree.map(lambda leaf: generator.normal(size=leaf.shape).astype(np.float32), shapes)
    with jax.numpy_dtype_promotion('standard'):
        run = jax.jit(lambda train, p: model.apply(p, {}, IDS, knobs={}, key=jax.random.key(0), train=train), static_argnums=0)
        return model, params, run(True, params), run(False, params)


def test_losses_of_later_tokens_and_scores_of_the_next(told):
    _, params, (y, _, aux), (outside, _, none) = told

    def normed(x, own):
        return own['scale'] * x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6)

    def doubled(x, own):
        return normed(2 * x, own['norm'])

    head = params['head']
    body = doubled(params['stem']['embedding'].astype(np.float64)[IDS], params['block_0'])

    def scored(x):
        return normed(x, head['norm']) @ head['head']['kernel'] + head['head']['bias']

    np.testing.assert_allclose(y, scored(body), rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(y, outside)
    assert none == {} and set(aux) == {'token_2', 'token_3'}
    for ahead in (2, 3):
        scores = scored(doubled(body, head[f'ahead_{ahead}']))
        rows = [scores[b, n] - scores[b, n, IDS[b, n + ahead]] for b in range(2) for n in range(6 - ahead)]
        expected = np.mean([np.log(np.exp(row).sum()) for row in rows])
        np.testing.assert_allclose(aux[f'token_{ahead}'], 0.5 * expected, rtol=1e-4)


def test_one_ahead_is_the_plain_head():
    x = jax.ShapeDtypeStruct(IDS.shape, jnp.int32)
    plain, one, three = (cost_of(own, x) for own in (config('next_token'), config(ahead=1), config(ahead=3)))
    assert plain['params'] == one['params'] and plain['macs'] == one['macs']
    assert three['params'] - one['params'] == 2 * 4


def test_layers_ahead_have_the_roles_of_layers():
    own = {**config(), 'mixer': {'kind': 'gated_recurrence', 'heads': 2}}
    model = build(own)
    params = jax.eval_shape(lambda: model.init(jax.random.key(0), jnp.asarray(IDS), {})[0])
    roles = model.roles(params)['head']
    assert roles['head']['kernel'] == 'head' and roles['ahead_2']['mixer']['output']['kernel'] == 'matrix'
    assert roles['ahead_2']['mixer']['forward']['depthwise']['kernel'] == 'conv'
    assert model.products(params)['head']['ahead_2']['mixer']['forward']['retain']['kernel'].inputs == (-2,)


def test_layers_ahead_have_the_number_of_the_last_layer():
    heard = []

    class Numbered(nn.Module):
        """`[B, N, C] -> [B, N, C]`"""

        @nn.compact
        def __call__(self, x, context):
            heard.append((context.layer, context.depth))
            return x

    own = {**config(ahead=3), 'mixer': {'kind': 'numbered'}}
    own['body'] = {**own['body'], 'depth': 4}
    model = build(own, {**TABLES, 'mixer': {**TABLES['mixer'], 'numbered': Numbered}})
    params = jax.eval_shape(lambda: model.init(jax.random.key(0), jnp.asarray(IDS), {})[0])
    for train, ahead in ((True, 2), (False, 0)):
        heard.clear()
        jax.eval_shape(lambda p, t=train: model.apply(p, {}, IDS, knobs={}, key=jax.random.key(0), train=t)[0], params)
        assert heard == [(layer, 4) for layer in (0, 1, 2, 3)] + [(3, 4)] * ahead


def test_a_text_too_short_to_tell_of_has_no_loss():
    scores = jnp.asarray(np.random.default_rng(2).normal(size=(2, 3, 5)), jnp.float32)
    ids = jnp.asarray([[0, 1, 2], [3, 4, 0]], jnp.int32)
    assert [float(loss(scores, ids, ahead)) for ahead in (3, 4)] == [0.0, 0.0]
    rows = np.asarray(scores, np.float64)[:, 0]
    expected = np.mean([np.log(np.exp(row).sum()) - row[told] for row, told in zip(rows, (2, 0), strict=True)])
    np.testing.assert_allclose(loss(scores, ids, 2), expected, rtol=1e-5)


def test_refused():
    with pytest.raises(ValueError, match='ahead=0 is given, allowed is above 0'):
        build(config(ahead=0)).init(jax.random.key(0), jnp.asarray(IDS), {})
