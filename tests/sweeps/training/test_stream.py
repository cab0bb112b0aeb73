"""Streams: the same batches in the same order as from the device, from any step on."""

import time
from pathlib import Path

import numpy as np
import pytest
import tiny_population
from tiny_population import TinyPopulation

from sweeps.tasks.batch_order import batch_order
from sweeps.training.stream import AHEAD, Chunks, Stream, rows

STEPS, BATCH = 11, 8


@pytest.fixture
def pool() -> dict:
    x = np.arange(400, dtype=np.int32).reshape(100, 4)
    return {'x': x, 'y': x[:, 0] * 10}


@pytest.fixture
def order() -> np.ndarray:
    return np.stack([batch_order(seed, np.arange(100), STEPS, BATCH) for seed in (1, 2)])


def batches(stream: Stream, first: int) -> np.ndarray:
    """All inputs from a step on, `[lanes, steps, batch, 4]`."""
    seen = []
    for step in range(first, STEPS):
        chunk, begin, end = stream.at(step)
        assert begin <= step < end and chunk['x'].shape[1] == end - begin
        seen.append(np.asarray(chunk['x'][:, step - begin]))
        np.testing.assert_array_equal(chunk['y'], chunk['x'][..., 0] * 10)
    return np.stack(seen, 1)


@pytest.mark.parametrize('steps', [1, 3, 4, 100])
@pytest.mark.parametrize('first', [0, 5, 10])
def test_batches_come_in_their_order_from_any_step_on(pool: dict, order: np.ndarray, steps: int, first: int):
    stream = Stream(pool, order, first, chunk=steps * 2 * BATCH * (4 + 1) * 4)
    assert stream.size == min(steps, STEPS)
    np.testing.assert_array_equal(batches(stream, first), pool['x'][order[:, first:]])


def test_a_stream_that_is_given_a_state_goes_on_with_the_next_batch(pool: dict, order: np.ndarray):
    first = Stream(pool, order, chunk=1)
    first.at(3)
    # One chunk is on its way while the one before is in use: what was handed out last is step 3.
    assert first.state == {'next_index': 5}
    np.testing.assert_array_equal(batches(Stream(pool, order, 4, chunk=1), 4), pool['x'][order[:, 4:]])
    with pytest.raises(ValueError, match='was read before'):
        first.at(2)


def test_examples_of_a_file_are_read_and_not_mapped(tmp_path: Path):
    x = np.random.default_rng(0).integers(0, 255, (50, 3, 2), np.uint8)
    np.save(tmp_path / 'x.npy', x)
    mapped, index = np.load(tmp_path / 'x.npy', mmap_mode='r'), np.array([[4, 0], [49, 4]])
    np.testing.assert_array_equal(rows(mapped, index), x[index])
    # A part of a mapped file is not where the file says it begins.
    np.testing.assert_array_equal(rows(mapped[10:], np.array([0, 39])), x[[10, 49]])
    with open(tmp_path / 'x.npy', 'r+b') as file:
        file.truncate(200)
    with pytest.raises(ValueError, match='is shorter than when it was opened'):
        rows(mapped, np.array([49]))


def test_processes_share_a_batch(pool: dict, order: np.ndarray):
    parts = [batches(Stream(pool, order, shard=(index, 2), chunk=400), 0) for index in (0, 1)]
    whole = pool['x'][order]
    np.testing.assert_array_equal(parts[0], whole[:, :, 0::2])
    np.testing.assert_array_equal(parts[1], whole[:, :, 1::2])
    with pytest.raises(ValueError, match='shard 8 of 9 has no examples'):
        Stream(pool, order, shard=(8, 9))


@pytest.mark.parametrize('strategy', ['loop', 'vmap', pytest.param('map', marks=pytest.mark.slow)])
def test_streamed_or_on_the_device_the_run_is_the_same(tiny: TinyPopulation, strategy: str, monkeypatch: pytest.MonkeyPatch):
    lanes, together = [tiny.lane(seed, 3e-3) for seed in (1, 2, 3)], 1 if strategy == 'loop' else 3
    # Chunks of four steps, so that the point of evaluation at step 6 falls inside of one.
    size = 4 * together * tiny_population.BATCH * (tiny.pool['x'][0].nbytes + tiny.pool['y'][0].nbytes)
    monkeypatch.setattr('sweeps.training.stream.Stream.__init__.__defaults__', (0, (0, 1), size))
    streamed = tiny.run(strategy, lanes, population=tiny.population(strategy, streamed=True))
    for one, other in zip(tiny.run(strategy, lanes), streamed, strict=True):
        for name in ('loss', 'train_loss', 'score'):
            np.testing.assert_allclose(one['curve'][name], other['curve'][name], rtol=1e-5, atol=1e-6)


def test_chunks_are_read_before_they_are_asked_for():
    class Counted(np.ndarray):
        """Examples that count how often they are read."""

        reads = 0

        def __getitem__(self, index):
            Counted.reads += 1
            return np.asarray(super().__getitem__(index))

    x = np.zeros((16, 4), np.float32).view(Counted)
    stream = Stream({'x': x, 'y': np.zeros(16, np.int32)}, batch_order(0, np.arange(16), 12, 4), chunk=1)
    Counted.reads = 0
    stream.at(0)
    patience = time.monotonic() + 60
    while Counted.reads < 1 + AHEAD and time.monotonic() < patience:
        time.sleep(0.01)
    assert 1 + AHEAD <= Counted.reads < 12


@pytest.mark.parametrize(('steps', 'size', 'count'), [(5, 2, 3), (4, 2, 2), (1, 3, 1)])
def test_the_last_chunk_is_filled_up_with_its_last_step(steps: int, size: int, count: int):
    order = np.arange(2 * steps).reshape(steps, 2)
    chunks = Chunks({'x': 10 * np.arange(2 * steps)}, order, size)
    assert len(chunks) == count and repr(chunks) == f'Chunks({count} of {size} steps)'
    last = chunks[count - 1]['x']
    assert last.shape == (size, 2) and last[-1].tolist() == (10 * order[-1]).tolist()
    assert last[0].tolist() == (10 * order[(count - 1) * size]).tolist()
