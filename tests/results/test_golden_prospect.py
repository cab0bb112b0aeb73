"""What budgets can decide, in every case, down to each fact and line: tests/golden/prospect.txt."""

import dataclasses
import io

import golden_texts
import pytest
from rich.console import Console
from test_prospect import PRICE, STUDY, WORLD, read
from told_values import told

from results.prospect import prospect
from results.store.reading import Reading
from results.tables.prospects import lines
from sweeps.progress import clock
from sweeps.protocol.plan import schedule
from sweeps.protocol.simulate import simulate


def nothing(**fields: object) -> Reading:
    """A study of which nothing is recorded."""
    study = dataclasses.replace(STUDY, **fields)
    return Reading(study, schedule(study, {}, {}), {})


def one_seed() -> Reading:
    study = dataclasses.replace(STUDY, seeds=1, tasks=('digits',), replicates=4, looks=(2, 4), shares=(0.4, 0.6))
    return Reading(study, *simulate(study, WORLD, 1))


CASES = {
    'a budget that is enough': lambda: prospect(read(), PRICE, 900.0, ['extension=0', 'seeds=3']),
    'a budget that is too small': lambda: prospect(read(), PRICE, 1.0),
    'runs that told no time': lambda: prospect(read(), None, 900.0),
    'one seed a replicate': lambda: prospect(one_seed(), PRICE, 900.0),
    'no runs': lambda: prospect(nothing(replicates=5, looks=(3, 5)), PRICE, 900.0),
    'no runs and no time': lambda: prospect(nothing(replicates=1, looks=()), None, 900.0),
    'findings that were read': lambda: prospect(
        dataclasses.replace(read(), manifest={'design': {'looks': [3], 'shares': [1.0], 'alpha': 0.05}}), PRICE, 900.0
    ),
}


@pytest.mark.parametrize('case', CASES)
def test_prospects_are_what_they_were(case: str):
    facts = CASES[case]()
    console = Console(width=80, file=io.StringIO(), force_terminal=False)
    console.print(*lines(facts, clock, 'mine.py'), sep='\n', highlight=False, markup=False)
    shown = [line.rstrip() for line in console.file.getvalue().splitlines()]
    golden_texts.hold(f'prospect_{"_".join(case.split())}', '\n'.join([*told('prospect', facts), *shown]))
