"""What is asked of Slurm: each command word for word, as its manuals spell it; no made-up command would mind another."""

import getpass
import subprocess
from pathlib import Path

import pytest

from sweeps.launch import order_files, slurm
from sweeps.launch.launcher import Order
from sweeps.launch.slurm import SlurmLauncher, SlurmSettings


class Listening(SlurmLauncher):
    """Calls no Slurm: writes down what it would ask, and answers as a test says."""

    def __init__(self, folder: Path, settings: SlurmSettings):
        super().__init__(folder, None, settings)
        self.asked: list[str] = []
        self.answers: dict[str, str] = {}

    def _call(self, *command: str) -> subprocess.CompletedProcess:
        self.asked.append(' '.join(command))
        said = next((text for start, text in self.answers.items() if self.asked[-1].startswith(start)), '')
        return subprocess.CompletedProcess(command, 0, said, '')


@pytest.fixture
def launcher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Listening:
    monkeypatch.setattr(slurm.shutil, 'which', lambda name: f'/usr/bin/{name}')
    monkeypatch.setattr(slurm.secrets, 'token_hex', lambda size: 'ab' * size)
    made = Listening(tmp_path, SlurmSettings(partition='gpu', gpus=1))
    order_files.prepare(made.folder)
    return made


@pytest.mark.parametrize(
    ('told', 'seconds'),
    [
        ('main*|1:00|2:00\ngpu|30:00|1-00:00:00\n', 1800),
        ('gpu*|30:00|1-00:00:00\n', 1800),
        ('gpu|none|1:00:00\n', 3600),
        ('gpu|infinite|n/a\n', None),
        ('gpu2|30:00|1:00:00\nmain*|1:00|2:00\n', None),
        ('', None),
    ],
)
def test_how_long_a_partition_lets_a_worker_live(launcher: Listening, told: str, seconds: float | None):
    launcher.answers['sinfo'] = told
    assert launcher.lifetime == seconds
    assert launcher.asked == ['sinfo --noheader --format=%P|%L|%l']


def test_orders_are_submitted_looked_for_and_ended(launcher: Listening):
    launcher.answers = {'sbatch': '42;cluster\n', 'scontrol show config': 'MaxArraySize = 1001\n'}
    launcher.submit([Order(name, None, {}) for name in ('a', 'b')])
    folder, job = launcher.folder / 'orders', f'{launcher.prefix}abababab'
    assert launcher.asked == [
        'scontrol show config',
        f'sbatch --parsable --job-name={job} --array=0-1 --output=/dev/null --ntasks=1 --partition=gpu --cpus-per-task=1 '
        f'--gpus-per-task=1 {folder / "abababab.sh"}',
    ]
    assert (folder / 'abababab.list').read_text() == 'a\nb\n' and (folder / 'abababab.job').read_text() == '42'
    launcher.asked.clear()
    launcher.answers = {'squeue': f'0|{job}|PENDING|{slurm.HELD}\n1|{job}|RUNNING|None\n'}
    assert launcher.alive() == {'a', 'b'}
    for _ in range(slurm.RELEASES):
        launcher.alive()
    look = f'squeue --noheader --array --user={getpass.getuser()} --format=%K|%j|%T|%r'
    assert launcher.asked == [*[look, 'scontrol release 42_0'] * slurm.RELEASES, look, 'scancel 42_0']
    launcher.asked.clear()
    launcher.answers = {'scontrol show job': 'JobId=42 JobState=CANCELLED ExitCode=0:15\n'}
    assert launcher.cancelled('b') and not launcher.cancelled('a'), 'that one was given up'
    launcher.end({'b', 'never submitted'})
    assert launcher.asked == ['scontrol show job --oneliner 42_1', 'scancel 42_1']


def test_what_there_is_is_asked_for_where_something_is_refused(launcher: Listening):
    launcher.answers = {'sinfo --noheader --format=%R|': 'gpu|64|512000|gpu:4|1:00:00\n', 'sinfo': 'main\ngpu\nmain\n'}
    said = 'sbatch: error: invalid partition specified: gpu\n'
    assert launcher._refusal(said) == (
        "sbatch refuses partition 'gpu': invalid partition specified: gpu; allowed: ['gpu', 'main']"
    )
    assert 'nodes have partition gpu, cpus 64, MB 512000, gres gpu:4, time 1:00:00; ask' in launcher._too_much()
    assert launcher.asked == ['sinfo --noheader --format=%R', 'sinfo --noheader --format=%R|%c|%m|%G|%l']


@pytest.mark.parametrize('reason', [*slurm.NEVER, f'({slurm.NEVER[0]})'])
def test_reasons_for_which_a_task_never_runs(launcher: Listening, reason: str):
    launcher.reasons = {'a': reason, 'b': 'Priority'}
    assert launcher.never('a').startswith(f'Slurm would let it wait for ever ({reason.strip("()")}): asked for --ntasks=1')
    assert launcher.never('b') == launcher.never('unknown') == ''
