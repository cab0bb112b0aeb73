"""Chance of tasks of a user's own: what the metrics of the lab give to an answer that is always the same."""

import dataclasses
from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np
import pytest

from ablations.tasks.derived import FORMS, derive
from ablations.tasks.metrics import METRICS
from ablations.tasks.own_scores import DEFAULTS, of_guesses, score_of
from ablations.tasks.own_task import OwnTask
from arch.model import build
from sweeps.tasks.targets import FORMS as TARGETS

GENERATOR = np.random.default_rng(0)
CLASSES = np.repeat(np.arange(7, dtype=np.int32), (40, 30, 20, 10, 8, 6, 4))
MAPS = np.where(GENERATOR.random((50, 6)) < 0.6, 1, GENERATOR.integers(0, 3, (50, 6))).astype(np.int32)
VALUES = GENERATOR.normal((3, -1), (2, 5), (60, 2)).astype(np.float32)
LABELS = (GENERATOR.random((60, 2)) < (0.7, 0.2)).astype(np.float32)
LABELS[:9, 0] = np.nan


def facts(form: str, y: np.ndarray) -> dict:
    """What a prepared set says of targets."""
    if form in ('class', 'map'):
        counts = np.bincount(y.reshape(-1)).tolist()
        return {'target': form, 'balance': {'pool': counts}, 'classes': [str(number) for number in range(len(counts))]}
    known = (~np.isnan(y)).sum(0).tolist()
    named = {'target': form, 'targets': ['a', 'b'], 'known': {'pool': known}, 'balance': {'pool': None}, 'classes': None}
    if form == 'labels':
        return named | {'positive': {'pool': np.nansum(y, 0).astype(int).tolist()}}
    spread = np.abs(y - np.median(y, 0)).mean(0).tolist()
    return named | {'target_mean': y.mean(0).tolist(), 'target_std': y.std(0).tolist(), 'target_spread': spread}


def always_the_same(form: str, metric: str, y: np.ndarray, about: Mapping) -> float:
    """The score of the best answer that is the same for every example, by the lab's own metric."""
    if form in ('class', 'map'):
        target = TARGETS[form](tuple(about['classes']), metric)
        best = np.zeros((*y.shape, len(about['classes'])), np.float32) - np.argsort(np.argsort(-np.bincount(y.reshape(-1))))
    elif form == 'labels':
        target, best = TARGETS[form](('a', 'b'), metric), np.where(np.nanmean(y, 0) > 0.5, 1.0, -1.0) + np.zeros_like(y)
    else:
        target = TARGETS[form](('a', 'b'), metric, tuple(about['target_mean']), tuple(about['target_std']), 'squared')
        middle = np.median(y, 0) if metric == 'mae' else y.mean(0)
        best = (middle - about['target_mean']) / np.array(about['target_std']) + np.zeros_like(y)
    statistics = np.asarray(target.losses(jnp.asarray(best, jnp.float32), jnp.asarray(y))[1], np.float64)
    return float(target.measure.scored(statistics, np.arange(len(y))).score if target.measure else statistics.mean())


CASES = {'class': CLASSES, 'map': MAPS, 'values': VALUES, 'labels': LABELS}


@pytest.mark.parametrize(('form', 'metric'), [(form, metric) for form, names in DEFAULTS.items() for metric in names])
def test_chance_is_what_an_answer_gets_that_is_always_the_same(form: str, metric: str):
    about = {'kind': 'series', **facts(form, CASES[form])}
    score = score_of(metric, about)
    assert score.chance == pytest.approx(always_the_same(form, metric, CASES[form], about), abs=2e-3)
    assert score.direction == METRICS[metric].direction and score.unit and score.margin > 0


@pytest.mark.parametrize(
    ('form', 'metric'),
    [(form, metric) for form in ('class', 'map') for metric in ('macro_f1', 'mean_iou') if metric in DEFAULTS[form]],
)
def test_guesses_are_no_better_than_is_said(form: str, metric: str):
    """Many blind guesses, by shares and at random, scored by the lab's own metric."""
    y = np.concatenate([CASES[form]] * 30)
    about, target = facts(form, y), TARGETS[form](tuple(map(str, range(int(y.max()) + 1))), metric)
    scores = []
    for shares in (np.bincount(y.reshape(-1)) / y.size, np.full(target.outputs, 1 / target.outputs)):
        answers = np.random.default_rng(1).choice(target.outputs, y.shape, p=shares)
        statistics = np.asarray(target.losses(jnp.eye(target.outputs)[answers], jnp.asarray(y))[1], np.float64)
        scores.append(target.measure.scored(statistics, np.arange(len(y))).score)
    assert of_guesses(metric, about) == pytest.approx(max(scores), abs=0.01)
    assert of_guesses('accuracy', about) is None


@pytest.mark.parametrize(
    ('positive', 'known', 'best'),
    [([50], [100], 2 / 3), ([100, 0], [100, 100], 0.5), ([25, 75], [100, 100], (0.4 + 6 / 7) / 2), ([0, 10], [0, 20], 1 / 3)],
    ids=str,
)
def test_of_labels_the_best_guess_is_to_say_each_of_them(positive: list[int], known: list[int], best: float):
    """F1 of a label that a share p of the examples has is then 2 p / (1 + p); of one that nobody knows, 0."""
    about = {'kind': 'images', 'target': 'labels', 'positive': {'pool': positive}, 'known': {'pool': known}}
    assert of_guesses('macro_f1', about) == pytest.approx(best)
    assert of_guesses('auroc', about) is None and of_guesses('accuracy', about) is None


def test_every_form_of_target_has_the_metrics_that_the_lab_has_for_it():
    assert {form: set(names) for form, names in DEFAULTS.items()} == {form: set(cls.METRICS) for form, cls in TARGETS.items()}


SHAPES = {'images': [16, 16, 3], 'maps': [16, 16, 2], 'series': [40, 2], 'tables': [5]}


@pytest.mark.parametrize(('kind', 'form'), FORMS)
def test_a_task_of_every_form_is_whole_and_its_base_builds(kind: str, form: str):
    more = facts(form, CASES[form]) if form else {'classes': None, 'balance': {'pool': None}}
    about = {'kind': kind, 'sizes': {'pool': 100, 'test': 20}, 'elements': {'pool': 30_000}, 'longest': 48, **more}
    about |= {'shape': SHAPES.get(kind), 'rate': 4000, 'characters': 20}
    own = OwnTask(dataset='mine', vocabulary=30) if kind == 'tokens' else OwnTask(dataset='mine')
    one = derive(own, 'mine', about, '')
    assert one.direction == METRICS[one.metric].direction and one.steps % one.evaluations == 0
    assert one.data['held'] > 0 and one.domain == kind
    build(one.base)


@pytest.mark.parametrize(('steps', 'evaluations'), [(200, 4), (150, 3), (50, 2), (101, 1)])
def test_evaluations_divide_the_steps_that_are_stated(steps: int, evaluations: int):
    about = {'kind': 'series', 'shape': [40], 'sizes': {'pool': 100, 'test': 20}, **facts('class', CASES['class'])}
    assert derive(OwnTask(dataset='mine', steps=steps), 'mine', about, '').evaluations == evaluations
    with pytest.raises(ValueError, match='steps=150 is not a multiple of evaluations=4'):
        derive(OwnTask(dataset='mine', steps=150, evaluations=4), 'mine', about, '')


@pytest.mark.parametrize(
    ('fields', 'about', 'said'),
    [
        ({}, {'kind': 'images', 'target': None, 'classes': None}, 'a set of images without a target is no task'),
        ({}, {'kind': 'texts', 'longest': 5000}, 'the longest of its texts has 5,000 places; allowed without a word: 1,024'),
        ({}, {'kind': 'images', 'shape': [15, 16, 3]}, 'cannot be halved, which the base of images does; give size='),
        ({}, {'kind': 'tokens', 'longest': 9}, 'shards of tokens: give vocabulary='),
        ({'metric': 'rmse'}, {'kind': 'series', 'shape': [9]}, "metric='rmse' of a target of form 'class'; allowed"),
        (
            {'margin': 60.0},
            {'kind': 'series', 'shape': [9]},
            'margin=60 of accuracy: .* all models would be equivalent; .*one point',
        ),
        ({'chance': 90}, {'kind': 'series', 'shape': [9]}, 'chance=90 of accuracy; allowed: 0 to 1; it is a share'),
        (
            {'margin': 1000.0},
            {'kind': 'series', 'shape': [9], **facts('values', CASES['values'])},
            r'margin=1000 of rmse: a model without any error is .* better than chance',
        ),
        ({'batch': 5000}, {'kind': 'series', 'shape': [9]}, r'batch=5,000 of \d+ training examples; allowed: up to these'),
        ({'metric': 'acuracy'}, {'kind': 'series', 'shape': [9]}, "Did you mean 'accuracy'"),
        (
            {},
            {'kind': 'texts', 'target': None, 'classes': None, 'elements': {'pool': 900}},
            'a text of 900 characters .* too short',
        ),
        ({'tokens': 'bpe'}, {'kind': 'texts', 'target': None, 'classes': None}, "tokens='bpe': the size of the vocabulary"),
    ],
)
def test_what_a_task_cannot_do_without_is_asked_for(fields: dict, about: dict, said: str):
    whole = {
        **facts('class', CLASSES),
        'sizes': {'pool': 100, 'test': 20},
        'elements': {'pool': 30_000},
        'shape': None,
        **about,
    }
    with pytest.raises(ValueError, match=said):
        derive(OwnTask(dataset='mine', **fields), 'mine', whole, '')


def test_longer_texts_are_cut_where_the_task_states_a_length():
    about = {**facts('class', CLASSES), 'kind': 'texts', 'sizes': {'pool': 100, 'test': 20}, 'longest': 5000, 'shape': None}
    assert derive(OwnTask(dataset='mine', length=64), 'mine', about, '').data['cut'] is True
    assert 'cut' not in derive(OwnTask(dataset='mine', length=6000), 'mine', about, '').data


def test_the_five_best_of_five_classes_are_no_question():
    about = {'kind': 'images', 'target': 'class', 'balance': {'pool': [9] * 5}}
    with pytest.raises(ValueError, match='of 5 classes: any answer is right; allowed: 6 classes or more'):
        score_of('top5_accuracy', about)
    assert score_of('top5_accuracy', {**about, 'balance': {'pool': [9] * 6}}).chance == pytest.approx(5 / 6, abs=1e-6)


@pytest.mark.parametrize(
    ('counts', 'f1', 'overlap'),
    [
        ([1, 0, 1], 1 / 3, 2 / 9),
        ([0, 0, 9], 1 / 3, 1 / 3),
        ([0, 0], 0.0, 0.0),
        ([3, 1], 0.5, (0.6 + 1 / 7) / 2),
    ],
    ids=str,
)
def test_guesses_of_classes_that_are_not_there_are_worth_nothing(counts: list[int], f1: float, overlap: float):
    about = {'kind': 'series', 'target': 'map', 'balance': {'pool': counts}}
    assert of_guesses('macro_f1', about) == pytest.approx(f1)
    assert of_guesses('mean_iou', about) == pytest.approx(overlap)


@pytest.mark.parametrize(
    ('form', 'facts_of', 'metric', 'wanted'),
    [
        ('class', {'balance': {'pool': [30, 10]}}, None, ('accuracy', 'share of rows', 'higher', 0.75, 0.01)),
        ('class', {'balance': {'pool': [30, 10]}}, 'macro_f1', ('macro_f1', 'mean F1', 'higher', 0.428571, 0.01)),
        ('class', {'balance': {'pool': [0, 0]}}, 'auroc', ('auroc', 'area under the curve', 'higher', 0.5, 0.01)),
        ('map', {'balance': {'pool': [1, 2]}}, None, ('mean_iou', 'mean overlap of a class', 'higher', 0.333333, 0.01)),
        ('map', {'balance': {'pool': [1, 2]}}, 'accuracy', ('accuracy', 'share of places', 'higher', 0.666667, 0.01)),
        ('labels', {'positive': {'pool': [9, 1]}, 'known': {'pool': [10, 10]}}, 'accuracy',
         ('accuracy', 'share of labels', 'higher', 0.9, 0.01)),
        ('labels', {'positive': {'pool': [5, 0]}, 'known': {'pool': [10, 0]}}, 'macro_f1',
         ('macro_f1', 'mean F1', 'higher', 0.0, 0.01)),
        ('values', {'target_std': [3.0, 4.0]}, None, ('rmse', 'unit of the target', 'lower', 3.5, 0.07)),
        ('values', {'target_std': [3.0, 4.0]}, 'mae', ('mae', 'unit of the target', 'lower', 3.5, 0.07)),
        ('values', {'target_std': [3.0], 'target_spread': [123.456]}, 'mae',
         ('mae', 'unit of the target', 'lower', 123.456, 2.0)),
        ('values', {'target_std': [3.0]}, 'r2', ('r2', 'share of the variance', 'higher', 0.0, 0.02)),
    ],
    ids=str,
)  # fmt: skip
def test_the_whole_score_of_a_set(form: str, facts_of: dict, metric: str | None, wanted: tuple):
    assert dataclasses.astuple(score_of(metric, {'kind': 'tables', 'target': form, **facts_of})) == wanted
