"""Unsound files beside the cache: named, skipped whole and never cached, and the others are read."""

import hashlib
import json

import pytest
from cached_packs import parts, read, record, trials

from results.store import parquet_cache as cache
from results.store import records
from results.store.records import to_line

SAID = {
    'check': ('"score": 0.0', '"score": 0.5', 'line 1: its check does not match'),
    'count': ('"records": 3', '"records": 4', 'it has 3 lines, not what was committed'),
    'status': ('"status": "ok"', '"status": "fine"', "its status is 'fine'"),
    'missing': ('"seed"', '"sed"', "it lacks ['seed']"),
    'study': ('"study": "mine"', '"study": "theirs"', "holds records of study 'theirs'"),
}


@pytest.mark.parametrize(('old', 'new', 'said'), SAID.values(), ids=SAID)
def test_unsound_files_are_named_and_never_cached(folder, old, new, said):
    path = folder / 'records' / 'b.jsonl'
    lines = path.read_text().splitlines()
    assert old in lines[0]
    if said.startswith('line'):
        lines[0] = lines[0].replace(old, new)
    else:
        lines = [to_line(json.loads(line.rpartition(', "check"')[0].replace(old, new) + '}')) for line in lines]
    path.write_text('\n'.join(lines) + '\n')
    for _ in range(2):
        connection = cache.connect()
        selected = cache.rows(connection, 'fresh', folder, 'mine')
        assert len(selected.skipped) == 1 and said in selected.skipped[0] and 'b.jsonl' in selected.skipped[0]
        assert read(folder) == trials('a', 'c')


def test_whatever_types_a_record_has_it_is_skipped_and_the_others_are_read(folder):
    """Of one program, so that its ids can be worked out, with every entry of every wrong type under a right check."""
    whole = {'steps': 5, 'batch': 8, 'data': {}, 'model': {'norm': {'kind': 'identity'}}}
    entries = [*records.REQUIRED, *records.OPTIONAL, *records.EMPTY]
    wrong = [(name, value) for name in entries for value in (None, 5, 'x', [], {}, [['x']], True)]
    for number, (name, value) in enumerate([('seed', 5), *wrong]):
        pack = f'z{number}'
        own = {**record(pack, 0, **whole), 'pack': {'id': pack, 'records': 1, 'lane': 0}, name: value}
        (folder / 'records' / f'{pack}.jsonl').write_text(to_line(own) + '\n')
    refused = set()
    for path in (folder / 'records').iterdir():
        try:
            records.read_file(path, 'mine')
        except ValueError:
            refused.add(path.name)
    assert len(refused) > len(entries)
    connection = cache.connect()
    selected = cache.rows(connection, 'fresh', folder, 'mine')
    assert len(selected.skipped) == len(refused) and all(name in ' '.join(selected.skipped) for name in refused)
    files = {file for (file,) in connection.execute(f'SELECT file FROM ({selected.select})').fetchall()}
    assert files == {path.name for path in (folder / 'records').iterdir()} - refused


def test_a_folder_of_unsound_files_has_no_rows(folder):
    for name in 'abc':
        (folder / 'records' / f'{name}.jsonl').write_text('nothing\n')
    connection = cache.connect()
    selected = cache.rows(connection, 'fresh', folder, 'mine')
    assert len(selected.skipped) == 3
    assert connection.execute(f'SELECT count(*) FROM ({selected.select})').fetchall() == [(0,)]
    assert parts(folder) == []


@pytest.mark.parametrize('levels', [250, 100_000])
def test_deep_json_is_refused_as_without_the_cache(folder, levels):
    deep = {**record('d', 0, model='@'), 'pack': {'id': 'd', 'records': 1, 'lane': 0}}
    body = json.dumps(deep)[:-1].replace('"@"', '[' * levels + ']' * levels)
    check = hashlib.sha256(body.encode()).hexdigest()[:16]
    (folder / records.FOLDER / 'd.jsonl').write_text(f'{body}, "check": "{check}"}}\n')
    for _ in range(2):
        connection = cache.connect()
        selected = cache.rows(connection, 'fresh', folder, 'mine')
        assert 'd.jsonl is damaged (line 1: its JSON is nested more than 200 levels)' in selected.skipped[0]
        connection.close()
        assert read(folder) == trials('a', 'b', 'c')
