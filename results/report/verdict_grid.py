"""Verdict grid: every arm on every task at one glance, the effect of each cell drawn as a line of a forest plot.

A column is one task with one scale: the vertical line is no effect, what lies to its right is better, the band is the margin,
the bar is the 95 % interval and the short stroke is the effect. An arrow at an edge means that the bar goes on.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from markupsafe import Markup

from results.finding import Finding
from results.tables import difference_unit, marked, number, span, tasks

MARKS = {'better': '▲', 'worse': '▼', 'equivalent': '=', 'unstable': '!', 'undecided': '?', 'not comparable': '–'}
"""The sign of each verdict, for readers without colours."""
WIDTH, HEIGHT, EDGE = 100, 16, 3
OUTLIER = 2.0
"""A scale reaches at most this many times as far as the arm with the second widest reach."""


@dataclasses.dataclass(frozen=True)
class Cell:
    """One arm on one task: the verdict and its words, the effect with its interval, and the drawing, all but it as text."""

    task: str
    verdict: str
    words: str
    effect: str
    interval: str
    drawing: Markup


@dataclasses.dataclass(frozen=True)
class Line:
    """One arm: its verdict over all tasks, what it changes, one sentence, and a cell for each task."""

    arm: str
    verdict: str
    changes: str
    sentence: str
    cells: tuple[Cell, ...]


@dataclasses.dataclass(frozen=True)
class VerdictGrid:
    """The lines of a study, its tasks with their margins in words, and the sentence above the grid."""

    caption: str
    tasks: tuple[tuple[str, str], ...]
    lines: tuple[Line, ...]


def verdict_grid(
    findings: Sequence[Finding], recipe: str = 'own', changes: Mapping[str, str] = MappingProxyType({})
) -> VerdictGrid:
    """The grid of a study's findings; without lines where the study compares nothing. `changes` has a line for each arm."""
    by_task = tasks(list(findings))
    scales = {task: _reach(own) for task, own in by_task.items()}
    lines = []
    for arm in dict.fromkeys(finding.arm for finding in findings):
        own = [finding for finding in findings if finding.arm == arm]
        cells = tuple(_cell(finding, scales[finding.task]) for finding in own)
        lines.append(Line(arm, own[0].overall, changes.get(arm, ''), in_one_sentence(own), cells))
    heads = tuple((task, f'margin {_margin(own[0])}') for task, own in by_task.items())
    return VerdictGrid(_caption(findings, recipe), heads, tuple(lines))


def _margin(finding: Finding) -> str:
    return f'{number(finding.margin, finding.metric)} {difference_unit(finding)}'


def _caption(findings: Sequence[Finding], recipe: str) -> str:
    bases = list(dict.fromkeys(finding.base for finding in findings))
    against = bases[0] if len(bases) == 1 else 'the arm that it is compared with'
    how = 'all at the recipe of the base' if recipe == 'same' else 'each at its own best recipe'
    # Narrow screens have no room for the units of several tasks.
    units = {difference_unit(finding) for finding in findings}
    unit = f' in {units.pop()}' if len(units) == 1 else ''
    return f'Effect of every arm against {against}{unit}, {how}; right of the line is better'


def in_one_sentence(findings: Sequence[Finding]) -> str:
    """One sentence on an arm, from its findings on all tasks.

    >>> about = dict(study='s', metric='accuracy', unit='share', direction='higher', margin=0.01, verdict='better')
    >>> about |= dict(overall_reason='withheld: one dataset only; a claim needs two or more')
    >>> in_one_sentence([Finding(arm='gated', base='plain', task='digits', dataset='digits', **about)])
    'Better than plain on digits, the only dataset.'
    """
    one = findings[0]
    if len({finding.dataset for finding in findings}) == 1:
        where = ' and '.join(finding.task for finding in findings)
        verdicts = list(dict.fromkeys(finding.verdict for finding in findings))
        if len(verdicts) > 1:
            where, verdicts = '', [', '.join(f'{finding.verdict} on {finding.task}' for finding in findings)]
        told = {'better': f'better than {one.base}', 'worse': f'worse than {one.base}', 'equivalent': f'as good as {one.base}'}
        said = told.get(verdicts[0], verdicts[0])
        return f'{_capital(said)}{f" on {where}" if where else ""}, the only dataset.'
    return f'{_capital(one.overall_reason.partition(";")[0])}.'


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _ends(finding: Finding) -> list[float]:
    return [value for value in (finding.effect, *(finding.effect_interval or ())) if value is not None]


def _reach(findings: Sequence[Finding]) -> float:
    """How far the scale of a task reaches from zero; one arm far from all others does not make them invisible."""
    reaches = sorted((max(map(abs, ends)) for ends in map(_ends, findings) if ends), reverse=True)
    least = 1.5 * findings[0].margin
    if len(reaches) > 1:
        return max(min(reaches[0], OUTLIER * reaches[1]), least)
    return max([*reaches, least])


def _cell(finding: Finding, reach: float) -> Cell:
    effect = interval = ''
    if finding.effect is not None:
        effect = number(finding.effect, finding.metric, True)
        interval = span(finding.effect_interval, finding.metric, True)
    return Cell(finding.task, finding.verdict, marked(finding), effect, interval, _drawing(finding, reach))


def _drawing(finding: Finding, reach: float) -> Markup:
    """The effect as a line of a forest plot, in the colour of the text around it."""
    if finding.effect is None:
        return Markup('')
    middle = HEIGHT / 2

    def place(value: float) -> float:
        inside = max(-1.0, min(1.0, value / reach))
        return WIDTH / 2 + (WIDTH / 2 - EDGE) * inside

    left, right = place(-finding.margin), place(finding.margin)
    parts = [
        f'<rect class="band" x="{left:.1f}" y="0" width="{right - left:.1f}" height="{HEIGHT}"/>',
        f'<path class="zero" d="M{WIDTH / 2} 0V{HEIGHT}"/>',
    ]
    low, high = finding.effect_interval or (finding.effect, finding.effect)
    parts.append(f'<path class="bar" d="M{place(low):.1f} {middle}H{place(high):.1f}"/>')
    if low < -reach:
        parts.append(f'<path class="bar" d="M{EDGE + 3} {middle - 4}L{EDGE} {middle}L{EDGE + 3} {middle + 4}"/>')
    if high > reach:
        parts.append(
            f'<path class="bar" d="M{WIDTH - EDGE - 3} {middle - 4}L{WIDTH - EDGE} {middle}L{WIDTH - EDGE - 3} {middle + 4}"/>'
        )
    if abs(finding.effect) <= reach:
        parts.append(f'<path class="effect" d="M{place(finding.effect):.1f} {middle - 5}V{middle + 5}"/>')
    return Markup(
        f'<svg class="spot" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" aria-hidden="true">{"".join(parts)}</svg>'
    )
