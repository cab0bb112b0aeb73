"""Halving: which runs of a wave of tuning go on after a stop, and how the others would have ended. No jax.

A wave are the trials of one arm, optimizer and replicate that are asked for at the same time. All of them are trained to a
share of their steps. The plan then asks for the better half again, to be trained further, and for the others no more. So the
decision follows from records alone, whoever trained what first, and every arm has the same number of runs of each length.

A surface needs bad trials as much as good ones. So a run that was stopped enters it with an expected end: its score where it
stopped, and the middle of what the runs that went on from there gained. Without these runs the selected point loses four times
as much in simulated tunings, with the worst end that was seen in their place three times as much (LOG.md).
"""

import math
import statistics
from collections.abc import Mapping, Sequence

import numpy as np

from ablations.halvings import going_on
from ablations.trial import Trial
from results.store.records import STOPPED


def better_half(sign: int, trials: Sequence[Trial], records: Mapping[str, dict]) -> list[int]:
    """The places of the trials that go on, in their order: by the scores where they stopped, equal ones by their losses.

    `sign` is a task's: 1 where a higher score is better, else -1. Those that diverged or failed come last.

    >>> from types import SimpleNamespace
    >>> told = {'a': 0.5, 'b': 0.9, 'c': 0.7}
    >>> records = {key: {'status': 'stopped', 'score_until': score, 'final_loss': 1.0} for key, score in told.items()}
    >>> better_half(1, [SimpleNamespace(id=key) for key in told], records)
    [1, 2]
    """

    def rank(place: int) -> tuple[float, float, int]:
        record = records[trials[place].id]
        if record['status'] != STOPPED:
            return math.inf, math.inf, place
        loss = record.get('final_loss')
        return -sign * record['score_until'], math.inf if loss is None else loss, place

    return sorted(sorted(range(len(trials)), key=rank)[: going_on(len(trials))])


def scores(sign: int, trials: Sequence[Trial], records: Mapping[str, dict]) -> np.ndarray:
    """The scores of trials in the good direction, -inf where a run diverged or failed, or was stopped. `[n]`"""
    own = (records[trial.id] for trial in trials)
    return np.array([sign * record['score'] if record['status'] == 'ok' else -math.inf for record in own])


def ends(sign: int, trials: Sequence[Trial], records: Mapping[str, dict], shares: Sequence[float]) -> np.ndarray:
    """The same, with the expected end of each run that was stopped at one of these shares of its steps. `[n]`

    Where none that went on has a score, its own score at the stop stands for its end.
    """
    made = scores(sign, trials, records)
    for share in shares:
        stops = [trial.up_to(share) for trial in trials]
        there = [records.get(stop.id, {}) for stop in stops]
        until = np.array([sign * r['score_until'] if r.get('status') == STOPPED else math.nan for r in there])
        gains = (made - until)[[not trial.until for trial in trials]]
        gains = gains[np.isfinite(gains)]
        gain = statistics.median(gains.tolist()) if len(gains) else 0.0
        for place, (trial, stop) in enumerate(zip(trials, stops, strict=True)):
            if trial.until == stop.until and math.isfinite(until[place]):
                made[place] = until[place] + gain
    return made
