"""Every kind of figure: the same bytes everywhere, unfinished studies drawn, a kind without anything to show refused."""

import functools
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from drawn_studies import drawn, read, shaken
from matplotlib import transforms
from matplotlib.figure import Figure

from results.figures import FIGURES, save
from results.figures.style import SUFFIXES, rendered

SHOWN = {
    'effect': 'two',
    'verdicts': 'two',
    'lr': 'two',
    'expected_best': 'two_on_digits',
    'curves': 'two_on_digits',
    'pareto': 'two_on_digits',
    'path': 'path_on_digits',
    'interaction': 'factorial_on_digits',
    'ladder': 'ladder_on_digits',
    'amount': 'amounts_on_digits',
}
"""A scene for each kind, as small as shows it."""


def test_every_kind_has_a_scene():
    assert list(SHOWN) == list(FIGURES)


@functools.cache
def figure_of(kind: str) -> Figure:
    return FIGURES[kind](*read(SHOWN[kind]))


@functools.cache
def file_of(kind: str, suffix: str) -> bytes:
    """A file of a kind, drawn once."""
    return rendered(figure_of(kind), suffix)


EACH = [(kind, suffix) for kind in FIGURES for suffix in SUFFIXES]
FAST = [(kind, suffix) for place, kind in enumerate(FIGURES) for suffix in ('svg', ('pdf', 'png')[place % 2])]
"""Each kind as SVG, which writes every number out, and as one of the two others."""


class OtherBits:
    """Numpy on a processor that rounds the product of two matrices once, where this one may round every product and sum."""

    def __getattr__(self, name: str) -> object:
        return getattr(np, name)

    def dot(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        return np.dot(left.astype(np.longdouble), right.astype(np.longdouble)).astype(float)


@functools.cache
def drawn_elsewhere(kind: str) -> Figure:
    with pytest.MonkeyPatch.context() as elsewhere:
        elsewhere.setattr(transforms, 'np', OtherBits())
        return FIGURES[kind](*shaken(SHOWN[kind]))


@pytest.mark.parametrize(
    ('kind', 'suffix'), [pytest.param(*case, marks=[] if case in FAST else pytest.mark.slow) for case in EACH]
)
def test_files_are_the_same_on_rendering_again_with_other_last_bits(kind, suffix, monkeypatch):
    """Scores that another processor summed up, and places that it computed."""
    first = file_of(kind, suffix)
    monkeypatch.setattr(transforms, 'np', OtherBits())
    assert rendered(drawn_elsewhere(kind), suffix) == first


def test_a_figure_is_saved_in_every_format(tmp_path):
    paths = save(figure_of('curves'), tmp_path / 'curves')
    assert [path.name for path in paths] == ['curves.pdf', 'curves.svg', 'curves.png']
    assert [path.read_bytes() for path in paths] == [file_of('curves', suffix) for suffix in SUFFIXES]


def test_scores_that_were_shaken_are_not_the_same():
    (one, own), (other, findings) = read('two'), shaken('two')
    assert all(one.records[key] != other.records[key] for key in one.records if one.records[key]['status'] == 'ok')
    assert [f.value for f in own] == pytest.approx([f.value for f in findings], rel=1e-12)
    assert own != findings


def test_files_are_the_same_in_another_process_with_other_settings(tmp_path):
    """Another order of hashes, time zone and language, other defaults of matplotlib, and system fonts hidden."""
    here = {f'{kind}.{suffix}': file_of(kind, suffix) for kind in ('effect', 'path') for suffix in SUFFIXES}
    (tmp_path / 'matplotlibrc').write_text('font.family: serif\naxes.facecolor: red\nlines.linewidth: 7\nsavefig.dpi: 30\n')
    code = (
        f'import sys; sys.path[:0] = [{str(Path(__file__).parents[3])!r}, {str(Path(__file__).parent)!r}]; '
        'from drawn_studies import read; from results.figures import FIGURES, save; import test_every_kind as t; '
        f'[save(FIGURES[k](*read(t.SHOWN[k])), {str(tmp_path)!r} + "/there/" + k) for k in ("effect", "path")]'
    )
    elsewhere = {'PYTHONHASHSEED': '7', 'TZ': 'Asia/Tokyo', 'LC_ALL': 'C', 'MPL_IGNORE_SYSTEM_FONTS': '1'}
    elsewhere |= {'MATPLOTLIBRC': str(tmp_path / 'matplotlibrc')}
    subprocess.run([sys.executable, '-c', code], check=True, env={**os.environ, **elsewhere}, cwd=tmp_path)
    assert {path.name: path.read_bytes() for path in (tmp_path / 'there').iterdir()} == here


@pytest.mark.parametrize('kind', FIGURES)
def test_svg_holds_no_date_and_paths(kind):
    svg = file_of(kind, 'svg')
    assert b'<dc:date>' not in svg and b'<text' not in svg
    ElementTree.fromstring(svg)


@pytest.mark.parametrize('kind', [kind for kind, suffix in FAST if suffix == 'pdf'])
def test_pdf_holds_no_date(kind):
    assert b'CreationDate' not in file_of(kind, 'pdf')


@pytest.mark.parametrize('share', [1e-9, 0.4])
@pytest.mark.parametrize('kind', FIGURES)
def test_unfinished_studies_are_drawn_and_say_what_is_missing(kind, share):
    """After one run, and after two of five of those that tune."""
    figure = FIGURES[kind](*read(SHOWN[kind], share))
    figure.draw_without_rendering()
    assert 'yet' in ' '.join(drawn(figure))


@pytest.mark.parametrize('kind', [kind for kind in FIGURES if kind not in ('path', 'interaction', 'ladder', 'amount')])
def test_a_study_whose_every_run_diverged_is_drawn(kind):
    assert rendered(FIGURES[kind](*read('diverged')), 'svg')


@pytest.mark.parametrize('kind', ['lr', 'expected_best', 'curves'])
def test_a_study_of_one_arm_has_figures_that_compare_nothing(kind):
    assert rendered(FIGURES[kind](*read('alone')), 'svg')


REFUSED = [
    ('effect', 'alone', 'one arm.*add an arm'),
    ('verdicts', 'alone', 'one arm.*add an arm'),
    ('pareto', 'alone', 'one arm.*add an arm'),
    ('path', 'five', r"no path but 'one_swap'.*path\(\)"),
    ('path', 'drop_one', r"no path but 'drop_one'.*path\(\)"),
    ('interaction', 'path', r"not factorial but 'path'.*factorial\(\)"),
    ('ladder', 'five', r'no effect at several sizes.*ladder\(\)'),
    ('amount', 'ladder', r'no task with several amounts of data.*amounts\(\)'),
]


@pytest.mark.parametrize(('kind', 'scene', 'words'), REFUSED)
def test_a_kind_that_does_not_apply_is_refused(kind, scene, words):
    with pytest.raises(ValueError, match=words):
        FIGURES[kind](*read(scene))


def test_unknown_suffix_is_refused():
    with pytest.raises(ValueError, match=r"'gif'; allowed: .*svg"):
        rendered(FIGURES['curves'](*read('alone')), 'gif')


def boxes(figure) -> list:
    """All words of a figure with the places that they take, in pixels."""
    figure.draw_without_rendering()
    boxed = []
    for axes in figure.axes:
        words = [axes.xaxis.label, axes.yaxis.label, axes.title, *axes.texts]
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            ticks = [tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
            words += [label for tick in ticks for label in (tick.label1, tick.label2) if label.get_visible()]
        boxed += [(word.get_text(), word.get_window_extent()) for word in words if word.get_text() and word.get_visible()]
    boxed += [(text.get_text(), text.get_window_extent()) for legend in figure.legends for text in legend.get_texts()]
    return boxed


CROWDED = [
    *((kind, 'ten') for kind in ('effect', 'verdicts', 'lr', 'expected_best', 'curves', 'pareto')),
    *((kind, 'drop_one') for kind in ('effect', 'verdicts')),
    ('path', 'path'),
    ('interaction', 'three_factors'),
    ('verdicts', 'ladder'),
    ('ladder', 'ladder'),
    ('amount', 'amounts'),
]
"""Ten arms with long names, and what is crowded of the other kinds."""


@pytest.mark.parametrize(('kind', 'scene'), CROWDED)
def test_no_words_overlap(kind, scene):
    figure = FIGURES[kind](*read(scene))
    boxed = boxes(figure)
    assert len(boxed) > 5
    for i, (word, box) in enumerate(boxed):
        for other, place in boxed[i + 1 :]:
            wide = min(box.x1, place.x1) - max(box.x0, place.x0)
            high = min(box.y1, place.y1) - max(box.y0, place.y0)
            # Boxes hold the room of letters that reach low; lines a hair apart are no overlap.
            assert wide <= 1 or high <= 2.5, (word, other, wide, high)


ACCURACY, POINTS = 'accuracy, %\n(higher is better)', 'points (right is better)\nagainst layer_norm'
LABELS = {
    'effect': [
        ('digits', f'effect on accuracy, {POINTS}', ''),
        ('stdlib_bytes', 'effect on loss, nats per byte (right is better)\nagainst layer_norm', ''),
    ],
    'verdicts': [('', 'effect against layer_norm, above 0 better', '')],
    'lr': [
        ('digits, adamw', 'learning rate', f'tuning {ACCURACY}'),
        ('stdlib_bytes, adamw', 'learning rate', 'tuning loss, nats per byte\n(lower is better)'),
    ],
    'expected_best': [('digits', 'tuning trials\norder settles at 1/6 trials', f'expected best tuning {ACCURACY}')],
    'curves': [('digits', 'steps', f'test {ACCURACY}')],
    'pareto': [
        ('digits', 'parameters', f'test {ACCURACY}'),
        ('digits', 'multiply-adds', ''),
        ('digits', 'time of a step, ms', ''),
    ],
    'path': [('digits', 'test accuracy, % (higher is better)', ''), ('multiply-adds', '', '')],
    'interaction': [
        ('digits: accuracy, % (higher is better)', 'mixer\n\ninteraction, points\nrms × none: +5.4 [+4.4, +6.3]', 'norm'),
    ],
    'ladder': [('digits', 'parameters of layer_norm (logarithmic)', 'effect on accuracy\npoints (above 0 is better)')],
    'amount': [('digits_train', 'training examples', ACCURACY)],
}
LEGENDS = {
    'effect': ['each at its own best recipe', 'margin of equivalence'],
    'verdicts': ['better'],
    'lr': ['layer_norm', 'rms_norm', 'selected, one a replicate', 'diverged'],
    'expected_best': ['layer_norm', 'rms_norm', 'the order settles'],
    'curves': ['layer_norm', 'rms_norm'],
    'pareto': ['layer_norm', 'rms_norm', 'on the front', 'possibly on it', 'dominated or not known', 'front of the means'],
    'path': ['told from the step before', 'not told from it', 'the base'],
    'interaction': [],
    'ladder': ['rms_norm', 'no_mixer', 'better or worse', 'not told apart', 'margin of equivalence'],
    'amount': ['layer_norm', 'no_mixer', 'chance'],
}


@pytest.mark.parametrize('kind', SHOWN)
def test_a_figure_says_what_its_axes_and_marks_are(kind):
    """In the words and units of the task, and which way is better."""
    figure = figure_of(kind)
    assert [(axes.get_title(), axes.get_xlabel(), axes.get_ylabel()) for axes in figure.axes] == LABELS[kind]
    assert [text.get_text() for legend in figure.legends for text in legend.get_texts()] == LEGENDS[kind]
