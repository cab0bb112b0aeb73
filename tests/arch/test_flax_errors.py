"""Flax errors: what the lab says where a block asks flax for a stream or a collection that the lab does not have."""

import jax
import jax.numpy as jnp
import pytest
from flax import errors
from flax import linen as nn

from arch.flax_errors import explained, variables_of


class Drops(nn.Module):
    @nn.compact
    def __call__(self, x):
        return nn.Dropout(0.5, deterministic=False)(x)


class Caches(nn.Module):
    @nn.compact
    def __call__(self, x):
        self.variable('cache', 'last', jnp.zeros, ()).value = jnp.ones(())
        return x


class Changes(nn.Module):
    @nn.compact
    def __call__(self, x):
        self.variable('state', 'last', jnp.zeros, ()).value = jnp.ones(())
        return x


class Grows(nn.Module):
    @nn.compact
    def __call__(self, x):
        return x * self.param('scale', nn.initializers.ones, ())


NOISE = "the lab's only stream of random numbers is 'noise', and only in training"
COLLECTIONS = "the lab keeps parameters in 'params', running statistics in 'state' and losses in 'aux', nothing else"


@pytest.mark.parametrize(
    ('cls', 'variables', 'why'),
    [(Drops, {}, NOISE), (Caches, {}, COLLECTIONS), (Changes, {'state': {'last': jnp.zeros(())}}, COLLECTIONS)],
    ids=lambda value: getattr(value, '__name__', ''),
)
def test_streams_and_collections_of_others_are_explained(cls, variables, why):
    with pytest.raises(ValueError, match=why) as refused, explained():
        cls().apply(variables, jnp.ones(2))
    assert isinstance(refused.value.__cause__, errors.FlaxError) and '(https' not in str(refused.value)


def test_a_parameter_that_is_not_there_is_flaxs_own_error():
    with pytest.raises(errors.FlaxError, match='scale'), explained():
        Grows().apply({'params': {}}, jnp.ones(2))


def test_variables_are_parameters_and_statistics():
    assert variables_of({}) == ({}, {})
    assert variables_of({'params': {'a': 1}, 'state': {'b': 2}, 'aux': {'c': 3}}) == ({'a': 1}, {'b': 2})
    with pytest.raises(
        ValueError, match=r"variables in \['batch_stats', 'cache'\]; allowed: \['params', 'state', 'aux'\]; the"
    ):
        variables_of({'params': {}, 'cache': {}, 'batch_stats': {}})


def test_what_is_nobodys_error_passes():
    with explained():
        assert jax.eval_shape(Grows().init_with_output, jax.random.key(0), jnp.ones(2))[0].shape == (2,)
    with pytest.raises(TypeError), explained():
        raise TypeError('of the class itself')
