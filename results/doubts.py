"""Doubts: what a study has in common with worlds in which the lab's error rate is measured and not promised."""

from collections.abc import Iterator

import numpy as np

from ablations.trial import TEST
from results.noise import Noise
from results.runs import Runs
from results.store.reading import Reading
from results.tables.words import number

RARE = 0.1
"""Divergence in fewer confirmation runs than this share may be there in other arms too, unseen."""


def doubts(reading: Reading) -> list[str]:
    """A sentence for each likeness: loud arms, rare divergence, extended ranges, test splits too small for their margin."""
    return [*_loud(reading), *_rare(reading), *_extended(reading), *_small(reading)]


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


def _extended(reading: Reading) -> Iterator[str]:
    for task, rounds in reading.schedule.extended.items():
        arms = sorted({arm for wants in rounds for arm in wants})
        if arms:
            yield f'{", ".join(arms)} on {task}: ranges were extended, one decision for all replicates'


def _small(reading: Reading) -> Iterator[str]:
    for task in reading.study.tasks:
        errors = [
            record['score_se']
            for record in Runs(reading, reading.study.base, task).records_of(
                [trial for trial in reading.schedule.trials if trial.task == task.name and trial.held == TEST]
            )
            if record.get('score_se')
        ]
        if errors and float(np.mean(errors)) > task.margin:
            error, margin = (number(value, task.metric) for value in (float(np.mean(errors)), task.margin))
            yield (
                f'{task.name}: the test split alone has a standard error of {error}, more than the margin of {margin}; claims '
                'are of these examples'
            )
