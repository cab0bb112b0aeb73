"""The worked example of a user's own blocks: they keep every contract, and a study of them runs to its verdicts."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parent / 'examples'


def test_both_blocks_keep_every_contract(called: Callable):
    done = called('check', EXAMPLES / 'my_blocks.py', '--json')
    assert done.returncode == 0, done.stdout + done.stderr
    answer = json.loads(done.stdout)
    assert set(answer) == {'mixer token_shift', 'norm soft_clip'}
    assert all(contract['holds'] for contracts in answer.values() for contract in contracts)


@pytest.mark.slow
def test_a_study_of_them_runs_from_any_folder(archlab: Callable, tmp_path: Path):
    settings = ['trials=2', 'replicates=2', 'extension=1', 'tasks.recall.steps=8', 'tasks.recall.evaluations=2']
    settings += ['tasks.stdlib_bytes.steps=4', 'tasks.stdlib_bytes.evaluations=2', 'tasks.stdlib_bytes.batch=4']
    chosen = [part for setting in settings for part in ('--set', setting)]
    done = archlab('run', EXAMPLES / 'my_study.py', '--runs', tmp_path / 'runs', *chosen, '--json', cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    answer = json.loads(archlab('table', EXAMPLES / 'my_study.py', '--runs', tmp_path / 'runs', '--json', cwd=tmp_path).stdout)
    assert {(finding['arm'], finding['task']) for finding in answer} >= {
        ('token_shift', 'recall'),
        ('soft_clip', 'stdlib_bytes'),
    }
