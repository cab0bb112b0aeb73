"""How a command ends: what each ending gives as exit status, and says."""

import contextlib
import gc
import io
import os
import subprocess
import sys
import types
from collections.abc import Generator
from pathlib import Path

import pytest
from typer.exceptions import Exit

from archlab import application, ending
from archlab.answers import BAD_INPUT, FELL_SHORT, FINE, INTERNAL, INTERRUPTED
from archlab.application import STOPPED, Abort, TyperException
from archlab.loading import plain_data

ENDINGS = {
    'nothing': (None, FINE, ''),
    'a number': (FELL_SHORT, FELL_SHORT, ''),
    'a stop of the library': (INTERRUPTED, INTERRUPTED, f'{STOPPED}\n'),
    'an exit': (Exit(4), 4, ''),
    'an abort': (Abort(), INTERRUPTED, f'{STOPPED}\n'),
    'a stop': (KeyboardInterrupt(), INTERRUPTED, f'{STOPPED}\n'),
    'no such command': (TyperException('No such command.'), BAD_INPUT, 'archlab: error: No such command; see archlab --help\n'),
    'no command': (TyperException(''), BAD_INPUT, 'archlab: error: no command; choose one of those above\n'),
    'bad input': (ValueError('two\n lines'), BAD_INPUT, 'archlab: error: two lines\n'),
    'a closed pipe': (BrokenPipeError(), 'unread', ''),
    'a full disk': (
        OSError(28, 'No space', 'a\x1bb'),
        BAD_INPUT,
        'archlab: error: a\N{REPLACEMENT CHARACTER}b: No space; check the path and the disk\n',
    ),
}


@pytest.fixture
def ended(monkeypatch, capsys):
    """The exit status of a command that ends so, and what it said."""
    monkeypatch.setattr(application, '_unread', lambda: 'unread')

    def call(ending: object) -> tuple[object, str]:
        def app(arguments, standalone_mode):
            assert arguments == ['list'] and standalone_mode is False
            if isinstance(ending, BaseException):
                raise ending
            return ending

        monkeypatch.setattr(application, 'app', app)
        code = application.main(['list'])
        return code, capsys.readouterr().err

    return call


@pytest.mark.parametrize('name', ENDINGS)
def test_each_ending_has_its_status_and_words(ended, name):
    ending, code, said = ENDINGS[name]
    assert ended(ending) == (code, said)


def test_an_answer_that_nobody_reads_is_noticed_before_the_end(ended, monkeypatch):
    class Closed(io.StringIO):
        def flush(self):
            raise BrokenPipeError

    monkeypatch.setattr(sys, 'stdout', Closed())
    assert ended(None)[0] == 'unread'
    monkeypatch.setattr(sys, 'stdout', None)
    assert ended(None)[0] == FINE


def test_what_nobody_reads_goes_nowhere():
    own, (read, written) = os.dup(1), os.pipe()
    os.close(read)
    try:
        os.dup2(written, 1)
        assert application._unread() == FINE
        assert os.write(1, b'what is left of it') > 0 and os.fstat(1).st_rdev == os.stat(os.devnull).st_rdev
    finally:
        os.dup2(own, 1)
        os.close(own), os.close(written)


def test_a_closed_pipe_within_the_library_is_one_too(ended):
    closed, other = SystemExit(1), SystemExit(3)
    closed.__context__ = BrokenPipeError()
    assert ended(closed)[0] == 'unread'
    with pytest.raises(SystemExit, match='3'):
        ended(other)


def test_an_internal_error_leaves_its_trace_in_a_file(ended):
    code, said = ended(RuntimeError('all\nis lost'))
    before, _, path = said.strip().partition('; details: ')
    assert code == INTERNAL and before == 'archlab: internal error: RuntimeError: all is lost'
    assert "RuntimeError('all" not in said and 'RuntimeError: all\nis lost' in Path(path).read_text()
    assert Path(path).name.startswith('archlab-') and Path(path).suffix == '.log'
    Path(path).unlink()


ENDS = """
import atexit, sys
from archlab import ending
if {jax}:
    sys.modules['jax'] = None
atexit.register(print, 'taken apart')
ending.main = lambda: print('x' * 100_000) or print('said', file=sys.stderr) or 4
ending.command()
"""


@pytest.mark.parametrize('jax', [False, True])
def test_a_command_ends_at_once_with_all_that_it_said_unless_a_device_was_in_use(jax):
    ended = subprocess.run([sys.executable, '-c', ENDS.format(jax=jax)], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (4, 'said\n')
    assert ended.stdout == 'x' * 100_000 + '\n' + 'taken apart\n' * jax


def test_a_command_ends_without_anywhere_to_say_something(monkeypatch):
    monkeypatch.setattr(ending, 'main', lambda: 3)
    monkeypatch.setattr(ending, 'sys', types.SimpleNamespace(modules={}, stdout=None, stderr=None))
    statuses = []
    monkeypatch.setattr(ending, 'os', types.SimpleNamespace(_exit=statuses.append))
    ending.command()
    assert statuses == [3]


@pytest.mark.parametrize('jax', [False, True])
def test_what_is_left_to_do_at_the_end(monkeypatch, jax):
    told = []
    monkeypatch.setattr(ending, 'main', lambda: 4)
    stream = types.SimpleNamespace(flush=lambda: told.append('written'))
    modules = {'jax': None} if jax else {}
    own = types.SimpleNamespace(modules=modules, stdout=stream, stderr=stream, exit=sys.exit)
    monkeypatch.setattr(ending, 'sys', own)
    monkeypatch.setattr(ending, 'gc', types.SimpleNamespace(unfreeze=lambda: told.append('searched for cycles')))
    monkeypatch.setattr(ending, 'os', types.SimpleNamespace(_exit=sys.exit))
    with pytest.raises(SystemExit, match='4'):
        ending.command()
    assert told == (['searched for cycles'] if jax else ['written', 'written'])


def test_a_command_seldom_searches_for_cycles(ended):
    often = gc.get_threshold()
    try:
        ended(None)
        assert gc.get_threshold() == (100_000, 50, 50)
    finally:
        gc.set_threshold(*often)


@pytest.fixture
def searched() -> Generator[None]:
    """Whatever a test does, cycles are searched for afterwards, among all objects."""
    yield
    gc.enable()
    gc.unfreeze()


@pytest.mark.parametrize('name, is_command', [('/bin/archlab', True), ('-m', True), ('notebook.py', False)])
def test_a_command_alone_leaves_plain_data_out_of_the_search_for_cycles(searched, monkeypatch, name, is_command):
    monkeypatch.setattr(sys, 'argv', [name])
    gc.unfreeze()
    with pytest.raises(ValueError, match='in between'), plain_data():
        assert gc.isenabled() is not is_command
        raise ValueError('in between')
    assert gc.isenabled() and (gc.get_freeze_count() > 0) is is_command


def test_who_does_without_the_search_still_does(searched, monkeypatch):
    monkeypatch.setattr(sys, 'argv', ['archlab'])
    gc.unfreeze()
    gc.disable()
    with plain_data():
        assert not gc.isenabled()
    assert not gc.isenabled() and gc.get_freeze_count() == 0


@pytest.mark.parametrize(('optimize', 'code'), [(1, FELL_SHORT), (2, BAD_INPUT)])
def test_a_python_that_drops_docstrings_is_refused(monkeypatch, capsys, optimize: int, code: int):
    monkeypatch.setattr(application, 'app', lambda arguments, standalone_mode: FELL_SHORT)
    own = types.SimpleNamespace(flags=types.SimpleNamespace(optimize=optimize), stdout=sys.stdout, stderr=sys.stderr)
    monkeypatch.setattr(application, '_ended_in_order', lambda heard: contextlib.nullcontext())
    monkeypatch.setattr(application, 'sys', own)
    assert application.main(['list']) == code
    assert ('python -OO or PYTHONOPTIMIZE=2 drops docstrings' in capsys.readouterr().err) is (code == BAD_INPUT)
