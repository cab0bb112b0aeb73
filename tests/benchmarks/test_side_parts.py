"""Parts of the sides: PyTorch's models of the arms that peers compare, and what lanes tell of time and memory."""

import contextlib
import gzip
import importlib
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import numpy_torch
import pytest

from ablations.config import changed, swap
from arch.model import build
from benchmarks.body import body_of, flat
from benchmarks.sides import lab, lab_lanes, lab_profile, one_trial
from benchmarks.sides.profiled import GROUPS, grouped
from sweeps.tasks.batch_order import batch_order
from sweeps.tasks.digits import Digits
from sweeps.training.splits import tuning_split


@pytest.fixture
def model(monkeypatch):
    """The module of the model, made with the stand-in."""
    name = 'benchmarks.sides.pytorch_model'
    numpy_torch.install(monkeypatch)
    monkeypatch.delitem(sys.modules, name, raising=False)
    yield importlib.import_module(name)
    sys.modules.pop(name)


def test_a_model_has_a_place_for_the_parameters_of_every_layer(model):
    """Two layers a stage, without a mixer and with norms that have a scale alone, as arms of the peers have them."""
    given = body_of('digits', {'width': 4, 'depth': 2, 'batch': 2})
    config = changed(given.config, (swap('norm', 'rms_norm'), swap('mixer', 'identity')))
    own, draw = build(config), np.random.default_rng(0)
    shapes, _ = jax.eval_shape(lambda: own.init(jax.random.key(0), jnp.zeros((1, 8, 8, 1)), {}))
    params = flat(jax.tree.map(lambda leaf: draw.normal(size=leaf.shape), shapes))
    made = model.Model(config, params)
    first, second, shrink, third, fourth = made.layers.parts
    assert sum(one.numel() for one in made.parameters()) == sum(leaf.size for leaf in params.values())
    for number, block in enumerate((first, second, third, fourth)):
        assert np.allclose(block.channel.up.weight, params[f'block_{number}/channel/up/kernel'].T)
    assert shrink.norm.bias is None and made.places is None
    x = draw.normal(size=(2, 4, 4, 4))
    scale = params['block_1/norm/scale']
    squares = np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6)
    assert np.allclose(second.norm(numpy_torch.tensor(x)), x / squares * scale)
    assert np.allclose(second(numpy_torch.tensor(x)), x + second.channel(numpy_torch.tensor(x / squares * scale)))


def test_parameters_without_a_place_are_named_in_order(model):
    body = body_of('digits', {'width': 4, 'batch': 2})
    own = build(body.config)
    shapes, _ = jax.eval_shape(lambda: own.init(jax.random.key(0), jnp.zeros((1, 8, 8, 1)), {}))
    params = flat(jax.tree.map(lambda leaf: np.zeros(leaf.shape), shapes))
    with pytest.raises(ValueError, match=r"has no place for \['a/kernel', 'z/kernel'\]; allowed: the kinds of the bases"):
        model.Model(body.config, {**params, 'z/kernel': np.zeros(2), 'a/kernel': np.zeros(2)})


def test_parameters_are_arrays_of_their_own_that_lie_as_pytorch_has_them(model):
    given = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    made = model.parameter(given)
    given[0, 0] = 7
    assert made.flags.c_contiguous and made.tolist() == [[0, 1, 2], [3, 4, 5]]
    params = {'m/depthwise/kernel': np.ones((3, 3, 4)), 'm/depthwise/bias': np.zeros(4)}
    weight = model.Depthwise(model.Given(params), 'm', False).weight
    assert weight.shape == (4, 1, 3, 3) and weight.flags.c_contiguous


@pytest.mark.parametrize(('causal', 'taken'), [(False, (-1, 0, 1)), (True, (-2, -1, 0))])
def test_a_convolution_of_tokens_looks_to_both_sides_unless_it_is_causal(model, causal, taken):
    draw = np.random.default_rng(0)
    kernel, bias, x = draw.normal(size=(3, 2)), draw.normal(size=2), draw.normal(size=(2, 5, 2))
    made = model.Depthwise(model.Given({'m/depthwise/kernel': kernel, 'm/depthwise/bias': bias}), 'm', causal)
    around = np.pad(x, ((0, 0), (2, 2), (0, 0)))
    told = sum(kernel[tap] * around[:, 2 + place : 7 + place] for tap, place in enumerate(taken)) + bias
    assert np.allclose(made(numpy_torch.tensor(x)), told, atol=1e-6)


def test_fewer_tokens_than_places_have_the_first_of_them(model):
    body = body_of('decoder', {'width': 8, 'depth': 1, 'heads': 2, 'length': 6, 'batch': 1})
    own = build(body.config)
    shapes, _ = jax.eval_shape(lambda: own.init(jax.random.key(0), jnp.zeros((1, 6), jnp.int32), {}))
    draw = np.random.default_rng(0)
    made = model.Model(body.config, flat(jax.tree.map(lambda leaf: draw.normal(size=leaf.shape), shapes)))
    ids = numpy_torch.tensor(np.arange(6)[None])
    # It is causal, so the first scores do not depend on what comes later.
    assert np.allclose(made(ids)[:, :3], made(ids[:, :3]))


def test_time_and_memory_of_lanes_are_those_of_the_compiled_program(monkeypatch):
    """Two trainings come before a step is timed; the last of a row of steps may be shorter."""
    calls, clock = [], iter([1.0, 3.5, 10.0, 10.0, 20.0, 25.0, 30.0, 31.0, 37.0, 40.0, 50.0, 51.0, 60.0, 65.0])
    memory = SimpleNamespace(temp_size_in_bytes=1, argument_size_in_bytes=20, output_size_in_bytes=300, alias_size_in_bytes=7)

    class Program:
        def lower(self, lanes, carry, pool, origin, first, stop):
            assert (origin, first, stop) == (0, 0, lab_lanes.STEPS)
            return self

        compile = lambda self: self  # noqa: E731
        memory_analysis = lambda self: memory  # noqa: E731

        def __call__(self, lanes, carry, pool, origin, first, stop):
            calls.append((origin, first, stop))
            return {'done': carry['done'] + stop}

    def begin(lane, x):
        assert len(x) == 1
        return {'done': lane['seed'] * 0}

    made = lab_lanes.Lanes('digits', {'width': 4, 'batch': 2})
    made.training = SimpleNamespace(begin=begin, advance=lambda *given: None)
    given = lab_lanes.jax.jit
    monkeypatch.setattr(
        lab_lanes.jax, 'jit', lambda function, donate_argnums=None: Program() if donate_argnums == 1 else given(function)
    )
    monkeypatch.setattr(lab_lanes, 'time', SimpleNamespace(process_time=lambda: next(clock), perf_counter=lambda: next(clock)))
    waited = []
    monkeypatch.setattr(lab_lanes.jax, 'block_until_ready', waited.append)
    told = made.prepare('loop', 1)
    # Compiling from 1 to 3.5; the second training from 30 to 37.
    assert told == {'compile_s': 2.5, 'step_s': 0.7, 'bytes': 1 + 20 + 300 - 7}
    assert calls == [(0, 0, 10)] * 2
    assert made.train('loop', 1, 25) == (10.0, 14.0) and calls[2:] == [(0, 0, 10), (0, 0, 10), (0, 0, 5)]
    assert int(made.ready['loop', 1][2]['done']) == 45 and [int(carry['done']) for carry in waited] == [10, 20, 45]


def test_a_map_runs_one_lane_after_another_and_a_vector_all_at_once():
    made = object.__new__(lab_lanes.Lanes)
    made.training = SimpleNamespace(advance=lambda lane, carry, *given: (lane, carry + 1, given))
    lanes, carry = jnp.arange(2), jnp.array([10, 20])
    for way in ('map', 'vmap'):
        lane, after, (pool, *numbers) = jax.eval_shape(made._form(way), lanes, carry, jnp.zeros(7), 0, 0, 3)
        assert (lane.shape, after.shape, pool.shape, [one.shape for one in numbers]) == ((2,), (2,), (2, 7), [(2,)] * 3)


def test_the_lab_starts_its_clock_before_the_first_parameters(monkeypatch):
    """Compile time is that of the first step alone; every step begins with a loss of nothing."""
    clock, seen = iter([1.0, 4.0, 9.0]), []
    monkeypatch.setattr(lab, 'time', SimpleNamespace(process_time=lambda: next(clock)))
    side = object.__new__(lab.Lab)
    side.pool, side.lane = {'x': np.zeros((3, 2))}, 'lane'
    side.begin = lambda lane, x: {'total': 99.0, 'x': x.shape}

    def advance(lane, carry, pool, origin, first, stop):
        seen.append((lane, float(carry['total']), carry['x'], origin, first, stop))
        return {**carry, 'total': 2.0 + first}

    side.advance = advance
    assert side.losses(2) == {'losses': [2.0, 3.0], 'compile_s': 3.0}
    assert seen == [('lane', 0.0, (1, 2), 0, 0, 1), ('lane', 0.0, (1, 2), 0, 1, 2)]


def test_steps_of_the_lab_are_timed_until_their_results_are_there(monkeypatch):
    clock, waited = iter([1.0, 10.0, 4.0, 15.0]), []
    monkeypatch.setattr(lab, 'time', SimpleNamespace(process_time=lambda: next(clock), perf_counter=lambda: next(clock)))
    monkeypatch.setattr(lab.jax, 'block_until_ready', waited.append)
    side = object.__new__(lab.Lab)
    side.pool, side.lane, side.carry = 'pool', 'lane', ['before']
    side.advance = lambda *given: [given]
    assert side.train(7) == (3.0, 5.0)
    assert side.carry == waited[0] == [('lane', ['before'], 'pool', 0, 0, 7)] and len(waited) == 1


def test_the_lab_trains_seed_nothing_on_the_batches_of_that_seed(monkeypatch):
    asked = []
    monkeypatch.setattr(lab, 'make_training', lambda *given: SimpleNamespace(begin='begin', advance='advance'))
    monkeypatch.setattr(lab, 'build', lambda config: None)
    monkeypatch.setattr(lab.jax, 'jit', lambda function, **given: asked.append((function, given)) or function)
    side = lab.Lab('digits', {'width': 4, 'batch': 2}, 3)
    assert side.lane['seed'] == 0 and (side.lane['order'] == batch_order(0, np.arange(len(side.pool['x'])), 3, 2)).all()
    assert {name: float(own) for name, own in side.lane['knobs'].items()} == pytest.approx({'lr': 1e-3, 'weight_decay': 0.05})
    assert asked == [('begin', {}), ('advance', {'donate_argnums': 1})]


def test_one_trial_is_on_the_split_of_the_first_replicate(monkeypatch):
    seen = []

    class Population:
        def __init__(self, training, strategy):
            pass

        def run(self, lanes, pool, held):
            seen.append((lanes[0]['order'], np.asarray(held['x'])))
            return [({'curve': {'score': [0.5]}}, None)]

    monkeypatch.setattr(one_trial, 'make_training', lambda *given: None)
    monkeypatch.setattr(one_trial, 'build', lambda config: None)
    monkeypatch.setattr(one_trial, 'Population', Population)
    one_trial.train({}, 4, 8, 3)
    split = tuning_split(Digits(), 'peers', 'digits', 0, Digits().pool())
    ((order, held),) = seen
    assert (order == batch_order(3, split.train, 4, 8)).all() and (held == split.held.x).all()


def test_instructions_that_ran_are_told_with_their_times(monkeypatch):
    """Those of the program alone, and only those with a time."""
    ran = []

    @contextlib.contextmanager
    def trace(folder):
        yield
        ran.append('traced')
        events = [
            {'ph': 'X', 'name': 'dot.1', 'dur': 2.5},
            {'ph': 'X', 'name': 'dot.1'},
            {'ph': 'X', 'name': 'of another program', 'dur': 1.0},
            {'ph': 'M', 'name': 'dot.1', 'dur': 1.0},
            {'name': 'dot.1'},
        ]
        place = Path(folder) / 'plugins'
        place.mkdir()
        (place / 'host.trace.json.gz').write_bytes(gzip.compress(json.dumps({'traceEvents': events}).encode()))

    monkeypatch.setattr(lab_profile.jax.profiler, 'trace', trace)
    text = 'ENTRY %main (p0: f32[2,2]) -> f32[2] {\n  ROOT %dot.1 = f32[2,2]{1,0} dot(%p0, %p0), metadata={op_name="x"}\n}\n'
    told = list(lab_profile.timed(text, lambda: ran.append('ran')))
    assert told == [('products', 'dot.1', 2.5), ('products', 'dot.1', 0.0)] and ran == ['ran', 'traced']


@pytest.mark.parametrize(
    ('path', 'product', 'group'),
    [
        *(('a/mixer/depthwise/add', True, 'depthwise'), ('a/mixer/bnkd,bmkd->bknm/dot', True, 'attention')),
        *(('a/mixer/query/dot', True, 'products'), ('a/mixer/activation/mul', False, 'activation')),
        *(('a/norm_mixer/mul', False, 'norms'), ('a/norm/mul', False, 'norms'), ('a/normal/x', False, 'norms')),
        *(('a/mixer/exp', False, 'attention'), ('a/mixerlike/exp', False, 'rest'), ('', False, 'rest')),
    ],
)
def test_an_instruction_is_of_the_first_group_that_fits(path, product, group):
    assert lab_profile.group_of(path, product) == group


def test_what_ran_is_told_to_a_thousandth_of_a_millisecond():
    told = grouped([('norms', 'a', 1234.56), ('norms', 'a', 4000.0), ('norms', 'b', 1000.0), ('rest', 'c', 100.0)], steps=2)
    assert told == {**dict.fromkeys(GROUPS, 0.0), 'norms': 1.735, 'rest': 0.05}


def test_seeds_of_lanes_are_of_the_type_that_the_lab_draws_with():
    made = object.__new__(lab_lanes.Lanes)
    made.pool, made.body = {'x': np.zeros(5)}, SimpleNamespace(batch=2)
    lanes = made._lanes(3)
    assert lanes['seed'].dtype == np.uint32 and lanes['seed'].tolist() == [0, 1, 2]
    assert all(np.array_equal(own, batch_order(seed, np.arange(5), 10, 2)) for seed, own in enumerate(lanes['order']))
