"""Terminal: findings as tables for a screen of 80 columns, with several lines in a cell."""

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
HEADERS = ('params\nmul-adds', 'value', 'own-best\neffect', 'shared\neffect', 'adj. p\ndetect.', 'verdict', 'LR s.\ndiv.')
SAME = 'effect at\none recipe'
WIDTH = 80
"""The width of a screen that every table fits."""
SHORTEST = 8
"""The least room for the name of an arm."""


def _verdict(text: str) -> Text:
    """A verdict in its colour; the meaning is in the words."""
    return Text(text.replace(', ', '\n'), style=COLOURS.get(text.split(',')[0], ''))


def _frame(heading: str) -> Table:
    return Table(box=box.SIMPLE_HEAD, title=heading, title_justify='left', padding=0, show_edge=False)


def _stacked(*texts: str) -> Text:
    return Text('\n'.join(texts).strip())


def _task(heading: str, arm_rows: list[Row], chain: bool, same: bool, shared: bool) -> Table:
    """The table of a task. `chain`: arms have other references than the base. `same`: all arms have one recipe. `shared`:
    every arm has an effect at the base's recipe too."""
    shown, lines = _frame(heading), []
    headers = [SAME if same and header == HEADERS[2] else header for header in HEADERS if shared or header != HEADERS[3]]
    for row in arm_rows:
        cells = row.cells
        sizes = _stacked(str(cells['params']), str(cells['macs']))
        value, own = (_stacked(cells[key].text, cells[key].small) for key in ('value', 'own'))
        # What one recipe for all says stands below its effect.
        verdict = [f'"{cells["shared_verdict"]}"'] if cells['shared_verdict'].text.isalpha() else []
        at_base = [_stacked(cells['shared'].text, cells['shared'].small, *verdict)] if shared else []
        if row.bold:
            value.stylize('bold', 0, len(cells['value'].text))
        line = [sizes, value, own, *at_base, _stacked(cells['p'].text, cells['detectable'].text)]
        against = cells['against'].text
        arm = f'{row.arm}\n- {against}' if chain and against.isidentifier() else row.arm
        steady = _stacked(cells['sensitivity'].text, cells['diverged'].text)
        lines.append([arm, *line, _verdict(cells['verdict'].text), steady])
    widths, names = _widths(lines, headers)
    shown.add_column('arm', overflow='fold', width=names)
    for header, width in zip(headers, widths, strict=True):
        shown.add_column(header, justify='left' if header == 'verdict' else 'right', width=width, overflow='fold')
    for line in lines:
        shown.add_row(*line)
    return shown


def _widths(lines: list[list], headers: list[str]) -> tuple[list[int], int]:
    """The widths of the columns of numbers, and of the names of arms: no word is cut, and intervals get what room is left.

    Names are folded only where they leave too little room.
    """
    columns = [[header, *(str(line[i]) for line in lines)] for i, header in enumerate(headers, 1)]
    widths = [max(len(word) for text in column for word in text.split()) for column in columns]
    whole = [max(len(part) for text in column for part in text.split('\n')) for column in columns]
    longest = max(len(part) for line in lines for part in str(line[0]).split('\n'))
    names = max(min(longest, WIDTH - sum(widths) - len(widths)), SHORTEST)
    for i, width in enumerate(whole):
        if sum(widths) - widths[i] + width + len(widths) + names <= WIDTH:
            widths[i] = width
    return widths, names


def _effects(facts: StudyFacts) -> list:
    """The effects of a factorial study, where it is one."""
    if not facts.effects:
        return []
    shown = _frame('Effects of the factors')
    for name in ('effect of', 'task', 'effect', 'adj. p', 'verdict'):
        shown.add_column(name, justify='right' if name in ('effect', 'adj. p') else 'left', overflow='fold')
    for one in facts.effects:
        effect = _stacked(number(one.effect, one.metric, True), span(one.effect_interval, one.metric, True))
        verdict = ', '.join(filter(None, [one.verdict or 'undecided', 'censored' * bool(one.marks)]))
        shown.add_row(one.name or 'not known yet', one.task, effect, probability(one.p_adjusted), _verdict(verdict))
    return [shown, Text(effects_note(facts))]


def terminal(findings: list[Finding], alpha: float | None = None, facts: StudyFacts | None = None) -> Group:
    """Tables by task, the verdicts over all tasks, effects of factors and the note, for a rich console."""
    facts = facts or StudyFacts(alpha=alpha)
    by_task, same = tasks(findings), facts.recipe == 'same'
    shared = facts.share and not same
    chain = len({finding.base for finding in findings}) > 1
    parts = [Text(sentence, style='bold yellow') for sentence in facts.warnings()]
    parts += [_task(title(by_task[task][0]), task_rows, chain, same, shared) for task, task_rows in rows(findings).items()]
    across = _frame('Over all tasks')
    for name in ('arm', 'verdict', 'why'):
        across.add_column(name)
    for arm, verdict, reason in overall(findings):
        across.add_row(arm, _verdict(verdict), reason)
    stacked = 'adj. p: adjusted; detect.: detectable effect; LR s.: LR sensitivity; div.: diverged. '
    stacked += 'In quotes: what one recipe for all says. ' if shared else ''
    stacked += 'Below an arm: what it is compared with. ' if chain else ''
    return Group(*parts, across, *_effects(facts), Text(stacked + note(findings, facts=facts)))
