"""`archlab check`: which contracts of a file are tried, and what is said of those that are broken."""

import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from painted import worded

from arch.sockets import NAMES, WHOLE
from archlab import answers, checking


def contract(rule: str, why: str = '') -> dict:
    return {'rule': rule, 'holds': not why, 'why': why}


WHY = 'it [gives] nothing of what it should give, wherever one looks'
VERDICTS = {
    'norm mine': [contract('shapes'), contract('types', WHY), contract('names', 'none'), contract('lanes', WHY)],
    'task mine': [contract('arrays'), contract('splits')],
    'task other': [contract('labels', 'there are none')],
}


def test_broken_contracts_are_told_by_their_reason_and_those_of_a_task_that_are_kept(called: Callable, monkeypatch):
    monkeypatch.setattr(checking, '_verdicts', lambda file: VERDICTS if file == Path('mine.py') else {})
    for name, value in (
        ('_force_terminal', True),
        ('_width', 40),
        ('_color_system', answers.Console(color_system='standard')._color_system),
    ):
        monkeypatch.setattr(answers.OUT, name, value)
    done = called('check', 'mine.py')
    assert done.returncode == 1 and [worded(line) for line in done.stdout.splitlines()] == [
        '<bold>norm mine</>  1 of 4 contracts hold',
        f'  <red>broken</>  types, lanes: {WHY}',
        '  <red>broken</>  names: none',
        '<bold>task mine</>  2 of 2 contracts hold',
        '  kept    arrays, splits',
        '<bold>task other</>  0 of 1 contracts hold',
        '  <red>broken</>  labels: there are none',
    ]
    told = called('check', 'mine.py', '--json')
    assert told.returncode == 1 and json.loads(told.stdout) == VERDICTS
    assert called('check', 'other.py').returncode == 0


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict]:
    """What is tried of a file with these tasks and tables."""

    def call(address: str, tasks: dict, defines: set) -> dict:
        monkeypatch.setattr('ablations.task_files.tasks_in', lambda path, kind: (tasks, defines))
        return checking._verdicts(Path(address))

    monkeypatch.setattr('sweeps.task_contracts.check_task', lambda task: [])
    monkeypatch.setattr('sweeps.models.check.check_file', lambda file: {f'blocks of {file}': []})
    monkeypatch.setattr(logging.getLogger('jax'), 'level', logging.WARNING)
    return call


def test_tasks_and_blocks_of_a_file_are_tried_or_one_task_alone(tried: Callable):
    tasks = {'red': 'a task', 'blue': 'a task'}
    assert list(tried('my.py', tasks, {'NORMS'})) == ['task red', 'task blue', 'blocks of my.py']
    assert logging.getLogger('jax').level == logging.CRITICAL + 1
    assert list(tried('my.py:blue', tasks, {'NORMS'})) == ['task blue']
    assert list(tried('my.py', tasks, {'OTHER'})) == ['task red', 'task blue']
    assert list(tried('my.py', {}, {'OTHER', WHOLE})) == ['blocks of my.py']


def test_a_file_with_nothing_to_try_is_refused(tried: Callable):
    tables = ', '.join(sorted({*NAMES, WHOLE}))
    with pytest.raises(ValueError, match=r"file 'my.py' has neither blocks nor tasks; allowed: tables of blocks ") as refused:
        tried('my.py', {}, {'OTHER'})
    assert f'({tables}) such as NORMS' in str(refused.value)
