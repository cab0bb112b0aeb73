"""Panels: limits that a far arm cannot squeeze, words that fit."""

import pytest

from ablations.tasks import task
from results.figures.panels import (
    FAR,
    axis_label,
    axis_limits,
    draw_bands,
    legend_columns,
    mark_outside,
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
