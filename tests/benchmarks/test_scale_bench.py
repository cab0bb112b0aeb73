"""The benchmark of scale: studies of the asked size, records as runs write them, and commands whose cost is known."""

import os
import sys
from pathlib import Path

import pytest

from ablations.study_files import load_study
from archlab import FINE
from benchmarks.scale import EACH, Simulated, lines, panels, study_of
from benchmarks.spent import spent

FEW = (
    '"""Few trials."""\nfrom ablations.study import Study\n'
    "study = Study(name='large', question=__doc__, arms={'base': (), 'same': ()}, tasks=('digits',), trials=4, replicates=1)\n"
)


@pytest.mark.parametrize('trials', [1_000, 10_000, 100_000])
def test_studies_have_about_the_asked_size(trials, tmp_path: Path):
    path = tmp_path / 'large.py'
    path.write_text(study_of(trials))
    study = load_study(str(path))
    assert len(study.arms) * len(study.tasks) * EACH == pytest.approx(trials, rel=0.05)


def test_records_are_those_of_a_run(tmp_path: Path, called):
    path = tmp_path / 'large.py'
    path.write_text(FEW)
    made = Simulated(str(path), str(tmp_path / 'runs'))
    told = made.commit()
    assert told['trials'] >= 2 * (4 + 4) and told['cpu_s'] > 0
    assert set(made.plan()) == {'fitted', 'known'}
    done = called('status', path, '--runs', tmp_path / 'runs')
    assert done.returncode == FINE and f'{told["trials"]}' in done.stdout


def test_a_command_costs_what_it_takes():
    command = (sys.executable, '-S', '-c')
    told = spent((*command, 'import time\nx = bytearray(1 << 26)\nwhile time.process_time() < 0.1: pass'), os.environ, 60)
    assert 0.1 <= told['cpu_s'] <= told['wall_s'] + 0.1 and 64 <= told['mib'] < 128
    assert spent((*command, 'import time; time.sleep(60)'), os.environ, 0.2) == {'cut_off_after_s': 0.2}
    with pytest.raises(RuntimeError, match='no such thing'):
        spent((*command, "raise ValueError('no such thing')"), os.environ, 60)


def test_scale_is_told_in_eighty_columns():
    one = {'cpu_s': 1234.567, 'wall_s': 1234.567, 'mib': 12345.6}
    commands = {'plan': {'first': one, 'again': one}, 'report': {'first': {'cut_off_after_s': 300.0}}}
    commit = {'trials': 100_000, 'packs': 6_250, 'cpu_s': 1234.5, 'wall_s': 1234.5}
    study = {'trials': 100_000, 'commit': commit, 'commands': commands}
    results = {'machine': {'processor': 'abacus', 'cores': 1, 'load': 0.0}, 'studies': [study]}
    text = lines(results)
    assert max(map(len, text)) <= 80 and 'cut off after 300 s' in text[-1]
    assert list(panels(results)['100,000 trials']) == ['commit', 'plan']
