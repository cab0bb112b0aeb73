"""Terminal: findings as tables for a screen of 80 columns, with several lines in a cell."""

from collections.abc import Iterable

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from results.finding import Finding
from results.tables import Row, StudyFacts, note, number, overall, probability, rows, span, tasks, title
from results.tables.notes import effects_note

COLOURS = {
    'better': 'green',
    'worse': 'red',
    'equivalent': 'cyan',
    'unstable': 'magenta',
    'not comparable': 'yellow',
    'more together': 'green',
    'less together': 'red',
}
HEADERS = {
    'value': 'value',
    'own': 'effect',
    'p': 'adj. p',
    'verdict': 'verdict',
    'diverged': 'div.',
    'shared': "at the base's recipe",
    'params': 'params',
    'detectable': 'detect.',
    'macs': 'mul-adds',
    'sensitivity': 'LR sens.',
}
"""Columns, in the order in which they stand."""
ALWAYS = ('value', 'own', 'p', 'verdict')
BY_WORTH = {
    'diverged': 'diverged runs',
    'shared': 'what one recipe for all says',
    'params': 'parameters',
    'detectable': 'detectable effects',
    'macs': 'multiply-adds',
    'sensitivity': 'LR sensitivity',
}
"""Columns that a screen may have no room for, the most useful first, with their names for a note."""
SCREEN, WIDE = 80, 240
"""The widths of a usual screen, and of one with room for every column."""
SHORTEST = 8
"""The least room for the name of an arm."""


def coloured(text: str) -> Text:
    """A verdict in its colour; the meaning is in the words."""
    return Text(text.replace(', ', '\n'), style=COLOURS.get(text.split(',')[0], ''))


def frame(heading: str) -> Table:
    """An empty table under a heading."""
    return Table(box=box.SIMPLE_HEAD, title=heading, title_justify='left', padding=0, show_edge=False)


def below_each_other(*texts: str) -> Text:
    """Texts below each other."""
    return Text('\n'.join(texts).strip())


def _cell(row: Row, key: str, stacked: bool = False) -> Text:
    """One cell; where `stacked`, the interval stands below its number."""
    cell = row.cells[key]
    if key == 'verdict':
        return coloured(cell.text)
    if key == 'shared' and row.cells['shared_verdict'].text.isalpha():
        return Text(f'{cell} "{row.cells["shared_verdict"]}"')
    text = below_each_other(cell.text, cell.small) if stacked else Text(str(cell))
    if key == 'value' and row.bold:
        text.stylize('bold', 0, len(cell.text))
    return text


class _Layout:
    """The columns that fit a screen, and whether intervals stand below their numbers."""

    def __init__(self, by_task: Iterable[list[Row]], headers: dict[str, str], chain: bool, width: int):
        self.tables, self.headers, self.chain, self.stacked, self.room = list(by_task), headers, chain, False, width
        rows = [row for own in self.tables for row in own]
        keys = list(ALWAYS)
        if any(row.cells['diverged'].text[:1] in '123456789' for row in rows):
            keys.append('diverged')
        names = max((len(line) for row in rows for line in self._name(row).split('\n')), default=0)
        # Intervals beside their numbers are read best; names are folded before any number is.
        self.stacked = self._taken(keys) + min(names, 2 * SHORTEST) > width
        for key in BY_WORTH:
            if key in headers and key not in keys and not self.stacked and self._taken([*keys, key]) + names <= width:
                keys.append(key)
        self.keys = [key for key in headers if key in keys]
        self.left_out = [words for key, words in BY_WORTH.items() if key in headers and key not in keys]
        self.names = max(min(names, width - self._taken(self.keys)), SHORTEST)

    def _name(self, row: Row) -> str:
        """The name of an arm, and below it the name of its reference, if that is not always the base."""
        against = row.cells['against'].text
        return f'{row.arm}\n- {against}' if self.chain and against.isidentifier() else row.arm

    def _taken(self, keys: list[str]) -> int:
        """The room that these columns take in the widest table, with a gap before each."""
        return max((sum(self._width(own, key) + 1 for key in keys) for own in self.tables), default=0)

    def _width(self, arm_rows: list[Row], key: str) -> int:
        texts = [self.headers[key], *(str(_cell(row, key, self.stacked)) for row in arm_rows)]
        return max(len(line) for text in texts for line in text.split('\n'))

    def task(self, heading: str, arm_rows: list[Row]) -> Table:
        """The table of a task."""
        shown = frame(heading)
        shown.add_column('arm', overflow='fold', width=self.names)
        for key in self.keys:
            place = 'left' if key == 'verdict' else 'right'
            shown.add_column(self.headers[key], justify=place, width=self._width(arm_rows, key), overflow='fold')
        for row in arm_rows:
            shown.add_row(self._name(row), *(_cell(row, key, self.stacked) for key in self.keys))
        return shown


def _effects(facts: StudyFacts) -> list:
    """The effects of a factorial study, where it is one."""
    if not facts.effects:
        return []
    shown = frame('Effects of the factors')
    for name in ('effect of', 'task', 'effect', 'adj. p', 'verdict'):
        shown.add_column(name, justify='right' if name in ('effect', 'adj. p') else 'left', overflow='fold')
    for one in facts.effects:
        effect = below_each_other(number(one.effect, one.metric, True), span(one.effect_interval, one.metric, True))
        verdict = ', '.join(filter(None, [one.verdict or 'undecided', 'censored' * bool(one.marks)]))
        shown.add_row(one.name or 'not known yet', one.task, effect, probability(one.p_adjusted), coloured(verdict))
    return [shown, Text(effects_note(facts))]


def terminal(
    findings: list[Finding], alpha: float | None = None, facts: StudyFacts | None = None, width: int = SCREEN
) -> Group:
    """Tables by task, the verdicts over all tasks, effects of factors and the note, for a rich console.

    Columns for which a screen of `width` columns has no room are named below the tables.
    """
    facts = facts or StudyFacts(alpha=alpha)
    by_task, same = tasks(findings), facts.recipe == 'same'
    shared = facts.share and not same
    chain = len({finding.base for finding in findings}) > 1
    headers = {key: text for key, text in HEADERS.items() if shared or key != 'shared'}
    if same:
        headers['own'] = 'effect at one recipe'
    tables = rows(findings)
    layout = _Layout(tables.values(), headers, chain, width)
    parts = [Text(sentence, style='bold yellow') for sentence in facts.warnings()]
    for task, own in tables.items():
        parts += [layout.task(title(by_task[task][0]), own), Text()]
    across = frame('Over all tasks')
    for name in ('arm', 'verdict', 'why'):
        across.add_column(name)
    for arm, verdict, reason in overall(findings):
        across.add_row(arm, coloured(verdict), reason)
    left = f'Left out for want of room: {", ".join(layout.left_out)}; --wide shows them. ' if layout.left_out else ''
    words = 'In quotes: what one recipe for all says. ' if 'shared' in layout.keys else ''
    below = 'Below an arm: what it is compared with. ' if chain else ''
    return Group(*parts, across, *_effects(facts), Text(left + words + below + note(findings, facts=facts)))
