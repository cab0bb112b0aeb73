"""Sweep launch scripts: each runs the command that it is for, whatever study and folder are called."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from sweeps.launch.scripts import FOLDER, kinds, script_for

OPTIONS = ['--gpus', '1', '--time', '2:00:00', "--partition=it's"]


def said(text: str, folder: Path) -> list[str]:
    """The words of the command that a script ends in, by a command that says them."""
    command = folder / 'archlab'
    command.write_text('#!/bin/bash\nprintf "%s\\n" "$@"\n')
    command.chmod(0o755)
    environment = {**os.environ, 'PATH': f'{folder}{os.pathsep}{os.environ["PATH"]}'}
    done = subprocess.run(['bash', '-c', text], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, '')
    return done.stdout.splitlines()


@pytest.mark.parametrize('kind', kinds())
def test_a_script_runs_the_study_on_its_cluster(kind: str, tmp_path: Path):
    values = {'study': "studies/it's $mine.py", 'runs': '/shared/my runs', 'archlab': str(tmp_path / 'archlab')}
    words = said(script_for(kind, values, OPTIONS), tmp_path)
    assert words[:6] == ['run', values['study'], '--runs', values['runs'], '--launcher', kind]
    assert words[-len(OPTIONS) :] == OPTIONS


@pytest.mark.parametrize('kind', kinds())
def test_the_examples_run_as_they_are(kind: str, tmp_path: Path):
    assert said((FOLDER / f'{kind}.sh').read_text(), tmp_path)[:2] == ['run', 'quickstart']


def test_an_unknown_cluster_is_refused():
    with pytest.raises(ValueError, match=r"--for 'slrm'; allowed: \['ray', 'slurm'\]. Did you mean 'slurm'"):
        script_for('slrm', {}, [])


@pytest.mark.parametrize(
    ('given', 'message'),
    [
        (['quickstar', '--for', 'slurm'], "Did you mean 'quickstart'"),
        (['quickstart', '--for', 'slurm', '--time', 'soon'], "--time 'soon'"),
        (['quickstart', '--for', 'ray', '--gpus', '-1'], '--gpus -1'),
        (['quickstart', '--for', 'ray', '--partition', 'gpu'], "--partition is nothing to launcher 'ray'"),
    ],
)
def test_what_the_script_could_not_run_is_refused_at_once(called: Callable, tmp_path: Path, given: list[str], message: str):
    done = called('launch-script', *given, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, '') and message in done.stderr
    assert called('launch-script', 'quickstart', '--for', given[2], '--gpus', '1', cwd=tmp_path).returncode == 0
