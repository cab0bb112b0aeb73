"""Board: how the work on a study stands, in words and as a table for a terminal."""

import time
from collections.abc import Mapping

from rich.console import Group
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from sweeps.forecast import ROUGHLY
from sweeps.progress import clock
from sweeps.standing import COMPLETE, QUEUED, RUNNING, STOPPED

ROWS = 12
"""Running packs that a terminal shows."""


def sentence(told: Mapping) -> str:
    """One standing (standing.py) in words.

    >>> told = {'state': 'stopped', 'why': 'the disk is full', 'running': [], 'waiting': 2, 'lost': 1, 'retried': 1}
    >>> sentence({**told, 'cancelled': 0, 'best': {}, 'seconds_left': 60.0, 'device_hours': 1, 'device_hours_foreseen': 2.5})
    'nobody is at work (the disk is full); 0 packs running, 2 waiting, 1 lost, 1 retried; 1 of 2.5 device hours'
    """
    parts = []
    if told['state'] == QUEUED:
        parts.append(f'{told["submitted"]} packs may wait in the queue')
    elif told['state'] == STOPPED:
        parts.append(f'nobody is at work ({told["why"]})' if told['why'] else 'nobody is at work')
    if told['state'] != COMPLETE:
        hosts = len({one['host'] for one in told['running']})
        where = f' on {hosts} machines' if hosts > 1 else ''
        parts.append(f'{len(told["running"])} packs running{where}, {told["waiting"]} waiting, {_losses(told)}')
        if told['state'] == RUNNING:
            rough = f' ({ROUGHLY})' if told.get('from') == ROUGHLY else ''
            parts.append(f'about {clock(told["seconds_left"])} left{rough}')
        parts.append(f'{told["device_hours"]:.3g} of {told["device_hours_foreseen"]:.3g} device hours')
    else:
        parts.append(f'{told["device_hours"]:.3g} device hours, {_losses(told)}')
    if told['best']:
        parts.append(f'best tuning score so far: {_best(told)}')
    return '; '.join(parts)


def _losses(told: Mapping) -> str:
    taken = f', {told["cancelled"]} taken out of the queue' if told['cancelled'] else ''
    return f'{told["lost"]} lost, {told["retried"]} retried{taken}'


def _best(told: Mapping) -> str:
    return ', '.join(f'{task} {score:.4g}' for task, score in told['best'].items())


def board(name: str, counts: Mapping, told: Mapping) -> Group:
    """A study as a terminal shows it: a bar, the running packs, and the rest in words; `counts` are of results.status."""
    row = Table.grid(padding=(0, 1))
    total = max(told['expected'], 1)
    row.add_row(name, ProgressBar(total, min(counts['done'], total), width=24), f'{counts["done"]}/{told["expected"]} trials')
    shown = [row]
    if told['running']:
        packs = Table(box=None, padding=(0, 1), pad_edge=False, header_style='')
        for head in ('pack', 'arm', 'task', 'lanes', 'where', 'for'):
            packs.add_column(head, no_wrap=True, justify='right' if head in ('lanes', 'for') else 'left')
        for one in told['running'][:ROWS]:
            cells = (str(one.get(entry, ''))[:24] for entry in ('pack', 'arm', 'task', 'lanes'))
            packs.add_row(*cells, f'{one["host"]} {one.get("device", "")}'[:30], clock(one['seconds']))
        shown.append(packs)
        if len(told['running']) > ROWS:
            shown.append(Text(f'and {len(told["running"]) - ROWS} more'))
    if told['run']:
        since = clock(max(0.0, time.time() - told['run']['since']))
        shown.append(Text(f'run by {told["run"]["host"]} for {since}, launcher {told["run"].get("launcher", "not known")}'))
    return Group(*shown, Text(sentence(told)))
