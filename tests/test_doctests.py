"""Examples in docstrings: every module that shows one is run as it stands."""

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ('archlab', 'ablations', 'arch', 'sweeps', 'results', 'benchmarks')
SHOWN = [
    '.'.join(path.relative_to(ROOT).with_suffix('').parts).removesuffix('.__init__')
    for room in ROOMS
    for path in sorted((ROOT / room).rglob('*.py'))
    if '>>> ' in path.read_text(encoding='utf-8')
]


def test_there_are_examples():
    assert len(SHOWN) > 5


@pytest.mark.parametrize('module', SHOWN)
def test_examples_give_what_they_show(module):
    outcome = doctest.testmod(importlib.import_module(module), optionflags=doctest.ELLIPSIS)
    assert outcome.attempted > 0, f'{module} shows >>> where no docstring is'
    assert outcome.failed == 0
