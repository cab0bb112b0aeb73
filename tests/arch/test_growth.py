"""Growth: how much larger each parameter is than in a smaller model, and what its first values are multiplied by."""

import jax
import pytest

from arch.growth import Growth, growths
from arch.roles import Product


def grown(path, leaf, base, product, layers=3.0):
    """The growth of one parameter of these shapes."""

    def tree(value):
        for name in reversed(path):
            value = {name: value}
        return value

    shapes = (jax.ShapeDtypeStruct(shape, 'float32') for shape in (leaf, base))
    (one,) = jax.tree.leaves(
        growths(*map(tree, shapes), tree(product), layers), is_leaf=lambda value: isinstance(value, Growth)
    )
    return one


@pytest.mark.parametrize(
    ('path', 'leaf', 'base', 'product', 'growth'),
    [
        (('block_1', 'channel', 'up', 'kernel'), (8, 12), (4, 2), Product(), Growth(2.0, 6.0, 3.0)),
        (('blocks_0', 'channel', 'up', 'kernel'), (5, 8, 12), (5, 4, 2), Product(), Growth(2.0, 6.0, 3.0)),
        (('blocks_0_1', 'mixer', 'query', 'kernel'), (5, 8, 3, 4), (5, 4, 1, 2), Product((-3,), (-2, -1)), Growth(2, 6, 3)),
        (('head', 'head', 'kernel'), (8, 5), (4, 5), Product(), Growth(2.0, 1.0, 1.0)),
        (('stem', 'embedding'), (5, 8), (5, 4), Product(), Growth(1.0, 2.0, 1.0)),
        (('block_0', 'norm', 'scale'), (8,), (4,), Product(), Growth(1.0, 2.0, 3.0)),
        (('block_0', 'mixer', 'table', 'bias'), (9, 8), (9, 2), Product(), Growth(1.0, 4.0, 3.0)),
        (('block_0', 'mixer', 'taps', 'kernel'), (8,), (4,), Product(), Growth(1.0, 2.0, 3.0)),
    ],
    ids=lambda value: '/'.join(value) if isinstance(value, tuple) and value and isinstance(value[0], str) else '',
)
def test_axes_grow_as_inputs_and_outputs(path, leaf, base, product, growth):
    assert grown(path, leaf, base, product) == growth


@pytest.mark.parametrize(
    ('growth', 'start'), [(Growth(4.0, 1.0), 0.5), (Growth(4.0, 2.0), 1.0), (Growth(1.0, 1.0), 1.0), (Growth(0.25, 1.0), 1.0)]
)
def test_a_product_whose_outputs_do_not_grow_starts_smaller(growth, start):
    assert growth.start == start
