"""Undecided: which arms get more replicates after a look, and how many runs were stopped."""

import dataclasses

import pytest
from told_study import DIGITS, around, study

from ablations.shapes import factorial, path
from ablations.study import Study
from results.stops import stops, stops_in_words
from results.store.reading import Reading
from results.undecided import undecided_arms
from sweeps.protocol.simulate import World, simulate


def left_open(asked: Study, levels: dict[str, float], **fields: object) -> dict[str, tuple[str, ...]]:
    """The arms that go on where arms confirm around these levels; those not named lie at 0.5 and cannot be told apart."""
    planned, records = simulate(asked, World(), seed=0)
    for (phase, arm, _, replicate), trials in planned.asked.items():
        for trial in trials if phase == 'confirm' else ():
            score = around(levels.get(arm, 0.5), 0.02, list(asked.arms).index(arm))[replicate]
            records[trial.id] = {**records[trial.id], 'score': float(score), 'status': 'ok'}
    return undecided_arms(Reading(asked, dataclasses.replace(planned, censored={}, **fields), records))


@pytest.mark.parametrize(
    ('levels', 'open_arms'),
    [
        ({}, ('base', 'a', 'b')),
        ({'b': 0.9}, ('base', 'a')),
        ({'a': 0.1, 'b': 0.9}, ()),
    ],
)
def test_the_arms_of_open_comparisons_go_on_with_their_reference(levels, open_arms):
    asked = study(arms={'base': (), 'a': (), 'b': ()}, tasks=(DIGITS,))
    assert left_open(asked, levels) == {'digits': open_arms}


def test_a_reference_goes_on_with_all_before_it_and_in_the_order_of_the_study():
    """Of a path only the last step is open: its reference is compared with the step before it, and so on to the base."""
    asked = study(**path({'base': (), 'a': (), 'b': (), 'c': ()}), tasks=(DIGITS,))
    assert left_open(asked, {'a': 0.9, 'b': 0.2, 'c': 0.2}) == {'digits': ('base', 'a', 'b', 'c')}
    assert left_open(asked, {'a': 0.5, 'b': 0.9, 'c': 0.1}) == {'digits': ('base', 'a')}


def test_in_a_factorial_all_arms_go_on_or_none():
    asked = study(**factorial({'x': {'off': (), 'on': ()}, 'y': {'few': (), 'many': ()}}), tasks=(DIGITS, 'recall'))
    first, *others = asked.arms
    decided = {arm: 0.5 + 0.13 * place for place, arm in enumerate(asked.arms)}
    assert left_open(asked, {**decided, others[0]: 0.5}) == {'digits': tuple(asked.arms), 'recall': tuple(asked.arms)}
    assert left_open(asked, dict.fromkeys(others, 0.9)) == {'digits': (), 'recall': ()} and first == asked.base


def test_stopped_runs_are_those_of_tunings_that_are_over():
    asked = study(halvings=(0.25, 0.5), tasks=(DIGITS,))
    planned, _ = simulate(asked, World(), seed=0)
    tuned = [trials for key, trials in planned.asked.items() if key[0] == 'tune']
    stopped = sum(bool(trial.until) for trials in tuned for trial in trials)
    assert 0 < stopped < sum(map(len, tuned)) and stops(planned) == (stopped, sum(map(len, tuned)))
    said = stops_in_words(asked, planned)
    assert said.startswith(f'Tuning stops the worse half of its runs at 0.25 and 0.5 of their steps: {stopped} of ')
    # Until its confirmation is planned a tuning is under way.
    first = next(key for key in planned.asked if key[0] == 'confirm')
    rest = {key: trials for key, trials in planned.asked.items() if key != first}
    open_runs = planned.asked['tune', *first[1:]]
    assert stops(dataclasses.replace(planned, asked=rest))[1] == sum(map(len, tuned)) - len(open_runs)
    assert stops(dataclasses.replace(planned, asked={})) == (0, 0) and stops_in_words(study(), planned) == ''
