"""Kronecker optimizers: a matrix moves by the second moments of its rows and of its columns; all else moves as in AdamW.

A product of several axes is the matrix of its inputs by its outputs, and stacked ones are matrices each. `refresh_steps` is
after how many steps eigenvectors or roots are made anew. Lanes that run together make them at every step.
"""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from arch.roles import Product
from sweeps.training.elementwise import SHARED, Elementwise, by_inputs, by_spectrum

SMALLEST = 1e-30
"""Of what is divided by."""


class Kronecker(Elementwise):
    """The base of these."""

    WHOLE = ('matrix',)


def by_role(matrices: optax.GradientTransformation, others: optax.GradientTransformation, roles: dict) -> object:
    """One direction for the matrices, another for all other parameters."""
    labels = jax.tree.map(lambda role: 'matrices' if role == 'matrix' else 'others', roles)
    return optax.partition({'matrices': matrices, 'others': others}, labels)


class Soap(Kronecker):
    """SOAP (2409.11321): Adam in the eigenvectors of Shampoo's factors.

    L and R are moving averages of G G^T and G^T G, and Q_L and Q_R their eigenvectors, at first exact, then by a step of the
    power method and QR. With G' = Q_L^T G Q_R and so M' of the momentum M, Adam's second moment V is that of G', and the step
    is Q_L (M' / (sqrt V + eps)) Q_R^T. The first step only makes the eigenvectors.
    """

    KNOBS = {'lr': None, 'b1': 0.95, 'b2': 0.95, 'eps': 1e-8, 'refresh_steps': 10.0, **SHARED}
    GROWN = staticmethod(by_spectrum(('matrix',)))

    @staticmethod
    def direction(roles: dict, knobs: Mapping[str, object], products: dict) -> optax.GradientTransformation:
        adamw = optax.scale_by_adam(b1=knobs['b1'], b2=knobs['b2'], eps=knobs['eps'])
        return by_role(of_matrices(Eigen, lambda *given: soap(*given, knobs), products), adamw, roles)


class Shampoo(Kronecker):
    """Shampoo (1802.09568) with moving averages, steps of Adam's size (2309.06497).

    L and R are moving averages of G G^T and G^T G, without the bias of their start. The momentum M moves the matrix by
    L^(-1/4) M R^(-1/4), made as long as Adam's step would be. To eigenvalues is added `ridge` times the largest one.
    """

    KNOBS = {'lr': None, 'b1': 0.9, 'b2': 0.99, 'eps': 1e-8, 'ridge': 1e-6, 'refresh_steps': 10.0, **SHARED}
    GROWN = staticmethod(by_inputs)

    @staticmethod
    def direction(roles: dict, knobs: Mapping[str, object], products: dict) -> optax.GradientTransformation:
        adamw = optax.scale_by_adam(b1=knobs['b1'], b2=knobs['b2'], eps=knobs['eps'])
        return by_role(of_matrices(Roots, lambda *given: shampoo(*given, knobs), products), adamw, roles)


class Eigen(NamedTuple):
    """Of a matrix in SOAP: moments, factors and eigenvectors."""

    momentum: jax.Array
    second: jax.Array
    left: jax.Array
    right: jax.Array
    left_basis: jax.Array
    right_basis: jax.Array

    @staticmethod
    def of(matrix: jax.Array) -> 'Eigen':
        left, right = _squares(jnp.zeros_like(matrix))
        return Eigen(jnp.zeros_like(matrix), jnp.zeros_like(matrix), left, right, left, right)


class Roots(NamedTuple):
    """Of a matrix in Shampoo: moments, factors and their roots."""

    momentum: jax.Array
    second: jax.Array
    left: jax.Array
    right: jax.Array
    left_root: jax.Array
    right_root: jax.Array

    @staticmethod
    def of(matrix: jax.Array) -> 'Roots':
        return Roots(*Eigen.of(matrix))


class OfMatrices(NamedTuple):
    """The states of the matrices in their order, and the number of steps."""

    states: tuple
    count: jax.Array


def of_matrices(kind: type, step: Callable, products: dict) -> optax.GradientTransformation:
    """A direction of matrices `[S, m, n]` by `step(gradient, state, count) -> update, state`."""

    def places(tree: dict) -> tuple[list, list, jax.tree_util.PyTreeDef]:
        leaves, structure = jax.tree.flatten(tree, is_leaf=_masked)
        return leaves, structure.flatten_up_to(products), structure

    def init(params: dict) -> OfMatrices:
        leaves, axes, _ = places(params)
        pairs = zip(leaves, axes, strict=True)
        return OfMatrices(tuple(kind.of(as_matrices(leaf, own)) for leaf, own in pairs if not _masked(leaf)), jnp.int32(0))

    def update(updates: dict, state: OfMatrices, params: dict | None = None) -> tuple[dict, OfMatrices]:
        leaves, axes, structure = places(updates)
        states, made, new = iter(state.states), [], []
        for leaf, own in zip(leaves, axes, strict=True):
            if not _masked(leaf):
                moved, after = step(as_matrices(leaf, own), next(states), state.count)
                leaf = as_before(moved, leaf.shape, own)
                new.append(after)
            made.append(leaf)
        return structure.unflatten(made), OfMatrices(tuple(new), state.count + 1)

    return optax.GradientTransformation(init, update)


def _masked(leaf: object) -> bool:
    return isinstance(leaf, optax.MaskedNode)


def _order(shape: tuple[int, ...], product: Product) -> tuple[list[int], list[int], list[int]]:
    """The stacked axes of a kernel, those of its inputs and those of its outputs."""
    inputs, outputs = ([axis % len(shape) for axis in side] for side in (product.inputs, product.outputs))
    return [axis for axis in range(len(shape)) if axis not in (*inputs, *outputs)], inputs, outputs


def as_matrices(leaf: jax.Array, product: Product) -> jax.Array:
    """A kernel as the matrices that it stands for, [S, m, n].

    >>> as_matrices(jnp.zeros((3, 8, 2, 4)), Product((-3,), (-2, -1))).shape
    (3, 8, 8)
    """
    axes = _order(leaf.shape, product)
    return leaf.transpose([axis for side in axes for axis in side]).reshape(
        [math.prod(leaf.shape[axis] for axis in side) for side in axes]
    )


def as_before(matrices: jax.Array, shape: tuple[int, ...], product: Product) -> jax.Array:
    """Matrices [S, m, n] as the kernel of that shape."""
    order = [axis for side in _order(shape, product) for axis in side]
    back = [order.index(axis) for axis in range(len(shape))]
    return matrices.reshape([shape[axis] for axis in order]).transpose(back)


def _squares(g: jax.Array) -> tuple[jax.Array, jax.Array]:
    """G G^T and G^T G of matrices [S, m, n]."""
    return g @ g.mT, g.mT @ g


def _due(count: jax.Array, steps: object) -> jax.Array:
    return jnp.mod(count, jnp.maximum(steps, 1)) == 0


def soap(g: jax.Array, own: Eigen, count: jax.Array, knobs: Mapping[str, object]) -> tuple[jax.Array, Eigen]:
    """A step of SOAP: `[S, m, n] -> [S, m, n]`."""
    b1, b2 = knobs['b1'], knobs['b2']
    left, right = _squares(g)

    def begin(_: None) -> tuple[jax.Array, Eigen]:
        bases = (jnp.linalg.eigh(side)[1] for side in (left, right))
        return jnp.zeros_like(g), Eigen(own.momentum, own.second, left, right, *bases)

    def go_on(_: None) -> tuple[jax.Array, Eigen]:
        def turned(x: jax.Array) -> jax.Array:
            return own.left_basis.mT @ x @ own.right_basis

        momentum = b1 * own.momentum + (1 - b1) * g
        second = b2 * own.second + (1 - b2) * turned(g) ** 2
        mean, spread = momentum / (1 - b1**count), second / (1 - b2**count)
        update = own.left_basis @ (turned(mean) / (jnp.sqrt(spread) + knobs['eps'])) @ own.right_basis.mT
        factors = [b2 * old + (1 - b2) * new for old, new in ((own.left, left), (own.right, right))]
        bases = jax.lax.cond(
            _due(count, knobs['refresh_steps']),
            lambda bases: tuple(jnp.linalg.qr(factor @ basis)[0] for factor, basis in zip(factors, bases, strict=True)),
            lambda bases: bases,
            (own.left_basis, own.right_basis),
        )
        return update, Eigen(momentum, second, *factors, *bases)

    return jax.lax.cond(count == 0, begin, go_on, None)


def shampoo(g: jax.Array, own: Roots, count: jax.Array, knobs: Mapping[str, object]) -> tuple[jax.Array, Roots]:
    """A step of Shampoo: `[S, m, n] -> [S, m, n]`."""
    b1, b2 = knobs['b1'], knobs['b2']
    momentum = b1 * own.momentum + (1 - b1) * g
    second = b2 * own.second + (1 - b2) * g**2
    factors = [b2 * old + (1 - b2) * new for old, new in zip((own.left, own.right), _squares(g), strict=True)]
    mean, spread = momentum / (1 - b1 ** (count + 1)), second / (1 - b2 ** (count + 1))
    roots = jax.lax.cond(
        _due(count, knobs['refresh_steps']),
        lambda roots: tuple(inverse_root(factor / (1 - b2 ** (count + 1)), knobs['ridge']) for factor in factors),
        lambda roots: roots,
        (own.left_root, own.right_root),
    )
    update, adam = roots[0] @ mean @ roots[1], mean / (jnp.sqrt(spread) + knobs['eps'])
    longer = _norm(adam) / jnp.maximum(_norm(update), SMALLEST)
    return longer * update, Roots(momentum, second, *factors, *roots)


def inverse_root(factor: jax.Array, ridge: object) -> jax.Array:
    """(A + ridge a I)^(-1/4) of symmetric matrices with the largest eigenvalue a: `[S, m, m] -> [S, m, m]`."""
    values, vectors = jnp.linalg.eigh(factor)
    largest = jnp.maximum(values[:, -1:], SMALLEST)
    # Rounding makes eigenvalues that are 0 a little negative.
    roots = (jnp.maximum(values, 0) + ridge * largest) ** -0.25
    return (vectors * roots[:, None, :]) @ vectors.mT


def _norm(x: jax.Array) -> jax.Array:
    return jnp.sqrt((x**2).sum((-2, -1), keepdims=True))
