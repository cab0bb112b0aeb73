"""Lists: each entry by its name with what is said of it, and what a kind asks of the model around it."""

import pytest

from ablations.flagships import FLAGSHIPS
from ablations.studies import STUDIES
from ablations.tasks import TASKS
from sweeps.models.listing import _notes, about, listing


def test_a_study_is_listed_with_the_first_line_of_its_question():
    told = listing('studies')
    assert list(told) == list(STUDIES) and all('\n' not in question and question for question in told.values())
    assert STUDIES['quickstart'].question.strip().startswith(told['quickstart'])


def test_a_flagship_is_listed_with_its_claim_and_a_study_for_each_rung():
    told = listing('flagships')
    assert list(told) == list(FLAGSHIPS)
    for one in told.values():
        assert one['claim'] and isinstance(one['papers'], list) and all(one['studies'].values())


def test_a_task_is_listed_with_its_metric_and_what_chance_scores():
    told = listing('tasks')
    assert list(told) == list(TASKS)
    digits = told['digits']
    assert (digits['metric'], digits['direction'], digits['chance']) == ('accuracy', 'higher', 0.1)
    assert {'dataset', 'domain', 'unit', 'margin', 'steps', 'batch'} < set(digits)


@pytest.mark.parametrize(
    ('fields', 'notes'),
    [
        ({}, []),
        ({'STRIDES': True}, ['begins stages']),
        ({'IN_BLOCK': True}, ['by a block that begins stages']),
        ({'STREAMS': True}, ['several streams']),
        ({'SCANS': False}, ['no scan']),
        ({'MIXES_BATCH': True}, ['mixes the batch']),
        ({'STRIDES': False, 'SCANS': True, 'MIXES_BATCH': False}, []),
        ({'SCANS': False, 'STRIDES': True}, ['begins stages', 'no scan']),
    ],
)
def test_a_kind_is_listed_with_what_it_asks_of_a_model(fields: dict, notes: list[str]):
    assert _notes(type('Kind', (), fields)) == notes


@pytest.mark.parametrize(
    ('text', 'said'), [('One line.', 'One line.'), ('\n    First.\n\n    More.\n', 'First.'), (None, ''), ('', '')]
)
def test_about_a_kind_is_the_first_line_of_its_docstring(text: str | None, said: str):
    assert about(type('Kind', (), {'__doc__': text})) == said


def test_normalised_queries_are_listed_where_they_can_be_normalised():
    blocks = listing('blocks')
    assert (
        set(blocks['qk_norm']) < set(blocks['norm'])
        and 'batch_norm' not in blocks['qk_norm']
        and 'rms_norm' in blocks['qk_norm']
    )
    assert list(blocks['mixer']) == sorted(blocks['mixer'])


def test_what_cannot_be_listed_is_refused_with_what_can():
    with pytest.raises(ValueError, match=r"cannot list 'taks'; allowed: \['studies', .*'questions'\].*Did you mean 'tasks'"):
        listing('taks')
