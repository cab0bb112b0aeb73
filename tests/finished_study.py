"""A finished study of simulated runs, written to a runs folder as real ones are, for tests of bundles and of the cache."""

from collections import Counter
from pathlib import Path

from ablations.study_files import load_study
from ablations.trial import TEST
from results.store.records import commit, prepare
from sweeps import manifest
from sweeps.protocol.packing import pack
from sweeps.protocol.simulate import World, simulate
from sweeps.training.record import describe, lines

SOURCE = (
    '"""Does a small network need its mixer?"""\n'
    'from ablations.spaces import log\n'
    'from ablations.study import Study, swap\n'
    "space = {'lr': log(1e-2, 1.0), 'weight_decay': log(1e-4, 1e-2)}\n"
    "study = Study(name='finished', question=__doc__, arms={'base': (), 'no_mixer': swap('mixer', 'identity')},\n"
    "              tasks=('digits', 'recall'), tune={'sgd': space}, trials=6, extension=0, replicates=3)\n"
)
ENVIRONMENT = {'source': 'simulated', 'commit': 'none', 'python': '3.11', 'platform': 'cpu', 'versions': {'jax': '0'}}


def write(folder: Path, source: str = SOURCE, seed: int = 0, share: float = 1.0) -> Path:
    """The study file in `folder`, with its runs in `folder/runs`; `share` below 1 leaves the last packs out."""
    file = folder / 'finished.py'
    file.write_text(source)
    study = load_study(str(file))
    runs = folder / 'runs' / study.name
    prepare(runs)
    schedule, records = simulate(study, World(top={'no_mixer': -1.0}, noise=0.01), seed)
    packs, reads = pack(study, schedule.trials, {'lanes': 4}), Counter()
    for item in packs[: round(share * len(packs))]:
        full = []
        for trial in item.trials:
            record, steps = records[trial.id], trial.program.steps
            ends = {
                'loss': record['final_loss'],
                'score': record['score'],
                'score_se': 0.01,
                'train_loss': record['final_loss'],
            }
            count = trial.program.evaluations
            curve = {'step': [steps * point // count for point in range(count + 1)]}
            curve |= {name: [2.0] * count + [end] for name, end in ends.items()}
            cost = {'steps': steps, 'examples': 10 * steps, 'flops': 10**7, 'seconds': 0.5, 'peak_memory': 10**8}
            more = {'curve': curve, 'cost': cost, 'checksum': 'same', 'diverged_at': None, 'reason': ''}
            if record['status'] == 'diverged':
                more |= {'diverged_at': steps, 'reason': 'left the finite numbers'}
            full.append({**describe(trial), **record, **more, 'environment': ENVIRONMENT})
        reads.update(trial.program.dataset for trial in item.trials if trial.held == TEST)
        commit(runs, item.id, lines(full, item, [], {'strategy': 'loop', 'lanes': 4, 'splits': 0}))
    cost = {'params': 100, 'macs': 1000, 'flops': 6000, 'activation_bytes': 64}
    costs = {arm: {task.name: cost for task in study.tasks} for arm in study.arms}
    about = {'study': study.name, 'digest': study.digest, 'costs': costs, 'test_reads': dict(reads)}
    manifest.save(runs, {**manifest.load(runs), **about})
    return file
