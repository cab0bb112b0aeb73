"""A whole run of a study whose arms differ in their optimizers alone: trained, concluded, told."""

from collections.abc import Callable
from pathlib import Path

import pytest
from launcher_here import LauncherHere

from sweeps.launch import LAUNCHERS

ARMS = "arms={'base': (), 'no_mixer': swap('mixer', 'identity')}"
DIFFERENT = "arms={'base': (), 'momentum': ()}, optimizers={'base': 'sgd', 'momentum': 'adamw'}, share=True"
BOTH = "tune={'sgd': space, 'adamw': space}"


@pytest.mark.slow
def test_two_optimizers_of_one_model_are_compared(
    called: Callable, tiny_file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setitem(LAUNCHERS, 'here', LauncherHere)
    text = tiny_file.read_text().replace(ARMS, DIFFERENT).replace("tune={'sgd': space}", BOTH)
    path, runs = tmp_path / 'tiny_optimizers.py', tmp_path / 'runs'
    path.write_text(text.replace("name='tiny_study'", "name='tiny_optimizers'"))
    assert DIFFERENT in path.read_text() and BOTH in path.read_text()
    # Four tuning trials and four confirmations of two arms, on two tasks, in two replicates; none is shared.
    done = called('plan', path, '--runs', runs, '--json')
    assert done.returncode == 0 and f'"expected": {2 * 2 * 2 * (4 + 4)}' in done.stdout, done.stdout
    assert called('run', path, '--runs', runs, '--launcher', 'here').returncode == 0
    table = called('table', path, '--runs', runs)
    told = ' '.join(table.stdout.split())
    assert 'Arms differ in the optimizers that they are tuned with: sgd: base; adamw: momentum.' in told
    assert 'Not run at the recipe of the base, whose optimizers they do not have: momentum.' in told
    page = tmp_path / 'page.html'
    assert called('report', path, '--runs', runs, '--out', page).returncode == 0
    assert 'optimizer adamw, not sgd' in page.read_text()
    checked = called('verify', path, '--runs', runs)
    assert 'base with sgd; momentum with adamw' in ' '.join(checked.stdout.split())
