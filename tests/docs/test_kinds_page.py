"""The page on kinds of tasks: it names every target, metric and made task, and its study can be planned."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from ablations.tasks.made_tasks import MADE
from ablations.tasks.metrics import METRICS
from sweeps.tasks.targets import FORMS

PAGE = (Path(__file__).resolve().parents[2] / 'docs' / 'kinds_of_tasks.md').read_text()


def rows(first: str) -> list[list[str]]:
    """The cells of the table whose head begins with a word."""
    table = PAGE[PAGE.index(f'| {first} |') :].partition('\n\n')[0]
    return [[cell.strip(' `') for cell in line.strip('|').split('|')] for line in table.splitlines()[2:]]


def test_targets_and_their_metrics():
    assert {row[0]: row[3].split(', ') for row in rows('target')} == {form: list(cls.METRICS) for form, cls in FORMS.items()}


def test_metrics_and_their_directions():
    said = {row[0]: (row[2], row[3] == '%') for row in rows('metric')}
    assert said == {name: (METRICS[name].direction, METRICS[name].share) for cls in FORMS.values() for name in cls.METRICS}


def test_made_tasks_and_their_metrics():
    assert {row[0]: row[3] for row in rows('task')} == {name: fields['metric'] for name, fields in MADE.items()}


@pytest.mark.slow
def test_its_study_can_be_planned(called: Callable, tmp_path: Path):
    code = next(block for block in re.findall(r'```python\n(.*?)```', PAGE, flags=re.S) if 'Study(' in block)
    path = tmp_path / 'norms_of_values.py'
    path.write_text(code)
    done = called('plan', path, '--json')
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)
