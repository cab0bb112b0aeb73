"""Record: the result of a trial as plain data; results/store/records.py saves it."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ablations.trial import TEST, Trial
from results.store.item_scores import by_item, packed
from results.store.records import FORMAT, STOPPED
from sweeps.protocol.pack import Pack

if TYPE_CHECKING:
    # Whoever runs a study writes records of failures and needs no jax for it, which the tasks import.
    from sweeps.tasks.arrays import Arrays


def _finite(value: float) -> float | None:
    value = float(value)
    return value if math.isfinite(value) else None


def describe(trial: Trial) -> dict:
    """The entries of a record about the trial itself, whatever its outcome."""
    program = trial.program
    return {
        'id': trial.id,
        'study': program.study,
        'arm': program.arm,
        'task': program.task,
        'dataset': program.dataset,
        'replicate': trial.replicate,
        'phase': trial.phase,
        'held': trial.held,
        'optimizer': program.optimizer,
        'knobs': dict(trial.knobs),
        'seed': trial.seed,
        'steps': program.steps,
        'batch': program.batch,
        'data': program.data,
        'model': program.model,
        'blocks': program.blocks,
        # Of runs that stop alone; their curve does not tell how often the whole run is scored.
        **({'until': trial.until, 'evaluations': program.evaluations} if trial.until else {}),
        # Of tasks of a user's own alone, so that records of others stay as they were.
        **({'declared': program.declared} if program.declared else {}),
    }


def finished(
    trial: Trial,
    result: Mapping,
    held: 'Arrays',
    cost: dict,
    environment: dict,
    domains: tuple[str, ...] = (),
    turns: Sequence[tuple[str, int, int]] = (),
) -> dict:
    """The record of a run that was trained to its end.

    A run diverged if it left the finite numbers, or if its training loss ended no lower than it began; where domains come in
    turns, no lower than the loss of the untrained model, because another domain is harder or easier. With `domains`, the
    record has `parts`, the final score of each domain by name, in the same unit. Their mean, weighted by examples, is the
    score. With `turns` (domain, first step, end) it has these too, and in them the score of the domain at each point of the
    curve. A run that stops has no score and no parts: `score_until` is that of its last point, and it diverged only if it left
    the finite numbers. A run that is scored on the test split and did not diverge has `item_scores`
    (results/store/item_scores.py), unless the split is a single item or the scores do not fit into float16.
    """
    unit = dict.fromkeys(('score', 'score_se', 'score_average'), held.scale)
    curve = {
        name: [_finite(float(value) * unit.get(name, 1.0)) for value in values]
        for name, values in result['curve'].items()
        if name != 'parts'
    }
    parts = {}
    if domains and not trial.until:
        final = (_finite(float(value) * held.scale) for value in result['curve']['parts'][-1])
        parts = {'parts': dict(zip(domains, final, strict=True))}
    if turns and not trial.until:
        seen = dict(zip(domains, np.asarray(result['curve']['parts']).T * held.scale, strict=True))
        parts['turns'] = {
            name: {'first': first, 'end': end, 'scores': [_finite(float(value)) for value in seen[name]]}
            for name, first, end in turns
        }
    left, program = int(result['left_at']), trial.program
    first, last = curve['loss' if turns else 'train_loss'][0], curve['train_loss'][-1]
    diverged = left >= 0 or first is None or last is None or (last >= first and not trial.until) or curve['score'][-1] is None
    stride = program.steps // program.evaluations
    points = [*range(0, trial.steps, stride), trial.steps]
    score, error = curve['score'][-1], curve['score_se'][-1]
    stopped = {} if not trial.until else {'score_until': None if diverged else score}
    item_scores = None
    if trial.held == TEST and not diverged:
        item_scores = packed(by_item(np.asarray(result['items'], float) * held.scale, np.asarray(held.group)))
    return describe(trial) | {
        'status': 'diverged' if diverged else STOPPED if trial.until else 'ok',
        'diverged_at': (left if left >= 0 else trial.steps) if diverged else None,
        'reason': 'left the finite numbers' if left >= 0 else 'the training loss did not fall' if diverged else '',
        'score': None if trial.until else score,
        'score_se': None if trial.until else error,
        **stopped,
        **parts,
        **({} if item_scores is None else {'item_scores': item_scores}),
        'n_held': len(held.x),
        'initial_loss': curve['loss'][0],
        'final_loss': curve['loss'][-1],
        'curve': {'step': points, **curve},
        'cost': cost,
        'checksum': held.checksum,
        'environment': environment,
    }


def failed(pack: Pack, reason: str) -> list[dict]:
    """Records of a pack that could not be trained."""
    return [
        describe(trial) | {'status': 'failed', 'diverged_at': None, 'reason': reason, 'score': None, 'environment': {}}
        for trial in pack.trials
    ]


def lines(records: list[dict], pack: Pack, skip: Iterable[str], how: dict) -> list[dict]:
    """The lines of a pack's file: its records that are not in another file, each with its lane in the pack."""
    fresh = [(lane, record) for lane, record in enumerate(records) if record['id'] not in skip]
    about = {'id': pack.id, 'records': len(fresh), **how}
    return [record | {'format': FORMAT, 'pack': {**about, 'lane': lane}} for lane, record in fresh]
