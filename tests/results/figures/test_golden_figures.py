"""Figures show what they showed: kinds that no published study has, and all others in the cases that the quickstart, whose
figures are held by its page, does not have."""

from collections.abc import Iterable

import golden_texts
import numpy as np
import pytest
from drawn_studies import read
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text

from results.figures import FIGURES

SHOWN = {
    'path': 'path_on_digits',
    'interaction': 'factorial_on_digits',
    'ladder': 'ladder_on_digits',
    'amount': 'amounts_on_digits',
}

CASES = {
    'optimizers': ('two_optimizers', 1.0),
    'unfinished': ('two_on_digits', 0.4),
    'five': ('five_on_digits', 1.0),
    'one_recipe': ('one_recipe', 1.0),
    'diverged': ('diverged_on_digits', 1.0),
}
"""Scenes, with the share that is trained, for figures of every study."""


def numbers(values: Iterable[float]) -> str:
    return ' '.join(f'{float(value):#.3g}'.rstrip('.') for value in values)


def handle_style(handle: Line2D | Patch) -> list[str]:
    """What is drawn beside the words of a legend."""
    if isinstance(handle, Line2D):
        colours = [to_hex(handle.get_color()), to_hex(handle.get_markerfacecolor())]
        return [
            *colours,
            handle.get_linestyle(),
            str(handle.get_marker()),
            numbers([handle.get_markersize(), handle.get_linewidth()]),
        ]
    return [to_hex(handle.get_facecolor()), to_hex(handle.get_edgecolor())]


def drawn(figure: Figure) -> str:
    """What stands in a figure and where: its texts, and the data, colours and sizes of what is drawn, to three digits."""
    told = [f'figure of {numbers(figure.get_size_inches())} inches']
    for number, axes in enumerate(figure.axes):
        spans = (*axes.get_xlim(), *axes.get_ylim())
        told.append(f'axes {number} at {numbers(axes.get_position().bounds)}, from {numbers(spans)}, {axes.get_xscale()}')
        for line in axes.lines:
            style = (line.get_linestyle(), line.get_marker(), numbers([line.get_linewidth(), line.get_zorder()]))
            told.append(f'  line {to_hex(line.get_color())} {" ".join(map(str, style))}: {numbers(line.get_xydata().ravel())}')
        for patch in axes.patches:
            corners = patch.get_patch_transform().transform_path(patch.get_path()).vertices
            told.append(f'  patch {to_hex(patch.get_facecolor())}: {numbers(corners.ravel())}')
        for one in axes.collections:
            colours = ' '.join(sorted({to_hex(colour) for colour in (*one.get_facecolor(), *one.get_edgecolor())}))
            spots = one.get_offsets() if len(one.get_offsets()) > 1 else one.get_paths()[0].vertices
            told.append(f'  {type(one).__name__} {colours}: {numbers(np.ravel(spots))}')
    for legend in figure.legends:
        for handle in legend.legend_handles:
            told.append(f'  legend {handle.get_label()!r} {" ".join(map(str, handle_style(handle)))}')
    for one in figure.findobj(Text):
        if one.get_visible() and one.get_text().strip():
            about = f'{to_hex(one.get_color())} {one.get_ha()} {numbers([one.get_fontsize()])}'
            told.append(f'{one.get_text()!r} {about} at {numbers(one.get_position())}')
    return '\n'.join(told)


@pytest.mark.parametrize('kind', SHOWN)
def test_a_figure_shows_what_it_showed(kind):
    golden_texts.hold(f'figure_{kind}', drawn(FIGURES[kind](*read(SHOWN[kind]))))


@pytest.mark.parametrize('case', CASES)
def test_figures_show_in_each_case_what_they_showed(case):
    given = read(*CASES[case])
    shown = []
    for kind, draw in FIGURES.items():
        try:
            shown += [kind, drawn(draw(*given))]
        except ValueError as error:
            shown += [kind, str(error)]
    golden_texts.hold(f'figures_{case}', '\n'.join(shown))
