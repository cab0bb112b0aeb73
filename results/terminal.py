"""Terminal: findings as tables for a screen, with two things stacked in a cell so that they fit 80 columns."""

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from results.evidence import Finding
from results.tables import note, overall, rows, tasks, title

COLOURS = {'better': 'green', 'worse': 'red', 'equivalent': 'cyan', 'not comparable': 'yellow'}
HEADERS = ('params\nmul-adds', 'value', 'own-best\neffect', 'shared\neffect', 'adj. p', 'verdict', 'LR s.\ndiv.')


def _verdict(text: str) -> Text:
    """A verdict in its colour; the words carry the meaning, the colour only helps."""
    return Text(text.replace(', ', '\n'), style=COLOURS.get(text.split(',')[0], ''))


def _frame(heading: str) -> Table:
    return Table(box=box.SIMPLE_HEAD, title=heading, title_justify='left', padding=0, show_edge=False)


def _task(heading: str, found: list) -> Table:
    shown, lines = _frame(heading), []
    for row in found:
        params, macs, value, own, shared, p, verdict, sensitivity, diverged = row.cells
        cells = [Text(f'{params}\n{macs}'), *(Text(f'{c.text}\n{c.small}'.strip()) for c in (value, own, shared))]
        if row.bold:
            cells[1].stylize('bold', 0, len(value.text))
        lines.append([row.arm, *cells, p.text, _verdict(verdict.text), f'{sensitivity}\n{diverged}'])
    longest = max(len(line[0]) for line in lines)
    shown.add_column('arm', overflow='fold', no_wrap=longest <= 18)
    for i, header in enumerate(HEADERS, 1):
        longest = max(len(word) for line in lines for word in [*str(line[i]).split(), *header.split()])
        side = 'left' if header == 'verdict' else 'right'
        shown.add_column(header, justify=side, min_width=longest, overflow='fold', no_wrap=i in (5, 7))
    for line in lines:
        shown.add_row(*line)
    return shown


def terminal(findings: list[Finding], alpha: float | None = None) -> Group:
    """Tables by task, the verdicts over all tasks and the note, for a rich console."""
    by_task = tasks(findings)
    parts = [_task(title(by_task[task][0]), found) for task, found in rows(findings).items()]
    across = _frame('Over all tasks')
    for name in ('arm', 'verdict', 'why'):
        across.add_column(name)
    for arm, verdict, reason in overall(findings):
        across.add_row(arm, _verdict(verdict), reason)
    stacked = 'adj. p: adjusted; LR s.: LR sensitivity; div.: diverged. '
    return Group(*parts, across, Text(stacked + note(findings, alpha)))
