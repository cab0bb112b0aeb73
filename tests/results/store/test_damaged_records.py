"""Damage: a file that cannot be trusted is named, skipped whole and never used."""

import gzip
import hashlib
import json
import os
from pathlib import Path

import pytest
from made_packs import pack, record

from results.store import records
from results.store.recorded import read_folder
from results.store.records import commit, from_line, prepare, read_file, to_line

LINES = [to_line(item) for item in pack(1, 2, 3)]


WRONG = [
    *(('steps', value) for value in (None, 1.5, 'many', [1], True)),
    *(('environment', value) for value in (5, 'here', ['here'])),
    *(('checksum', []), ('blocks', {}), ('reason', None), ('phase', 5), ('data', 'digits'), ('model', [])),
    *(('cost', value) for value in (5, [1], {'seconds': 'long'}, {'seconds': [1]})),
    *(('curve', value) for value in ('steep', [[0], [1]], {'step': 5}, {'step': {}})),
    *(('score_se', 'small'), ('final_loss', [2.0]), ('diverged_at', 'the end'), ('leak', 5), ('n_held', None)),
    *(('parts', {'one': 'x'}), ('parts', [1]), ('pack', {'id': 'pack', 'records': 1, 'lane': 'first'})),
    ('pack', {'id': 'pack', 'records': 1, 'strategy': 5}),
]
"""Entries of other types than the lab writes, under a right check."""


WRONG_TYPES = {
    'replicate': ['0', 1.5, True, None],
    'seed': ['1', [1]],
    'knobs': [[], {'lr': '0.1'}, {'lr': None}, None],
    'item_scores': [[0.5], None, 1.0],
    'turns': [[], 'one', None],
    'arm': [1, None, ['base']],
    'status': [['ok'], 'fine', None],
    'pack': [[], {}, {'id': 'p'}, {'id': 1, 'records': 1}],
}
TYPES = [(name, value) for name, values in WRONG_TYPES.items() for value in values]


def _edited(line: str, old: str, new: str) -> str:
    assert old in line
    return line.replace(old, new, 1)


DAMAGED = [
    ([_edited(LINES[0], '0.5', '0.9'), *LINES[1:]], 'line 1: its check does not match'),
    ([*LINES[:2], _edited(LINES[2], 'trial-3', 'trial-4')], 'line 3: its check does not match'),
    ([LINES[0], LINES[1][:-40], LINES[2]], 'line 2: its check does not match'),
    ([*LINES[:2], LINES[2][:20]], 'line 3: its check does not match'),
    ([LINES[0], '', *LINES[1:]], 'line 2: its check does not match'),
    ([LINES[0], 'null', LINES[2]], 'line 2: its check does not match'),
    ([*LINES[:2], LINES[2] + ' '], 'line 3: its check does not match'),
    ([*LINES[:2], LINES[2].rpartition(', "check"')[0] + '}'], 'line 3: its check does not match'),
    (LINES[:2], 'it has 2 lines, not what was committed'),
    ([LINES[0]], 'it has 1 lines'),
    ([*LINES, LINES[0]], 'it has 4 lines'),
    ([], 'it has 0 lines'),
    ([LINES[0], to_line(record(2, size=2)), LINES[2]], 'it has 3 lines, not what was committed'),
    ([to_line(record(1, size=2)), to_line(record(2, size=1))], 'it has 2 lines, not what was committed'),
    ([to_line({k: v for k, v in record(1, size=1).items() if k != 'knobs'})], "it lacks ['knobs']"),
    ([to_line({**record(1, size=1), 'status': 'fine'})], "its status is 'fine'"),
    *(([to_line({**record(1, size=1), 'phase': 'tune', name: value})], f'its {name} is ') for name, value in WRONG),
]
"""The lines of a file, and what is said of it."""


@pytest.mark.parametrize(('lines', 'said'), DAMAGED, ids=range(len(DAMAGED)))
def test_damage_is_named_and_skipped(tmp_path, lines, said):
    """One line of a pack that cannot be trusted condemns the file: what else was done to it cannot be known."""
    prepare(tmp_path)
    commit(tmp_path, 'sound', pack(7))
    path = tmp_path / 'records' / 'broken.jsonl'
    path.write_text(''.join(line + '\n' for line in lines))
    with pytest.raises(ValueError) as caught:
        read_file(path, 'mine')
    assert said in str(caught.value)
    assert str(path) in str(caught.value)
    assert 'move the file out of the folder; its trials then run again' in str(caught.value)
    records, skipped = read_folder(tmp_path, 'mine')
    assert list(records) == ['trial-7']
    assert skipped == [str(caught.value)]


def test_all_damage_at_once_is_named_by_way_of_the_cache_too(tmp_path, monkeypatch):
    """The cache looks for damage in its own words; each file is named as it is without it."""
    prepare(tmp_path)
    commit(tmp_path, 'sound', pack(7))
    said = []
    for number, (lines, _) in enumerate([*DAMAGED, *(([to_line({**pack(2)[0], name: value})], '') for name, value in TYPES)]):
        path = tmp_path / 'records' / f'broken_{number:03}.jsonl'
        path.write_text(''.join(line + '\n' for line in lines))
        with pytest.raises(ValueError) as caught:
            read_file(path, 'mine')
        said.append(str(caught.value))
    monkeypatch.setattr(records, 'LARGE', 0)
    by_id, skipped = read_folder(tmp_path, 'mine')
    assert list(by_id) == ['trial-7'] and sorted(skipped) == sorted(said) and len(set(said)) == len(DAMAGED) + len(TYPES)


@pytest.mark.parametrize('curve', [{'step': [0, 1], 'score': [0.1]}, {'step': [0], 'score': ['high']}])
def test_a_curve_that_cannot_be_drawn_is_named_where_it_is_read_whole(tmp_path, curve):
    prepare(tmp_path)
    commit(tmp_path, 'first', [{**record(1, size=1), 'curve': curve}])
    with pytest.raises(ValueError, match='its curve is '):
        read_file(tmp_path / 'records' / 'first.jsonl', 'mine')


@pytest.mark.parametrize('length', [1, 100, -1, -2])
def test_a_file_cut_anywhere_is_damaged(runs, length):
    commit(runs, 'first', pack(1, 2, 3))
    path = runs / 'records' / 'first.jsonl'
    content = path.read_bytes()
    path.write_bytes(content[:length])
    records, skipped = read_folder(runs, 'mine')
    if length == -1:
        assert len(records) == 3, 'only the last newline is gone'
    else:
        assert records == {}
        assert len(skipped) == 1
        assert 'is damaged' in skipped[0]


def test_every_flipped_character_is_seen(runs):
    line = to_line(record(1, size=1))
    for position in range(0, len(line), 7):
        flipped = line[:position] + chr(ord(line[position]) ^ 1) + line[position + 1 :]
        with pytest.raises(ValueError):
            from_line(flipped)


def test_bytes_that_are_no_text_are_damage(runs):
    path = runs / 'records' / 'binary.jsonl'
    path.write_bytes(b'\xff\xfe\x00' * 50)
    assert 'is damaged (it is no text' in read_folder(runs, 'mine')[1][0]


@pytest.mark.parametrize(('name', 'value'), TYPES, ids=str)
def test_a_right_check_and_a_wrong_type_is_damage(tmp_path, name: str, value: object):
    """As another program may write it."""
    prepare(tmp_path)
    commit(tmp_path, 'own', pack(1))
    commit(tmp_path, 'wrong', [{**pack(2)[0], name: value}])
    records, skipped = read_folder(tmp_path, 'mine')
    assert list(records) == ['trial-1'] and len(skipped) == 1
    assert f'wrong.jsonl is damaged (line 1: its {name} is' in skipped[0]


def test_json_that_is_nested_too_deeply_is_damage(runs):
    body = json.dumps({**pack(2)[0], 'curve': 0})[:-1].replace('"curve": 0', '"curve": ' + '[' * 100_000 + ']' * 100_000)
    check = hashlib.sha256(body.encode()).hexdigest()[:16]
    (runs / 'records' / 'deep.jsonl').write_text(f'{body}, "check": "{check}"}}\n')
    with pytest.raises(ValueError, match=r'deep.jsonl is damaged \(line 1: its JSON is nested more than 200 levels\)'):
        read_file(runs / 'records' / 'deep.jsonl', 'mine')


NO_FILES = {'pipe': os.mkfifo, 'device': lambda path: path.symlink_to('/dev/zero'), 'folder': Path.mkdir}


@pytest.mark.parametrize('make', NO_FILES.values(), ids=NO_FILES)
def test_what_is_no_file_is_named_and_not_waited_for(runs, make):
    commit(runs, 'own', pack(1))
    make(runs / 'records' / 'odd.jsonl')
    records, skipped = read_folder(runs, 'mine')
    assert list(records) == ['trial-1']
    assert 'odd.jsonl cannot be read' in skipped[0] and 'move' not in skipped[0]


def test_a_file_that_unpacks_without_end_is_damage(runs, monkeypatch):
    monkeypatch.setattr(records, 'UNPACKED', 10**4)
    (runs / 'records' / 'bomb.jsonl.gz').write_bytes(gzip.compress(b'0' * 10**6))
    assert 'bomb.jsonl.gz is damaged (it unpacks to more than 100 times its size' in read_folder(runs, 'mine')[1][0]


@pytest.mark.parametrize(('over', 'sound'), [(0, True), (1, False)])
def test_records_may_unpack_to_so_many_bytes_and_no_more(runs, monkeypatch, over, sound):
    lines = ''.join(f'{line}\n' for line in LINES).encode()
    monkeypatch.setattr(records, 'UNPACKED', len(lines) - over)
    monkeypatch.setattr(records, 'RATIO', 0)
    path = runs / 'records' / 'many.jsonl.gz'
    path.write_bytes(gzip.compress(lines))
    if sound:
        assert records.content(path) == lines
    else:
        with pytest.raises(ValueError, match='it unpacks to more than 0 times its size'):
            records.content(path)
