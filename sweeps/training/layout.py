"""Layout: how the lanes, batches and parameters of a program lie on several devices.

The devices are a mesh of three axes. Lanes are spread over the first one and the batch of a lane over the two others. Where
parameters and moments would not fit otherwise, they are spread over the third axis (fully sharded: 1910.02054, 2304.11277). A
step gathers the parameters; where all of them at once are too much, they stay where they are and the batch comes to them.
Nothing that is computed changes, but sums over a batch round in another order.
"""

import dataclasses
import functools
import math
from collections.abc import Iterator, Sequence

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from arch.roles import Product
from sweeps.training.joined import SMALL

AXES = ('lane', 'data', 'model')


@dataclasses.dataclass(frozen=True)
class Layout:
    """A mesh of lane x data x model devices; parameters are spread over its last axis, and a step `gathers` them or not.

    >>> layout = Layout(devices=(), lane=1, data=4, model=2)
    >>> [layout.axes_of_batch(size) for size in (64, 4, 2, 3)]
    [('data', 'model'), ('data',), ('model',), ()]
    >>> layout.axis_of((12, 512, 128), 'matrix', Product()), layout.axis_of((12, 4096), 'vector', Product())
    (-2, -1)
    """

    devices: tuple[jax.Device, ...]
    lane: int
    data: int
    model: int
    gathers: bool = True

    @functools.cached_property
    def mesh(self) -> Mesh:
        return Mesh(np.array(self.devices).reshape(self.lane, self.data, self.model), AXES)

    @property
    def sizes(self) -> dict[str, int]:
        """The size of each axis by its name, as records tell it."""
        return dict(zip(AXES, (self.lane, self.data, self.model), strict=True))

    def axes_of_batch(self, size: int) -> tuple[str, ...]:
        """The axes that a batch is spread over: as many devices as divide its size."""
        sizes = {('data', 'model'): self.data * self.model, ('data',): self.data, ('model',): self.model}
        fitting = [axes for axes, devices in sizes.items() if size % devices == 0]
        return tuple(axis for axis in max(fitting, key=sizes.get, default=()) if self.sizes[axis] > 1)

    def batch(self, tree: object) -> object:
        """Arrays `[batch, ...]`, each spread along its first axis."""
        return jax.tree.map(lambda leaf: self._held(leaf, [self.axes_of_batch(leaf.shape[0]) or None]), tree)

    def axis_of(self, shape: tuple[int, ...], role: str, product: Product) -> int | None:
        """The axis of a parameter that is spread, counted from the last, -1; None where it is whole on every device.

        It is the longest one of the product that the devices divide. The blocks of a scan over depth stay together. To gather
        small parameters would cost more than they take.
        """
        if self.model == 1 or math.prod(shape) < SMALL:
            return None
        axes = (-1,) if role == 'vector' else (*product.outputs, *product.inputs)
        fitting = [axis for axis in axes if -axis <= len(shape) and shape[axis] % self.model == 0]
        return max(fitting, key=lambda axis: shape[axis], default=None)

    def parameters(self, tree: object, roles: object, products: object) -> object:
        """Parameters, or what has their shapes, each spread along its axis."""

        def spread(leaf: jax.Array, role: str, product: Product) -> jax.Array:
            axis, axes = self.axis_of(leaf.shape, role, product), [None] * leaf.ndim
            if axis is not None:
                axes[axis] = 'model'
            return self._held(leaf, axes)

        return jax.tree.map(spread, tree, roles, products)

    def gathered(self, tree: object, roles: object, products: object) -> object:
        """Parameters as a loss reads them: whole on every device, and their gradient spread as they are.

        Else the compiler may gather the batch, which is larger for most models.
        """
        if self.model == 1 or not self.gathers:
            return tree

        @jax.custom_vjp
        def read(tree: object) -> object:
            return self.whole(tree)

        read.defvjp(lambda tree: (self.whole(tree), None), lambda _, slope: (self.parameters(slope, roles, products),))
        return read(tree)

    def whole(self, tree: object) -> object:
        """Arrays that every device of a lane has."""
        return jax.tree.map(lambda leaf: self._held(leaf, []), tree)

    def _held(self, leaf: jax.Array, axes: Sequence[object]) -> jax.Array:
        return jax.lax.with_sharding_constraint(leaf, NamedSharding(self.mesh, PartitionSpec(*axes)))

    def by_lane(self, tree: object) -> object:
        """Arrays `[lanes, ...]` of a program on the devices of their lanes, wherever else they are spread."""

        def own(leaf: jax.Array) -> jax.Array:
            return self._held(leaf, ['lane', *[PartitionSpec.UNCONSTRAINED] * (leaf.ndim - 1)])

        return jax.tree.map(own, tree)

    def lanes(self, tree: object) -> object:
        """Arrays from the host `[lanes, ...]` on the devices of their lanes."""
        return jax.device_put(tree, NamedSharding(self.mesh, PartitionSpec('lane')))


def layouts(devices: Sequence[jax.Device], lanes: int) -> Iterator[Layout]:
    """The layouts of so many lanes, from the fastest to the one that takes the least memory.

    >>> [tuple(layout.sizes.values()) for layout in layouts(jax.devices()[:1] * 8, lanes=4)]
    [(4, 2, 1), (4, 1, 2), (4, 1, 2)]
    """
    lane = math.gcd(lanes, len(devices))
    left = len(devices) // lane
    models = [model for model in range(1, left + 1) if left % model == 0]
    for gathers in (True, False):
        for model in models if gathers else models[1:]:
            yield Layout(tuple(devices), lane, left // model, model, gathers)


def everywhere(tree: object, devices: Sequence[jax.Device]) -> object:
    """Arrays from the host, whole on each of the devices; with one device where jax puts them."""
    if len(devices) == 1:
        return jax.device_put(tree)
    return jax.device_put(tree, NamedSharding(Mesh(np.array(devices), AXES[:1]), PartitionSpec()))
