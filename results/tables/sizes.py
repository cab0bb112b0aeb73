"""Sizes: costs and budgets as tables for the terminal."""

import re
import textwrap
from collections.abc import Mapping

from rich.table import Table
from rich.text import Text

from results.store.screen_tables import shown

COUNTS = {'params': 'params', 'macs': 'multiply-adds', 'flops': 'step FLOPs', 'activation_bytes': 'activations, B'}


def _rows(sizes: Mapping, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Mapping]]:
    if 'params' in sizes:
        return [(path, sizes)]
    return [row for name, inner in sizes.items() for row in _rows(inner, (*path, name))]


def _short(value: float) -> str:
    for size, letter in ((1e18, 'E'), (1e15, 'P'), (1e12, 'T'), (1e9, 'G'), (1e6, 'M'), (1e3, 'k')):
        if value >= size:
            return f'{value / size:.3g} {letter}'
    return f'{value:.0f}'


def _numbers(row: Mapping[str, float]) -> list[str]:
    """Parameters in full, the other counts in short; '' for a count that is absent."""
    return [f'{row["params"]:,}', *(_short(row[name]) if name in row else '' for name in list(COUNTS)[1:])]


def _table(first: str) -> Table:
    table = Table(box=None, header_style='bold')
    table.add_column(first, no_wrap=True)
    for name in COUNTS.values():
        table.add_column(name, justify='right', no_wrap=True)
    return table


def size_table(described: Mapping, name: str = '') -> Table:
    """Costs of one model, or of models nested by arm and task, one row each; one model also has rows for roles and parts.

    Consecutive blocks of equal cost share one row, which shows the cost of each.
    """
    rows = _rows(described)
    alone = len(rows) == 1
    table = _table('' if alone else 'model')
    if alone:
        table.title, table.title_justify, table.title_style = ' '.join([name, *rows[0][0]]), 'left', 'bold'
    for path, cost in rows:
        table.add_row('in all' if alone else ' '.join(path), *_numbers(cost))
    if alone:
        cost = rows[0][1]
        for roles in (True, False):
            by = 'by_role' if roles else 'by_part'
            parts = {part: None for count in COUNTS for part in cost.get(f'{count}_{by}', {})}
            each = {
                part: {c: cost[f'{c}_{by}'].get(part, 0) for c in COUNTS if f'{c}_{by}' in cost}
                for part in parts
                if any(cost.get(f'{c}_{by}', {}).get(part) for c in COUNTS)
            }
            if not each:
                table.caption, table.caption_justify = 'Of a model of its own the parts are not known.', 'left'
                continue
            table.add_section()
            table.add_row(Text('by role' if roles else 'by part', 'bold'))
            for label, row in _runs(each):
                table.add_row(f'  {label}', *_numbers(row))
    return table


def _runs(rows: Mapping[str, Mapping]) -> list[tuple[str, Mapping]]:
    """Rows with equal neighbours joined into one, called `block_1 to 46, each`."""
    runs: list[tuple[list[str], Mapping]] = []
    for name, row in rows.items():
        if runs and runs[-1][1] == row:
            runs[-1][0].append(name)
        else:
            runs.append(([name], row))
    return [
        (names[0] if len(names) == 1 else f'{names[0]} to {names[-1].rpartition("_")[2]}, each', row) for names, row in runs
    ]


def comparison_table(both: Mapping) -> Table:
    """Two models side by side: differing values of their configs, then their counts and the ratio second / first."""
    a, b = both['a'], both['b']
    table = Table(box=None, header_style='bold')
    table.add_column('')
    for side in (a, b):
        table.add_column(side['name'], justify='right')
    table.add_column('ratio', justify='right')
    if a['input'] != b['input'] or a['batch'] != b['batch']:
        table.add_row('input', *(f'{side["batch"]} x {side["input"]}' for side in (a, b)))
    for row in both['differences']:
        table.add_row(row['path'], *('-' if row[side] is None else str(row[side]) for side in 'ab'))
    if not both['differences']:
        table.add_row('no value differs')
    for count, title in COUNTS.items():
        table.add_section()
        table.add_row(Text(title, 'bold'), *_beside(both[count], count))
        for role, pair in both.get(f'{count}_by_role', {}).items():
            table.add_row(f'  {role}', *_beside(pair, count))
    return table


def _beside(pair: Mapping, count: str) -> list[str]:
    numbers = [f'{pair[side]:,}' if count == 'params' else _short(pair[side]) for side in 'ab']
    return [*numbers, '' if pair['ratio'] is None else f'{pair["ratio"]:.3f}']


def budget_table(budget: Mapping) -> Table:
    """Tuning budgets by arm and task."""
    table = Table(box=None, header_style='bold')
    for name in ('arm', 'task', 'tuning trials', 'steps', 'examples', 'FLOPs'):
        table.add_column(name, justify='left' if name in ('arm', 'task') else 'right')
    for arm, tasks in budget.items():
        for task, row in tasks.items():
            table.add_row(arm, task, str(row['trials']), f'{row["steps"]:,}', f'{row["examples"]:,}', _short(row['flops']))
    return table


def task_lines(tasks: Mapping[str, Mapping], width: int | None = None) -> list[str]:
    """Tasks as lines: for each its metric, chance, margin and budget, as far as a screen of `width` has room."""
    columns, rows = ('task', 'metric', 'better', 'chance', 'margin', 'steps', 'batch', 'dataset', 'domain'), []
    for name, task in tasks.items():
        metric, numbers = f'{task["metric"]}, {task["unit"]}', (f'{task[field]:.3g}' for field in ('chance', 'margin'))
        budget = f'{task["steps"]:,}', str(task['batch'])
        rows.append((name, metric, task['direction'], *numbers, *budget, task['dataset'], task['domain']))
    right = [name in ('chance', 'margin', 'steps', 'batch') for name in columns]
    return [*shown(columns, rows, right, width).splitlines(), '', 'Those over a prepared dataset need it: archlab data list.']


PLACES = {
    'hierarchical': 'hier',
    'isotropic': 'iso',
    'causal': 'causal',
    'bidirectional': 'bidir',
    'maps': 'maps',
    'tokens': 'tokens',
}
"""Column headings for the places where a kind may work."""
LEGEND = (
    'x: works there. hier, iso: in a body of that kind; causal, bidir: in a body\n'
    'that is causal or not; maps, tokens: on maps [B, H, W, C] or sequences\n'
    '[B, N, C]. A kind needs what the mixer must take: rotate (queries and keys),\n'
    'bias (scores), values, first_values, qk_norm. Blocks that begin stages work on\n'
    'the sum itself, and so with one stream only.'
)


def fits_lines(blocks: Mapping[str, Mapping[str, Mapping]]) -> list[str]:
    """The kinds of each family: a mark for each place of a kind, its needs from the mixer, and its options."""
    lines = []
    for family, kinds in blocks.items():
        if all(set(PLACES) <= set(row['fits']) and not _said(row) for row in kinds.values()):
            lines += [
                f'{family}: everywhere',
                *textwrap.wrap(', '.join(kinds), 78, initial_indent='  ', subsequent_indent='  '),
            ]
        else:
            lines.append(f'{family:<29}' + ' '.join(PLACES.values()))
            for kind, row in kinds.items():
                marks = ['x' if place in row['fits'] else '.' for place in PLACES]
                cells = ' '.join(f'{mark:^{len(head)}}' for mark, head in zip(marks, PLACES.values(), strict=True))
                lines.append(f'  {kind:<27}{cells}  {_said(row)}'.rstrip())
        lines.append('')
    return [*lines, LEGEND]


def _said(row: Mapping) -> str:
    """The needs of a kind, its options, and its notes."""
    needs = [f'needs {" ".join(row["needs"])}'] if row['needs'] else []
    takes = [f'takes {" ".join(row["takes"])}'] if row['takes'] else []
    return '; '.join([*needs, *takes, *row['notes']])


def model_lines(models: Mapping[str, Mapping]) -> list[str]:
    """Models by name, each with its paper and a description; a blank line between families, whose names begin alike."""
    letters = {name: re.match('[a-z]+', name)[0] for name, row in models.items() if row['paper']}
    lines, before = [], ''
    for name, row in models.items():
        family = letters.get(name, 'bases of tasks')
        # The v of a version: of swinv2, where there is swin too.
        family = family[:-1] if family.endswith('v') and family[:-1] in letters.values() else family
        lines += [] if family == before else [*([''] if before else []), family]
        paper = f' ({row["paper"]})' if row['paper'] else ''
        lines.append(f'  {name:<38} {row["about"]}{paper}')
        before = family
    return lines


def match_lines(name: str, made: Mapping) -> list[str]:
    """A matched model as lines: its count and the target, the lines for the study file, and how near it comes."""
    count = {'params': 'parameters', 'macs': 'multiply-adds'}[made['by']]
    first = f'{name}: {made["before"]:,} {count}; {made["to"]} has {made["target"]:,}'
    if not made['changes']:
        return [first, f'  as large already ({made["off"]:+.2%})']
    near = '' if made['near'] else f'; nothing lies within {made["tolerance"]:.2%}, this is the nearest'
    return [first, *(f'  {line}' for line in made['changes']), f'  {made["after"]:,} {count}, {made["off"]:+.2%}{near}']
