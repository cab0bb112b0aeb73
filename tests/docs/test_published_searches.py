"""The published comparison of searchers: its page is what its records say."""

import gzip
import json
from pathlib import Path

import pytest

from ablations.study_files import load_study
from results.gains.gain import gains
from results.gains.gains_page import page
from results.store.summary import summary
from sweeps.protocol.searchers import SEARCHERS
from sweeps.protocol.searchers.comparison import Comparison

FOUNDING = Path(__file__).parents[2] / 'docs' / 'founding'
PLACE = FOUNDING.parents[1] / 'results' / 'published' / 'what_searches_gain_searchers'


@pytest.fixture(scope='module')
def told() -> dict:
    return json.loads((PLACE / 'comparison.json').read_text(encoding='utf-8'))


@pytest.fixture(scope='module')
def records() -> dict[str, dict]:
    with gzip.open(PLACE / 'records' / 'records.jsonl.gz', 'rt', encoding='utf-8') as lines:
        rows = [summary(json.loads(line)) for line in lines]
    return {row['id']: row for row in rows}


def comparison_of(told: dict, searchers: list[str]) -> Comparison:
    study = load_study(str(FOUNDING / 'what_searches_gain.py'))
    assert study.digest == told['digest']
    return Comparison(study, tuple(searchers), told['runs'], told['replicates'], told['seeds'])


def test_what_the_docs_say_is_what_the_records_say(told: dict, records: dict[str, dict]):
    """Of the searchers whose proposals are worked out in no time."""
    made = gains(comparison_of(told, ['greedy', 'lab']).searched(records))
    confirmed = {(gain.task, gain.searcher): round(gain.confirmed[0], 3) for gain in made}
    assert confirmed == {
        ('digits', 'greedy'): 0.141,
        ('digits', 'lab'): 0.143,
        ('stdlib_bytes', 'greedy'): 0.739,
        ('stdlib_bytes', 'lab'): 0.593,
    }
    beside = {gain.task: gain.beside for gain in made if gain.searcher == 'greedy'}
    assert round(beside['stdlib_bytes'][0], 3) == 0.145 and round(beside['stdlib_bytes'][1][0], 3) == 0.042
    assert {gain.searches for gain in made} == {5}


@pytest.mark.slow
def test_the_page_is_rendered_from_the_records(told: dict, records: dict[str, dict]):
    made = comparison_of(told, told['searchers'])
    schedule = made.schedule(made.study, records, {})
    assert schedule.complete and {trial.id for trial in schedule.trials} == set(records)
    facts = {name: told[name] for name in ('runs', 'replicates', 'seeds')}
    abouts = {name: SEARCHERS[name].about for name in told['searchers']}
    assert page(made.study, gains(made.searched(records)), abouts, facts) == (PLACE / 'page.html').read_text(encoding='utf-8')
