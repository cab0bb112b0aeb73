"""What each of the other kinds shows: values worked out here from the records, and verdicts as the findings have them."""

import dataclasses
import itertools
import math

import numpy as np
import pytest
from drawn_studies import data, drawn, read
from matplotlib.colors import to_hex, to_rgba
from matplotlib.ticker import FuncFormatter

from results.figures.amount import amount_figure
from results.figures.curves import curves_figure, run_curve
from results.figures.expected import expected_best_figure
from results.figures.interaction import interaction_figure
from results.figures.ladder import ladder_figure
from results.figures.pareto import pareto_figure
from results.figures.path import HATCH, UNTOLD, path_figure
from results.figures.style import palette
from results.figures.verdicts import verdicts_figure
from results.store.reading import Reading


def confirmed(scene: str, arm: str, task: str) -> np.ndarray:
    """Each replicate's mean test metric, in percent for accuracies; chance where a run diverged. `[R]`"""
    study, planned, records, _, _ = data(scene)
    item = study.task(task)
    means = []
    for replicate in range(study.replicates):
        runs = [records[trial.id] for trial in planned.asked['confirm', arm, task, replicate]]
        means.append(np.mean([run['score'] if run['status'] == 'ok' else item.chance for run in runs]))
    return np.array(means) * (100 if item.metric == 'accuracy' else 1)


def student(values: np.ndarray) -> tuple[float, float]:
    """The 95 % interval of a mean of three replicates: t of 2 degrees of freedom is 4.302653."""
    assert len(values) == 3
    half = 4.302653 * values.std(ddof=1) / math.sqrt(3)
    return values.mean() - half, values.mean() + half


def line_of(axes, colour: str):
    """The line with marks of a colour that has more than one point."""
    return next(line for line in axes.lines if line.get_color() == colour and len(line.get_xdata()) > 1)


# Expected best


def test_expected_best_is_the_mean_of_the_best_over_all_subsets():
    study, planned, records, _, _ = data('two')
    curves = []
    for replicate in range(study.replicates):
        trials = planned.asked['tune', 'rms_norm', 'digits', replicate]
        scores = [100 * (records[t.id]['score'] if records[t.id]['status'] == 'ok' else 0.1) for t in trials]
        assert len(scores) == 6
        subsets = [list(itertools.combinations(scores, k)) for k in range(1, 7)]
        curves.append([np.mean([max(subset) for subset in own]) for own in subsets])
    axes = expected_best_figure(*read('two')).axes[0]
    line = line_of(axes, palette(list(study.arms))['rms_norm'][0])
    assert list(line.get_xdata()) == [1, 2, 3, 4, 5, 6]
    assert line.get_ydata() == pytest.approx(np.mean(curves, axis=0), rel=1e-5)
    assert len(axes.collections) == len(study.arms)  # a band for each
    band = axes.collections[1].get_paths()[0].vertices[:, 1]
    low, high = student(np.array(curves)[:, -1])
    assert min(abs(band - low)) < 1e-3 and min(abs(band - high)) < 1e-3


def test_expected_best_says_when_the_order_settles_and_what_is_missing():
    axes = expected_best_figure(*read('two')).axes[0]
    dashed = [line for line in axes.lines if line.get_linestyle() == '--']
    assert len(dashed) == 1
    assert f'order settles at {dashed[0].get_xdata()[0]:.0f}/6 trials' in axes.get_xlabel()
    part = expected_best_figure(*read('five', 0.4))
    assert 'not known yet: no_mixer' in part.axes[0].get_xlabel()
    assert 'no tuning is recorded whole yet' in drawn(part)


def test_expected_best_of_one_arm_settles_nothing():
    figure = expected_best_figure(*read('alone'))
    assert all('settles' not in axes.get_xlabel() for axes in figure.axes)


# Curves


def test_curves_end_at_the_confirmed_mean_and_have_its_interval():
    study = data('two')[0]
    for axes, item in zip(curves_figure(*read('two')).axes, study.tasks, strict=True):
        for place, (arm, (colour, _)) in enumerate(palette(list(study.arms)).items()):
            line, values = line_of(axes, colour), confirmed('two', arm, item.name)
            assert line.get_ydata()[-1] == pytest.approx(values.mean(), rel=1e-5)
            assert list(line.get_xdata()) == [i * item.steps // 4 for i in range(5)]
            vertices = axes.collections[place].get_paths()[0].vertices
            ends = vertices[vertices[:, 0] == item.steps][:, 1]
            assert (ends.min(), ends.max()) == pytest.approx(student(values), rel=1e-4)


def test_a_diverged_run_counts_as_chance_from_where_it_diverged():
    task = data('two')[0].tasks[0]
    run = {'status': 'diverged', 'diverged_at': 70, 'curve': {'step': [0, 35, 70, 105], 'score': [0.1, 0.6, 0.7, None]}}
    assert run_curve(run, task) == ([0, 35, 70, 105], pytest.approx([0.1, 0.6, task.chance, task.chance]))
    stuck = {'status': 'diverged', 'diverged_at': 105, 'curve': {'step': [0, 35, 105], 'score': [0.1, 0.2, 0.3]}}
    assert run_curve(stuck, task)[1] == pytest.approx([0.1, 0.2, task.chance])
    assert run_curve({'status': 'failed', 'curve': None}, task) is None
    assert run_curve({'status': 'failed'}, task) is None


def test_curves_say_what_diverged_what_has_nothing_to_confirm_and_what_lies_outside():
    words = curves_figure(*read('ten')).axes[0].get_xlabel()
    assert 'diverged: dynamic_tanh_everywhere' in words
    assert 'every tuning run diverged: gated_channel_block' in words.replace('\n', ' ')
    assert 'no_mixer_at_all' in words.split('outside')[1]


# Pareto


def test_pareto_points_are_confirmed_means_against_costs():
    study, *_, manifest = data('two')
    figure = pareto_figure(*read('two'))
    assert [axes.get_xlabel() for axes in figure.axes[:3]] == ['parameters', 'multiply-adds', 'time of a step, ms']
    assert all(isinstance(axes.yaxis.get_major_formatter(), FuncFormatter) for axes in figure.axes[:3])
    for axes, cost in zip(figure.axes[:2], ('params', 'macs'), strict=True):
        for arm, (_, marker) in palette(list(study.arms)).items():
            line = next(line for line in axes.lines if line.get_marker() == marker)
            assert line.get_xdata()[0] == manifest['costs'][arm]['digits'][cost]
            assert line.get_ydata()[0] == pytest.approx(confirmed('two', arm, 'digits').mean(), rel=1e-5)
        whiskers = [line for line in axes.lines if len(line.get_xdata()) == 2 and line.get_xdata()[0] == line.get_xdata()[1]]
        assert sorted(whiskers[0].get_ydata()) == pytest.approx(student(confirmed('two', 'layer_norm', 'digits')), rel=1e-4)


def test_pareto_marks_tell_the_front_from_what_may_be_on_it_and_what_is_not():
    from results.fronts import front

    study, planned, records, _, manifest = data('ladder')
    seen = []
    for row, item in enumerate(study.tasks):
        axes = pareto_figure(*read('ladder')).axes[3 * row]
        for point in front(Reading(study, planned, records, manifest), item.name, 'params').points:
            colour, marker = palette(list(study.arms))[point.arm]
            line = next(line for line in axes.lines if line.get_marker() == marker)
            face, edge = to_hex(line.get_markerfacecolor()), to_hex(line.get_markeredgecolor())
            seen.append(point.standing)
            if point.standing == 'front':
                assert (face, edge) == (colour, '#000000')
            elif point.standing == 'possible':
                assert face not in (colour, '#ffffff') and edge == colour
            else:
                assert (face, edge) == ('#ffffff', colour)
        if row == 2:
            break
    assert {'front', 'possible', 'dominated'} <= set(seen)


def test_pareto_draws_the_front_of_the_means():
    study, *_, manifest = data('two')
    axes = pareto_figure(*read('two')).axes[0]
    steps = next(line for line in axes.lines if line.get_drawstyle() == 'steps-post')
    sizes = [manifest['costs'][arm]['digits']['params'] for arm in study.arms]
    heights = [confirmed('two', arm, 'digits').mean() for arm in study.arms]
    assert heights[1] > heights[0] and sizes[1] > sizes[0]  # dearer and better: both are on it
    assert list(steps.get_xdata()[:2]) == sizes and steps.get_ydata() == pytest.approx([*heights, heights[1]], rel=1e-5)


def test_pareto_without_costs_or_confirmed_runs_says_so():
    study, planned, records, findings, _ = data('two')
    figure = pareto_figure(Reading(study, planned, records, {}), findings)
    assert [axes.get_xlabel() for axes in figure.axes] == ['time of a step, ms'] * 2
    assert 'no arm has both' in ' '.join(drawn(pareto_figure(*read('two', 0.4))))


# Path


def test_path_bars_end_at_the_confirmed_means_in_the_order_of_the_steps():
    study, _, _, _, manifest = data('path')
    figure = path_figure(*read('path'))
    bars, costs = figure.axes[:2]
    assert [label.get_text().replace('\n', '') for label in bars.get_yticklabels()] == list(study.arms)
    assert bars.get_ylim()[0] > bars.get_ylim()[1]  # the first step on top
    for place, arm in enumerate(study.arms):
        patch = bars.patches[place]
        assert patch.get_x() + patch.get_width() == pytest.approx(confirmed('path', arm, 'digits').mean(), rel=1e-5)
        assert costs.patches[place].get_width() == pytest.approx(
            manifest['costs'][arm]['digits']['macs'] / max(manifest['costs'][other]['digits']['macs'] for other in study.arms),
            rel=1e-5,
        )


def test_path_hatches_the_steps_that_are_not_told_from_the_step_before():
    study, _, _, findings, _ = data('path')
    seen = []
    for row, item in enumerate(study.tasks):
        axes = path_figure(*read('path')).axes[2 * row]
        for place, arm in enumerate(study.arms):
            patch, one = axes.patches[place], next((f for f in findings if (f.arm, f.task) == (arm, item.name)), None)
            plain = one is None or one.verdict in ('better', 'worse')
            seen.append(plain)
            assert (patch.get_hatch() == HATCH) == (not plain)
            assert (to_hex(patch.get_facecolor()) == UNTOLD) == (not plain)
            assert axes.texts[place].get_text().split('  ')[1].startswith('base' if one is None else one.verdict)
    assert True in seen and False in seen


def test_path_marks_a_step_that_lies_outside_by_an_arrow_and_its_number():
    study, planned, records, findings, manifest = data('path')
    far = [
        dataclasses.replace(one, value=0.2, interval=(0.19, 0.21)) if one.arm == 'large_kernels' else one for one in findings
    ]
    axes = path_figure(Reading(study, planned, records, manifest), far).axes[0]
    assert axes.get_xlim()[0] > 50
    assert [line.get_ydata()[0] for line in axes.lines if line.get_marker() == '<'] == [4]
    assert any(text.get_text().startswith('20.0 ') for text in axes.texts)


def test_path_of_an_unfinished_study_names_every_step():
    words = drawn(path_figure(*read('path', 0.4)))
    assert words.count('not confirmed yet') == 10


# Interaction


def test_interaction_cells_hold_the_means_and_the_effect_is_a_difference_of_differences():
    figure = interaction_figure(*read('factorial'))
    axes = figure.axes[0]
    arms = [['base', 'none'], ['rms', 'rms_and_none']]
    means = [[confirmed('factorial', arm, 'digits').mean() for arm in row] for row in arms]
    cells = {(round(t.get_position()[1]), round(t.get_position()[0])): t.get_text() for t in axes.texts}
    assert cells == {(i, j): f'{means[i][j]:.1f}' for i in range(2) for j in range(2)}
    together = means[1][1] - means[1][0] - means[0][1] + means[0][0]
    assert f'rms × none: {together:+.1f} [' in axes.get_xlabel()
    assert (axes.get_ylabel(), axes.get_xlabel().split('\n')[0]) == ('norm', 'mixer')


def test_interaction_cells_are_divided_by_lines_between_them():
    """A panel of two by two levels: one line across at the middle, and one down."""
    for axes in interaction_figure(*read('factorial')).axes:
        lines = sorted(tuple(map(tuple, line.get_data())) for line in axes.lines)
        assert lines == [((0, 1), (0.5, 0.5)), ((0.5, 0.5), (0, 1))]


def test_interaction_shades_the_best_cell_darkest_also_of_a_loss():
    for axes, task, pick in zip(
        interaction_figure(*read('factorial')).axes, ('digits', 'stdlib_bytes'), (max, min), strict=True
    ):
        values = [float(text.get_text()) for text in axes.texts]
        light = [sum(patch.get_facecolor()[0][:3]) for patch in axes.collections]
        assert values[int(np.argmin(light))] == pick(values), task


def test_interaction_has_a_panel_for_every_two_factors_and_task():
    figure = interaction_figure(*read('three_factors'))
    assert [(axes.get_ylabel(), axes.get_xlabel().split('\n')[0]) for axes in figure.axes] == [
        pair for pair in (('norm', 'mixer'), ('norm', 'ratio'), ('mixer', 'ratio')) for _ in range(2)
    ]


# Verdicts


def test_verdicts_say_verdict_effect_and_overall_in_words():
    study, _, _, findings, _ = data('five')
    axes = verdicts_figure(*read('five')).axes[0]
    arms = [arm for arm in study.arms if arm != study.base]
    bold = {
        (round(t.get_position()[0]), round(t.get_position()[1])): t.get_text() for t in axes.texts if t.get_weight() == 'bold'
    }
    expected = {}
    for one in findings:
        column = [item.name for item in study.tasks].index(one.task)
        expected[column, arms.index(one.arm)] = one.verdict
        expected[len(study.tasks), arms.index(one.arm)] = one.overall
    assert bold == expected
    texts = [text.get_text() for text in axes.texts]
    assert any(text.startswith(f'{100 * findings[0].effect:+.1f}'.replace('-', '\u2212')) for text in texts)


def test_verdicts_are_divided_by_lines_and_what_holds_over_all_by_a_thick_one():
    study, _, _, _, _ = data('five')
    axes = verdicts_figure(*read('five')).axes[0]
    down = {line.get_xdata()[0]: line.get_linewidth() for line in axes.lines if line.get_xdata()[0] == line.get_xdata()[1]}
    across = [line.get_ydata()[0] for line in axes.lines if line.get_ydata()[0] == line.get_ydata()[1]]
    last = len(study.tasks) - 0.5
    assert down == {place + 0.5: 0.4 for place in range(len(study.tasks) - 1)} | {last: 1.0}
    assert across == [place + 0.5 for place in range(len(study.arms) - 2)]


def test_verdicts_of_many_tasks_are_letters_that_the_legend_explains():
    figure = verdicts_figure(*read('ladder'))
    letters = [text.get_text() for text in figure.axes[0].texts if text.get_weight() == 'bold']
    explained = [text.get_text() for text in figure.legends[0].get_texts()]
    assert {letter.strip('*') for letter in letters} == {words[0] for words in explained}
    assert all(words.split(' ', 1)[1].startswith(('better', 'worse', 'equivalent', 'undecided', 'not')) for words in explained)


def test_verdicts_mark_censored_and_negligible_findings():
    study, planned, records, findings, manifest = data('five')
    marked = [dataclasses.replace(one, censored=('adamw lr high',), negligible=True) for one in findings]
    words = drawn(verdicts_figure(Reading(study, planned, records, manifest), marked))
    assert words.count('negligible, censored') == len(findings)


# Ladder


def test_ladder_draws_effects_at_the_sizes_of_the_base():
    study, _, _, findings, manifest = data('ladder')
    figure = ladder_figure(*read('ladder'))
    assert [axes.get_title() for axes in figure.axes] == ['digits', 'stdlib_bytes']
    axes, colour = figure.axes[0], palette(list(study.arms))['rms_norm'][0]
    sizes = [manifest['costs'][study.base][f'digits_{rung}']['params'] for rung in ('small', 'middle', 'large')]
    effects = [
        next(f for f in findings if (f.arm, f.task) == ('rms_norm', f'digits_{r}')) for r in ('small', 'middle', 'large')
    ]
    line = next(line for line in axes.lines if line.get_color() == colour and len(line.get_xdata()) == 3)
    assert line.get_ydata() == pytest.approx([100 * one.effect for one in effects], rel=1e-5)
    assert np.diff(line.get_xdata()) == pytest.approx(np.diff(np.log10(sizes)), abs=1e-4)
    marks = [mark for mark in axes.lines if mark.get_marker() == 's' and len(mark.get_xdata()) == 1]
    full = [to_rgba(mark.get_markerfacecolor()) != to_rgba('white') for mark in marks]
    assert full == [one.verdict in ('better', 'worse') for one in effects] and True in full and False in full


def test_ladder_without_costs_names_the_rungs():
    study, planned, records, findings, _ = data('ladder')
    axes = ladder_figure(Reading(study, planned, records, {}), findings).axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ['small', 'middle', 'large']
    assert axes.get_xlabel() == 'size'


@pytest.mark.parametrize(('times', 'arrow', 'number'), [(-60.0, 'v', '\u221260.0'), (60.0, '^', '+60.0')])
def test_an_effect_beyond_a_ladders_panel_is_an_arrow_at_its_edge_with_its_number(times, arrow, number):
    study, planned, records, findings, manifest = data('ladder')
    far = next(one for one in findings if (one.arm, one.task) == ('rms_norm', 'digits_large'))
    told = [
        dataclasses.replace(one, effect=times * one.margin, effect_interval=None) if one is far else one for one in findings
    ]
    axes = ladder_figure(Reading(study, planned, records, manifest), told).axes[0]
    at_edge = [line for line in axes.lines if list(line.get_ydata()) == [axes.get_ylim()[times > 0]]]
    assert [line.get_marker() for line in at_edge] == [arrow]
    assert [text.get_text() for text in axes.texts] == [number]


# Amount


def test_amounts_stand_in_their_order_with_the_values_of_all_arms_and_chance():
    _, _, _, findings, _ = data('amounts')
    train, classes = amount_figure(*read('amounts')).axes
    assert [axes.get_title() for axes in (train, classes)] == ['digits_train', 'digits_classes']
    assert all(
        2 <= len(axes.get_yticks()) <= 8 and isinstance(axes.yaxis.get_major_formatter(), FuncFormatter)
        for axes in (train, classes)
    )
    assert [label.get_text() for label in train.get_xticklabels()] == ['64', '256', '1,000']
    lines = [line for line in train.lines if len(line.get_xdata()) == 3]
    for line, field in zip(lines, ('base_value', 'value', None), strict=True):
        if field is None:
            assert list(line.get_ydata()) == [10.0] * 3
            continue
        wanted = [next(getattr(f, field) for f in findings if f.task == f'digits_train_{n}') for n in (64, 256, 1000)]
        assert line.get_ydata() == pytest.approx([100 * value for value in wanted], rel=1e-5)
    chance = next(line for line in classes.lines if line.get_linestyle() == ':')
    assert list(chance.get_ydata()) == [50.0, 20.0]
