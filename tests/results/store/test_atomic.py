"""Atomic writes: wherever a write fails, the old or the new is there whole, and nothing lies beside it."""

import contextlib
import errno
import os
import resource
import shutil
from pathlib import Path

import pytest

from results.store import atomic

ERRNOS = {
    errno.ENOSPC: 'the disk is full; nothing recorded is lost',
    errno.EDQUOT: 'the disk is full; nothing recorded is lost',
    errno.EACCES: 'cannot be written (Permission denied); give --out another folder',
    errno.EIO: 'cannot be written (Input/output error); give --out another folder',
}
FIX = 'give --out another folder'
REMOVE = shutil.rmtree
REAL = {name: getattr(os, name) for name in ('open', 'fsync', 'replace', 'rename', 'link', 'stat', 'mkdir')}


class Faults:
    """Lets the call number `at` of the system fail, a write when half of it is done. `calls` names those that were made."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int, number: int):
        self.at, self.number, self.calls, self.clearing = at, number, [], False
        for name in ('open', 'fsync', 'replace', 'rename', 'link', 'mkdir'):
            monkeypatch.setattr(os, name, self.failing(name))
        monkeypatch.setattr(atomic, 'open', self.open, raising=False)
        monkeypatch.setattr(shutil, 'rmtree', self.clear)

    def clear(self, *given, **named) -> None:
        self.clearing = True
        REMOVE(*given, **named)
        self.clearing = False

    def fail(self, name: str) -> None:
        if self.clearing:
            return
        self.calls.append(name)
        if len(self.calls) == self.at:
            raise OSError(self.number, os.strerror(self.number))

    def failing(self, name: str):
        def call(*given, **named):
            self.fail(name)
            return REAL[name](*given, **named)

        return call

    def open(self, path: Path, mode: str):
        self.fail('open a file')
        file, faults = open(path, mode, buffering=0), self  # noqa: SIM115 - closed on exit

        class Half:
            def __enter__(self):
                return self

            def __exit__(self, *_):
                file.close()

            def write(self, content: bytes):
                file.write(content[: len(content) // 2])
                faults.fail('write')
                file.write(content[len(content) // 2 :])

            flush, fileno = staticmethod(lambda: None), staticmethod(file.fileno)

        return Half()


OLD, NEW = b'what was there', b'what is to be there instead'


def content_of(path: Path) -> object:
    """The bytes of a file, or those of all files in a folder; None where there is nothing."""
    if path.is_dir():
        return {str(inner.relative_to(path)): inner.read_bytes() for inner in path.rglob('*') if inner.is_file()}
    return path.read_bytes() if path.exists() else None


def replace(path: Path) -> None:
    atomic.replace(path, NEW, FIX)


def create(path: Path) -> None:
    atomic.create(path, NEW, FIX)


def put(path: Path) -> None:
    with atomic.aside(path) as new:
        new.write_bytes(NEW)
        atomic.put(new, path, FIX)


def fill(path: Path) -> None:
    with atomic.replacing_folder(path, FIX) as place:
        (place / 'inner').mkdir()
        (place / 'inner' / 'b').write_bytes(NEW)


def old_file(path: Path) -> None:
    path.write_bytes(OLD)


def old_folder(path: Path) -> None:
    path.mkdir()
    (path / 'a').write_bytes(OLD)


def nothing(_: Path) -> None:
    pass


WAYS = {
    'replace a file': (replace, old_file),
    'write a new file': (replace, nothing),
    'create a file': (create, nothing),
    'put a file': (put, old_file),
    'replace a folder': (fill, old_folder),
    'write a new folder': (fill, nothing),
}


@pytest.mark.parametrize('number', ERRNOS, ids=errno.errorcode.get)
@pytest.mark.parametrize(('write', 'before'), WAYS.values(), ids=WAYS)
def test_a_fault_at_any_call_leaves_the_old_or_the_new(tmp_path, write, before, number):
    """Every call of the system fails once, the first, the second and so on, until a write gets by without reaching it."""
    told, at, harmless = [], 0, 0
    while True:
        at += 1
        place = tmp_path / str(at)
        place.mkdir()
        path = place / 'it'
        before(path)
        old = content_of(path)
        with pytest.MonkeyPatch.context() as patch:
            faults = Faults(patch, at, number)
            try:
                write(path)
            except (ValueError, OSError) as error:
                told.append(error)
        now = content_of(path)
        assert [inner.name for inner in place.iterdir()] == ['it'] * (now is not None), f'left over by {faults.calls}'
        if len(faults.calls) < at:
            break
        assert now in (old, NEW, {'inner/b': NEW}), faults.calls
        # A folder that is there need not be made.
        harmless += faults.calls[-1] != 'mkdir' and faults.calls[at - 1] == 'mkdir'
    assert now in (NEW, {'inner/b': NEW}), 'without a fault the new is there'
    assert len(told) == at - 1 - harmless >= 4, 'every fault is told'
    # What the block of the caller does is the caller's own, which makes one folder here.
    own = [error for error in told if isinstance(error, ValueError)]
    assert len(told) - len(own) <= (1 if write is fill else 0)
    for error in own:
        assert ERRNOS[number] in str(error) or 'makes no hard links' in str(error)
        assert '\n' not in str(error)


def test_an_interrupt_leaves_the_old(tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    old_file(tmp_path / 'it')
    for name in ('fsync', 'replace'):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(os, name, interrupt)
            replace(tmp_path / 'it')
        assert content_of(tmp_path) == {'it': OLD}
    old_folder(tmp_path / 'folder')
    with pytest.raises(KeyboardInterrupt), atomic.replacing_folder(tmp_path / 'folder') as place:
        (place / 'half').write_bytes(NEW)
        interrupt()
    assert content_of(tmp_path) == {'it': OLD, 'folder/a': OLD}


def test_all_is_flushed_before_it_is_put_in_its_place(tmp_path, monkeypatch):
    """After a power cut a name must not stand for content that never reached the disk."""
    for way, (write, before) in WAYS.items():
        place = tmp_path / way
        place.mkdir()
        before(place / 'it')
        with monkeypatch.context() as patch:
            calls = Faults(patch, 0, 0)
            write(place / 'it')
        (moved,) = {'replace', 'link', 'rename'} & set(calls.calls)
        last = len(calls.calls) - 1 - calls.calls[::-1].index(moved)
        assert 'fsync' in calls.calls[:last], way
        assert calls.calls[-1] == 'fsync' and last < len(calls.calls) - 1, f'{way}: the folder'


def test_the_first_writer_of_a_name_wins(tmp_path):
    assert atomic.create(tmp_path / 'it', OLD) is True
    assert atomic.create(tmp_path / 'it', NEW) is False
    assert content_of(tmp_path) == {'it': OLD}


def test_a_link_that_was_made_but_answered_as_taken_is_won(tmp_path, monkeypatch):
    """NFS repeats requests: only the link count tells."""

    def twice(source, target):
        REAL['link'](source, target)
        raise FileExistsError(errno.EEXIST, 'File exists')

    monkeypatch.setattr(os, 'link', twice)
    assert atomic.create(tmp_path / 'it', NEW) is True


def test_a_folder_that_cannot_be_flushed_is_no_obstacle(tmp_path, monkeypatch):
    def fsync(handle):
        if os.path.isdir(f'/proc/self/fd/{handle}'):
            raise OSError(errno.EINVAL, 'Invalid argument')
        REAL['fsync'](handle)

    monkeypatch.setattr(os, 'fsync', fsync)
    replace(tmp_path / 'it')
    assert content_of(tmp_path) == {'it': NEW}


def test_text_is_utf8_and_folders_are_made(tmp_path):
    atomic.replace(tmp_path / 'a' / 'b' / 'it', 'größer\n')
    assert content_of(tmp_path) == {'a/b/it': 'größer\n'.encode()}


def test_a_link_stays_and_its_target_is_replaced(tmp_path):
    old_file(tmp_path / 'it')
    (tmp_path / 'link').symlink_to('it')
    replace(tmp_path / 'link')
    assert (tmp_path / 'link').is_symlink()
    assert content_of(tmp_path) == {'it': NEW, 'link': NEW}


def test_a_device_is_written_to_as_it_is(tmp_path):
    pipe = tmp_path / 'pipe'
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    replace(pipe)
    assert os.read(reading, 100) == NEW
    os.close(reading)
    assert [path.name for path in tmp_path.iterdir()] == ['pipe'] and not pipe.is_file()


def test_a_folder_in_place_of_a_file_is_told(tmp_path):
    old_folder(tmp_path / 'it')
    with pytest.raises(ValueError, match=r'it: cannot be written \(Is a directory\)'):
        replace(tmp_path / 'it')
    assert content_of(tmp_path) == {'it/a': OLD}


def test_links_are_tried(tmp_path, monkeypatch):
    atomic.try_links(tmp_path / 'new')
    assert list((tmp_path / 'new').iterdir()) == []
    monkeypatch.setattr(os, 'link', shutil.copy)
    with pytest.raises(ValueError, match=r'makes no hard links .links are copies.'):
        atomic.try_links(tmp_path / 'new')
    assert list((tmp_path / 'new').iterdir()) == []


@pytest.mark.parametrize('call', ['rename', 'fsync', 'mkdir'])
def test_an_interrupt_at_any_call_leaves_the_old_folder_or_the_new(tmp_path, monkeypatch, call):
    real, at = getattr(os, call), 0
    for at in range(1, 6):
        place = tmp_path / str(at)
        place.mkdir()
        old_folder(place / 'it')
        calls = []

        def interrupted(*given, at=at, calls=calls, **named):
            done = real(*given, **named)
            calls.append(given)
            if len(calls) == at:
                raise KeyboardInterrupt
            return done

        with monkeypatch.context() as patch:
            patch.setattr(os, call, interrupted)
            with contextlib.suppress(KeyboardInterrupt):
                fill(place / 'it')
        assert content_of(place / 'it') in ({'a': OLD}, {'inner/b': NEW})
        assert [inner.name for inner in place.iterdir()] == ['it']
        if len(calls) < at:
            break
    assert at > 1


def test_a_lock_is_made_where_it_is_absent_and_told_where_it_cannot_be(tmp_path):
    os.close(atomic.open_lock(tmp_path / '.lock'))
    assert (tmp_path / '.lock').read_bytes() == b''
    with pytest.raises(ValueError, match=r'nowhere/\.lock: cannot be written \(No such file or directory\); give a place'):
        atomic.open_lock(tmp_path / 'nowhere' / '.lock')


def test_a_lock_that_is_a_link_harms_nothing(tmp_path):
    target = tmp_path / 'target'
    target.write_bytes(OLD)
    (tmp_path / '.lock').symlink_to(target)
    with pytest.raises(ValueError, match='is a link'):
        atomic.open_lock(tmp_path / '.lock')
    assert target.read_bytes() == OLD
    os.close(atomic.open_lock(target))
    assert target.read_bytes() == OLD


def test_a_page_that_finds_no_room_leaves_the_old_one(tmp_path: Path):
    page = tmp_path / 'page.html'
    atomic.replace(page, 'old')
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(ValueError, match=r'page.html: the disk is full'):
            atomic.replace(page, 'new' * 1000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path.name for path in tmp_path.iterdir()] == ['page.html'] and page.read_text() == 'old'


def test_a_pipe_that_nobody_reads_is_refused(tmp_path: Path):
    os.mkfifo(tmp_path / 'pipe')
    with pytest.raises(ValueError, match='pipe: cannot be written'):
        atomic.replace(tmp_path / 'pipe', 'page')


@pytest.mark.parametrize('place', ['file', 'file/below'])
def test_a_place_for_files_is_tried_before_the_work(tmp_path: Path, place: str):
    (tmp_path / 'file').write_text('')
    with pytest.raises(ValueError, match='cannot be written'):
        atomic.check_folder(tmp_path / place)
    atomic.check_folder(tmp_path / 'to be' / 'made')
    assert [path.name for path in tmp_path.iterdir()] == ['file']


def test_what_need_not_last_is_replaced_whole_without_flushing_or_listing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """For thousands of files in one folder: each write costs the same."""

    def never(*_: object) -> None:
        raise AssertionError('flushed or listed')

    path = tmp_path / 'order.json'
    for name in ('fsync', 'scandir', 'listdir'):
        monkeypatch.setattr(os, name, never)
    for content in ('one', 'two'):
        atomic.replace(path, content, lasting=False)
        assert path.read_text() == content
    with pytest.raises(AssertionError, match='flushed or listed'):
        atomic.replace(path, 'three')
    monkeypatch.undo()
    assert [one.name for one in tmp_path.iterdir()] == ['order.json']
