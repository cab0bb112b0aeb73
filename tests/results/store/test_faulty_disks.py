"""Faulty disks: on those that are full, forbidden or without links no record is lost, and the error says what would help."""

import errno
import os
from pathlib import Path

import pytest
from made_packs import pack
from test_records import names

from results.store import atomic
from results.store.recorded import read_folder
from results.store.records import commit, prepare

REAL_FSYNC = os.fsync


# Root may write anywhere, so the system's answers are simulated.
def _raising(number: int):
    def call(*_, **__):
        raise OSError(number, os.strerror(number))

    return call


FULL = 'the disk is full; nothing recorded is lost: free space and run again'
FORBIDDEN = 'give --runs a folder that you may write to'
LINKLESS = 'makes no hard links'


def _break(monkeypatch, what: str, number: int) -> None:
    """Let one call of the system fail; writing fails after half of what was to be written."""
    if what == 'write':

        class Half:
            def __init__(self, *args, **named):
                self.file = open(*args, **named)  # noqa: SIM115 (closed on exit, as the file it stands for)

            def __enter__(self):
                return self

            def __exit__(self, *_):
                self.file.close()

            def fileno(self):
                return self.file.fileno()

            def write(self, text):
                self.file.write(text[: len(text) // 2])
                self.file.flush()
                raise OSError(number, os.strerror(number))

        monkeypatch.setattr(atomic, 'open', Half, raising=False)
    elif what == 'open':
        monkeypatch.setattr(atomic, 'open', _raising(number), raising=False)
    else:
        monkeypatch.setattr(os, what, _raising(number))


@pytest.mark.parametrize(
    ('what', 'number', 'said'),
    [
        ('fsync', errno.ENOSPC, FULL),
        ('fsync', errno.EDQUOT, FULL),
        ('write', errno.ENOSPC, FULL),
        ('write', errno.EFBIG, FULL),
        ('open', errno.ENOSPC, FULL),
        ('open', errno.EACCES, FORBIDDEN),
        ('open', errno.EROFS, FORBIDDEN),
        ('fsync', errno.EIO, FORBIDDEN),
        ('link', errno.ENOSPC, FULL),
        ('link', errno.EPERM, LINKLESS),
        ('link', errno.EOPNOTSUPP, LINKLESS),
    ],
)
def test_a_commit_that_fails_leaves_nothing_and_loses_nothing(runs, monkeypatch, what, number, said):
    commit(runs, 'first', pack(1, 2))
    before = (runs / 'records' / 'first.jsonl').read_bytes()
    with monkeypatch.context() as patch:
        _break(patch, what, number)
        with pytest.raises(ValueError) as caught:
            commit(runs, 'second', pack(3, 4))
    assert said in str(caught.value)
    assert 'second.jsonl' in str(caught.value)
    assert '\n' not in str(caught.value)
    assert names(runs) == ['first.jsonl']
    assert (runs / 'records' / 'first.jsonl').read_bytes() == before
    assert commit(runs, 'second', pack(3, 4)) is True, 'with space again, it goes on'
    assert len(read_folder(runs, 'mine')[0]) == 4


def test_a_folder_that_does_not_sync_still_holds_whole_files(runs, monkeypatch):
    """The last step, syncing the folder, may fail when the file is there already: then it is there whole."""
    calls = []

    def second(handle):
        calls.append(handle)
        if len(calls) == 2:
            raise OSError(errno.EIO, 'Input/output error')
        REAL_FSYNC(handle)

    monkeypatch.setattr(os, 'fsync', second)
    with pytest.raises(ValueError, match='cannot be written'):
        commit(runs, 'first', pack(1, 2))
    assert names(runs) == ['first.jsonl']
    assert len(read_folder(runs, 'mine')[0]) == 2


@pytest.mark.parametrize(('number', 'said'), [(errno.EACCES, FORBIDDEN), (errno.EROFS, FORBIDDEN), (errno.ENOSPC, FULL)])
@pytest.mark.parametrize('where', ['mkdir', 'open'])
def test_a_folder_that_cannot_be_written_is_refused_at_the_start(tmp_path, monkeypatch, number, said, where):
    def begun(path, *_):
        path.touch()
        raise OSError(number, os.strerror(number))

    if where == 'mkdir':
        monkeypatch.setattr(Path, 'mkdir', _raising(number))
    else:
        monkeypatch.setattr(atomic, 'open', begun, raising=False)
    with pytest.raises(ValueError) as caught:
        prepare(tmp_path / 'runs')
    assert said in str(caught.value)
    assert str(tmp_path / 'runs') in str(caught.value)
    assert not [path for path in tmp_path.rglob('*') if path.is_file()]


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / 'runs').write_text('in the way')
    with pytest.raises(ValueError, match=FORBIDDEN):
        prepare(tmp_path / 'runs')


@pytest.mark.skipif(os.geteuid() == 0, reason='root may write anywhere')
def test_a_folder_without_permission_is_refused(tmp_path):
    (tmp_path / 'runs').mkdir(mode=0o500)
    with pytest.raises(ValueError, match=FORBIDDEN):
        prepare(tmp_path / 'runs')


@pytest.mark.parametrize('number', [errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK])
def test_a_file_system_without_hard_links_is_refused_at_the_start(tmp_path, monkeypatch, number):
    monkeypatch.setattr(os, 'link', _raising(number))
    with pytest.raises(ValueError, match=r'makes no hard links .* give --runs a folder on a local disk or NFS'):
        prepare(tmp_path)
    assert names(tmp_path) == []


def test_a_file_system_that_copies_instead_of_linking_is_refused(tmp_path, monkeypatch):
    import shutil

    monkeypatch.setattr(os, 'link', shutil.copy)
    with pytest.raises(ValueError, match='makes no hard links'):
        prepare(tmp_path)
    assert names(tmp_path) == []
