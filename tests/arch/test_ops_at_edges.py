"""Operations at their edges: what stands outside a map, rows apart from each other, and the way of computing afterwards."""

import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from arch.block import Norm, adopted_tables
from arch.depth import stacked, unstacked
from arch.norms import NORMS
from arch.ops.attend_blocks import blocks_of, windows_of
from arch.ops.depthwise import form_of
from arch.ops.first_of_each import first_of_each
from arch.ops.lowering import LOWERING, lowering, plain
from arch.ops.padding import padding, strided
from arch.ops.patches import patches, unpatched
from arch.ops.pooling import max_pool
from arch.ops.product import product


@pytest.mark.parametrize('kind', ['float32', 'bfloat16'])
def test_what_stands_outside_a_map_is_no_maximum(kind):
    y = max_pool(jnp.full((1, 5, 4, 1), -2, kind), 3, 2)
    assert y.shape == (1, 3, 2, 1) and y.dtype == kind and (y == -2).all()


def test_a_maximum_is_that_of_the_places_around():
    x = jnp.arange(20.0).reshape(1, 4, 5, 1)
    assert max_pool(x, 3, 1)[0, :, :, 0].tolist() == [
        [6, 7, 8, 9, 9],
        [11, 12, 13, 14, 14],
        [16, 17, 18, 19, 19],
        [16, 17, 18, 19, 19],
    ]
    assert max_pool(x, 2, 2)[0, :, :, 0].tolist() == [[6, 8, 9], [16, 18, 19]]


def test_rows_are_looked_through_apart_from_each_other():
    assert first_of_each(jnp.array([[1, 1, 2], [2, 1, 2], [3, 3, 3]])).tolist() == [
        [True, False, True],
        [True, True, False],
        [True, False, False],
    ]


def test_a_way_of_computing_ends_with_its_block_also_by_an_error():
    assert not plain()
    with pytest.raises(RuntimeError), lowering('reference'):
        assert plain() and form_of((4, 4), (3, 3)) == 'reference'
        with lowering('shifts'):
            assert not plain() and form_of((4, 4), (7, 7)) == 'shifts'
        assert plain()
        raise RuntimeError
    assert LOWERING.get() == 'auto' and form_of((4, 4), (7, 7)) == 'toeplitz'


@pytest.mark.parametrize(
    ('size', 'causal', 'zeros'), [(1, False, (0, 0)), (4, False, (1, 2)), (1, True, (0, 0)), (4, True, (3, 0))]
)
def test_zeros_around_an_axis_keep_its_length(size, causal, zeros):
    assert padding(size, causal) == zeros and sum(zeros) == size - 1


def test_a_stride_keeps_the_first_position():
    assert [strided((length,), stride) for length, stride in ((1, 3), (3, 3), (4, 3), (4, 1))] == [(1,), (1,), (2,), (4,)]


def test_patches_are_put_together_again():
    x = np.arange(2 * 4 * 6 * 3).reshape(2, 4, 6, 3)
    cut = patches(x, 2)
    assert cut.shape == (2, 2, 3, 12) and cut[1, 1, 2].tolist() == x[1, 2:, 4:].ravel().tolist()
    assert (unpatched(cut, 2) == x).all() and (patches(x, 1) == x).all()


@pytest.mark.parametrize('shape', [(3,), (2, 3), (0, 3), (2, 1, 4, 3)])
@pytest.mark.parametrize('outputs', [2, 5])
def test_a_product_keeps_the_axes_of_its_rows(shape, outputs):
    x, kernel = np.ones(shape, np.float32), np.arange(3.0 * outputs, dtype=np.float32).reshape(3, outputs)
    np.testing.assert_allclose(product(jnp.asarray(x), jnp.asarray(kernel)), x @ kernel)


def test_blocks_and_windows_are_filled_up_with_zeros():
    x = jnp.arange(1, 6).reshape(1, 5, 1)
    assert blocks_of(x, 3)[0, :, :, 0].tolist() == [[1, 2, 3], [4, 5, 0]] and blocks_of(x, 5).shape == (1, 1, 5, 1)
    assert windows_of(x, 3, 1)[0, :, :, 0].tolist() == [
        [1, 2, 3],
        [2, 3, 4],
        [3, 4, 5],
        [4, 5, 0],
        [5, 0, 0],
    ]
    assert windows_of(x, 2, 2)[0, :, :, 0].tolist() == [[1, 2], [3, 4], [5, 0]]
    assert windows_of(x, 1, 2)[0, :, :, 0].tolist() == [[1], [3], [5]]
    assert windows_of(x, 7, 5)[0, :, :, 0].tolist() == [[1, 2, 3, 4, 5, 0, 0]]


def test_parts_that_no_scan_holds_stay_as_they_are():
    holds = {'blocks_0': range(2), 'blocks_1': range(2, 3)}
    tree = {'head': {'bias': np.ones(1)}, 'block_2': {'mean': np.arange(2.0)}}
    there = stacked(tree, holds)
    assert set(there) == {'head', 'blocks_1'} and there['blocks_1']['mean'].shape == (1, 2)
    assert there['head'] is tree['head'] and set(unstacked(there, holds)) == {'head', 'block_2'}
    assert stacked({}, holds) == unstacked({}, holds) == {}


def test_tables_adopt_flax_modules_and_leave_what_is_none():
    class Plain(nn.Module):
        """`[..., C] -> [..., C]`"""

    given = {'norm': {'mine': Plain, 'layer_norm': NORMS['layer_norm'], 'broken': 3}, 'initial': {'other': Plain}}
    made = adopted_tables(given)
    assert issubclass(made['norm']['mine'], Norm) and made['norm']['mine'] is not Plain
    assert made['norm']['layer_norm'] is NORMS['layer_norm'] and made['norm']['broken'] == 3
    assert made['initial']['other'] is Plain and given['norm']['mine'] is Plain
