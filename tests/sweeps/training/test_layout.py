"""Layout: which devices hold which part of a batch or a parameter, by their sizes alone."""

import pytest

from arch.roles import Product
from sweeps.training.layout import Layout, layouts

WIDE = Product((-2,), (-1,))


@pytest.mark.parametrize(
    ('data', 'model', 'batch', 'axes'),
    [
        (2, 4, 16, ('data', 'model')),
        (2, 4, 4, ('model',)),
        (2, 4, 2, ('data',)),
        (2, 4, 3, ()),
        (4, 2, 4, ('data',)),
        (1, 4, 8, ('model',)),
        (4, 1, 8, ('data',)),
        (1, 1, 8, ()),
    ],
)
def test_a_batch_is_spread_over_as_many_devices_as_divide_it(data: int, model: int, batch: int, axes: tuple):
    assert Layout((), 1, data, model).axes_of_batch(batch) == axes


@pytest.mark.parametrize(
    ('model', 'shape', 'role', 'product', 'axis'),
    [
        (1, (512, 512), 'matrix', WIDE, None),
        (2, (8, 8), 'matrix', WIDE, None),
        (2, (512, 512), 'matrix', WIDE, -1),
        (2, (1024, 512), 'matrix', WIDE, -2),
        (2, (512, 1024), 'matrix', WIDE, -1),
        (2, (512, 1023), 'matrix', WIDE, -2),
        (2, (513, 1023), 'matrix', WIDE, None),
        (2, (3, 512, 511), 'matrix', Product((-3, -2), (-1,)), -2),
        (2, (40_000,), 'vector', WIDE, -1),
        (2, (1024, 512), 'vector', WIDE, -1),
        (2, (512, 513), 'vector', WIDE, None),
        # A kernel of one axis has no inputs to spread.
        (2, (40_000,), 'embedding', WIDE, -1),
        (2, (40_001,), 'embedding', WIDE, None),
    ],
)
def test_a_large_parameter_is_spread_along_its_longest_axis_that_the_devices_divide(model, shape, role, product, axis):
    assert Layout((), 1, 1, model).axis_of(shape, role, product) == axis


@pytest.mark.parametrize(
    ('devices', 'lanes', 'made'),
    [
        (1, 1, [(1, 1, 1, True)]),
        (4, 2, [(2, 2, 1, True), (2, 1, 2, True), (2, 1, 2, False)]),
        (4, 3, [(1, 4, 1, True), (1, 2, 2, True), (1, 1, 4, True), (1, 2, 2, False), (1, 1, 4, False)]),
        (4, 8, [(4, 1, 1, True)]),
        (6, 1, [(1, 6 // n, n, True) for n in (1, 2, 3, 6)] + [(1, 6 // n, n, False) for n in (2, 3, 6)]),
    ],
)
def test_layouts_come_from_the_fastest_to_the_one_that_takes_the_least_memory(devices: int, lanes: int, made: list):
    told = list(layouts(tuple(range(devices)), lanes))
    assert [(one.lane, one.data, one.model, one.gathers) for one in told] == made
    assert all(one.devices == tuple(range(devices)) for one in told)
    assert told[0].sizes == dict(zip(('lane', 'data', 'model'), made[0], strict=False))


def test_parameters_that_lie_whole_are_read_as_they_are():
    tree = {'kernel': object()}
    for layout in (Layout((), 1, 2, 1), Layout((), 1, 1, 2, gathers=False)):
        assert layout.gathered(tree, None, None) is tree
