"""Effect: every arm on every task beside its verdict, nothing dropped, and against what."""

import dataclasses

import pytest
from drawn_studies import data, read

from results.figures.effect import effect_figure
from results.store.reading import Reading


def texts(figure) -> list[str]:
    return [item.get_text() for axes in figure.axes for item in axes.texts]


def labels(axes) -> list[str]:
    return [label.get_text() for label in axes.get_yticklabels()]


def changed(change) -> list:
    """The effect figure of the scene with five arms, each finding changed."""
    study, planned, records, findings, manifest = data('five')
    return effect_figure(Reading(study, planned, records, manifest), [change(one) for one in findings])


def test_panels_hold_every_arm_task_and_verdict():
    study, _, _, findings, _ = data('five')
    figure = effect_figure(*read('five'))
    assert [axes.get_title() for axes in figure.axes] == [item.name for item in study.tasks]
    assert labels(figure.axes[0]) == [arm for arm in study.arms if arm != study.base]
    for axes, item in zip(figure.axes, study.tasks, strict=True):
        words = [text.get_text().split('\n')[0].strip(',') for text in axes.texts if text.get_position()[0] == 1.02]
        assert words == [one.verdict for one in findings if one.task == item.name]


def test_the_effect_is_drawn_beside_the_shared_effect_in_the_printed_unit():
    findings = data('five')[3]
    one = next(one for one in findings if one.arm == 'rms_norm' and one.task == 'digits')
    axes = effect_figure(*read('five')).axes[0]
    points = [line for line in axes.lines if line.get_marker() == 's']
    assert [line.get_xdata()[0] for line in points] == pytest.approx([100 * one.effect, 100 * one.shared_effect], rel=1e-5)
    assert points[1].get_markerfacecolor() == 'white' != points[0].get_markerfacecolor()


def test_a_far_effect_is_an_arrow_with_its_numbers_and_leaves_room_for_the_others():
    def far(one):
        if (one.task, one.arm) != ('digits', 'no_mixer'):
            return one
        return dataclasses.replace(one, effect=-9.0, effect_interval=(-9.1, -8.9), shared_effect=-9.0, shared_interval=None)

    axes = changed(far).axes[0]
    assert axes.get_xlim()[0] > -500
    assert any('900' in item.get_text() for item in axes.texts)


def test_censored_negligible_and_unknown_effects_are_said():
    censored = changed(lambda one: dataclasses.replace(one, censored=('adamw lr high',)))
    findings = data('five')[3]
    assert sum('censored' in text for text in texts(censored)) == len(findings)
    unknown = changed(
        lambda one: dataclasses.replace(one, effect=None, effect_interval=None, shared_effect=None, shared_interval=None)
    )
    assert texts(unknown).count('no effect yet') == len(findings)


@pytest.mark.parametrize(
    ('scene', 'ends'),
    [('five', 'against layer_norm'), ('path', 'against the step before'), ('factorial', 'against base')],
)
def test_the_axis_says_against_what(scene, ends):
    assert all(axes.get_xlabel().endswith(f'\n{ends}') for axes in effect_figure(*read(scene)).axes)


def test_arms_that_are_compared_with_different_ones_say_it_each():
    figure = effect_figure(*read('drop_one'))
    assert labels(figure.axes[0]) == [
        'all\nagainst base',
        'without_norm\nagainst all',
        'without_mixer\nagainst all',
        'without_width\nagainst all',
    ]
    assert 'against' not in figure.axes[0].get_xlabel()
