"""Growth: how much larger the parameters of a model are than those of the base model of muP (2203.03466)."""

import math
from typing import NamedTuple

import jax

from arch.roles import BLOCK, SCANNED, Product, names


class Growth(NamedTuple):
    """How many times as many `inputs` each output sums over, how many times as many `outputs` there are, and how many times as
    many `layers` stand beside that of the parameter; those of the stem and of the head stand alone.

    >>> Growth(4.0, 4.0).start, Growth(4.0, 1.0).start
    (1.0, 0.5)
    """

    inputs: float = 1.0
    outputs: float = 1.0
    layers: float = 1.0

    @property
    def start(self) -> float:
        """The factor of the first values: a product whose outputs do not grow starts smaller by the root of its inputs."""
        return self.inputs**-0.5 if self.inputs > 1 and self.outputs == 1 else 1.0


def growths(params: dict, base: dict, products: dict, layers: float) -> dict:
    """The growth of every parameter, as a tree of the same shape. `base`: the parameters of the base model, or their shapes."""

    def own(path: tuple, leaf: jax.Array, small: jax.Array, product: Product) -> Growth:
        def times(axes: tuple[int, ...]) -> float:
            return math.prod(leaf.shape[axis] / small.shape[axis] for axis in axes if -axis <= leaf.ndim)

        where = names(path)
        beside = layers if BLOCK.match(where[0]) or SCANNED.match(where[0]) else 1.0
        if where[-1] not in ('kernel', 'embedding'):
            return Growth(1.0, leaf.size / small.size, beside)
        return Growth(times(product.inputs), times(product.outputs), beside)

    return jax.tree_util.tree_map_with_path(own, params, base, products)
