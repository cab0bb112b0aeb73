"""Whole runs: killed at any moment and run again, the same trials and the same findings."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest


def lines_of(folder: Path) -> list[dict]:
    return [json.loads(line) for path in sorted(folder.glob('records/*.jsonl')) for line in path.read_text().splitlines()]


def facts(records: list[dict]) -> dict:
    """What a record says of its trial, without when and how fast it ran."""
    return {r['id']: (r['status'], r['score'], r['curve'], r['knobs'], r['seed']) for r in records}


@pytest.fixture(scope='module')
def undisturbed(tmp_path_factory: pytest.TempPathFactory, archlab: Callable) -> tuple[Path, Path]:
    """A study file and the folder of a run of it that nobody disturbed."""
    folder = tmp_path_factory.mktemp('undisturbed')
    study = folder / 'tiny_study.py'
    study.write_text(
        '"""Does the lab run from end to end?"""\n'
        'from ablations.spaces import log\n'
        'from ablations.study import Study, swap, task\n'
        "digits = task('digits', steps=8, batch=16, evaluations=2)\n"
        "recall = task('recall', steps=8, batch=16, evaluations=2)\n"
        "space = {'lr': log(1e-2, 1.0), 'weight_decay': log(1e-4, 1e-2)}\n"
        "study = Study(name='tiny_study', question=__doc__, arms={'base': (), 'no_mixer': swap('mixer', 'identity')},\n"
        "              tasks=(digits, recall), tune={'sgd': space}, trials=4, extension=2, replicates=2)\n"
    )
    done = archlab('run', study, '--runs', folder / 'runs', '--json')
    assert done.returncode == 0, done.stderr
    assert 'Traceback' not in done.stderr and 'WARNING' not in done.stderr
    assert len(json.loads(done.stdout)) == 2
    return study, folder / 'runs'


def kill_and_rerun(archlab: Callable, study: Path, runs: Path, kills: int, seed: int, longest: float) -> None:
    script = Path(sys.executable).with_name('archlab')
    chance = random.Random(seed)
    for _ in range(kills):
        process = subprocess.Popen(
            [str(script), 'run', str(study), '--runs', str(runs)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env=dict(os.environ),
        )
        time.sleep(chance.uniform(0.5, longest))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    done = archlab('run', study, '--runs', runs)
    assert done.returncode == 0, done.stderr


def check_killed(archlab: Callable, undisturbed: tuple[Path, Path], runs: Path, kills: int, seed: int) -> None:
    study, calm = undisturbed
    kill_and_rerun(archlab, study, runs, kills, seed, longest=12.0)
    records, expected = lines_of(runs / 'tiny_study'), lines_of(calm / 'tiny_study')
    ids = [record['id'] for record in records]
    assert len(ids) == len(set(ids))
    assert facts(records) == facts(expected)
    tables = [archlab('table', study, '--runs', folder, '--json').stdout for folder in (runs, calm)]
    assert tables[0] == tables[1] and json.loads(tables[0])


def test_killed_and_run_again(archlab: Callable, undisturbed: tuple[Path, Path], tmp_path: Path):
    check_killed(archlab, undisturbed, tmp_path / 'runs', kills=3, seed=0)


@pytest.mark.slow
def test_killed_ten_times(archlab: Callable, undisturbed: tuple[Path, Path], tmp_path: Path):
    check_killed(archlab, undisturbed, tmp_path / 'runs', kills=10, seed=1)


def test_a_finished_run_has_nothing_left_to_do(archlab: Callable, undisturbed: tuple[Path, Path]):
    study, runs = undisturbed
    status = json.loads(archlab('status', study, '--runs', runs, '--json').stdout)
    assert status['complete'] and status['planned'] == status['done'] == status['ok'] + status['diverged']
    assert json.loads(archlab('plan', study, '--runs', runs, '--json').stdout)['trials'] == 0


def test_a_rerun_of_one_trial_gives_its_numbers(archlab: Callable, undisturbed: tuple[Path, Path]):
    study, runs = undisturbed
    record = next(r for r in lines_of(runs / 'tiny_study') if r['held'] == 'tuning' and r['status'] == 'ok')
    again = json.loads(archlab('run', study, '--runs', runs, '--trial', record['id'], XLA_FLAGS='').stdout)
    assert again['recorded']['id'] == record['id']
    assert again['now']['score'] == pytest.approx(record['score'], abs=0.05)


def test_test_reads_are_counted(undisturbed: tuple[Path, Path]):
    _, runs = undisturbed
    manifest = json.loads((runs / 'tiny_study' / 'manifest.json').read_text())
    on_test = [record for record in lines_of(runs / 'tiny_study') if record['held'] == 'test']
    assert sum(manifest['test_reads'].values()) == len(on_test) > 0


def test_growing_a_study_reuses_what_is_recorded(archlab: Callable, undisturbed: tuple[Path, Path], tmp_path: Path):
    study, runs = undisturbed
    before = {record['id'] for record in lines_of(runs / 'tiny_study')}
    shutil.copytree(runs, tmp_path / 'runs')
    grown = json.loads(archlab('plan', study, '--runs', tmp_path / 'runs', '--set', 'replicates=3', '--json').stdout)
    assert grown['done'] >= 2 * 2 * 2 * 4 and grown['trials'] == 2 * 2 * 4
    assert {record['id'] for record in lines_of(tmp_path / 'runs' / 'tiny_study')} == before
