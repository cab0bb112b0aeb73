"""Programs of lanes: at once, one after the other, or without lanes, as the strategy says, with the same numbers."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import pytest

from sweeps.training.lane_programs import LanePrograms


@pytest.mark.parametrize('strategy, loops', [('vmap', 0), ('map', 1)])
def test_lanes_run_at_once_or_one_after_the_other(strategy, loops):
    lanes, shared = jnp.arange(6.0).reshape(3, 2), jnp.array([1.0, 10.0])
    one = LanePrograms._lanes(SimpleNamespace(strategy=strategy, layout=None), lambda own, same: (own * same).sum(), (0, None))
    assert one(lanes, shared).tolist() == [10.0, 32.0, 54.0]
    assert str(jax.make_jaxpr(one)(lanes, shared)).count('scan[') == loops


def test_without_lanes_a_function_stays_as_it_is():
    assert LanePrograms._lanes(SimpleNamespace(strategy='loop', layout=None), abs, (0,)) is abs
