"""Sweep launch scripts: each runs the command that it is for, whatever study and folder are called."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from sweeps.launch.scripts import FOLDER, kinds, script_for

OPTIONS = ['--gpus', '1', '--time', '2:00:00', "--partition=it's"]


def said(text: str, folder: Path) -> list[str]:
    """The words of the command that a script ends in, by a command that says them; jax sees a TPU there."""
    for name, line in (('archlab', 'printf "%s\\n" "$@"'), ('python', 'echo tpu 4')):
        (folder / name).write_text(f'#!/bin/bash\n{line}\n')
        (folder / name).chmod(0o755)
    environment = {**os.environ, 'PATH': f'{folder}{os.pathsep}{os.environ["PATH"]}'}
    done = subprocess.run(['bash', '-c', text], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, '')
    return done.stdout.splitlines()


@pytest.mark.parametrize('kind', kinds())
def test_a_script_runs_the_study_on_its_cluster(kind: str, tmp_path: Path):
    values = {'study': "studies/it's $mine.py", 'runs': '/shared/my runs', 'archlab': str(tmp_path / 'archlab')}
    words = said(script_for(kind, values, OPTIONS), tmp_path)
    launcher = {'tpu': 'local'}.get(kind, kind)
    assert words[:6] == ['run', values['study'], '--runs', values['runs'], '--launcher', launcher]
    assert words[-len(OPTIONS) :] == OPTIONS


@pytest.mark.parametrize('kind', kinds())
def test_the_examples_run_as_they_are(kind: str, tmp_path: Path):
    assert said((FOLDER / f'{kind}.sh').read_text(), tmp_path)[:2] == ['run', 'quickstart']


def test_an_unknown_cluster_is_refused():
    with pytest.raises(ValueError, match=r"--for 'slrm'; allowed: \['ray', 'slurm', 'tpu'\]. Did you mean 'slurm'"):
        script_for('slrm', {}, [])


@pytest.mark.parametrize(
    ('given', 'message'),
    [
        (['quickstar', '--for', 'slurm'], "Did you mean 'quickstart'"),
        (['quickstart', '--for', 'slurm', '--time', 'soon'], "--time 'soon'"),
        (['quickstart', '--for', 'ray', '--gpus', '-1'], '--gpus -1'),
        (['quickstart', '--for', 'tpu', '--gpus', '1'], "--gpus is nothing to launcher 'local'"),
        (['quickstart', '--for', 'ray', '--partition', 'gpu'], "--partition is nothing to launcher 'ray'"),
    ],
)
def test_what_the_script_could_not_run_is_refused_at_once(called: Callable, tmp_path: Path, given: list[str], message: str):
    done = called('launch-script', *given, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, '') and message in done.stderr
    gpus = () if given[2] == 'tpu' else ('--gpus', '1')
    assert called('launch-script', 'quickstart', '--for', given[2], *gpus, cwd=tmp_path).returncode == 0


def test_the_script_of_a_tpu_vm_ends_in_one_line_where_there_is_none(called: Callable, tmp_path: Path):
    """As far as it can be tried without one: with the real jax of this environment, on a processor."""
    text = called('launch-script', 'quickstart', '--for', 'tpu', '--runs', tmp_path / 'runs').stdout
    done = subprocess.run(['bash', '-c', text], env={**os.environ, 'JAX_PLATFORMS': 'cpu'}, capture_output=True, text=True)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, '', 1)
    assert done.stderr.startswith('no TPU here: jax sees cpu 1; ') and not (tmp_path / 'runs').exists()
