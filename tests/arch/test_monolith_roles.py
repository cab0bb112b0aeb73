"""Roles in a whole model of a user's own: what a parameter is for, and which axes of a matrix are inputs and outputs."""

import jax
import jax.numpy as jnp
import pytest

from arch.monolith_roles import products_of, role_of

ROLED = {'*/pos': 'embedding', 'heads/*': ('each', 'in', 'out'), 'odd/kernel': 'wheel', 'few/kernel': ('in', 'out')}


@pytest.mark.parametrize(
    ('path', 'shape', 'role'),
    [
        (('Conv_0', 'kernel'), (3, 3, 4, 8), 'conv'),
        (('a', 'pos'), (1, 9, 8), 'embedding'),
        (('Embed_0', 'embedding'), (9, 8), 'embedding'),
        (('lm_head', 'kernel'), (8, 9), 'head'),
        (('overhead', 'kernel'), (8, 9), 'matrix'),
        (('heads', 'kernel'), (2, 8, 8), 'matrix'),
        (('anything', 'at_all'), (8,), 'vector'),
    ],
)
def test_roles_come_from_what_is_said_and_else_from_names(path: tuple, shape: tuple, role: str):
    assert role_of(type('Mine', (), {'ROLES': ROLED}), path, shape) == role


@pytest.mark.parametrize(
    ('path', 'shape', 'why'),
    [
        (('q', 'kernel'), (8, 2, 4), 'its name does not say what it is for'),
        (('a', 'table'), (8, 4), 'its name does not say what it is for'),
        (('odd', 'kernel'), (8, 4), "ROLES says 'wheel'; allowed: "),
        (('few', 'kernel'), (8, 2, 4), 'for each axis a word'),
    ],
)
def test_a_role_that_nothing_says_is_asked_for(path: tuple, shape: tuple, why: str):
    with pytest.raises(ValueError, match=why):
        role_of(type('Mine', (), {'ROLES': ROLED}), path, shape)


def test_the_axes_of_a_matrix_are_those_that_the_class_says():
    cls = type('Mine', (), {'ROLES': ROLED})
    leaf = jax.ShapeDtypeStruct((2, 8, 8), jnp.float32)
    product = products_of(cls, {'heads': {'kernel': leaf}})['heads']['kernel']
    assert (product.inputs, product.outputs) == ((-2,), (-1,))
    turned = type('Mine', (), {'ROLES': {'q/kernel': ('out', 'in')}})
    product = products_of(turned, {'q': {'kernel': jax.ShapeDtypeStruct((8, 4), jnp.float32)}})['q']['kernel']
    assert (product.inputs, product.outputs) == ((-1,), (-2,))
    with pytest.raises(ValueError, match='is a matrix of 3 axes'):
        products_of(type('Mine', (), {'ROLES': {'*': 'matrix'}}), {'q': {'kernel': leaf}})
