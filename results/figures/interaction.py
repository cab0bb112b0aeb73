"""Interaction: the cells of a factorial study, two factors at a time, and the interactions of their levels."""

import itertools
import math
from collections.abc import Mapping

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from ablations.study import Study
from results.factorial import Effect, Factorial, factorials
from results.figures.panels import WIDTH, Inapplicable, axis_label, shown, wrapped
from results.figures.style import blank, house
from results.finding import Finding
from results.store.reading import Reading
from results.tables import difference_unit, number, span

SHADES = LinearSegmentedColormap.from_list('archlab', ['#ffffff', '#cfe1f0', '#8fbcdd'])
"""White for the worst cell; the other end is pale too, so that black numbers stay readable."""


def _effect_words(one: Effect, metric: str) -> str:
    effect = f'{number(one.difference.effect, metric, True)} {span(one.interval, metric, True)}'.strip()
    return f'{" × ".join(one.levels)}: {effect}'


def _panel(axes, study: Study, one: Factorial, row: str, column: str, unit: str) -> None:
    """Draw the cell means with their values, and below them the interactions of the two factors."""
    task = study.task(one.task)
    heat = one.heat(row, column)
    levels = one.factors[row], one.factors[column]
    good = np.where(np.isnan(heat), np.nan, task.sign * heat)
    low, high = (np.nanmin(good), np.nanmax(good)) if np.isfinite(good).any() else (0.0, 1.0)
    for i, j in itertools.product(*map(range, heat.shape)):
        known = math.isfinite(heat[i, j])
        share = 0.0 if not known or high <= low else float(f'{(good[i, j] - low) / (high - low):.6g}')
        look = dict(facecolor=SHADES(share)) if known else dict(facecolor='white', hatch='////', edgecolor='#bbbbbb')
        axes.fill_between([j - 0.5, j + 0.5], i - 0.5, i + 0.5, linewidth=0, **look)
        text = number(float(shown([heat[i, j]], '')[0]), task.metric) if known else 'not yet'
        axes.text(j, i, text, ha='center', va='center', fontsize=7.5)
    for place in range(1, len(levels[0])):
        axes.axhline(place - 0.5, color='black', linewidth=0.4)
    for place in range(1, len(levels[1])):
        axes.axvline(place - 0.5, color='black', linewidth=0.4)
    axes.set_xlim(-0.5, len(levels[1]) - 0.5)
    axes.set_ylim(len(levels[0]) - 0.5, -0.5)
    axes.set_xticks(range(len(levels[1])), [wrapped(level, 12) for level in levels[1]])
    axes.set_yticks(range(len(levels[0])), [wrapped(level, 12) for level in levels[0]])
    axes.tick_params(length=0)
    axes.grid(False)
    axes.set_ylabel(row)
    pairs = [effect for effect in one.effects if set(effect.factors) == {row, column}]
    words = [f'interaction, {unit}', *(_effect_words(effect, task.metric) for effect in pairs)]
    axes.set_xlabel('\n'.join([column, '', *(words if pairs else ['interaction: not known yet'])]))
    axes.set_title(f'{one.task}: {" ".join(axis_label(task).split())}', fontsize=8)


def _pairs_of(factors: Mapping[str, list], row: str, column: str) -> int:
    """The number of interactions of two factors."""
    return (len(factors[row]) - 1) * (len(factors[column]) - 1)


def interaction_figure(reading: Reading, findings: list[Finding]) -> Figure:
    """Confirmed means by the levels of two factors (the mean over any others), darker is better. Below: the joint effect of two
    levels beyond the sum of their own effects, with its 95% interval; above 0 they help each other.

    Raises ValueError on a study without factors.
    """
    study = reading.study
    if not study.levels:
        raise Inapplicable(
            f"study '{study.name}' is not factorial but '{study.shape}', so it has no interactions; make its arms by "
            'factorial() of ablations/shapes.py'
        )
    by_task = factorials(reading, study.levels)
    units = {one.task: difference_unit(one) for one in findings}
    factors = by_task[0].factors
    # The tasks side by side, two factors to a row.
    pairs = list(itertools.combinations(factors, 2))
    cells = [(one, *pair) for pair in pairs for one in by_task]
    columns = min(2, len(cells))
    rows = math.ceil(len(cells) / columns)
    tall = max(1.35 + 0.34 * len(factors[row]) + 0.13 * _pairs_of(factors, row, column) for row, column in pairs)
    with house():
        figure = blank(WIDTH if columns > 1 else 0.6 * WIDTH, rows * tall)
        axes = list(figure.subplots(rows, columns, squeeze=False).flat)
        for spare in axes[len(cells) :]:
            spare.set_axis_off()
        for place, (one, row, column) in zip(axes, cells, strict=False):
            _panel(place, study, one, row, column, units.get(one.task, ''))
    return figure
