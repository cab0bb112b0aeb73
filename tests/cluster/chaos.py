"""Chaos: a study driven on a cluster while workers, nodes, the controller and the driver itself are killed at random."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

STUDY = '''"""Does the lab run on a cluster, whatever happens there?"""
from ablations.spaces import log
from ablations.study import Study, swap, task
from ablations.tasks.bases import decoder
from ablations.tasks.decoders import ATTENTION

small = decoder(12, 6, 8, 1, ATTENTION, 1.0) | {'norm': {'kind': 'identity'}}
few = {'steps': 8, 'batch': 16, 'evaluations': 2, 'base': small}
study = Study(
    name='chaos',
    question=__doc__,
    arms={'base': (), 'no_mixer': swap('mixer', 'identity')},
    tasks=(task('recall', data={'kind': 'recall', 'pairs': 2, 'keys': 4, 'values': 8}, **few),),
    tune={'sgd': {'lr': log(1e-2, 1.0), 'weight_decay': log(1e-4, 1e-2)}},
    trials=TRIALS,
    replicates=2,
    looks=(2,),
    seeds=2,
    extension=0,
)
'''
DRIVER = """
import sys
import archlab
from sweeps.launch import LAUNCHERS
LAUNCHERS[{kind!r}].pause, LAUNCHERS[{kind!r}].pack_seconds = 1.0, {seconds}
sys.exit(archlab.main(sys.argv[1:]))
"""


class Driver:
    """`archlab run` on a cluster, in a process that may be killed and started again. Packs have one or two trials."""

    def __init__(self, folder: Path, kind: str, environment: dict[str, str], trials: int, *options: str):
        self.folder, self.runs, self.environment = folder, folder / 'runs', environment
        self.study = folder / 'study.py'
        self.study.write_text(STUDY.replace('TRIALS', str(trials)))
        self.command = [sys.executable, '-c', DRIVER.format(kind=kind, seconds=0.016), 'run', str(self.study)]
        self.command += ['--runs', str(self.runs), '--launcher', kind, '--json', *options]
        self.starts = 0
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        self.starts += 1
        with open(self.folder / 'driver.log', 'ab') as log, open(self.folder / 'table.json', 'wb') as table:
            self.process = subprocess.Popen(self.command, stdout=table, stderr=log, env=self.environment)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def records(self) -> list[dict]:
        """All lines of the run's folder, in the order of their files."""
        files = sorted(self.runs.glob('chaos/records/*.jsonl'))
        return [json.loads(line) for path in files for line in path.read_text().splitlines()]

    def said(self) -> str:
        return (self.folder / 'driver.log').read_text()


def kill_a_worker(draw: random.Random) -> bool:
    """Kill one worker of an order; whether there was one."""
    listed = subprocess.run(['pgrep', '-f', r'sweeps\.worker .*chaos'], capture_output=True, text=True, check=False)
    workers = [int(pid) for pid in listed.stdout.split() if int(pid) != os.getpid()]
    if workers:
        try:
            os.kill(draw.choice(workers), signal.SIGKILL)
        except ProcessLookupError:
            return False
    return bool(workers)


def until_complete(
    driver: Driver,
    faults: dict[str, Callable[[], bool | None]],
    seed: int,
    most: int,
    limit: float,
    care: Callable[[], None] = lambda: None,
) -> Counter:
    """Drive a study to its end under at most so many faults; gives how many of each there were.

    `care` is what the cluster's administrator does all the time.
    """
    draw, done, deadline = random.Random(seed), Counter(), time.monotonic() + limit
    driver.start()
    while True:
        assert time.monotonic() < deadline, driver.said()[-2000:]
        time.sleep(draw.uniform(0.5, 4.0))
        care()
        code = driver.process.poll()
        if code == 0:
            return done
        if code is not None:
            # What people took out of the queue ends a run, and the next one goes on.
            assert code == 2 and 'out of the queue by hand' in driver.said().splitlines()[-1], driver.said()[-2000:]
            driver.start()
        elif done.total() < most:
            name = draw.choice(sorted(faults))
            if faults[name]() is not False:
                done[name] += 1


def once_each(records: list[dict], expected: int) -> None:
    """Every trial is recorded, and once."""
    assert Counter(record['id'] for record in records).most_common(1)[0][1] == 1
    assert len(records) == expected and {record['status'] for record in records} <= {'ok', 'diverged'}


def outcome(records: list[dict]) -> dict:
    """What a record says of its trial, without when and where it ran."""
    return {one['id']: (one['status'], one['score'], one['curve'], one['knobs'], one['seed']) for one in records}
