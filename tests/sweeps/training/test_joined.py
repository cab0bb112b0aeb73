"""Joined parameters: the same steps as of a tree, with every optimizer, and back again."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from rounding import assert_same_numbers

from ablations.schedules import SCALES, number_of
from arch.roles import Product
from sweeps.training import joined
from sweeps.training.arraywise import _scale
from sweeps.training.joined import Form
from sweeps.training.kronecker import as_before, as_matrices
from sweeps.training.optimizers import OPTIMIZERS, make_optimizer

ROLES = {'a': {'kernel': 'matrix', 'bias': 'vector'}, 'b': {'filter': 'conv', 'scale': 'vector', 'table': 'embedding'}}
SHAPES = {'a': {'kernel': (3, 4), 'bias': (4,)}, 'b': {'filter': (3, 3, 2), 'scale': (), 'table': (5, 2)}}
PRODUCTS = jax.tree.map(lambda role: Product(), ROLES)
KNOBS = {'lr': 0.1, 'weight_decay': 0.3, 'clip': 0.5}


def drawn(seed: int) -> dict:
    chance = np.random.default_rng(seed)
    return jax.tree.map(
        lambda shape: jnp.asarray(chance.normal(size=shape), jnp.float32), SHAPES, is_leaf=lambda leaf: isinstance(leaf, tuple)
    )


def bent(params: dict) -> jax.Array:
    """A function of the same curvature along every axis, whatever stands beside what."""
    return sum(1.5 * (leaf**2).sum() for leaf in jax.tree.leaves(params))


def stepped(kind: str, params: dict, roles: dict, products: dict, gradients: list) -> dict:
    """The parameters after a step with each gradient."""
    direction, move = make_optimizer(kind, roles, {**OPTIMIZERS[kind].KNOBS, **KNOBS}, products)

    @jax.jit
    def whole(params: dict, gradients: list) -> dict:
        moments = direction.init(params)
        for gradient in gradients:
            known = {'scale': jnp.float32(1), 'obj_fn': bent}
            told = {name: known[name] for name in OPTIMIZERS[kind].TOLD}
            updates, moments = direction.update(gradient, moments, params, **told)
            params = move(updates, params, 1.0)
        return params

    return whole(params, gradients)


@pytest.mark.parametrize('kind', OPTIMIZERS)
def test_the_steps_are_those_of_a_tree(kind):
    params, gradients = drawn(0), [drawn(1), drawn(2)]
    form = Form.of(params, ROLES, PRODUCTS, OPTIMIZERS[kind].WHOLE)
    expected = stepped(kind, params, ROLES, PRODUCTS, gradients)
    stored = stepped(kind, form.join(params).stored, form.roles, form.products, [form.join(g).stored for g in gradients])
    assert_same_numbers(expected, form.split(stored), roundings=64)


def test_what_is_joined_is_small_and_treated_number_by_number(monkeypatch):
    monkeypatch.setattr(joined, 'SMALL', 11)
    form = Form.of(drawn(0), ROLES, PRODUCTS, whole=['embedding'])
    assert {name: leaf.shape for name, leaf in form.join(drawn(0)).stored.items()} == {
        '1': (3, 4),
        '2': (3, 3, 2),
        '4': (5, 2),
        'vector': (5,),
    }
    assert form.roles == {'1': 'matrix', '2': 'conv', '4': 'embedding', 'vector': 'vector'}


def test_it_is_a_tree_to_jax_and_comes_back_whole():
    """Under vmap too, and on the host."""
    lanes = [drawn(seed) for seed in range(2)]
    form = Form.of(lanes[0], ROLES, PRODUCTS)
    both = jax.vmap(form.join)(jax.tree.map(lambda *leaves: jnp.stack(leaves), *lanes))
    for lane, params in enumerate(lanes):
        own = jax.device_get(jax.tree.map(lambda leaf, lane=lane: leaf[lane], both)).tree()
        assert jax.tree.structure(own) == jax.tree.structure(params)
        assert all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(own), jax.tree.leaves(params), strict=True))


@pytest.mark.parametrize(
    ('shape', 'product', 'order', 'matrix'),
    [
        ((3, 4), Product(), (0, 1), (1, 3, 4)),
        ((5, 3, 4), Product(), (0, 1, 2), (5, 3, 4)),
        ((8, 2, 4), Product((-3,), (-2, -1)), (0, 1, 2), (1, 8, 8)),
        ((3, 2, 4, 8), Product((-3, -2), (-1,)), (0, 1, 2, 3), (3, 8, 8)),
        ((2, 3, 5), Product((-1,), (-3,)), (1, 2, 0), (3, 5, 2)),
    ],
)
def test_a_product_of_several_axes_is_a_matrix_of_its_inputs_by_its_outputs(shape, product: Product, order, matrix):
    kernel = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    made = as_matrices(jnp.asarray(kernel), product)
    assert made.shape == matrix and np.array_equal(made, kernel.transpose(order).reshape(matrix))
    assert np.array_equal(as_before(made, shape, product), kernel)


@pytest.mark.parametrize('name', SCALES)
def test_the_scale_of_a_matrix_may_be_traced(name: str):
    wanted = (
        {'adam_size': 0.2 * 8**0.5, 'spectral': 2.0**-1, 'original': 1.0}[name],
        {
            'adam_size': 0.2 * 8**0.5,
            'spectral': 2.0,
            'original': 2.0,
        }[name],
    )
    for given in (number_of(name), jnp.float32(number_of(name))):
        assert [float(_scale(given, *sides)) for sides in ((8, 2), (2, 8))] == pytest.approx(wanted)
