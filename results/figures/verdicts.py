"""Verdicts: every arm on every task at a glance, in words and in colour."""

from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from results.figures.panels import WIDTH, Inapplicable, legend, wrapped
from results.figures.style import blank, house
from results.finding import Finding
from results.store.reading import Reading
from results.tables import difference_unit, number, span, tasks

LOOKS = {
    'better': ('B', dict(facecolor='#a9cfe8')),
    'worse': ('W', dict(facecolor='#f4bd92')),
    'equivalent': ('E', dict(facecolor='#cfe8cf')),
    'unstable': ('S', dict(facecolor='#e6c3dc')),
    'undecided': ('U', dict(facecolor='white')),
    'not comparable': ('N', dict(facecolor='#e4e4e4', hatch='////', edgecolor='#b5b5b5')),
}
"""Letter and colour of each verdict; pale, so that black words stay readable."""
WORDS = 5
"""With more tasks than this a cell has room for one letter only."""


def _lines(one: Finding, letters: bool) -> list[tuple[str, bool]]:
    """The lines of a cell: words, and whether they are bold."""
    marks = ', negligible' * one.negligible + ', censored' * bool(one.censored)
    head = [(LOOKS[one.verdict][0] + '*' * bool(marks) if letters else one.verdict, True)]
    if marks and not letters:
        head.append((marks[2:], False))
    if one.effect is None:
        return [*head, ('no effect yet', False)]
    effect = number(one.effect, one.metric, True)
    return [*head, (effect if letters else f'{effect} {span(one.effect_interval, one.metric, True)}'.strip(), False)]


def _cell(axes, x: int, y: int, verdict: str, lines: list[tuple[str, bool]]) -> None:
    axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, linewidth=0, zorder=1, **LOOKS[verdict][1]))
    gap = 0.27
    for place, (words, bold) in enumerate(lines):
        look = dict(weight='bold', fontsize=7) if bold else dict(fontsize=6.5)
        plate = dict(bbox=dict(facecolor=LOOKS[verdict][1]['facecolor'], edgecolor='none', pad=0.6))
        at = y + gap * (place - (len(lines) - 1) / 2)
        axes.text(x, at, words, ha='center', va='center_baseline', zorder=3, **look, **plate)


def verdicts_figure(reading: Reading, findings: list[Finding]) -> Figure:
    """The verdict on each arm and task with its effect and 95% interval; of several tasks, over all of them at the right.

    Each arm is compared with the base, or with the arm named below it. Raises ValueError where the study compares nothing.
    """
    study = reading.study
    by_task = tasks(findings)
    if not by_task:
        raise Inapplicable(f"study '{study.name}' has one arm, so no verdicts; add an arm to the study")
    arms = list(dict.fromkeys(one.arm for one in findings))
    letters = len(by_task) > WORDS
    over = len(by_task) > 1
    width = 1.9 + (len(by_task) + over) * (0.62 if letters else 1.2)
    with house():
        figure = blank(min(max(width, 0.6 * WIDTH), WIDTH), 0.8 + 0.42 * len(arms))
        axes = figure.subplots()
        for x, items in enumerate(by_task.values()):
            for one in items:
                _cell(axes, x, arms.index(one.arm), one.verdict, _lines(one, letters))
        for one in findings if over else ():
            words = LOOKS[one.overall][0] if letters else one.overall
            if one.task == findings[0].task:
                _cell(axes, len(by_task), arms.index(one.arm), one.overall, [(words, True)])
        columns = len(by_task) + over
        for x in range(1, columns):
            thick = over and x == columns - 1
            axes.axvline(x - 0.5, color='black', linewidth=1.0 if thick else 0.4, zorder=2)
        for y in range(1, len(arms)):
            axes.axhline(y - 0.5, color='black', linewidth=0.4, zorder=2)
        heads = [f'{wrapped(task, 16)}\n{items[0].metric}, {difference_unit(items[0])}' for task, items in by_task.items()]
        axes.set_xticks(
            range(columns),
            [*(wrapped(t, 9) if letters else h for t, h in zip(by_task, heads, strict=True))] + ['over all'] * over,
        )
        bases = {one.arm: one.base for one in findings}
        several = len(dict.fromkeys(bases.values())) > 1
        axes.set_yticks(range(len(arms)), [f'{arm}\nagainst {bases[arm]}' if several else wrapped(arm, 24) for arm in arms])
        axes.tick_params(length=0, labeltop=True, labelbottom=False, labelsize=7)
        axes.set_xlim(-0.5, columns - 0.5)
        axes.set_ylim(len(arms) - 0.5, -0.5)
        axes.grid(False)
        said = [one.verdict for one in findings] + [one.overall for one in findings] * over
        handles = [
            Patch(linewidth=0.4, label=f'{letter} {verdict}' if letters else verdict, **{'edgecolor': 'black', **look})
            for verdict, (letter, look) in LOOKS.items()
            if verdict in said
        ]
        starred = letters and any(one.negligible or one.censored for one in findings)
        words = ['effect' + f' against {study.base}' * (not several) + ', above 0 better']
        axes.set_xlabel('\n'.join([*words, *['* negligible, or an optimum at the edge of the searched range'] * starred]))
        legend(figure, handles)
    return figure
