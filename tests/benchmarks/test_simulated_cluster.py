"""The simulated cluster of the benchmarks: whose time passes, which orders are taken, what a worker leaves, what is told."""

import contextlib
import json
import math
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from ablations.study import Study
from benchmarks import driver, scale
from benchmarks.driver import Cluster, Scans, Simulation, measure
from results import remembered
from results.store import records
from sweeps import manifest
from sweeps.launch import order_files
from sweeps.protocol.pack import LANES
from sweeps.protocol.packing import pack
from sweeps.protocol.plan import plan
from sweeps.protocol.simulate import World, simulate, simulated_records

MACHINE = {'processor': 'abacus', 'cores': 1, 'load': 0.0}


@pytest.fixture
def study() -> Study:
    return Study(name='large', question='?', arms={'base': (), 'same': ()}, tasks=('digits', 'recall'), trials=4, replicates=1)


def lines_of(folder: Path) -> list[dict]:
    files = sorted((folder / records.FOLDER).glob(f'*{records.PACK}'))
    return [json.loads(line) for file in files for line in file.read_text(encoding='utf-8').splitlines()]


def test_time_passes_by_pauses_and_by_what_the_run_computes(tmp_path: Path, monkeypatch, study):
    """Two workers and three orders of two trials, which take two minutes; the worker of the second is lost after one."""
    asked, left, looks = [], iter([500.0, 60.0, 900.0]), iter([100.0, 103.0, 104.0, 105.0, 107.0, 107.0, 107.0, 107.0, 108.0])
    monkeypatch.setattr(driver, 'time', SimpleNamespace(process_time=lambda: next(looks)))
    monkeypatch.setattr(driver.order_files, 'read', lambda folder, name: {'pack': {'trials': [name, 'another']}})
    ended = []
    monkeypatch.setattr(Cluster, '_end', lambda self, name, is_lost: ended.append((name, is_lost)))
    cluster = Cluster(tmp_path, study, 2, 0.5)
    cluster.chance = SimpleNamespace(
        uniform=lambda low, high: asked.append((low, high)) or 1.0, expovariate=lambda rate: asked.append(rate) or next(left)
    )
    cluster.start(['a', 'b', 'c'])
    assert asked == [(0.7, 1.3), pytest.approx(math.log(2) / 3600)] * 2
    # Three seconds in which both had nothing to do, then one of the cluster's own.
    assert (cluster.now, cluster.spare, cluster.own, cluster.busy) == (3.0, 6.0, 1.0, 120.0 + 60.0)
    assert list(cluster.queue) == ['c'] and cluster.working == [(63.0, 'b', True), (123.0, 'a', False)]
    assert cluster.living() == {'a', 'b', 'c'}
    # A second in which none waited for the run, because another order was in the queue.
    assert (cluster.now, cluster.spare, cluster.own) == (3.0 + 1.0 + driver.PAUSE, 6.0, 3.0)
    assert (cluster.looks, cluster.pending, ended) == (1, 1, [])
    cluster.now = 63.0 - driver.PAUSE
    assert cluster.living() == {'a', 'c'} and ended == [('b', True)]
    assert cluster.now == 63.0 and cluster.working == [(123.0, 'a', False), (183.0, 'c', False)] and cluster.pending == 0
    cluster.now = 190.0
    assert cluster.living() == set() and ended[1:] == [('a', False), ('c', False)]
    assert cluster.now == 195.0 and (cluster.lost, cluster.commits, cluster.looks) == (0, 0, 3)
    assert not cluster.unseen('a')
    with pytest.raises(AssertionError, match='cancelled'):
        cluster.end({'a'})


def test_the_first_worker_tells_what_a_minute_costs(tmp_path: Path, study):
    told = Cluster(tmp_path, study, 2, 0.5).preflight({})
    costs = {}
    for item in study.tasks:
        flops = (driver.SECONDS / item.steps - driver.SECONDS_PER_STEP) * driver.FLOPS_PER_SECOND
        costs[item.name] = {'flops': flops, 'params': 1000, 'macs': 1000}
    assert told == {
        **{'costs': {'base': costs, 'same': costs}, 'platform': 'cpu', 'strategy': 'loop', 'devices': 1},
    }
    assert (tmp_path / order_files.FOLDER).is_dir()


def test_a_worker_commits_and_answers_unless_it_is_lost(tmp_path: Path, study):
    cluster = Cluster(tmp_path, study, 2, 0.5)
    assert cluster.world == World(optimum=(0.9, 0.4))
    first = pack(study, plan(study, {}, {}), {})[0]
    order_files.prepare(tmp_path)
    records.prepare(tmp_path)
    order_files.write(tmp_path, 'one', {'pack': first.to_dict(), 'strategy': 'loop', 'name': first.id, 'skip': []})
    cluster._end('one', True)
    assert (cluster.lost, cluster.commits, order_files.answer(tmp_path, 'one')) == (1, 0, None)
    cluster._end('one', False)
    assert (cluster.lost, cluster.commits) == (1, 1)
    assert order_files.answer(tmp_path, 'one') == {'pack': first.id, 'reason': ''}
    evaluations, simulated = first.program.evaluations, simulated_records(study, cluster.world, first.trials, 0)
    for record, trial, made in zip(lines_of(tmp_path), first.trials, simulated, strict=True):
        assert record['score'] == made['score']
        assert (record['id'], record['pack']['id'], record['pack']['strategy']) == (trial.id, first.id, 'loop')
        assert record['pack']['lanes'] == len(first.trials)
        assert (record['status'], record['arm'], record['replicate']) == ('ok', trial.arm, trial.replicate)
        assert record['curve'] == {'step': list(range(evaluations + 1)), 'loss': [2.0, *[1.0] * evaluations]}
        assert record['cost']['seconds'] == 60.0
    assert driver._curve(2) == {'step': [0, 1, 2], 'loss': [2.0, 1.0, 1.0]}


def test_what_a_run_of_simulated_workers_took(monkeypatch):
    class Ran:
        """A run that leaves two packs, and workers that were at work for long."""

        own, now, busy, spare, lost, commits, looks = 4.0, 12345678.9, 87654321.0, 1234567.8, 3, 9, 5

        def __init__(self, *given):
            self.given = given

        def __call__(self):
            study, folder, cluster, watch = self.given
            assert (study.name, folder.name, folder.parent.name) == ('large', 'large', 'runs') and watch == 'watch'
            assert cluster.given == (folder, study, 7, 0.5)
            (folder / records.FOLDER).mkdir(parents=True)
            for name in ('a', 'b'):
                (folder / records.FOLDER / name).touch()
            for name in ('b', 'a'):
                os.scandir(folder.parent).close()
                (folder.parent / name).mkdir()
                os.listdir(folder.parent / name)
            return SimpleNamespace(records={n: {'status': 'failed' if n == 1 else 'ok'} for n in range(3)})

    def load(file):
        assert Path(file).read_text() == 'a study'
        return SimpleNamespace(name='large')

    clock = iter([1.0, 15.126])
    walls = iter([10.0, 12.36])
    monkeypatch.setattr(driver, 'time', SimpleNamespace(process_time=lambda: next(clock), perf_counter=lambda: next(walls)))
    monkeypatch.setattr(driver, 'resource', SimpleNamespace(RUSAGE_SELF=1, getrusage=lambda who: USED[who]))
    monkeypatch.setattr(driver, 'load_study', load)
    monkeypatch.setattr(driver, 'Cluster', Ran)
    monkeypatch.setattr(driver, 'Run', Ran)
    monkeypatch.setattr(driver, 'Watch', lambda study, console: contextlib.nullcontext(console.file.getvalue() or 'watch'))
    told = Simulation().run('a study', 7, 0.5)
    scans = told.pop('scans')
    assert told == {
        **{'trials': 3, 'failed': 1, 'packs': 2, 'workers': 7, 'lost': 3, 'commits': 9, 'looks': 5},
        **{'hours': 3429.355, 'worker_hours': 24348.4, 'driver_cpu_s': 10.13, 'idle_worker_hours': 342.94},
        **{'overhead': 1e-7, 'waiting': 0.01408, 'wall_s': 2.4, 'mib': 2000},
    }
    assert list(scans.items()) == [('a', 1), ('b', 1), ('runs', 2)]


USED = {1: SimpleNamespace(ru_maxrss=2048_000)}


def test_listings_are_counted_by_the_name_of_their_folder(tmp_path: Path, monkeypatch):
    scans, hooks = Scans(), []
    monkeypatch.setattr(driver.sys, 'addaudithook', hooks.append)
    with scans.counted() as counts:
        for event, given in [
            *(('os.listdir', (str(tmp_path / 'a'),)), ('os.scandir', (tmp_path / 'a',)), ('open', (str(tmp_path / 'b'),))),
            *(('os.listdir', (None,)), ('os.scandir', (3,)), ('os.listdir', ())),
        ]:
            scans._hear(event, given)
    with scans.counted() as more:
        scans._hear('os.listdir', ('b',))
    scans._hear('os.listdir', ('c',))
    with scans.paused():
        pass
    scans._hear('os.listdir', ('d',))
    assert counts == {'a': 2} and more == {'b': 1} and hooks == [scans._hear]


class Asked:
    """A child whose methods give what they were given."""

    made = []

    def __init__(self, place, core, given):
        self.made.append((place, core, given, self))
        self.calls, self.closed = [], False

    def call(self, method, **given):
        self.calls.append((method, given))
        return {'method': method, 'trials': 999}

    def close(self):
        self.closed = True


@pytest.fixture
def children(monkeypatch):
    Asked.made.clear()
    for module in (driver, scale):
        monkeypatch.setattr(module, 'Child', Asked)
        monkeypatch.setattr(module, 'machine', lambda rounds: MACHINE)
    return Asked.made


def test_a_run_is_simulated_in_a_process_of_its_own(children):
    assert measure(1000, 7, 0.5) == {'method': 'run', 'trials': 999}
    ((place, core, given, child),) = children
    assert (place, core, given) == ('benchmarks.driver:Simulation', None, {}) and child.closed
    assert child.calls == [('run', {'text': driver.study_of(1000), 'workers': 7, 'lost': 0.5})]


@pytest.mark.parametrize(
    ('sizes', 'workers', 'lost', 'fine'),
    [
        *(([500], 1, 0.0, True), ([500, 499], 1, 0.0, False), ([500], 0, 0.0, False)),
        *(([500], 1, 1.0, False), ([500], 1, -0.1, False), ([499], 0, 1.0, False)),
    ],
)
def test_runs_that_cannot_be_are_refused(children, sizes, workers, lost, fine):
    seen = []
    if fine:
        told = driver.bench(sizes, workers, lost, lambda results: seen.append(len(results['runs'])))
        assert told == {'machine': MACHINE, 'runs': [{'method': 'run', 'trials': 999}]} and seen == [1]
    else:
        with pytest.raises(ValueError, match=rf'--trials {min(sizes)}, --workers {workers}, --lost {lost}; allowed: from 500'):
            driver.bench(sizes, workers, lost)


def test_every_command_is_timed_twice_unless_it_is_cut_off(children, monkeypatch):
    ran = []

    def spent(arguments, limit):
        ran.append((*arguments, limit))
        return {'cut_off_after_s': limit} if arguments[0] == 'report' else {'cpu_s': float(len(ran))}

    monkeypatch.setattr(scale, 'ran', spent)
    told = scale.measure(1000, 9.0)
    ((place, core, given, child),) = children
    assert (place, core) == ('benchmarks.scale:Simulated', None) and [name for name, _ in child.calls] == ['commit', 'plan']
    assert set(given) == {'file', 'runs'} and child.closed and not Path(given['file']).exists()
    committed, planned = ({'method': name, 'trials': 999} for name in ('commit', 'plan'))
    assert told == {
        **{'trials': 999, 'commit': committed, 'plan_alone_cpu_s': planned},
        'commands': {
            'plan': {'first': {'cpu_s': 1.0}, 'again': {'cpu_s': 2.0}},
            'status': {'first': {'cpu_s': 3.0}, 'again': {'cpu_s': 4.0}},
            'table': {'first': {'cpu_s': 5.0}, 'again': {'cpu_s': 6.0}},
            'report': {'first': {'cut_off_after_s': 9.0}},
            'query': {'first': {'cpu_s': 8.0}, 'again': {'cpu_s': 9.0}},
        },
    }
    file, runs, page = given['file'], given['runs'], str(Path(given['file']).with_name('page.html'))
    assert ran[::2] == [
        ('plan', file, '--runs', runs, 9.0),
        ('status', file, '--runs', runs, 9.0),
        ('table', file, '--format', 'md', '--runs', runs, 9.0),
        ('report', file, '--runs', runs, '--out', page, 9.0),
        ran[7],
    ]
    assert ran[7] == ran[8] and ran[7][0] == 'query' and ran[7][-3:] == ('--runs', runs, 9.0)
    ran.clear()
    assert list(scale.measure(1000, 9.0, ['table', 'plan'])['commands']) == ['plan', 'table'] and len(ran) == 4


def test_a_command_of_the_lab_sees_the_sources(monkeypatch):
    asked = []
    monkeypatch.setattr(scale, 'spent', lambda *given: asked.append(given) or {'cpu_s': 1.0})
    monkeypatch.setenv('OF_THE_USER', '1')
    assert scale.ran(['plan', 'file'], 9.0) == {'cpu_s': 1.0}
    ((command, environment, limit),) = asked
    assert command == (scale.sys.executable, '-P', '-m', 'archlab', 'plan', 'file') and limit == 9.0
    assert environment['PYTHONPATH'] == str(scale.ROOT) and environment['PYTHONSAFEPATH'] == '1'
    assert environment['OF_THE_USER'] == '1'


def test_sizes_are_from_five_hundred_trials(children, monkeypatch):
    monkeypatch.setattr(scale, 'measure', lambda size, limit, only: [size, limit, only])
    seen = []
    told = scale.bench([500, 1000], 9.0, ['plan'], lambda results: seen.append(len(results['studies'])))
    assert told == {'machine': MACHINE, 'studies': [[500, 9.0, ['plan']], [1000, 9.0, ['plan']]]} and seen == [1, 2]
    with pytest.raises(ValueError, match=r'^\[499, 3\] trials; allowed: from 500'):
        scale.bench([499, 500, 3])


@pytest.mark.parametrize(
    ('trials', 'arms', 'tasks'), [(500, 2, 1), (1000, 4, 1), (9_900, 40, 1), (15_000, 40, 2), (100_000, 40, 10), (0, 2, 1)]
)
def test_a_study_has_forty_arms_before_it_has_more_tasks(trials, arms, tasks):
    text = scale.study_of(trials)
    assert f'in range({arms - 1})' in text and f'in range({tasks})' in text


def test_records_and_costs_of_a_simulated_study_are_written(tmp_path: Path, monkeypatch, study):
    monkeypatch.setattr(scale, 'load_study', lambda file: {'a file': study}[file])
    monkeypatch.setattr(scale, 'costs_of', lambda own: {'base': {}} if own is study else None)
    cpu, wall = iter([100.0, 102.5]), iter([7.0, 11.0])
    monkeypatch.setattr(scale, 'time', SimpleNamespace(process_time=lambda: next(cpu), perf_counter=lambda: next(wall)))
    made = scale.Simulated('a file', str(tmp_path))
    told = made.commit()
    done, simulated = simulate(study, World(optimum=(0.9, 0.4)), 0)
    packs = list(pack(study, done.trials, {}))
    written = {own['id']: own for own in lines_of(tmp_path / 'large')}
    assert made.records == simulated and set(written) == set(simulated)
    assert all({**own, **simulated[name]} == own and own['arm'] in study.arms for name, own in written.items())
    assert {(own['pack']['strategy'], own['pack']['lanes']) for own in written.values()} == {('map', LANES['map'])}
    assert told == {'trials': len(simulated), 'packs': len(packs), 'cpu_s': 2.5, 'wall_s': 4.0}
    written_down = json.loads((tmp_path / 'large' / manifest.FILE).read_text(encoding='utf-8'))
    assert (written_down['study'], written_down['digest'], written_down['costs']) == ('large', study.digest, {'base': {}})


def test_the_plan_is_timed_with_nothing_known_and_then_with_all(tmp_path: Path, monkeypatch, study):
    monkeypatch.setattr(scale, 'load_study', lambda file: study)
    monkeypatch.setattr(remembered, 'KNOWN', {'of before': []})
    seen, clock = [], iter([1.0, 3.0, 10.0, 10.5])

    def plan_again(own, known, costs):
        seen.append((own, known, costs, list(remembered.KNOWN)))
        remembered.KNOWN['a surface'] = []

    monkeypatch.setattr(scale, 'schedule', plan_again)
    monkeypatch.setattr(scale, 'time', SimpleNamespace(process_time=lambda: next(clock)))
    made = scale.Simulated('a file', str(tmp_path))
    made.records = {'a': {}}
    assert made.plan() == {'fitted': 2.0, 'known': 0.5}
    assert seen == [(study, {'a': {}}, {}, []), (study, {'a': {}}, {}, ['a surface'])]
