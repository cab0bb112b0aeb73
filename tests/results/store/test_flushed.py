"""Flushed: what is on the disk before a name stands for it, and what is held meanwhile."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from results.store import atomic


@pytest.fixture
def flushed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], list[str]]:
    """The places that were flushed so far, temporary names told as such; and the names that were given, in between."""
    told, fsync = [], os.fsync

    def called(path: str | Path) -> str:
        first, *rest = Path(path).relative_to(tmp_path).parts or ('.',)
        return '/'.join(['ASIDE' if atomic.is_left_over(first) else first, *rest])

    def heard(handle: int) -> None:
        told.append(f'flush {called(os.readlink(f"/proc/self/fd/{handle}"))}')
        fsync(handle)

    def naming(name: str, real: Callable) -> Callable:
        def call(source: Path, target: Path) -> None:
            real(source, target)
            told.append(f'{name} {called(source)} {called(target)}')

        return call

    monkeypatch.setattr(os, 'fsync', heard)
    for name in ('replace', 'rename', 'link'):
        monkeypatch.setattr(os, name, naming(name, getattr(os, name)))
    return lambda: told


pytestmark = pytest.mark.skipif(not Path('/proc/self/fd').exists(), reason='tells the path of a descriptor')


def test_a_file_and_then_its_folder_are_flushed(tmp_path: Path, flushed: Callable):
    atomic.replace(tmp_path / 'it', 'new')
    assert flushed() == ['flush ASIDE', 'replace ASIDE it', 'flush .']
    flushed().clear()
    assert atomic.create(tmp_path / 'other', 'new')
    assert flushed() == ['flush ASIDE', 'link ASIDE other', 'flush .']
    flushed().clear()
    with atomic.aside(tmp_path / 'third') as new:
        new.write_text('new')
        atomic.put(new, tmp_path / 'third')
    assert flushed() == ['flush ASIDE', 'replace ASIDE third', 'flush .']


def test_a_folder_is_flushed_with_all_that_is_in_it(tmp_path: Path, flushed: Callable):
    (tmp_path / 'it').mkdir()
    with atomic.replacing_folder(tmp_path / 'it') as new:
        (new / 'b').mkdir()
        (new / 'b' / 'c').write_text('c')
        (new / 'a').write_text('a')
    assert flushed() == [
        *('flush ASIDE/a', 'flush ASIDE/b', 'flush ASIDE/b/c', 'flush ASIDE'),
        *('rename it .it.before', 'rename ASIDE it', 'flush .'),
    ]


def test_a_folder_whose_new_one_waits_for_its_name_is_not_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Whoever would read it between the two renames waits until the new one is there."""
    path, rename, seen, readers = tmp_path / 'it', os.rename, [], []
    path.mkdir()
    (path / 'old').write_text('old')

    def slow(source: Path, target: Path) -> None:
        rename(source, target)
        if Path(target).name == '.it.before':

            def read() -> None:
                atomic.recover(path)
                seen.extend(inner.name for inner in path.iterdir())

            readers.append(threading.Thread(target=read))
            readers[-1].start()
            readers[-1].join(0.05)
            assert readers[-1].is_alive() and not path.exists()

    monkeypatch.setattr(os, 'rename', slow)
    with atomic.replacing_folder(path) as new:
        (new / 'new').write_text('new')
    readers[-1].join(10)
    assert seen == ['new'] and [inner.name for inner in tmp_path.iterdir()] == ['it']


def test_a_file_that_is_being_written_is_held(tmp_path: Path):
    for lasting in (True, False):
        with atomic.aside(tmp_path / 'it') as new, atomic._written(new, 'text', lasting):
            assert atomic._is_held(new, unknown=False) and new.read_bytes() == b'text'
        assert not new.exists()
    (tmp_path / 'free').write_text('')
    assert not atomic._is_held(tmp_path / 'free', unknown=True)


def test_more_than_a_pipe_holds_is_written_as_it_is_read(tmp_path: Path):
    pipe, content, read = tmp_path / 'pipe', b'0123456789abcdef' * 20_000, []
    os.mkfifo(pipe)
    handle = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(handle, True)
    writer = threading.Thread(target=atomic.replace, args=(pipe, content), daemon=True)
    writer.start()
    writer.join(0.05)
    assert writer.is_alive(), 'it waits for who reads'
    while sum(map(len, read)) < len(content):
        read.append(os.read(handle, 1 << 16))
        assert read[-1]
    writer.join(10)
    os.close(handle)
    assert b''.join(read) == content and not writer.is_alive()


def test_a_link_is_replaced_where_it_should_not_be_followed(tmp_path: Path):
    for name, follow, target in (('mine', False, 'old'), ('given', True, 'new')):
        (tmp_path / f'{name} target').write_text('old')
        (tmp_path / name).symlink_to(f'{name} target')
        atomic.replace(tmp_path / name, 'new', follow=follow)
        assert (tmp_path / name).read_text() == 'new' and (tmp_path / name).is_symlink() is follow
        assert (tmp_path / f'{name} target').read_text() == target
    os.mkfifo(tmp_path / 'pipe')
    atomic.replace(tmp_path / 'pipe', 'new', follow=False)
    assert (tmp_path / 'pipe').read_text() == 'new' and (tmp_path / 'pipe').is_file()


def test_each_write_sweeps_what_was_left_of_its_own_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(atomic, 'JUST_NOW', -1)
    names = [f'.{name}.aside-{"0" * 32}' for name in ('it', 'other')]
    for write in (lambda path: atomic.replace(path, 'new'), lambda path: atomic.replacing_folder(path).__enter__()):
        for name in names:
            (tmp_path / name).write_text('half')
        begun = write(tmp_path / 'it')
        left = sorted(path.name for path in tmp_path.iterdir() if path.name in names)
        assert left == names[1:], begun
        (tmp_path / 'it').unlink(missing_ok=True)


def test_places_that_are_no_folder_are_explained(tmp_path: Path):
    (tmp_path / 'file').write_text('')
    for call in (
        lambda: atomic.replace(tmp_path / 'file' / 'it', 'new', 'do this'),
        lambda: atomic.create(tmp_path / 'file' / 'it', 'new', 'do this'),
        lambda: atomic.put(tmp_path / 'none', tmp_path / 'it', 'do this'),
        lambda: atomic.replacing_folder(tmp_path / 'file' / 'it', 'do this').__enter__(),
        lambda: atomic.check_folder(tmp_path / 'file' / 'it', 'do this'),
        lambda: atomic.try_links(tmp_path / 'file' / 'it', 'do this'),
    ):
        with pytest.raises(
            ValueError, match=r': cannot be written \((Not a directory|No such file or directory|File exists)\); do this$'
        ):
            call()


def test_a_lock_may_be_opened_by_whom_the_user_lets_and_is_no_program(tmp_path: Path):
    before = os.umask(0)
    try:
        handle = atomic.open_lock(tmp_path / 'lock')
    finally:
        os.umask(before)
    try:
        assert (tmp_path / 'lock').stat().st_mode & 0o777 == 0o666 and not os.get_inheritable(handle)
        os.write(handle, b'mine')
    finally:
        os.close(handle)
    assert (tmp_path / 'lock').read_bytes() == b'mine'
