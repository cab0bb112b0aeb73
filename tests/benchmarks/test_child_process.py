"""A child of the benchmarks: how it is started, called and ended, and what it does in its process."""

import io
import json
import signal
import sys
from types import SimpleNamespace

import pytest

from benchmarks import child


def test_cores_are_told_in_order_and_none_where_the_system_cannot_pin(monkeypatch):
    monkeypatch.setattr(child.os, 'sched_getaffinity', lambda process: [5, 3, 4] if process == 0 else [], raising=False)
    assert child.spare_cores() == [3, 4, 5]
    monkeypatch.delattr(child.os, 'sched_getaffinity')
    assert child.spare_cores() == [None]


class Process:
    """A process that takes lines and is dead when it is asked."""

    said = b''

    def __init__(self, call, stdin, stdout, stderr, env, text):
        assert stdin == stdout == child.subprocess.PIPE and text
        self.call, self.env, self.stderr, self.ended = call, env, stderr, []
        self.stdin, self.stdout = SimpleNamespace(write=self.write, flush=lambda: self.ended.append('flush')), self
        self.lines = []

    def write(self, text):
        self.lines.append(text)

    def readline(self):
        return ''

    def wait(self):
        self.stderr.write(self.said)
        return 7

    def kill(self):
        self.ended.append('kill')

    def communicate(self):
        self.ended.append('communicate')


@pytest.mark.parametrize(
    ('said', 'told'), [(b'x' * 3000 + b'why\xff', 'x' * 1996 + 'why\ufffd'), (b'why', 'why')], ids=['long', 'short']
)
def test_a_child_has_one_thread_and_compiles_anew(monkeypatch, said, told):
    monkeypatch.setattr(Process, 'said', said)
    monkeypatch.setattr(child.subprocess, 'Popen', Process)
    made = child.Child('module:Class', 3, {'a': 1})
    process = made.process
    assert process.call == (sys.executable, '-P', '-m', 'benchmarks.child')
    assert process.env == {**child.worker_environment(None), **child.ANEW} and process.env['OMP_NUM_THREADS'] == '1'
    made.send('method', b=2)
    assert process.lines == [
        json.dumps({'place': 'module:Class', 'core': 3, 'given': {'a': 1}}) + '\n',
        json.dumps({'method': 'method', 'given': {'b': 2}}) + '\n',
    ]
    assert process.ended == ['flush', 'flush']
    with pytest.raises(RuntimeError, match=f'^a process of the benchmark ended with status 7: {told}$'):
        made.answer()
    made.close()
    assert process.ended[2:] == ['kill', 'communicate'] and made.said.closed


def test_children_are_all_asked_before_one_answers():
    told = []

    def one(name: str) -> SimpleNamespace:
        return SimpleNamespace(
            send=lambda method, **given: told.append((name, method, given)), answer=lambda: told.append(name) or f'of {name}'
        )

    assert child.together([one('a'), one('b')], 'train', steps=3) == ['of a', 'of b']
    assert told == [('a', 'train', {'steps': 3}), ('b', 'train', {'steps': 3}), 'a', 'b']


@pytest.mark.parametrize('core', [None, 0, 3])
def test_a_child_serves_until_its_input_ends(monkeypatch, core):
    """What libraries print goes to standard error; the answers keep the place that was standard output."""
    done, said = [], []
    answers = SimpleNamespace(write=said.append, flush=lambda: said.append('flush'))
    monkeypatch.setattr(child.os, 'dup', lambda handle: done.append(('dup', handle)) or 9)
    monkeypatch.setattr(child.os, 'dup2', lambda one, other: done.append(('dup2', one, other)))
    monkeypatch.setattr(child.os, 'fdopen', lambda handle, mode: {(9, 'w'): answers}[handle, mode])
    monkeypatch.setattr(child.os, 'sched_setaffinity', lambda process, cores: done.append((process, cores)), raising=False)
    asked = [
        {'place': 'collections:Counter', 'core': core, 'given': {'a': 2, 'b': 1}},
        {'method': 'total', 'given': {}},
        {'method': 'most_common', 'given': {'n': 1}},
    ]
    monkeypatch.setattr(child.sys, 'stdin', io.StringIO('\n'.join(map(json.dumps, asked))))
    child.serve()
    assert done == [('dup', 1), ('dup2', 2, 1), *([] if core is None else [(0, {core})])]
    assert said == ['3\n', 'flush', '[["a", 2]]\n', 'flush']


def test_a_child_that_is_closed_was_killed():
    made = child.Child('collections:Counter', None, {})
    made.close()
    assert made.process.returncode == -signal.SIGKILL
