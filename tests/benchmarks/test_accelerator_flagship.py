"""The accelerator's last part: it chooses the rung that is furthest from done, and stops in time with whole records."""

import time
from pathlib import Path

import pytest

from ablations.flagships import RUNG_STUDIES
from benchmarks.accelerator import flagship as part
from benchmarks.measured import Measured, read
from results.store.recorded import read_folder
from results.store.records import FOLDER


def test_rungs_that_need_a_gpu_wait():
    names = part.waiting()
    assert len(names) == 10 and {'shared_keys_large', 'residual_rules_depth_24'} <= set(names) <= set(RUNG_STUDIES)


def test_the_study_with_the_smallest_share_of_packs_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    names = ['shared_keys_large', 'experts_or_dense_large', 'mixers_by_language_large']
    monkeypatch.setattr(part, 'absent', lambda study: ['zinc'] if 'mixers' in study.name else [])
    assert part.furthest(names, tmp_path).name == 'shared_keys_large', 'the first of those of which nothing is done'
    records = tmp_path / 'shared_keys_large' / FOLDER
    records.mkdir(parents=True)
    (records / 'one.jsonl').touch()
    assert part.furthest(names, tmp_path).name == 'experts_or_dense_large'
    assert part.furthest(names[2:], tmp_path) is None


def test_without_sets_it_names_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv('ARCHLAB_DATA', str(tmp_path / 'nothing'))
    part.run(Measured(tmp_path / 'told.json'), tiny=False)
    (row,) = read(tmp_path / 'told.json')
    assert row['name'] == 'no sets' and {'cifar10', 'tinystories', 'tiny_shakespeare', 'zinc'} <= set(row['absent'])


def test_a_run_is_stopped_in_time(tmp_path: Path):
    began = time.monotonic()
    with part._at_most(0.2):
        time.sleep(20)
    assert time.monotonic() - began < 10
    with part._at_most(20):
        done = True
    assert done


def test_a_tiny_study_has_few_runs_of_few_steps():
    study = part.tiny_study()
    assert part._size(study) == 4 * (2 + 1) and [item.steps for item in study.tasks] == [4]
    config = study.program('own', study.tasks[0].name, next(iter(study.tune))).model
    assert config['stem']['vocabulary'] == config['head']['outputs'] == 256


@pytest.mark.slow
def test_a_tiny_study_is_run_to_its_end(tmp_path: Path):
    part.run(Measured(tmp_path / 'told.json', 300), tiny=True)
    rows = {row['name']: row for row in read(tmp_path / 'told.json')}
    assert rows['begun']['study'] == 'tiny' and rows['trained']['packs'] > 0
    records = read_folder(tmp_path / part.RUNS / 'tiny', 'tiny')[0]
    assert {record['arm'] for record in records.values()} == {'own', 'pairs_of_heads', 'one_for_all', 'latent'}
