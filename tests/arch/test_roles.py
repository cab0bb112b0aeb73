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


INSIDE = Kernels({(family, ('mix',)): ('each', 'in', 'out') for family in ('norm', 'residual')})


@pytest.mark.parametrize(
    ('modules', 'known'),
    [
        (('block_0', 'norm_mixer'), True),
        (('block_0', 'norm'), True),
        (('block_0', 'mixer', 'query_norm'), True),
        (('head', 'ahead_2', 'residual'), True),
        (('block_0', 'residual_mixer'), True),
        (('leave_0',), True),
        ((), True),
        (('block_0', 'normal'), False),
        (('block_0', 'residuals'), False),
        (('block_0', 'leave_early'), False),
        (('block_0', 'mixer', 'norms'), False),
    ],
    ids=lambda value: '/'.join(value) if isinstance(value, tuple) else '',
)
def test_what_a_class_says_holds_where_a_module_fills_its_socket(modules, known):
    path = (*modules, 'mix', 'kernel')
    if known:
        assert product(path, (3, 4, 5), INSIDE) == Product()
    else:
        said = r'is a matrix of 3 axes, \[3, 4, 5\], and its class does not say what they are; allowed: \[in, out\], or'
        with pytest.raises(ValueError, match=said):
            product(path, (3, 4, 5), INSIDE)


def test_words_of_another_number_of_axes_are_quoted():
    path = ('blocks_0', 'mixer', 'attend', 'query', 'kernel')
    said = r"is a matrix of 2 axes, \[8, 6\], and its class says \('in', 'out', 'out'\); allowed: \[in, out\]"
    with pytest.raises(ValueError, match=said):
        product(path, (3, 8, 6), ATTEND)


def test_a_block_of_its_own_kind_has_its_own_words_and_others_those_of_all():
    own = Kernels({('mixer', ('mix',)): ('in', 'out')}, {'block_1': {('mixer', ('mix',)): ('out', 'in')}})
    there, elsewhere = (product((block, 'mixer', 'mix', 'kernel'), (4, 5), own) for block in ('block_1', 'block_2'))
    assert (there, elsewhere) == (Product((-1,), (-2,)), Product())
    assert own.at(()) == own.words


@pytest.mark.parametrize(
    ('path', 'expected'),
    [
        (('head', 'ahead_2', 'mixer', 'query', 'kernel'), 'matrix'),
        (('head', 'ahead', 'kernel'), 'head'),
        (('head', 'kernel'), 'head'),
        (('block_0', 'head', 'kernel'), 'matrix'),
        (('kernel',), 'matrix'),
        (('stem', 'conv', 'kernel'), 'embedding'),
        (('conv', 'kernel'), 'conv'),
        (('block_0', 'conv', 'mixer', 'kernel'), 'matrix'),
    ],
    ids=lambda value: '/'.join(value) if isinstance(value, tuple) else value,
)
def test_the_first_module_of_the_model_and_the_last_before_a_kernel_say_its_role(path, expected):
    assert role(path) == expected
    assert product(path, (4, 5)) == (Product() if expected == 'matrix' else None)


@pytest.mark.parametrize('family', [family for family in FAMILIES if family != 'initial'])
def test_the_labs_own_kinds_have_the_roles_of_their_names_and_products_on_the_last_two_axes(family):
    for kind, cls in TABLES[family].items():
        for line in shape_lines(cls)[:1]:
            block = probe(family, kind, TABLES, line)
            params, _ = block.drawn()
            assert roles(params, block.kernels) == jax.tree_util.tree_map_with_path(lambda path, _: role(names(path)), params)
            assert set(jax.tree.leaves(products(params, block.kernels))) <= {Product()}
