"""Own ids: a record that was put under the id of another trial is damage, whoever reads it; ids of older versions count."""

import dataclasses
import json
from pathlib import Path

import pytest
from finished_study import write

from ablations.trial import Program, trial_id
from archlab import main
from archlab.answers import BAD_INPUT, FELL_SHORT
from results.store import records
from results.store.own_ids import own_id
from results.store.recorded import read_folder
from results.store.records import from_line, to_line

PROGRAM = Program('mine', 'base', 'digits', 'digits', 'sgd', 8, 4, 2, {'kind': 'digits'}, {'head': {'kind': 'classes'}})
ABOUT = {'replicate': 1, 'knobs': {'lr': 0.1, 'weight_decay': 1e-05}, 'seed': 7, 'held': 'test'}


def described() -> dict:
    fields = {name: value for name, value in dataclasses.asdict(PROGRAM).items() if name not in ('evaluations', 'declared')}
    known = trial_id(PROGRAM.id, 1, ABOUT['knobs'].items(), 7, 'test')
    return {**fields, **ABOUT, 'id': known, 'curve': {'step': [0, 4, 8]}}


def test_what_a_record_describes_gives_its_id():
    record = described()
    assert own_id(record) == record['id']
    for name, value in (('seed', 8), ('steps', 16), ('held', 'tuning'), ('model', {}), ('blocks', 'a'), ('knobs', {'lr': 0.1})):
        assert own_id({**record, name: value}) != record['id'], name
    assert own_id({**record, 'curve': {'step': [0, 8]}}) != record['id']


def test_what_says_too_little_has_no_id_of_its_own():
    record = described()
    for name in ('curve', 'data', 'model', 'steps'):
        assert own_id({key: value for key, value in record.items() if key != name}) is None
    assert own_id({**record, 'curve': None}) is None


@pytest.mark.parametrize('size', [10**12, 0], ids=['small', 'large'])
@pytest.mark.parametrize(('name', 'value'), [('seed', 5), ('batch', 999), ('model', {'kind': 'other'}), ('knobs', {'lr': 0.5})])
def test_a_record_of_another_trial_is_damage(tmp_path: Path, monkeypatch, capsys, size: int, name: str, value: object):
    monkeypatch.setattr(records, 'LARGE', size)
    file = write(tmp_path)
    folder = tmp_path / 'runs' / 'finished'
    path = sorted((folder / 'records').iterdir())[0]
    first, *rest = path.read_text().splitlines()
    record = {**from_line(first), name: value}
    record.pop('check', None)
    path.write_text('\n'.join([to_line(record), *rest]) + '\n')
    (said,) = read_folder(folder, 'finished')[1]
    assert f"{path} is damaged (line 1: its id is '{record['id']}', and what it describes has the id '" in said
    asked = [str(file), '--runs', str(tmp_path / 'runs')]
    assert main(['verify', *asked, '--json']) == FELL_SHORT
    told = capsys.readouterr()
    first = json.loads(told.out)[0]
    assert first['rule'] == 'every records file is sound' and not first['holds'] and path.name in first['why']
    assert main(['table', *asked]) in (0, BAD_INPUT) and f'skipped: {path}' in capsys.readouterr().err.replace('\n', '')
