"""What every reader of a study makes of it, in studies of many sorts with made-up scores: tests/golden/reading_*.txt."""

from collections.abc import Callable

import golden_texts
import pytest
from simulated_study import TOPS, data, read, study_of
from test_golden_conclusions import ONE, SORTS
from told_values import told

from results.components import components_of
from results.domain_scores import domain_scores
from results.doubts import doubts
from results.expected_best import curves, settled_orders
from results.exports.tracked_runs import runs_of
from results.good_window import windows
from results.ledger import ledger
from results.recipe import recipe
from results.regret import losses_of_half, regrets
from results.report.answer import answer_of
from results.report.sections import (
    cells_grid,
    expected_grid,
    ledger_grid,
    pareto_grid,
    rates_grid,
    recipes_grid,
    regret_grid,
)
from results.report.trial_table import trials
from results.sensitivity import sensitivities
from results.status import progress_of
from results.store.frames import selected
from results.store.reading import Reading
from results.tables import study_facts
from results.tables.study_facts import missing_runs
from results.undecided import undecided_arms
from results.verify import verify
from results.winners import winners

READERS: dict[str, Callable[[Reading], object]] = {
    'verify': verify,
    'progress': progress_of,
    'doubts': doubts,
    'undecided': undecided_arms,
    'missing': missing_runs,
    'ledger': ledger,
    'components': components_of,
    'domain scores': domain_scores,
    'curves': curves,
    'orders': lambda reading: settled_orders(curves(reading)),
    'windows': windows,
    'sensitivities': sensitivities,
    'regrets': regrets,
    'losses of half': losses_of_half,
    'winners': winners,
    'selected': selected,
    'tracked runs': lambda reading: list(runs_of(reading)),
    **{
        grid.__name__: grid
        for grid in (cells_grid, expected_grid, ledger_grid, pareto_grid, rates_grid, recipes_grid, regret_grid)
    },
    'trial table': trials,
}
SHOWN = {
    'plain': 0.5,
    'extended': 1.0,
    'screened': 1.0,
    'own_optimizers': 1.0,
    'shared': 1.0,
    'same_recipe': 1.0,
    'looks': 0.8,
    'halved': 1.0,
    'kinds_of_values': 1.0,
    'batches': 1.0,
    'own_values': 0.9,
}
"""The share of its runs that is recorded of each sort of study."""


@pytest.mark.parametrize('sort', SHOWN)
def test_readers_tell_what_they_told(sort: str):
    study = study_of('one_swap', **{**ONE, 'replicates': 3, 'trials': 6, 'seeds': 2, **SORTS[sort]})
    given = data(study, TOPS, 0.85, SHOWN[sort])
    reading, findings = read(*given)
    lines = [line for name, reader in READERS.items() for line in told(name, reader(reading))]
    for arm in study.arms:
        try:
            lines += told(f'recipe of {arm}', recipe(reading, arm))
        except ValueError as error:
            lines += told(f'recipe of {arm}', str(error))
    facts = study_facts(reading, findings)
    lines += told('facts', facts) + told('answer', answer_of(reading, findings, facts))
    golden_texts.hold(f'reading_{sort}', '\n'.join(lines))
