"""Connections to the database: what they may do, how much they take at once, and that each is closed."""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import duckdb
import pytest
from cached_packs import trials, write

from results.store import frames, index, query, records
from results.store import parquet_cache as cache
from results.store.query import Limits, ask, described
from results.store.records import listing, prepare


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(records, 'LARGE', 0)
    prepare(tmp_path / 'mine')
    write(tmp_path / 'mine', *'abcd')
    return tmp_path


def test_a_connection_fetches_nothing_shows_nothing_and_sees_no_variables(monkeypatch: pytest.MonkeyPatch):
    made = mock.MagicMock()
    monkeypatch.setattr(cache.duckdb, 'connect', made)
    connection = cache.connect()
    names = ('autoinstall_known_extensions', 'autoload_known_extensions', 'python_enable_replacements')
    assert made.mock_calls == [
        mock.call(':memory:', config=dict.fromkeys(names, 'false')),
        mock.call().execute('SET enable_progress_bar = false'),
    ]
    connection.reset_mock()
    cache.lock(connection, ['/a', "/b's"])
    assert connection.mock_calls == [
        mock.call.execute(f'SET {setting}')
        for setting in (
            *('threads = 1', "allowed_paths = ['/a', '/b''s']", 'enable_external_access = false', 'lock_configuration = true'),
        )
    ]


def test_a_query_has_the_memory_that_it_was_given_and_no_files_of_its_own(runs: Path):
    names = ('threads', 'memory_limit', 'temp_directory', 'enable_external_access', 'lock_configuration')
    asked = ', '.join(f"current_setting('{name}') AS {name}" for name in names)
    (told,) = ask(f'select {asked}', runs, limits=Limits(memory=2.5)).rows
    assert told[0] == 1 and told[1].startswith('2.3 GiB') and told[2:] == ('', False, True)


def refused(runs: Path) -> None:
    with pytest.raises(ValueError, match='syntax error'):
        ask('no query', runs)


@pytest.mark.parametrize(
    'call',
    [
        lambda runs: ask('select 1', runs),
        lambda runs: described(runs),
        lambda runs: index.read(runs / 'mine', 'mine', listing(runs / 'mine')),
        refused,
    ],
    ids=['a query', 'its schema', 'an index', 'an error'],
)
def test_a_connection_is_closed_in_the_end(runs: Path, monkeypatch: pytest.MonkeyPatch, call: Callable):
    made, connect = [], cache.connect
    monkeypatch.setattr(cache, 'connect', lambda: made.append(connect()) or made[-1])
    call(runs)
    for connection in made:
        with pytest.raises(duckdb.ConnectionException, match='closed'):
            connection.execute('select 1')
    assert made


def test_no_more_batches_wait_than_are_taken_at_once(runs: Path, monkeypatch: pytest.MonkeyPatch):
    """Of a large folder not all lines are in memory."""
    waiting, most = [], []

    class Taker:
        def __init__(self, count: int):
            assert count == cache.TAKERS

        def __enter__(self) -> 'Taker':
            return self

        def __exit__(self, *_: object) -> None:
            assert not waiting, 'each batch is waited for, and its error is raised'

        def submit(self, take: Callable, lines: list) -> mock.Mock:
            waiting.append(lines)
            most.append(len(waiting))

            def result() -> None:
                waiting.remove(lines)
                take(lines)

            return mock.Mock(result=result)

    monkeypatch.setattr(cache, 'TEXT', 1)
    monkeypatch.setattr(cache, 'ThreadPoolExecutor', Taker)
    connection = cache.connect()
    selected = cache.rows(connection, 'fresh', runs / 'mine', 'mine', cached=False)
    asked = connection.execute(f'SELECT id FROM ({selected.select}) ORDER BY file, place').fetchall()
    connection.close()
    assert [name for (name,) in asked] == trials(*'abcd') and most == [1, 2, 2, 2]


def test_lines_are_handed_over_in_batches_of_about_so_many_letters(runs: Path, monkeypatch: pytest.MonkeyPatch):
    place = runs / 'mine' / 'records'
    names = list(listing(runs / 'mine'))
    size = len((place / names[0]).read_text()) - 3  # without the ends of its three lines
    for text, counts in ((1, [3, 3, 3, 3]), (size, [3, 3, 3, 3]), (size + 1, [6, 6]), (3 * size, [9, 3]), (10**9, [12])):
        monkeypatch.setattr(cache, 'TEXT', text)
        assert [len(lines) for lines in cache._batches(place, names)] == counts
    assert list(cache._batches(place, [])) == []


def test_who_watches_a_query_does_not_hold_the_program(runs: Path):
    before = set(threading.enumerate())
    with Limits(seconds=30).watching(mock.Mock()):
        (watcher,) = set(threading.enumerate()) - before
        assert watcher.daemon
    assert not watcher.is_alive()


def test_limits_are_told_to_the_last_word(runs: Path, monkeypatch: pytest.MonkeyPatch):
    assert Limits(memory=0.5).too_much == 'the query needs more than 0.5 GB; ask for less, or give it more: --memory'
    with pytest.raises(ValueError) as told, Limits(memory=0.5).watching(mock.Mock()):
        raise duckdb.OutOfMemoryException('no room')
    assert str(told.value) == Limits(memory=0.5).too_much
    monkeypatch.setattr(query, '_statement', lambda connection, sql: sql)
    with pytest.raises(
        ValueError, match=r'; a query only reads the records: leave files, folders, settings and extensions out$'
    ):
        ask("select * from read_text('/etc/hostname')", runs)
    with pytest.raises(ValueError, match=r'syntax error .*; see `archlab query --schema` for views and columns$'):
        ask('selct 1', runs)


def test_a_part_that_vanishes_while_a_frame_is_made_is_done_without(runs: Path, monkeypatch: pytest.MonkeyPatch):
    asked, views = [], frames.views

    def vanishing(connection: duckdb.DuckDBPyConnection, place: Path, studies: list, cached: bool) -> tuple:
        asked.append(cached)
        if cached:
            raise duckdb.IOException('no such file')
        return views(connection, place, studies, cached)

    monkeypatch.setattr(frames, 'views', vanishing)
    made = frames.trials(runs, 'mine')
    assert asked == [True, False] and len(made) == 12 and made.skipped == []
    assert made.project('id').fetchall()[0] == ('a-0',)


def test_an_index_is_read_while_the_next_part_is_written(runs: Path, monkeypatch: pytest.MonkeyPatch):
    asked, rows = [], cache.rows
    monkeypatch.setattr(cache, 'rows', lambda *given, **named: asked.append(named) or rows(*given, **named))
    files = listing(runs / 'mine')
    lines, skipped = index.read(runs / 'mine', 'mine', files)
    assert [name for name, _ in lines] == [name for name in files for _ in range(3)] and skipped == []
    ((named,),) = [asked]
    assert named['files'] is files and named['writer'].submit
    assert list((runs / 'mine' / cache.FOLDER).glob('*.parquet')), 'it is written before the connection ends'


@pytest.mark.parametrize('name', ['[a]', 'what?', 'all *'])
def test_a_folder_that_looks_like_a_pattern_is_asked_without_a_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
):
    """A locked connection reads no patterns."""
    monkeypatch.setattr(records, 'LARGE', 0)
    prepare(tmp_path / name / 'mine')
    write(tmp_path / name / 'mine', 'a')
    for _ in range(2):
        assert ask('select count(*) from trials', tmp_path / name).rows == ((3,),)
    assert not (tmp_path / name / 'mine' / cache.FOLDER).exists()


def test_a_part_stays_in_use_however_old_it_is(runs: Path):
    ask('select 1', runs)
    (first,) = (runs / 'mine' / cache.FOLDER).glob('*.parquet')
    os.utime(first, (1, 1))
    write(runs / 'mine', 'e')
    assert ask('select count(*) from trials', runs).rows == ((15,),)
    parts = list((runs / 'mine' / cache.FOLDER).glob('*.parquet'))
    assert len(parts) == 2 and first in parts
