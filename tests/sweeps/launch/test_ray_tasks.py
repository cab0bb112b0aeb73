"""The Ray launcher by a made-up Ray: what becomes of tasks that end, are lost, or do not see the run's folder."""

import socket
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from ablations.trial import Needs
from sweeps.launch import make_launcher, order_files
from sweeps.launch.launcher import Order
from sweeps.launch.queued import UNSEEN
from sweeps.launch.ray_tasks import RayLauncher, carry_out


class LostError(Exception):
    """What Ray raises of a task that it lost."""


class MadeUpRay(ModuleType):
    """Tasks that end as the test says: `ends` holds an exit status or an error by order."""

    def __init__(self):
        super().__init__('ray')
        self.__version__, self.exceptions = '1.0', SimpleNamespace(RayError=LostError)
        self.ends: dict[str, object] = {}
        self.asked: dict[str, object] = {}
        self.ended: list[str] = []
        self.had = [
            {'Alive': True, 'Resources': {'CPU': 4.0, 'GPU': 1.0}},
            {'Alive': False, 'Resources': {'CPU': 9.0, 'GPU': 9.0}},
        ]

    def nodes(self) -> list[dict]:
        return self.had

    def init(self, **asked: object) -> None:
        self.asked = asked
        if asked['address'] == 'old':
            raise RuntimeError('Version mismatch: the cluster has\nRay 0.1')

    def remote(self, function: Callable) -> 'MadeUpRay':
        assert function is carry_out
        return self

    def options(self, **asked: object) -> SimpleNamespace:
        self.asked |= asked
        return SimpleNamespace(remote=lambda run, order: order)

    def wait(self, tasks: list[str], num_returns: int, timeout: float) -> tuple[list[str], list[str]]:
        return [task for task in tasks if task in self.ends], [task for task in tasks if task not in self.ends]

    def get(self, task: str) -> object:
        if isinstance(self.ends[task], Exception):
            raise self.ends[task]
        return self.ends[task]

    def cancel(self, task: str) -> None:
        self.ended.append(task)

    def shutdown(self) -> None:
        self.ended.append('Ray')


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> MadeUpRay:
    monkeypatch.setenv('XDG_CONFIG_HOME', str(tmp_path / 'config'))
    made = MadeUpRay()
    monkeypatch.setitem(sys.modules, 'ray', made)
    return made


def launcher(folder: Path, address: str = 'auto', **options: object) -> RayLauncher:
    made = make_launcher('ray', folder, None, {'address': address, **options})
    made.pause, made.patience = 0.01, 0.05
    order_files.prepare(made.folder)
    return made


def orders(*names: str) -> list[Order]:
    return [Order(name, Needs('p', 'm'), {}) for name in names]


def test_orders_are_tasks_that_live_until_they_end(ray: MadeUpRay, tmp_path: Path):
    one = launcher(tmp_path, gpus=1, cpus=2)
    assert (ray.asked['num_gpus'], ray.asked['num_cpus']) == (1, 2)
    assert 'JAX_PLATFORMS' not in ray.asked['runtime_env']['env_vars']
    one.submit(orders('a', 'b', 'c', 'd'))
    order_files.log(one.folder, 'b').write_text('no room on this device\n')
    ray.ends = {'a': 0, 'b': 1, 'c': LostError('the node died')}
    assert one.alive() == {'d'}
    assert one.ended('b').startswith('exit status 1; ') and one.ended('b').endswith('no room on this device')
    assert one.ended('c') == 'LostError'
    with pytest.raises(ValueError, match='it goes wrong'), one:
        raise ValueError('it goes wrong')
    assert ray.ended == ['d', 'Ray']


def test_a_task_on_cpu_takes_no_gpu_that_is_there(ray: MadeUpRay, tmp_path: Path):
    launcher(tmp_path)
    assert ray.asked['runtime_env']['env_vars']['JAX_PLATFORMS'] == 'cpu'


@pytest.mark.parametrize(('address', 'dashboard'), [('local', False), ('auto', None)])
def test_a_ray_that_is_started_for_a_run_shows_no_page_and_one_that_is_there_is_left_as_it_is(
    ray: MadeUpRay, tmp_path: Path, address: str, dashboard: bool | None
):
    launcher(tmp_path, address)
    assert ray.asked['address'] == address and ray.asked['include_dashboard'] is dashboard
    assert (ray.asked['log_to_driver'], ray.asked['logging_level'], ray.asked['max_retries']) == (False, 'error', 10)


def test_a_node_that_does_not_see_the_folder_is_found_before_anything_is_submitted(ray: MadeUpRay, tmp_path: Path):
    assert carry_out(str(tmp_path), 'order') == UNSEEN
    one, start = launcher(tmp_path), RayLauncher.start

    def started(names: list[str]) -> None:
        start(one, names)
        ray.ends = dict.fromkeys(names, UNSEEN)

    one.start = started
    with pytest.raises(ValueError, match=r'the nodes do not see this folder; put it on a disk that they share \(--runs\)'):
        one.preflight({'preflight': []})


def test_more_devices_than_any_node_has_are_refused(ray: MadeUpRay, tmp_path: Path):
    for asked in ({'gpus': 2}, {'cpus': 5}):
        with pytest.raises(ValueError, match=r"no node at 'auto' has so many, nodes have 4 CPUs and 1 GPUs; ask for fewer"):
            launcher(tmp_path, **asked)
    assert ray.ended == ['Ray'] * 2
    launcher(tmp_path, gpus=1, cpus=4)
    ray.had += [{'Alive': True, 'Resources': {'CPU': float(count)}} for count in (3, 1, 2, 3)]
    had = '1 CPUs and 0 GPUs; 2 CPUs and 0 GPUs; 3 CPUs and 0 GPUs; 4 CPUs and 1 GPUs'
    with pytest.raises(ValueError, match=f'nodes have {had}; ask for fewer'):
        launcher(tmp_path, cpus=5)


def test_what_cannot_work_is_told_at_once(ray: MadeUpRay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(ValueError, match='has no address; allowed: --address'):
        make_launcher('ray', tmp_path)
    with pytest.raises(ValueError, match=r'no Ray to use at .*Version mismatch: the cluster has Ray 0\.1; .*of version 1\.0'):
        launcher(tmp_path, 'old')
    with socket.socket() as nobody:
        nobody.bind(('127.0.0.1', 0))
        with pytest.raises(ValueError, match=r'no Ray at .*start it there'):
            launcher(tmp_path, f'127.0.0.1:{nobody.getsockname()[1]}')
    with pytest.raises(ValueError, match='--workers with launcher'):
        make_launcher('ray', tmp_path, 3, {'address': 'auto'})
    with pytest.raises(ValueError, match='allowed: no GPU or more'):
        launcher(tmp_path, cpus=0)
    monkeypatch.setitem(sys.modules, 'ray', None)
    with pytest.raises(ValueError, match=r"needs Ray; pip install 'archlab\[ray\]'"):
        launcher(tmp_path)


@pytest.mark.parametrize(('program', 'status'), [('/bin/true', 0), ('/bin/false', 1)])
def test_a_task_gives_the_exit_status_of_its_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, status: int):
    order_files.prepare(tmp_path)
    order_files.write(tmp_path, 'a', {})
    monkeypatch.setattr(sys, 'executable', program)
    assert carry_out(str(tmp_path), 'a') == status and order_files.log(tmp_path, 'a').exists()


def test_a_task_that_is_cancelled_ends_its_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    order_files.prepare(tmp_path)
    order_files.write(tmp_path, 'a', {})
    done = []

    def wait() -> int:
        raise KeyboardInterrupt

    def started(command: list[str], stdout: object, stderr: object) -> SimpleNamespace:
        done.append(command[1:])
        assert stdout is stderr and stdout.name is not None
        return SimpleNamespace(wait=wait, kill=lambda: done.append('killed'))

    monkeypatch.setattr('sweeps.launch.ray_tasks.subprocess.Popen', started)
    with pytest.raises(KeyboardInterrupt):
        carry_out(str(tmp_path), 'a')
    assert done == [['-P', '-m', 'sweeps.worker', str(tmp_path), 'a'], 'killed']


@pytest.mark.parametrize(
    ('code', 'said'),
    [(3, 'exit status 3'), (0, 'exit status 0'), (-9, 'signal 9'), ('LostError', 'LostError'), (UNSEEN, 'no sight of ')],
)
def test_how_a_task_ended_in_words(ray: MadeUpRay, tmp_path: Path, code: int | str, said: str):
    one = launcher(tmp_path)
    assert one.ended('a') == 'no exit status known' and not one.unseen('a')
    one.codes['a'] = code
    assert one.ended('a').startswith(said) and one.unseen('a') == (code == UNSEEN)
    order_files.log(one.folder, 'a').write_text('last\n')
    assert one.ended('a').endswith('ends: last') == (code != UNSEEN)


def test_a_ray_without_room_for_any_worker_has_nothing(ray: MadeUpRay, tmp_path: Path):
    ray.had = []
    with pytest.raises(ValueError, match=r'--gpus 0, cpus 1 of a worker: .*nodes have nothing; ask for fewer'):
        launcher(tmp_path)
    ray.had = [{'Alive': True, 'Resources': {}}]
    with pytest.raises(ValueError, match='nodes have 0 CPUs and 0 GPUs'):
        launcher(tmp_path)
