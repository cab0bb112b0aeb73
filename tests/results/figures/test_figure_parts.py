"""Parts of figures: what is drawn on which axis, in which order, and what is left out."""

import dataclasses

import numpy as np
import pytest

from ablations.shapes import amounts, factorial, ladder, path
from ablations.study import Study, put, task
from results.evidence import findings
from results.figures.amount import amounts_of
from results.figures.arrangement import GRID, snapped
from results.figures.curves import arm_curve, curves_figure, run_curve
from results.figures.expected import expected_best_figure
from results.figures.interaction import interaction_figure
from results.figures.ladder import ladder_figure, ladders, rungs_figure
from results.figures.panels import Inapplicable
from results.figures.pareto import chosen
from results.figures.path import path_figure, values_of
from results.finding import Finding
from results.fronts import Front
from results.runs import Runs
from results.store.reading import Reading
from sweeps.protocol.simulate import World, simulate


def reading(**fields: object) -> Reading:
    given = {'name': 'drawn', 'question': '?', 'arms': {'base': (), 'arm': ()}, 'tasks': ('digits',), 'trials': 6}
    study = Study(**{**given, 'replicates': 2, 'seeds': 1, 'extension': 0, **fields})
    return Reading(study, *simulate(study, World(), seed=0))


def test_every_two_factors_have_a_panel_and_a_spare_one_is_empty():
    levels = factorial({name: {f'{name}_off': (), f'{name}_on': ()} for name in ('a', 'b', 'c')})
    figure = interaction_figure(reading(**levels), [])
    assert [axes.axison for axes in figure.axes] == [True, True, True, False]
    assert [(axes.get_ylabel(), axes.get_xlabel().partition('\n')[0]) for axes in figure.axes[:3]] == [
        ('a', 'b'),
        ('a', 'c'),
        ('b', 'c'),
    ]
    assert 'a_on × b_on: ' in figure.axes[0].get_xlabel()


def test_axes_have_their_numbers():
    steps = reading(**path({'base': (), 'arm': put('channel.ratio', 3)}))
    bars = path_figure(steps, findings(steps)).axes[0]
    low, high = bars.get_xlim()
    assert len([tick for tick in bars.get_xticks() if low <= tick <= high]) >= 3
    empty = Reading(steps.study, steps.schedule, {})
    assert list(path_figure(empty, findings(empty)).axes[0].get_xticks()) == []
    axes = expected_best_figure(steps, []).axes[0]
    assert (
        axes.get_xscale() == 'log'
        and list(axes.get_xticks()) == [1, 2, 4, 6]
        and axes.get_xlabel().startswith('tuning trials\n')
    )


def test_sizes_and_amounts_of_a_task_belong_together():
    sizes = ladder('digits', {'s': put('channel.ratio', 2), 'm': put('channel.ratio', 3)})
    study = Study(
        name='s', question='?', arms={'base': ()}, tasks=(*sizes, 'recall', *amounts('collections', train=[200, 800]))
    )
    assert {name: [one.name for one in own] for name, own in ladders(study).items()} == {
        sizes[0].ladder: [one.name for one in sizes],
        study.tasks[-1].ladder: [one.name for one in study.tasks[-2:]],
    }
    assert amounts_of(study.tasks[-2:]) == 'train' and amounts_of(sizes) == '' and amounts_of(study.tasks[-1:]) == ''


@pytest.mark.parametrize(
    ('known', 'drawn'),
    [
        ((), []),
        (('macs', 'params'), ['params', 'macs']),
        (('activation_bytes', 'params'), ['params', 'activation_bytes']),
        (('activation_bytes', 'peak_memory'), ['peak_memory']),
        (('step_seconds', 'peak_memory'), ['step_seconds', 'peak_memory']),
    ],
)
def test_costs_that_some_arm_has_are_drawn_and_activations_for_memory_that_was_not_measured(known, drawn):
    every_cost = ('params', 'macs', 'step_seconds', 'peak_memory', 'activation_bytes')
    fronts = {}
    for place, name in enumerate(('digits', 'recall')):
        for cost in every_cost:
            points = ('a point',) if cost in known and place == len(cost) % 2 else ()
            fronts[name, cost] = Front(name, 'accuracy', 'higher', cost, '', points, (), '')
    assert chosen(fronts, ['digits', 'recall']) == drawn


CHANCE = task('digits').chance


@pytest.mark.parametrize(
    ('record', 'values'),
    [
        ({'status': 'ok', 'curve': {'step': [0, 5, 9], 'score': [0.2, 0.5, 0.8]}}, [0.2, 0.5, 0.8]),
        ({'status': 'ok', 'curve': {'step': [0, 5, 9], 'score': [None, 0.5, 0.8]}}, [CHANCE, 0.5, 0.8]),
        (
            {'status': 'diverged', 'diverged_at': 5, 'curve': {'step': [0, 5, 9], 'score': [0.2, 0.5, 0.8]}},
            [0.2, CHANCE, CHANCE],
        ),
        ({'status': 'diverged', 'diverged_at': 0, 'curve': {'step': [0, 5], 'score': [0.2, 0.5]}}, [CHANCE, CHANCE]),
        ({'status': 'failed', 'curve': {'step': [0, 5], 'score': [0.2, 0.5]}}, [0.2, CHANCE]),
        ({'status': 'ok', 'curve': {'step': [], 'score': []}}, None),
        ({'status': 'ok', 'curve': {'step': [0], 'loss': [1.0]}}, None),
        ({'status': 'ok'}, None),
    ],
)
def test_the_curve_of_a_run(record, values):
    made = run_curve(record, task('digits'))
    assert made is None if values is None else (made[0] == record['curve']['step'] and made[1].tolist() == values)


class Whole(dict):
    def whole(self, name: str) -> dict:
        return self[name]


def with_curves(given: Reading) -> Reading:
    curves = {'step': [0, 10], 'score': [0.1, 0.5]}
    return dataclasses.replace(given, records=Whole({key: {**row, 'curve': curves} for key, row in given.records.items()}))


def test_a_replicate_of_a_curve_counts_once_all_its_runs_have_one():
    whole = with_curves(reading(seeds=2))
    runs = Runs(whole, 'arm', whole.study.tasks[0])
    steps, mean, low, high = arm_curve(runs)
    assert (steps.tolist(), mean.tolist(), len(low), len(high)) == ([0, 10], [0.1, 0.5], 2, 2)
    first = runs.asked('confirm', 1)[0].id
    for gone in ({}, {first: {**whole.records[first], 'curve': None}}):
        records = Whole({key: row for key, row in whole.records.items() if key != first} | gone)
        (_, _, low, high) = arm_curve(dataclasses.replace(runs, reading=dataclasses.replace(whole, records=records)))
        assert (low, high) == (None, None), 'one replicate is left'
    assert arm_curve(dataclasses.replace(runs, reading=dataclasses.replace(whole, records=Whole()))) is None


def test_what_was_lost_is_said_below_the_curves():
    whole = with_curves(reading())
    own = [t.id for key, trials in whole.schedule.asked.items() if key[:2] == ('confirm', 'arm') for t in trials]
    lost = Whole({key: {**row, 'status': 'diverged'} if key == own[0] else row for key, row in whole.records.items()})
    axes = curves_figure(dataclasses.replace(whole, records=lost), []).axes[0]
    assert axes.get_xlabel().startswith('steps\ndiverged: arm\u00a01/2 runs\noutside: arm')
    none = {**whole.schedule.selections, ('arm', 'digits', 0): None, ('arm', 'digits', 1): None}
    bare = Whole({key: row for key, row in whole.records.items() if key not in own})
    schedule = dataclasses.replace(whole.schedule, selections=none)
    words = curves_figure(dataclasses.replace(whole, records=bare, schedule=schedule), []).axes[0].get_xlabel()
    assert words == 'steps\nevery tuning run diverged: arm'
    tuned = whole.schedule.asked['tune', 'arm', 'digits', 0][0].id
    failed = Whole({**bare, tuned: {**bare[tuned], 'status': 'failed', 'score': None}})
    words = curves_figure(dataclasses.replace(whole, records=failed, schedule=schedule), []).axes[0].get_xlabel()
    assert words == 'steps\nevery tuning run diverged or failed: arm'


def test_values_of_arms_come_from_the_findings_of_their_task():
    about = dict(study='s', dataset='d', metric='accuracy', unit='', direction='higher', margin=0.01)
    first = Finding(
        arm='a', base='base', task='digits', value=0.5, interval=(0.4, 0.6), base_value=0.7, base_interval=None, **about
    )
    later = Finding(arm='b', base='a', task='digits', value=0.6, base_value=0.1, base_interval=(0.0, 0.2), **about)
    other = Finding(arm='b', base='a', task='recall', value=0.9, **about)
    study = Study(name='s', question='?', arms={'base': (), 'a': (), 'b': (), 'c': ()}, tasks=('digits', 'recall'))
    assert values_of(study, study.tasks[0], [first, later, other]) == {
        'base': (0.7, None),
        'a': (0.5, (0.4, 0.6)),
        'b': (0.6, None),
        'c': (None, None),
    }


@pytest.mark.parametrize('shift', [0.0, 1 / 3, 2 / 3])
def test_places_lie_on_a_shifted_grid(shift):
    places = snapped(np.array([0.0, 1.2345678, 99.9999]), shift)
    steps = places / GRID - shift
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-6)
    np.testing.assert_allclose(places, [0.0, 1.2345678, 99.9999], atol=GRID / 2 + 1e-9)


def test_marks_of_one_size_stand_between_its_neighbours_and_unknown_effects_are_left_out():
    study = Study(name='s', question='?', arms={'base': (), 'a': (), 'b': ()}, tasks=('digits',))
    about = dict(
        study='s', base='base', task='digits', dataset='digits', metric='accuracy', unit='', direction='higher', margin=0.01
    )

    def rung(params: int | None, a: float | None, b: float | None) -> tuple:
        costs = {} if params is None else {'costs': {'base': {'digits': {'params': params}}}}
        effects = [Finding(arm=arm, effect=effect, **about) for arm, effect in (('a', a), ('b', b))]
        return Reading(study, None, {}, costs), effects

    sizes = {'small': rung(100, 0.02, None), 'medium': rung(1000, 0.03, 0.01), 'large': rung(1_000_000, 0.01, -0.01)}
    axes = rungs_figure(sizes).axes[0]
    # A step of ten is the nearest pair: half of its gap is left free at the ends, and marks take half of it.
    assert axes.get_xlim() == pytest.approx((1.5, 6.5)) and list(axes.get_xticks()) == [2.0, 3.0, 6.0]
    lines = [line for line in axes.lines if len(line.get_xdata()) > 1 and line.get_linewidth() == 0.9]
    assert [list(line.get_ydata()) for line in lines] == [pytest.approx([2, 3, 1]), pytest.approx([1, -1])]
    assert list(lines[0].get_xdata()) == pytest.approx([1.875, 2.875, 5.875]) and lines[1].get_xdata()[0] == pytest.approx(
        3.125
    )
    assert axes.get_ylim()[0] == pytest.approx(-1.3, abs=0.2) and axes.get_xlabel() == 'parameters of base (logarithmic)'
    named = rungs_figure({**sizes, 'medium': rung(None, 0.03, 0.01)}).axes[0]
    assert named.get_xlabel() == 'size' and list(named.get_xticks()) == [0.0, 1.0, 2.0]
    turned = rungs_figure({name: sizes[name] for name in ('large', 'small', 'medium')}).axes[0]
    assert turned.get_xlim() == axes.get_xlim() and list(turned.get_xticks()) == [2.0, 3.0, 6.0]
    labels = [[label.get_text() for label in one.get_xticklabels()] for one in (axes, turned)]
    assert labels == [['100', '1.00k', '1.00M']] * 2
    again = [line for line in turned.lines if len(line.get_xdata()) > 1 and line.get_linewidth() == 0.9]
    assert [list(line.get_xdata()) for line in again] == [list(line.get_xdata()) for line in lines]
    twice = rungs_figure({'small': sizes['small'], 'again': rung(100, 0.01, 0.01)}).axes[0]
    assert twice.get_xlabel() == 'size', 'one size has no place twice'
    two = rungs_figure({name: sizes[name] for name in ('small', 'large')}).axes[0]
    assert two.get_xlim() == pytest.approx((0, 8)), 'half of four, which is how far two sizes lie apart'
    alone = rungs_figure({'small': sizes['small']}).axes[0]
    assert alone.get_xlim() == pytest.approx((1.5, 2.5))
    given, effects = rung(100, 0.001, -0.001)
    wide = dataclasses.replace(given, study=dataclasses.replace(study, tasks=(task('digits', margin=0.04),)))
    low, high = rungs_figure({'small': (wide, effects)}).axes[0].get_ylim()
    assert low <= -5.2 and high >= 5.2, 'the margin and somewhat more'
    empty = rungs_figure({'small': rung(100, None, None)}).axes[0]
    assert [text.get_text() for text in empty.texts] == ['no effect is known yet']


def test_sizes_without_an_effect_have_no_figure():
    study = Study(name='s', question='?', arms={'base': ()}, tasks=ladder('digits', {'s': (), 'm': put('channel.ratio', 3)}))
    with pytest.raises(Inapplicable, match="study 's' has no effect at several sizes of a base; give it tasks by ladder"):
        ladder_figure(Reading(study, None, {}), [])
