"""What lies around the records: another block file than the one that ran, and prepared sets that are damaged, are named."""

import dataclasses
from pathlib import Path

import finished_study
import numpy as np

import archlab.study_runs as study_runs
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
