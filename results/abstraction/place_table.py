"""Place table: the points of the plane of abstraction as a table, for a screen, a README and a spreadsheet."""

import csv
import io
from collections.abc import Sequence

from rich.console import Group
from rich.table import Table
from rich.text import Text

from results.abstraction.place import Place, best_of_each
from results.store.markdown_text import unrendered
from results.store.spreadsheets import inert_sentence
from results.tables.words import DASH, count, estimate, number

NOTE = (
    'Bits per raw byte of the sealed test text, with 95 % intervals over replicates. The arm is the one of the study that its '
    'own tuning expects most of; a star marks the best of all studies on the same data, by tuning too. Over: bits of the model '
    'less those of the best coder made for these data, below 0 fewer. Floor: the same of who knows the source. Training bytes '
    'are what a replicate trains on; a coder learns from the whole pool.'
)
HEADS = ('task', 'study', 'training bytes', 'coder', 'coder bits', 'arm', 'model bits', 'over', 'floor')


def rows(places: Sequence[Place]) -> list[list[str]]:
    """The cells of each place, in the order of the size of the data, those of the same data together."""
    best = best_of_each(list(places))
    order = {(one.coded.data, one.coded.test): number for number, one in enumerate(best)}
    ordered = sorted(places, key=lambda one: (order[one.coded.data, one.coded.test], one.tuned))
    return [_cells(one, one in best) for one in ordered]


def _cells(one: Place, best: bool) -> list[str]:
    coded = one.coded
    own = estimate(one.bits, one.interval, 'bits')
    over = estimate(one.over, one.over_interval, 'bits', signed=True)
    size, needs, floor = count(coded.train_bytes), number(coded.best, 'bits'), number(one.floor_over, 'bits', signed=True)
    return [one.task, one.study, size, coded.coder, needs, f'{one.arm}{" *" * best}', own, over, floor]


def terminal(places: Sequence[Place]) -> Group:
    """The table for a screen: what is known of each data, and below it a line for each study."""
    parts: list = []
    shown = rows(places)
    for data in dict.fromkeys((row[0], *row[2:5], row[-1]) for row in shown):
        task, size, coder, needs, floor = data
        below = '' if floor == DASH else f'; nobody goes below {floor} over it'
        parts.append(Text(f'{task}: {size} training bytes; {coder} needs {needs}{below}', style='bold'))
        table = Table(box=None, pad_edge=False)
        for head in ('study', 'arm', 'bits', 'over'):
            table.add_column(head, overflow='fold')
        for row in shown:
            if (row[0], *row[2:5], row[-1]) == data:
                table.add_row(row[1], *row[5:8])
        parts += [table, Text()]
    return Group(*parts, Text(NOTE))


def markdown(places: Sequence[Place]) -> str:
    """The table for a README."""
    lines = [list(HEADS), ['---'] * len(HEADS), *rows(places)]
    return '\n'.join([*(f'| {" | ".join(map(unrendered, line))} |' for line in lines), '', unrendered(NOTE)]) + '\n'


def comma_separated(places: Sequence[Place]) -> str:
    """One line for each place with all that is known of it; an interval takes two columns."""
    text = io.StringIO()
    lines = [_flat(one.to_dict()) for one in places]
    writer = csv.DictWriter(text, list(lines[0]), lineterminator='\n')
    writer.writeheader()
    writer.writerows({name: inert_sentence(value) for name, value in line.items()} for line in lines)
    return text.getvalue()


def _flat(value: dict) -> dict:
    made = {}
    for name, one in value.items():
        if isinstance(one, dict):
            made |= {f'coder_{key}': item for key, item in one.items()}
        elif name.endswith('interval'):
            made |= dict(zip((f'{name}_low', f'{name}_high'), one or (None, None), strict=True))
        else:
            made[name] = one
    return made


FORMATS = {'md': markdown, 'csv': comma_separated}
