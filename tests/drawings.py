"""Drawings: what stands in a figure and where, as text that does not depend on a machine."""

from collections.abc import Iterable

import numpy as np
from matplotlib.artist import Artist
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text


def numbers(values: Iterable[float]) -> str:
    return ' '.join(f'{float(value):#.3g}'.rstrip('.') for value in values)


def faces(one: Line2D) -> list[str]:
    """The marks of a line, where it has any."""
    if one.get_marker() in ('None', None, ''):
        return []
    sizes = numbers([one.get_markersize(), one.get_markeredgewidth()])
    return [to_hex(one.get_markerfacecolor()), to_hex(one.get_markeredgecolor()), sizes]


def unusual(one: Artist, **usual: object) -> list[str]:
    """What of a look is not as usual, by the names of its getters."""
    told = {name: getattr(one, f'get_{name}')() for name in (*usual, 'alpha', 'clip_on')}
    return [f'{name}={value}' for name, value in told.items() if value != {'alpha': None, 'clip_on': True, **usual}[name]]


def handle_style(handle: Line2D | Patch) -> list[str]:
    """What is drawn beside the words of a legend."""
    if isinstance(handle, Line2D):
        return [
            to_hex(handle.get_color()),
            handle.get_linestyle(),
            str(handle.get_marker()),
            numbers([handle.get_linewidth()]),
            *faces(handle),
        ]
    colours = [to_hex(handle.get_facecolor()), to_hex(handle.get_edgecolor())]
    return [*colours, numbers([handle.get_linewidth()]), *unusual(handle, hatch=None)]


def drawn(figure: Figure) -> str:
    """What stands in a figure and where: its texts, and the data, colours and sizes of what is drawn, to three digits."""
    told = [f'figure of {numbers(figure.get_size_inches())} inches']
    told += [f'labels of {len(group)} axes in line' for group in figure._align_label_groups['y'] if len(group) > 1]
    for number, axes in enumerate(figure.axes):
        spans = (*axes.get_xlim(), *axes.get_ylim())
        grids = [name for name, axis in (('x', axes.xaxis), ('y', axes.yaxis)) if axis._major_tick_kw.get('gridOn')]
        ticks = [numbers([axis.get_tick_params().get('length', 2.5)]) for axis in (axes.xaxis, axes.yaxis)]
        between = [str(len(axis.get_minorticklocs())) for axis in (axes.xaxis, axes.yaxis)]
        told.append(
            f'axes {number} at {numbers(axes.get_position().bounds)}, from {numbers(spans)}, {axes.get_xscale()}, '
            f'grid {"".join(grids)}, ticks {" ".join(ticks)}, {" and ".join(between)} between'
        )
        for line in axes.lines:
            style = (line.get_linestyle(), line.get_marker(), numbers([line.get_linewidth(), line.get_zorder()]), *faces(line))
            more = unusual(line, solid_capstyle='projecting')
            told.append(
                f'  line {to_hex(line.get_color())} {" ".join(map(str, [*style, *more]))}: {numbers(line.get_xydata().ravel())}'
            )
        for patch in axes.patches:
            corners = patch.get_patch_transform().transform_path(patch.get_path()).vertices
            edge = [to_hex(patch.get_edgecolor()), numbers([patch.get_linewidth(), patch.get_zorder()])]
            told.append(
                f'  patch {" ".join([to_hex(patch.get_facecolor()), *edge, *unusual(patch, hatch=None)])}: '
                f'{numbers(corners.ravel())}'
            )
        for one in axes.collections:
            colours = ' '.join(sorted({to_hex(colour) for colour in (*one.get_facecolor(), *one.get_edgecolor())}))
            spots = one.get_offsets() if len(one.get_offsets()) > 1 else one.get_paths()[0].vertices
            look = [numbers([*one.get_linewidth(), one.get_zorder()]), *unusual(one, hatch=None)]
            told.append(f'  {type(one).__name__} {colours} {" ".join(look)}: {numbers(np.ravel(spots))}')
    for legend in figure.legends:
        told.append(f'  legend of {legend._ncols} columns, {numbers([legend.columnspacing])} apart')
        for handle in legend.legend_handles:
            told.append(f'  legend {handle.get_label()!r} {" ".join(map(str, handle_style(handle)))}')
    for one in figure.findobj(Text):
        if one.get_visible() and one.get_text().strip():
            plate = one.get_bbox_patch()
            more = unusual(one, va='baseline', weight='normal', style='normal', zorder=3)
            more += [f'on {to_hex(plate.get_facecolor())}'] if plate is not None else []
            more += [] if one._linespacing in ('normal', 1.2) else [f'lines {one._linespacing} apart']
            about = f'{to_hex(one.get_color())} {one.get_ha()} {numbers([one.get_fontsize()])}'
            told.append(f'{one.get_text()!r} {" ".join([about, *more])} at {numbers(one.get_position())}')
    return '\n'.join(told)
