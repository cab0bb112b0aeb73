"""A real Slurm of a few one-CPU nodes on this machine, as the user who runs the tests."""

import contextlib
import getpass
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

NEEDED = ('munged', 'slurmctld', 'slurmd', 'sbatch', 'squeue', 'scontrol', 'scancel', 'sinfo')
PATH = os.pathsep.join([os.environ['PATH'], '/usr/sbin', '/sbin'])

CONF = """
ClusterName=lab
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock
SlurmctldPort={port}
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmdSpoolDir={folder}/spool-%n
StateSaveLocation={folder}/state
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=2,bf_interval=5,batch_sched_delay=0
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
SlurmdTimeout=10
KillWait=2
MaxArraySize=1001
SlurmdParameters=config_overrides
NodeName=n[1-{nodes}] NodeHostname={host} NodeAddr=127.0.0.1 Port=[{first}-{last}] CPUs=1 RealMemory=4000 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> list[str]:
    """The commands of Slurm that this machine lacks."""
    return [name for name in NEEDED if shutil.which(name, path=PATH) is None]


class MiniSlurm:
    """Munge, a controller and `nodes` node daemons in a folder, which must have a short path. Use it as a context."""

    def __init__(self, folder: Path, nodes: int = 2):
        self.folder, self.nodes, self.conf = folder, nodes, folder / 'slurm.conf'
        self.environment = {**os.environ, 'SLURM_CONF': str(self.conf), 'PATH': PATH}

    def __enter__(self) -> 'MiniSlurm':
        (self.folder / 'state').mkdir(parents=True)
        for number in range(1, self.nodes + 1):
            (self.folder / f'spool-n{number}').mkdir()
        key = self.folder / 'munge.key'
        key.touch(mode=0o600)
        key.write_bytes(secrets.token_bytes(128))
        names = {
            'key-file': key,
            'socket': 'munge.sock',
            'pid-file': 'munged.pid',
            'log-file': 'munge.log',
            'seed-file': 'munge.seed',
        }
        self._run('munged', '--force', *(f'--{name}={self.folder / place}' for name, place in names.items()))
        port = free_ports(self.nodes + 1)
        about = {
            'host': socket.gethostname().split('.')[0],
            'user': getpass.getuser(),
            'folder': self.folder,
            'nodes': self.nodes,
        }
        self.conf.write_text(CONF.format(**about, port=port, first=port + 1, last=port + self.nodes))
        self.start_controller()
        for number in range(1, self.nodes + 1):
            self.start_node(number)
        deadline = time.monotonic() + 30
        while self.said('sinfo', '-h', '-t', 'idle', '-o', '%D').strip() != str(self.nodes):
            assert time.monotonic() < deadline, self.said('sinfo')
            time.sleep(0.1)
        return self

    def __exit__(self, *_: object) -> None:
        for path in (*self.folder.glob('slurmd-*.pid'), self.folder / 'slurmctld.pid', self.folder / 'munged.pid'):
            self.kill(path, signal.SIGKILL)

    def start_controller(self) -> None:
        self._run('slurmctld', '-f', str(self.conf))

    def start_node(self, number: int) -> None:
        self._run('slurmd', '-f', str(self.conf), '-N', f'n{number}')

    def kill_controller(self) -> None:
        self.kill(self.folder / 'slurmctld.pid', signal.SIGKILL)

    def kill_node(self, number: int) -> None:
        """The daemon alone: what ran there goes on, unknown to Slurm."""
        self.kill(self.folder / f'slurmd-n{number}.pid', signal.SIGKILL)

    def kill(self, path: Path, how: int) -> None:
        with contextlib.suppress(OSError, ValueError):
            os.kill(int(path.read_text()), how)

    def said(self, *command: str) -> str:
        """What a command of Slurm says."""
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False).stdout

    def _run(self, *command: str) -> None:
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f'{command}: {done.stderr}'


def free_ports(count: int) -> int:
    """The first of so many ports in a row that nobody uses now."""
    for first in range(26_000 + secrets.randbelow(2000), 32_000, count):
        try:
            for port in range(first, first + count):
                with socket.socket() as one:
                    one.bind(('', port))
        except OSError:
            continue
        return first
    raise AssertionError('no free ports')
