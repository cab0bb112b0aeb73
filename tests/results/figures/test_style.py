"""Style: only the shipped fonts, one look for an arm, numbers and limits that do not depend on a machine."""

import os
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.font_manager import FontEntry, FontProperties, findfont, fontManager
from matplotlib.ft2font import FT2Font
from matplotlib.path import Path as Outline
from matplotlib.textpath import TextPath

from results.figures.style import COLOURS, FONTS, MARKERS, SHIPPED, _width, blank, house, palette, rendered, text_width

STYLES = {'LiberationSans-Regular': {}, 'LiberationSans-Bold': {'weight': 'bold'}, 'LiberationSans-Italic': {'style': 'italic'}}


@pytest.mark.parametrize(('file', 'how'), STYLES.items(), ids=STYLES)
def test_words_are_set_in_the_shipped_files(file, how):
    with house():
        assert Path(findfont(FontProperties(**how))) == SHIPPED / f'{file}.ttf'


def test_fonts_are_the_shipped_ones_and_one_of_matplotlib():
    files = [file for files in FONTS.values() for file in files]
    places = (SHIPPED, Path(matplotlib.get_data_path(), 'fonts', 'ttf'))
    assert all(file.is_file() and file.parent in places for file in files)
    with house():
        assert matplotlib.rcParams['font.family'] == list(FONTS)
        for name in FONTS:
            listed = [entry.fname for entry in fontManager.ttflist if entry.name == name]
            assert listed == [str(file) for file in FONTS[name]]


def test_an_installed_font_of_the_same_name_is_not_taken(monkeypatch):
    """A machine with another Liberation Sans, which matplotlib knows first."""
    other = Path(matplotlib.get_data_path(), 'fonts', 'ttf', 'DejaVuSerif.ttf')
    installed = [FontEntry(str(other), name=name, style='normal') for name in ('Liberation Sans', 'Helvetica', 'Arial')]

    def drawn() -> bytes:
        with house():
            figure = blank(2, 1)
            figure.text(0.1, 0.5, 'words \u2212 \u2193')
        return rendered(figure, 'svg')

    before = drawn()
    monkeypatch.setattr(
        fontManager,
        'ttflist',
        installed + [e for e in fontManager.ttflist if 'Liberation' not in e.fname or 'archlab' in e.name],
    )
    fontManager._findfont_cached.cache_clear()
    assert drawn() == before


def test_shipped_fonts_name_the_licence_that_lies_beside_them():
    licence = (SHIPPED / 'OFL.txt').read_text()
    assert 'SIL OPEN FONT LICENSE' in licence and 'Version 1.1' in licence and 'Reserved Font Name Liberation' in licence
    for file in SHIPPED.glob('*.ttf'):
        names = FT2Font(str(file)).get_sfnt()
        assert names[1, 0, 0, 13] == b'Licensed under the SIL Open Font License, Version 1.1'
        assert file.name in licence
    assert len(list(SHIPPED.glob('*.ttf'))) == 3


def test_pdf_embeds_the_font():
    with house():
        figure = blank(2, 1)
        figure.text(0.1, 0.5, 'words')
    pdf = rendered(figure, 'pdf')
    assert b'LiberationSans' in pdf and b'/FontFile2' in pdf


def test_a_users_own_settings_change_nothing_and_are_left_alone(monkeypatch):
    monkeypatch.setitem(matplotlib.rcParams, 'axes.facecolor', 'red')
    monkeypatch.setenv('MPL_IGNORE_SYSTEM_FONTS', '1')
    with house():
        assert matplotlib.rcParams['axes.facecolor'] == 'white'
        assert Path(findfont(FontProperties())).parent == SHIPPED
    assert matplotlib.rcParams['axes.facecolor'] == 'red' and os.environ['MPL_IGNORE_SYSTEM_FONTS'] == '1'


def test_text_without_an_outline_has_no_width():
    assert _width(Outline(np.empty((0, 2)), np.empty(0, Outline.code_type))) == 0.0


@pytest.mark.parametrize('text', ['o', 'some', '(s)', 'CSO@8&', 'no_mixer, 3.25'])
def test_a_text_is_as_wide_as_its_outline(text):
    with house():
        outline = TextPath((0, 0), text, size=10, prop=FontProperties(family=list(FONTS)))
    assert text_width(text, 10) * 72 == pytest.approx(outline.get_extents().width, rel=1e-9)


def test_text_width_follows_the_font():
    """Of Arial's widths, 2048 to the em: 'w' 1479, 'i' 455."""
    one = text_width('w' * 11, 10) - text_width('w', 10)
    assert one == pytest.approx(10 * 1479 / 2048 * 10 / 72, rel=0.01)
    assert text_width('i' * 11, 10) - text_width('i', 10) == pytest.approx(10 * 455 / 2048 * 10 / 72, rel=0.02)


def test_palette_is_fixed_by_place_and_tells_many_arms_apart():
    names = [f'arm_{i}' for i in range(20)]
    looks = palette(names)
    assert looks['arm_0'][0] == '#000000'
    assert len(set(looks.values())) == 20
    assert palette(names[:5]) == {name: looks[name] for name in names[:5]}
    assert len(set(COLOURS)) == len(COLOURS) == len(MARKERS)
