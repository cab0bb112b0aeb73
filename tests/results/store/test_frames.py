"""Views over records: one row a trial, an evaluation, a pack, with every value where it belongs."""

import importlib.util
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from results.store import frames, records
from results.store import parquet_cache as cache
from results.store.reading import Reading
from results.store.recorded import read_folder
from results.store.records import commit, from_line, prepare

PUBLISHED = Path(__file__).parents[3] / 'results' / 'published'


def record(pack: str, lane: int, size: int, **fields: object) -> dict:
    return {
        'id': f'{pack}-{lane}',
        'study': 'mine',
        'arm': 'base',
        'task': 'digits',
        'dataset': 'digits',
        'replicate': lane,
        'held': 'tuning',
        'optimizer': 'adamw',
        'knobs': {'weight_decay': 0.5, 'lr': 0.1, 'steps': 2.0, 'odd "name\'': 1.0},
        'seed': lane,
        'steps': 10,
        'status': 'ok',
        'score': 0.25 * lane,
        'curve': {'step': [0, 5, 10], 'loss': [2.0, None, 1.0], 'score': [0.1, None, 0.25 * lane]},
        'cost': {'steps': 10, 'examples': 640, 'flops': 10**12 + lane, 'seconds': 0.5, 'peak_memory': 100 + lane},
        'environment': {'source': 'abc', 'commit': 'def', 'versions': {'jax': '0.1'}},
        'pack': {'id': pack, 'records': size, 'lane': lane, 'lanes': size},
        **fields,
    }


@pytest.fixture(params=['small', 'large'])
def runs(tmp_path, request, monkeypatch) -> Path:
    if request.param == 'large':
        monkeypatch.setattr(records, 'LARGE', 0)
    for study in ('mine', 'other'):
        prepare(tmp_path / study)
    size = 3
    commit(tmp_path / 'mine', 'p', [record('p', lane, size) for lane in range(size)])
    failed = {'status': 'failed', 'score': None, 'curve': {}, 'cost': {}, 'environment': {}, 'reason': 'no memory'}
    commit(tmp_path / 'mine', 'q', [record('q', 0, 1, **failed)])
    commit(tmp_path / 'mine', 'r', [record('q', 0, 1, status='diverged', score=None, diverged_at=4)])
    commit(tmp_path / 'other', 'p', [record('p', 0, 1, study='other', knobs={'momentum': 0.9})])
    return tmp_path


def asked(runs: Path, sql: str, studies: tuple = ('mine', 'other')) -> list[tuple]:
    connection = cache.connect()
    try:
        _, skipped = frames.views(connection, runs, list(studies))
        assert skipped == []
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def test_one_row_a_trial_and_the_failed_one_superseded(runs):
    rows = asked(runs, 'SELECT study, id, status, diverged_at FROM trials')
    expected = [('mine', f'p-{lane}', 'ok', None) for lane in range(3)]
    assert rows == [*expected, ('mine', 'q-0', 'diverged', 4), ('other', 'p-0', 'ok', None)]


def test_all_records_count_in_their_packs(runs):
    rows = asked(runs, 'SELECT study, file, pack, trials, ok, diverged, failed, flops, peak_memory FROM packs')
    assert rows == [
        ('mine', 'p.jsonl', 'p', 3, 3, 0, 0, 3 * 10**12 + 3, 102),
        ('mine', 'q.jsonl', 'q', 1, 0, 0, 1, None, None),
        ('mine', 'r.jsonl', 'q', 1, 0, 1, 0, 10**12, 100),
        ('other', 'p.jsonl', 'p', 1, 1, 0, 0, 10**12, 100),
    ]


def test_scores_of_domains_are_a_map(runs):
    parts = {'zinc': 1.25, 'odd "name\'': None}
    commit(runs / 'mine', 's', [record('s', 0, 1, parts=parts)])
    assert asked(runs, 'SELECT id, parts FROM trials WHERE parts IS NOT NULL') == [('s-0', parts)]
    assert asked(runs, "SELECT avg(parts['zinc']), count(parts) FROM trials") == [(1.25, 1)]


def test_the_last_score_of_averaged_weights_is_a_column(runs):
    curve = {'step': [0, 5], 'score': [0.1, 0.5], 'score_average': [None, 0.6], 'loss_average': [2.0, 1.0]}
    commit(runs / 'mine', 's', [record('s', 0, 1, curve=curve)])
    assert asked(runs, 'SELECT id, score_average, loss_average FROM trials WHERE loss_average > 0') == [('s-0', 0.6, 1.0)]
    assert asked(runs, 'SELECT count(*) FROM trials WHERE score_average IS NULL') == [(5,)]
    rows = asked(runs, "SELECT step, score, score_average FROM evaluations WHERE id = 's-0'")
    assert rows == [(0, 0.1, None), (5, 0.5, 0.6)]


def test_knobs_are_columns_and_a_map(runs):
    sql = 'SELECT lr, weight_decay, momentum, knob_steps, "odd ""name\'", steps, knobs FROM trials WHERE replicate = 0'
    mine = (0.1, 0.5, None, 2.0, 1.0, 10, {'weight_decay': 0.5, 'lr': 0.1, 'steps': 2.0, 'odd "name\'': 1.0})
    assert asked(runs, sql) == [mine, mine, (None, None, 0.9, None, None, 10, {'momentum': 0.9})]


def test_the_learning_rate_is_the_first_column_of_knobs(runs):
    knobs = {'momentum': 0.9, 'beta': 0.5, 'lr': 0.1, 'z': 1.0}
    commit(runs / 'mine', 's', [record('s', 0, 1, knobs=knobs)])
    connection = frames.cache.connect()
    frames.views(connection, runs, ['mine'])
    names = list(frames.schema(connection)['trials'])
    connection.close()
    assert [name for name in names if name in (*knobs, 'weight_decay')] == ['lr', 'beta', 'momentum', 'weight_decay', 'z']
    assert names[0] == 'id'


def test_costs_places_and_packs_are_columns(runs):
    sql = "SELECT examples, flops, seconds, commit, source, machine, versions, pack, lane FROM trials WHERE id = 'p-2'"
    expected = (640, 10**12 + 2, 0.5, 'def', 'abc', None, {'jax': '0.1'}, 'p', 2)
    assert asked(runs, sql, ('mine',)) == [expected]


def test_one_row_an_evaluation(runs):
    sql = "SELECT step, loss, score, train_loss FROM evaluations WHERE id = 'p-2'"
    assert asked(runs, sql) == [(0, 2.0, 0.1, None), (5, None, None, None), (10, 1.0, 0.5, None)]
    assert asked(runs, 'SELECT count(*) FROM evaluations') == [(15,)]


def test_one_study_may_be_asked_alone(runs):
    assert asked(runs, 'SELECT DISTINCT study FROM trials', ('other',)) == [('other',)]
    assert frames.named(runs) == ['mine', 'other']
    assert frames.named(runs, 'mine') == ['mine']


def test_unknown_studies_are_refused(runs, tmp_path):
    with pytest.raises(
        ValueError, match=r"no records of study 'mind' in .*; allowed: \['mine', 'other'\]. Did you mean 'mine'"
    ):
        frames.named(runs, 'mind')
    with pytest.raises(ValueError, match=r'no records in .*nowhere; run a study first'):
        frames.named(tmp_path / 'nowhere')


def test_damaged_files_are_named_and_skipped(runs):
    (runs / 'mine' / 'records' / 'p.jsonl').write_text('half a line')
    connection = cache.connect()
    _, skipped = frames.views(connection, runs, ['mine', 'other'])
    assert len(skipped) == 1 and 'p.jsonl is damaged' in skipped[0]
    assert connection.execute('SELECT study, id FROM trials').fetchall() == [('mine', 'q-0'), ('other', 'p-0')]


def _scalars(value: dict, path: str = '') -> list[str]:
    """The paths of all scalars of a record, but for what is kept as JSON, as a map or as evaluations."""
    names = []
    for key, item in value.items():
        if path + key in ('data', 'model', 'curve', 'knobs', 'parts', 'turns', 'environment.versions'):
            continue
        names += _scalars(item, f'{path}{key}.') if isinstance(item, dict) else [f'{path}{key}']
    return names


LINES = [records.content(path).decode().splitlines()[0] for path in sorted(PUBLISHED.glob('*/records/*.jsonl*'))[:3]]


@pytest.mark.parametrize('line', LINES, ids=range(len(LINES)))
def test_every_value_of_a_real_record_has_a_column(line, tmp_path):
    """Whoever adds a field to records adds it to results/store/parquet_cache.py and results/store/frames.py."""
    written = from_line(line)
    written['pack']['records'] = 1
    prepare(tmp_path / written['study'])
    commit(tmp_path / written['study'], 'one', [written])
    connection = cache.connect()
    frames.views(connection, tmp_path, [written['study']])
    result = connection.execute('SELECT * FROM trials')
    row = dict(zip([column[0] for column in result.description], result.fetchone(), strict=True))
    names = {'pack.id': 'pack', 'cost.steps': 'steps'}
    for path in _scalars(written):
        value = written
        for key in path.split('.'):
            value = value[key]
        if path not in ('pack.records', 'pack.compile_seconds'):  # these are of the view `packs`
            assert row[names.get(path, path.rpartition('.')[2])] == value, path
    assert {name: row[name] for name in written['knobs']} == written['knobs'] == row['knobs']
    assert row['versions'] == written['environment']['versions']
    assert (json.loads(row['model']), json.loads(row['data'])) == (written['model'], written['data'])
    assert row['parts'] == written.get('parts') and json.loads(row['turns'] or 'null') == written.get('turns')
    curve = connection.execute(f'SELECT {", ".join(written["curve"])} FROM evaluations').fetchall()
    assert curve == list(zip(*written['curve'].values(), strict=True))


def test_the_trials_of_a_published_study_are_those_that_are_read():
    study = 'quickstart'
    records, _ = read_folder(PUBLISHED / study, study)
    rows = asked(PUBLISHED, 'SELECT id, arm, score, status FROM trials', (study,))
    assert rows == [(record['id'], record['arm'], record['score'], record['status']) for record in records.values()]


# Tables that are worked out, and frames for notebooks.


def test_selected_points_are_rows():
    point = SimpleNamespace(optimizer='adamw', knobs=(('lr', 0.1),), score=0.9, how='quadratic')
    schedule = SimpleNamespace(selections={('base', 'digits', 0): point, ('base', 'digits', 1): None})
    rows = frames.selected(Reading(SimpleNamespace(name='mine'), schedule, {}))
    expected = {'study': 'mine', 'arm': 'base', 'task': 'digits', 'replicate': 0, 'optimizer': 'adamw'}
    assert rows == [expected | {'knobs': {'lr': 0.1}, 'score': 0.9, 'how': 'quadratic'}]


def test_plain_rows_become_a_table():
    rows = [{'a': 1, 'b': [0.5, 1], 'c': None, "it's": 'x'}, {'a': 2.5, 'b': None, 'c': None, "it's": "y'"}]
    connection = cache.connect()
    frames.register(connection, 'made', rows)
    assert connection.execute('SELECT * FROM made').fetchall() == [(1.0, [0.5, 1.0], None, 'x'), (2.5, None, None, "y'")]
    with pytest.raises(ValueError, match="'empty' has no rows yet"):
        frames.register(connection, 'empty', [])


def test_a_frame_is_a_relation(runs):
    frame = frames.trials(runs, 'mine')
    assert frame.skipped == []
    assert len(frame) == 4
    assert frame.filter('lane = 2').project('id, score').fetchall() == [('p-2', 0.5)]
    assert frame.aggregate('sum(score)').fetchall() == [(0.75,)]
    assert len(frames.trials(runs)) == 5
    assert len(frames.trials(runs, view='evaluations')) == 15
    assert 'p-2' in repr(frame)


def test_a_frame_outlives_the_cache(runs):
    frame = frames.trials(runs, 'mine')
    for path in runs.glob('mine/.cache/*'):
        path.unlink()
    for path in runs.glob('mine/records/*'):
        path.unlink()
    assert len(frame.fetchall()) == 4


def test_an_unknown_view_is_refused(runs):
    with pytest.raises(ValueError, match=r"view 'trails'; allowed: .* Did you mean 'trials'"):
        frames.trials(runs, view='trails')


@pytest.mark.parametrize(
    ('method', 'absent', 'said'),
    [
        ('df', 'pandas', r'df\(\) needs pandas, .* pip install pandas, or use fetchall'),
        ('arrow', 'pyarrow', r'arrow\(\) needs pyarrow, .* pip install pyarrow'),
        ('pl', 'polars', r'pl\(\) needs polars, .* pip install polars, or'),
        ('pl', 'pyarrow', r'pl\(\) needs pyarrow, .* pip install pyarrow, or'),
    ],
)
def test_an_absent_package_is_named(runs, monkeypatch, method, absent, said):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: None if name == absent else real(name) or object())
    with pytest.raises(ValueError, match=said):
        getattr(frames.trials(runs, 'mine'), method)()


@pytest.mark.parametrize(
    ('method', 'package', 'read'),
    [
        ('df', 'pandas', lambda frame: list(frame['id'])),
        ('arrow', 'pyarrow', lambda frame: frame.column('id').to_pylist()),
        ('pl', 'polars', lambda frame: frame['id'].to_list()),
    ],
    ids=['pandas', 'pyarrow', 'polars'],
)
def test_frames_of_other_packages(runs, method, package, read):
    pytest.importorskip(package, reason=f'{package} is not installed')
    assert read(getattr(frames.trials(runs, 'mine'), method)()) == ['p-0', 'p-1', 'p-2', 'q-0']


def test_studies_are_named_in_order(tmp_path):
    names = ['norms', 'mixers', 'a', 'quickstart', 'null', 'depth', 'B']
    for name in names:
        prepare(tmp_path / name)
    (tmp_path / 'empty').mkdir()
    assert frames.named(tmp_path) == sorted(names)


def test_rows_without_numbers_are_refused(tmp_path):
    with pytest.raises(ValueError, match='not JSON compliant'):
        frames.register(cache.connect(), 'made', [{'a': float('nan')}])
