"""Verified study: a small one that is sound, simulated, and the rules that it holds."""

import functools

from ablations.config import swap
from ablations.study import Study
from sweeps.protocol.plan import plan, schedule
from sweeps.protocol.simulate import World, simulated_record
from sweeps.training.record import describe

RULES = [
    'every records file is sound',
    'every trial is recorded once',
    'the study is complete',
    'every arm has its own recipe',
    'every arm has the same budget',
    'more than one dataset',
    'noise is measured',
    'confirmation seeds are fresh',
    'nothing was tuned on test data',
    'planned and judged by one protocol',
    'one version of the sources',
    'one version of the data',
    'looks were declared',
    'no recipe is censored',
    'sizes are shown',
    'no arm sees the tokens that it predicts',
    'diverged runs are counted',
    'likeness to rough worlds is named',
]
STILL, BARREN, FLAGS = 'training moved the scores', 'every arm gave values', 'one set of compiler flags'
"""Rules that are only named where they are broken."""
WORLD = World(cliff=2.0, noise=0.02)


def study(**fields: object) -> Study:
    given = {'name': 'verified', 'question': 'Is it honest?', 'arms': {'base': (), 'other': swap('norm', 'rms_norm')}}
    return Study(**{**given, 'tasks': ('digits', 'recall'), 'trials': 8, 'replicates': 3, **fields})


def costs(base: float = 100.0, other: float = 100.0) -> dict:
    of = {'base': base, 'other': other}
    return {'costs': {arm: {t: {'params': 10, 'macs': 5, 'flops': f} for t in ('digits', 'recall')} for arm, f in of.items()}}


def run(asked: Study, world: World = WORLD, manifest: dict | None = None) -> tuple:
    records: dict[str, dict] = {}
    while wanted := plan(asked, records, manifest or {}):
        for trial in wanted:
            told = {'pack': {'id': 'p'}, 'checksum': f'{trial.task} {trial.held}'}
            records[trial.id] = {**describe(trial), **simulated_record(asked, world, trial, 0), **told}
    return schedule(asked, records, manifest or {}), records


@functools.cache
def sound() -> tuple:
    return study(), *run(study())
