"""Benchmark of the protocol: plan, table and query over 100,000 simulated trials. Run: make bench

Commands are timed as processes, from their start to their end, once cold and three times warm.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ablations.study_files import load_study
from results import remembered
from results.store.records import commit, prepare
from sweeps import manifest
from sweeps.forecast import costs_of
from sweeps.protocol.pack import LANES
from sweeps.protocol.packing import pack
from sweeps.protocol.plan import schedule
from sweeps.protocol.simulate import World, simulate
from sweeps.training.record import describe, lines

STUDY = '''"""How fast are plan, table and query?"""
from ablations.spaces import SPACES
from ablations.study import Study, task

study = Study(
    name='large',
    question=__doc__,
    arms={'base': (), **{f'arm_{number}': () for number in range(39)}},
    tasks=tuple(task('digits', name=f'digits_{number}', dataset=f'dataset_{number}') for number in range(10)),
    tune={name: SPACES[name] for name in ('adamw', 'sgd')},
    trials=20,
)
'''
QUERY = 'select arm, avg(score) from trials group by arm'


def recorded(path: Path, runs: Path) -> int:
    """Simulate the study and write its records as a run would; how many there are."""
    study = load_study(str(path))
    found, records = simulate(study, World(optimum=(0.9, 0.4)), 0)
    folder = runs / study.name
    prepare(folder)
    for item in pack(study, found.trials, {}):
        own = [describe(trial) | records[trial.id] for trial in item.trials]
        commit(folder, item.id, lines(own, item, (), {'strategy': 'map', 'lanes': LANES}))
    manifest.update(folder, study=study.name, digest=study.digest, costs=costs_of(study))
    remembered.KNOWN.clear()
    for surfaces in ('every surface fitted', 'surfaces known'):
        began = time.process_time()
        schedule(study, records, {})
        print(f'plan of {len(records):,} recorded trials, {surfaces}: {time.process_time() - began:.1f} s of one core')
    return len(records)


def seconds(*arguments: str) -> float:
    """Wall seconds of a command."""
    began = time.perf_counter()
    subprocess.run([sys.executable, '-m', 'archlab', *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        path, runs = Path(place, 'large.py'), Path(place, 'runs')
        path.write_text(STUDY, encoding='utf-8')
        recorded(path, runs)
        for name, arguments in {
            'plan': ('plan', str(path), '--runs', str(runs)),
            'table': ('table', str(path), '--format', 'md', '--runs', str(runs)),
            'query': ('query', QUERY, '--runs', str(runs)),
        }.items():
            cold = seconds(*arguments)
            warm = statistics.median(seconds(*arguments) for _ in range(3))
            print(f'{name}: {cold:.1f} s cold, {warm:.2f} s warm (median of three)')


if __name__ == '__main__':
    main()
