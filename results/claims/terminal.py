"""Terminal: claims as a table for a screen of 80 columns, and how they stand to each other."""

from rich import box
from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from results.claims.collection import Collection
from results.claims.markdown import cells, effect_of
from results.claims.remarks import remarks, summary

COLOURS = {'better': 'green', 'worse': 'red', 'equivalent': 'cyan', 'unstable': 'yellow', 'not comparable': 'yellow'}


COLUMNS = {
    'arm\nagainst': 17,
    'dataset': 12,
    'verdict': 10,
    'effect': 16,
    'size\nsteps': 8,
    'study\nclaim': 10,
}
"""Headings and the widths that fit a screen together."""
_CONTROL = {code: '\N{REPLACEMENT CHARACTER}' for code in (*range(32), *range(127, 160)) if chr(code) != '\n'}


def _clean(text: str) -> Text:
    """A text of others, which must not steer the terminal."""
    return Text(text.translate(_CONTROL))


def terminal(collection: Collection, silent: int = 0) -> Group:
    """The claims, the remarks, and how many there are, for a rich console."""
    shown = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    for name, wide in COLUMNS.items():
        shown.add_column(name, overflow='fold', max_width=wide, justify='right' if name == 'effect' else 'left')
    for claim in collection.claims:
        arm, base, where, verdict, _, size, steps, study, address = cells(claim)
        marked = Text(verdict.replace(', ', '\n'), style=COLOURS.get(claim.verdict, ''))
        effect = effect_of(claim).replace(' [', '\n[').replace('] ', ']\n')
        row = [f'{arm}\n{base}', where.replace(', ', '\n'), marked, effect, f'{size}\n{steps}'.strip(), f'{study}\n{address}']
        shown.add_row(*(_clean(cell) if isinstance(cell, str) else cell for cell in row))
    parts: list = [shown] if collection.claims else []
    for told in remarks(collection):
        parts.append(Text(f'\n{told.heading}', style='bold'))
        for what, first, second in told.lines:
            parts += [_clean(what), Padding(_clean(f'{first}\n{second}'), (0, 0, 0, 2))]
        parts += [Text(told.note)] * bool(told.note)
    return Group(*parts, _clean('\n' * bool(parts) + summary(collection, silent)))
