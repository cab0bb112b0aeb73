"""Serving: what a worker does around its orders, from its start to its end."""

import gc
import io
import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import jax
import pytest
from test_worker import ask

from ablations.study import Study
from sweeps import worker as workers
from sweeps.commands import preflight_command
from sweeps.launch import order_files
from sweeps.training.compiling import EVENTS, Compiling

STUDY = Study(name='served', question='What is told?', arms={'base': ()}, tasks=('digits', 'recall'))


class Answers(io.StringIO):
    """Answers, and how many of them were there at each flush."""

    def __init__(self):
        super().__init__()
        self.flushed: list[int] = []

    def flush(self) -> None:
        self.flushed.append(len(self.getvalue().splitlines()))


def test_each_answer_is_handed_on_at_once_and_seconds_of_compiling_are_those_of_an_order(monkeypatch: pytest.MonkeyPatch):
    done, answers = [], Answers()
    counted = SimpleNamespace(reset=lambda: done.append('reset'))
    monkeypatch.setattr(workers, 'Compiling', lambda: SimpleNamespace(register=lambda: counted))
    monkeypatch.setattr(workers, 'overlook_cut_programs', lambda: done.append('overlooked'))
    monkeypatch.setattr(workers, 'Trainer', lambda *given: done.append(given) or 'a trainer')
    monkeypatch.setattr(workers, '_train', lambda *given: done.append(given) or {'pack': 'a'})
    order = {'pack': {}, 'strategy': 'loop', 'blocks': 'b.py'}
    assert workers.serve([json.dumps(order)] * 2, answers) is True
    trained = (order, 'a trainer', counted)
    assert done == ['overlooked', 'reset', ('loop', 'b.py'), trained, 'reset', trained], 'one trainer for all orders'
    assert answers.flushed == [1, 2] and answers.getvalue() == '{"pack": "a"}\n' * 2


def test_an_order_that_cannot_be_carried_out_is_told_and_the_next_one_is(monkeypatch: pytest.MonkeyPatch, capsys):
    def preflight(command: dict) -> dict:
        if command['preflight'] == 'fine':
            return {'costs': {}}
        raise {'refused': ValueError('no'), 'broken': KeyError('x')}[command['preflight']]

    monkeypatch.setattr(workers, '_preflight', preflight)
    answers = Answers()
    assert workers.serve([json.dumps({'preflight': what}) for what in ('refused', 'broken', 'fine')], answers) is False
    assert [json.loads(line) for line in answers.getvalue().splitlines()] == [
        {'invalid': 'no'},
        {'broken': "KeyError: 'x'"},
        {'costs': {}},
    ]
    said = capsys.readouterr().err
    assert said.count('Traceback') == 1 and "KeyError: 'x'" in said, 'a log tells where the lab broke'


@pytest.mark.parametrize('giveaways', [{}, {'mine': ['x tells y']}])
def test_a_first_worker_tells_all_that_is_known_before_a_run(monkeypatch: pytest.MonkeyPatch, giveaways: dict):
    checked, looked = [], []
    monkeypatch.setattr(workers, 'preflight', lambda *given: given[1:])
    monkeypatch.setattr(workers, 'check_declared', lambda program: checked.append(program.task))
    monkeypatch.setattr(workers, 'find', looked.append)
    monkeypatch.setattr(workers, 'digests_of', lambda data: {one['kind']: 'abc' for one in data})
    monkeypatch.setattr(workers, 'giveaways_of', lambda data: giveaways)
    sizes = {'digits': 360, 'recall': None}
    kinds = {'digits': [], 'recall': ['a set that is not there']}

    def kind(data: dict) -> SimpleNamespace:
        return SimpleNamespace(absent=lambda: kinds[data['kind']], test_size=lambda: sizes[data['kind']])

    monkeypatch.setattr(workers, 'task_of', kind)
    question = preflight_command(STUDY)
    (answer,) = ask(question)
    count = len(STUDY.tune)
    assert answer == json.loads(
        json.dumps(
            {
                'costs': (question['knobs'], question['metrics'], None),
                **{'test_sizes': {'digits': 360}, 'platform': jax.default_backend(), 'strategy': 'loop', 'devices': 1},
                **{'sets': {'digits': 'abc', 'recall': 'abc'}, **({'giveaways': giveaways} if giveaways else {})},
            }
        )
    )
    assert checked == ['digits'] * count + ['recall'] * count and looked == ['a set that is not there'] * count


def test_the_way_of_answers_is_not_handed_on_and_nothing_is_looked_through_at_the_end(tmp_path: Path, monkeypatch):
    done = []
    monkeypatch.setattr(sys, 'stdin', io.StringIO(''))
    monkeypatch.setattr(os, 'set_inheritable', lambda *given: done.append(given))
    monkeypatch.setattr(gc, 'freeze', lambda: done.append('frozen'))
    handle = os.open(tmp_path / 'answers', os.O_WRONLY | os.O_CREAT, 0o600)
    assert workers.main(['--answers', str(handle)]) == 0 and done == [(handle, False), 'frozen']
    with pytest.raises(OSError, match='Bad file descriptor'):
        os.fstat(handle)


@pytest.mark.parametrize(('number', 'told'), [(0, {'pack': 'a'}), (1, None)])
def test_of_processes_that_carry_out_one_order_the_first_answers(tmp_path: Path, monkeypatch, number: int, told: dict | None):
    done = []
    order_files.prepare(tmp_path)
    order_files.write(tmp_path, 'a', {'pack': {}})

    def serve(commands: list[str], answers: io.StringIO) -> bool:
        done.append(json.loads(commands[0]))
        answers.write('{"pack": "a"}\n')
        return True

    monkeypatch.setattr(workers, 'checked', lambda command: command)
    monkeypatch.setattr(workers, 'join', lambda: done.append('joined'))
    monkeypatch.setattr(workers, 'serve', serve)
    monkeypatch.setattr(jax, 'process_index', lambda: number)
    assert workers.main([str(tmp_path), 'a']) == 0
    assert done == ['joined', {'pack': {}, 'folder': str(tmp_path)}] and order_files.answer(tmp_path, 'a') == told


def test_only_what_jax_says_of_compiling_is_counted(monkeypatch: pytest.MonkeyPatch):
    heard = []
    monkeypatch.setattr(jax.monitoring, 'register_event_duration_secs_listener', heard.append)
    monkeypatch.setattr('sweeps.training.compiling.time.monotonic', lambda: 10.0)
    compiling = Compiling()
    assert compiling.register() is compiling and len(heard) == 1
    heard[0]('/jax/something/else', 5.0)
    assert compiling.seconds == 0
    heard[0](EVENTS[1], 2.0, fun_name='step')
    assert (compiling.seconds, compiling.spans) == (2.0, [(8.0, 10.0)])


def test_why_an_order_was_not_carried_out_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
    def refused(run: Path, order: str) -> bool:
        raise ValueError(f'{run} {order}')

    monkeypatch.setattr(workers, '_carry_out', refused)
    assert workers.main(['run', 'a']) == workers.REFUSED and capsys.readouterr().err == 'archlab: error: run a\n'
    monkeypatch.setattr(workers, '_carry_out', lambda run, order: False)
    assert workers.main(['run', 'a']) == workers.REFUSED and capsys.readouterr().err == ''
