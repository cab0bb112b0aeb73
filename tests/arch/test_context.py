"""Context: what a block reads of its place, of the run's knobs and of how kernels are drawn."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from arch.branch import Branch, unchanged
from arch.context import Context
from arch.initials import LecunNormal, MaximalUpdate


@dataclasses.dataclass(frozen=True)
class Ones(LecunNormal):
    """Kernels of ones."""

    def draw(self, key, shape, fan_in, fan_out):
        return jnp.ones(shape)


@pytest.mark.parametrize(('layer', 'depth', 'place'), [(0, 1, 0.0), (0, 5, 0.0), (2, 5, 0.5), (4, 5, 1.0)])
def test_the_place_is_the_share_of_the_depth_that_lies_below(layer, depth, place):
    assert Context(layer=layer, depth=depth).place == place


@pytest.mark.parametrize(
    ('flags', 'knobs', 'factor'),
    [
        ({}, {}, 0.5),
        ({'branch': False}, {}, 1.0),
        ({'end': True}, {}, 0.5 * 4**-0.5),
        ({'end': True, 'branch': False}, {}, 4**-0.5),
        ({'branch': False}, {'init_scale': 3.0}, 3.0),
        ({'branch': False}, {'other': 3.0}, 1.0),
    ],
)
def test_a_kernel_is_scaled_by_the_rule_the_end_of_its_branch_and_the_knob(flags, knobs, factor):
    context = Context(initial=Ones('depth'), branches=4, branch_scale=0.5, knobs=knobs)
    kernel = context.kernel(jax.random.key(0), (2, 3), 2, 3, **flags)
    np.testing.assert_allclose(kernel, np.full((2, 3), factor), rtol=1e-6)
    assert kernel.dtype == jnp.float32


def test_what_stands_before_a_norm_that_starts_the_branch_does_not_start_it_too():
    context = Context(initial=MaximalUpdate('zero', base_width=8), branches=4, layer=3)
    inside = context.unended
    assert (inside.initial, inside.layer) == (MaximalUpdate('same', base_width=8), 3)
    assert context.initial.branch_end == 'zero'


def test_depth_mup_multiplies_what_a_branch_gives_and_not_what_it_gives_bare():
    """Sixteen layers over a base of four: by 1/2; at the depth of the base by 1."""
    branch = Branch(unchanged, lambda x, context: x + 1, lambda x, context: 3 * x)
    for depth, factor in ((16, 0.5), (4, 1.0)):
        context = Context(initial=MaximalUpdate(base_depth=4), depth=depth)
        assert float(branch(jnp.float32(1), context)) == factor * 6
        assert float(branch.bare(jnp.float32(1), context)) == 3
