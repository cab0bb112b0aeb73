"""Checkpoints: a run that was stopped anywhere goes on as if nothing had been, and damaged ones are not used."""

import dataclasses
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tiny_population import STEPS, TinyPopulation, same_bits

from sweeps.training import checkpoints as checkpoints_module
from sweeps.training.checkpoints import CHECKPOINTS_LEFT, FIRST, Checkpoints, Snapshot, read_tree, write_tree


class Stopped(Exception):
    """What a kill is to the code that runs: it never comes back."""


class Stopping(Checkpoints):
    """Checkpoints that stop the run after so many looks."""

    left = 0

    def offer(self, snapshot: Snapshot) -> None:
        super().offer(snapshot)
        self.left -= 1
        if self.left == 0:
            if self._manager is not None:
                self._manager.wait_until_finished()
                self._manager.close()
                os.close(self._lock)
            raise Stopped


@dataclasses.dataclass(frozen=True)
class Bench:
    """Three lanes, of which one diverges; run by the loop there is a state to keep beside the parameters."""

    tiny: TinyPopulation
    lanes: list[dict]

    def run(self, strategy: str, checkpoints: Checkpoints | None = None, finish: Callable | None = None) -> list[dict]:
        population = self.tiny.population(strategy, norm='batch_norm' if strategy == 'loop' else 'layer_norm')
        return self.tiny.run(strategy, self.lanes, checkpoints, finish, population)


@pytest.fixture(scope='module')
def bench(tiny: TinyPopulation) -> Bench:
    return Bench(tiny, [tiny.lane(1, 1e-2), tiny.lane(2, 1e38), tiny.lane(3, 3e-3)])


def stopped(bench: Bench, strategy: str, folder: Path, looks: int, steps: int = 2, finish: Callable | None = None) -> None:
    checkpoints = Stopping(folder, 'pack', 'here', steps=steps)
    checkpoints.left = looks
    with pytest.raises(Stopped):
        bench.run(strategy, checkpoints, finish)


@pytest.mark.parametrize('strategy', ['loop', 'vmap', pytest.param('map', marks=pytest.mark.slow)])
def test_a_run_stopped_again_and_again_is_the_undisturbed_one(bench: Bench, strategy: str, tmp_path: Path):
    whole = bench.run(strategy)
    for looks in (3, 1, 2):
        stopped(bench, strategy, tmp_path, looks)
    checkpoints = Checkpoints(tmp_path, 'pack', 'here', steps=STEPS)
    before = checkpoints.latest()
    assert before.step > 0 or before.results
    assert same_bits(whole, bench.run(strategy, checkpoints)) and not checkpoints.notes
    checkpoints.clear()
    assert list(tmp_path.iterdir()) == []


def test_cutting_a_run_changes_nothing(bench: Bench, tmp_path: Path):
    checkpoints, alone = Checkpoints(tmp_path, 'pack', 'here', steps=1), dataclasses.replace(bench, lanes=bench.lanes[:1])
    assert same_bits(alone.run('loop'), alone.run('loop', checkpoints))
    assert len(checkpoints._manager.all_steps()) <= CHECKPOINTS_LEFT
    checkpoints.clear()


def test_lanes_that_are_done_are_not_trained_again(bench: Bench, tmp_path: Path):
    # Looks of a lane at steps=2: at 2, 4 and 6, 8, 10, 12; the eighth look is in the second lane.
    asked = []

    def finish(lane: int, params: dict, state: dict, told: list) -> str | None:
        asked.append((lane, told))
        return None if lane == 1 else f'of {lane}'

    stopped(bench, 'loop', tmp_path, looks=8, finish=finish)
    checkpoints = Checkpoints(tmp_path, 'pack', 'here', steps=STEPS)
    snapshot = checkpoints.latest()
    assert len(snapshot.results) == 1 and 0 < snapshot.step < STEPS
    results = bench.run('loop', checkpoints, finish)
    # What was told of a lane before the stop is known after it, and not asked again.
    assert asked == [(0, []), (1, ['of 0']), (2, ['of 0', None])]
    assert [result['told'] for result in results] == ['of 0', None, 'of 2']
    checkpoints.clear()


def newest(folder: Path) -> Path:
    inside = next(path for path in (folder / 'checkpoints').iterdir() if path.is_dir())
    return max((path for path in inside.iterdir() if path.name.isdigit()), key=lambda path: int(path.name))


def truncate(path: Path) -> None:
    for file in [file for file in path.rglob('*') if file.is_file() and file.stat().st_size > 1000]:
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def flip(path: Path) -> None:
    for file in [file for file in path.rglob('*') if file.is_file() and file.stat().st_size > 1000]:
        content = bytearray(file.read_bytes())
        for place in range(200, len(content), 50):
            content[place] ^= 0xFF
        file.write_bytes(bytes(content))


def empty(path: Path) -> None:
    shutil.rmtree(path / 'default')


@pytest.mark.parametrize('damage', [truncate, flip, empty])
def test_a_damaged_checkpoint_is_noted_and_the_one_before_used(bench: Bench, damage, tmp_path: Path):
    stopped(bench, 'loop', tmp_path, looks=4)
    last = newest(tmp_path)
    damage(last)
    checkpoints = Checkpoints(tmp_path, 'pack', 'here', steps=STEPS)
    before = checkpoints.latest()
    assert before is not None and before.step == 6 and 'damaged, not used' in checkpoints.notes[0]
    assert same_bits(bench.run('loop'), bench.run('loop', checkpoints))
    checkpoints.clear()


def test_with_all_damaged_it_begins_again(bench: Bench, tmp_path: Path):
    stopped(bench, 'loop', tmp_path, looks=4)
    for path in newest(tmp_path).parent.iterdir():
        truncate(path)
    checkpoints = Checkpoints(tmp_path, 'pack', 'here', steps=STEPS)
    assert checkpoints.latest() is None and len(checkpoints.notes) == CHECKPOINTS_LEFT
    assert same_bits(bench.run('loop'), bench.run('loop', checkpoints))
    checkpoints.clear()


def test_a_half_written_checkpoint_is_not_seen(bench: Bench, tmp_path: Path):
    stopped(bench, 'loop', tmp_path, looks=3)
    last = newest(tmp_path)
    half = last.with_name(f'{int(last.name) + 1}.orbax-checkpoint-tmp-0')
    shutil.copytree(last, half)
    truncate(half)
    checkpoints = Checkpoints(tmp_path, 'pack', 'here', steps=2)
    assert checkpoints.latest().step == 6 and not checkpoints.notes
    checkpoints.clear()


def test_another_environment_begins_again_and_is_cleared_with_the_rest(bench: Bench, tmp_path: Path):
    stopped(bench, 'loop', tmp_path, looks=3)
    other = Checkpoints(tmp_path, 'pack', 'elsewhere', steps=2)
    assert other.latest() is None
    other.clear()
    assert list(tmp_path.iterdir()) == []


def test_a_short_pack_makes_none(bench: Bench, tmp_path: Path):
    checkpoints = Checkpoints(tmp_path, 'pack', 'here', seconds=600)
    bench.run('loop', checkpoints)
    assert list(tmp_path.iterdir()) == []
    checkpoints.clear()


def test_a_snapshot_that_was_changed_is_refused():
    snapshot = Snapshot([], [np.arange(3.0)], [], 4, 1, 0.5)
    tree = snapshot.to_tree()
    assert Snapshot.from_tree(tree).step == 4
    tree['carry']['00000'] = np.array([0.0, 1.0, 3.0])
    with pytest.raises(ValueError, match='does not match'):
        Snapshot.from_tree(tree)


def test_a_tree_of_its_own(tmp_path: Path):
    tree = {'params': {'a': {'kernel': np.arange(6.0).reshape(2, 3)}}}
    write_tree(tmp_path / 'weights', tree)
    np.testing.assert_array_equal(read_tree(tmp_path / 'weights')['params']['a']['kernel'], tree['params']['a']['kernel'])
    with pytest.raises(ValueError, match='no sound Orbax checkpoint'):
        read_tree(tmp_path / 'nothing')


def test_a_worker_whose_launcher_died_keeps_one_more_and_ends(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    class Ended(BaseException):
        """What the end of a process is to its code."""

    def leave(status: int) -> None:
        raise Ended(status)

    checkpoints = Checkpoints(tmp_path, 'pack', 'here', steps=4)
    other = checkpoints._parent + 1  # not 1: that is the parent of tests that run in the background
    monkeypatch.setattr(checkpoints_module.os, 'getppid', lambda: other)
    monkeypatch.setattr(checkpoints_module.os, '_exit', leave)
    with pytest.raises(Ended):
        bench.run('vmap', checkpoints)
    monkeypatch.undo()
    # The next worker waits for the folder until this one is gone, and then goes on.
    other = Checkpoints(tmp_path, 'pack', 'here', steps=4)
    assert other._open(wait=False) is False
    os.close(checkpoints._lock)
    snapshot = other.latest()
    assert snapshot.step == 4
    assert same_bits(bench.run('vmap'), bench.run('vmap', other))
    other.clear()


def test_a_snapshot_comes_back_with_all_that_it_holds_in_its_order():
    """More than ten of each: the tenth does not come after the first."""
    results = [
        (
            {'curve': {'loss': np.array([n, 0.5])}, 'items': np.arange(2.0), 'left_at': np.int32(n), 'told': [None, f'{n}']},
            n / 4,
        )
        for n in range(12)
    ]
    snapshot = Snapshot(results, [np.full(2, n) for n in range(12)], [{'loss': np.float32(n)} for n in range(12)], 7, 3, 1.5)
    back = Snapshot.from_tree(snapshot.to_tree())
    assert (back.step, back.width, back.spent) == (7, 3, 1.5)
    assert [leaf[0] for leaf in back.carry] == [float(one['loss']) for one in back.seen] == list(range(12))
    for number, (result, seconds) in enumerate(back.results):
        assert (int(result['left_at']), result['told'], seconds) == (number, [None, f'{number}'], number / 4)
        assert result['curve']['loss'].tolist() == [number, 0.5] and result['items'].tolist() == [0, 1]


@pytest.mark.parametrize(
    ('rate', 'steps', 'stretch'),
    [(0.0, None, FIRST), (0.0, 3, 3), (0.0, 99, FIRST), (10.0, None, 20), (10.0, 5, 5), (10.0, 99, 20), (0.01, None, 1)],
)
def test_a_stretch_is_a_quarter_of_the_time_between_checkpoints(tmp_path: Path, rate: float, steps: int | None, stretch: int):
    checkpoints = Checkpoints(tmp_path, 'pack', 'here', seconds=8.0, steps=steps)
    checkpoints._rate = rate
    assert checkpoints.stretch() == stretch


def test_a_disk_that_knows_no_locks_is_used_without_and_one_that_is_taken_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def refuse(error: OSError) -> None:
        def flock(*_: object) -> None:
            raise error

        monkeypatch.setattr(checkpoints_module.fcntl, 'flock', flock)

    refuse(BlockingIOError())
    taken = Checkpoints(tmp_path, 'pack', 'here')
    assert taken._open(wait=False) is False and taken._manager is None
    refuse(OSError('no locks available'))
    alone = Checkpoints(tmp_path, 'pack', 'here')
    assert alone._open(wait=False) is alone._open(wait=False) is True
    alone.clear()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ('steps', 'looks', 'saved'),
    [
        # Seconds, and the step that is reached then: every ten seconds.
        (None, [(9.9, 4), (10.0, 5), (19.9, 9), (20.0, 9)], [5, 9]),
        # Or every three steps, however long they take.
        (3, [(1.0, 2), (2.0, 3), (99.0, 5), (100.0, 6)], [3, 6]),
    ],
)
def test_a_checkpoint_is_due_after_so_many_seconds_or_steps(tmp_path: Path, monkeypatch, steps, looks: list, saved: list):
    now = [0.0]
    monkeypatch.setattr(checkpoints_module.time, 'monotonic', lambda: now[0])
    checkpoints = Checkpoints(tmp_path, 'pack', 'here', seconds=10.0, steps=steps)
    made, asked = [], []

    def save(snapshot: Snapshot) -> None:
        made.append(snapshot.step)
        checkpoints._last, checkpoints._saved_at = now[0], snapshot.step

    monkeypatch.setattr(checkpoints, '_save', save)
    monkeypatch.setattr(checkpoints, '_open', lambda wait: asked.append(wait) or True)
    checkpoints.begin(0)
    for when, step in looks:
        now[0] = when
        checkpoints.offer(Snapshot([], [], [], step, 1, 0.0))
    assert made == saved and asked == [False] * len(saved), 'the folder of another run is not waited for'


def test_the_speed_of_a_pack_is_that_of_its_last_stretch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    now = [100.0]
    monkeypatch.setattr(checkpoints_module.time, 'monotonic', lambda: now[0])
    checkpoints = Checkpoints(tmp_path, 'pack', 'here', seconds=600.0)
    checkpoints.begin(10)
    for when, step, rate in ((102.0, 18, 4.0), (103.0, 18, 4.0), (113.0, 28, 1.0)):
        now[0] = when
        checkpoints.offer(Snapshot([], [], [], step, 1, 0.0))
        assert checkpoints._rate == pytest.approx(rate)
    assert checkpoints.stretch() == 150 and checkpoints.notes == []
    checkpoints.begin(40)
    now[0] = 114.0
    checkpoints.offer(Snapshot([], [], [], 42, 1, 0.0))
    assert checkpoints._rate == pytest.approx(2.0), 'steps before it went on are not counted'


def test_the_lock_of_a_folder_that_is_taken_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def taken(*_: object) -> None:
        raise BlockingIOError

    handle = os.open(tmp_path / 'lock', os.O_RDWR | os.O_CREAT)
    monkeypatch.setattr(checkpoints_module.fcntl, 'flock', taken)
    monkeypatch.setattr(checkpoints_module.atomic, 'open_lock', lambda path: handle)
    assert Checkpoints(tmp_path, 'pack', 'here')._open(wait=False) is False
    with pytest.raises(OSError, match='Bad file descriptor'):
        os.fstat(handle)
