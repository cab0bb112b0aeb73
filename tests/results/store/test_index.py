"""A record from the cache is a dict like any other, however it is used first."""

import copy
import json
import operator
import pickle
from collections.abc import Callable

import pytest

from results.store import records
from results.store.index import Record
from results.store.records import commit, prepare, read_folder

WHOLE = {
    'id': 'one',
    'study': 'mine',
    'arm': 'base',
    'task': 'digits',
    'dataset': 'digits',
    'replicate': 0,
    'held': 'tuning',
    'optimizer': 'adamw',
    'knobs': {'lr': 0.1},
    'seed': 3,
    'status': 'diverged',
    'score': None,
    'curve': {'step': [0, 1]},
    'pack': {'id': 'pack', 'records': 2},
}


@pytest.fixture
def pair(tmp_path, monkeypatch) -> list[Record]:
    """Two records of one file, of which only what is at hand has been read."""
    monkeypatch.setattr(records, 'LARGE', 0)
    prepare(tmp_path)
    commit(tmp_path, 'pack', [WHOLE, {**WHOLE, 'id': 'two'}])
    found = list(read_folder(tmp_path, 'mine')[0].values())
    assert [type(record) for record in found] == [Record, Record]
    return found


USES = {
    'keys': lambda r: list(r.keys()) == list(WHOLE),
    'iteration': lambda r: list(r) == list(WHOLE),
    'backwards': lambda r: list(reversed(r)) == list(reversed(WHOLE)),
    'values': lambda r: list(r.values()) == list(WHOLE.values()),
    'items': lambda r: list(r.items()) == list(WHOLE.items()),
    'length': lambda r: len(r) == len(WHOLE),
    'equality': lambda r: r == WHOLE,
    'difference': lambda r: (r != WHOLE, r != {}) == (False, True),
    'equality from the right': lambda r: operator.eq(WHOLE, r) and not operator.eq({}, r),
    'difference from the right': lambda r: operator.ne({}, r) and not operator.ne(WHOLE, r),
    'in': lambda r: 'curve' in r and 'score' in r and 'cost' not in r,
    'item at hand': lambda r: r['score'] is None and r['status'] == 'diverged' and r['seed'] == 3,
    'item not at hand': lambda r: r['curve'] == {'step': [0, 1]} and r['study'] == 'mine',
    'get': lambda r: (r.get('knobs'), r.get('score', 1), r.get('cost'), r.get('cost', 2)) == ({'lr': 0.1}, None, None, 2),
    'merge': lambda r: r | {'more': 1} == {**WHOLE, 'more': 1},
    'merge from the right': lambda r: {'more': 1} | r == {'more': 1, **WHOLE},
    'unpacking': lambda r: {**r} == WHOLE and dict(r) == WHOLE,
    'json': lambda r: json.dumps(r) == json.dumps(WHOLE),
    'copy': lambda r: copy.copy(r) == WHOLE and copy.deepcopy(r) == WHOLE and r.copy() == WHOLE,
    'pickle': lambda r: pickle.loads(pickle.dumps(r)) == WHOLE,
    'text': lambda r: repr(r) == repr(WHOLE),
    'truth': lambda r: bool(r),
    'pop': lambda r: r.pop('curve') == {'step': [0, 1]} and list(r) == [key for key in WHOLE if key != 'curve'],
    'update': lambda r: r.update(score=0.5) is None and r == {**WHOLE, 'score': 0.5},
}


@pytest.mark.parametrize('use', USES.values(), ids=USES)
def test_it_is_the_dict_that_was_written(pair, use: Callable):
    assert use(pair[0])
    assert use(pair[0] if 'pop' not in pair[0] and 'curve' in pair[0] else dict(WHOLE)), 'and still is, once it was read'


def test_what_is_set_stays(pair):
    pair[0]['score'] = 0.5
    assert pair[0] == {**WHOLE, 'score': 0.5}
    del pair[1]['curve']
    assert 'curve' not in pair[1]


def test_two_that_were_not_read_yet_compare(pair):
    assert pair[0] != pair[1]
    assert pair[0] | {'id': 'two'} == pair[1]


def test_an_unknown_key_is_a_key_error(pair):
    with pytest.raises(KeyError, match='cost'):
        pair[0]['cost']
    with pytest.raises(KeyError, match='cost'):
        pair[0]['cost']


def test_what_is_absent_is_not_none(pair):
    """The cache has no value both where a record says null and where it says nothing."""
    assert 'score' in pair[0]
    assert 'final_loss' not in pair[0]


def test_a_file_that_is_damaged_by_now_is_named(tmp_path, pair):
    path = tmp_path / 'records' / 'pack.jsonl'
    path.write_text(path.read_text().replace('digits', 'digest'))
    with pytest.raises(ValueError, match=r'pack.jsonl is damaged \(line 1'):
        pair[0]['curve']
