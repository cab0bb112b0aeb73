"""Queries: right answers, nothing but reading, errors that say what would have been right."""

import json
import resource
import threading
import time
from pathlib import Path

import duckdb
import pytest

from results.store import frames, query, records
from results.store.query import Limits, ask, described, render
from results.store.records import commit, prepare


def record(arm: str, lane: int, size: int) -> dict:
    return {
        'id': f'{arm}-{lane}',
        'study': 'mine',
        'arm': arm,
        'task': 'digits',
        'dataset': 'digits',
        'replicate': 0,
        'held': 'tuning',
        'optimizer': 'adamw',
        'knobs': {'lr': 10.0**-lane},
        'seed': lane,
        'status': 'ok',
        'score': (lane + 1) / 7,
        'model': {'norm': {'kind': arm}},
        'pack': {'id': arm, 'records': size, 'lane': lane},
    }


def written(folder: Path) -> Path:
    prepare(folder / 'mine')
    for arm, size in (('layer_norm', 3), ('rms_norm', 2)):
        commit(folder / 'mine', arm, [record(arm, lane, size) for lane in range(size)])
    return folder


@pytest.fixture
def runs(tmp_path, monkeypatch) -> Path:
    """A folder with a cache, which a test may change."""
    monkeypatch.setattr(records, 'LARGE', 0)
    return written(tmp_path)


@pytest.fixture(scope='module')
def once(tmp_path_factory) -> Path:
    return written(tmp_path_factory.mktemp('once'))


@pytest.fixture
def shared(once, monkeypatch) -> Path:
    """A folder with a cache that is read alone."""
    monkeypatch.setattr(records, 'LARGE', 0)
    return once


@pytest.fixture(params=['small', 'large'])
def either(once, request, monkeypatch) -> Path:
    """A folder that is read alone, without a cache and with it."""
    monkeypatch.setattr(records, 'LARGE', 10**9 if request.param == 'small' else 0)
    return once


@pytest.mark.parametrize(
    ('sql', 'columns', 'rows'),
    [
        (
            'select arm, avg(score) from trials group by arm order by arm',
            ('arm', 'avg(score)'),
            [('layer_norm', pytest.approx(2 / 7)), ('rms_norm', pytest.approx(1.5 / 7))],
        ),
        ('select id from trials where lr < 0.05', ('id',), [('layer_norm-2',)]),
        ("select count(*) as n from trials where model->>'$.norm.kind' = 'rms_norm'", ('n',), [(2,)]),
        ('select 1 as a, 2 as a, 3 as a', ('a', 'a_2', 'a_3'), [(1, 2, 3)]),
        ('with a as (select 1 as one) select * from a;', ('one',), [(1,)]),
        ('FROM packs SELECT trials', ('trials',), [(3,), (2,)]),
        ('values (null)', ('col0',), [(None,)]),
        ('select id from trials where false', ('id',), []),
    ],
)
def test_answers(either, sql, columns, rows):
    answer = ask(sql, either)
    assert (answer.columns, list(answer.rows), answer.more, answer.skipped) == (columns, rows, False, ())


def test_rows_come_in_the_order_of_the_records(either):
    expected = [('layer_norm-0',), ('layer_norm-1',), ('layer_norm-2',), ('rms_norm-0',), ('rms_norm-1',)]
    for _ in range(2):
        assert list(ask('select id from trials', either).rows) == expected


@pytest.mark.parametrize(
    ('limit', 'count', 'more'), [(1, 1, True), (4, 4, True), (5, 5, False), (6, 5, False), (None, 5, False)]
)
def test_a_limit_says_whether_it_cut(shared, limit, count, more):
    answer = ask('select id from trials', shared, limit=limit)
    assert (len(answer.rows), answer.more) == (count, more)


@pytest.mark.parametrize('limit', [0, -1, 10**9 + 1])
def test_a_limit_is_positive_and_a_billion_at_most(shared, limit):
    with pytest.raises(ValueError, match=f'^limit {limit}; allowed: 1 and up to 1,000,000,000, or leave it out$'):
        ask('select 1', shared, limit=limit)
    assert ask('select 1', shared, limit=10**9).rows == ((1,),)


READ = 'records are only read'
OUTSIDE = 'a query only reads the records'
REFUSED = [
    ("copy trials to 'out.csv'", READ),
    ("copy (select 1) to 'out.parquet'", READ),
    ("explain analyze copy (select 1) to 'out.parquet'", READ),
    ("export database 'out'", READ),
    ("attach 'out.db'", READ),
    ('create table mine as select 1', READ),
    ('drop view trials', READ),
    ('insert into trials select * from trials', READ),
    ('install httpfs', READ),
    ('load httpfs', READ),
    ('set threads = 8', READ),
    ('set enable_external_access = true', READ),
    ('pragma database_list', READ),
    ('checkpoint', READ),
    ('pivot trials on arm using count(*)', r'name the columns: ON arm IN'),
    ("select * from read_text('{file}')", OUTSIDE),
    ("select * from read_csv('{file}')", OUTSIDE),
    ("select * from read_parquet('{file}')", OUTSIDE),
    ("select * from '{file}.csv'", OUTSIDE),
    ("select * from glob('{file}*')", OUTSIDE),
    ("select * from read_csv('https://example.com/table.csv')", OUTSIDE),
    ("select * from read_csv('s3://bucket/table.csv')", OUTSIDE),
    ('select 1; drop view trials', '2 statements'),
    ('', 'an empty query'),
    ('  -- nothing', 'an empty query'),
]


def files(*folders: Path) -> list[Path]:
    return sorted(path for folder in folders for path in folder.rglob('*') if '.cache' not in str(path))


@pytest.mark.parametrize(('sql', 'said'), REFUSED)
def test_a_query_only_reads(shared, tmp_path, monkeypatch, sql, said):
    secret = tmp_path / 'secret.txt'
    secret.write_text('secret')
    monkeypatch.chdir(tmp_path)
    before = files(tmp_path, shared)
    with pytest.raises(ValueError, match=said) as caught:
        ask(sql.replace('{file}', str(secret)), shared)
    assert '\n' not in str(caught.value) and ('PIVOT' in str(caught.value)) == sql.startswith('pivot')
    assert files(tmp_path, shared) == before


def test_a_query_cannot_write_over_the_cache(runs, monkeypatch):
    """Even a query that got past the look at its kind may read the parts of the cache and nothing else."""
    ask('select 1', runs)
    parts = {path: path.read_bytes() for path in runs.glob('mine/.cache/*')}
    monkeypatch.setattr(query, '_statement', lambda connection, sql: sql)
    with pytest.raises(ValueError):
        ask(f"copy (select 1) to '{runs}/elsewhere.parquet'", runs)
    assert {path: path.read_bytes() for path in runs.glob('mine/.cache/*')} == parts
    assert not (runs / 'elsewhere.parquet').exists()


def test_variables_of_the_program_are_not_tables(runs, monkeypatch):
    monkeypatch.setattr(query, 'trails', duckdb.sql('select 1'), raising=False)
    with pytest.raises(ValueError, match=r"Table with name trails does not exist. Did you mean 'trials'"):
        ask('select * from trails', runs)


@pytest.mark.parametrize(
    ('sql', 'said'),
    [
        (
            'select scroe from trials',
            'column "scroe" not found .* Did you mean \'score\'\\? Views and columns: trials: id, study, arm',
        ),
        ('select t.scroe from trials t', "Did you mean 'score'\\? Views"),
        ('select * from trails', "Did you mean 'trials'\\? Views and columns: .*; evaluations: .*; packs: "),
        ('select * from finding', "Did you mean 'findings'"),
        ('selct 1', 'syntax error at or near "selct"; see `archlab query --schema`'),
        ('select avg(arm) from trials', 'No function matches .*avg.VARCHAR'),
        ("select score from trials where score > 'abc'", "Could not convert string 'abc' to DOUBLE"),
        ('select score from trials group by arm', 'must appear in the GROUP BY clause'),
    ],
)
def test_errors_say_what_would_be_right(shared, sql, said):
    with pytest.raises(ValueError, match=said) as caught:
        ask(sql, shared)
    text = str(caught.value)
    assert '\n' not in text and 'Error:' not in text and 'LINE 1' not in text and 'Candidate' not in text


def test_derived_tables_are_worked_out_where_they_are_named(runs):
    asked = []
    derived = {name: lambda name=name: asked.append(name) or [{'arm': name, 'effect': 0.5}] for name in frames.DERIVED}
    assert ask('select arm from trials limit 1', runs, derived=derived).rows == (('layer_norm',),)
    assert asked == []
    assert ask('select * from FINDINGS', runs, derived=derived).rows == (('findings', 0.5),)
    assert asked == ['findings']


def test_columns_of_derived_tables_are_named_in_errors(runs):
    derived = {'findings': lambda: [{'arm': 'x', 'effect': 0.5}]}
    with pytest.raises(ValueError, match=r"Did you mean 'effect'\? .*findings: arm, effect"):
        ask('select efect from findings', runs, derived=derived)


def test_a_part_that_vanishes_is_done_without(runs, monkeypatch):
    real = query.cache.lock

    def lock(connection, parts):
        for part in parts:
            Path(part).unlink()
        real(connection, parts)

    monkeypatch.setattr(query.cache, 'lock', lock)
    assert ask('select count(*) from trials', runs).rows == ((5,),)


def test_damaged_files_are_skipped_and_named(runs):
    (runs / 'mine' / 'records' / 'layer_norm.jsonl').write_text('{"id": 1}\n')
    answer = ask('select count(*) from trials', runs)
    assert answer.rows == ((2,),)
    assert len(answer.skipped) == 1 and 'layer_norm.jsonl is damaged' in answer.skipped[0]


def test_the_schema_names_views_and_columns(runs):
    schema = described(runs)
    assert list(schema) == ['trials', 'evaluations', 'packs']
    assert (schema['trials']['score'], schema['trials']['lr'], schema['packs']['ok']) == ('DOUBLE', 'DOUBLE', 'BIGINT')
    lines = query.schema_lines(schema)
    assert lines[0] == 'trials' and '  id            VARCHAR' not in lines[0]
    assert [line.split() for line in lines if line.startswith('  score ')] == [['score', 'DOUBLE']] * 2
    assert 'findings and selected' in lines[-1]


def test_decimals_and_dates_are_plain(runs):
    answer = ask("select 1.23456789 as a, date '2020-01-02' as b, [1.5] as c, 10::hugeint as d", runs)
    assert render(answer, 'csv') == 'a,b,c,d\n1.23457,2020-01-02,[1.5],10\n'
    assert json.loads(render(answer, 'json')) == [{'a': 1.23457, 'b': '2020-01-02', 'c': [1.5], 'd': 10}]


# The command.


def test_the_command_answers_and_refuses(runs, called):
    done = called('query', 'select arm, max(score) as best from trials group by arm', '--runs', runs, '--json')
    assert (done.returncode, done.stderr) == (0, '')
    assert json.loads(done.stdout) == [{'arm': 'layer_norm', 'best': 0.428571}, {'arm': 'rms_norm', 'best': 0.285714}]
    wrong = called('query', 'select scroe from trials', '--runs', runs)
    assert wrong.returncode == 2 and len(wrong.stderr.splitlines()) == 1
    assert wrong.stderr.startswith('archlab: error: ') and "Did you mean 'score'?" in wrong.stderr


def test_the_command_without_sql_names_the_columns(runs, called):
    listed = called('query', '--runs', runs)
    assert listed.returncode == 0 and listed.stdout.startswith('trials\n  id ')
    assert called('query', 'select 1', '--schema', '--runs', runs).stdout == listed.stdout
    assert json.loads(called('query', '--runs', runs, '--json').stdout)['trials']['lr'] == 'DOUBLE'


ENDLESS = 'with recursive one as (select 1 as n union all select n + 1 from one) select count(*) from one'


def test_a_query_without_end_is_stopped(runs):
    with pytest.raises(ValueError, match=r'the query took over 0\.3 s; ask for less, or give it more: --seconds'):
        ask(ENDLESS, runs, limits=Limits(seconds=0.3))
    assert ask('select 1', runs, limits=Limits(seconds=30)).rows == ((1,),)


def test_who_hears_no_interrupt_is_given_up(monkeypatch):
    class Deaf:
        def interrupt(self) -> None:
            pass

    monkeypatch.setattr(query, 'GRACE', 0.01)
    said = []
    with Limits(seconds=0.01, give_up=said.append).watching(Deaf()):
        while not said:
            time.sleep(0.01)
    assert said[0].startswith('the query took over 0.01 s')


@pytest.mark.parametrize('limits', [{'seconds': 0}, {'memory': -1}, {'seconds': float('nan')}, {'memory': float('inf')}])
def test_limits_are_above_zero(limits):
    with pytest.raises(ValueError, match=rf'--{next(iter(limits))} .*allowed: a number above 0'):
        Limits(**limits)


def test_a_fault_of_the_program_is_no_interrupt():
    with pytest.raises(RuntimeError, match='out of order'), Limits().watching(None):
        raise RuntimeError('out of order')
    with pytest.raises(KeyboardInterrupt), Limits().watching(None):
        raise duckdb.InterruptException('interrupted')


@pytest.mark.parametrize(('said', 'raised'), [('Query interrupted', KeyboardInterrupt), ('out of order', RuntimeError)])
def test_an_interrupt_is_told_from_a_fault_wherever_it_comes(runs, monkeypatch, said: str, raised: type):
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(said)

    monkeypatch.setattr(query, '_ask', broken)
    with pytest.raises(raised):
        ask('select 1', runs)


@pytest.mark.parametrize(
    ('status', 'taken'),
    [('VmPeak: 5 kB\nVmData:\t  12 kB\n', 12 * 1024), ('VmPeak: 5 kB\n', 0), ('', 0), (OSError(), 0)],
    ids=str,
)
def test_what_a_process_takes_is_read_where_the_system_tells_it(monkeypatch, status: str | OSError, taken: int):
    def told(_: Path) -> str:
        if isinstance(status, OSError):
            raise status
        return status

    monkeypatch.setattr(query.Path, 'read_text', told)
    assert query._taken() == taken


def test_a_database_that_cannot_read_the_records_is_named(runs, monkeypatch):
    def broken(*_: object, **__: object) -> None:
        raise duckdb.IOException('IO Error: no such disk')

    monkeypatch.setattr(query.frames, 'views', broken)
    with pytest.raises(
        ValueError, match=r'DuckDB cannot read the records \(no such disk\); archlab status names damaged files'
    ):
        ask('select 1', runs)


def test_no_thread_outlives_a_query(runs, monkeypatch):
    """One that has hardly noticed that its query is over would hold the connection while the interpreter ends."""

    class Slow(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            is_over = super().wait(timeout)
            time.sleep(0.1)
            return is_over

    before = threading.active_count()
    monkeypatch.setattr(query.threading, 'Event', Slow)
    assert ask('select 1', runs).rows == ((1,),)
    assert threading.active_count() == before


@pytest.mark.parametrize(
    ('before', 'taken', 'given'),
    [
        ((-1, -1), 1000, 3000 + 10**9),
        ((-1, 5 * 10**9), 1000, 3000 + 10**9),
        ((4 * 10**9, -1), 1000, 3000 + 10**9),
        ((4 * 10**8, -1), 1000, None),
        ((3000 + 10**9, -1), 1000, None),
        ((-1, -1), 0, None),
    ],
)
def test_a_process_gets_no_more_than_a_query_may_take_and_no_more_than_it_had(monkeypatch, before, taken, given):
    told = []
    monkeypatch.setattr(query, 'SLACK', 2000)
    monkeypatch.setattr(query, '_taken', lambda: taken)
    monkeypatch.setattr(query.resource, 'getrlimit', lambda kind: before)
    monkeypatch.setattr(query.resource, 'setrlimit', lambda kind, limits: told.append(limits))
    monkeypatch.setattr(query.resource, 'RLIM_INFINITY', -1)
    with Limits(memory=1).holding():
        assert told == ([] if given is None else [(given, before[1])])
    assert told[-1] == before


@pytest.mark.skipif(not Path('/proc/self/status').exists(), reason='a limit of Linux')
def test_what_a_query_takes_counts_with_its_answer():
    """The database's own limit knows nothing of long texts."""
    before = resource.getrlimit(resource.RLIMIT_DATA)
    limits = Limits(memory=0.1)
    connection = duckdb.connect(':memory:')
    with pytest.raises(ValueError, match=r'needs more than 0\.1 GB'), limits.holding(), limits.watching(connection):
        connection.execute("select repeat('a', 400000000)").fetchall()
    with pytest.raises(ValueError, match=r'needs more than 0\.1 GB'), limits.holding():
        bytearray(10**9)
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
    with limits.holding():
        assert len(bytearray(10**6)) == 10**6
