"""A run of a study that stops hopeless tuning runs: what goes on has the bits of what never stopped, also after a kill."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from launcher_here import LauncherHere

from sweeps.launch import LAUNCHERS
from sweeps.training.saving import PAUSES


def told(folder: Path) -> dict[str, tuple]:
    """What records say of their trials, without when and how fast they ran."""
    lines = [json.loads(line) for path in sorted(folder.glob('records/*.jsonl')) for line in path.read_text().splitlines()]
    assert len(lines) == len({line['id'] for line in lines})
    return {
        r['id']: (r['status'], r['score'], r['curve'], r['knobs'], r['steps'], r.get('until'), r['cost']['steps'])
        for r in lines
    }


@pytest.mark.slow
def test_runs_that_go_on_are_those_that_never_stopped(
    called: Callable, tiny_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(LAUNCHERS, 'here', LauncherHere)
    own = '--launcher', 'here'
    halved, plain = tmp_path / 'halved', tmp_path / 'plain'
    settings = ('--set', 'trials=4', '--set', 'extension=0', '--set', 'replicates=1', '--set', 'looks=(1,)', '--set', 'seeds=1')
    stops = (*settings, '--set', 'halvings=(0.25, 0.5)')
    assert called('run', tiny_file, '--runs', halved, *own, *stops).returncode == 0
    first = told(halved / 'tiny_study')
    counts = Counter(until for _, _, _, _, _, until, _ in first.values())
    # Two tasks and two arms; four trials, of which two and then one go on.
    assert counts == {2: 16, 4: 8, None: 4 + 4}
    for status, score, _, _, steps, until, trained in first.values():
        assert trained == (until or steps) and (score is None) == (status == 'stopped') == bool(until)
    assert not (halved / 'tiny_study' / PAUSES).exists(), 'what goes on from nowhere is not kept'
    # Killed after any pack, also where a pause is lost: the same records. Those of the stops are the newer half of the files.
    lost = sorted((halved / 'tiny_study' / 'records').iterdir(), key=lambda path: path.stat().st_mtime_ns)[1::2]
    for path in lost:
        path.unlink()
    assert called('run', tiny_file, '--runs', halved, *own, *stops).returncode == 0
    assert told(halved / 'tiny_study') == first
    # The same study without stops has the same runs, and more.
    assert called('run', tiny_file, '--runs', plain, *own, *settings).returncode == 0
    whole = told(plain / 'tiny_study')
    tuned = {key: record for key, record in first.items() if key in whole}
    assert len(tuned) >= 4 and all(whole[key] == record for key, record in tuned.items())
