"""Querying: what the command of SQL shows, of which studies, and how a query ends that hears nothing."""

import csv
import io
import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest
from finished_study import write

from archlab import querying
from archlab.answers import Plain


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    here = tmp_path_factory.mktemp('studies')
    write(here)
    return here


PAIRS = [[arm, task] for arm in ('base', 'no_mixer') for task in ('digits', 'recall')]
DERIVED = {'selected': [[*pair, '3'] for pair in PAIRS], 'findings': [[*pair, '1'] for pair in PAIRS[2:]]}
"""One point for an arm, a task and a replicate; one finding for a changed arm and a task."""


@pytest.mark.parametrize('view', DERIVED)
def test_tables_that_follow_from_a_whole_study(called: Callable, folder: Path, view: str):
    sql = f'select arm, task, count(*) from {view} group by all order by all'
    done = called('query', sql, '--study', 'finished.py', '--format', 'csv', cwd=folder)
    assert list(csv.reader(io.StringIO(done.stdout)))[1:] == DERIVED[view], done.stderr


def test_without_a_study_they_are_of_all_that_the_lab_knows(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(querying, 'studies_in', lambda runs: ['one', 'two'])
    monkeypatch.setattr(querying, 'open_study', lambda name, runs: types.SimpleNamespace(reading=f'{name} in {runs}'))
    monkeypatch.setattr('results.store.frames.selected', lambda reading: [{'reading': reading}])
    assert [row['reading'] for row in querying._derived(None, Path('runs'))['selected']()] == ['one in runs', 'two in runs']
    assert [row['reading'] for row in querying._derived('mine.py', Path('runs'))['selected']()] == ['mine.py in runs']


@pytest.mark.parametrize(
    ('options', 'count', 'more'),
    [
        ((), 100, True),
        (('--limit', '120'), 120, True),
        (('--limit', '150'), 150, False),
        (('--format', 'csv'), 150, False),
        (('--format', 'csv', '--limit', '7'), 7, False),
    ],
)
def test_a_screen_gets_a_hundred_rows_unless_more_are_wanted(called: Callable, folder: Path, options: tuple, count, more):
    done = called('query', "select 'row' || n as told from generate_series(1, 150) as t(n)", *options, cwd=folder)
    words = [line.strip() for line in done.stdout.splitlines()]
    assert sum(word.startswith('row') and word[3:].isdigit() for word in words) == count, done.stderr
    assert ('--limit' in done.stdout) == more, words[-1]


def test_a_query_that_hears_nothing_ends_the_process_with_a_sentence(monkeypatch: pytest.MonkeyPatch):
    statuses, said = [], io.StringIO()
    monkeypatch.setattr(querying, 'os', types.SimpleNamespace(_exit=statuses.append))
    monkeypatch.setattr(sys, 'stderr', said)
    querying._give_up('its time is over')
    assert (statuses, said.getvalue()) == ([2], 'archlab: error: its time is over\n')


def test_records_that_a_relation_leaves_out_are_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
    frame = types.SimpleNamespace(skipped=('a.jsonl: it is damaged',))
    monkeypatch.setattr(
        'results.store.frames.trials', lambda *given: frame if given == (Path('there'), 'norms', 'packs') else None
    )
    assert querying.trials('norms', Path('there'), 'packs') is frame
    assert capsys.readouterr().err == 'archlab: warning: skipped: a.jsonl: it is damaged\n'


def test_lines_are_written_without_what_steers_a_terminal():
    stream = io.StringIO()
    Plain(stream).writelines(['one\n', 'a\x1b[31mb\n'])
    assert stream.getvalue() == 'one\na\N{REPLACEMENT CHARACTER}[31mb\n'
