"""Own scores: the metric of a task of a user's own, with its unit, direction, chance and margin where he states none.

Chance is the score of the best constant answer (sweeps/tasks/supervised.py), by the facts of the pool.
"""

import dataclasses
from collections.abc import Mapping

from ablations.config import closest
from ablations.tasks.metrics import METRICS

DEFAULTS = {
    'class': ('accuracy', 'top5_accuracy', 'balanced_accuracy', 'macro_f1', 'auroc'),
    'values': ('rmse', 'mae', 'r2'),
    'labels': ('auroc', 'accuracy', 'macro_f1'),
    'map': ('mean_iou', 'accuracy', 'balanced_accuracy', 'macro_f1'),
}
"""The metrics of each form of target, the first where none is stated."""
SPOKEN = {
    'images': 'images',
    'maps': 'maps',
    'series': 'series',
    'tables': 'rows',
    'sounds': 'recordings',
    'texts': 'texts',
    'molecules': 'molecules',
    'tokens': 'documents',
}
"""What the examples of each kind of set are called."""
UNITS = {
    'balanced_accuracy': 'mean share of a class',
    'macro_f1': 'mean F1',
    'auroc': 'area under the curve',
    'mean_iou': 'mean overlap of a class',
    'r2': 'share of the variance',
}
MARGIN, OF_CHANCE = {'r2': 0.02}, 0.02
"""The margin of a metric, 0.01 for other shares; of an error this share of its chance."""
TOP = 5


@dataclasses.dataclass(frozen=True)
class Score:
    """A metric with its unit, its better direction, its chance and its margin."""

    metric: str
    unit: str
    direction: str
    chance: float
    margin: float


def score_of(metric: str | None, facts: Mapping) -> Score:
    """The score of a set's targets by a metric, or by the first of its form. Raises ValueError for a metric of another form.

    >>> facts = {'kind': 'images', 'target': 'class', 'balance': {'pool': [30, 10]}}
    >>> score_of(None, facts).chance, score_of('balanced_accuracy', facts).chance
    (0.75, 0.5)
    """
    form = facts.get('target') or 'class'
    name = metric or DEFAULTS[form][0]
    if name not in DEFAULTS[form]:
        raise ValueError(
            f"metric='{name}' of a target of form '{form}'; allowed: {list(DEFAULTS[form])}.{closest(name, DEFAULTS[form])}"
        )
    if name == 'top5_accuracy' and len(facts['balance']['pool']) <= TOP:
        raise ValueError(
            f"metric='{name}' of {len(facts['balance']['pool'])} classes: any answer is right; allowed: {TOP + 1} classes or "
            "more; take metric='accuracy'"
        )
    if form in ('class', 'map'):
        chance = _of_classes(name, facts['balance']['pool'])
        what = SPOKEN[facts['kind']] if form == 'class' else 'places'
    elif form == 'labels':
        chance, what = _of_labels(name, facts), 'labels'
    else:
        chance, what = _of_values(name, facts), ''
    own = METRICS[name].own
    unit = UNITS.get(name, 'unit of the target' if own else f'share of {what}')
    margin = float(f'{OF_CHANCE * chance:.1g}') if own else MARGIN.get(name, 0.01)
    return Score(name, unit, METRICS[name].direction, float(f'{chance:.6g}'), margin)


def of_guesses(metric: str, facts: Mapping) -> float | None:
    """The best score of blind guesses, above that of a constant answer; None for other metrics.

    Of a class with share p a guess by shares is right p of the time, one among K classes 1 / K of the time.

    >>> of_guesses('mean_iou', {'kind': 'series', 'target': 'map', 'balance': {'pool': [50, 50]}})
    0.3333333333333333
    """
    form = facts.get('target') or 'class'
    if metric == 'macro_f1' and form == 'labels':
        pairs = zip(facts['positive']['pool'], facts['known']['pool'], strict=True)
        shares = [positive / max(known, 1) for positive, known in pairs]
        return sum(2 * p / (1 + p) for p in shares) / len(shares)
    if metric not in ('macro_f1', 'mean_iou'):
        return None
    counts = facts['balance']['pool']
    shares = [count / max(sum(counts), 1) for count in counts]
    ratio = {'macro_f1': lambda p, q: 2 * p * q / (p + q), 'mean_iou': lambda p, q: p * q / (p + q - p * q)}[metric]
    of_each = [
        [ratio(p, q) if p else 0.0 for p, q in zip(shares, others, strict=True)]
        for others in (shares, [1 / len(shares)] * len(shares))
    ]
    return max(sum(own) / len(own) for own in of_each)


def _of_classes(name: str, counts: list[int]) -> float:
    shares = sorted((count / max(sum(counts), 1) for count in counts), reverse=True)
    most, classes = shares[0], len(shares)
    return {
        'accuracy': most,
        'top5_accuracy': sum(shares[:TOP]),
        'balanced_accuracy': 1 / classes,
        'macro_f1': 2 * most / (1 + most) / classes,
        'auroc': 0.5,
        'mean_iou': most / classes,
    }[name]


def _of_labels(name: str, facts: Mapping) -> float:
    pairs = zip(facts['positive']['pool'], facts['known']['pool'], strict=True)
    shares = [positive / max(known, 1) for positive, known in pairs]
    each = {
        'auroc': lambda p: 0.5,
        'accuracy': lambda p: max(p, 1 - p),
        # Of labels that most examples lack, saying none of them scores 0.
        'macro_f1': lambda p: 2 * p / (1 + p) if p > 0.5 else 0.0,
    }[name]
    return sum(map(each, shares)) / len(shares)


def _of_values(name: str, facts: Mapping) -> float:
    spread = {'rmse': facts['target_std'], 'mae': facts.get('target_spread', facts['target_std']), 'r2': [0.0]}[name]
    return sum(spread) / len(spread)
