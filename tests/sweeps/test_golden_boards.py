"""How the work on a study stands, in words and as a table, in every state: tests/golden/boards.txt."""

import io
import itertools
import time

import golden_texts
from rich.console import Console

from sweeps.board import ROWS, board, sentence
from sweeps.forecast import FROM_RECORDS, ROUGHLY
from sweeps.progress import clock
from sweeps.standing import COMPLETE, QUEUED, RUNNING, STOPPED

NOW = 2_000_000.0
SECONDS = (0, 0.4, 0.6, 59.4, 59.6, 60, 61, 3599, 3599.6, 3600, 3660, 36_000, 360_000)


def running(count: int, hosts: int) -> list[dict]:
    """Packs at work; some have a device, and a long name."""
    about = {'arm': 'an_arm_with_a_name_beyond_all_columns', 'task': 'digits', 'held': 'tuning', 'lanes': 4}
    own = [{'pack': f'p{number}', 'host': f'host{number % hosts}', 'seconds': 61.0 * number} for number in range(count)]
    return [{**about, **one, **({'device': '0,1'} if number % 2 else {})} for number, one in enumerate(own)]


def told(state: str, count: int, hosts: int, **fields: object) -> dict:
    return {
        **{'state': state, 'why': '', 'running': running(count, hosts), 'waiting': 3, 'submitted': 2, 'lost': 1, 'retried': 1},
        **{'cancelled': 0, 'best': {}, 'expected': 120, 'seconds_left': 3700.0, 'from': FROM_RECORDS, 'run': None},
        **{'device_hours': 1.2345, 'device_hours_foreseen': 20.0},
        **fields,
    }


def shown(name: str, counts: dict, facts: dict) -> list[str]:
    console = Console(width=110, file=io.StringIO(), force_terminal=False)
    console.print(board(name, counts, facts))
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_boards_say_what_they_said(monkeypatch):
    monkeypatch.setattr(time, 'time', lambda: NOW)
    lines = [f'{seconds} {clock(seconds)}' for seconds in SECONDS]
    for state, count, hosts in itertools.product((COMPLETE, RUNNING, QUEUED, STOPPED), (0, 1, 3), (1, 2)):
        facts = told(state, count, hosts)
        lines += [f'# {state}, {count} packs on {hosts} hosts', sentence(facts), *shown('mine', {'done': 30}, facts)]
    run = {'host': 'head', 'pid': 5, 'since': NOW - 4000}
    more = [
        {'why': 'the disk is full'},
        {'cancelled': 4},
        {'best': {'digits': 0.98765, 'text': 1234.56}},
        {'from': ROUGHLY},
        {'run': run},
        {'run': {**run, 'launcher': 'slurm', 'since': NOW + 50}},
        {'expected': 0},
        {'expected': 10},
    ]
    for state, fields in itertools.product((COMPLETE, RUNNING, STOPPED), more):
        facts = told(state, 1, 1, **fields)
        lines += [f'# {state} {fields}', sentence(facts), *shown('mine', {'done': 30}, facts)]
    for count in (ROWS - 1, ROWS, ROWS + 1, ROWS + 5):
        lines += [f'# {count} packs', *shown('mine', {'done': 30}, told(RUNNING, count, 2))]
    golden_texts.hold('boards', '\n'.join(lines))


def test_a_narrow_terminal_cuts_columns_and_adds_no_lines():
    console = Console(width=60, file=io.StringIO(), force_terminal=True, color_system='truecolor')
    facts = told(RUNNING, 3, 3)
    console.print(board('mine', {'done': 30}, facts))
    lines = console.file.getvalue().splitlines()
    assert [line[:2] for line in lines[1:5]] == ['pa', 'p0', 'p1', 'p2']
    assert not any('\x1b' in line for line in lines[1:]), 'the bar alone has colours'
