"""Joined: parameters as they are trained, small ones side by side in few vectors.

A small model has thirty parameters of some hundred numbers each. To compile a dozen element-wise operations for each of them,
and to run these, takes longer than the products that they belong to.
"""

import dataclasses
import math
from collections.abc import Collection, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from arch.growth import Growth
from arch.roles import Product
from sweeps.training.role_knobs import DECAYED

SMALL = 1 << 14
"""Parameters of fewer numbers are joined; to copy larger ones would cost more than it saves."""
JOINED = {True: 'embedding', False: 'vector'}
"""The role of a vector of joined parameters, by whether weight decay acts on it; no optimizer sees matrices in these."""


@dataclasses.dataclass(frozen=True)
class Form:
    """How a tree of parameters is stored: the vector of each joined leaf, and the other leaves by their place in the tree.

    `shapes` are those of the leaves, `vectors` the names of the vectors and the places in each, and `alone` place, role and
    product of every other leaf. `growth` and `above` are those of each leaf, or () (arch/growth.py, arch/above.py). `roles` and
    `products` are those of what is stored, by its name.
    """

    structure: jax.tree_util.PyTreeDef
    shapes: tuple[tuple[int, ...], ...]
    vectors: tuple[tuple[str, tuple[int, ...]], ...]
    alone: tuple[tuple[int, str, Product], ...]
    growth: tuple[Growth, ...] = ()
    above: tuple[int | tuple[int, ...], ...] = ()

    @staticmethod
    def of(
        params: dict,
        roles: dict,
        products: dict,
        whole: Collection[str] = (),
        growth: dict | None = None,
        above: dict | None = None,
    ) -> 'Form':
        """The form for parameters with these roles and products; those with a role in `whole` are never joined.

        >>> params = {'bias': jnp.zeros(3), 'kernel': jnp.ones((2, 3)), 'scale': jnp.full(3, 2.0)}
        >>> roles = {'bias': 'vector', 'kernel': 'matrix', 'scale': 'vector'}
        >>> form = Form.of(params, roles, jax.tree.map(lambda _: Product(), params), whole=['matrix'])
        >>> {name: leaf.shape for name, leaf in form.join(params).stored.items()}
        {'1': (2, 3), 'vector': (6,)}
        >>> form.join(params).tree()['scale'].tolist()
        [2.0, 2.0, 2.0]
        """
        leaves, structure = jax.tree.flatten(params)
        vectors: dict[str, list[int]] = {}
        alone = []
        for place, facts in enumerate(zip(leaves, jax.tree.leaves(roles), jax.tree.leaves(products), strict=True)):
            leaf, role, product = facts
            if role not in whole and leaf.size < SMALL:
                vectors.setdefault(JOINED[role in DECAYED], []).append(place)
            else:
                alone.append((place, role, product))
        joined = tuple((name, tuple(places)) for name, places in vectors.items())
        told = [() if tree is None else tuple(structure.flatten_up_to(tree)) for tree in (growth, above)]
        return Form(structure, tuple(leaf.shape for leaf in leaves), joined, tuple(alone), *told)

    @property
    def roles(self) -> dict[str, str]:
        return {str(place): role for place, role, _ in self.alone} | {name: name for name, _ in self.vectors}

    @property
    def products(self) -> dict[str, Product]:
        return {str(place): product for place, _, product in self.alone} | {name: Product() for name, _ in self.vectors}

    def filled(self, values: Sequence[object]) -> dict[str, np.ndarray]:
        """For each leaf one number, or one for each index of its first axis, as far as what is stored needs them.

        >>> params = {'bias': jnp.zeros(3), 'kernel': jnp.ones((2, 3)), 'scale': jnp.full(3, 2.0)}
        >>> roles = {'bias': 'vector', 'kernel': 'matrix', 'scale': 'vector'}
        >>> form = Form.of(params, roles, jax.tree.map(lambda _: Product(), params), whole=['matrix'])
        >>> {name: filled.tolist() for name, filled in form.filled([1.0, [2.0, 3.0], 4.0]).items()}
        {'1': [[2.0], [3.0]], 'vector': [1.0, 1.0, 1.0, 4.0, 4.0, 4.0]}
        """

        def column(place: int) -> np.ndarray:
            own = np.asarray(values[place], np.float32)
            return own.reshape(own.shape + (1,) * (len(self.shapes[place]) - own.ndim)) if own.ndim else own

        made = {str(place): column(place) for place, _, _ in self.alone}
        for name, places in self.vectors:
            made[name] = np.concatenate([np.broadcast_to(column(place), self.shapes[place]).ravel() for place in places])
        return made

    def join(self, tree: dict) -> 'Joined':
        """Parameters, or what has their form, as they are stored."""
        leaves = jax.tree.leaves(tree)
        stored = {str(place): leaves[place] for place, _, _ in self.alone}
        for name, places in self.vectors:
            stored[name] = jnp.concatenate([leaves[place].ravel() for place in places])
        return Joined(stored, self)

    def split(self, stored: dict[str, jax.Array]) -> dict:
        """The tree again, of jax's or numpy's arrays."""
        leaves = {place: stored[str(place)] for place, _, _ in self.alone}
        for name, places in self.vectors:
            start = 0
            for place in places:
                size = math.prod(self.shapes[place])
                leaves[place] = stored[name][start : start + size].reshape(self.shapes[place])
                start += size
        return jax.tree.unflatten(self.structure, [leaves[place] for place in range(len(self.shapes))])


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Joined:
    """Parameters in a form: `stored` by name."""

    stored: dict[str, jax.Array]
    form: Form = dataclasses.field(metadata={'static': True})

    def tree(self) -> dict:
        """The parameters as a model takes them."""
        return self.form.split(self.stored)
