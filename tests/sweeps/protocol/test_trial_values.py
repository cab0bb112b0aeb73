"""Values of trials: in what order a run has them, and how far past a range they may lie."""

import dataclasses

import pytest
from planned_study import FAR, MIDDLE, STUDY

from ablations.spaces import integer, linear, log
from ablations.trial import TUNING
from sweeps.protocol.searchers.candidate import Candidates
from sweeps.protocol.simulate import simulate
from sweeps.protocol.tuning import Tuning


def test_values_of_a_run_stand_in_the_order_of_their_names():
    """Whatever is fixed and whatever is tuned: the id of a trial holds them."""
    tune = {'adamw': {'lr': log(1e-3, 1e-1), 'b2': linear(0.9, 0.99)}}
    study = dataclasses.replace(STUDY, fixed={'weight_decay': 0.1, 'b1': 0.8}, tune=tune, trials=4)
    planned, _ = simulate(study, MIDDLE, 0)
    assert {tuple(dict(trial.knobs)) for trial in planned.trials} == {('b1', 'b2', 'lr', 'weight_decay')}
    candidates = Candidates(study, study.tasks[0])
    assert list(dict(candidates.trial(candidates.start, 0, 1, TUNING, 'search_1').knobs)) == ['b1', 'b2', 'lr', 'weight_decay']


def test_a_single_trial_past_an_edge_is_the_first_round():
    planned, _ = simulate(dataclasses.replace(STUDY, extension=1), FAR, 0)
    assert [trial.phase for trial in planned.asked['tune', 'base', 'digits', 0]] == ['tune'] * 7 + ['extend_1']


@pytest.mark.parametrize(
    ('values', 'box', 'low', 'high'),
    [
        (log(1e-3, 1e-1), (0.0, 1.0), -1 / 3, 4 / 3),
        (log(1e-3, 1e-1), (-1 / 3, 4 / 3), -2 / 3, 5 / 3),
        # Where the lowest or the highest value is reached, nothing lies beyond.
        (integer(1, 4), (0.0, 1.0), None, 4 / 3),
        (linear(0.5, 1.0), (0.0, 1.0), 1 / 6 - 0.5, None),
    ],
)
def test_a_range_is_extended_by_a_third_up_to_where_values_end(values, box: tuple, low: float | None, high: float | None):
    name = 'b1' if values.high == 1.0 else 'warmup' if values.high == 4 else 'lr'
    ends = [Tuning._end(name, values, {name: box}, side) for side in ('low', 'high')]
    assert [None if end is None else pytest.approx(end) for end in (low, high)] == ends
