"""Roles are read from names alone, and an unknown name raises."""

import jax
import pytest

from arch.probe import probe
from arch.roles import LEAVES, NOTHING_SAID, ROLES, Kernels, Product, names, product, products, role, roles
from arch.shape_lines import shape_lines
from arch.sockets import FAMILIES, TABLES

CASES = [
    (('stem', 'patches', 'kernel'), 'embedding'),
    (('stem', 'embedding'), 'embedding'),
    (('position', 'embedding'), 'embedding'),
    (('block_0', 'mixer', 'query', 'kernel'), 'matrix'),
    (('block_0', 'mixer', 'query', 'bias'), 'vector'),
    (('block_1', 'mixer', 'depthwise', 'kernel'), 'conv'),
    (('block_1', 'mixer', 'depthwise', 'bias'), 'vector'),
    (('block_1', 'residual', 'gain'), 'vector'),
    (('block_1', 'norm', 'shift'), 'vector'),
    (('downsample_1', 'patches', 'kernel'), 'matrix'),
    (('head', 'norm', 'scale'), 'vector'),
    (('head', 'head', 'kernel'), 'head'),
    (('head', 'head', 'bias'), 'vector'),
]


@pytest.mark.parametrize(('path', 'expected'), CASES, ids=['/'.join(path) for path, _ in CASES])
def test_role(path, expected):
    assert role(path) == expected
    assert expected in ROLES


def test_roles_keep_the_tree():
    assert roles({'head': {'head': {'kernel': 1, 'bias': 2}}}) == {'head': {'head': {'kernel': 'head', 'bias': 'vector'}}}


def test_an_unknown_name_raises():
    with pytest.raises(
        ValueError, match=r"parameter 'block_0/mixer/weight': 'weight' is no parameter name; allowed: \['kernel'"
    ):
        role(('block_0', 'mixer', 'weight'))
    assert 'weight' not in LEAVES


ATTEND = Kernels({('mixer', ('attend', 'query')): ('in', 'out', 'out'), ('mixer', ('short',)): ('tap', 'in', 'out')})


def test_a_kernel_of_more_axes_says_what_they_are():
    path = ('block_0', 'mixer', 'attend', 'query', 'kernel')
    assert product(path, (8, 2, 4), ATTEND) == Product((-3,), (-2, -1))
    assert product(('blocks_0', *path[1:]), (3, 8, 2, 4), ATTEND) == Product((-3,), (-2, -1))
    assert product(path[2:], (8, 2, 4), ATTEND) == Product((-3,), (-2, -1)), 'the block alone'
    short = ('block_0', 'mixer', 'short', 'kernel')
    assert role(short, ATTEND) == 'conv' and product(short, (4, 1, 8), ATTEND) is None
    assert product(('block_0', 'mixer', 'query', 'kernel'), (8, 8)) == Product()


@pytest.mark.parametrize(
    ('path', 'shape', 'said'),
    [
        (('block_0', 'mixer', 'attend', 'query', 'kernel'), (8, 2, 4), r"'attend/query': \('in', 'out', 'out'\)"),
        (('block_0', 'channel', 'attend', 'query', 'kernel'), (8, 2, 4), 'a matrix of 3 axes'),
        (('block_0', 'mixer', 'short_conv', 'kernel'), (4, 1, 8), "a 'tap', or a module named 'depthwise' or 'conv'"),
        (('block_0', 'mixer', 'rate', 'kernel'), (8,), 'a matrix of 1 axes'),
        (('blocks_0', 'mixer', 'rate', 'kernel'), (3, 8), 'a matrix of 1 axes'),
    ],
    ids=['attention', 'another socket', 'filter', 'one axis', 'one axis scanned'],
)
def test_a_kernel_of_which_nothing_is_said_is_refused(path, shape, said):
    kernels = ATTEND if 'channel' in path else NOTHING_SAID
    with pytest.raises(ValueError, match=said):
        product(path, shape, kernels)
    params = jax.ShapeDtypeStruct(shape, 'float32')
    for name in reversed(path):
        params = {name: params}
    with pytest.raises(ValueError, match=said):
        roles(params, kernels)


@pytest.mark.parametrize('family', [family for family in FAMILIES if family != 'initial'])
def test_the_labs_own_kinds_have_the_roles_of_their_names_and_products_on_the_last_two_axes(family):
    for kind, cls in TABLES[family].items():
        for line in shape_lines(cls)[:1]:
            block = probe(family, kind, TABLES, line)
            params, _ = block.drawn()
            assert roles(params, block.kernels) == jax.tree_util.tree_map_with_path(lambda path, _: role(names(path)), params)
            assert set(jax.tree.leaves(products(params, block.kernels))) <= {Product()}
