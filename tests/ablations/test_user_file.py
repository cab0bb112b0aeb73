"""User files: the bytes that are hashed are the code that runs, and whatever a file raises is told in one sentence."""

import contextlib
import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from ablations import user_file
from ablations.study_files import load_study
from ablations.user_file import STOPS, NotToRaise, _without_frames, compiled, content_hash, in_words, of_user, run
from arch.sockets import load_tables

BLOCK = (
    'from flax import linen as nn\n'
    'class Mine(nn.Module):\n'
    '    """`[B, N, C] -> [B, N, C]`"""\n'
    '    @nn.compact\n'
    '    def __call__(self, x, context):\n'
    '        return x * {factor}\n'
    "NORMS = {{'mine': Mine}}\n"
)
STUDY = (
    'from ablations.study import Study\n'
    "study = Study(name='mine', question='Which?', arms={{'base': ()}}, tasks=('digits',), trials={factor})\n"
)


def same_age(path: Path, text: str) -> None:
    """Write other text of the same length at the same time: what compiled files are known by does not change."""
    before = path.stat()
    path.write_text(text)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)


@pytest.mark.parametrize(
    ('text', 'read'),
    [
        (BLOCK, lambda path: load_tables(path)['norm']['mine']().apply({}, 3, None)),
        (STUDY, lambda path: load_study(path).trials),
        ('value = {factor}\n', lambda path: run(compiled(path), 'test').value),
    ],
    ids=['blocks', 'study', 'file'],
)
def test_an_edit_within_a_second_at_equal_length_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, read):
    monkeypatch.setattr(sys, 'dont_write_bytecode', False)
    path = tmp_path / 'mine.py'
    path.write_text(text.format(factor=2))
    first = read(str(path))
    same_age(path, text.format(factor=3))
    assert read(str(path)) == first * 3 // 2 != first
    assert not (tmp_path / '__pycache__').exists()


def test_another_version_than_the_one_that_is_meant_is_refused(tmp_path: Path):
    path = tmp_path / 'mine.py'
    path.write_text(BLOCK.format(factor=2))
    expected = content_hash(path.read_bytes())
    assert 'mine' in load_tables(str(path), expected)['norm']
    path.write_text(BLOCK.format(factor=3))
    with pytest.raises(ValueError, match=rf'mine\.py\' has changed since it was read \(its hash was {expected}, now it is'):
        load_tables(str(path), expected)


BROKEN = {
    'no Python': (b'not python at all', 'does not load: SyntaxError'),
    'an archive': (b'PK\x03\x04\x00\x00', 'does not load: SyntaxError'),
    'no text': (b'\xff\xfe\x00x', 'does not load: SyntaxError'),
    'an exit': (b'import sys; sys.exit(0)', r'ends the process \(SystemExit: 0\); remove sys.exit'),
    'an end of the process': (b'import os; os._exit(0)', r'ends the process \(SystemExit: 0\)'),
    'an interrupt': (b'raise KeyboardInterrupt', "it raises KeyboardInterrupt, which is Python's own; raise an Exception"),
    'no Exception': (b'class Odd(BaseException): pass\nraise Odd', "it raises Odd, which is Python's own"),
    'a mistake': (b'1 / 0', 'does not load: ZeroDivisionError: division by zero'),
}


@pytest.mark.parametrize('load', [load_tables, load_study])
@pytest.mark.parametrize(('content', 'said'), BROKEN.values(), ids=BROKEN)
def test_a_file_that_does_not_load_is_one_sentence(tmp_path: Path, load, content: bytes, said: str):
    path = tmp_path / 'broken.py'
    path.write_bytes(content)
    before = set(sys.modules)
    with pytest.raises(ValueError, match=f'broken.*{said}') as caught:
        load(str(path))
    assert '\n' not in str(caught.value)
    assert not {name for name in set(sys.modules) - before if 'broken' in name}


def test_a_file_that_breaks_leaves_the_module_that_was_there(tmp_path: Path):
    path = tmp_path / 'mine.py'
    path.write_text('value = 1')
    module = run(compiled(path), 'test')
    path.write_text('1 / 0')
    with pytest.raises(ZeroDivisionError):
        run(compiled(path), 'test')
    assert sys.modules['test_mine'] is module


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_is_no_fault_of_a_file(tmp_path: Path, number: int):
    assert not issubclass(KeyboardInterrupt, STOPS)
    path = tmp_path / 'mine.py'
    path.write_text(f'import os, time\nos.kill(os.getpid(), {number:d})\ntime.sleep(5)')
    before = signal.signal(number, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            run(compiled(path), 'test')
        assert signal.getsignal(number) is signal.default_int_handler
    finally:
        signal.signal(number, before)


@pytest.mark.parametrize('left', [signal.SIG_DFL, signal.SIG_IGN])
def test_signals_that_no_function_hears_stay_with_the_system(left: signal.Handlers):
    before = signal.signal(signal.SIGTERM, left)
    try:
        with of_user():
            assert signal.getsignal(signal.SIGTERM) is left
        assert signal.getsignal(signal.SIGTERM) is left
    finally:
        signal.signal(signal.SIGTERM, before)


def test_os_exit_ends_no_process_but_a_child_of_the_users_code(monkeypatch: pytest.MonkeyPatch):
    ended = []
    monkeypatch.setattr(os, '_exit', ended.append)
    own = os._exit
    with pytest.raises(SystemExit), of_user():
        os._exit(0)
    assert os._exit is own and not ended
    with of_user(), monkeypatch.context() as child:
        child.setattr(os, 'getpid', lambda: -1)
        os._exit(7)
    assert ended == [7]


def test_a_thread_has_no_signals():
    raised = []

    def interrupt():
        try:
            with of_user():
                raise KeyboardInterrupt
        except NotToRaise as error:
            raised.append(str(error))

    thread = threading.Thread(target=interrupt)
    thread.start()
    thread.join()
    assert raised == ["it raises KeyboardInterrupt, which is Python's own; raise an Exception instead"]


def test_what_code_raised_is_one_line():
    assert in_words(ValueError('two\nlines')) == 'ValueError: two lines'


@pytest.mark.parametrize(
    ('lay', 'said'),
    [
        (os.mkfifo, 'it is no regular file'),
        (lambda path: path.symlink_to('/dev/zero'), 'it is no regular file'),
        (Path.mkdir, 'Is a directory'),
        (lambda path: path.symlink_to('nowhere'), 'No such file'),
    ],
    ids=['pipe', 'endless', 'folder', 'nowhere'],
)
def test_what_is_no_file_is_neither_waited_for_nor_read_without_end(tmp_path: Path, lay, said: str):
    lay(tmp_path / 'mine.py')
    with pytest.raises(ValueError, match=rf'cannot be read \({said}'):
        compiled(tmp_path / 'mine.py')


def test_a_file_runs_whatever_its_name_ends_with(tmp_path: Path):
    for name in ('mine.py', 'mine.txt', 'mine'):
        (tmp_path / name).write_text('value = 3\n')
        module = run(compiled(tmp_path / name), 'test')
        assert module.value == 3 and module.__file__ == str(tmp_path / name)


def test_of_a_traceback_the_last_frame_of_a_user_and_the_error_are_told():
    frames = [
        ('/venv/lib/site-packages/jax/one.py', 3),
        ('/home/me/first.py', 12),
        ('/home/me/block.py', 34),
        ('/venv/lib/site-packages/flax/two.py', 56),
    ]
    inside = ''.join(f'  File "{path}", line {line}, in f\n    x = 1\n' for path, line in frames)
    text = f'it failed: Traceback (most recent call last):\n{inside}OtherError: in between\nKeyError: 7\n\n'
    assert _without_frames(text) == 'it failed: /home/me/block.py, line 34: KeyError: 7'
    of_packages = text.replace('/home/me/', '/venv/site-packages/')
    assert _without_frames(of_packages) == 'it failed: KeyError: 7'
    assert _without_frames('it failed: 7') == 'it failed: 7'
    hint = text.replace('KeyError: 7\n\n', 'KeyError: 7\n  and more of it\n')
    assert _without_frames(hint) == 'it failed: /home/me/block.py, line 34: KeyError: 7'
    own = text.replace('/home/me/block.py', user_file.__file__)
    assert _without_frames(own) == 'it failed: /home/me/first.py, line 12: KeyError: 7'


def test_an_end_of_the_process_is_told_also_from_within_another_error():
    told = in_words(RuntimeError('a callback failed: Traceback (most recent call last):\nSystemExit: 3'))
    assert told == 'it ends the process (RuntimeError: a callback failed: SystemExit: 3); remove sys.exit or os._exit'
    assert in_words(NotToRaise('a sentence')) == 'a sentence'


def test_a_version_of_a_file_is_known_by_the_first_digits_of_its_sha256():
    """Records on disk hold these."""
    assert content_hash(b'abc') == 'ba7816bf8f01cfea'


@pytest.mark.parametrize('end', ['', '1 / 0\n'])
def test_a_file_runs_in_its_folder_and_nothing_of_that_stays(tmp_path: Path, end: str):
    path = tmp_path / 'mine.py'
    path.write_text(f'from ablations.user_file import FOLDER, RUNNING\nseen = FOLDER.get(), RUNNING.get().__name__\n{end}')
    module = user_file.blank(compiled(path), 'test')
    with pytest.raises(ZeroDivisionError) if end else contextlib.nullcontext():
        assert run(compiled(path), 'test', module) is module
    assert module.seen == (str(tmp_path), 'test_mine')
    assert user_file.FOLDER.get() == '.' and user_file.RUNNING.get() is None
    assert sys.modules.pop('test_mine', None) is (None if end else module)
