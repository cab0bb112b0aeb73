"""Fronts: against every pair of arms, and on studies whose truth is known."""

import dataclasses
import itertools
import json

import numpy as np
import pytest
from scipy import stats

from ablations.study import Study
from results.fronts import STANDINGS, UNITS, dominated, front, front_probabilities, fronts, standing
from results.store.reading import Reading
from sweeps.protocol.simulate import World, simulate


@pytest.mark.parametrize(
    ('qualities', 'costs', 'wanted'),
    [
        ([1, 2, 3], [1, 2, 3], [True, True, True]),
        ([3, 2, 1], [1, 2, 3], [True, False, False]),
        ([1, 1], [1, 2], [True, False]),
        ([2, 1], [1, 1], [True, False]),
        # Equal in both: neither dominates.
        ([1, 1, 0.5], [1, 1, 1], [True, True, False]),
        ([1], [1], [True]),
    ],
)
def test_the_front_by_hand(qualities, costs, wanted):
    assert (~dominated(np.array(qualities), np.array(costs)).any(-1)).tolist() == wanted


def test_domination_of_every_pair():
    generator = np.random.default_rng(0)
    qualities, costs = generator.integers(0, 4, (50, 5)), generator.integers(0, 4, (50, 5))
    beats = dominated(qualities, costs)
    assert beats.shape == (50, 5, 5)
    for draw, i, j in itertools.product(range(50), range(5), range(5)):
        (a, b), (c, d) = (qualities[draw, i], costs[draw, i]), (qualities[draw, j], costs[draw, j])
        assert beats[draw, i, j] == (c >= a and d <= b and (c, d) != (a, b))


def test_probability_of_two_arms_is_that_of_students_difference():
    """Equal costs: an arm is on the front where its mean is drawn higher."""
    base, arm = np.array([0.1, 0.4, 0.2, 0.5, 0.3]), np.array([0.4, 0.2, 0.6, 0.5, 0.3])
    on_front, beaten = front_probabilities([base, arm], [7, 7])
    generator = np.random.default_rng(99)
    draws = [s.mean() + stats.sem(s) * generator.standard_t(4, 100_000) for s in (base, arm)]
    wanted = float(np.mean(draws[0] > draws[1]))
    assert on_front == pytest.approx([wanted, 1 - wanted], abs=0.03)
    assert beaten == pytest.approx([1 - wanted, wanted], abs=0.03)


def test_a_measured_cost_is_drawn_too():
    sure, doubt = np.array([1.0, 1.01, 0.99]), np.array([5.0, 1.0, 3.0])
    better, worse = np.array([0.9, 0.91, 0.89]), np.array([0.5, 0.51, 0.49])
    known, _ = front_probabilities([better, worse], [sure.mean(), doubt.mean()])
    measured, _ = front_probabilities([better, worse], [sure, doubt])
    assert known.tolist() == [1.0, pytest.approx(0.0, abs=0.01)]
    assert measured[1] == pytest.approx(stats.t.cdf((1 - 3) / stats.sem(doubt), 2), abs=0.02), 'cheaper where it is drawn below'


def test_a_cost_of_two_replicates_is_drawn_too():
    better, worse, sure, doubt = np.array([0.9, 0.91]), np.array([0.5, 0.51]), np.array([1.0, 1.01]), np.array([5.0, 1.0])
    on_front, _ = front_probabilities([better, worse], [sure, doubt])
    assert on_front[1] == pytest.approx(stats.t.cdf((1.005 - 3) / stats.sem(doubt), 1), abs=0.03)


def test_standings():
    assert standing(0.99, 0.0, 2) == 'front'
    assert standing(0.97, 0.0, 2) == 'possible'
    assert standing(0.98, 0.0, 5) == 'possible', 'more arms, more chances of a lucky one'
    assert standing(0.0, 0.99, 2) == 'dominated'
    assert standing(0.0, 0.9, 2) == 'possible'
    assert standing(1.0, 0.0, 1) == 'front'
    assert [standing(share, 0.0, 2) for share in (0.974, 0.976)] == ['possible', 'front']
    assert [standing(share, 0.0, 3) for share in (0.98, 0.99)] == ['possible', 'front']
    assert standing(0.976, 0.0, 1) == 'front', 'alone it is compared with none'


def test_identical_arms_are_seldom_called_dominated():
    generator, wrong = np.random.default_rng(5), 0
    for _ in range(100):
        on_front, beaten = front_probabilities(list(generator.normal(size=(6, 4))), [1] * 6)
        wrong += any(standing(p, b, 6) != 'possible' for p, b in zip(on_front, beaten, strict=True))
    assert wrong <= 10, 'level 5 %; more than 10 of 100 come by chance once in a hundred'


# Whole studies.

ARMS = ('base', 'good', 'cheap', 'bad')
COSTS = {'base': 110, 'good': 100, 'cheap': 50, 'bad': 120}


def told(task: str = 'digits', platform: str = 'gpu', **fields: object) -> tuple:
    given = {'name': 'told', 'question': 'Is it?', 'arms': dict.fromkeys(ARMS, ()), 'tasks': (task,), 'trials': 8}
    study = Study(**{**given, 'looks': (fields.get('replicates', 5),), **fields})
    schedule, records = simulate(study, World(top={'good': 0.5, 'cheap': -0.5, 'bad': -1.0}, noise=0.01), seed=0)
    for trial in schedule.trials:
        cost = {'steps': 10, 'seconds': COSTS[trial.arm] * (1 + 0.01 * trial.replicate), 'peak_memory': 5 + trial.replicate}
        pack = {'strategy': 'vmap', 'lanes': 4}
        where = {'device': 'device', 'platform': platform}
        records[trial.id] = {**records[trial.id], 'cost': cost, 'pack': pack, 'environment': where}
    manifest = {'costs': {arm: {task: {'params': COSTS[arm], 'macs': 10 * COSTS[arm]}} for arm in ARMS}}
    return study, schedule, records, manifest


@pytest.mark.parametrize('task', ['digits', 'stdlib_bytes'])
def test_a_study_whose_front_is_known(task):
    study, schedule, records, manifest = told(task)
    all_fronts = fronts(Reading(study, schedule, records, manifest))
    assert [one.cost for one in all_fronts] == ['params', 'macs', 'step_seconds', 'peak_memory']
    for one in all_fronts[:3]:
        assert [point.arm for point in one.points] == list(ARMS)
        assert {point.arm: point.standing for point in one.points} == {
            'base': 'dominated',
            'good': 'front',
            'cheap': 'front',
            'bad': 'dominated',
        }
        assert [point.on_front for point in one.points] == [False, True, True, False]
        assert one.left_out == ()
        assert list(json.loads(json.dumps(one.to_dict(), allow_nan=False))) == [field.name for field in dataclasses.fields(one)]
    for point in all_fronts[0].points:
        means = [
            np.mean([records[t.id]['score'] for t in schedule.asked['confirm', point.arm, task, replicate]])
            for replicate in range(5)
        ]
        assert point.value == pytest.approx(np.mean(means))
        low, high = stats.t.interval(0.95, 4, np.mean(means), stats.sem(means))
        # Neither metric is ever below 0, so that the interval of a value above it is not either.
        assert point.interval == pytest.approx((max(low, 0.0) if point.value >= 0 else low, high))
        assert (point.cost, point.cost_interval) == (COSTS[point.arm], None)


def test_time_is_seconds_over_steps_and_memory_the_smallest_peak():
    study, schedule, records, manifest = told()
    # The first run of a program waits for its compilation: a median does not see it.
    late = schedule.asked['tune', 'good', 'digits', 0][0].id
    records[late] = {**records[late], 'cost': {'steps': 10, 'seconds': 9e9, 'peak_memory': 10**9}}
    time = front(Reading(study, schedule, records, manifest), 'digits', 'step_seconds')
    wanted = [10 * (1 + 0.01 * replicate) for replicate in range(5)]
    assert time.points[1].cost == pytest.approx(np.mean(wanted))
    assert time.points[1].cost_interval == pytest.approx(stats.t.interval(0.95, 4, np.mean(wanted), stats.sem(wanted)))
    assert time.unit == 'seconds per step'
    assert time.note == (
        'seconds of a run, evaluations included, over its steps: the median of a replicate; where lanes run together, each has '
        'an equal share of the time (device, vmap)'
    )
    memory = front(Reading(study, schedule, records, manifest), 'digits', 'peak_memory')
    assert [point.cost for point in memory.points] == [7.0] * 4
    assert memory.note == (
        'an upper bound: the smallest peak of a device in a replicate, over all that its process trained before (device, vmap)'
    )


def test_the_time_is_that_of_the_optimizer_that_was_selected():
    space = Study(name='told', question='?', arms={'base': ()}, tasks=('digits',)).tune['adamw']
    study, schedule, records, manifest = told(tune={'adamw': space, 'sgd': space, 'lion': space})
    slow = {'steps': 10, 'seconds': 9e9}
    for trial in schedule.trials:
        if trial.program.optimizer != schedule.selections[trial.arm, 'digits', trial.replicate].optimizer:
            records[trial.id] = {**records[trial.id], 'cost': slow}
    point = front(Reading(study, schedule, records, manifest), 'digits', 'step_seconds').points[0]
    assert point.cost == pytest.approx(np.mean([11 * (1 + 0.01 * replicate) for replicate in range(5)]))


def test_on_cpu_the_peak_of_memory_is_not_an_arms_own():
    study, schedule, records, manifest = told(platform='cpu')
    one = front(Reading(study, schedule, records, manifest), 'digits', 'peak_memory')
    assert (one.points, one.left_out) == ((), ARMS)
    assert 'peak_memory' not in [all_fronts.cost for all_fronts in fronts(Reading(study, schedule, records, manifest))]


def test_times_of_two_devices_are_named_as_not_comparable():
    study, schedule, records, manifest = told()
    other = schedule.trials[0].id
    records[other] = {**records[other], 'environment': {'device': 'another', 'platform': 'gpu'}}
    note = front(Reading(study, schedule, records, manifest), 'digits', 'step_seconds').note
    assert '(another, vmap; device, vmap; not comparable where these differ)' in note


def test_the_devices_of_a_task_are_told_and_not_those_of_others():
    study, schedule, records, manifest = told(tasks=('digits', 'stdlib_bytes'))
    for trial in schedule.trials:
        if trial.task == 'stdlib_bytes':
            records[trial.id] = {**records[trial.id], 'environment': {'device': 'another', 'platform': 'gpu'}}
    notes = [front(Reading(study, schedule, records, manifest), one.name, 'step_seconds').note for one in study.tasks]
    assert notes[0].endswith('(device, vmap)') and notes[1].endswith('(another, vmap)')


def test_what_is_not_known_is_left_out():
    study, schedule, records, manifest = told()
    del manifest['costs']['cheap']
    gone = schedule.asked['confirm', 'bad', 'digits', 0][0].id
    records = {key: record for key, record in records.items() if key != gone}
    one = front(Reading(study, schedule, records, manifest), 'digits', 'params')
    assert ([point.arm for point in one.points], one.left_out) == (['base', 'good'], ('cheap', 'bad'))
    assert fronts(Reading(study, schedule, {})) == []


def test_one_replicate_leaves_standings_unknown():
    study, schedule, records, manifest = told(replicates=1)
    one = front(Reading(study, schedule, records, manifest), 'digits', 'params')
    assert {(point.standing, point.probability, point.interval) for point in one.points} == {('unknown', None, None)}
    assert [point.on_front for point in one.points] == [False, True, True, False]


def test_rendered_again_it_is_the_same():
    reading = Reading(*told())
    assert [one.to_dict() for one in fronts(reading)] == [one.to_dict() for one in fronts(reading)]
    assert {point.standing for one in fronts(reading) for point in one.points} <= set(STANDINGS)


def test_an_unknown_cost_is_refused():
    study, schedule, records, manifest = told()
    with pytest.raises(ValueError, match=r"cost 'money'; allowed: .*; choose one of them") as error:
        front(Reading(study, schedule, records, manifest), 'digits', 'money')
    assert str(list(UNITS)) in str(error.value)


@pytest.mark.parametrize(
    ('changed', 'said'),
    [
        ({'cost': None, 'pack': None}, '(device, vmap)'),
        ({'pack': None}, '(device, alone; device, vmap; not comparable where these differ)'),
        ({'environment': None}, '(device, vmap; unknown device, vmap; not comparable where these differ)'),
    ],
)
def test_the_place_of_each_measured_run_is_named(changed, said):
    study, schedule, records, manifest = told()
    first = schedule.trials[0].id
    one = front(Reading(study, schedule, {**records, first: {**records[first], **changed}}, manifest), 'digits', 'step_seconds')
    assert one.note.endswith(said) and one.left_out == ()
    assert front(Reading(study, schedule, records, manifest), 'digits', 'params').note == ''


def test_a_cost_that_no_run_tells_has_no_place():
    study, schedule, records, manifest = told()
    bare = {key: {name: value for name, value in record.items() if name != 'cost'} for key, record in records.items()}
    one = front(Reading(study, schedule, bare, manifest), 'digits', 'step_seconds')
    assert (one.points, one.left_out) == ((), ARMS) and one.note.endswith('(place not recorded)')
    for lacking in ({'steps': 10}, {'seconds': 3.0}, {'seconds': 3.0, 'steps': 0}, {'seconds': None, 'steps': 10}):
        own = {trial.id for trial in schedule.trials if trial.arm == 'good'}
        some = {key: {**record, 'cost': lacking} if key in own else record for key, record in records.items()}
        assert front(Reading(study, schedule, some, manifest), 'digits', 'step_seconds').left_out == ('good',)
    # A run that took no time at all is still one that was measured.
    none = {key: {**record, 'cost': {'seconds': 0.0, 'steps': 10}} for key, record in records.items()}
    assert front(Reading(study, schedule, none, manifest), 'digits', 'step_seconds').points[0].cost == 0.0


def test_replicates_in_which_all_runs_diverged_enter_no_value():
    study, schedule, records, manifest = told()
    lost = [trial.id for replicate in (0, 1) for trial in schedule.asked['confirm', 'good', 'digits', replicate]]
    some = {key: {**record, 'status': 'diverged', 'score': None} if key in lost else record for key, record in records.items()}
    points = {point.arm: point for point in front(Reading(study, schedule, some, manifest), 'digits', 'params').points}
    wanted = [np.mean([records[t.id]['score'] for t in schedule.asked['confirm', 'good', 'digits', r]]) for r in (2, 3, 4)]
    assert points['good'].value == pytest.approx(np.mean(wanted)) and points['good'].standing != 'unknown'
    lost = {trial.id for replicate in range(5) for trial in schedule.asked['confirm', 'good', 'digits', replicate]}
    none = {key: {**record, 'status': 'diverged', 'score': None} if key in lost else record for key, record in records.items()}
    assert front(Reading(study, schedule, none, manifest), 'digits', 'params').left_out == ('good',)


def test_two_replicates_are_enough_for_an_interval_of_a_measured_cost():
    times = {}
    for replicates in (1, 2):
        study, schedule, records, manifest = told(replicates=replicates)
        point = front(Reading(study, schedule, records, manifest), 'digits', 'step_seconds').points[1]
        times[replicates] = point.cost, point.cost_interval
    assert times[1] == (pytest.approx(10), None)
    assert times[2] == (pytest.approx(10.05), pytest.approx(stats.t.interval(0.95, 1, 10.05, 0.05)))
