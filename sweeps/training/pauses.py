"""Pauses: the state of runs that were stopped at a share of their steps, so that those that go on do not begin again.

A run that goes on from its pause has the same bits as one that never stopped. Without a sound pause of the same sources, device
and lane strategy it begins again: that takes longer, and changes nothing. Of several processes that train a pack together none
saves any.
"""

import contextlib
import shutil
from collections.abc import Sequence
from pathlib import Path

import jax
import numpy as np

from ablations.digest import digest
from ablations.trial import Trial
from results.store import atomic
from sweeps.training.checkpoints import Snapshot, read_tree, write_tree
from sweeps.training.saving import PAUSES

STATE = 'state'


class Pauses:
    """The pauses of a pack's trials in a run's folder. `about` must be the same for a run to go on."""

    def __init__(self, run: Path, trials: Sequence[Trial], about: object):
        self.folder, self.trials, self.about = run / PAUSES, trials, digest(about)[:8]

    def _place(self, lane: int) -> Path:
        # By the whole run that may go on: it has no other pause than its last.
        return self.folder / f'{self.trials[lane].whole().id}-{self.about}'

    def save(self, lane: int, snapshot: Snapshot) -> None:
        """Save the state of a lane at its stop; one that cannot be saved costs time alone."""
        with contextlib.suppress(ValueError), atomic.replacing_folder(self._place(lane)) as folder:
            write_tree(folder / STATE, snapshot.to_tree())

    def load(self, lanes: Sequence[int]) -> list[Snapshot] | None:
        """The states of these lanes, all after the same steps; None where one is missing or damaged."""
        if jax.process_count() > 1 or not all(self._place(lane).is_dir() for lane in lanes):
            return None
        try:
            loaded = [Snapshot.from_tree(jax.tree.map(np.asarray, read_tree(self._place(lane) / STATE))) for lane in lanes]
        except (ValueError, KeyError, TypeError):
            return None
        # One after more steps than are asked for is the pause of a later stop: the run to this one begins again.
        after = {snapshot.step for snapshot in loaded}
        return loaded if len(after) == 1 and max(after) < self.trials[0].steps else None

    def clear(self) -> None:
        """Remove the pauses of the trials that were trained to their end: they are recorded."""
        for lane, trial in enumerate(self.trials):
            if not trial.until:
                shutil.rmtree(self._place(lane), ignore_errors=True)
