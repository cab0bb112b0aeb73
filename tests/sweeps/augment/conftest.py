"""Fixtures for augmentation: tiny programs compile without optimisation."""

from collections.abc import Iterator

import jax
import pytest


@pytest.fixture(autouse=True)
def unoptimised() -> Iterator[None]:
    before = jax.config.read('jax_disable_most_optimizations')
    jax.config.update('jax_disable_most_optimizations', True)
    yield
    jax.config.update('jax_disable_most_optimizations', before)
