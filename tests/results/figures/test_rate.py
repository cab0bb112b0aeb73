"""Learning rate: every run drawn, selected rates marked, the fitted line where the scores put it."""

import dataclasses
import math

import numpy as np
import pytest
from drawn_studies import data, read

from ablations.study import Study
from results import rate_profile, stacks
from results.figures.curves import curves_figure
from results.figures.rate import lr_figure
from results.rate_profile import profile, profiles
from results.store.reading import Reading
from results.store.recorded import Records
from sweeps.protocol.plan import schedule


def points(figure) -> tuple[int, int]:
    """Trials drawn as scores and as crosses."""
    lines = [line for axes in figure.axes for line in axes.lines if line.get_linestyle() == 'None']
    good = sum(len(line.get_xdata()) for line in lines if line.get_alpha() == 0.4)
    return good, sum(len(line.get_xdata()) for line in lines if line.get_marker() == 'x')


@pytest.mark.parametrize('scene', ['five', 'ten', 'diverged'])
def test_every_tuning_trial_is_a_point_or_a_cross(scene):
    study, planned, records, findings, manifest = data(scene)
    asked = [trial for key, trials in planned.asked.items() if key[0] == 'tune' for trial in trials]
    lost = sum(records[trial.id]['status'] != 'ok' for trial in asked)
    assert lost > 0
    assert points(lr_figure(Reading(study, planned, records, manifest), findings)) == (len(asked) - lost, lost)


def test_panels_of_empty_and_diverged_studies_say_so():
    def texts(figure) -> list[str]:
        return [item.get_text() for axes in figure.axes for item in axes.texts]

    assert texts(lr_figure(*read('diverged'))) == ['every run diverged'] * 2
    assert 'no run recorded yet' in texts(lr_figure(*read('five', 0.4)))


def test_runs_that_failed_are_no_crosses_and_said():
    study, planned, records, findings, manifest = data('five')
    gone = [trial.id for key, trials in planned.asked.items() if key[0] == 'tune' and key[2] == 'digits' for trial in trials]
    failed = {**records, **{key: {**records[key], 'status': 'failed', 'score': None} for key in gone}}
    selections = {row: None if row[1] == 'digits' else one for row, one in planned.selections.items()}
    reading = Reading(study, dataclasses.replace(planned, selections=selections), Records.of(failed.values()), manifest)
    first = lr_figure(reading, findings).axes[0]
    assert [item.get_text() for item in first.texts] == ['every run failed']
    assert not [line for line in first.lines if line.get_linestyle() == 'None']
    below = ' '.join(axes.get_xlabel() for axes in curves_figure(reading, findings).axes)
    assert 'every tuning run diverged or failed: layer_norm' in below.replace('\n', ' ')


def test_every_selected_rate_is_marked_and_the_range_is_dotted():
    study, planned, *_ = data('five')
    figure = lr_figure(*read('five'))
    lines = [line for axes in figure.axes for line in axes.lines]
    marks = [line for line in lines if line.get_markeredgecolor() == 'black' and line.get_markersize() == 4.8]
    chosen = sorted(dict(selected.knobs)['lr'] for selected in planned.selections.values() if selected is not None)
    assert sorted(float(line.get_xdata()[0]) for line in marks) == pytest.approx(chosen, rel=1e-5)
    dotted = [line.get_xdata()[0] for line in figure.axes[0].lines if line.get_linestyle() == ':']
    assert dotted[:2] == [study.tune['adamw']['lr'].low, study.tune['adamw']['lr'].high]


def test_panels_are_those_of_tasks_and_optimizers():
    titles = [axes.get_title() for axes in lr_figure(*read('five')).axes]
    assert titles == ['digits, adamw', 'digits, sgd', 'stdlib_bytes, adamw', 'stdlib_bytes, sgd']
    assert [axes.get_title() for axes in lr_figure(*read('two')).axes] == ['digits, adamw', 'stdlib_bytes, adamw']


def test_a_panel_reaches_from_the_worst_to_the_best_of_its_own_task_and_has_ticks_there():
    study, planned, records, *_ = data('five')
    axes = lr_figure(*read('five')).axes
    for place, item in enumerate(study.tasks):
        keys = [t.id for key, trials in planned.asked.items() if key[0] == 'tune' and key[2] == item.name for t in trials]
        scale = 100 if item.metric == 'accuracy' else 1
        scores = [scale * records[key]['score'] for key in keys if records[key]['status'] == 'ok']
        best = max(scores) if item.direction == 'higher' else min(scores)
        room = 0.3 * (max(scores) - min(scores))
        for panel in axes[2 * place : 2 * place + 2]:
            low, high = panel.get_ylim()
            end = high if item.direction == 'higher' else low
            assert low < best < high and abs(end - best) < room, item.name
            ticks = list(panel.get_yticks())
            assert len(ticks) >= 3 and all(low <= tick <= high for tick in ticks)


def test_profile_follows_the_surface_that_made_the_scores():
    generator = np.random.default_rng(0)
    replicates = []
    for shift in (0.0, 0.1):
        units = generator.random((16, 2))
        scores = shift + 1 - (units[:, 0] - 0.6) ** 2 - 0.5 * (units[:, 1] - 0.5) ** 2
        scores[0] = -math.inf
        replicates.append((units, scores))
    seen = profile(replicates, [True, True])
    assert seen.scores == pytest.approx(1.05 - (seen.rates - 0.6) ** 2, abs=0.025)
    assert profile([], [True]) is None
    assert profile([(np.full((3, 2), 0.5), np.full(3, -math.inf))], [True, True]) is None


def test_a_study_that_has_just_begun_is_drawn_without_a_warning():
    asked = Study(name='begun', question='?', arms={'base': (), 'other': ()}, tasks=('digits',))
    (axes,) = lr_figure(Reading(asked, schedule(asked, {}, {}), Records.of(()), {}), []).axes
    values = asked.tune['adamw']['lr']
    assert [line.get_xdata()[0] for line in axes.lines] == [values.low, values.high]
    assert axes.get_xlim()[0] < values.low and axes.get_xlim()[1] > values.high


def test_several_profiles_are_those_of_each_with_whatever_threads(monkeypatch):
    draw = np.random.default_rng(0)
    asked = [([(draw.random((9, 2)), draw.random(9)) for _ in range(count)], [True, True]) for count in (1, 2, 0, 3)]
    told = {}
    for many in (0, 1 << 60):
        monkeypatch.setattr(stacks, 'MANY', many)
        monkeypatch.setattr(stacks, '_processors', lambda: 4)
        rate_profile._profile.cache_clear()
        told[many] = profiles(asked)
    for one, other, own in zip(*told.values(), asked, strict=True):
        rate_profile._profile.cache_clear()
        alone = profile(*own)
        if alone is None:
            assert one is None and other is None
        else:
            assert repr(one) == repr(other) == repr(alone)
