"""Panels: limits that a far arm cannot squeeze, words that fit."""

import numpy as np
import pytest

from ablations.study import Study
from ablations.tasks import task
from results.figures.panels import (
    FAR,
    WIDTH,
    arm_handles,
    axis_label,
    axis_limits,
    cost_ticks,
    draw_bands,
    explain_empty,
    grid,
    legend_columns,
    legend_height,
    mark_outside,
    missing,
    note,
    plain_number,
    wrapped,
)
from results.figures.style import blank, house, palette


def test_focus_holds_what_is_near_and_lets_go_of_what_is_far():
    near = [(1.0, [0.9, 1.1]), (2.0, [1.5, 2.5]), (3.0, [2.9, 3.1])]
    low, high = axis_limits(near)
    assert low < 0.9 and high > 3.1
    low, high = axis_limits([*near, (500.0, [499.0, 501.0])])
    assert low < 0.9 and 3.1 < high < 10


def test_focus_cuts_a_long_interval_and_keeps_its_point():
    low, high = axis_limits([(1.0, [0.9, 1.1]), (1.5, [-100.0, 100.0]), (2.0, [1.9, 2.1])])
    assert low < 0.9 and 2.0 < high < 5


def test_focus_is_never_narrower_than_it_must_and_needs_points():
    low, high = axis_limits([(5.0, [])], least=0.5)
    assert low < 4.5 and high > 5.5
    low, high = axis_limits([(5.0, [])])
    assert low < 5.0 < high
    with pytest.raises(ValueError, match=r'no points.*say'):
        axis_limits([])


def test_focus_about_zero_reaches_by_the_middle_arm():
    _, high = axis_limits([(1.0, []), (1.0, []), (FAR + 1.0, [])], centre=0.0)
    assert 1.0 < high < FAR


CURVES = {
    'a': ([1, 2, 4], [0.5, 0.8, 0.9], [0.4, 0.7, 0.8], [0.6, 0.9, 1.0]),
    'b': ([1, 2, 4], [0.4, 0.8, 0.85], None, None),
    'lost': ([1, 2, 4], [0.1, 0.1, 0.1], None, None),
}


def test_a_fan_shows_from_the_middle_arms_start_and_names_what_ends_outside():
    with house():
        axes = blank(3, 2).subplots()
        words = draw_bands(axes, task('digits'), CURVES, palette(list(CURVES)), 1)
    low, high = axes.get_ylim()
    assert 70 < low < 80 and 90 < high < 100
    assert words == ['outside: lost\u00a010.0']
    arrows = [line for line in axes.lines if line.get_marker() == 'v' and line.get_linestyle() == 'None']
    assert [line.get_color() for line in arrows] == [palette(list(CURVES))['lost'][0]]


def test_a_fan_of_a_loss_names_what_ends_above():
    curves = {
        'a': ([1, 2], [3.0, 2.0], None, None),
        'b': ([1, 2], [3.1, 2.1], None, None),
        'lost': ([1, 2], [9.0, 9.0], None, None),
    }
    with house():
        axes = blank(3, 2).subplots()
        words = draw_bands(axes, task('stdlib_bytes'), curves, palette(list(curves)), 0)
    assert axes.get_ylim()[1] < 4 and words == ['outside: lost\u00a09.000']


def test_bands_of_many_arms_are_paler():
    """Where five or more lie on each other, none may hide those below."""
    shades = {}
    for count in (4, 5):
        curves = {f'arm_{number}': CURVES['a'] for number in range(count)}
        with house():
            axes = blank(3, 2).subplots()
            draw_bands(axes, task('digits'), curves, palette(list(curves)), 1)
        shades[count] = {band.get_alpha() for band in axes.collections}
    assert max(shades[5]) < min(shades[4])


def test_nothing_is_named_where_all_lies_inside():
    with house():
        axes = blank(3, 2).subplots()
        axes.set_ylim(0, 100)
        assert mark_outside(axes, task('digits'), {'a': 0.5}, palette(['a'])) == []
        assert not axes.lines


@pytest.mark.parametrize(
    ('name', 'most', 'lines'),
    [
        ('rms_norm', 18, 'rms_norm'),
        ('manifold_constrained_hyper_connections', 22, 'manifold_constrained_\nhyper_connections'),
        ('depth_weighted_average', 8, 'depth_\nweighted_\naverage'),
        ('unbreakablename', 8, 'unbreakablename'),
    ],
)
def test_names_are_broken_after_underscores(name, most, lines):
    assert wrapped(name, most) == lines


def test_legends_have_rows_of_about_equal_length():
    assert legend_columns(['abc'] * 5, 7.2) == 5
    assert legend_columns(['abcdefghij'] * 8, 7.2) == 4
    assert legend_columns(['manifold_constrained_hyper_connections'] * 3, 7.2) == 2
    assert legend_columns(['manifold_constrained_hyper_connections' * 4], 7.2) == 1


def test_notes_keep_to_their_width():
    with house():
        axes = blank(3, 2).subplots()
        note(axes, 'steps', ['one two three four', 'five'], 9)
    assert axes.get_xlabel() == 'steps\none two\nthree\nfour\nfive'


def test_axes_say_metric_unit_and_direction():
    assert axis_label(task('digits'), 'test') == 'test accuracy, %\n(higher is better)'
    assert axis_label(task('stdlib_bytes')) == 'loss, nats per byte\n(lower is better)'
    assert (
        axis_label(task('stdlib_bytes'), 'expected best tuning')
        == 'expected best tuning loss,\nnats per byte (lower is better)'
    )


@pytest.mark.parametrize(('value', 'text'), [(0.0, '0'), (-2.5, '\u22122.5'), (0.001, '0.001'), (1e-5, '1e-5'), (30.0, '30')])
def test_ticks_are_plain(value, text):
    assert plain_number(value) == text


@pytest.mark.parametrize(
    ('values', 'scale', 'ticks'),
    [
        ([100.0, 400.0], 'linear', None),
        ([0.0, 400.0], 'linear', None),
        ([100.0, 401.0], 'log', {1, 2, 5}),
        ([100.0, 1999.0], 'log', {1, 2, 5}),
        ([100.0, 2001.0], 'log', {1, 3}),
        ([100.0, 10_001.0], 'log', {1}),
        ([7.0, 7.0], 'linear', None),
    ],
)
def test_costs_that_differ_by_more_than_four_times_have_a_logarithmic_axis_with_few_ticks(values, scale, ticks):
    with house():
        axes = blank(3, 2).subplots()
        cost_ticks(axes, values, lambda value: f'{value:.0f} x')
        low, high = axes.get_xlim()
        assert axes.get_xscale() == scale and low < min(values) <= max(values) < high
        assert axes.xaxis.get_major_formatter()(100.0) == '100 x' and len(axes.xaxis.get_minorticklocs()) == 0
        drawn = axes.xaxis.get_majorticklocs()
        shown = [tick for tick in drawn if low <= tick <= high]
    assert shown
    if scale == 'linear':
        assert len(shown) == len(drawn)
    if ticks:
        assert {int(float(f'{tick:e}'.partition('e')[0]) + 0.5) for tick in shown} <= ticks
        # As much room at either end, in logarithms.
        assert min(values) / low == pytest.approx(high / max(values), rel=1e-4)


def test_an_arrow_stands_where_its_arm_does_and_points_to_where_the_value_lies():
    with house():
        axes = blank(3, 2).subplots()
        axes.set_ylim(40, 60)
        axes.set_xlim(0, 10)
        values, styles = {'low': 0.1, 'in': 0.6, 'high': 0.9}, palette(['low', 'in', 'high'])
        assert mark_outside(axes, task('digits'), values, styles, {'low': 3.0}) == ['outside: low\u00a010.0, high\u00a090.0']
    low, high = axes.lines
    assert (low.get_marker(), list(low.get_xdata()), list(low.get_ydata())) == ('v', [3.0], [0.03])
    assert (high.get_marker(), list(high.get_ydata())) == ('^', [0.97]) and 0.9 < high.get_xdata()[0] < 1
    assert (low.get_color(), high.get_color()) == (styles['low'][0], styles['high'][0])


def test_arms_that_are_not_known_are_named_in_the_order_of_the_study():
    study = Study(name='s', question='?', arms={'z': (), 'a': (), 'b': ()}, tasks=('digits',))
    assert missing(study, ['a']) == ['not known yet: z, b'] and missing(study, iter(['a', 'b', 'z'])) == []
    assert missing(study, []) == ['not known yet: z, a, b']


@pytest.mark.parametrize(
    ('count', 'columns', 'shape'), [(1, 2, (1, 1)), (2, 2, (1, 2)), (3, 2, (2, 2)), (5, 3, (2, 3)), (3, 1, (3, 1))]
)
def test_panels_stand_in_rows_and_spare_ones_are_empty(count, columns, shape):
    with house():
        figure, cells = grid(count, arm_handles(palette(['a'])), 2.0, columns)
    assert len(cells) == count and cells[0].get_subplotspec().get_gridspec().get_geometry() == shape
    assert [axes.axison for axes in figure.axes] == [True] * count + [False] * (shape[0] * shape[1] - count)
    assert figure.get_figheight() == pytest.approx(shape[0] * 2.0 + legend_height(['a'], 7.2))
    widths = {1: 0.6 * WIDTH, 2: WIDTH, 3: WIDTH * 3 / 2.4}
    assert figure.get_figwidth() == pytest.approx(widths[shape[1]])


def test_an_empty_panel_has_words_and_no_ticks():
    with house():
        axes = blank(3, 2).subplots()
        explain_empty(axes, 'nothing yet')
    assert (
        [text.get_text() for text in axes.texts] == ['nothing yet']
        and not len(axes.get_xticks())
        and not len(axes.get_yticks())
    )


def test_the_limits_of_panels_leave_out_few():
    # An even number of points: the lower middle one says what is far.
    low, high = axis_limits([(1.0, []), (-1.0, []), (100.0, []), (100.0, [])], centre=0.0)
    assert high < 5 and low < -1
    # Room of seven per cent at either end.
    assert axis_limits([(0.0, []), (10.0, [])]) == (-0.7, 10.7)
    assert axis_limits([(5.0, [])], least=1.0) == pytest.approx((3.86, 6.14))


@pytest.mark.parametrize(('value', 'limits'), [(0.5, (49.0, 51.0)), (0.0, (-1e-6, 1e-6)), (1.0, (98.0, 102.0))])
def test_lines_that_are_all_level_lie_in_the_middle(value, limits):
    curves = {arm: ([1, 2], [value, value], None, None) for arm in ('a', 'b')}
    with house():
        axes = blank(3, 2).subplots()
        assert draw_bands(axes, task('digits'), curves, palette(list(curves)), 0) == []
    assert axes.get_ylim() == pytest.approx(limits)


def test_long_lines_have_few_marks_at_places_of_their_own():
    count = 24
    curves = {arm: (range(count), np.linspace(0.1, 0.9, count), None, None) for arm in 'abcd'}
    with house():
        axes = blank(3, 2).subplots()
        draw_bands(axes, task('digits'), curves, palette(list(curves)), 0)
        marks = [list(line.get_markevery()) for line in axes.lines]
        short = blank(3, 2).subplots()
        draw_bands(short, task('digits'), {'a': (range(12), np.linspace(0.1, 0.9, 12), None, None)}, palette(['a']), 0)
    assert marks == [list(range(first, count, 3)) for first in (0, 1, 2, 0)] and short.lines[0].get_markevery() is None


def test_a_point_at_the_furthest_that_is_shown_lies_within_the_panel():
    low, high = axis_limits([(1.0, []), (-1.0, []), (FAR, [])], centre=0.0)
    assert low < -1 < FAR < high
    assert axis_limits([(1.0, []), (-1.0, []), (1.01 * FAR, [])], centre=0.0)[1] < FAR
