"""Runs: the trials and records of one arm on one task, by phase, optimizer and replicate.

Scores are in the metric's good direction, higher better, as in selection.
"""

import dataclasses
import functools

import numpy as np

from ablations.tasks import Task
from ablations.trial import AFTER_SCREENING, Trial
from results.divergence import Divergences
from results.selection import Selected
from results.store.item_scores import unpacked
from results.store.reading import Reading
from results.store.records import ITEMS


@dataclasses.dataclass(frozen=True)
class Runs:
    """The trials and records of an arm on a task."""

    reading: Reading
    arm: str
    task: Task

    @property
    def replicates(self) -> range:
        """The replicates of the last recorded look that the arm took part in, or of the first look until it is recorded."""
        study = self.reading.study
        return range(study.count(self.arm, self.reading.schedule.reached(self.arm, self.task.name, study.looks)))

    def selection(self, replicate: int) -> Selected | None:
        """The point that a replicate selected; None where its tuning is not over or every tuning run diverged."""
        return self.reading.schedule.selections.get((self.arm, self.task.name, replicate))

    def asked(self, phase: str, replicate: int) -> list[Trial]:
        """The trials of a phase ('tune', 'confirm', 'share'), recorded or not."""
        return self.reading.schedule.asked.get((phase, self.arm, self.task.name, replicate), [])

    def tuned(self, optimizer: str, replicate: int, first: bool = False) -> list[Trial] | None:
        """The tuning trials of an optimizer, or only the `first` ones, before the rounds that may extend ranges; None until all
        are recorded, and where some were stopped: what is measured by all of a tuning's runs needs their ends."""
        trials = [trial for trial in self.asked('tune', replicate) if trial.program.optimizer == optimizer]
        if any(trial.until for trial in trials):
            return None
        trials = [trial for trial in trials if not trial.extends] if first else trials
        return trials if trials and all(trial.id in self.reading.records for trial in trials) else None

    def tuned_alike(self, optimizer: str, replicate: int, first: bool = False) -> list[Trial] | None:
        """Those trials of `tuned` that every arm and replicate has: all but what a screening gave to the better optimizer.

        What is measured of one optimizer in all arms is measured by these. None until all of `tuned` are recorded.
        """
        trials = self.tuned(optimizer, replicate, first)
        later = self.reading.study.screening > 0
        return trials and [trial for trial in trials if trial.phase != AFTER_SCREENING and not (later and trial.extends)]

    def records_of(self, trials: list[Trial]) -> list[dict]:
        """The summaries of those records that these trials have."""
        return [self.reading.records[trial.id] for trial in trials if trial.id in self.reading.records]

    def whole_records_of(self, trials: list[Trial]) -> list[dict]:
        """Those whole records that these trials have, with curves."""
        return [self.reading.records.whole(trial.id) for trial in trials if trial.id in self.reading.records]

    def scores(self, trials: list[Trial], otherwise: float) -> np.ndarray:
        """Scores of recorded trials; `otherwise` for a trial that diverged or failed. `[n]`"""
        recorded = self.records_of(trials)
        return np.array([self.task.sign * r['score'] if r['status'] == 'ok' else otherwise for r in recorded], float)

    def failed(self, phase: str) -> int:
        """How many recorded runs of a phase failed: these have no score, and did not diverge."""
        return self.failures([trial for replicate in self.replicates for trial in self.asked(phase, replicate)])

    def failures(self, trials: list[Trial]) -> int:
        """How many of these trials are recorded as failed."""
        return sum(record['status'] == 'failed' for record in self.records_of(trials))

    def units(self, trials: list[Trial]) -> np.ndarray:
        """Unit coordinates of trials of one optimizer, the learning rate first. `[n, d]`"""
        space = self.reading.study.space(self.arm, trials[0].program.optimizer)
        known = self.reading.made.setdefault(Runs.units, {})
        for trial in trials:
            if trial.id not in known:
                point = dict(trial.knobs)
                known[trial.id] = [values.unit(point[name]) for name, values in space.items()]
        return np.array([known[trial.id] for trial in trials])

    @property
    def chance(self) -> float:
        """The score of a model that knows nothing; diverged and failed runs get it."""
        return self.task.sign * self.task.chance

    def confirmed(self, phase: str = 'confirm') -> np.ndarray | None:
        """The mean of each replicate over its runs that did not diverge, in a phase ('confirm', 'share'). `[R]`

        NaN for a replicate that has none: all of its runs diverged, or all of its tuning runs did and there was nothing to
        confirm. None until all runs are recorded.
        """
        means = []
        for replicate in self.replicates:
            trials = self.asked(phase, replicate)
            planned = (phase, self.arm, self.task.name, replicate) in self.reading.schedule.asked
            if not planned or any(trial.id not in self.reading.records for trial in trials):
                return None
            scores = self.scores(trials, np.nan)
            means.append(float(scores[np.isfinite(scores)].mean()) if np.isfinite(scores).any() else np.nan)
        return np.array(means)

    def items(self, phase: str = 'confirm') -> np.ndarray | None:
        """The score of each item of the test split, averaged as in `confirmed`. `[R, items]`

        None where a record does not hold them (results/store/item_scores.py), or holds another number of items.
        """
        rows = []
        for replicate in self.replicates:
            texts = [r.get(ITEMS) for r in self.records_of(self.asked(phase, replicate)) if r['status'] == 'ok']
            if None in texts:
                return None
            rows.append([unpacked(text) for text in texts])
        sizes = {len(items) for row in rows for items in row}
        if len(sizes) != 1:
            return None
        (size,) = sizes
        return self.task.sign * np.stack([np.mean(row, 0, float) if row else np.full(size, np.nan) for row in rows])

    @functools.cached_property
    def divergences(self) -> Divergences:
        """How many confirmation runs diverged, by replicate; one with nothing to confirm counts as if all of them had.

        After failed tuning runs nothing is known of it.
        """
        counts, sizes = [], []
        for replicate in self.replicates:
            recorded = self.records_of(self.asked('confirm', replicate))
            if self.reading.schedule.selections.get((self.arm, self.task.name, replicate), '') is None:
                if any(record['status'] == 'failed' for record in self.records_of(self.asked('tune', replicate))):
                    counts.append(0)
                    sizes.append(0)
                    continue
                counts.append(self.reading.study.seeds)
                sizes.append(self.reading.study.seeds)
            else:
                counts.append(sum(record['status'] == 'diverged' for record in recorded))
                sizes.append(sum(record['status'] != 'failed' for record in recorded))
        return Divergences(tuple(counts), tuple(sizes))
