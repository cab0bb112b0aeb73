"""Tables for a terminal show what they showed, in their colours, on a wide screen and on one without room for all of it."""

import golden_texts
import pytest
from made_findings import BETTER, LOSS, WORSE
from painted import painted
from test_golden_notes import FACTS, MARKED
from test_joint_table import STUDIES
from test_prospects_told import FACTS as PROSPECT
from test_prospects_told import clock
from test_sizes import COST, PAIR

from results.tables import StudyFacts
from results.tables.joint_terminal import joint_terminal
from results.tables.prospects import lines
from results.tables.sizes import budget_table, comparison_table, size_table
from results.tables.terminal import terminal

BUDGET = {'trials': 8, 'steps': 12_345, 'examples': 1_234_567, 'flops': 2.04e13}
ONE_RECIPE = [([WORSE, LOSS], StudyFacts(recipe='same')), STUDIES[1]]
FACTORIAL = StudyFacts(alpha=0.05, last=2, look=1, effects=FACTS['effects'][0]['effects'])
TABLES = {
    'one model': lambda width: [size_table(COST, 'tiny')],
    'a model of its own': lambda width: [size_table({name: COST[name] for name in ('params', 'macs')}, 'mine')],
    'several models': lambda width: [size_table({'base': {'digits': COST}, 'wider': {'digits': COST, 'recall': COST}})],
    'two models': lambda width: [comparison_table({**PAIR, 'b': {**PAIR['b'], 'name': 'a model of a longer name'}})],
    'a budget': lambda width: [budget_table({arm: {'stdlib_bytes': BUDGET} for arm in ('base', 'without a mixer')})],
    'prospects': lambda width: lines(PROSPECT, clock, 'mine.py'),
    'findings': lambda width: [terminal(MARKED, facts=FACTORIAL, width=width)],
    'findings at one recipe': lambda width: [terminal([BETTER, WORSE], facts=StudyFacts(recipe='same'), width=width)],
    'several studies': lambda width: [joint_terminal(STUDIES, width), joint_terminal(ONE_RECIPE, width)],
}


@pytest.mark.parametrize('width', [50, 120])
def test_a_screen_shows_what_it_showed(width: int):
    told = [line for name, made in TABLES.items() for line in ('', f'# {name}', *painted(*made(width), width=width))]
    golden_texts.hold(f'screen_{width}', '\n'.join(told))
