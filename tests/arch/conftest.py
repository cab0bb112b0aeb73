"""Fixtures for arch: nothing is promoted unseen, and tiny programs compile without optimisation."""

from collections.abc import Callable, Iterator

import jax
import pytest
from jax import numpy as jnp

from arch.context import Context
from arch.model_sockets import Sockets
from arch.probe import PLAIN
from arch.sockets import TABLES


@pytest.fixture(autouse=True)
def strict() -> Iterator[None]:
    before = jax.config.read('jax_disable_most_optimizations')
    jax.config.update('jax_disable_most_optimizations', True)
    with jax.numpy_dtype_promotion('strict'), jax.numpy_rank_promotion('raise'):
        yield
    jax.config.update('jax_disable_most_optimizations', before)


@pytest.fixture
def alone() -> Callable:
    """`alone(family, kind, fields, params, x, **context) -> y`: one block with the given numbers, nothing around it."""

    def run(family, kind, fields, params, x, features=0, **context):
        sockets = Sockets({**PLAIN, **context.pop('around', {}), family: {'kind': kind, **fields}}, TABLES)
        block = sockets.make(family, name=None, features=features)
        # One program: each operation alone would be compiled too.
        apply = jax.jit(lambda params, x: block.apply({'params': params}, x, Context(**context)))
        return apply(jax.tree.map(jnp.asarray, params), jnp.asarray(x))

    return run
