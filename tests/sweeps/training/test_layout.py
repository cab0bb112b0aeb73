"""Layout: which devices hold which part of a batch or a parameter, by their sizes alone, and how programs are told."""

from collections.abc import Callable
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import NamedSharding, PartitionSpec

from arch.roles import Product
from sweeps.protocol.pack import LANES
from sweeps.training import population as populations
from sweeps.training.checkpoints import Snapshot
from sweeps.training.lane_programs import _placed
from sweeps.training.layout import Layout, everywhere, layouts
from sweeps.training.population import Population, _Flight, _where_is

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
        (2, (128, 128), 'matrix', WIDE, -1),
        (2, (127, 128), 'matrix', WIDE, None),
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


EIGHT = Layout(tuple(jax.devices()[:1] * 8), 2, 2, 2)
"""Eight devices in two of each axis; one device stands for all of them, because nothing is run."""


def held(function: Callable, *given: object) -> list[PartitionSpec]:
    """How a program holds its arrays on the devices, in their order."""
    return [equation.params['sharding'].spec for equation in jax.make_jaxpr(function)(*given).eqns]


def test_devices_are_a_mesh_of_lanes_data_and_model():
    assert EIGHT.mesh.axis_names == ('lane', 'data', 'model') and EIGHT.mesh.devices.shape == (2, 2, 2)
    assert Layout(EIGHT.devices, 1, 4, 2).mesh.devices.shape == (1, 4, 2)


def test_a_program_holds_its_arrays_where_the_layout_says():
    rows, three, wide = jnp.zeros((4, 3)), jnp.zeros(3), jnp.zeros((512, 128))
    assert held(EIGHT.batch, [rows, three]) == [PartitionSpec(('data', 'model')), PartitionSpec(None)]
    assert held(EIGHT.whole, [rows]) == [PartitionSpec()]
    free = PartitionSpec.UNCONSTRAINED
    assert held(EIGHT.by_lane, [rows, three]) == [PartitionSpec('lane', free), PartitionSpec('lane')]

    def spread(tree: list) -> list:
        return EIGHT.parameters(tree, ['matrix', 'vector'], [WIDE, WIDE])

    assert held(spread, [wide, three]) == [PartitionSpec('model', None), PartitionSpec(None)]
    for function, given in ((EIGHT.batch, rows), (EIGHT.whole, rows), (EIGHT.by_lane, rows), (spread, [wide, three])):
        assert jax.tree.map(jnp.shape, jax.eval_shape(function, given)) == jax.tree.map(jnp.shape, given)


def test_a_step_reads_parameters_whole_and_its_gradient_is_spread_as_they_are():
    def loss(tree: list) -> jax.Array:
        (kernel,) = EIGHT.gathered(tree, ['matrix'], [WIDE])
        return (kernel**2).sum()

    told = [
        equation.params['sharding'].spec
        for equation in jax.make_jaxpr(jax.grad(loss))([jnp.zeros((512, 128))]).eqns
        if equation.primitive.name == 'sharding_constraint'
    ]
    assert told == [PartitionSpec(), PartitionSpec('model', None)]
    assert jax.eval_shape(loss, [jnp.zeros((512, 128))]).shape == ()


def test_lanes_from_the_host_go_to_the_devices_of_their_lanes():
    alone = Layout(tuple(jax.devices()[:1]), 1, 1, 1)
    placed = alone.lanes({'seed': np.arange(2)})['seed']
    assert placed.sharding.spec == PartitionSpec('lane') and placed.sharding.mesh == alone.mesh
    assert placed.tolist() == [0, 1]


def test_what_goes_on_lies_where_its_program_made_it():
    made = jax.device_put(jnp.zeros(2), NamedSharding(Layout(tuple(jax.devices()[:1]), 1, 1, 1).mesh, PartitionSpec('lane')))
    again = _where_is(np.arange(2.0), made)
    assert again.sharding == made.sharding and again.tolist() == [0, 1]
    told = _placed(jax.ShapeDtypeStruct((2,), jnp.int32), made.sharding)
    assert (told.shape, told.dtype, told.sharding) == ((2,), jnp.int32, made.sharding)


@pytest.mark.parametrize('count', [1, 2])
def test_arrays_are_whole_on_each_of_the_devices(count: int):
    (made,) = everywhere([np.arange(3)], jax.devices()[:1] * count)
    assert made.tolist() == [0, 1, 2] and isinstance(made.sharding, NamedSharding) == (count > 1)


@pytest.mark.parametrize(
    ('strategy', 'devices', 'used'), [('vmap', 'ab', 'ab'), ('vmap', 'a', ''), ('map', 'ab', ''), ('loop', 'ab', '')]
)
def test_lanes_are_spread_where_they_run_together_and_there_are_several_devices(strategy: str, devices: str, used: str):
    made = Population(None, strategy, devices=tuple(devices))
    assert made.devices == tuple(used) and made.most == LANES[strategy] and (made.splits, made.streamed) == (0, False)
    assert Population(None, strategy, 5, True).most == 5 and made.layout is None
    made.chosen = {width: SimpleNamespace(layout=f'of {width}') for width in (16, 4, 1)}
    assert made.layout == 'of 1', 'that of the programs that were used last'


def test_the_first_layout_that_fits_is_chosen_and_half_the_lanes_where_none_does(monkeypatch: pytest.MonkeyPatch):
    made, needs = Population(None, 'vmap', devices=EIGHT.devices[:4]), {}
    asked, limit = [], [10]

    def programs(layout: Layout) -> SimpleNamespace:
        asked.append((layout.lane, layout.model, layout.gathers))
        return SimpleNamespace(
            layout=layout, placed=lambda lanes: lanes, bytes_needed=lambda lanes, pool: needs[layout.model, layout.gathers]
        )

    monkeypatch.setattr(made, 'programs', programs)
    monkeypatch.setattr(populations, 'memory_limit', lambda: limit[0])
    needs |= {(1, True): 40, (2, True): 20, (4, True): 11, (2, False): 10, (4, False): 5}
    assert made._choose(1, {}, {}).layout.gathers is False
    assert asked == [(1, 1, True), (1, 2, True), (1, 4, True), (1, 2, False)]
    assert made._choose(1, {}, {}) is made.chosen[1] and len(asked) == 4, 'once for each number of lanes'
    limit[0] = 4
    assert made._choose(2, {}, {}) is None and 2 not in made.chosen
    made.chosen.clear()
    with pytest.raises(ValueError, match=r'a lane takes 5e-09 GB of each of 4 devices, over which .*; allowed: 4e-09 GB'):
        made._choose(1, {}, {})
    limit[0] = None
    assert made._choose(4, {}, {}).layout.lane == 4, 'where no device tells of a limit, the fastest'
    made._lower(5)
    assert (made.most, made.splits) == (2, 1)


@pytest.mark.parametrize(('strategy', 'lanes'), [('vmap', [1, 2, 2, 2]), ('map', [1, 2])])
def test_lanes_are_stacked_and_filled_up_with_the_last_one_where_they_run_together(strategy: str, lanes: list):
    made = Population(None, strategy)
    given = [{'seed': np.uint32(seed), 'knobs': {'lr': np.float32(seed / 2)}} for seed in (1, 2)]
    stacked = made._stacked(given, 4)
    assert stacked['seed'].tolist() == lanes and stacked['knobs']['lr'].tolist() == [seed / 2 for seed in lanes]
    pauses = [Snapshot([], [np.float32(seed)], [{'loss': np.float32(-seed)}], 7, 1, seed / 4) for seed in (1, 2)]
    together = made._together(pauses, 4)
    assert together.carry[0].tolist() == lanes and together.seen[0]['loss'].tolist() == [-seed for seed in lanes]
    assert (together.results, together.step, together.width, together.spent) == ([], 7, 4, 0.75)
    alone = Population(None, 'loop')
    assert alone._stacked(given[:1], 1) is given[0] and alone._together(pauses[:1], 1) is pauses[0]


@pytest.mark.parametrize(('lane', 'own'), [(None, [3.0, 4.0]), (1, 4.0)])
def test_a_pause_has_what_the_whole_run_sees_too(lane: int | None, own: object):
    """Of points 0, 4, 8 and 12 those up to the stop at step 6, and not what was scored there."""
    flight = object.__new__(_Flight)
    flight.until, flight.carry = 6, [np.array([3.0, 4.0])]
    flight.seen = [{'loss': np.array([seen, seen + 10])} for seen in (0, 1, 2)]
    flight.population = SimpleNamespace(training=SimpleNamespace(points=(0, 4, 8, 12)))
    made = flight.pause(lane, 2.5)
    assert (made.results, made.step, made.width, made.spent) == ([], 6, 1, 2.5)
    assert made.carry[0].tolist() == own and len(made.seen) == 2
    assert made.seen[1]['loss'].tolist() == ([1, 11] if lane is None else 11)
