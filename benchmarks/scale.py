"""Scale: what plan, commit, status, table, report and query take with a thousand trials and with a hundred thousand.

Trials are simulated, so nothing trains. Commands are timed as processes, from their start to their end, the first time and
again: CPU and wall seconds, and the largest resident memory.
"""

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ablations.study_files import load_study
from benchmarks.child import Child
from benchmarks.machine import machine
from benchmarks.measured import collect
from benchmarks.spent import spent
from results import remembered
from results.store.records import commit, prepare
from sweeps import manifest
from sweeps.forecast import costs_of
from sweeps.launch.worker_environment import ROOT
from sweeps.protocol.pack import LANES
from sweeps.protocol.packing import pack
from sweeps.protocol.plan import schedule
from sweeps.protocol.simulate import World, simulate
from sweeps.training.record import describe
from sweeps.training.record import lines as record_lines

STUDY = '''"""How fast are plan, table and report?"""
from ablations.spaces import SPACES
from ablations.study import Study, task

study = Study(
    name='large',
    question=__doc__,
    arms={{'base': (), **{{f'arm_{{number}}': () for number in range({others})}}}},
    tasks=tuple(task('digits', name=f'digits_{{number}}', dataset=f'dataset_{{number}}') for number in range({tasks})),
    tune={{name: SPACES[name] for name in ('adamw', 'sgd')}},
    trials=20,
)
'''
EACH = 250
"""Trials of an arm on a task, about: twenty for two optimizers in five replicates, extensions and confirmations."""
ARMS = 40
SIZES = (1_000, 10_000, 100_000)
COMMANDS = {
    'plan': ('plan', '{file}', '--runs', '{runs}'),
    'status': ('status', '{file}', '--runs', '{runs}'),
    'table': ('table', '{file}', '--format', 'md', '--runs', '{runs}'),
    'report': ('report', '{file}', '--runs', '{runs}', '--out', '{page}'),
    'query': ('query', 'select arm, avg(score) from trials group by arm', '--runs', '{runs}'),
}


def study_of(trials: int) -> str:
    """A study file of about so many trials: up to forty arms on as many tasks as it takes.

    >>> [study_of(count).count('range(39)') for count in (1_000, 100_000)]
    [0, 1]
    """
    pairs = max(2, round(trials / EACH))
    arms = max(2, min(ARMS, pairs))
    return STUDY.format(others=arms - 1, tasks=max(1, round(pairs / arms)))


class Simulated:
    """A simulated study whose records are written as a run would write them."""

    def __init__(self, file: str, runs: str):
        self.study, self.folder = load_study(file), Path(runs) / 'large'

    def commit(self) -> dict:
        """Write all records; CPU and wall seconds of that, and how many there are."""
        done, records = simulate(self.study, World(optimum=(0.9, 0.4)), 0)
        prepare(self.folder)
        packs = list(pack(self.study, done.trials, {}))
        cpu, wall = time.process_time(), time.perf_counter()
        for item in packs:
            own = [describe(trial) | records[trial.id] for trial in item.trials]
            commit(self.folder, item.id, record_lines(own, item, (), {'strategy': 'map', 'lanes': LANES['map']}))
        spent = time.process_time() - cpu, time.perf_counter() - wall
        manifest.update(self.folder, study=self.study.name, digest=self.study.digest, costs=costs_of(self.study))
        self.records = records
        return {'trials': len(records), 'packs': len(packs), 'cpu_s': spent[0], 'wall_s': spent[1]}

    def plan(self) -> dict[str, float]:
        """CPU seconds of the plan alone, from records in memory: with every surface fitted, and with surfaces known."""
        remembered.KNOWN.clear()
        seconds = []
        for _ in range(2):
            began = time.process_time()
            schedule(self.study, self.records, {})
            seconds.append(time.process_time() - began)
        return dict(zip(('fitted', 'known'), seconds, strict=True))


def ran(arguments: Sequence[str], limit: float) -> dict:
    """What a command of the lab took."""
    environment = {**os.environ, 'PYTHONPATH': str(ROOT), 'PYTHONSAFEPATH': '1'}
    return spent((sys.executable, '-P', '-m', 'archlab', *arguments), environment, limit)


def measure(trials: int, limit: float, only: Sequence[str] = ()) -> dict:
    """Every command on a simulated study of about so many trials, the first time and again."""
    with tempfile.TemporaryDirectory() as place:
        file, runs = Path(place, 'large.py'), Path(place, 'runs')
        # The folder is this benchmark's own and is thrown away.
        file.write_text(study_of(trials), encoding='utf-8')
        with contextlib.closing(Child('benchmarks.scale:Simulated', None, {'file': str(file), 'runs': str(runs)})) as child:
            committed, planned = child.call('commit'), child.call('plan')
        commands = {}
        for name, words in COMMANDS.items():
            if only and name not in only:
                continue
            told = [word.format(file=file, runs=runs, page=Path(place, 'page.html')) for word in words]
            commands[name] = {'first': ran(told, limit)}
            if 'cpu_s' in commands[name]['first']:
                commands[name]['again'] = ran(told, limit)
    return {'trials': committed['trials'], 'commit': committed, 'plan_alone_cpu_s': planned, 'commands': commands}


def bench(
    sizes: Sequence[int] = SIZES,
    limit: float = 300.0,
    only: Sequence[str] = (),
    save: Callable[[dict], None] | None = None,
) -> dict:
    """Studies of some sizes, `save` being told after each; raises ValueError on unknown commands, or sizes below a thousand."""
    unknown = [name for name in only if name not in COMMANDS]
    if unknown:
        raise ValueError(f'unknown commands {unknown}; allowed: {list(COMMANDS)}; mend the names')
    small = [size for size in sizes if size < 500]
    if small:
        raise ValueError(f'{small} trials; allowed: from 500, which two arms take; raise them')
    return collect({'machine': machine(5)}, 'studies', (measure(size, limit, only) for size in sizes), save)


def lines(results: Mapping) -> list[str]:
    """The results as text of at most 80 columns."""
    told = results['machine']
    made = [
        f'{told["processor"]}, {told["cores"]} cores, load {told["load"]}',
        f'{"":8}{"trials":>9}{"first: CPU s":>15}{"wall s":>9}{"again: CPU s":>15}{"wall s":>9}{"MiB":>9}',
    ]
    for study in results['studies']:
        one = study['commit']
        made.append(f'{"commit":8}{study["trials"]:9,}{one["cpu_s"]:15.2f}{one["wall_s"]:9.2f}  {one["packs"]:,} packs')
        for name, told in study['commands'].items():
            first, again = told['first'], told.get('again')
            text = f'{name:8}{study["trials"]:9,}'
            if again is None:
                made.append(f'{text}  cut off after {first["cut_off_after_s"]:g} s')
                continue
            if 'cpu_s' not in again:
                again = {'cpu_s': float('nan'), 'wall_s': float('nan')}
            made.append(
                f'{text}{first["cpu_s"]:15.2f}{first["wall_s"]:9.2f}{again["cpu_s"]:15.2f}{again["wall_s"]:9.2f}{first["mib"]:9.0f}'
            )
    return made


def panels(results: Mapping) -> dict[str, dict[str, dict]]:
    """CPU seconds of each command the first time, by the number of trials."""
    return {
        f'{study["trials"]:,} trials': {
            name: dict.fromkeys(('median', 'least', 'greatest'), told['first']['cpu_s'])
            for name, told in {'commit': {'first': study['commit']}, **study['commands']}.items()
            if 'cpu_s' in told['first']
        }
        for study in results['studies']
    }
