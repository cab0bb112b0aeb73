"""Committed: the records of a run's folder are followed file by file, however many files there are."""

import os
from collections import Counter
from pathlib import Path

import finished_study
import pytest

from ablations.study_files import load_study
from results.store.records import file_name
from sweeps.committed import Committed
from sweeps.protocol.packing import pack
from sweeps.protocol.plan import schedule


def test_packs_are_committed_and_taken_without_a_list_of_the_folder(tmp_path: Path, monkeypatch):
    study = load_study(str(finished_study.write(tmp_path, share=0.6)))
    folder = tmp_path / 'runs' / study.name
    committed = Committed(folder, study)
    there = len(committed.records)
    missing = [
        item for item in pack(study, schedule(study, committed.records, {}).trials, {'lanes': 4}) if committed.lacks(item)
    ]
    listed, scandir, listdir = [], os.scandir, os.listdir
    monkeypatch.setattr(os, 'scandir', lambda *path: listed.append(path) or scandir(*path))
    monkeypatch.setattr(os, 'listdir', lambda *path: listed.append(path) or listdir(*path))
    assert len(missing) > 1
    for item in missing:
        name = committed.next_name(item)
        assert not committed.has(name)
        committed.fail(item, name, 'none')
        assert committed.has(name)
        committed.catch_up(item)
    assert len(committed.records) == there + sum(len(item.trials) for item in missing) and not listed


def test_a_failed_pack_is_tried_again_under_another_name_where_that_is_asked_for(tmp_path: Path):
    study = load_study(str(finished_study.write(tmp_path, share=0.6)))
    folder = tmp_path / 'runs' / study.name
    committed = Committed(folder, study)
    packs = pack(study, schedule(study, committed.records, {}).trials, {'lanes': 4})
    item = next(one for one in packs if committed.lacks(one))
    done = next(one for one in packs if not committed.lacks(one))
    ids = [trial.id for trial in item.trials]
    assert committed.recorded(done) == [trial.id for trial in done.trials] and committed.recorded(item) == []
    first = committed.next_name(item)
    fresh = committed.fail(item, first, 'it went wrong')
    assert [(one['id'], one['status']) for one in fresh] == [(key, 'failed') for key in ids]
    assert not committed.lacks(item) and committed.next_name(item) != first and first in committed.seen
    assert not Committed(folder, study).lacks(item)
    again = Committed(folder, study, retry=True)
    assert again.lacks(item) and again.recorded(item) == [] and again.next_name(item) not in (first, item.id)
    assert len(again.records) == len(committed.records) - len(ids)


def test_reads_of_the_test_split_are_counted_by_dataset(tmp_path: Path):
    study = load_study(str(finished_study.write(tmp_path)))
    committed = Committed(tmp_path / 'runs' / study.name, study)
    wanted = Counter(record['task'] for record in committed.records.values() if record['held'] == 'test')
    assert committed.test_reads() == wanted and 0 < wanted.total() < len(committed.records)


def test_a_folder_with_a_damaged_file_is_refused(tmp_path: Path):
    study = load_study(str(finished_study.write(tmp_path, share=0.3)))
    folder = tmp_path / 'runs' / study.name
    path = sorted((folder / 'records').glob('*.jsonl'))[0]
    path.write_text(path.read_text()[:-30])
    with pytest.raises(ValueError, match=path.name):
        Committed(folder, study)


def test_files_of_a_pack_that_come_from_elsewhere_are_read_once(tmp_path: Path):
    study = load_study(str(finished_study.write(tmp_path, share=0.6)))
    folder = tmp_path / 'runs' / study.name
    here, there = Committed(folder, study), Committed(folder, study)
    packs = pack(study, schedule(study, here.records, {}).trials, {'lanes': 4})
    item = next(one for one in packs if here.lacks(one))
    names = [file_name(item.id, attempt) for attempt in (1, 2, 3)]
    assert here.catch_up(item) == [] and here.next_name(item) == names[0] and not here.has(names[0])
    ids = [trial.id for trial in item.trials]
    assert [one['id'] for one in there.fail(item, names[0], 'lost')] == ids
    # What has come since keeps its name until it was read.
    assert here.next_name(item) == names[0] and here.has(names[0]) and here.lacks(item)
    assert [one['id'] for one in here.catch_up(item)] == ids and here.catch_up(item) == []
    assert here.next_name(item) == there.next_name(item) == names[1] and not here.lacks(item)
    assert here.take(names[0]) == [], 'nothing of it is new'
    retrying = Committed(folder, study, retry=True)
    assert [one['id'] for one in retrying.fail(item, names[1], 'again')] == ids and retrying.next_name(item) == names[2]
    assert here.catch_up(item) == [] and here.next_name(item) == names[2], 'a second failure is no news'
