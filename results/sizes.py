"""Sizes: costs and budgets as tables for the terminal."""

from collections.abc import Mapping

from rich.table import Table


def _rows(found: Mapping, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Mapping]]:
    if 'params' in found:
        return [(path, found)]
    return [row for name, inner in found.items() for row in _rows(inner, (*path, name))]


def _short(value: float) -> str:
    for size, letter in ((1e12, 'T'), (1e9, 'G'), (1e6, 'M'), (1e3, 'k')):
        if value >= size:
            return f'{value / size:.3g} {letter}'
    return f'{value:.0f}'


def size_table(found: Mapping) -> Table:
    """Costs, nested by arm and task or not, one row a model; for one model its roles and parts too."""
    rows = _rows(found)
    table = Table(box=None, header_style='bold')
    for name in ('model', 'params', 'multiply-adds', 'step FLOPs', 'activations, bytes', 'params by role'):
        table.add_column(name, justify='left' if name in ('model', 'params by role') else 'right')
    for path, cost in rows:
        roles = ', '.join(f'{role} {count:,}' for role, count in cost['params_by_role'].items() if count)
        numbers = f'{cost["params"]:,}', _short(cost['macs']), _short(cost['flops']), _short(cost['activation_bytes'])
        table.add_row(' '.join(path), *numbers, roles)
    if len(rows) == 1:
        table.add_section()
        cost = rows[0][1]
        for part, count in cost['params_by_part'].items():
            numbers = [_short(cost[f'{name}_by_part'].get(part, 0)) for name in ('macs', 'flops', 'activation_bytes')]
            table.add_row(f'  {part}', f'{count:,}', *numbers, '')
    return table


def budget_table(budget: Mapping) -> Table:
    """Tuning budgets by arm and task."""
    table = Table(box=None, header_style='bold')
    for name in ('arm', 'task', 'tuning trials', 'steps', 'examples', 'FLOPs'):
        table.add_column(name, justify='left' if name in ('arm', 'task') else 'right')
    for arm, tasks in budget.items():
        for task, row in tasks.items():
            table.add_row(arm, task, str(row['trials']), f'{row["steps"]:,}', f'{row["examples"]:,}', _short(row['flops']))
    return table
