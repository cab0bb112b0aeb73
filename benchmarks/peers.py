"""Peers: one small study by the lab and by what else could be done, in turns on the same cores.

    lab            archlab run, compiled programs known, and from an empty cache of them
    one process    Optuna and PyTorch in one process of one thread, since a second one does not pay at this size
    each core      Optuna and PyTorch with a process of one thread for each core
    process each   one JAX process for each trial, as many at once as cores, with compiled programs known and without

Every side does the same runs: the same arms, tuning trials at random over the same space, seeds and steps, in float32; the lab
also extends a range where it must. A rate is tuning trials by the wall hours of the whole study, confirmations and starts
included. What one JAX process costs does not depend on its trial, so a few are run and the rate of the whole follows from them.
PyTorch runs uncompiled: to compile a model takes longer than to train fifty of these.
"""

import functools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import jax
import numpy as np

from ablations.seeds import derive
from ablations.study import Study
from ablations.study_files import load_study
from arch.model import build
from benchmarks.bodies import Sides
from benchmarks.body import flat
from benchmarks.installed import needs_torch
from benchmarks.machine import machine
from benchmarks.timing import plain, spread
from results.store.recorded import read_folder
from sweeps.launch.worker_environment import ROOT, worker_environment
from sweeps.machine import cores
from sweeps.tasks.digits import Digits

STUDY = '''"""What does a small study cost?"""

from ablations.spaces import log
from ablations.study import Study, put, swap

study = Study(
    name='peers',
    question=__doc__,
    arms={{
        'base': (),
        'rms_norm': swap('norm', 'rms_norm'),
        'no_mixer': swap('mixer', 'identity'),
        'wider': put('channel.ratio', 6.0),
    }},
    tasks=('digits',),
    tune={{'adamw': {{'lr': log(1e-3, 1e-1), 'weight_decay': log(1e-3, 1.0)}}}},
    search='random',
    trials={trials},
    replicates=2,
    looks=(2,),
    seeds=2,
)
'''
SIDES = {
    'lab, warm': 'the lab, programs known',
    'lab, cold': 'the lab, nothing compiled',
    'one process': 'Optuna + PyTorch, one process',
    'each core': 'Optuna + PyTorch, each core one',
    'process each, warm': 'a JAX process a trial, cached',
    'process each, cold': 'a JAX process a trial, not cached',
}
PROCESSES = 2
"""So many JAX processes on each core stand for all of them."""


def timed(commands: Sequence[Sequence[str]], environment: Mapping[str, str]) -> tuple[float, float]:
    """Wall and CPU seconds of simultaneous commands, with all processes that they wait for.

    Raises RuntimeError where one fails.
    """
    began, cpu = time.perf_counter(), 0.0
    with tempfile.TemporaryFile() as said:
        running = [subprocess.Popen(command, env=environment, stdout=said, stderr=said) for command in commands]
        for process in running:
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            cpu += used.ru_utime + used.ru_stime
        if any(process.returncode for process in running):
            said.seek(0)
            raise RuntimeError(f'a side ended with an error: {said.read().decode(errors="replace")[-2000:]}')
    return time.perf_counter() - began, cpu


class Peers:
    """The study on every side; all files are in a folder that is gone in the end."""

    def __init__(self, trials: int, folder: Path):
        self.folder = folder
        self.file = folder / 'peers.py'
        # The folder is this benchmark's own and is thrown away.
        self.file.write_text(STUDY.format(trials=trials), encoding='utf-8')
        self.study: Study = load_study(str(self.file))
        self.number = 0
        self.python = (sys.executable, '-P', '-m')
        self.examples = folder / 'examples.npz'
        self.arms = self._share()
        self.open = {**os.environ, 'PYTHONPATH': str(ROOT), 'PYTHONSAFEPATH': '1'}

    def _share(self) -> dict[str, dict]:
        """Write the splits that the lab draws, for the others; the config and the shapes of each arm's parameters."""
        task, splits = Digits(), {}
        pool, test = task.pool(), task.test()
        for replicate in range(self.study.replicates):
            train, held = task.split(pool, derive('split', self.study.name, self.task, replicate))
            splits |= {f'train_{replicate}': train, f'held_{replicate}': held}
        arrays = {'x': pool.x, 'y': pool.y.astype(np.int64), 'test_x': test.x, 'test_y': test.y.astype(np.int64)}
        np.savez(self.examples, **arrays, **splits)
        arms = {}
        for arm in self.study.arms:
            config = self.study.model(arm, self.task)
            params, _ = jax.eval_shape(functools.partial(build(config).init, knobs={}), jax.random.key(0), pool.x[:1])
            arms[arm] = {'config': config, 'shapes': {name: list(leaf.shape) for name, leaf in flat(params).items()}}
        return arms

    @property
    def task(self) -> str:
        return self.study.tasks[0].name

    @property
    def tuned(self) -> int:
        """Tuning trials of all arms and replicates."""
        return self.study.trials * self.study.replicates * len(self.study.arms)

    @property
    def runs(self) -> int:
        """Tuning trials and confirmations."""
        return self.tuned + self.study.seeds * self.study.replicates * len(self.study.arms)

    def agree(self) -> dict[str, float]:
        """How far the losses of the first steps of the lab and of PyTorch are apart in every arm, at one recipe."""
        distances = {}
        for arm in self.study.arms:
            sides = Sides('digits', {}, ['eager'], config=self.study.model(arm, self.task))
            distances[arm] = float(f'{sides.told["eager"]["apart"]:.1e}')
            sides.close()
        return distances

    def lab(self, cold: bool) -> dict:
        """The study by `archlab run`; with `cold` no program is compiled before."""
        self.number += 1
        runs, cache = self.folder / f'runs_{self.number}', self.folder / (f'cache_{self.number}' if cold else 'cache')
        environment = {**self.open, 'XDG_CACHE_HOME': str(cache)}
        wall, cpu = timed([(*self.python, 'archlab', 'run', str(self.file), '--runs', str(runs))], environment)
        records, _ = read_folder(runs / self.study.name, self.study.name)
        tuned = sum(record['held'] == 'tuning' for record in records.values())
        return {'wall_s': wall, 'cpu_s': cpu, 'tuned': tuned, 'runs': len(records)}

    def optuna(self, processes: int) -> dict:
        """The study by Optuna and PyTorch, arms and replicates shared out among processes of one thread."""
        jobs = [(arm, replicate) for replicate in range(self.study.replicates) for arm in self.study.arms]
        commands = []
        for number in range(processes):
            own = {
                'arms': self.arms,
                'file': str(self.examples),
                'jobs': jobs[number::processes],
                'trials': self.study.trials,
                'seeds': self.study.seeds,
                'steps': self.study.task(self.task).steps,
                'batch': self.study.task(self.task).batch,
            }
            commands.append((*self.python, 'benchmarks.sides.optuna_study', json.dumps(own)))
        environment = {**self.open, 'OMP_NUM_THREADS': '1'}
        wall, cpu = timed(commands, environment)
        return {'wall_s': wall, 'cpu_s': cpu, 'tuned': self.tuned, 'runs': self.runs}

    def processes(self, cold: bool) -> dict:
        """A few trials of the base, each in a JAX process of its own, scaled to the whole study."""
        item, count = self.study.task(self.task), cores()
        own = {'model': self.study.model(self.study.base, self.task), 'steps': item.steps, 'batch': item.batch}
        environment = worker_environment(None)
        if cold:
            environment = {**environment, 'JAX_ENABLE_COMPILATION_CACHE': 'false'}
        else:
            environment = {**environment, 'JAX_COMPILATION_CACHE_DIR': str(self.folder / 'trial_cache')}
        wall = cpu = 0.0
        for batch in range(PROCESSES):
            seeds = range(batch * count, (batch + 1) * count)
            calls = [(*self.python, 'benchmarks.sides.one_trial', json.dumps({**own, 'seed': seed})) for seed in seeds]
            spent = timed(calls, environment)
            wall, cpu = wall + spent[0], cpu + spent[1]
        measured = PROCESSES * count
        share = self.runs / measured
        return {'wall_s': wall * share, 'cpu_s': cpu * share, 'tuned': self.tuned, 'runs': self.runs, 'measured': measured}

    def side(self, name: str) -> dict:
        """One run of a side by its name in SIDES."""
        return {
            'lab, warm': lambda: self.lab(cold=False),
            'lab, cold': lambda: self.lab(cold=True),
            'one process': lambda: self.optuna(1),
            'each core': lambda: self.optuna(cores()),
            'process each, warm': lambda: self.processes(cold=False),
            'process each, cold': lambda: self.processes(cold=True),
        }[name]()


def bench(rounds: int, trials: int, only: Sequence[str] = ()) -> dict:
    """All sides, or some, in turns. Raises ValueError where torch is missing, or for an unknown side."""
    needs_torch('archlab bench peers')
    unknown = [name for name in only if name not in SIDES]
    if unknown:
        raise ValueError(f'unknown sides {unknown}; allowed: {list(SIDES)}; mend the names')
    names = list(only) or list(SIDES)
    told = {'machine': machine(5), 'rounds': rounds}
    with tempfile.TemporaryDirectory() as place:
        peers = Peers(trials, Path(place))
        told['apart'] = peers.agree()
        for name in names:
            # What is called warm has run once before.
            if name.endswith('warm'):
                peers.side(name)
        measured: dict[str, list[dict]] = {name: [] for name in names}
        for _ in range(rounds):
            for name in names:
                measured[name].append(peers.side(name))
        told |= {'trials': trials, 'arms': list(peers.study.arms), 'tuned': peers.tuned, 'runs': peers.runs}
    sides = {}
    for name, own in measured.items():
        rates = [3600 * one['tuned'] / one['wall_s'] for one in own]
        sides[name] = {
            'tuned_an_hour': plain(spread(rates)),
            'wall_s': plain(spread([one['wall_s'] for one in own])),
            'cpu_s': plain(spread([one['cpu_s'] for one in own])),
            'runs': own[0]['runs'],
            'tuned': own[0]['tuned'],
            'measured': own[0].get('measured', own[0]['runs']),
        }
    return {**told, 'sides': sides}


def lines(results: Mapping) -> list[str]:
    """The results as text of at most 80 columns."""
    told = results['machine']
    made = [
        f'{told["processor"]}, {told["cores"]} cores, load {told["load"]}',
        f'{len(results["arms"])} arms, {results["tuned"]} tuning trials, {results["runs"]} runs; losses of one recipe are '
        f'{max(results["apart"].values()):.0e} apart',
        f'{"":35}{"tuned trials an hour":>27}{"wall s":>9}{"CPU s":>9}',
    ]
    for name, side in results['sides'].items():
        rate = side['tuned_an_hour']
        text = f'{rate["median"]:,.0f} ({rate["least"]:,.0f} to {rate["greatest"]:,.0f})'
        made.append(f'{SIDES[name]:35}{text:>27}{side["wall_s"]["median"]:9.1f}{side["cpu_s"]["median"]:9.1f}')
    for side in results['sides'].values():
        if side['measured'] != side['runs']:
            made.append(f'of a JAX process a trial {side["measured"]} runs a round were timed, and {side["runs"]} are told of')
            break
    return made


def panels(results: Mapping) -> dict[str, dict[str, dict]]:
    """Tuned trials an hour by side."""
    return {'a small study': {SIDES[name]: side['tuned_an_hour'] for name, side in results['sides'].items()}}
