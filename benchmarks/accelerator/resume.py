"""Resume: a real pack with its worker killed in the middle and started again, against an undisturbed one."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import jax

from ablations.spaces import SPACES
from ablations.study import Study, task
from benchmarks.measured import Measured
from results.store import records
from sweeps.launch import order_files
from sweeps.protocol.packing import pack
from sweeps.protocol.plan import plan
from sweeps.training.population import strategy_for
from sweeps.training.saving import CHECKPOINTS

NEEDS, SECONDS = ('ml_collections',), 90
SAME = ('id', 'status', 'score', 'curve', 'final_loss')


def command(folder: Path, steps: int) -> dict:
    """The command to train the first pack of a small study, with a checkpoint at each quarter."""
    study = Study(
        name='resume',
        question='Is it the same again?',
        arms={'base': ()},
        tasks=(task('recall', steps=steps, evaluations=4),),
        tune={'adamw': SPACES['adamw']},
        trials=8,
        replicates=2,
    )
    first = pack(study, plan(study, {}, {}), {})[0]
    strategy = 'vmap' if steps < 100 else strategy_for(jax.default_backend())
    about = {'flops': None, 'strategy': strategy, 'blocks': None, 'folder': str(folder), 'name': first.id, 'skip': []}
    return {'pack': first.to_dict(), **about, 'checkpoints': {'steps': steps // 4}}


def worker(folder: Path, steps: int) -> subprocess.Popen:
    """A worker that trains the pack into a folder."""
    order_files.prepare(folder)
    order_files.write(folder, 'pack', command(folder, steps))
    environment = {**os.environ, 'XLA_PYTHON_CLIENT_PREALLOCATE': 'false'}
    return subprocess.Popen(
        [sys.executable, '-m', 'sweeps.worker', str(folder), 'pack'], env=environment, stderr=subprocess.DEVNULL
    )


def recorded(folder: Path) -> list[dict]:
    """What must be the same of each record of a folder."""
    lines = [line for path in sorted(folder.rglob('*.jsonl')) for line in path.read_text(encoding='utf-8').splitlines()]
    return [{name: record.get(name) for name in SAME} for record in map(json.loads, lines)]


def killed(folder: Path, steps: int) -> bool:
    """Kill a worker once it has left a checkpoint; gives whether it was still training then."""
    process, deadline = worker(folder, steps), time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        if any(path.is_file() for path in (folder / CHECKPOINTS).rglob('*')):
            process.send_signal(signal.SIGKILL)
            break
        time.sleep(0.01)
    return process.wait() != 0


def run(told: Measured, tiny: bool) -> None:
    """One pack undisturbed, one killed and gone on with."""
    steps = 32 if tiny else 800
    with tempfile.TemporaryDirectory() as place:
        whole, cut = Path(place) / 'whole', Path(place) / 'cut'
        for folder in (whole, cut):
            (folder / records.FOLDER).mkdir(parents=True)
        began = time.perf_counter()
        fine = worker(whole, steps).wait() == 0
        told.add('undisturbed', fine=fine, seconds=time.perf_counter() - began, records=len(recorded(whole)))
        died = killed(cut, steps)
        again = worker(cut, steps).wait() == 0
        same = recorded(whole) == recorded(cut) and bool(recorded(cut))
        told.add('killed and gone on', killed=died, fine=again, bitwise_the_same=same)
