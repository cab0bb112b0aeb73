"""Checkpoints: the state of a long pack, saved by Orbax while it runs. A killed run goes on from there.

A pack that ends before its first checkpoint is due makes none. A checkpoint holds the finished lanes, and the whole carry of
the lanes in flight: parameters, statistics, moments, the step. Batches and random keys follow from the seeds and the step. A
resumed run is bitwise the same as one that was never stopped; checkpoints of other sources, devices or lane strategies are not
used.

Of several processes that train a pack together the first one writes them, and says to the others when one is due and where to
go on. All of them read the same folder.
"""

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import os
import shutil
import time
from pathlib import Path

import jax
import numpy as np

from ablations.digest import digest
from results.store import atomic
from sweeps.training.device import on_host, word_of_first
from sweeps.training.saving import CHECKPOINTS

CHECKPOINTS_LEFT = 2
"""Checkpoints of a pack that stay: the last one, and the one before it in case the last is damaged."""
SECONDS = 600.0
FIRST = 8
"""Steps of a pack's first stretch, from which its speed is known."""
LOOKS = 4
"""How often in an interval the host checks whether a checkpoint is due."""


@dataclasses.dataclass
class Snapshot:
    """The state of a pack: results of the finished lanes, and the lanes in flight after `step` steps.

    `carry` holds the leaves of their carry, and `seen` their results at the evaluation points so far. `width` is the number of
    lanes that run at the same time, and `spent` their seconds so far.
    """

    results: list[tuple[dict, float]]
    carry: list[np.ndarray]
    seen: list[dict]
    step: int
    width: int
    spent: float

    def to_tree(self) -> dict:
        """Nested dicts of arrays, with a check of their content."""
        tree = {
            'results': {
                str(i): {
                    'curve': dict(result['curve']),
                    'items': result['items'],
                    'left_at': result['left_at'],
                    'told': np.frombuffer(json.dumps(result['told']).encode(), np.uint8),
                    'seconds': np.float64(seconds),
                }
                for i, (result, seconds) in enumerate(self.results)
            },
            'carry': {f'{i:05}': leaf for i, leaf in enumerate(self.carry)},
            'seen': {str(i): dict(point) for i, point in enumerate(self.seen)},
            'about': {'step': np.int64(self.step), 'width': np.int64(self.width), 'spent': np.float64(self.spent)},
        }
        tree = jax.tree.map(np.asarray, {name: part for name, part in tree.items() if part})
        return {**tree, 'check': _check(tree)}

    @staticmethod
    def from_tree(tree: dict) -> 'Snapshot':
        """The snapshot of `to_tree`; raises ValueError if the content is not as saved."""
        tree = dict(tree)
        if not np.array_equal(tree.pop('check', None), _check(tree)):
            raise ValueError('its check does not match its content')

        def inside(name: str) -> list:
            part = tree.get(name, {})
            return [part[key] for key in sorted(part, key=int)]

        results = [
            (
                {
                    **{name: one[name] for name in ('curve', 'items', 'left_at')},
                    'told': json.loads(bytes(np.asarray(one['told']))),
                },
                float(one['seconds']),
            )
            for one in inside('results')
        ]
        about = tree['about']
        return Snapshot(
            results, inside('carry'), inside('seen'), int(about['step']), int(about['width']), float(about['spent'])
        )


def _check(tree: dict) -> np.ndarray:
    """sha256 of all leaves with their names, as an array."""
    content = hashlib.sha256()
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
        leaf = np.asarray(leaf)
        content.update(f'{jax.tree_util.keystr(path)}{leaf.dtype}{leaf.shape}'.encode())
        content.update(np.ascontiguousarray(leaf).tobytes())
    return np.frombuffer(content.digest(), np.uint8)


class Checkpoints:
    """The checkpoints of one pack: `latest()` to go on from, `offer()` after every stretch, `clear()` when it is recorded.

    One is due every `seconds`, or every `steps` where given. `about` must be the same for a run to go on. A worker without a
    launcher saves one more and ends, so that it does not block the next run.
    """

    def __init__(self, folder: Path, pack: str, about: object, seconds: float = SECONDS, steps: int | None = None):
        self.folder, self.pack = folder / CHECKPOINTS / f'{pack}-{digest(about)[:8]}', pack
        self.seconds, self.steps = seconds, steps
        self.notes: list[str] = []
        self._first = jax.process_index() == 0
        self._parent = os.getppid()
        self._manager = self._lock = None
        self._last = self._looked = time.monotonic()
        self._rate = 0.0
        self._number = 0
        self._saved_at = self._step = 0

    def latest(self) -> Snapshot | None:
        """The last sound checkpoint; damaged ones are noted and removed. Waits while another run has the lock."""
        snapshot = self._sound() if self._first else None
        number = word_of_first(0 if snapshot is None else self._number)
        if number and not self._first:
            import orbax.checkpoint as ocp

            with self._managed() as manager:
                snapshot = Snapshot.from_tree(manager.restore(number, args=ocp.args.StandardRestore()))
        return snapshot

    def _sound(self) -> Snapshot | None:
        if not self.folder.is_dir():
            return None
        self._open(wait=True)
        while (number := max(self._manager.all_steps(), default=None)) is not None:
            import orbax.checkpoint as ocp

            try:
                snapshot = Snapshot.from_tree(self._manager.restore(number, args=ocp.args.StandardRestore()))
            except Exception as error:
                # Whatever is wrong with it, the one before is used.
                self.notes.append(f'{self.folder / str(number)}: damaged, not used ({type(error).__name__}: {error})'[:300])
                self._manager.close()
                shutil.rmtree(self.folder / str(number))
                self._manager = self._managed()
                continue
            self._number, self._saved_at = number, snapshot.step
            return snapshot
        return None

    def stretch(self) -> int:
        """How many steps to train before the next `offer`."""
        steps = max(1, int(self._rate * self.seconds / LOOKS)) if self._rate else FIRST
        return word_of_first(steps if self.steps is None else min(steps, self.steps))

    def begin(self, step: int) -> None:
        """Note that lanes begin, or go on, at a step."""
        self._step = self._saved_at = step
        self._looked = time.monotonic()

    def offer(self, snapshot: Snapshot) -> None:
        """Save this snapshot if one is due. Its arrays may be on the device."""
        jax.block_until_ready(snapshot.carry)
        now = time.monotonic()
        self._rate = (snapshot.step - self._step) / max(now - self._looked, 1e-6) if snapshot.step > self._step else self._rate
        self._step, self._looked = snapshot.step, now
        orphaned = os.getppid() != self._parent
        due = now - self._last >= self.seconds
        if self.steps is not None:
            due = snapshot.step - self._saved_at >= self.steps
        save = word_of_first(due and self._first and self._open(wait=False))
        if save:
            self._save(snapshot)
        if word_of_first(save and orphaned):
            if self._first:
                self._manager.wait_until_finished()
            os._exit(1)

    def _save(self, snapshot: Snapshot) -> None:
        import orbax.checkpoint as ocp

        snapshot.carry = on_host(snapshot.carry)
        self._number += 1
        if self._first:
            self._manager.save(self._number, args=ocp.args.StandardSave(snapshot.to_tree()))
        self._last, self._saved_at = time.monotonic(), snapshot.step

    def _open(self, wait: bool) -> bool:
        """Whether this process has the lock of the folder."""
        if self._manager is not None:
            return True
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = atomic.open_lock(self.folder.with_suffix('.lock'))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except OSError as error:
            if isinstance(error, BlockingIOError):
                os.close(lock)
                return False
        self._lock = lock
        self._manager = self._managed()
        self._number = max(self._manager.all_steps(), default=0)
        return True

    def _managed(self):
        import orbax.checkpoint as ocp

        # Each process is alone with its manager: nothing of a checkpoint is spread over processes.
        own = jax.process_index()
        alone = ocp.options.MultiprocessingOptions(primary_host=own, active_processes={own}, barrier_sync_key_prefix=str(own))
        options = ocp.CheckpointManagerOptions(
            max_to_keep=CHECKPOINTS_LEFT,
            enable_async_checkpointing=self._first,
            create=False,
            read_only=not self._first,
            **({} if jax.process_count() == 1 else {'multiprocessing_options': alone}),
        )
        return ocp.CheckpointManager(self.folder.absolute(), options=options)

    def clear(self) -> None:
        """Remove all checkpoints of the pack, of any sources: it is recorded."""
        if not self._first:
            return
        if self._manager is not None:
            self._manager.wait_until_finished()
            self._manager.close()
        for path in self.folder.parent.glob(f'{self.pack}-*'):
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
        if self._lock is not None:
            os.close(self._lock)
        with contextlib.suppress(OSError):
            self.folder.parent.rmdir()


def write_tree(folder: Path, tree: dict) -> None:
    """Nested dicts of arrays as an Orbax checkpoint of its own."""
    import orbax.checkpoint as ocp

    with ocp.StandardCheckpointer() as checkpointer:
        checkpointer.save(folder.absolute(), tree)


def read_tree(folder: Path) -> dict:
    """The nested dicts of arrays of an Orbax checkpoint; raises ValueError where it is damaged."""
    import orbax.checkpoint as ocp

    try:
        with ocp.PyTreeCheckpointer() as checkpointer:
            return checkpointer.restore(folder.absolute())
    except Exception as error:
        raise ValueError(f'{folder} is no sound Orbax checkpoint ({type(error).__name__}); export it again') from None
