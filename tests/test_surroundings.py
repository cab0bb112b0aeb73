"""What lies around the records: another block file than the one that ran, and prepared sets that are damaged, are named."""

import dataclasses
import types
from pathlib import Path

import finished_study
import numpy as np
import pytest

import archlab.study_runs as study_runs
from archlab import surroundings as module
from archlab.surroundings import surroundings
from sweeps import journal
from sweeps.datasets import prepared

BLOCKS, DATA = 'the block file is the one that ran', 'the prepared data are whole'


def checks(reading: object) -> dict:
    return {check.rule: check for check in surroundings(reading)}


def test_an_edited_block_file_is_named(tmp_path: Path):
    blocks = tmp_path / 'blocks.py'
    blocks.write_text('NORMS = {}\n')
    source = finished_study.SOURCE.replace('trials=6', f'blocks={str(blocks)!r}, trials=6')
    file = finished_study.write(tmp_path, source)
    made = checks(study_runs.open_study(str(file), tmp_path / 'runs').reading)
    assert made[BLOCKS].holds and 'its hash is' in made[BLOCKS].why
    blocks.write_text('NORMS = {}  # edited\n')
    made = checks(study_runs.open_study(str(file), tmp_path / 'runs').reading)
    assert not made[BLOCKS].holds and 'packs are of block files of other hashes' in made[BLOCKS].why
    # Run again, as it says.
    finished_study.write(tmp_path, source)
    made = checks(study_runs.open_study(str(file), tmp_path / 'runs').reading)
    assert made[BLOCKS].holds and 'packs are of block files of other hashes' in made[BLOCKS].why


def test_damaged_prepared_data_are_named_without_jax(tmp_path: Path, monkeypatch):
    monkeypatch.setenv('ARCHLAB_DATA', str(tmp_path))
    part = prepared.Part(np.arange(32, dtype=np.uint8).reshape(8, 2, 2, 1), np.arange(8, dtype=np.int32) % 2, np.arange(8))
    folder = prepared.write(tmp_path / 'prepared' / 'little', {'kind': 'images'}, part, part).folder
    reading = study_runs.open_study(str(finished_study.write(tmp_path)), tmp_path / 'runs').reading
    assert 'no prepared set' in checks(reading)[DATA].why
    data = {'kind': 'mixture', 'parts': [{'kind': 'images', 'dataset': 'little'}, {'kind': 'text', 'dataset': 'absent'}]}
    tasks = [dataclasses.replace(reading.study.tasks[0])]
    object.__setattr__(tasks[0], 'data', data)
    study = dataclasses.replace(reading.study)
    object.__setattr__(study, 'tasks', tuple(tasks))
    reading = dataclasses.replace(reading, study=study)
    assert checks(reading)[DATA].why.startswith('every file of little matches its checksum; not checked: absent, which is')
    content = bytearray((folder / 'pool' / 'x.npy').read_bytes())
    content[-1] ^= 1
    (folder / 'pool' / 'x.npy').write_bytes(content)
    made = checks(reading)[DATA]
    assert not made.holds and 'x.npy is damaged' in made.why


def test_the_data_are_those_that_the_last_run_read(tmp_path: Path, monkeypatch):
    """Whoever gave `--data` when the study ran is not told that damaged data are whole."""
    for place, value in (('run', 0), ('here', 7)):
        part = prepared.Part(np.full((8, 2, 2, 1), value, np.uint8), np.arange(8, dtype=np.int32) % 2, np.arange(8))
        prepared.write(tmp_path / place / 'prepared' / 'little', {'kind': 'images'}, part, part)
    monkeypatch.setenv('ARCHLAB_DATA', str(tmp_path / 'nowhere'))
    reading = study_runs.open_study(str(finished_study.write(tmp_path)), tmp_path / 'runs').reading
    task = dataclasses.replace(reading.study.tasks[0])
    object.__setattr__(task, 'data', {'kind': 'images', 'dataset': 'little'})
    study = dataclasses.replace(reading.study)
    object.__setattr__(study, 'tasks', (task,))
    reading = dataclasses.replace(reading, study=study)
    made = checks(reading)[DATA]
    assert made.holds and not made.tried and made.why.startswith('not checked: little, which is not here; give --data')
    journal.note(reading.folder, 'began', data=str(tmp_path / 'run'))
    made = checks(reading)[DATA]
    assert made.tried and made.why == 'every file of little matches its checksum'
    path = tmp_path / 'run' / 'prepared' / 'little' / 'test' / 'x.npy'
    path.write_bytes(path.read_bytes()[:-1] + b'x')
    monkeypatch.setenv('ARCHLAB_DATA', str(tmp_path / 'here'))
    made = checks(reading)[DATA]
    assert not made.holds and f'{path} is damaged' in made.why
    assert surroundings(reading, tmp_path / 'here')[1].holds


def test_a_test_split_that_is_too_small_is_named(tmp_path: Path):
    reading = study_runs.open_study(str(finished_study.write(tmp_path)), tmp_path / 'runs').reading
    rule = 'test splits resolve their margins'
    for sizes, said in (
        ({'digits': 360}, 'warning, test splits that cannot resolve their margin: digits (360'),
        ({}, 'as far as'),
    ):
        check = checks(dataclasses.replace(reading, records={}, manifest={**reading.manifest, 'test_sizes': sizes}))[rule]
        assert check.holds and check.why.startswith(said)


class Known(dict):
    """Records by trial id, each of them whole."""

    def whole(self, key: str) -> dict:
        return self[key]


OTHERS = '2 packs are of block files of other hashes (none, old) than {}; {}'
AGAIN, NOWHERE = 'take the file that ran, or run the study again', 'they count nowhere, because the study has run with this one'


@pytest.mark.parametrize(
    ('now', 'others', 'complete', 'recorded', 'holds', 'why'),
    [
        ('', (), False, True, True, "the study has no blocks of a user's own"),
        ('abc', (), False, True, True, 'its hash is abc'),
        ('abc', ('abc',), False, True, True, 'its hash is abc'),
        ('abc', ('old', None), True, True, True, OTHERS.format('my.py (hash abc)', NOWHERE)),
        ('abc', ('old', None), False, True, False, OTHERS.format('my.py (hash abc)', AGAIN)),
        ('abc', ('old', None), True, False, False, OTHERS.format('my.py (hash abc)', AGAIN)),
        ('', ('old', 'old'), True, True, True, f'{OTHERS.format("no block file", NOWHERE)}'.replace('none, ', '')),
    ],
)
def test_packs_of_other_block_files_are_counted(now, others, complete, recorded, holds, why):
    records = Known({str(n): {'pack': {'id': f'pack {n}'}, 'blocks': one} for n, one in enumerate(others)})
    records |= {'planned': {'pack': {'id': 'planned'}, 'blocks': 'its own'}} if recorded else {}
    reading = types.SimpleNamespace(
        study=types.SimpleNamespace(blocks_hash=now, blocks='my.py'),
        schedule=types.SimpleNamespace(trials=[types.SimpleNamespace(id='planned')], complete=complete),
        records=Known(records),
    )
    check = module._blocks(reading)
    assert (check.rule, check.holds, check.why) == (BLOCKS, holds, why)


@pytest.mark.parametrize(
    ('names', 'holds', 'tried', 'why'),
    [
        ((), True, True, 'the study reads no prepared set'),
        (('b', 'a'), True, True, 'every file of a, b matches its checksum'),
        (
            ('a', 'y', 'x'),
            True,
            True,
            'every file of a matches its checksum; not checked: x, y, which is not here; give --data the folder that holds it',
        ),
        (('x',), True, False, 'not checked: x, which is not here; give --data the folder that holds it'),
        (('torn', 'other', 'x'), False, True, "the set 'other' is another (its digest is new) than ran (old); torn is damaged"),
        (('half',), False, True, 'half is damaged'),
    ],
)
def test_prepared_sets_are_told_one_by_one(monkeypatch, names, holds, tried, why):
    def find(name: str, place: str) -> types.SimpleNamespace:
        def read(*_: object) -> None:
            raise ValueError(f'{name} is damaged')

        made = types.SimpleNamespace(pool=list, test=read if name == 'half' else list, about={'digest': 'new'})
        return read() if name == 'torn' else made

    monkeypatch.setattr(module, '_place', lambda reading, name, data: None if name in ('x', 'y') else 'there')
    monkeypatch.setattr('ablations.prepared_facts.sets_of', lambda data: data)
    monkeypatch.setattr(prepared, 'find', find)
    tasks = [types.SimpleNamespace(data=[name]) for name in names]
    reading = types.SimpleNamespace(
        study=types.SimpleNamespace(tasks=tasks), manifest={'sets': {'other': 'old', 'a': 'new'}}, folder=None
    )
    check = module._data(reading, None)
    assert (check.rule, check.holds, check.tried, check.why) == (DATA, holds, tried, why)


@pytest.mark.parametrize(
    ('data', 'last', 'holding', 'place'),
    [
        ('given', 'last', ('given', 'last', 'used'), 'given'),
        ('given', 'last', ('last', 'used'), None),
        (None, 'last', ('last', 'used'), 'last'),
        (None, 'last', ('used',), 'used'),
        (None, '', ('used',), 'used'),
        (None, None, ('', 'used'), 'used'),
        (None, 'last', (), None),
    ],
)
def test_a_set_is_looked_for_where_it_was_read(monkeypatch, data, last, holding, place):
    monkeypatch.setattr(journal, 'account', lambda folder: types.SimpleNamespace(data=last))
    monkeypatch.setattr('ablations.locations.data_folder', lambda: Path('used'))
    monkeypatch.setattr(prepared, 'is_prepared', lambda name, where: name == 'little' and where in map(Path, holding))
    reading = types.SimpleNamespace(folder=None if last is None else Path('runs'))
    assert module._place(reading, 'little', data and Path(data)) == (place and Path(place))


def test_the_largest_error_of_single_examples_counts(monkeypatch):
    asked, tasks = [], [types.SimpleNamespace(name='digits'), types.SimpleNamespace(name='recall')]
    monkeypatch.setattr('results.resolution.item_errors', lambda _, task: [0.1, 0.3, 0.2] if task is tasks[0] else [])
    monkeypatch.setattr('results.resolution.resolutions', lambda *given: asked.append(given) or 'resolved')
    study = types.SimpleNamespace(tasks=tasks)
    for small, why in (('digits is small', 'warning, digits is small'), ('', 'as far as their sizes are known')):
        monkeypatch.setattr('results.resolution.small_splits', {'resolved': small}.get)
        check = module._splits(types.SimpleNamespace(study=study, records='records', manifest={'test_sizes': {'digits': 9}}))
        assert check.holds and check.why == why
    assert asked[0] == (study, 'records', {'test_sizes': {'digits': 9}}, {'digits': 9}, {'digits': 0.3})
