"""The benchmark of peers: the same study for everybody, and processes whose time is known."""

import importlib.util
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import peers
from benchmarks.peers import Peers, lines, panels, timed


def test_time_is_that_of_all_processes():
    busy = (sys.executable, '-S', '-c', 'import time\nwhile time.process_time() < 0.2: pass')
    wall, cpu = timed([busy, busy], os.environ)
    assert cpu >= 0.4 and wall >= 0.2
    with pytest.raises(RuntimeError, match='no such thing'):
        timed([(sys.executable, '-S', '-c', "raise ValueError('no such thing')")], os.environ)


def test_the_study_is_the_same_for_everybody(tmp_path: Path, monkeypatch):
    made = Peers(4, tmp_path)
    assert made.tuned == 4 * 2 * 4 and made.runs == made.tuned + 2 * 2 * 4
    assert made.arms['no_mixer']['config']['mixer'] == {'kind': 'identity'}
    assert made.arms['wider']['shapes']['block_0/channel/up/kernel'] == [16, 96]
    told = np.load(made.examples)
    assert not set(told['train_0']) & set(told['held_0']) and len(told['test_x']) == 360
    asked = []
    monkeypatch.setattr(peers, 'timed', lambda commands, environment: asked.extend(commands) or (10.0, 20.0))
    assert made.optuna(2) == {'wall_s': 10.0, 'cpu_s': 20.0, 'tuned': 32, 'runs': 48}
    jobs = [tuple(job) for command in asked for job in json.loads(command[-1])['jobs']]
    assert sorted(jobs) == sorted((arm, replicate) for arm in made.arms for replicate in range(2))
    monkeypatch.setattr(peers, 'cores', lambda: 2)
    # Four of 48 runs are timed, in two batches of ten seconds.
    assert made.processes(cold=True) == {'wall_s': 240.0, 'cpu_s': 480.0, 'tuned': 32, 'runs': 48, 'measured': 4}


def test_peers_are_told_in_eighty_columns():
    number = {'median': 12345.6, 'least': 1.0, 'greatest': 99999.9}
    side = {'tuned_an_hour': number, 'wall_s': number, 'cpu_s': number, 'runs': 48, 'tuned': 32, 'measured': 48}
    sides = {name: {**side, 'measured': 4 if name.startswith('process') else 48} for name in peers.SIDES}
    machine = {'processor': 'abacus', 'cores': 1, 'load': 0.0}
    results = {'machine': machine, 'arms': ['base'], 'tuned': 32, 'runs': 48, 'apart': {'base': 3e-7}, 'sides': sides}
    text = lines(results)
    assert max(map(len, text)) <= 80 and sum('4 runs a round were timed' in line for line in text) == 1
    assert list(panels(results)['a small study']) == list(peers.SIDES.values())


def test_an_unknown_side_is_refused(monkeypatch):
    monkeypatch.setattr(peers, 'needs_torch', lambda command: None)
    with pytest.raises(ValueError, match=r"unknown sides \['each'\]; allowed: \['lab, warm'"):
        peers.bench(1, 4, ['each'])


@pytest.mark.skipif(importlib.util.find_spec('torch') is None, reason="PyTorch is not installed ('.[bench]')")
def test_optuna_tunes_and_confirms(tmp_path: Path):
    from benchmarks.sides.optuna_study import drawn, run

    made = Peers(2, tmp_path)
    scores = run(made.arms, str(made.examples), [('base', 1)], trials=2, seeds=1, steps=3, batch=8)
    assert list(scores) == ['base, 1'] and 0 <= scores['base, 1'] <= 1
    params = drawn({'kernel': [400, 50], 'scale': [3], 'bias': [2]}, 0)
    assert params['kernel'].std() == pytest.approx(0.05, rel=0.03) and np.abs(params['kernel']).max() <= 0.1 / 0.8796
    assert params['scale'].tolist() == [1, 1, 1] and params['bias'].tolist() == [0, 0]


@pytest.mark.slow
def test_one_trial_learns():
    from ablations.tasks import TASKS
    from benchmarks.sides.one_trial import train

    assert train(TASKS['digits'].base, steps=60, batch=64, seed=0) > 0.3
