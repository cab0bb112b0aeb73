"""Steps of the accelerator's parts on a model of one matrix: which losses, gradients, lanes and bytes they tell of."""

import itertools
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from benchmarks.accelerator import about, agreement, lanes, lowerings, memory, models, resume
from benchmarks.measured import Measured
from sweeps.launch import order_files

KEYS = []


def matrix(config: dict) -> SimpleNamespace:
    """A model of one matrix, which starts as ones and counts its steps."""

    def init(key, x, knobs):
        assert len(x) == 1 and not knobs
        return {'w': jnp.eye(x.shape[-1], 3)}, {'steps': jnp.float32(0)}

    def apply(params, state, x, *, knobs, key, train):
        KEYS.append(train)
        return x.astype(jnp.float32) @ params['w'] + state['steps'], {'steps': state['steps'] + train}, {}

    return SimpleNamespace(init=init, apply=apply)


def loss_and_slope(w: np.ndarray, x: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
    """The mean cross-entropy of x w, and its gradient."""
    raised = np.exp(x @ w)
    shares = raised / raised.sum(1, keepdims=True)
    return -np.log(shares[np.arange(len(y)), y]).mean(), x.T @ (shares - np.eye(3)[y]) / len(y)


def test_five_steps_of_descent_with_momentum_are_compared(monkeypatch):
    monkeypatch.setattr(agreement, 'build', matrix)
    KEYS.clear()
    draw = np.random.default_rng(0)
    x, y = draw.normal(size=(6, 4)).astype(np.float32), draw.integers(0, 3, 6)
    losses, first, last = agreement.steps_on(jax.devices()[0], {}, x, y)
    w, speed, told, slopes = np.eye(4, 3), 0.0, [], []
    for _ in range(5):
        value, slope = loss_and_slope(w, x, y)
        speed = 0.9 * speed + slope
        told.append(value)
        slopes.append(slope)
        w = w - 0.01 * speed
    assert losses == pytest.approx(told, rel=1e-5) and not any(KEYS)
    assert first['w'] == pytest.approx(slopes[0], abs=1e-6) and last['w'] == pytest.approx(w, abs=1e-6)


def test_ten_steps_are_one_program(monkeypatch):
    shape, draws = (4, 1, 1, 5), []

    def pixel(config):
        draws.append(config['body'])
        model = matrix(config)
        return SimpleNamespace(
            init=lambda key, x, knobs: model.init(key, x.reshape(1, -1), knobs),
            apply=lambda params, state, x, **given: model.apply(params, state, x.reshape(4, -1), **given),
        )

    def seconds(call, rounds):
        assert rounds == 3
        losses.extend([float(call()), float(call())])
        return {'median': 20.0, 'least': 10.0}

    losses, config = [], {'body': {'compute': 'float32'}, 'stem': {'vocabulary': 3}, 'head': {'outputs': 3}}
    monkeypatch.setattr(models, 'build', pixel)
    monkeypatch.setattr(models, 'multiply_adds', lambda config, x: 7 if x.shape == shape else None)
    monkeypatch.setattr(models.optax, 'adamw', lambda lr, weight_decay: optax.sgd(1e5 * lr * weight_decay))
    monkeypatch.setattr(models, 'wall_seconds', seconds)
    KEYS.clear()
    steps = models.Steps(config, shape)
    told = steps.measure()
    assert draws == [{'compute': 'bfloat16'}] and config['body'] == {'compute': 'float32'} and all(KEYS)
    x, y = steps.x[:, 0, 0], steps.y
    assert x.dtype == np.float32 and y.shape == (4,) and set(y.tolist()) <= {0, 1, 2} and x.std() == pytest.approx(1, abs=0.4)
    w, expected = np.eye(5, 3), []
    for _ in range(20):
        value, slope = loss_and_slope(w, x, y)
        w = w - 0.1 * slope
        expected.append(value)
    assert losses == pytest.approx([expected[9], expected[19]], rel=1e-4) and told['loss'] == losses[-1]
    assert told['step'] == {'median': 2.0, 'least': 1.0} and told['flops'] == 6 * 4 * 7 / 2.0
    assert 0 < told['compiling'] < 60 and told['temporary_bytes'] >= 0 and told['argument_bytes'] >= 4 * 5 * 3
    compiled = SimpleNamespace(lower=lambda *given: SimpleNamespace(compile=lambda: None))
    monkeypatch.setattr(models.jax, 'jit', lambda function, **given: compiled)
    ids = models.Steps(config, (4, 50))
    assert ids.x.dtype == np.int32 and set(np.unique(ids.x)) == {0, 1, 2} and (ids.y == np.roll(ids.x, -1, 1)).all()


class Counted:
    """A population that remembers its lanes; the loss of the first is 2."""

    made = []

    def __init__(self, training, strategy, width):
        self.splits, self.most = 3, width // 2
        self.made.append((training, strategy, width))

    def run(self, lanes, pool, held):
        self.made.append([lane['seed'] for lane in lanes])
        assert set(pool) == set(held) == {'x', 'y'} and len(pool['x']) > len(held['x'])
        return [({'curve': {'loss': [2.0 + lane['seed']]}}, None) for lane in lanes]


def test_a_body_is_timed_in_lanes_of_their_own_seeds(monkeypatch):
    monkeypatch.setattr(lanes, 'make_training', lambda *given: given[1:])
    monkeypatch.setattr(lanes, 'build', lambda config: None)
    monkeypatch.setattr(lanes, 'Population', Counted)
    clock = itertools.count()
    monkeypatch.setattr(lanes, 'time', SimpleNamespace(perf_counter=lambda: next(clock) ** 2))
    Counted.made.clear()
    bench = lanes.Bench('recall', 4)
    assert bench.training == (bench.data, 'adamw', 4, lanes.TASKS['recall'].batch, 1)
    measured, curves = bench.measure('vmap', 2)
    # The clock stands at the squares of its looks: runs of 1, 5 and 9 seconds, of which the first compiles.
    assert measured == {'lane_steps': 2 * 4 / 5, 'first_call': 1, 'splits': 3, 'most': 1}
    assert curves == [{'loss': [2.0]}, {'loss': [3.0]}] and Counted.made == [(bench.training, 'vmap', 2), *[[0, 1]] * 3]
    one, other = bench.lanes(2)
    assert one['order'].shape == (4, bench.batch) and (one['order'] != other['order']).any()
    assert set(one['order'].ravel()) <= set(bench.split.train) and (one['order'] == bench.lanes(1)[0]['order']).all()
    assert {name: float(value) for name, value in one['knobs'].items()} == pytest.approx({'lr': 1e-3, 'weight_decay': 1e-2})


def test_memory_grows_by_the_lane_until_it_does_not_fit(tmp_path: Path, monkeypatch):
    training = SimpleNamespace(
        begin=lambda lane, x: {'kept': jnp.zeros(1000)},
        advance=lambda lane, carry, pool, origin, first, stop: {'kept': carry['kept'] + stop},
    )
    monkeypatch.setattr(memory, 'make_training', lambda *given: training)
    monkeypatch.setattr(memory, 'build', lambda config: None)
    monkeypatch.setattr(memory, 'Population', Counted)
    told = Measured(tmp_path / 'told.json')
    memory.run(told, True)
    one, two, none = told.rows
    each = two['bytes'] - one['bytes']
    assert (one['name'], two['name']) == ('1 lanes', '2 lanes') and one['limit'] is None and 4000 <= each < 12000
    assert none == {'name': 'too many lanes', 'skipped': 'this device does not tell its memory'}
    monkeypatch.setattr(jax, 'devices', lambda: [SimpleNamespace(memory_stats=lambda: {'bytes_limit': 10 * each})])
    Counted.made.clear()
    memory.run(told, True)
    assert told.rows[3] == {**one, 'limit': 10 * each}
    assert told.rows[5] == {'name': 'too many lanes', 'lanes': 16, 'expected': 1.6, 'splits': 3, 'most': 8}
    assert told.rows[6] == {'name': 'all of them trained', 'trained': True}
    assert Counted.made == [(training, 'vmap', 16), [0] * 16]


def test_a_lowering_is_timed_with_its_gradient(tmp_path: Path):
    x, y = jnp.float32([1.0, 2.0]), jnp.float32([3.0, 5.0])
    slopes = lowerings.gradient(lambda x, y: x * y, x, y)()
    assert [slope.tolist() for slope in slopes] == [[18.0, 100.0], [6.0, 40.0]]
    drawn = lowerings.drawn(40, 50)
    assert drawn.dtype == jnp.bfloat16 and drawn.shape == (40, 50) and float(drawn.std()) == pytest.approx(1, abs=0.1)


def test_the_machine_and_its_products_are_told(tmp_path: Path, monkeypatch):
    def seconds(call):
        made.append(call())
        return {'median': 0.5}

    made, told = [], Measured(tmp_path / 'told.json')
    monkeypatch.setattr(about, 'wall_seconds', seconds)
    about.run(told, True)
    machine, *products = told.rows
    assert machine['platform'] == 'cpu' and machine['devices'] == jax.device_count() and machine['memory'] is None
    assert list(machine['versions']) == list(about.PACKAGES) and machine['versions']['jax'] == jax.__version__
    assert machine['python'].startswith('3.') and machine['machine']
    assert [row['name'] for row in products] == [f'product of {kind}' for kind in ('bfloat16', 'float32', 'float32, exact')]
    assert all((row['size'], row['flops']) == (128, 20 * 128**3 / 0.5) for row in products)
    assert [one.dtype for one in made] == [jnp.bfloat16, jnp.float32, jnp.float32]
    # Ten products, each scaled so that numbers stay about as large as they were.
    assert all(one.shape == (128, 128) and 0.3 < float(jnp.abs(one).mean()) < 3 for one in made)


def test_a_pack_is_ordered_and_its_records_are_read(tmp_path: Path, monkeypatch):
    calls = []
    monkeypatch.setattr(resume.subprocess, 'Popen', lambda call, **given: calls.append((call, given)))
    resume.worker(tmp_path, 32)
    ((call, given),) = calls
    assert call[1:] == ['-m', 'sweeps.worker', str(tmp_path), 'pack']
    assert given['env']['XLA_PYTHON_CLIENT_PREALLOCATE'] == 'false' and given['env'].keys() > {'PATH'}
    assert given['stderr'] == resume.subprocess.DEVNULL, 'what a killed worker says is no part of the measurements'
    ordered = order_files.read(tmp_path, 'pack')
    assert ordered['checkpoints'] == {'steps': 8} and ordered['strategy'] == 'vmap' and ordered['folder'] == str(tmp_path)
    (tmp_path / 'b.jsonl').write_text('{"id": "c", "score": 1.5, "seconds": 3}\n')
    (tmp_path / 'a.jsonl').write_text('{"id": "a", "status": "ok"}\n{"id": "b", "curve": [1]}\n')
    names = {'id': 'a', 'status': 'ok', 'score': None, 'curve': None, 'final_loss': None}
    assert resume.recorded(tmp_path) == [
        names,
        {**names, 'id': 'b', 'status': None, 'curve': [1]},
        {**names, 'id': 'c', 'status': None, 'score': 1.5},
    ]
