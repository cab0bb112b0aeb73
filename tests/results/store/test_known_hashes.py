"""Known hashes: what is remembered, and that nothing wrong is."""

import hashlib
import os

import pytest

from results.store import known_hashes
from results.store.hashes import syntax_hash

CONTENTS, OTHER = (hashlib.sha256(text).hexdigest() for text in (b'one', b'other'))
MADE = '0123456789abcdef'


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    return tmp_path / 'archlab' / known_hashes.FOLDER


def never() -> str:
    raise AssertionError('it is known')


def test_the_same_contents_are_worked_out_once(folder):
    assert known_hashes.remembered(CONTENTS, lambda: MADE) == MADE
    assert known_hashes.remembered(CONTENTS, never) == MADE
    assert known_hashes.remembered(OTHER, lambda: MADE[::-1]) == MADE[::-1]
    assert {path.name for path in folder.iterdir()} == {CONTENTS, OTHER}


@pytest.mark.parametrize('text', ['', MADE, MADE[:7], f'{MADE} {OTHER}', f'{MADE} {CONTENTS}\n', '\udcff'])
def test_a_damaged_file_is_worked_out_again(folder, text):
    folder.mkdir(parents=True)
    (folder / CONTENTS).write_bytes(text.encode(errors='surrogateescape'))
    assert known_hashes.remembered(CONTENTS, lambda: MADE[::-1]) == MADE[::-1]
    assert known_hashes.remembered(CONTENTS, never) == MADE[::-1], 'it is mended'


def test_where_nothing_can_be_written_it_is_worked_out_each_time(folder):
    folder.parent.mkdir(parents=True)
    folder.write_text('a file in the way')
    for made in (MADE, MADE[::-1]):
        assert known_hashes.remembered(CONTENTS, lambda made=made: made) == made


def test_the_newest_stay(folder, monkeypatch):
    monkeypatch.setattr(known_hashes, 'MOST', 3)
    names = [hashlib.sha256(b'%d' % number).hexdigest() for number in range(5)]
    for age, name in enumerate(names):
        known_hashes.remembered(name, lambda: MADE)
        # As if an hour lay between two of them.
        os.utime(folder / name, (3600 * age, 3600 * age))
        known_hashes._bound(folder)
    assert {path.name for path in folder.iterdir()} == {*names[2:]}


def test_a_hash_of_files_is_the_same_known_or_not(folder, tmp_path):
    root = tmp_path / 'lab'
    root.mkdir()
    (root / 'a.py').write_text('"""About it."""\nx = 1\n')

    def hashed(docstrings: bool = False) -> str:
        syntax_hash.cache_clear()
        return syntax_hash(('*.py',), docstrings, root)

    first, with_text = hashed(), hashed(True)
    assert first != with_text, 'docstrings are asked for, or not'
    assert (hashed(), hashed(True)) == (first, with_text)
    (root / 'a.py').write_text('"""About that."""\nx = 1\n')
    assert hashed() == first and hashed(True) != with_text
    (root / 'a.py').write_text('x = 2\n')
    assert hashed() != first


def test_a_hash_is_written_without_waiting_for_the_disk_and_in_the_place_of_a_link(folder, monkeypatch):
    def never_flushed(_: int) -> None:
        raise AssertionError('flushed')

    folder.mkdir(parents=True)
    (folder.parent / 'mine').write_text('mine')
    (folder / CONTENTS).symlink_to(folder.parent / 'mine')
    monkeypatch.setattr(os, 'fsync', never_flushed)
    assert known_hashes.remembered(CONTENTS, lambda: MADE) == MADE
    assert (folder.parent / 'mine').read_text() == 'mine' and (folder / CONTENTS).read_text() == f'{MADE} {CONTENTS}'


def test_what_another_process_removed_meanwhile_is_no_obstacle(folder, monkeypatch):
    monkeypatch.setattr(known_hashes, 'MOST', 1)
    folder.mkdir(parents=True)
    for age in range(4):
        (folder / f'{age}').write_text('')
        os.utime(folder / f'{age}', (age, age))
    unlink = os.unlink
    monkeypatch.setattr(os, 'unlink', lambda path, *given: unlink(path, *given) or unlink(path, *given))
    known_hashes._bound(folder)
    assert [path.name for path in folder.iterdir()] == ['3']
