"""Style: the look of every figure of the lab, and files that are the same byte for byte each time."""

import contextlib
import dataclasses
import functools
import io
import os
from collections.abc import Iterator
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, fontManager, ttfFontProperty
from matplotlib.ft2font import FT2Font
from matplotlib.path import Path as Outline
from matplotlib.textpath import TextPath

from results.figures.arrangement import FINEST, lay_out
from results.store import atomic

SHIPPED = Path(__file__).parent / 'fonts'
"""Liberation Sans 2.1.5, which has Arial's widths, under the SIL Open Font License 1.1 (OFL.txt beside it)."""
FONTS = {
    'archlab Liberation Sans': [SHIPPED / f'LiberationSans-{style}.ttf' for style in ('Regular', 'Bold', 'Italic')],
    'archlab DejaVu Sans': [
        Path(matplotlib.get_data_path(), 'fonts', 'ttf', f'DejaVuSans{style}.ttf') for style in ('', '-Bold', '-Oblique')
    ],
}
"""The font files of the figures by family name. The names are the lab's own, so that a font installed on the machine is never
taken instead. The second font, matplotlib's, has the glyphs that the first lacks."""
COLOURS = ('#000000', '#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#8f8300', '#882255', '#666666')
"""Colours that differ without colour vision (Okabe and Ito's set, with yellow darkened for white paper); the base is black."""
MARKERS = ('o', 's', '^', 'D', 'v', 'P', '<', '>', 'p', 'h')
BAND = '#e8eef4'
LAST_BITS = 2.0**-40
"""More than sums of some thousand numbers differ between two processors, and far less than six significant digits."""
SUFFIXES = ('pdf', 'svg', 'png')
_UNDATED = {'pdf': {'CreationDate': None}, 'svg': {'Date': None}, 'png': {}}

_within: list[bool] = []
"""Whether the settings are in force, so that they are not set again for every word that a figure measures."""


@functools.cache
def _register() -> None:
    """Make FONTS known to matplotlib, once a process."""
    for name, files in FONTS.items():
        for file in files:
            known = len(fontManager.ttflist)
            fontManager.addfont(file)
            # addfont adds the names that the file itself has; what it added stays under ours alone.
            del fontManager.ttflist[known:]
            fontManager.ttflist.append(dataclasses.replace(ttfFontProperty(FT2Font(file)), name=name))


def _settings() -> dict:
    return {
        'font.family': list(FONTS),
        'text.parse_math': False,
        'font.size': 8,
        'axes.titlesize': 8.5,
        'axes.labelsize': 8,
        'xtick.labelsize': 7.5,
        'ytick.labelsize': 7.5,
        'legend.fontsize': 7.5,
        'legend.frameon': False,
        'text.color': 'black',
        'axes.labelcolor': 'black',
        'axes.titlecolor': 'black',
        'xtick.color': 'black',
        'ytick.color': 'black',
        'axes.edgecolor': 'black',
        'axes.linewidth': 0.6,
        'xtick.major.width': 0.6,
        'ytick.major.width': 0.6,
        'xtick.major.size': 2.5,
        'ytick.major.size': 2.5,
        'axes.grid': True,
        'axes.axisbelow': True,
        'grid.color': '#d8d8d8',
        'grid.linestyle': (0, (4, 3)),
        'grid.linewidth': 0.5,
        'lines.linewidth': 1.2,
        'svg.hashsalt': 'archlab',
        'svg.fonttype': 'path',
        'pdf.fonttype': 42,
        'savefig.dpi': FINEST,
    }


@contextlib.contextmanager
def house() -> Iterator[None]:
    """A context in which matplotlib draws in the house style, whatever the user's own settings are."""
    if _within:
        yield
        return
    _register()
    # Set, it would hide every font but matplotlib's own, ours too.
    ignored = os.environ.pop('MPL_IGNORE_SYSTEM_FONTS', None)
    try:
        with matplotlib.rc_context():
            matplotlib.rcdefaults()
            matplotlib.rcParams.update(_settings())
            _within.append(True)
            # A font's file is looked for at every measure of every text, each time with all settings of fonts.
            fontManager.findfont = functools.cache(fontManager.findfont)
            yield
    finally:
        _within.clear()
        vars(fontManager).pop('findfont', None)
        if ignored is not None:
            os.environ['MPL_IGNORE_SYSTEM_FONTS'] = ignored


def blank(width: float, height: float) -> Figure:
    """An empty figure of a size in inches, with automatic layout of its panels."""
    figure = Figure(figsize=(width, height), layout='constrained')
    FigureCanvasAgg(figure)
    return figure


def palette(arms: list[str]) -> dict[str, tuple[str, str]]:
    """Colour and marker of each arm, by its place in the study. After ten arms the colours come again, with other markers."""
    shift = len(COLOURS)
    return {arm: (COLOURS[i % shift], MARKERS[(i + i // shift) % len(MARKERS)]) for i, arm in enumerate(arms)}


@functools.lru_cache(1024)
def text_width(text: str, size: float) -> float:
    """How wide a line of text is, in inches, at a size in points."""
    with house():
        outline = TextPath((0, 0), text, size=size, prop=FontProperties(family=list(FONTS)))
    return _width(outline) / 72


def _width(outline: Outline) -> float:
    """How wide the lines and quadratic curves of an outline are, which is all that fonts of FONTS are made of."""
    across, codes = outline.vertices[:, 0], outline.codes
    # A curve is a control point and an end, each with the code of curves; it may turn between its ends.
    turns = np.flatnonzero(codes == Outline.CURVE3)[::2]
    begin, bend, end = across[turns - 1], across[turns], across[turns + 1]
    at = np.divide(begin - bend, begin - 2 * bend + end, out=np.zeros(len(turns)), where=begin - 2 * bend + end != 0)
    at = np.clip(at, 0, 1)
    drawn = np.isin(codes, (Outline.MOVETO, Outline.LINETO))
    ends = [across[drawn], end, (1 - at) ** 2 * begin + 2 * at * (1 - at) * bend + at**2 * end]
    reached = np.concatenate(ends)
    return float(np.ptp(reached)) if len(reached) else 0.0


def rounded(values: object) -> np.ndarray:
    """Numbers to six significant digits, so that a figure does not depend on a processor's last bits. `[n] -> [n]`

    What lies half-way between two such numbers, or a few last bits beside it, goes to the one that is farther from 0.

    >>> rounded([93.03125, 93.03125 - 1e-13, 93.03125 + 1e-13]).tolist()
    [93.0313, 93.0313, 93.0313]
    """
    return np.array([float(f'{value * (1 + LAST_BITS):.6g}') for value in np.ravel(np.asarray(values, float))])


def rendered(figure: Figure, suffix: str) -> bytes:
    """The figure as a file's content, without dates; raises ValueError on an unknown suffix."""
    if suffix not in SUFFIXES:
        raise ValueError(f'figures are not written as {suffix!r}; allowed: {list(SUFFIXES)}; choose one of them')
    # An SVG is written as text in thousands of pieces, which are encoded as one.
    content = io.StringIO() if suffix == 'svg' else io.BytesIO()
    with house():
        lay_out(figure)
        figure.savefig(content, format=suffix, metadata=_UNDATED[suffix])
    made = content.getvalue()
    return made.encode() if suffix == 'svg' else made


def save(figure: Figure, path: str | Path) -> list[Path]:
    """Write the figure as PDF, SVG and PNG under `path` (without a suffix); the paths written."""
    path = Path(path)
    paths = [path.with_name(f'{path.name}.{suffix}') for suffix in SUFFIXES]
    for target, suffix in zip(paths, SUFFIXES, strict=True):
        atomic.replace(target, rendered(figure, suffix))
    return paths
