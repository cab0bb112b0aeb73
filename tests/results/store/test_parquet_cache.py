"""The cache is disposable: whatever is wrong with it, the same rows come, and what is sound of it is used."""

import json
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cached_packs import SIZE, parts, read, record, trials, write

from results.store import parquet_cache as cache
from results.store import records
from results.store.records import commit, prepare, to_line


def test_rows_come_in_the_order_of_files_and_lines(folder):
    assert read(folder) == trials('a', 'b', 'c')
    assert len(parts(folder)) == 1
    assert read(folder) == trials('a', 'b', 'c'), 'now from Parquet'


def test_a_warm_cache_reads_no_record(folder, monkeypatch):
    read(folder)
    monkeypatch.setattr(cache, '_read', None)
    assert read(folder) == trials('a', 'b', 'c')


def test_small_folders_have_no_cache(folder, monkeypatch):
    monkeypatch.setattr(records, 'LARGE', 10**9)
    assert read(folder) == trials('a', 'b', 'c')
    assert not (folder / cache.FOLDER).exists()


def test_a_folder_is_large_from_so_many_bytes_on(folder, monkeypatch):
    size = sum(about[0] for about in records.listing(folder).values())
    for large, is_cached in ((size + 1, False), (size, True)):
        monkeypatch.setattr(records, 'LARGE', large)
        assert read(folder) == trials('a', 'b', 'c')
        assert (folder / cache.FOLDER).exists() is is_cached


def test_files_are_in_one_order_for_the_database_and_for_who_lists_them(tmp_path, monkeypatch):
    monkeypatch.setattr(records, 'LARGE', 0)
    prepare(tmp_path)
    for name in ('a-10', 'a-2', 'a', 'a-b', 'a-b-3', 'b-1', 'ab'):
        assert commit(tmp_path, name, [record(name, lane) for lane in range(SIZE)])
    connection = cache.connect()
    for _ in ('fresh', 'from Parquet'):
        selected = cache.rows(connection, 'fresh', tmp_path, 'mine')
        asked = connection.execute(f'SELECT file, place FROM ({selected.select}) ORDER BY {cache.ORDER}').fetchall()
        assert list(dict.fromkeys(file for file, _ in asked)) == list(records.listing(tmp_path))
        connection.execute('DROP TABLE IF EXISTS fresh')
    connection.close()


def test_a_file_that_was_damaged_and_then_is_not_has_changed(folder, monkeypatch):
    real = cache._intact
    monkeypatch.setattr(cache, '_intact', lambda path: [] if path.name == 'b.jsonl' else real(path))
    connection = cache.connect()
    with pytest.raises(ValueError, match=r'b\.jsonl changed while it was read; run the same command again'):
        cache.rows(connection, 'fresh', folder, 'mine')
    connection.close()


def test_the_cache_can_be_left_out(folder):
    assert read(folder, cached=False) == trials('a', 'b', 'c')
    assert not (folder / cache.FOLDER).exists()


def test_new_packs_become_a_further_part(folder, monkeypatch):
    read(folder)
    (first,) = parts(folder)
    write(folder, 'aa')
    asked = []
    real = cache._read
    monkeypatch.setattr(cache, '_read', lambda *given: asked.append(given[-1]) or real(*given))
    assert read(folder) == trials('a', 'aa', 'b', 'c')
    assert asked == [['aa.jsonl']], 'only the new file is read'
    assert first in parts(folder) and len(parts(folder)) == 2


def test_what_was_just_written_is_read_from_its_parts(folder):
    for packs, many in (((), 1), (('aa',), 2), ((), 2)):
        write(folder, *packs)
        connection = cache.connect()
        selected = cache.rows(connection, 'fresh', folder, 'mine')
        connection.close()
        assert sorted(selected.parts) == [str(path) for path in parts(folder)] and len(selected.parts) == many
        assert 'fresh' not in selected.select and selected.skipped == ()


def test_many_parts_become_one(folder):
    names = ['a', 'b', 'c']
    for number in range(cache.PARTS + 2):
        read(folder)
        names.append(f'd{number}')
        write(folder, names[-1])
        assert len(parts(folder)) < cache.PARTS
    assert read(folder) == trials(*names)
    assert read(folder) == trials(*names)


def _damage(path: Path, how: str) -> None:
    content = path.read_bytes()
    if how == 'cut':
        path.write_bytes(content[:-20])
    elif how == 'empty':
        path.write_bytes(b'')
    elif how == 'flipped':
        path.write_bytes(content[:200] + bytes([content[200] ^ 1]) + content[201:])
    elif how == 'no parquet':
        path.write_text('not parquet at all')
    elif how == 'a folder':
        path.unlink()
        path.mkdir()


@pytest.mark.parametrize('how', ['cut', 'empty', 'flipped', 'no parquet', 'a folder'])
def test_a_damaged_part_is_made_again(folder, how):
    read(folder)
    (part,) = parts(folder)
    before = part.read_bytes()
    _damage(part, how)
    assert read(folder) == trials('a', 'b', 'c')
    if how != 'a folder':
        assert [path.read_bytes() for path in parts(folder)] == [before]


@pytest.mark.parametrize('what', ['version', 'study', 'files'])
def test_a_part_of_another_kind_is_not_read(folder, monkeypatch, what):
    """A whole Parquet file whose name fits, but made by another format, for another study, or saying nothing."""
    place = folder / cache.FOLDER
    place.mkdir()
    about = {'version': cache.VERSION, 'study': 'mine', 'files': json.dumps(records.listing(folder))}
    about[what] = 'other'
    fields = ', '.join(f"{key}: '{value}'" for key, value in about.items())
    path = place / 'x.parquet'
    cache.connect().execute(f"COPY (SELECT 1 AS wrong) TO '{path}' (FORMAT parquet, KV_METADATA {{{fields}}})")
    path.rename(place / f'{cache._hash(path)}.parquet')
    assert read(folder) == trials('a', 'b', 'c')
    assert len(parts(folder)) == 1, 'and is cleared away'


@pytest.mark.parametrize('change', ['content', 'time', 'gone'])
def test_a_stale_part_is_not_read(folder, change):
    read(folder)
    (old,) = parts(folder)
    path = folder / 'records' / 'b.jsonl'
    if change == 'content':
        path.write_text(''.join(to_line(record('b', lane)) + '\n' for lane in range(1, SIZE + 1)))
    elif change == 'time':
        os.utime(path, ns=(0, 0))
    else:
        path.unlink()
    rows = read(folder)
    expected = {'content': ['b-1', 'b-2', 'b-3'], 'time': trials('b'), 'gone': []}[change]
    assert rows == [*trials('a'), *expected, *trials('c')]
    assert old not in parts(folder)


@pytest.mark.parametrize('where', ['mkdir', 'replace', 'name'])
def test_a_cache_that_cannot_be_written_is_done_without(folder, monkeypatch, where):
    def refuse(*_, **__):
        raise PermissionError(13, 'Permission denied')

    if where == 'mkdir':
        (folder / cache.FOLDER).write_text('a file in the way')
    elif where == 'replace':
        monkeypatch.setattr(os, 'replace', refuse)
    else:
        monkeypatch.setattr(cache.atomic, 'put', refuse)
    assert read(folder) == trials('a', 'b', 'c')
    if where != 'mkdir':
        assert list((folder / cache.FOLDER).iterdir()) == [], 'nothing is left behind'


def test_what_cannot_be_written_is_read_beside_what_is_there(folder, monkeypatch):
    read(folder)
    write(folder, 'd')
    monkeypatch.setattr(cache, '_write', _refuse)
    assert read(folder) == trials('a', 'b', 'c', 'd')


def test_many_batches_are_taken_at_once_and_come_in_their_order(folder, monkeypatch):
    """Each of two batches waits until the other has begun."""
    write(folder, 'd')
    monkeypatch.setattr(cache, 'TEXT', 1)
    both, real = threading.Barrier(2, timeout=60), cache._batches

    class Meeting(list):
        def __iter__(self):
            if threading.current_thread() is not threading.main_thread():
                both.wait()
            return super().__iter__()

    monkeypatch.setattr(cache, '_batches', lambda *about: (Meeting(lines) for lines in real(*about)))
    assert read(folder, cached=False) == trials(*'abcd')


def test_an_error_of_the_database_while_it_takes_lines_is_raised(folder, monkeypatch):
    monkeypatch.setattr(cache, 'TEXT', 1)
    monkeypatch.setattr(cache, '_GIVEN', 'no SQL')
    with pytest.raises(cache.duckdb.Error):
        read(folder)


@pytest.mark.parametrize('is_refused', [False, True])
def test_a_writer_writes_while_rows_are_read(folder, monkeypatch, is_refused):
    if is_refused:
        monkeypatch.setattr(cache, '_write', _refuse)
    connection, files = cache.connect(), records.listing(folder)
    with ThreadPoolExecutor(1) as writer:
        about = cache.rows(connection, 'fresh', folder, 'mine', files=files, writer=writer)
        asked = connection.execute(f'SELECT id FROM ({about.select}) ORDER BY file, place').fetchall()
    connection.close()
    assert ([name for (name,) in asked], about.parts) == (trials('a', 'b', 'c'), ())
    assert len(parts(folder)) == (not is_refused)
    if not is_refused:
        monkeypatch.setattr(cache, '_read', None)
    assert read(folder) == trials('a', 'b', 'c')


def _refuse(*_):
    raise PermissionError(13, 'Permission denied')


def test_what_a_kill_left_is_cleared_away_after_a_while(folder):
    place = folder / cache.FOLDER
    place.mkdir()
    old, new = (place / f'.part.aside-{digit * 32}' for digit in '01')
    for path in (old, new):
        path.write_text('half')
    hours = time.time() - 2 * cache.LEFT_OVER
    os.utime(old, (hours, hours))
    read(folder)
    assert not old.exists()
    assert new.exists(), 'another process may be writing it'


def test_of_parts_that_overlap_one_is_read(folder):
    """As two processes leave them that began at different moments."""
    read(folder)
    (first,) = parts(folder)
    content = first.read_bytes()
    first.unlink()
    write(folder, 'd')
    read(folder)
    first.write_bytes(content)
    assert len(parts(folder)) == 2
    assert read(folder) == trials('a', 'b', 'c', 'd')


def test_builders_at_the_same_time_agree(folder):
    barrier, answers = threading.Barrier(6), []

    def build() -> None:
        barrier.wait()
        answers.append(read(folder))

    threads = [threading.Thread(target=build) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [trials('a', 'b', 'c')] * 6
    assert read(folder) == trials('a', 'b', 'c')


def test_an_absent_folder_has_no_rows(tmp_path):
    connection = cache.connect()
    selected = cache.rows(connection, 'fresh', tmp_path / 'nowhere', 'mine')
    assert connection.execute(f'SELECT count(*) FROM ({selected.select})').fetchall() == [(0,)]


def test_a_folder_with_a_quote_in_its_name(tmp_path, monkeypatch):
    monkeypatch.setattr(records, 'LARGE', 0)
    folder = tmp_path / "it's [a] *folder?"
    prepare(folder)
    write(folder, 'a')
    assert read(folder) == trials('a')
    assert read(folder) == trials('a')


def test_a_quote_in_a_folders_name_is_no_end_of_its_parts_names(tmp_path, monkeypatch):
    monkeypatch.setattr(records, 'LARGE', 0)
    folder = tmp_path / "it's" / "theirs''"
    folder.mkdir(parents=True)
    prepare(folder)
    for packs in (('a',), ('b',), ()):
        write(folder, *packs)
        assert read(folder) == trials(*sorted({'a', *packs} | ({'b'} if len(parts(folder)) > 1 else set())))
    assert len(parts(folder)) == 2


def test_nothing_foreign_is_removed_behind_a_link_or_beside_the_parts(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp('other')
    mine = other / 'mine.parquet'
    mine.write_bytes(b'not ours')
    (folder / cache.FOLDER).symlink_to(other)
    assert read(folder) == trials('a', 'b', 'c') and [path.name for path in other.iterdir()] == ['mine.parquet']
    (folder / cache.FOLDER).unlink()
    read(folder)
    (folder / cache.FOLDER / 'mine.parquet').write_bytes(b'not ours')
    write(folder, 'd')
    read(folder)
    assert (folder / cache.FOLDER / 'mine.parquet').exists()


@pytest.mark.parametrize('lay', [os.mkfifo, lambda path: path.symlink_to('/dev/zero')])
def test_what_is_no_file_is_not_waited_for(folder, lay):
    (folder / cache.FOLDER).mkdir()
    lay(folder / cache.FOLDER / f'{"a" * 32}.parquet')
    assert read(folder) == trials('a', 'b', 'c')


@pytest.mark.parametrize('name', ['*', '?', '[b]', '~', "it's", 'a b%s'])
def test_no_folder_is_a_pattern_or_a_home(tmp_path, monkeypatch, name):
    monkeypatch.setattr(records, 'LARGE', 0)
    monkeypatch.chdir(tmp_path)
    for place, pack in ((Path('b'), 'b'), (Path(name), 'a')):
        prepare(place)
        write(place, pack)
    for _ in range(2):
        assert read(Path(name)) == trials('a'), 'and nothing of its neighbour'
        assert read(Path(name), cached=False) == trials('a')


def test_each_record_file_is_opened_once(folder, monkeypatch):
    read_files, content = [], records.content
    monkeypatch.setattr(records, 'content', lambda path: read_files.append(path.name) or content(path))
    monkeypatch.setattr(cache, 'TEXT', 1)
    assert read(folder) == trials('a', 'b', 'c')
    assert sorted(read_files) == ['a.jsonl', 'b.jsonl', 'c.jsonl']
