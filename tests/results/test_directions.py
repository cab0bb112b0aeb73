"""Directions and units: a verdict is the same whether a higher or a lower metric is better, bounded or not, in any unit."""

import dataclasses
import functools
from collections.abc import Callable

import numpy as np
import pytest
from told_study import NOISE, study, told

from ablations.tasks import TASKS, Task, task
from ablations.tasks.made_tasks import MADE
from ablations.tasks.metrics import METRICS, metric
from results.figures.panels import axis_label
from results.finding import Finding
from results.report.sentences import basis
from results.statistics import within
from results.tables import number, span
from results.tables.words import title
from sweeps.tasks.targets import FORMS

UNIT = 50.0
ARMS = {'good': 0.06, 'same': 0.0, 'bad': -0.06}
ASKED = task('digits', margin=0.02, chance=0.1)
EXACT = ('verdict', 'p', 'p_adjusted', 'p_equivalent', 'negligible', 'overall', 'decided_at', 'needed')
SCALED = ('effect', 'detectable', 'margin', 'one_more_diverged')


def noise(turn: int) -> np.ndarray:
    return np.roll(NOISE, turn) / 100


def findings_of(one: Task, in_unit: Callable[[np.ndarray], np.ndarray] = lambda score: score) -> dict[str, Finding]:
    """The findings of arms that confirm at scores which are the same in the good direction, in the task's own metric."""
    arms = {'base': (), **dict.fromkeys(ARMS, ())}
    gaps = {'base': 0.0, **ARMS}
    # Each arm has the noise in another order: what all replicates have in common would be no noise.
    scores = {(arm, one.name): in_unit(0.5 + gap + noise(turn)) for turn, (arm, gap) in enumerate(gaps.items())}
    return {finding.arm: finding for finding in told(study(arms=arms, tasks=(one,), trials=4), scores)}


@functools.cache
def asked() -> dict[str, Finding]:
    return findings_of(ASKED)


@functools.cache
def mirrored(name: str) -> dict[str, Finding]:
    return findings_of(lower(name), lambda score: UNIT * (1 - score))


def lower(name: str) -> Task:
    """A task of which lower is better and whose unit is UNIT times as fine, with the margin and the chance of ASKED in it."""
    return task(name, margin=ASKED.margin * UNIT, chance=UNIT * (1 - ASKED.chance))


@pytest.mark.parametrize('name', ['friedman', 'adding'])
def test_a_verdict_knows_no_direction_and_no_unit(name: str):
    assert [one.verdict for one in asked().values()] == ['better', 'equivalent', 'worse']
    for arm, one in asked().items():
        other = mirrored(name)[arm]
        for field in EXACT:
            assert getattr(other, field) == pytest.approx(getattr(one, field)), (arm, field)
        for field in SCALED:
            wanted = getattr(one, field)
            assert getattr(other, field) == (wanted if wanted is None else pytest.approx(UNIT * wanted)), (arm, field)
        assert other.effect_interval == pytest.approx([UNIT * end for end in one.effect_interval])
        assert other.value == pytest.approx(UNIT * (1 - one.value))
        assert other.interval == pytest.approx([UNIT * (1 - end) for end in reversed(one.interval)])


@pytest.mark.parametrize('name', ['shapes', 'identifiers'])
def test_a_verdict_knows_no_other_metric_either(name: str):
    others = findings_of(task(name, margin=ASKED.margin, chance=ASKED.chance))
    for arm, one in asked().items():
        for field in (*EXACT, *SCALED):
            assert getattr(others[arm], field) == pytest.approx(getattr(one, field)), (arm, field)


def test_values_near_the_end_of_their_range_have_intervals_inside_and_effects_as_they_are():
    one = task('shape_labels', margin=0.01)
    scores = {('base', one.name): 0.99 + noise(0), ('arm', one.name): 0.992 + noise(1)}
    (finding,) = told(study(tasks=(one,), trials=4), scores)
    assert finding.interval[1] == finding.base_interval[1] == 1.0 and finding.interval[0] < finding.value < 1
    # The effect may lie anywhere: its interval is Student's.
    low, high = finding.effect_interval
    assert (low + high) / 2 == pytest.approx(finding.effect)
    assert within((0.2, 0.4), 'mae') == (0.2, 0.4) and within((-0.2, 0.4), 'mae') == (0.0, 0.4)
    assert within((-0.2, -0.1), 'mae') == (-0.2, -0.1), 'no MAE at all'
    assert within((-0.2, 0.4), 'metric of a user') == (-0.2, 0.4) and within(None, 'mae') is None


def test_words_have_the_unit_and_the_direction():
    made = mirrored('friedman')['good']
    assert title(made) == 'friedman: rmse in units of y, lower is better, margin 1.000 units of y'
    told_in_words = basis(made)
    assert told_in_words.startswith('good 22.00 units of y [')
    assert (
        '+3.000 units of y [+' in told_in_words and 'It is better by more than the margin of 1.000 units of y.' in told_in_words
    )
    shapes = dataclasses.replace(asked()['bad'], task='shapes', metric='mean_iou', unit=TASKS['shapes'].unit)
    assert title(shapes) == 'shapes: mean_iou in %, higher is better, margin 2.0 points'
    assert '44.0% [43.0, 45.0], base 50.0% [49.0, 51.0]' in basis(shapes) and '\u22126.0 points' in basis(shapes)
    assert axis_label(TASKS['shapes']) == 'mean_iou, %\n(higher is better)'
    assert 'units of y' in axis_label(TASKS['friedman']) and 'lower is better' in axis_label(TASKS['friedman'])


DIGITS = [
    (0.912, 'auroc', False, '91.2'),
    (0.5, 'r2', False, '0.500'),
    (-0.5, 'r2', True, '\u22120.500'),
    (48312.77, 'mae', False, '48313'),
    (3.14159, 'rmse', False, '3.142'),
    (0.05, 'rmse', False, '0.0500'),
    (123.456, 'rmse', True, '+123.5'),
    (0.000421, 'mae', False, '0.000421'),
    (0.0, 'mae', True, '0.000'),
    (-12.34, 'rmse', True, '\u221212.34'),
    (12345.6, 'mae', True, '+12346'),
]


@pytest.mark.parametrize(('value', 'name', 'signed', 'text'), DIGITS)
def test_errors_of_any_size_have_digits(value: float, name: str, signed: bool, text: str):
    assert number(value, name, signed) == text
    assert span((value, value), name, signed) == f'[{text}, {text}]'


def test_every_metric_of_a_target_is_known():
    for form in FORMS.values():
        assert set(form.METRICS) <= set(METRICS)
    for name, fields in MADE.items():
        known = metric(fields['metric'])
        assert fields['direction'] == known.direction and known.low <= fields['chance'] <= known.high, name
        assert dataclasses.is_dataclass(TASKS[name]) and fields['margin'] < np.inf
