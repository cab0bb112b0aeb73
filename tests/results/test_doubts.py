"""Doubts: each likeness to a rough world is named, and a gentle study has none."""

import dataclasses
from types import SimpleNamespace

import pytest
from told_study import study

from ablations.tasks import task
from results.doubts import doubts
from results.store.reading import Reading
from sweeps.protocol.simulate import Hill, World, simulate

GENTLE = World(cliff=2.0)


def _reading(world: World, **fields: object) -> Reading:
    asked = study(arms=dict.fromkeys(('base', 'a', 'b', 'c'), ()), **fields)
    return Reading(asked, *simulate(asked, world, seed=2))


def test_a_gentle_study_has_none():
    assert doubts(_reading(GENTLE)) == []


@pytest.mark.parametrize(
    ('world', 'said'),
    [
        (World(hills={'a': Hill(noise=3.0, cliff=2.0)}, cliff=2.0), 'a on digits: replicates vary far more'),
        (World(hills={'b': Hill(lost=0.1, cliff=2.0)}, cliff=2.0), 'b on digits: 1 of 10 confirmation runs diverged'),
        (World(hills={'a': Hill(optimum=(1.05, 0.4))}, cliff=2.0), 'a on digits: 3 of 5 replicates selected a recipe outside'),
    ],
    ids=['loud', 'rare', 'outside'],
)
def test_each_likeness_is_named(world, said):
    told = doubts(_reading(world))
    assert len([one for one in told if said in one]) == 1
    assert len(told) <= 2


def test_a_test_split_too_small_for_its_margin_is_named():
    reading = _reading(GENTLE)
    records = {key: {**record, 'score_se': 0.011} for key, record in reading.records.items()}
    (told,) = doubts(dataclasses.replace(reading, records=records))
    assert told == (
        'digits: the test split alone has a standard error of 1.1, more than the margin of 1.0; claims are of these examples'
    )
    assert doubts(_reading(GENTLE, tasks=('stdlib_bytes',))) == []


def test_arms_of_rare_divergence_are_named_up_to_a_tenth_of_their_runs():
    """Ten confirmation runs an arm: one that diverged may be there in other arms too, two are a rate."""
    reading = _reading(GENTLE)
    own = [trial.id for r in range(5) for trial in reading.schedule.asked['confirm', 'a', 'digits', r]]
    for count, named in ((0, False), (1, True), (2, False)):
        lost = {key: {**reading.records[key], 'status': 'diverged', 'score': None} for key in own[:count]}
        told = doubts(dataclasses.replace(reading, records={**reading.records, **lost}))
        assert [one for one in told if 'too few for a rate' in one] == [
            'a on digits: 1 of 10 confirmation runs diverged, too few for a rate'
        ] * named


@pytest.mark.parametrize(('outside', 'named'), [(2, False), (3, True), (4, True), (5, False)])
def test_points_outside_the_range_in_half_of_the_replicates_not_in_all_are_named(outside, named):
    reading = _reading(GENTLE)
    points = {}
    for (arm, name, replicate), one in reading.schedule.selections.items():
        unit = (1.01, 0.5) if replicate < outside else (1.0001, -0.0001)
        points[arm, name, replicate] = dataclasses.replace(one, unit=unit) if arm == 'b' else one
    schedule = dataclasses.replace(reading.schedule, selections=points)
    told = [one for one in doubts(dataclasses.replace(reading, schedule=schedule)) if one.startswith('b on digits')]
    said = f'b on digits: {outside} of 5 replicates selected a recipe outside the ranges, which may be too narrow for it'
    assert told == [said] * named


def test_loud_arms_are_named_in_order(monkeypatch):
    monkeypatch.setattr('results.doubts.Noise', lambda samples: SimpleNamespace(loud=frozenset('dbcae')))
    told = 'a, b, c, d, e on digits: replicates vary far more than those of the other arms, which borrow nothing from it'
    assert doubts(_reading(GENTLE))[0] == told


@pytest.mark.parametrize(('error', 'named'), [(2**-7, False), (2**-7 + 2**-20, True)])
def test_a_test_split_as_fine_as_its_margin_is_fine_enough(error, named):
    reading = _reading(GENTLE, tasks=(task('digits', margin=2**-7, chance=0.1),))
    records = {key: {**record, 'score_se': error} for key, record in reading.records.items()}
    assert len(doubts(dataclasses.replace(reading, records=records))) == named
