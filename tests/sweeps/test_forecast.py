"""Outlook: what would still run, and budgets in FLOPs, without counting anything twice."""

import statistics
from pathlib import Path

import pytest

import sweeps.forecast
from ablations.config import swap
from ablations.study import Study, task
from results.store.reading import Reading
from sweeps.devices import DEVICES, exchange_seconds, memory_of
from sweeps.forecast import ENOUGH, forecast, median_seconds, seconds_by_phase, work_left
from sweeps.pace import COMPILE_SECONDS, Pace
from sweeps.progress import expected_trials
from sweeps.protocol.plan import schedule
from sweeps.protocol.simulate import World, simulate

TASKS = ('digits', 'recall')


def study(**fields: object) -> Study:
    given = {'name': 'seen', 'question': 'How long?', 'arms': {'base': (), 'other': swap('norm', 'rms_norm')}}
    return Study(**{**given, 'tasks': TASKS, 'trials': 8, 'extension': 0, 'replicates': 2, **fields})


def costs(**flops: float) -> dict:
    return {arm: {name: {'flops': value} for name in TASKS} for arm, value in flops.items()}


COSTS = costs(base=1e6, other=2e6)


@pytest.fixture(autouse=True)
def machine(monkeypatch, tmp_path) -> Path:
    """A machine that has run nothing."""
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    return tmp_path


@pytest.fixture(autouse=True)
def counted(monkeypatch) -> list:
    """Every count of costs, which takes a model each."""
    calls = []
    monkeypatch.setattr(sweeps.forecast, 'costs_of', lambda asked: calls.append(asked.name) or COSTS)
    return calls


def test_before_anything_ran(counted):
    asked = study()
    planned = schedule(asked, {}, {})
    facts = forecast(Reading(asked, planned, {}, {'costs': COSTS}))
    assert (facts['trials'], facts['done'], facts['expected']) == (2 * 2 * 2 * 8, 0, expected_trials(asked, planned))
    assert facts['packs'] == 2 * 2 * 2
    assert facts['estimated_seconds'] > 0 and 'rough' in facts['estimate_from']
    assert [(one['task'], one['examples'], one['resolves']) for one in facts['test_splits']] == [
        ('digits', 360, False),
        ('recall', 512, False),
    ]
    assert not counted


def test_two_tasks_of_the_same_data_share_programs_and_have_both_their_time():
    asked = study(tasks=tuple(task('digits', name=name, dataset=name) for name in ('one', 'two')))
    costs = {arm: dict.fromkeys(('one', 'two'), COSTS[arm]['digits']) for arm in asked.arms}
    facts = forecast(Reading(asked, schedule(asked, {}, {}), {}, {'costs': costs}))
    assert facts['trials'] == 2 * 2 * 2 * 8 and facts['estimated_seconds'] > 0


def test_what_this_machine_ran_before_says_how_long_it_takes(monkeypatch, machine):
    """Of whatever study, and under whatever name of an arm: the programs are the same."""
    monkeypatch.setattr(sweeps.forecast, 'cores', lambda: 1)
    earlier, pace = study(name='earlier', arms={'first': (), 'second': swap('norm', 'rms_norm')}), Pace.here('cpu')
    for arm in earlier.arms:
        for name in TASKS:
            for optimizer in earlier.tune:
                about = {'status': 'ok', 'cost': {'seconds': 2.0}, 'pack': {'compile_seconds': 5.0, 'lane': 1}}
                pace.note(earlier.program(arm, name, optimizer), 1e6, [about])
    pace.save()
    asked = study()
    planned = schedule(asked, {}, {})
    facts = forecast(Reading(asked, planned, {}, {'costs': COSTS}))
    assert facts['estimate_from'] == 'from earlier runs on this machine'
    assert facts['compile_seconds'] == 2 * 2 * len(asked.tune) * 5.0
    assert facts['estimated_seconds'] == 2.0 * expected_trials(asked, planned) + facts['compile_seconds']
    grown = study(arms={**asked.arms, 'third': swap('norm', 'dynamic_tanh')})
    more = forecast(Reading(grown, schedule(grown, {}, {}), {}, {'costs': {**COSTS, 'third': COSTS['base']}}))
    assert 'rough' in more['estimate_from'] and more['estimated_seconds'] > facts['estimated_seconds']


@pytest.mark.parametrize('known', [{}, costs(base=1e6), {'base': COSTS['base'], 'other': {'digits': {'flops': 1.0}}}])
def test_costs_that_are_not_all_known_are_counted(counted, known):
    """A study that grew: the manifest knows the arms that it had."""
    asked = study()
    facts = forecast(Reading(asked, schedule(asked, {}, {}), {}, {'costs': known}))
    assert counted == ['seen']
    assert facts['budget']['other']['recall']['flops'] == 16 * asked.task('recall').steps * 2e6


def test_a_block_file_that_is_no_python_is_refused_before_anything_runs(tmp_path):
    (tmp_path / 'blocks.py').write_text('no python at all (')
    asked = study(blocks=str(tmp_path / 'blocks.py'))
    with pytest.raises(ValueError, match=r"blocks='.*blocks\.py' does not load: SyntaxError"):
        forecast(Reading(asked, schedule(asked, {}, {}), {}, {'costs': COSTS}))


def test_a_finished_study_has_nothing_left():
    asked = study()
    planned, records = simulate(asked, World(cliff=2.0), 0)
    told = {t.id: {**records[t.id], 'task': t.task, 'cost': {'seconds': 3.0}} for t in planned.trials}
    facts = forecast(Reading(asked, planned, told, {'costs': COSTS}))
    assert (facts['trials'], facts['packs'], facts['estimated_seconds']) == (0, 0, 0.0)
    assert facts['done'] == facts['expected'] == len(planned.trials)
    assert facts['estimate_from'] == 'from recorded runs'


def test_seconds_left_are_those_of_recorded_runs(monkeypatch):
    monkeypatch.setattr(sweeps.forecast, 'cores', lambda: 4)
    asked = study()
    planned = schedule(asked, {}, {})
    first = {task: next(trial for trial in planned.trials if trial.task == task) for task in TASKS}
    told = {trial.id: {'task': task, 'cost': {'seconds': 2.0}} for task, trial in first.items()}
    # Of what the study does not plan any more nothing is foretold.
    told |= {f'old {task}': {'task': task, 'cost': {'seconds': 50.0}} for task in TASKS}
    facts = forecast(Reading(asked, planned, told, {'costs': COSTS}))
    # The other arm has not run on either task.
    compiling = len(TASKS) * len(asked.tune) * COMPILE_SECONDS / 4
    assert facts['compile_seconds'] == compiling
    assert facts['estimated_seconds'] == (facts['expected'] - len(first)) * 2.0 / 4 + compiling


def test_what_compiling_took_is_no_pace_of_training(monkeypatch):
    """One lane after the other, and lanes together; alone in its pack a run is all that is known."""
    monkeypatch.setattr(sweeps.forecast, 'cores', lambda: 1)
    asked = study()
    planned = schedule(asked, {}, {})
    ran = [trial for trial in planned.trials if trial.task == 'digits'][:4]
    for strategy, lanes, seconds in (('loop', 4, (42.0, 2.0, 2.0, 2.0)), ('vmap', 4, (12.0,) * 4), ('loop', 1, (42.0,) * 4)):
        told = {
            trial.id: {
                'cost': {'seconds': seconds[lane]},
                'pack': {'strategy': strategy, 'lanes': lanes, 'lane': lane if lanes > 1 else 0, 'compile_seconds': 40.0},
            }
            for lane, trial in enumerate(ran)
        }
        left = work_left(Reading(asked, planned, told, {'costs': COSTS}), COSTS)
        assert left.of_trial['digits'] == 2.0, (strategy, lanes)


def test_tuning_and_confirmation_have_seconds_of_their_own():
    asked = study()
    planned, _ = simulate(asked, World(cliff=2.0), 0)
    took = {'tuning': 2.0, 'test': 5.0}
    told = {t.id: {'cost': {'seconds': took[t.held]}} for t in planned.trials if (t.task, t.held) != ('recall', 'test')}
    assert seconds_by_phase(Reading(asked, planned, told)) == {'digits': (2.0, 5.0), 'recall': (2.0, 2.0)}
    untold = {t.id: {'cost': {'seconds': 0.0}} for t in planned.trials}
    assert seconds_by_phase(Reading(asked, planned, untold)) == {} == seconds_by_phase(Reading(asked, planned, {}))


@pytest.mark.parametrize(('budget', 'steps'), [('trials', 140), ('compute', 70)])
def test_budgets_count_the_steps_that_are_trained(budget, steps):
    asked = study(budget=budget, base_factor=2)
    facts = forecast(Reading(asked, schedule(asked, {}, {'costs': COSTS}), {}, {'costs': COSTS}))
    own, base = facts['budget']['other']['digits'], facts['budget']['base']['digits']
    assert (own['trials'], own['steps'], own['flops']) == (16, 16 * steps, 16 * steps * 2e6)
    assert (base['trials'], base['flops']) == (32, 32 * 140 * 1e6)


def test_an_estimate_for_a_device_that_is_not_here():
    asked = study()
    reading = Reading(asked, schedule(asked, {}, {}), {}, {'costs': COSTS})
    told = {name: forecast(reading, name)['on_device'] for name in DEVICES}
    flops = sum(COSTS[arm][task.name]['flops'] * task.steps for arm in asked.arms for task in asked.tasks) / 4
    for name, one in told.items():
        wanted = expected_trials(asked, reading.schedule) * flops / (DEVICES[name].peak * DEVICES[name].share)
        assert one['device'] == name and one['seconds'] == pytest.approx(wanted, abs=0.06)
        eight = forecast(reading, name, 8)['on_device']
        assert (eight['devices'], eight['seconds']) == (8, pytest.approx(one['seconds'] / 8, abs=0.06))
    assert 'on_device' not in forecast(reading)
    with pytest.raises(ValueError, match=r"--device 'h10'; allowed: .*Did you mean 'h100'"):
        forecast(reading, 'h10')


def test_sets_that_are_not_prepared_are_named_before_anything_ran(tmp_path, monkeypatch):
    monkeypatch.setenv('ARCHLAB_DATA', str(tmp_path))
    names = ('digits', 'zinc', 'cifar10', 'cifar10_pixels', 'imagenet')
    monkeypatch.setattr(
        sweeps.forecast, 'costs_of', lambda asked: {arm: {key: {'flops': 1.0} for key in names} for arm in asked.arms}
    )
    asked = study(arms={'base': ()}, tasks=names)
    planned = schedule(asked, {}, {})
    assert forecast(Reading(asked, planned, {}))['absent'] == ['zinc', 'cifar10', 'imagenet']
    assert forecast(Reading(asked, planned, {}))['declared'] == {'imagenet': [64, 64, 3]}, 'its size is what it is prepared at'
    assert forecast(Reading(asked, planned, {planned.trials[0].id: {'status': 'ok'}}))['absent'] == []


@pytest.mark.parametrize(
    ('count', 'weights', 'activations', 'sharing', 'model', 'fits'),
    [
        (1, 48e9, 48e9, 1, 1, False),
        (2, 48e9, 24e9, 2, 1, True),
        # Parameters and gradients are whole for a while, the rest is spread.
        (3, 32e9, 48e9, 1, 3, True),
        (8, 48e9, 6e9, 8, 1, True),
    ],
)
def test_the_memory_of_a_trial_is_that_of_a_hand_count(count, weights, activations, sharing, model, fits):
    """A batch of 64 is spread over all devices that divide it, and beside activations is the gradient of the largest."""
    cost = {'params': 2 * 10**9, 'activation_bytes': 40e9, 'largest_bytes': 8e9}
    one = memory_of('large', 'text', cost, 64, DEVICES['h100'], count)
    assert (one.weights, one.activations, one.sharing, one.model, one.fits) == (weights, activations, sharing, model, fits)


def test_what_devices_exchange_is_that_of_a_hand_count():
    """Of 4 bytes a parameter, 8 devices of a ring send 7 eighths twice, whether gradients are summed whole or in parts."""
    assert exchange_seconds(10**9, 1, DEVICES['tpu-v5e'], 1) == 0
    for model in (1, 2, 4, 8):
        assert exchange_seconds(10**9, model, DEVICES['tpu-v5e'], 8) == pytest.approx(2 * 7 / 8 * 4e9 / 200e9)
    assert exchange_seconds(10**9, 1, DEVICES['h100'], 2) == pytest.approx(4e9 / 450e9)
    costs = {
        arm: {name: own | {'params': 10**6, 'activation_bytes': 1e6} for name, own in by.items()} for arm, by in COSTS.items()
    }
    asked = study()
    told = forecast(Reading(asked, schedule(asked, {}, {}), {}, {'costs': costs}), 'h100', 8)['on_device']
    alone = forecast(Reading(asked, schedule(asked, {}, {}), {}, {'costs': COSTS}), 'h100', 8)['on_device']
    steps = sum(task.steps for task in asked.tasks) / len(asked.tasks)
    exchanged = expected_trials(asked, schedule(asked, {}, {})) * steps * 2 * 7 / 8 * 4e6 / 450e9
    seven = forecast(Reading(asked, schedule(asked, {}, {}), {}, {'costs': costs}), 'h100', 7)['on_device']
    one = forecast(Reading(asked, schedule(asked, {}, {}), {}, {'costs': costs}), 'h100', 1)['on_device']
    assert (seven['needs']['sharing'], seven['exchange_seconds'], seven['seconds']) == (1, 0, one['seconds'])
    assert told['exchange_seconds'] == pytest.approx(exchanged, abs=0.06) and alone['exchange_seconds'] == 0
    assert told['seconds'] == pytest.approx(alone['seconds'] + exchanged, abs=0.16)


@pytest.mark.parametrize(
    ('params', 'most', 'fits'),
    [
        ({'base': 10**9, 'other': 2 * 10**9}, 'other', True),
        ({'base': 4 * 10**9, 'other': 2 * 10**9}, 'base', False),
        ({'base': 4 * 10**9, 'other': 5 * 10**9}, 'other', False),
        ({'base': 10**6, 'other': None}, 'base', True),
        ({'base': None, 'other': None}, None, None),
    ],
)
def test_the_trial_that_takes_most_memory_is_told(params: dict, most: str | None, fits: bool | None):
    """One that does not fit comes before those that do."""
    asked = study()
    counted = {
        arm: {
            name: own | ({} if params[arm] is None else {'params': params[arm], 'activation_bytes': 1e9 * (name == 'recall')})
            for name, own in by.items()
        }
        for arm, by in COSTS.items()
    }
    told = forecast(Reading(asked, schedule(asked, {}, {}), {}, {'costs': counted}), 'h100')['on_device']
    device = DEVICES['h100']
    known = {name: getattr(device, name) for name in ('peak', 'share', 'memory', 'link')}
    assert {name: told[name] for name in (*known, 'exchange_seconds')} == {**known, 'exchange_seconds': 0}
    if most is None:
        assert told['needs'] is None
        return
    assert told['needs'] == {
        **{'arm': most, 'task': 'recall', 'weights': 24 * params[most], 'activations': 1e9},
        **{'sharing': 1, 'model': 1, 'fits': fits},
    }


def test_a_pack_of_which_some_runs_are_recorded_still_has_to_run(monkeypatch):
    asked = study()
    planned = schedule(asked, {}, {})
    first = planned.trials[0]
    told = {first.id: {'task': first.task, 'cost': {'seconds': 2.0}}}
    left = work_left(Reading(asked, planned, told, {'costs': COSTS}), COSTS)
    assert len(left.packs) == 2 * 2 * 2 and left.trials == len(planned.trials) - 1
    assert left.expected == expected_trials(asked, planned) and left.source == 'rough, from FLOPs'
    assert left.of_trial[first.task] == 2.0 and left.seconds > left.compile_seconds > 0


ROUGH, EARLIER = 'rough, from FLOPs', 'from earlier runs on this machine'


@pytest.mark.parametrize(
    ('measured', 'source', 'beside'),
    [(TASKS, EARLIER, EARLIER), (('digits',), ROUGH, ROUGH), (('recall',), ROUGH, EARLIER), ((), ROUGH, ROUGH)],
)
def test_an_estimate_is_as_good_as_that_of_the_task_of_which_least_is_known(measured: tuple, source: str, beside: str):
    """Before any record, and `beside` records of one task."""
    asked, pace = study(arms={'base': ()}), Pace.here('cpu')
    for name in measured:
        for optimizer in asked.tune:
            about = {'status': 'ok', 'cost': {'seconds': 2.0}, 'pack': {'compile_seconds': 5.0, 'lane': 1}}
            pace.note(asked.program('base', name, optimizer), 1e6, [about])
    pace.save()
    planned = schedule(asked, {}, {})
    recorded = {trial.id: {'cost': {'seconds': 1.0}} for trial in planned.trials if trial.task == 'digits'}
    for records, said in (({}, source), (recorded, beside)):
        assert work_left(Reading(asked, planned, records, {'costs': COSTS}), COSTS).source == said


def test_of_many_runs_some_that_lie_evenly_say_how_long_one_takes():
    records = {str(number): {'cost': {'seconds': float(number + 1)}} for number in range(2 * ENOUGH)}
    everything = [f'{number}' for number in range(2 * ENOUGH)]
    assert median_seconds(everything[: ENOUGH - 1], records) == ENOUGH / 2
    assert median_seconds(everything, records) == statistics.median(range(1, 2 * ENOUGH + 1, 3))
    assert median_seconds(everything[:ENOUGH], records) == statistics.median(range(1, ENOUGH + 1, 2))
    assert median_seconds(['elsewhere'], records) is median_seconds([], records) is None


def test_a_test_split_that_nobody_has_read_yet_is_as_large_as_the_manifest_says_or_before_a_run_its_data():
    asked = study()
    planned, records = simulate(asked, World(cliff=2.0), 0)
    told = {t.id: {**records[t.id], 'task': t.task, 'cost': {'seconds': 3.0}} for t in planned.trials if t.held == 'tuning'}
    for recorded, sizes in ((told, {'digits': 77, 'recall': 88}), ({}, {'digits': 360, 'recall': 512})):
        manifest = {'costs': COSTS, 'test_sizes': {'digits': 77, 'recall': 88}}
        splits = forecast(Reading(asked, planned, recorded, manifest))['test_splits']
        assert {one['task']: one['examples'] for one in splits} == sizes
