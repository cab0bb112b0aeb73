"""Committed: the records of a run's folder are followed file by file, however many files there are."""

import os
from pathlib import Path

import finished_study

from ablations.study_files import load_study
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
