"""Rows: findings as cells under columns, the base of the study first; every format renders these."""

import dataclasses

from results.finding import Finding
from results.tables.study_facts import StudyFacts
from results.tables.words import DASH, TIMES, count, marked, number, probability, span, tasks


@dataclasses.dataclass(frozen=True)
class Column:
    """One column: the key of its cells, its heading in one line and in two short lines, and whether it holds words."""

    key: str
    heading: str
    short: tuple[str, str]
    words: bool = False


COLUMNS = (
    Column('params', 'params', ('params', '')),
    Column('macs', 'multiply-adds', ('multiply-', 'adds')),
    Column('value', 'value', ('value', '')),
    Column('against', 'against', ('against', ''), words=True),
    Column('own', 'own-best effect', ('own-best', 'effect')),
    Column('shared', 'shared-recipe effect', ('shared-', 'recipe effect')),
    Column('shared_verdict', 'one recipe for all says', ('one recipe', 'for all says'), words=True),
    Column('p', 'adjusted p', ('adjusted', 'p')),
    Column('verdict', 'verdict', ('verdict', ''), words=True),
    Column('detectable', 'detectable effect', ('detectable', 'effect')),
    Column('sensitivity', 'LR sensitivity', ('LR sensi-', 'tivity')),
    Column('diverged', 'diverged', ('diverged', '')),
)
SAME = Column('own', 'effect at one recipe', ('effect at', 'one recipe'))


@dataclasses.dataclass(frozen=True)
class Cell:
    """The content of one cell: `text`, and `small` for an interval or ratio beside it."""

    text: str
    small: str = ''

    def __str__(self) -> str:
        return f'{self.text} {self.small}'.strip()


@dataclasses.dataclass(frozen=True)
class Row:
    """One arm on one task: cells by column key; `bold` where the value is the best and called better."""

    task: str
    arm: str
    cells: dict
    bold: bool = False


def columns(findings: list[Finding], facts: StudyFacts) -> list[Column]:
    """The columns that these findings need.

    The reference of an arm has a column unless it is always the base. With one recipe for all, the effects at the own best and
    at the shared recipe are the same and have one column; a study that shares no recipe has none for it.
    """
    left_out = set() if len({finding.base for finding in findings}) > 1 else {'against'}
    if facts.recipe == 'same' or not facts.share:
        left_out |= {'shared', 'shared_verdict'}
    shown = [column for column in COLUMNS if column.key not in left_out]
    return [SAME if column.key == 'own' and facts.recipe == 'same' else column for column in shown]


def _sized(value: float | None, ratio: float | None) -> Cell:
    return Cell(count(value), '' if value is None or ratio is None else f'({ratio:.2f}{TIMES})')


def _diverged(count: int, runs: int) -> Cell:
    return Cell(f'{count}/{runs}' if runs else DASH)


def _loss(value: float | None) -> Cell:
    return Cell(DASH if value is None else f'{value:.3f}')


def _base_row(one: Finding) -> Row:
    """The row of the study's base, from the finding of the first arm that is compared with it."""
    params, macs = (
        _sized(round(value / ratio), 1.0) if value is not None and ratio else Cell(DASH)
        for value, ratio in ((one.params, one.params_ratio), (one.macs, one.macs_ratio))
    )
    cells = {
        **{column.key: Cell(DASH) for column in COLUMNS},
        'params': params,
        'macs': macs,
        'value': Cell(number(one.base_value, one.metric), span(one.base_interval, one.metric)),
        'verdict': Cell('base' + ', censored' * bool(one.base_censored)),
        'sensitivity': _loss(one.base_lr_sensitivity),
        'diverged': _diverged(one.base_diverged, one.base_confirmed),
    }
    return Row(one.task, one.base, cells)


def _row(one: Finding, best: float | None) -> Row:
    cells = {
        'params': _sized(one.params, one.params_ratio),
        'macs': _sized(one.macs, one.macs_ratio),
        'value': Cell(number(one.value, one.metric), span(one.interval, one.metric)),
        'against': Cell(one.base),
        'own': Cell(number(one.effect, one.metric, True), span(one.effect_interval, one.metric, True)),
        'shared': Cell(number(one.shared_effect, one.metric, True), span(one.shared_interval, one.metric, True)),
        'shared_verdict': Cell(one.shared_verdict or DASH),
        'p': Cell(probability(one.p_adjusted)),
        'verdict': Cell(marked(one)),
        'detectable': Cell(number(one.detectable, one.metric)),
        'sensitivity': _loss(one.lr_sensitivity),
        'diverged': _diverged(one.diverged, one.confirmed),
    }
    return Row(one.task, one.arm, cells, bold=one.verdict == 'better' and one.value == best)


def rows(findings: list[Finding]) -> dict[str, list[Row]]:
    """Rows by task, the base's own first, then the arms in the order of the study."""
    by_task = {}
    for task, items in tasks(findings).items():
        known = [value for value in (items[0].base_value, *(item.value for item in items)) if value is not None]
        best = (max if items[0].direction == 'higher' else min)(known, default=None)
        by_task[task] = [_base_row(items[0]), *(_row(item, best) for item in items)]
    return by_task
