"""Workers of this machine that wait: what is heard meanwhile, and what of their time they had something to do."""

import os
import queue
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from ablations.trial import Needs
from sweeps.launch import local
from sweeps.launch.compilation_cache import cache_folder
from sweeps.launch.launcher import Order
from sweeps.launch.local import LocalLauncher

BOUNDED: list[Path] = []
"""The folders of compiled programs that were kept from growing."""


class Told:
    """A worker without a process that answers at once what a test says."""

    answers_with: dict | None = {'platform': 'cpu', 'devices': 1}

    def __init__(self, place: int, log: Path, answers: queue.Queue, device: str | None, played: int):
        self.place, self.log, self.answers, self.order, self.since = place, log, answers, None, 0.0
        self.compiled: set[Needs] = set()
        self.is_ended = False

    def send(self, command: dict) -> None:
        if 'preflight' in command:
            self.answers.put((self, self.answers_with))

    def end(self) -> None:
        self.is_ended = True

    def ending(self) -> str:
        return 'signal SIGKILL'


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The times that the launcher reads, the next one first; the last one stays."""
    times = [100.0, 130.0]
    monkeypatch.setattr(local.time, 'monotonic', lambda: times.pop(0) if len(times) > 1 else times[0])
    monkeypatch.setattr(local, 'WorkerProcess', Told)
    monkeypatch.setattr(local, 'bound', BOUNDED.append)
    BOUNDED.clear()
    return times


def test_the_check_of_the_models_counts_as_work_of_one_worker(tmp_path: Path, clock: list[float]):
    launcher = LocalLauncher(tmp_path, 2)
    assert launcher.preflight({'preflight': []}) == Told.answers_with
    assert (launcher.began, launcher.busy, launcher.devices) == (100.0, 30.0, [None, None])
    assert launcher.idle() == pytest.approx(0.5) and [*BOUNDED] == [cache_folder()]
    clock[:] = [140.0, 150.0]
    launcher.submit([Order('a', Needs('p', 'm'), {})])
    launcher._hear(launcher.crew[0], {'pack': 'a'})
    assert launcher.busy == 40.0


@pytest.mark.parametrize('answer', [{'pack': 'a'}, None])
def test_an_answer_that_comes_while_it_rests_is_heard(tmp_path: Path, clock: list[float], answer: dict | None):
    launcher = LocalLauncher(tmp_path, 1)
    launcher.preflight({'preflight': []})
    launcher.submit([Order('a', Needs('p', 'm'), {})])
    worker = launcher.crew[0]
    launcher.pause = 0.001
    launcher.rest()
    assert worker.order.name == 'a', 'nobody has said anything'
    launcher.answers.put((worker, answer))
    launcher.rest()
    assert worker.order is None and (0 in launcher.crew, worker.is_ended) == ((True, False) if answer else (False, True))
    assert launcher.ended('a') == ('no exit status known' if answer else 'signal SIGKILL')


def test_what_a_worker_says_when_it_refuses_is_raised_while_it_rests(tmp_path: Path, clock: list[float]):
    launcher = LocalLauncher(tmp_path, 1)
    launcher.preflight({'preflight': []})
    launcher.answers.put((launcher.crew[0], {'invalid': 'no such block'}))
    with pytest.raises(ValueError, match='no such block'):
        launcher.rest()


def test_a_first_worker_that_ends_is_replaced_a_few_times(tmp_path: Path, clock: list[float], monkeypatch: pytest.MonkeyPatch):
    hired: list[int] = []
    hire: Callable = LocalLauncher._hire
    monkeypatch.setattr(LocalLauncher, '_hire', lambda self, place: hired.append(place) or hire(self, place))
    monkeypatch.setattr(Told, 'answers_with', None)
    with pytest.raises(ValueError, match='ended 3 times while it checked the models, with signal SIGKILL; where it was killed'):
        LocalLauncher(tmp_path, 2).preflight({'preflight': []})
    assert hired == [0, 1, 0, 0]


@pytest.mark.parametrize(('asked', 'done'), [({}, ['closed']), ({'kill': True}, ['killed', 'closed'])])
def test_a_worker_is_killed_only_where_that_is_asked_for(asked: dict, done: list[str]):
    told: list[str] = []
    worker = object.__new__(local.WorkerProcess)
    pipe = SimpleNamespace(close=lambda: told.append('closed'))
    worker.process = SimpleNamespace(kill=lambda: told.append('killed'), stdin=pipe)
    worker.end(**asked)
    assert told == done


def test_what_another_worker_says_while_one_is_asked_is_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    launcher, heard = LocalLauncher(tmp_path, 2), []
    monkeypatch.setattr(launcher, '_hear', lambda worker, answer: heard.append((worker, answer)))
    for worker, answer in (('other', None), ('asked', {'platform': 'cpu'}), ('other', {'pack': 'a'})):
        launcher.answers.put((worker, answer))
    assert launcher._answer_of('asked') == {'platform': 'cpu'} and heard == [('other', None)]


@pytest.mark.parametrize(
    ('code', 'log', 'told'),
    [
        (0, '', 'exit status 0; see {log}'),
        (7, 'before\n', 'exit status 7; see {log}'),
        (-9, 'before\nno room\n', 'signal SIGKILL; {log} ends: no room'),
        (-6, None, 'signal SIGABRT; see {log}'),
    ],
)
def test_how_a_worker_ended_in_words(tmp_path: Path, code: int, log: str | None, told: str):
    """Of its log what it said itself, and not an earlier worker at its place."""
    worker = object.__new__(local.WorkerProcess)
    worker.log, worker.start = tmp_path / 'worker-0.log', len('before\n')
    worker.process = SimpleNamespace(wait=lambda: code)
    if log is not None:
        worker.log.write_text(log)
    assert worker.ending() == told.format(log=worker.log)


def test_orders_go_to_a_worker_line_by_line_and_a_dead_one_is_no_error():
    class Pipe(list):
        """What was written, and how much of it at each flush."""

        def write(self, text: str) -> None:
            if self[-2:] == ['{"a": 1}\n', 'flushed']:
                raise BrokenPipeError
            self.append(text)

        def flush(self) -> None:
            self.append('flushed')

    worker = object.__new__(local.WorkerProcess)
    worker.process = SimpleNamespace(stdin=Pipe())
    worker.send({'a': 1})
    worker.send({'a': 2})
    assert worker.process.stdin == ['{"a": 1}\n', 'flushed']


def test_how_a_worker_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Both of its streams go to the end of its log, answers to a pipe of their own, and nobody waits for who listens there."""
    log, made = tmp_path / 'worker-3.log', []
    log.write_text('an earlier worker\n')
    monkeypatch.setattr(local, 'worker_environment', lambda device, played: {'DEVICE': device, 'PLAYED': played})
    monkeypatch.setattr(local.subprocess, 'Popen', lambda command, **how: made.append((command, how)) or 'a process')
    monkeypatch.setattr(
        local.threading, 'Thread', lambda **how: made.append(how) or SimpleNamespace(start=lambda: made.append(1))
    )
    worker = local.WorkerProcess(3, log, 'answers', '0,1', 2)
    (command, how), listening, started = made
    (its,) = how.pop('pass_fds')
    said = how.pop('stdout')
    assert command == (*worker.COMMAND, str(its)) and how.pop('stderr') is said and said.closed
    assert how == {'stdin': local.subprocess.PIPE, 'env': {'DEVICE': '0,1', 'PLAYED': 2}, 'text': True}
    own, answers = listening.pop('args')
    assert listening == {'target': worker._listen, 'daemon': True} and answers == 'answers' and started == 1
    assert (worker.place, worker.log, worker.process, worker.order) == (3, log, 'a process', None)
    assert worker.compiled == set() and worker.start == len('an earlier worker\n')
    os.close(own)
    with pytest.raises(OSError, match='Bad file descriptor'):
        os.fstat(its)
