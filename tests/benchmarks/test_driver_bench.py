"""The benchmark of the driver: a tiny run with simulated workers that are lost, its counts, and its text."""

from pathlib import Path

import pytest

from benchmarks.driver import SCANS, Simulation, bench, lines, panels
from results.store.records import FOLDER
from sweeps.launch import order_files

FEW = (
    '"""Few trials."""\nfrom ablations.study import Study\n'
    "study = Study(name='large', question=__doc__, arms={'base': (), 'same': ()}, tasks=('digits', 'recall'), trials=8,\n"
    '              replicates=3)\n'
)


@pytest.fixture(scope='module')
def told() -> dict:
    return Simulation().run(FEW, 8, 0.9)


def test_a_run_ends_with_every_trial_once_though_workers_are_lost(told: dict):
    assert told['trials'] > 2 * 2 * 3 * 8 and told['failed'] == 0
    assert told['lost'] > 2 and told['commits'] == told['packs'] > 2 * 2 * 3
    assert told['worker_hours'] > told['trials'] * 40 / 3600
    # Eight workers that are lost now and then, and the tails of phases: not faster than that, and not many times slower.
    assert told['worker_hours'] / 8 <= told['hours'] < 2 * told['worker_hours']


def test_no_folder_is_listed_once_a_commit(told: dict):
    """`present` is looked through where a worker is lost, the others when the run begins and ends."""
    scans = told['scans']
    assert scans[order_files.FOLDER] <= 3 and scans[FOLDER] <= 5 < told['commits']
    assert scans['present'] <= 6 + told['lost']


def test_listed_folders_are_counted(tmp_path: Path):
    with SCANS.counted() as scans:
        list(tmp_path.iterdir())
        with SCANS.paused():
            list(tmp_path.iterdir())
    list(tmp_path.iterdir())
    assert scans == {tmp_path.name: 1}


def test_it_is_told_in_eighty_columns(told: dict):
    large = {**told, 'trials': 100_000, 'packs': 25_000, 'workers': 1000, 'lost': 1234, 'worker_hours': 1666.6}
    results = {'machine': {'processor': 'abacus', 'cores': 1, 'load': 0.0}, 'runs': [large]}
    assert max(map(len, lines(results))) <= 80
    assert list(panels(results)) == ['100,000 trials']
    with pytest.raises(ValueError, match='allowed: from 500 trials'):
        bench([100])
