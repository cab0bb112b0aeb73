"""Recorded: a summary of every record, each record whole where it is asked for, and no difference between small and large."""

import gzip
import json
from pathlib import Path

import duckdb
import pytest
from finished_study import write

from archlab import main
from results.figures import FIGURES
from results.store import index, parquet_cache, records
from results.store.recorded import OPEN_FILES, Records, read_folder
from results.store.records import commit, listing, prepare, read_file, to_line
from results.store.summary import COST, PACK, SUMMARY, summary

PUBLISHED = Path(__file__).parents[3] / 'results' / 'published'
NEVER = 10**12


def record(number: int, status: str = 'ok', size: int = 2) -> dict:
    """A record with what a real one has; a failed one has less."""
    about = {
        **{'id': f'trial-{number}', 'study': 'mine', 'arm': 'base', 'task': 'digits', 'dataset': 'digits', 'replicate': 0},
        **{'held': 'tuning', 'optimizer': 'adamw', 'knobs': {'lr': 0.01}, 'seed': number, 'status': status, 'score': 0.5},
        **{'pack': {'id': 'pack', 'records': size, 'lane': number}, 'phase': 'tune'},
        'environment': {'source': f'source-{number % 2}'},
    }
    if status != 'ok':
        about |= {'score': None, 'reason': 'no memory'}
    if status != 'failed':
        about |= {'diverged_at': None, 'initial_loss': 2.0, 'final_loss': 1 / number, 'n_held': 10, 'score_se': 0.1}
        about |= {'curve': {'step': [0, 9], 'score': [0.1, 0.2]}, 'cost': {'seconds': 0.25}, 'extra': ['more', {'too': None}]}
        about |= {'parts': {'tales': 0.5, 'zinc': None}, 'item_scores': 'packed'} if number == 5 else {}
    if number == 4:
        about |= {'cost': None, 'environment': None}
    return about


WRITTEN = {
    'a': [record(1), record(2, 'diverged')],
    'b': [record(3, 'failed'), record(4, 'diverged')],
    'c': [record(3), record(5)],
}
FIRST, SECOND, FAILED, FOURTH, AGAIN, FIFTH = (one for lines in WRITTEN.values() for one in lines)
EXPECTED = {one['id']: one for one in (FIRST, SECOND, AGAIN, FOURTH, FIFTH)}
SIZES = {'small': NEVER, 'large': 0}


@pytest.fixture(params=SIZES)
def size(request, monkeypatch) -> str:
    """A folder that is read directly, and one whose summaries come from a cache."""
    monkeypatch.setattr(records, 'LARGE', SIZES[request.param])
    return request.param


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    prepare(tmp_path)
    for name, lines in WRITTEN.items():
        commit(tmp_path, name, lines)
    return tmp_path


@pytest.mark.parametrize('first', ['ok', 'failed'])
def test_of_attempts_in_one_file_the_one_that_did_not_fail_counts(tmp_path: Path, first: str, size: str):
    """As in a published file, which holds packs one after the other."""
    attempts = {'ok': {**record(1, size=1)}, 'failed': {**record(1, 'failed', size=1)}}
    last = 'failed' if first == 'ok' else 'ok'
    lines = [to_line({**attempts[status], 'pack': {**attempts[status]['pack'], 'id': status}}) for status in (first, last)]
    prepare(tmp_path)
    (tmp_path / records.FOLDER / 'records.jsonl.gz').write_bytes(gzip.compress('\n'.join(lines).encode()))
    read, skipped = read_folder(tmp_path, 'mine')
    assert not skipped and read['trial-1']['status'] == 'ok' and read.whole('trial-1')['score'] == 0.5


def test_a_summary_has_the_entries_that_are_named_and_no_other():
    assert summary(FIRST) == {
        **{'id': 'trial-1', 'arm': 'base', 'task': 'digits', 'phase': 'tune', 'replicate': 0, 'held': 'tuning'},
        **{'optimizer': 'adamw', 'seed': 1, 'knobs': {'lr': 0.01}, 'status': 'ok', 'diverged_at': None, 'score': 0.5},
        **{'score_se': 0.1, 'n_held': 10, 'initial_loss': 2.0, 'final_loss': 1.0},
        'cost': {'examples': None, 'flops': None, 'seconds': 0.25, 'peak_memory': None, 'steps': None},
        'pack': {'id': 'pack', 'records': 2, **dict.fromkeys(('strategy', 'lanes', 'splits', 'compile_seconds')), 'lane': 1},
        'environment': {'source': 'source-1'},
    }
    assert list(summary(FIRST)) == [name for name in SUMMARY if name in FIRST]
    assert summary(FAILED)['reason'] == 'no memory' and 'cost' not in summary(FAILED)
    assert summary(FOURTH)['cost'] is None and summary({**FIRST, 'cost': 'nothing'})['cost'] is None
    assert set(COST) & set(PACK) == set()


@pytest.mark.parametrize('calls', [1, 2])
def test_a_folder_holds_the_same_in_the_same_order(folder, size, calls):
    for _ in range(calls):
        records, skipped = read_folder(folder, 'mine')
    assert (folder / '.cache').exists() is (size == 'large'), 'which way it was read'
    assert list(records) == list(EXPECTED)
    assert skipped == []
    assert dict(records) == {name: summary(one) for name, one in EXPECTED.items()}
    assert json.dumps([records.whole(name) for name in records]) == json.dumps(list(EXPECTED.values())), 'every key and type'


def test_a_cache_that_fails_is_done_without(folder, monkeypatch):
    monkeypatch.setattr(records, 'LARGE', 0)

    def broken(*_: object, **__: object) -> None:
        raise duckdb.IOException('no such disk')

    monkeypatch.setattr(parquet_cache, 'rows', broken)
    with pytest.raises(ValueError, match='no such disk'):
        index.read(folder, 'mine', listing(folder))
    made, skipped = read_folder(folder, 'mine')
    assert list(made) == list(EXPECTED) and skipped == []


def test_a_folder_whose_listing_is_known_is_not_listed_again(folder, size, monkeypatch):
    files = listing(folder)
    monkeypatch.setattr(records, 'listing', None)
    assert list(read_folder(folder, 'mine', files)[0]) == list(EXPECTED)
    assert (folder / '.cache').exists() is (size == 'large'), 'which way it was read'


@pytest.mark.parametrize('study', ['quickstart', 'null', 'norms'])
def test_small_and_large_are_the_same_over_published_records(tmp_path, monkeypatch, study):
    """To the last type: a page that is rendered from either has the same bytes."""
    (tmp_path / study / 'records').mkdir(parents=True)
    for name in listing(PUBLISHED / study):
        (tmp_path / study / 'records' / name).symlink_to(PUBLISHED / study / 'records' / name)
    told = []
    for large in (NEVER, 0):
        monkeypatch.setattr(records, 'LARGE', large)
        by_id, skipped = read_folder(tmp_path / study, study)
        assert skipped == [] and len(by_id) > 100
        told.append([list(one.items()) for one in by_id.values()])
    assert told[0] == told[1], 'values'
    numbers = [[{name: type(value) for name, value in one} for one in lines] for lines in told]
    assert numbers[0] == numbers[1], 'types'


COMMANDS = (('status', '--json'), ('plan', '--json'), ('verify', '--json'), ('table', '--format', 'json'))
REPORT = ('report', '--out', 'OUT/report.html')


@pytest.mark.parametrize(('share', 'commands'), [(1.0, (*COMMANDS, REPORT)), (0.7, COMMANDS)])
def test_every_command_answers_the_same_over_a_small_and_a_large_folder(tmp_path, monkeypatch, capsys, share, commands):
    """Whatever a command wants of a record, it asks for in a way that does not hang on how the record was read.

    The report shows it all: budgets, costs, every trial, and curves.
    """
    monkeypatch.setattr('results.report.inline_figures.FIGURES', {'curves': FIGURES['curves']})
    answers = {}
    for name, large in SIZES.items():
        monkeypatch.setattr(records, 'LARGE', large)
        folder, out = tmp_path / name, tmp_path / name / 'out'
        folder.mkdir()
        study = write(folder, share=share)
        for command, *options in commands:
            given = [option.replace('OUT', str(out)) for option in options]
            assert main([command, str(study), '--runs', str(folder / 'runs'), *given]) in (0, 1)
        assert any(folder.rglob('*.parquet')) is (name == 'large'), 'which way it was read'
        answers[name] = capsys.readouterr().out.replace(str(folder), '')
        answers[name, 'files'] = {str(path.relative_to(out)): path.read_bytes() for path in out.rglob('*') if path.is_file()}
    assert answers['small'] == answers['large']
    assert answers['small', 'files'] == answers['large', 'files']
    assert len(answers['small', 'files']) == (REPORT in commands)


def test_summaries_of_a_large_folder_read_no_file_and_a_whole_record_reads_its_own(folder, monkeypatch):
    monkeypatch.setattr(records, 'LARGE', 0)
    read_folder(folder, 'mine')
    asked = []

    def reading(path: Path, study: str) -> list[dict]:
        asked.append(path.name)
        return read_file(path, study)

    monkeypatch.setattr(records, 'read_file', reading)
    by_id, _ = read_folder(folder, 'mine')
    assert dict(by_id) == {name: summary(one) for name, one in EXPECTED.items()}
    assert asked == []
    assert by_id.whole('trial-3') == AGAIN
    assert by_id.whole('trial-5') == FIFTH
    assert asked == ['c.jsonl'], 'once for both'


def test_few_files_stay_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(records, 'LARGE', 0)
    prepare(tmp_path)
    for number in range(1, OPEN_FILES + 3):
        commit(tmp_path, f'{number:03}', [record(number, size=1)])
    by_id, _ = read_folder(tmp_path, 'mine')
    assert [by_id.whole(name)['seed'] for name in by_id] == list(range(1, OPEN_FILES + 3))
    assert by_id._wholes._read.cache_info().currsize == OPEN_FILES


def test_an_unknown_trial_is_a_key_error(folder, size):
    records, _ = read_folder(folder, 'mine')
    assert 'trial-9' not in records and records.get('trial-9') is None
    for ask in (records.__getitem__, records.whole):
        with pytest.raises(KeyError, match='trial-9'):
            ask('trial-9')


def test_a_summary_never_has_a_curve(folder, size):
    """So that nobody reads one there that works with the one and not with the other."""
    records, _ = read_folder(folder, 'mine')
    with pytest.raises(KeyError, match='curve'):
        records['trial-1']['curve']


def test_records_at_hand_are_told_by_id():
    records = Records.of(WRITTEN['a'])
    assert list(records) == ['trial-1', 'trial-2'] and len(records) == 2
    assert records['trial-1'] == summary(FIRST) and records.whole('trial-1') == FIRST
    assert dict(Records.of(())) == {}


def test_a_file_that_is_damaged_or_changed_by_now_is_named(folder, monkeypatch):
    monkeypatch.setattr(records, 'LARGE', 0)
    by_id, _ = read_folder(folder, 'mine')
    path = folder / 'records' / 'a.jsonl'
    path.write_text(path.read_text().replace('digits', 'digest'))
    with pytest.raises(ValueError, match=r'a.jsonl is damaged \(line 1'):
        by_id.whole('trial-1')
    path.write_text(''.join(to_line(record(number)) + '\n' for number in (6, 7)))
    with pytest.raises(ValueError, match=r'a.jsonl changed while it was read'):
        by_id.whole('trial-1')


def test_a_damaged_file_is_named_every_time(folder, size):
    path = folder / 'records' / 'b.jsonl'
    path.write_text(path.read_text().replace('trial-4', 'trial-6'))
    for _ in range(3):
        records, skipped = read_folder(folder, 'mine')
        assert list(records) == ['trial-1', 'trial-2', 'trial-3', 'trial-5']
        assert len(skipped) == 1 and 'b.jsonl is damaged (line 2: its check' in skipped[0]


@pytest.mark.parametrize('change', ['add', 'change', 'remove'])
def test_what_is_read_follows_the_files(folder, size, change):
    read_folder(folder, 'mine')
    path = folder / 'records' / 'a.jsonl'
    if change == 'add':
        commit(folder, 'd', [record(8, size=1)])
        expected = [*EXPECTED, 'trial-8']
    elif change == 'remove':
        path.unlink()
        expected = ['trial-3', 'trial-4', 'trial-5']
    else:
        path.write_text(''.join(to_line(record(number)) + '\n' for number in (6, 7)))
        expected = ['trial-6', 'trial-7', 'trial-3', 'trial-4', 'trial-5']
    for _ in range(2):
        assert list(read_folder(folder, 'mine')[0]) == expected


def test_without_the_cache_the_records_are_read_themselves(folder, monkeypatch):
    import results.store.index

    def broken(*_):
        raise ValueError('nothing works')

    monkeypatch.setattr(records, 'LARGE', 0)
    monkeypatch.setattr(results.store.index, 'read', broken)
    by_id, _ = read_folder(folder, 'mine')
    assert dict(by_id) == {name: summary(one) for name, one in EXPECTED.items()}
    assert [by_id.whole(name) for name in by_id] == list(EXPECTED.values())


def test_attempts_are_read_in_their_order_and_the_first_writer_counts(tmp_path: Path, size: str):
    prepare(tmp_path)
    for name, score in (('p-10', 0.9), ('p-2', 0.8), ('p', 0.7)):
        commit(tmp_path, name, [{**record(1, size=1), 'score': score}])
    assert list(listing(tmp_path)) == ['p.jsonl', 'p-2.jsonl', 'p-10.jsonl']
    read, skipped = read_folder(tmp_path, 'mine')
    assert not skipped and read['trial-1']['score'] == read.whole('trial-1')['score'] == 0.7
    assert read.doubled == ('trial-1',)


def test_an_attempt_after_a_failure_is_no_double(folder: Path, size: str):
    assert read_folder(folder, 'mine')[0].doubled == ()


def test_trials_that_are_recorded_twice_are_told_in_order():
    names = [f'trial-{number}' for number in (3, 1, 9, 5, 7, 2)]
    assert Records.of((), names).doubled == tuple(sorted(names)) == Records({}, {}, set(names)).doubled
