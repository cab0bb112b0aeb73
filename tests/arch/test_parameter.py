"""A parameter is what flax's own is: the same numbers, and the same refusal of another shape."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from flax.errors import ScopeParamShapeError

from arch.parameter import parameter

DRAWN = []


class Scaled(nn.Module):
    ours: bool

    @nn.compact
    def __call__(self, x):
        def draw(key, shape):
            DRAWN.append(shape)
            return jax.random.normal(key, shape)

        if self.ours:
            return x * parameter(self, 'scale', draw, (x.shape[-1],))
        return x * self.param('scale', draw, (x.shape[-1],))


X = jnp.ones((3,), jnp.float32)


def test_it_draws_what_flax_draws_and_reads_it_without_drawing_again():
    params, expected = (Scaled(ours).init(jax.random.key(0), X) for ours in (True, False))
    DRAWN.clear()
    np.testing.assert_array_equal(params['params']['scale'], expected['params']['scale'])
    np.testing.assert_array_equal(Scaled(True).apply(params, X), params['params']['scale'])
    assert DRAWN == []


@pytest.mark.parametrize('ours', [True, False])
def test_another_shape_is_refused(ours):
    with pytest.raises(ScopeParamShapeError, match=r'"scale" in "/".*\(3,\).*\(2,\)'):
        Scaled(ours).apply({'params': {'scale': jnp.ones((2,))}}, X)


@pytest.mark.parametrize('ours', [True, False])
def test_an_absent_parameter_is_refused(ours):
    with pytest.raises(Exception, match='"scale"'):
        Scaled(ours).apply({'params': {'other': X}}, X)
