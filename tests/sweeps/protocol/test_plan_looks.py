"""Looks and growth of a planned study: what waits, what goes on, what is reused."""

import dataclasses

import pytest
from planned_study import MIDDLE, OUTSIDE, STUDY, WORLDS, record

from ablations.config import swap
from ablations.trial import TUNING
from results.evidence import findings
from results.noise import Noise
from results.runs import Runs
from results.store.reading import Reading
from sweeps.protocol.plan import plan, schedule
from sweeps.protocol.simulate import simulate


@pytest.fixture(scope='module')
def finished() -> dict:
    return {name: simulate(STUDY, where, 0) for name, where in WORLDS.items()}


LOOKS = dataclasses.replace(STUDY, replicates=5, looks=(2, 3, 5))


def test_later_looks_wait_for_earlier_ones():
    """On each task no replicate of a look is planned before the look before it is whole, confirmation and all."""
    whole, _ = simulate(LOOKS, OUTSIDE, 0)
    needed = {
        (task.name, look): {t.id for t in whole.trials if t.task == task.name and t.replicate < look}
        for task in LOOKS.tasks
        for look in LOOKS.looks
    }
    records: dict = {}
    seen = []
    while wanted := plan(LOOKS, records, {}):
        seen.append(schedule(LOOKS, records, {}).look)
        for trial in wanted:
            before = [look for look in LOOKS.looks if look <= trial.replicate]
            assert all(needed[trial.task, look] <= set(records) for look in before)
        records |= {t.id: record(OUTSIDE, t, LOOKS) for t in wanted}
    planned = schedule(LOOKS, records, {})
    assert (planned.look, planned.complete) == (5, True)
    assert seen == sorted(seen)
    assert set(seen) == {0, 2, 3}


def test_only_arms_that_a_look_left_undecided_go_on():
    """`third` is far worse on both tasks, `other` is the same as the base: it needs more replicates, and so does the base."""
    asked = dataclasses.replace(STUDY, replicates=6, looks=(3, 6))
    planned, records = simulate(asked, dataclasses.replace(MIDDLE, top={'third': -3.0}), 0)
    assert (planned.look, planned.complete) == (6, True)
    counts = {(t.arm, t.task): t.replicate + 1 for t in sorted(planned.trials, key=lambda t: t.replicate)}
    assert counts == {(arm, item.name): 3 if arm == 'third' else 6 for arm in asked.arms for item in asked.tasks}
    made = {(f.arm, f.task): f for f in findings(Reading(asked, planned, records))}
    assert {key: f.replicates for key, f in made.items()} == {key: counts[key] for key in made}
    assert {f.verdict for (arm, _), f in made.items() if arm == 'third'} == {'worse'}
    assert all('budget' not in f.reason for f in made.values()), 'fewer replicates are no smaller budget'


def test_where_everything_is_decided_early_nothing_goes_on():
    asked = dataclasses.replace(STUDY, replicates=6, looks=(3, 6))
    planned, _ = simulate(asked, dataclasses.replace(MIDDLE, top={'third': -3.0, 'other': -3.0}), 0)
    assert (planned.look, planned.complete) == (3, True)
    assert {t.replicate for t in planned.trials} == {0, 1, 2}


def test_an_arm_goes_on_with_those_that_it_is_compared_with():
    """A path: `third` is compared with `other`, which is decided; on its own it would have nothing to be paired with."""
    asked = dataclasses.replace(STUDY, replicates=6, looks=(3, 6), against={'third': 'other'}, shape='path')
    planned, _ = simulate(asked, dataclasses.replace(MIDDLE, top={'third': -3.0, 'other': -3.0}), 0)
    assert {t.arm for t in planned.trials if t.replicate >= 3} == {'base', 'other', 'third'}


def test_later_looks_change_no_decision_of_the_first():
    planned, records = simulate(LOOKS, OUTSIDE, 0)
    early = {t.id: records[t.id] for t in planned.trials if t.replicate < 2}
    first = schedule(LOOKS, early, {})
    own = {key: rounds for key, rounds in planned.extended['digits'].items() if key[2] < 2}
    assert own and first.extended['digits'].items() >= own.items()
    for arm in LOOKS.arms:
        assert {len(planned.asked['tune', arm, 'digits', r]) for r in range(5)} == {LOOKS.trials}


def test_looking_early_changes_no_trial_of_the_first_replicates():
    once, _ = simulate(dataclasses.replace(STUDY, replicates=2, looks=()), OUTSIDE, 0)
    often, _ = simulate(LOOKS, OUTSIDE, 0)
    assert {t.id for t in once.trials} == {t.id for t in often.trials if t.replicate < 2}


@pytest.mark.parametrize(
    'changes',
    [
        {'replicates': 5, 'looks': (5,)},
        {'arms': {**STUDY.arms, 'more': swap('norm', 'identity')}},
        {'tasks': ('digits', 'stdlib_bytes', 'recall')},
    ],
    ids=lambda changes: next(iter(changes)),
)
@pytest.mark.parametrize('where', ['middle', 'far'])
def test_growth_reuses_what_is_recorded(finished, changes, where):
    planned, records = finished[where]
    grown = dataclasses.replace(STUDY, **changes)
    reused, more = set(records), dict(records)
    while wanted := plan(grown, more, {}):
        more |= {trial.id: record(WORLDS[where], trial, grown) for trial in wanted}
    whole = schedule(grown, more, {})
    assert whole.complete
    ids = {t.id for t in whole.trials}
    assert {t.id for t in planned.trials if t.held == TUNING} <= ids, 'tuning is never in vain'
    assert reused <= ids, 'neither is confirmation: a new arm decides for itself'
    assert len(more) > len(records)


def test_budgets_count_tuning_and_nothing_else(finished):
    for planned, _ in finished.values():
        for (arm, task), budget in planned.budgets.items():
            tuned = [t for t in planned.trials if (t.arm, t.task, t.held) == (arm, task, TUNING)]
            item = STUDY.task(task)
            assert budget == {
                'trials': len(tuned),
                'steps': len(tuned) * item.steps,
                'examples': len(tuned) * item.steps * item.batch,
                'flops': None,
            }


def test_the_interval_of_a_decided_arm_is_that_of_its_look():
    """Others' later replicates change nothing of what was claimed, nor of how sure it is."""
    asked = dataclasses.replace(STUDY, replicates=6, looks=(3, 6))
    planned, records = simulate(asked, dataclasses.replace(MIDDLE, top={'third': -0.5}), 0)
    reading = Reading(asked, planned, records)
    assert {t.replicate for t in planned.trials if t.arm == 'third'} == {0, 1, 2} and planned.look == 6
    one = next(one for one in findings(reading) if one.arm == 'third')
    values = {arm: Runs(reading, arm, asked.tasks[0]).confirmed()[:3] for arm in asked.arms}
    difference = Noise(values).difference('third', 'base')
    assert (one.verdict, one.effect) == ('worse', pytest.approx(difference.effect))
    assert one.effect_interval == pytest.approx(difference.interval(0.95))
    assert one.family_interval[1] < 0
