"""Doubts: the likeness of a study to worlds without a promised error rate. There the lab's error rate is measured."""

from collections.abc import Iterator

import numpy as np

from ablations.tasks import Task
from ablations.trial import TEST
from results.noise import Noise
from results.resolution import item_errors
from results.runs import Runs
from results.store.reading import Reading
from results.tables.words import number

ROUNDING = 1e-4
"""How far past 0 or 1 rounding may move a unit."""
RARE = 0.1
"""Divergence in fewer confirmation runs than this share may be there in other arms too, unseen."""


def doubts(reading: Reading) -> list[str]:
    """A sentence for each likeness: loud arms, rare divergence, ranges too narrow, test splits too small for their margin."""
    return [*_loud(reading), *_rare(reading), *_outside(reading), *_small(reading)]


def _loud(reading: Reading) -> Iterator[str]:
    for task in reading.study.tasks:
        samples = {arm: Runs(reading, arm, task).confirmed() for arm in reading.study.arms}
        noise = Noise({arm: sample for arm, sample in samples.items() if sample is not None})
        if noise.loud:
            named = ', '.join(sorted(noise.loud))
            yield f'{named} on {task.name}: replicates vary far more than those of the other arms, which borrow nothing from it'


def _rare(reading: Reading) -> Iterator[str]:
    for task in reading.study.tasks:
        for arm in reading.study.arms:
            counts = Runs(reading, arm, task).divergences
            if 0 < counts.diverged <= RARE * counts.runs:
                yield f'{arm} on {task.name}: {counts.diverged} of {counts.runs} confirmation runs diverged, too few for a rate'


def _outside(reading: Reading) -> Iterator[str]:
    """Where at least half of the replicates, not all, select a point outside: the value depends on who looked there."""
    for task in reading.study.tasks:
        for arm in reading.study.arms:
            chosen = [one for key, one in reading.schedule.selections.items() if one and key[:2] == (arm, task.name)]
            outside = sum(not all(-ROUNDING <= unit <= 1 + ROUNDING for unit in one.unit) for one in chosen)
            if len(chosen) / 2 <= outside < len(chosen):
                told = f'{outside} of {len(chosen)} replicates selected a recipe outside the ranges'
                yield f'{arm} on {task.name}: {told}, which may be too narrow for it'


def _small(reading: Reading) -> Iterator[str]:
    """By the error of an effect from the test split, or of a single score if records hold no single examples."""
    for task in reading.study.tasks:
        errors = item_errors(reading, task)
        if errors and max(errors) > task.margin:
            error, margin = (number(value, task.metric) for value in (max(errors), task.margin))
            yield (
                f'{task.name}: the test split alone gives effects a standard error of up to {error}, more than the margin of '
                f'{margin}; it is part of every effect, and no number of replicates takes it away'
            )
        single = [] if errors else _single_errors(reading, task)
        if single and float(np.mean(single)) > task.margin:
            error, margin = (number(value, task.metric) for value in (float(np.mean(single)), task.margin))
            yield (
                f'{task.name}: the test split alone has a standard error of {error}, more than the margin of {margin}; claims '
                'are of these examples'
            )


def _single_errors(reading: Reading, task: Task) -> list[float]:
    """The standard errors of the base's single scores on the test split."""
    asked = [trial for trial in reading.schedule.trials if trial.task == task.name and trial.held == TEST]
    records = Runs(reading, reading.study.base, task).records_of(asked)
    return [record['score_se'] for record in records if record.get('score_se')]
