"""Figures: the same bytes for the same findings, nothing dropped, nothing outside its panel."""

import dataclasses
import functools
import math
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

from ablations.quickstart import study as quickstart
from ablations.study import Study
from results.evidence import findings
from results.figures import FIGURES, effect_figure, lr_figure, save
from results.selection import profile
from results.style import COLOURS, MARKERS, house, palette, rendered
from sweeps.plan import schedule
from sweeps.simulate import World, simulate

SMALL = dataclasses.replace(quickstart, trials=8, replicates=2, looks=(), extension=0)
WORLDS = {
    'fine': World(top={'no_mixer': -0.4}, noise=0.01, split=0.01),
    'diverged': World(cliff=-9.0),
}


@functools.cache
def data(world: str = 'fine', study: Study = None) -> tuple:
    study = study or SMALL
    planned, records = simulate(study, WORLDS[world], seed=3)
    return study, planned, records, findings(study, planned, records, {})


def half() -> tuple:
    study, _, records, _ = data()
    kept = dict(list(records.items())[: len(records) // 4])
    planned = schedule(study, kept, {})
    return study, planned, kept, findings(study, planned, kept, {})


def texts(figure) -> list[str]:
    return [item.get_text() for axes in figure.axes for item in axes.texts]


@pytest.mark.parametrize('kind', FIGURES)
def test_files_are_the_same_on_rendering_again(kind, tmp_path):
    first = save(FIGURES[kind](*data()), tmp_path / 'one' / kind)
    second = save(FIGURES[kind](*data()), tmp_path / 'two' / kind)
    assert [path.suffix for path in first] == ['.pdf', '.svg', '.png']
    for a, b in zip(first, second, strict=True):
        assert a.read_bytes() == b.read_bytes()


@pytest.mark.slow
def test_files_are_the_same_in_another_process(tmp_path):
    here = save(effect_figure(*data()), tmp_path / 'here')
    code = (
        'import sys; sys.path.insert(0, "."); sys.path.insert(0, "tests/results"); import test_figures as t;'
        f't.save(t.effect_figure(*t.data()), {str(tmp_path / "there")!r})'
    )
    elsewhere = {**os.environ, 'PYTHONHASHSEED': '7', 'TZ': 'Asia/Tokyo'}
    subprocess.run([sys.executable, '-c', code], check=True, env=elsewhere, cwd=Path(__file__).parents[2])
    for path in here:
        assert path.read_bytes() == path.with_name(path.name.replace('here', 'there')).read_bytes()


def test_files_hold_no_dates_and_svg_holds_paths():
    figure = effect_figure(*data())
    assert b'CreationDate' not in rendered(figure, 'pdf')
    svg = rendered(figure, 'svg')
    assert b'<dc:date>' not in svg and b'<text' not in svg
    ElementTree.fromstring(svg)


def test_unknown_suffix_is_refused():
    with pytest.raises(ValueError, match=r"'gif'; allowed: .*svg"):
        rendered(effect_figure(*data()), 'gif')


@pytest.mark.parametrize('kind', FIGURES)
def test_unfinished_and_diverged_studies_are_drawn(kind):
    for given in (half(), data('diverged')):
        assert rendered(FIGURES[kind](*given), 'svg')


def test_effect_panels_hold_every_arm_task_and_verdict():
    study, planned, records, found = data()
    figure = effect_figure(study, planned, records, found)
    assert [axes.get_title() for axes in figure.axes] == [item.name for item in study.tasks]
    arms = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert arms == [arm for arm in study.arms if arm != study.base]
    for axes, item in zip(figure.axes, study.tasks, strict=True):
        words = [text.get_text().split('\n')[0].strip(',') for text in axes.texts if text.get_position()[0] == 1.02]
        assert words == [one.verdict for one in found if one.task == item.name]


def test_effect_is_drawn_beside_the_shared_effect_in_the_printed_unit():
    _, _, _, found = data()
    one = next(one for one in found if one.arm == 'rms_norm' and one.task == 'digits')
    axes = effect_figure(*data()).axes[0]
    points = [line for line in axes.lines if line.get_marker() == 's']
    assert [line.get_xdata()[0] for line in points] == pytest.approx([100 * one.effect, 100 * one.shared_effect], rel=1e-5)
    assert points[1].get_markerfacecolor() == 'white' != points[0].get_markerfacecolor()


def test_a_far_effect_is_an_arrow_with_its_numbers_and_leaves_room_for_the_others():
    study, planned, records, found = data()
    far = next(one for one in found if (one.task, one.arm) == ('digits', 'no_mixer'))
    moved = dataclasses.replace(
        far, effect=-5.0, effect_interval=(-5.1, -4.9), shared_effect=-5.0, shared_interval=(-5.1, -4.9)
    )
    axes = effect_figure(study, planned, records, [moved if one is far else one for one in found]).axes[0]
    assert axes.get_xlim()[0] > -400
    assert any('500' in item.get_text() for item in axes.texts)


def test_censored_and_unknown_effects_are_said():
    study, planned, records, found = data()
    marked = [dataclasses.replace(one, censored=('adamw lr high',)) for one in found]
    assert sum('(censored)' in text for text in texts(effect_figure(study, planned, records, marked))) == len(found)
    assert texts(effect_figure(*half())).count('no effect yet') == len(found)


def test_a_study_without_effects_is_refused():
    study, planned, records, _ = data()
    with pytest.raises(ValueError, match=r'one arm.*add an arm'):
        effect_figure(study, planned, records, [])


def points(figure) -> tuple[int, int]:
    """Trials drawn as scores and as crosses."""
    lines = [line for axes in figure.axes for line in axes.lines if line.get_linestyle() == 'None']
    good = sum(len(line.get_xdata()) for line in lines if line.get_alpha() == 0.4)
    return good, sum(len(line.get_xdata()) for line in lines if line.get_marker() == 'x')


@pytest.mark.parametrize('world', WORLDS)
def test_every_tuning_trial_is_a_point_or_a_cross(world):
    study, planned, records, found = data(world)
    asked = [trial for key, trials in planned.asked.items() if key[0] == 'tune' for trial in trials]
    lost = sum(records[trial.id]['status'] != 'ok' for trial in asked)
    assert lost > 0
    assert points(lr_figure(study, planned, records, found)) == (len(asked) - lost, lost)


def test_panels_of_empty_and_diverged_studies_say_so():
    assert texts(lr_figure(*data('diverged'))) == ['every run diverged'] * 4
    assert 'no run recorded yet' in texts(lr_figure(*half()))


def test_every_selected_rate_is_marked_and_the_range_is_dotted():
    study, planned, records, _ = data()
    figure = lr_figure(study, planned, records)
    marks = [
        line
        for axes in figure.axes
        for line in axes.lines
        if line.get_markeredgecolor() == 'black' and line.get_markersize() == 4.8
    ]
    drawn = sorted(float(line.get_xdata()[0]) for line in marks)
    chosen = sorted(dict(selected.knobs)['lr'] for selected in planned.selections.values())
    assert drawn == pytest.approx(chosen, rel=1e-5)
    dotted = [line.get_xdata()[0] for line in figure.axes[0].lines if line.get_linestyle() == ':']
    assert dotted == [study.tune['adamw']['lr'].low, study.tune['adamw']['lr'].high]


def test_palette_is_fixed_by_place_and_tells_many_arms_apart():
    names = [f'arm_{i}' for i in range(20)]
    looks = palette(names)
    assert looks['arm_0'][0] == '#000000'
    assert len(set(looks.values())) == 20
    assert palette(names[:5]) == {name: looks[name] for name in names[:5]}
    assert len(set(COLOURS)) == len(COLOURS) == len(MARKERS)


def test_fonts_are_installed_ones():
    import matplotlib

    with house():
        assert matplotlib.rcParams['font.sans-serif'][-1] == 'DejaVu Sans'
        for name in matplotlib.rcParams['font.sans-serif']:
            matplotlib.font_manager.findfont(name, fallback_to_default=False)


def test_labels_do_not_overlap():
    figure = effect_figure(*data())
    figure.canvas.draw()
    for axes in figure.axes:
        labels = [label for label in axes.get_yticklabels() if label.get_text()]
        boxes = [
            item.get_window_extent() for item in [*labels, *(text for text in axes.texts if text.get_position()[0] == 1.02)]
        ]
        for i, box in enumerate(boxes):
            assert not any(box.overlaps(other) for other in boxes[i + 1 :])


def test_profile_follows_the_surface_that_made_the_scores():
    generator = np.random.default_rng(0)
    replicates = []
    for shift in (0.0, 0.1):
        units = generator.random((16, 2))
        scores = shift + 1 - (units[:, 0] - 0.6) ** 2 - 0.5 * (units[:, 1] - 0.5) ** 2
        scores[0] = -math.inf
        replicates.append((units, scores))
    at, curve = profile(replicates, 2)
    assert curve == pytest.approx(1.05 - (at - 0.6) ** 2, abs=1e-9)
    assert profile([], 2) is None
    assert profile([(np.full((3, 2), 0.5), np.full(3, -math.inf))], 2) is None
