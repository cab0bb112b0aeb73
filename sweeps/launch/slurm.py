"""Slurm: workers as tasks of array jobs, by `sbatch`, `squeue` and `scontrol`; no accounting database is needed.

The names of jobs and the lists of their orders give the order of each task. An order that is neither in the queue nor recorded
is started again; one that a person took out of the queue is not.
"""

import dataclasses
import functools
import getpass
import re
import secrets
import shlex
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from ablations.digest import digest
from results.store import atomic
from sweeps.launch import order_files
from sweeps.launch.queued import UNSEEN, QueuedLauncher
from sweeps.launch.worker_environment import ROOT, variables

COMMANDS = ('sbatch', 'squeue', 'scontrol', 'scancel')
MOST = 1000
"""Tasks of an array job, where Slurm does not tell how many it allows."""
HELD, RELEASES = 'launch failed requeued held', 3
"""Why Slurm holds a task that a node failed to start, and how often it is let go."""
NEVER = ('PartitionConfig', 'PartitionTimeLimit', 'PartitionNodeLimit', 'BadConstraints', 'InvalidAccount', 'InvalidQOS')
"""Why a task waits that no node of its partition could ever run."""
TIME = re.compile(r'\d+(:\d{1,2}){0,2}|\d+-\d{1,2}(:\d{1,2}){0,2}')
UNITS = {1: (60,), 2: (60, 1), 3: (3600, 60, 1)}
"""Seconds of the numbers of a time without days, by how many there are."""


def seconds_of(time: str) -> float | None:
    """The seconds of a time limit of Slurm's; None where it is 0, which is no limit.

    >>> [seconds_of(time) for time in ('90', '1:30', '2:00:00', '1-12', '1-0:30', '0')]
    [5400, 90, 7200, 129600, 88200, None]
    """
    days, dash, rest = time.rpartition('-')
    numbers = [int(number) for number in rest.split(':')]
    units = (3600, 60, 1) if dash else UNITS[len(numbers)]
    total = 86400 * int(days or 0) + sum(number * unit for number, unit in zip(numbers, units, strict=False))
    return total or None


def time_among(options: Sequence[str]) -> str | None:
    """The time limit among options of sbatch: the last one given, if any.

    >>> time_among(['--time=1:00:00', '-C', 'a100', '-t30']), time_among(['--time', '5']), time_among(['-C', 'a100'])
    ('30', '5', None)
    """
    given = re.findall(r'(?:^|\0)(?:--time[=\0]|-t\0?)([^\0]+)', '\0'.join(options))
    return given[-1] if given and TIME.fullmatch(given[-1]) else None


@dataclasses.dataclass(frozen=True)
class SlurmSettings:
    """What each task of a job asks for.

    `time` is Slurm's (minutes, hours:minutes:seconds, days-hours), `memory` too (4G). On several `nodes` a task has a process
    each, and these train its lanes together (sweeps/training/layout.py). `sbatch` are further options of sbatch, as they are,
    and `setup` lines of shell that run before a worker, such as `module load cuda`. Raises ValueError on a value that Slurm
    could not read.
    """

    partition: str | None = None
    account: str | None = None
    time: str | None = None
    nodes: int = 1
    gpus: int = 0
    cpus: int = 1
    memory: str | None = None
    sbatch: tuple[str, ...] = ()
    setup: tuple[str, ...] = ()

    def __post_init__(self):
        if self.time is not None and not TIME.fullmatch(self.time):
            raise ValueError(f"--time '{self.time}'; allowed: Slurm's times, such as 90 (minutes), 2:00:00 or 1-12")
        if self.gpus < 0 or self.cpus < 1:
            raise ValueError(f'--gpus {self.gpus}, cpus {self.cpus}; allowed: no GPU or more, and one CPU or more')
        if self.nodes < 1:
            raise ValueError(f'--nodes {self.nodes}; allowed: 1 or more; leave it out for one')

    @property
    def options(self) -> list[str]:
        """The options of sbatch."""
        named = {'partition': self.partition, 'account': self.account, 'time': self.time, 'mem': self.memory}
        named |= {'cpus-per-task': self.cpus, 'gpus-per-task': self.gpus or None}
        told = [f'--{name}={value}' for name, value in named.items() if value is not None]
        if self.nodes > 1:
            told = [f'--nodes={self.nodes}', '--ntasks-per-node=1', *told]
        elif self.gpus:
            told = ['--ntasks=1', *told]
        return [*told, *self.sbatch]


def script(run: Path, orders: str, settings: SlurmSettings) -> str:
    """The script of an array job: task n carries out the n-th order of a list in the run's folder."""
    # Where one process of several ends badly, the others would wait for it.
    together = f'srun --nodes={settings.nodes} --ntasks-per-node=1 --kill-on-bad-exit=1 ' if settings.nodes > 1 else ''
    exports = [f'export {name}={shlex.quote(value)}' for name, value in variables(on_cpu=not settings.gpus).items()]
    lines = [
        '#!/bin/bash',
        f'run={shlex.quote(str(run))}',
        f'[ -r "$run/{order_files.FOLDER}/{orders}" ] || exit {UNSEEN}',
        f'order=$(sed -n "$((SLURM_ARRAY_TASK_ID + 1))p" "$run/{order_files.FOLDER}/{orders}")',
        f'exec >> "$run/{order_files.LOGS}/$order.log" 2>&1',
        *settings.setup,
        *exports,
        f'exec {together}{shlex.quote(sys.executable)} -P -m sweeps.worker "$run" "$order"',
    ]
    return '\n'.join(lines) + '\n'


class SlurmLauncher(QueuedLauncher):
    """Array jobs of one worker a task, of which `workers` run at the same time, or as many as Slurm lets run.

    Raises ValueError where Slurm's commands are not on the path.
    """

    Settings = SlurmSettings
    outlives = True

    @property
    def limit(self) -> float | None:
        return seconds_of(self.settings.time) if self.settings.time else None

    @property
    def lifetime(self) -> float | None:
        if (told := time_among(self.settings.options)) is not None:
            return seconds_of(told)
        # That of the partition: its usual one, else its longest.
        for line in self._call('sinfo', '--noheader', '--format=%P|%L|%l').stdout.splitlines():
            name, *times = line.strip().split('|')
            if self.settings.partition == name.rstrip('*') or (self.settings.partition is None and name.endswith('*')):
                return next((seconds_of(time) for time in times if TIME.fullmatch(time)), None)
        return None

    def __init__(self, folder: Path, workers: int | None, settings: SlurmSettings):
        super().__init__(folder)
        missing = [name for name in COMMANDS if shutil.which(name) is None]
        if missing:
            raise ValueError(
                f"launcher 'slurm': no {', '.join(missing)} on the path; run this where they are, such as a login node"
            )
        self.settings, self.workers = settings, workers
        self.releases: Counter[str] = Counter()
        self.given_up: set[str] = set()
        self.reasons: dict[str, str] = {}
        self.prefix = f'archlab-{digest(str(self.folder))[:8]}-'

    def start(self, names: list[str]) -> None:
        for first in range(0, len(names), self._most):
            some, key = names[first : first + self._most], secrets.token_hex(4)
            self.given_up.difference_update(some)
            orders = self.folder / order_files.FOLDER
            atomic.replace(orders / f'{key}.list', '\n'.join(some) + '\n', follow=False)
            atomic.replace(orders / f'{key}.sh', script(self.folder, f'{key}.list', self.settings), follow=False)
            task = ['--parsable', f'--job-name={self.prefix}{key}', self._array(len(some)), '--output=/dev/null']
            told = self._call('sbatch', *task, *self.settings.options, str(orders / f'{key}.sh'))
            if told.returncode:
                raise ValueError(self._refusal(told.stderr))
            atomic.replace(orders / f'{key}.job', told.stdout.strip().split(';')[0], follow=False)

    def _array(self, count: int) -> str:
        return f'--array=0-{count - 1}' + (f'%{self.workers}' if self.workers else '')

    def living(self) -> set[str] | None:
        told = self._call('squeue', '--noheader', '--array', f'--user={getpass.getuser()}', '--format=%K|%j|%T|%r')
        if told.returncode:
            return None
        self.reasons, self.pending = {}, 0
        for line in told.stdout.splitlines():
            task, job, state, reason = line.split('|', 3)
            if job.startswith(self.prefix) and task.isdecimal():
                names = self._list(job.removeprefix(self.prefix))[int(task) : int(task) + 1]
                self.reasons |= dict.fromkeys(names, reason)
                self.pending += state == 'PENDING'
        return {name for name, reason in self.reasons.items() if reason != HELD or self._released(name)}

    def never(self, name: str) -> str:
        reason = self.reasons.get(name, '').strip('()')
        if reason not in NEVER:
            return ''
        return f'Slurm would let it wait for ever ({reason}): {self._too_much()}'

    def _released(self, name: str) -> bool:
        """Let Slurm try a task again that it holds because a node failed to start it; after a few times it counts as lost."""
        task = '_'.join(self._task_of(name) or ())
        self.releases[name] += 1
        if self.releases[name] <= RELEASES and not self._call('scontrol', 'release', task).returncode:
            return True
        self.given_up.add(name)
        self._call('scancel', task)
        return False

    def end(self, names: set[str]) -> None:
        for job, task in filter(None, map(self._task_of, names)):
            self._call('scancel', f'{job}_{task}')

    def cancelled(self, name: str) -> bool:
        return name not in self.given_up and self._state(name).get('JobState') == 'CANCELLED'

    def unseen(self, name: str) -> bool:
        return self._state(name).get('ExitCode', '').split(':')[0] == str(UNSEEN)

    def ended(self, name: str) -> str:
        state = self._state(name)
        code, _, signal = state.get('ExitCode', '').partition(':')
        if self.unseen(name):
            return self.out_of_sight
        how = state.get('JobState', 'no trace of it in Slurm any more')
        if how == 'TIMEOUT':
            how += f' after {state.get("TimeLimit", "its time limit")}; give --time more, or let checkpoints be kept more often'
        elif how == 'FAILED':
            how += f', exit status {code}' if signal in ('', '0') else f', signal {signal}'
        said = order_files.last_words(order_files.log(self.folder, name))
        return f'{how}; {said}' if said else how

    def _state(self, name: str) -> Mapping[str, str]:
        """What Slurm still knows of an order's last task."""
        task = self._task_of(name)
        told = self._call('scontrol', 'show', 'job', '--oneliner', '_'.join(task)) if task else None
        if told is None or told.returncode:
            return {}
        return dict(part.split('=', 1) for part in told.stdout.split() if '=' in part)

    def _task_of(self, name: str) -> tuple[str, str] | None:
        """Job and task of the last submission of an order."""
        last = None
        for path in (self.folder / order_files.FOLDER).glob('*.job'):
            names = self._list(path.stem)
            if name in names and (last is None or path.stat().st_mtime_ns > last[0]):
                last = path.stat().st_mtime_ns, path.read_text().strip(), str(names.index(name))
        return last[1:] if last else None

    @functools.cache  # noqa: B019 (it lives as long as the run)
    def _list(self, key: str) -> tuple[str, ...]:
        """The orders of an array job; none where its list is gone."""
        try:
            return tuple((self.folder / order_files.FOLDER / f'{key}.list').read_text().split())
        except OSError:
            return ()

    @functools.cached_property
    def _most(self) -> int:
        told = re.search(r'MaxArraySize\s*=\s*(\d+)', self._call('scontrol', 'show', 'config').stdout)
        return max(1, min(int(told[1]) - 1, 10_000)) if told else MOST

    def _refusal(self, said: str) -> str:
        told = ' '.join(line.removeprefix('sbatch: error: ') for line in said.strip().splitlines())
        if 'partition' in told.lower():
            allowed = sorted(set(self._call('sinfo', '--noheader', '--format=%R').stdout.split()))
            return f"sbatch refuses partition '{self.settings.partition or 'by default'}': {told}; allowed: {allowed}"
        if 'gres' in told or 'configuration' in told or 'Memory specification' in told:
            return f'sbatch refuses: {told}: {self._too_much()}'
        return f'sbatch refuses: {told}; change the options of sbatch ({" ".join(self.settings.options)})'

    def _too_much(self) -> str:
        """What was asked for, and what the nodes have."""
        nodes = self._call('sinfo', '--noheader', '--format=%R|%c|%m|%G|%l').stdout.split('\n')
        names = ('partition', 'cpus', 'MB', 'gres', 'time')
        had = sorted({', '.join(map(' '.join, zip(names, node.split('|'), strict=False))) for node in nodes if node.strip()})
        asked = ' '.join(self.settings.options) or 'nothing in particular'
        return f'asked for {asked}; nodes have {"; ".join(had) or "not been told by sinfo"}; ask for what one of them has'

    @staticmethod
    def _call(*command: str) -> subprocess.CompletedProcess:
        try:
            return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=ROOT)
        except (OSError, subprocess.TimeoutExpired) as error:
            return subprocess.CompletedProcess(command, 1, '', str(error))
