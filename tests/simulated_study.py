"""Studies with made-up scores and records as full as those of training runs, for the tests of tables and reports."""

import dataclasses
import functools

import numpy as np

from ablations.shapes import drop_one, factorial, path
from ablations.studies.quickstart import study as quickstart
from ablations.study import Study, swap
from ablations.trial import Schedule, Trial
from results.evidence import findings
from results.store.reading import Reading
from results.store.recorded import Records
from sweeps.protocol.plan import schedule

RMS, TANH = swap('norm', 'rms_norm'), swap('norm', 'dynamic_tanh')
NO_MIXER = swap('mixer', 'identity')
SMALL = dataclasses.replace(quickstart, trials=8, replicates=3, looks=(), extension=0)
SHAPES = {
    'path': path({'start': (), 'rms': RMS, 'no_mixer': NO_MIXER}),
    'drop_one': drop_one({'rms': RMS, 'no_mixer': NO_MIXER}),
    'factorial': factorial({'norm': {'layer': (), 'rms': RMS}, 'mixer': {'kept': (), 'no_mixer': NO_MIXER}}),
}


def study_of(shape: str, **fields: object) -> Study:
    """A small study of a shape of SHAPES, or of the quickstart's own ('one_swap')."""
    changed = SHAPES.get(shape, {})
    return dataclasses.replace(
        SMALL, **{'name': f'small_{shape}', 'against': {}, 'levels': {}, 'looks': (), **changed, **fields}
    )


def score(study: Study, trial: Trial, tops: dict, cliff: float) -> float | None:
    """Higher-better: the arm's top less the distance from the middle of the range, with noise; None past the cliff."""
    places = [values.unit(dict(trial.knobs)[name]) for name, values in study.tune[trial.program.optimizer].items()]
    if places[0] > cliff:
        return None
    noise = np.random.default_rng(int(trial.id, 16)).normal() * 0.01
    return tops.get(trial.arm, 0.0) + 0.8 - sum((place - 0.5) ** 2 for place in places) + noise


def record(study: Study, trial: Trial, number: int, score: float | None) -> dict:
    """What a training run with this score leaves."""
    program, lost = trial.program, score is None
    last = None if lost else float(np.exp(-score))
    value = None if lost else study.task(trial.task).sign * float(score)
    return {
        'id': trial.id,
        'study': study.name,
        'arm': trial.arm,
        'task': trial.task,
        'dataset': program.dataset,
        'replicate': trial.replicate,
        'phase': trial.phase,
        'held': trial.held,
        'optimizer': program.optimizer,
        'knobs': dict(trial.knobs),
        'seed': trial.seed,
        'steps': program.steps,
        'batch': program.batch,
        'status': 'diverged' if lost else 'ok',
        'diverged_at': program.steps // 2 if lost else None,
        'reason': 'left the finite numbers' if lost else '',
        'score': value,
        'score_se': None if lost else 0.01,
        'n_held': 1000,
        'initial_loss': 2.0,
        'final_loss': last,
        'curve': {
            'step': [0, program.steps],
            'loss': [2.0, last],
            'score': [0.1, value],
            'score_se': [0.01, None if lost else 0.01],
            'train_loss': [2.0, last],
        },
        'cost': {
            'steps': program.steps,
            'examples': program.steps * program.batch,
            'flops': program.steps * 10**7,
            'seconds': 0.5 + number % 7 / 10,
            'peak_memory': 10**8,
        },
        'checksum': 'same',
        'environment': {'source': 'made up', 'commit': 'none', 'platform': 'cpu', 'device': 'cpu', 'python': '3.11'},
        'pack': {'id': 'p0', 'records': 1, 'strategy': 'map', 'lanes': 8, 'lane': number % 8},
    }


def run(study: Study, manifest: dict, tops: dict, cliff: float) -> tuple[Schedule, dict]:
    """Plan, record, plan again, until nothing is wanted."""
    records = {}
    while True:
        planned = schedule(study, records, manifest)
        wanted = [trial for trial in planned.trials if trial.id not in records]
        if not wanted:
            return planned, records
        for trial in wanted:
            records[trial.id] = record(study, trial, len(records), score(study, trial, tops, cliff))


def manifest_of(study: Study) -> dict:
    """A manifest with costs that differ by arm."""
    costs = {}
    for place, arm in enumerate(study.arms):
        size = {'params': 10_000 + 100 * place, 'macs': 2_000_000 - 10_000 * place, 'flops': 10**7, 'activation_bytes': 4096}
        costs[arm] = {task.name: dict(size) for task in study.tasks}
    return {'costs': costs, 'looks': [study.looks[-1]], 'test_reads': {'digits': 10}, 'settings': ['trials=8']}


def data(study: Study, tops: dict, cliff: float = 0.9, share: float = 1.0) -> tuple:
    """Study, schedule, records, manifest, findings; `share` below 1 keeps only the first of the records."""
    manifest = manifest_of(study)
    planned, records = run(study, manifest, tops, cliff)
    if share < 1:
        records = dict(list(records.items())[: int(len(records) * share)])
        planned = schedule(study, records, manifest)
    return study, planned, records, manifest, findings(Reading(study, planned, records, manifest))


def read(study: Study, planned: Schedule, records: dict, manifest: dict, effects: list) -> tuple[Reading, list]:
    """The reading that these are parts of, and the findings."""
    return Reading(study, planned, Records.of(records.values()), manifest), effects


TOPS = {'no_mixer': -0.4, 'rms': 0.1, 'rms_norm': 0.1, 'rms_and_no_mixer': -0.2, 'all': -0.3}
"""To lose the mixer is bad, RMSNorm is good, both together is better than the sum of the two."""


@functools.cache
def small(shape: str = 'one_swap', cliff: float = 0.9, share: float = 1.0, recipe: str = 'own') -> tuple:
    """A small study of a shape."""
    return data(study_of(shape, recipe=recipe), TOPS, cliff, share)
