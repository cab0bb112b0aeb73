"""The local launcher: who gets which pack, and workers that die, babble or refuse. The workers here are small scripts."""

import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from ablations.trial import Needs
from sweeps.launch import local as local_launcher
from sweeps.launch.launcher import Order
from sweeps.launch.local import LocalLauncher, LocalSettings, WorkerProcess, devices_for, workers_for
from sweeps.launch.worker_environment import ROOT, variables, worker_environment

ANSWERING = """
import json, os, pathlib, sys
print('a banner of a site hook', flush=True)
answers = open(int(sys.argv[-1]), 'w')
for line in sys.stdin:
    told = json.loads(line)
    if 'preflight' in told:
        print(json.dumps({'platform': told['preflight'], 'devices': 3}), file=answers, flush=True)
    elif told['do'] == 'die':
        print('what it said last', flush=True)
        sys.exit(7)
    elif told['do'] == 'kill':
        os.write(int(sys.argv[-1]), b'{"pack": ')
        os.kill(os.getpid(), 9)
    elif told['do'] == 'leave':
        if not os.fork():
            import time
            time.sleep(60)
        os._exit(5)
    elif told['do'] == 'babble':
        print('a banner of a library', file=answers, flush=True)
        pathlib.Path(told['file']).write_text('went on')
    elif told['do'] in ('invalid', 'broken'):
        print(json.dumps({told['do']: 'the reason'}), file=answers, flush=True)
    else:
        pathlib.Path(told['file']).write_text('done')
        print(json.dumps({'pack': '', 'reason': ''}), file=answers, flush=True)
"""


@pytest.fixture
def scripted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers are the script."""
    script = tmp_path / 'worker.py'
    script.write_text(ANSWERING)
    monkeypatch.setattr(WorkerProcess, 'COMMAND', (sys.executable, str(script)))


@pytest.fixture
def local(tmp_path: Path, scripted: None) -> Iterator[LocalLauncher]:
    """A launcher of two workers after its preflight."""
    with LocalLauncher(tmp_path, 2) as launcher:
        launcher.preflight({'preflight': 'cpu'})
        yield launcher


def until_over(launcher: LocalLauncher) -> None:
    limit = time.monotonic() + 30
    while launcher.alive():
        assert time.monotonic() < limit
        time.sleep(0.01)


def order(name: str, do: str, folder: Path, program: str = 'p') -> Order:
    return Order(name, Needs(program, program), {'do': do, 'file': str(folder / name)})


def test_orders_beyond_the_workers_wait(local: LocalLauncher, tmp_path: Path):
    assert local.choose([Needs('p', 'p')] * 5) == [0, 1]
    local.submit([order(f'o{number}', 'train', tmp_path) for number in range(5)])
    assert len(local.crew) == 2
    until_over(local)
    assert [(tmp_path / f'o{number}').read_text() for number in range(5)] == ['done'] * 5


def test_a_dead_worker_is_replaced_and_its_end_told(local: LocalLauncher, tmp_path: Path):
    local.submit([order('one', 'die', tmp_path)])
    until_over(local)
    assert local.ended('one').startswith(f'exit status 7; {tmp_path}/logs/worker-0.log ends: ')
    assert local.ended('one').endswith('what it said last')
    local.submit([order('two', 'train', tmp_path)])
    until_over(local)
    assert (tmp_path / 'two').read_text() == 'done'


@pytest.mark.parametrize(('do', 'how'), [('kill', 'signal SIGKILL'), ('leave', 'exit status 5')])
def test_an_answer_cut_off_or_a_pipe_held_open_hangs_nothing(local: LocalLauncher, tmp_path: Path, do: str, how: str):
    local.submit([order('one', do, tmp_path)])
    until_over(local)
    assert local.ended('one').startswith(how)


def test_a_worker_that_babbles_counts_as_dead_and_nothing_hangs(local: LocalLauncher, tmp_path: Path):
    local.submit([order('one', 'babble', tmp_path)])
    until_over(local)
    assert 'signal SIGKILL' in local.ended('one')
    assert 'a banner of a library' in (tmp_path / 'logs' / 'worker-0.log').read_text()
    assert 0 not in local.crew


@pytest.mark.parametrize('lay', [os.mkfifo, lambda path: path.symlink_to(path.parents[1] / 'worker.py')])
def test_what_lies_in_the_place_of_a_log_is_neither_waited_for_nor_written_to(scripted: None, tmp_path: Path, lay: Callable):
    (tmp_path / 'logs').mkdir()
    lay(tmp_path / 'logs' / 'worker-0.log')
    with pytest.raises(ValueError, match=r'worker-0\.log: .*remove it'), LocalLauncher(tmp_path, 1) as launcher:
        launcher.preflight({'preflight': 'cpu'})
    assert (tmp_path / 'worker.py').read_text() == ANSWERING


@pytest.mark.parametrize(('do', 'error'), [('invalid', ValueError), ('broken', RuntimeError)])
def test_what_stops_the_run_is_raised(local: LocalLauncher, tmp_path: Path, do: str, error: type):
    local.submit([order('one', do, tmp_path)])
    with pytest.raises(error, match='the reason'):
        until_over(local)


def test_cancel_ends_workers_at_once(local: LocalLauncher, tmp_path: Path):
    processes = [worker.process for worker in local.crew.values()]
    local.cancel()
    local.close()
    assert {process.returncode for process in processes} == {-9}


def test_a_first_worker_that_dies_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(WorkerProcess, 'COMMAND', (sys.executable, '-c', 'print("no memory")'))
    with (
        LocalLauncher(tmp_path, 1) as launcher,
        pytest.raises(ValueError, match=r'ended 3 times .* exit status 0; .*-0\.log ends: no memory'),
    ):
        launcher.preflight({'preflight': 'cpu'})


def test_a_first_worker_that_is_killed_once_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    script = tmp_path / 'worker.py'
    mark = tmp_path / 'mark'
    once = f'import pathlib, os\nmark = pathlib.Path({str(mark)!r})\nif not mark.exists():\n    mark.touch()\n    os.abort()\n'
    script.write_text(once + ANSWERING)
    monkeypatch.setattr(WorkerProcess, 'COMMAND', (sys.executable, str(script)))
    with LocalLauncher(tmp_path, 1) as launcher:
        assert launcher.preflight({'preflight': 'cpu'})['platform'] == 'cpu'


def test_on_a_gpu_each_worker_has_a_device_of_its_own(scripted: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv('CUDA_VISIBLE_DEVICES', raising=False)
    with LocalLauncher(tmp_path, 3) as launcher:
        launcher.preflight({'preflight': 'gpu'})
        assert launcher.devices == ['0', '1', '2']
        assert launcher.crew == {}
        assert launcher.choose([Needs('p', 'p')] * 5) == [0, 1, 2]


def test_more_workers_than_devices_are_refused(scripted: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv('CUDA_VISIBLE_DEVICES', raising=False)
    with LocalLauncher(tmp_path, 8) as launcher, pytest.raises(ValueError, match=r'--workers 8; .* 3 gpu .*; give at most 3'):
        launcher.preflight({'preflight': 'gpu'})
    with LocalLauncher(tmp_path, 8) as launcher:
        launcher.given = None
        launcher.preflight({'preflight': 'gpu'})
        assert len(launcher.devices) == 3, 'where nobody said how many, as many as there are'


def test_devices_are_those_that_may_be_seen(monkeypatch: pytest.MonkeyPatch):
    assert devices_for({'platform': 'cpu', 'devices': 1}, 3) == [None] * 3
    assert devices_for({'platform': 'tpu', 'devices': 4}, 3) == devices_for({'platform': 'tpu', 'devices': 4}, 3, 4) == ['0']
    with pytest.raises(ValueError, match='--devices 2: on TPU one worker has all 4 chips of a host; leave it out'):
        devices_for({'platform': 'tpu', 'devices': 4}, 3, 2)
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '3,5')
    assert devices_for({'platform': 'gpu', 'devices': 2}, 4) == ['3', '5']
    assert devices_for({'platform': 'gpu', 'devices': 2}, 1) == ['3']


@pytest.mark.parametrize(
    ('cuda', 'of_jax', 'count', 'own'),
    [
        (None, None, 2, ['0', '1']),
        ('', None, 2, ['0', '1']),
        (' 3, 5 ', None, 2, ['3', '5']),
        ('GPU-a1,GPU-b2', 'all', 2, ['GPU-a1', 'GPU-b2']),
        ('0,1,-1,2', None, 2, ['0', '1']),
        (None, '1,3', 2, ['1', '3']),
        ('4,5,6', '2', 1, ['6']),
        ('4,5,-1', '0,1,2', 2, ['4', '5']),
        (None, ' 2 , 0', 2, ['2', '0']),
    ],
)
def test_the_users_own_choice_of_devices_counts(monkeypatch: pytest.MonkeyPatch, cuda, of_jax, count: int, own: list[str]):
    for name, value in (('CUDA_VISIBLE_DEVICES', cuda), ('JAX_CUDA_VISIBLE_DEVICES', of_jax)):
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)
    assert devices_for({'platform': 'gpu', 'devices': count}, 8) == own
    seen = worker_environment(own[-1])
    assert (seen['CUDA_VISIBLE_DEVICES'], seen['JAX_CUDA_VISIBLE_DEVICES']) == (own[-1], 'all')


class Listed:
    """A worker that starts no process, and remembers what it was given."""

    def __init__(self, place: int, log: Path, answers: object, device: str | None, played: int):
        self.place, self.log, self.device, self.order, self.since = place, log, device, None, 0.0
        self.compiled: set[Needs] = set()

    def send(self, command: dict) -> None:
        pass

    def end(self) -> None:
        pass

    def ending(self) -> str:
        return 'signal SIGKILL'


def test_no_two_workers_share_a_device_whoever_died(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(local_launcher, 'WorkerProcess', Listed)
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', 'GPU-a,2,5,7')
    launcher, chance = LocalLauncher(tmp_path, 4), random.Random(0)
    launcher.devices = devices_for({'platform': 'gpu', 'devices': 4}, 4)
    seen = set()
    for number in range(200):
        launcher.submit([order(str(number), 'train', tmp_path)])
        crew = list(launcher.crew.values())
        devices = [worker.device for worker in crew]
        assert len({*devices}) == len(devices) <= 4
        seen.add(tuple(sorted(devices)))
        for worker in chance.sample(crew, chance.randint(0, len(crew))):
            launcher._hear(worker, None if chance.random() < 0.7 else {'pack': '', 'reason': ''})
    assert ('2', '5', '7', 'GPU-a') in seen


def needs(*programs: str) -> list[Needs]:
    """`a` and `A` are two programs of one model."""
    return [Needs(program, program.lower()) for program in programs]


def idle(*programs: str) -> SimpleNamespace:
    return SimpleNamespace(order=None, compiled=set(needs(*programs)))


def busy(*programs: str) -> SimpleNamespace:
    return SimpleNamespace(order='busy', compiled=set(needs(*programs)))


CHOICES = [
    # workers by place, devices, programs of the waiting packs, places of the packs that are chosen
    ({}, 1, ['a', 'b'], [0]),
    ({}, 2, ['a', 'a', 'b'], [0, 2]),
    ({}, 2, ['a', 'A', 'b'], [0, 2]),
    ({}, 2, ['a', 'A'], [0, 1]),
    ({0: idle('a'), 1: idle('b')}, 2, ['c', 'b', 'a'], [2, 1]),
    ({0: idle('a'), 1: idle('b')}, 2, ['c', 'b'], [1, 0]),
    ({0: idle('a', 'b')}, 1, ['c', 'b', 'a'], [1]),
    ({0: idle('a'), 1: busy('b')}, 2, ['b', 'c'], [1]),
    ({0: idle('a'), 1: busy('b')}, 2, ['B', 'c', 'A'], [2]),
    ({0: idle('a'), 1: busy('b')}, 2, ['b', 'B'], [1]),
    ({0: busy('a'), 1: idle('b')}, 2, ['a', 'a'], [0]),
    ({1: idle('b')}, 2, ['a'], [0]),
    ({0: busy('a')}, 1, ['a'], []),
    ({0: idle('a')}, 2, [], []),
]


@pytest.mark.parametrize(('crew', 'devices', 'programs', 'chosen'), CHOICES)
def test_workers_get_packs_of_programs_that_they_have_compiled(tmp_path: Path, crew, devices, programs, chosen):
    launcher = LocalLauncher(tmp_path, devices)
    launcher.devices, launcher.crew = [None] * devices, crew
    assert launcher.choose(needs(*programs)) == chosen
    assert launcher.room() is (len(crew) < devices or any(worker.order is None for worker in crew.values()))


def test_the_number_of_workers():
    assert workers_for(3) == 3
    assert workers_for(None) >= 1
    with pytest.raises(ValueError, match='--workers 0; allowed: 1 or more'):
        workers_for(0)


def test_flags_may_stand_in_a_file(monkeypatch, tmp_path):
    path = tmp_path / 'flags'
    path.write_text('--xla_a=1\n--xla_b\n')
    monkeypatch.setenv('XLA_FLAGS', str(path))
    assert worker_environment(None)['XLA_FLAGS'] == '--xla_a=1 --xla_b --xla_cpu_multi_thread_eigen=false'
    assert worker_environment('0')['XLA_FLAGS'] == '--xla_a=1 --xla_b'
    for wrong in ('absent', '.', '/dev/null'):
        monkeypatch.setenv('XLA_FLAGS', wrong)
        with pytest.raises(ValueError, match='neither flags nor a file of them'):
            worker_environment(None)


def test_large_pages_are_asked_for_unless_the_user_says_otherwise(monkeypatch):
    monkeypatch.delenv('GLIBC_TUNABLES', raising=False)
    assert worker_environment(None)['GLIBC_TUNABLES'] == 'glibc.malloc.hugetlb=1'
    assert 'GLIBC_TUNABLES' not in worker_environment('0')
    monkeypatch.setenv('GLIBC_TUNABLES', 'glibc.malloc.check=0')
    assert worker_environment(None)['GLIBC_TUNABLES'] == 'glibc.malloc.check=0'


GIB = 1 << 20
"""Of the kilobytes that the machine tells."""


@pytest.mark.parametrize(
    ('told', 'workers'),
    [
        (f'MemTotal: 99 kB\nMemAvailable:   {3 * GIB} kB\nMemFree: 1 kB\n', 3),
        (f'MemAvailable: {99 * GIB} kB\n', 8),
        (f'MemAvailable: {GIB // 2} kB\n', 1),
        ('MemTotal: 99 kB\n', 8),
        (None, 8),
    ],
    ids=['memory for three', 'memory for all', 'memory for none', 'not told', 'no such file'],
)
def test_as_many_workers_as_cores_and_memory_allow(monkeypatch: pytest.MonkeyPatch, told: str | None, workers: int):
    def read_text(path: Path) -> str:
        if told is None:
            raise FileNotFoundError(path)
        return told

    monkeypatch.setattr(Path, 'read_text', read_text)
    monkeypatch.setattr(local_launcher, 'cores', lambda: 8)
    assert workers_for(None) == workers and workers_for(20) == 20


def test_several_devices_of_a_worker(monkeypatch: pytest.MonkeyPatch):
    for name in ('CUDA_VISIBLE_DEVICES', 'JAX_CUDA_VISIBLE_DEVICES'):
        monkeypatch.delenv(name, raising=False)
    told = {'platform': 'gpu', 'devices': 5}
    assert (
        devices_for(told, 9, 2) == ['0,1', '2,3']
        and devices_for(told, 1, 2) == ['0,1']
        and devices_for(told, 9, 5) == ['0,1,2,3,4']
    )
    with pytest.raises(ValueError, match='--devices 6: this machine has 5 to give; allowed: up to that; lower it'):
        devices_for(told, 9, 6)
    with pytest.raises(ValueError, match='--devices 0; allowed: 1 or more; leave it out for one'):
        LocalSettings(0)
    assert LocalSettings().devices == 1


def test_a_processor_plays_devices_and_a_device_does_not(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv('XLA_FLAGS', '--xla_a=1')
    flags = [worker_environment(None, played)['XLA_FLAGS'].split() for played in (1, 2)]
    assert flags[0] == ['--xla_a=1', '--xla_cpu_multi_thread_eigen=false']
    assert flags[1] == [*flags[0], '--xla_force_host_platform_device_count=2']
    assert worker_environment('0,1', 2)['XLA_FLAGS'] == '--xla_a=1'
    monkeypatch.delenv('XLA_FLAGS')
    assert 'XLA_FLAGS' not in variables(on_cpu=False) and 'CUDA_VISIBLE_DEVICES' not in variables(on_cpu=False)


def test_what_a_worker_is_told_beside_its_device(monkeypatch: pytest.MonkeyPatch):
    for name in ('PYTHONPATH', 'JAX_COMPILATION_CACHE_DIR', 'ARCHLAB_DATA', 'TF_CPP_MIN_LOG_LEVEL', 'OMP_NUM_THREADS'):
        monkeypatch.delenv(name, raising=False)
    plain = variables(on_cpu=True)
    assert plain['PYTHONPATH'] == str(ROOT) and plain['PYTHONSAFEPATH'] == '1' and plain['OMP_NUM_THREADS'] == '1'
    assert plain['TF_CPP_MIN_LOG_LEVEL'] == '3' and 'ARCHLAB_DATA' not in plain and 'xla-' in plain['JAX_COMPILATION_CACHE_DIR']
    given = {'PYTHONPATH': '/mine', 'JAX_COMPILATION_CACHE_DIR': '/there', 'ARCHLAB_DATA': '/data', 'TF_CPP_MIN_LOG_LEVEL': '0'}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    told = variables(on_cpu=False)
    assert {name: told[name] for name in given} == {**given, 'PYTHONPATH': f'{ROOT}{os.pathsep}/mine'}
    assert 'OMP_NUM_THREADS' not in told and 'GLIBC_TUNABLES' not in told


def test_how_much_of_their_time_workers_had_nothing_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    launcher = LocalLauncher(tmp_path, 2)
    launcher.devices = [None, None]
    monkeypatch.setattr(local_launcher.time, 'monotonic', lambda: 110.0)
    launcher.began = 100.0
    assert launcher.idle() is None, 'before anything was trained'
    launcher.busy = 15.0
    assert launcher.idle() == pytest.approx(0.25)
    launcher.busy = 30.0
    assert launcher.idle() == 0.0


def test_a_worker_that_is_there_gets_the_order_and_no_other_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(local_launcher, 'WorkerProcess', Listed)
    launcher = LocalLauncher(tmp_path, 2)
    launcher.devices = [None, None]
    launcher.submit([order('a', 'train', tmp_path)])
    first = launcher.crew[0]
    assert first.order.name == 'a' and list(launcher.crew) == [0] and first.since > 0
    assert first.compiled == {Needs('p', 'p')}, 'it has compiled what it was given'
    launcher._hear(first, {'pack': 'a', 'reason': ''})
    assert first.order is None and launcher.busy > 0
    launcher.submit([order('b', 'train', tmp_path), order('c', 'train', tmp_path), order('d', 'train', tmp_path)])
    assert launcher.crew[0] is first and [launcher.crew[place].order.name for place in (0, 1)] == ['b', 'c']
    assert [one.name for one in launcher.waiting] == ['d'] and launcher.alive() == {'b', 'c', 'd'}
    launcher._hear(launcher.crew[1], None)
    assert launcher.ended('c') == 'signal SIGKILL' and list(launcher.crew) == [0]
    launcher._hear(SimpleNamespace(place=0), None)
    assert launcher.crew[0] is first, 'what a worker says that was replaced counts for nothing'
