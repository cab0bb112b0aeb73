"""Lists: each entry by its name with what is said of it, and what a kind asks of the model around it."""

import pytest

from ablations.flagships import FLAGSHIPS
from ablations.studies import STUDIES
from ablations.tasks import TASKS
from arch.fits import PLACES, fits
from arch.published import MODELS
from arch.sockets import TABLES
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


def test_all_that_is_listed_of_an_entry():
    """One of each list, whole; what a model asks of the paper that it is from."""
    assert listing('tasks')['digits'] == {
        **{'dataset': 'digits', 'domain': 'images', 'metric': 'accuracy', 'unit': 'share of images', 'direction': 'higher'},
        **{'chance': 0.1, 'margin': 0.01, 'steps': 140, 'batch': 64},
    }
    models = listing('models')
    assert models['digits'] == {'about': 'the base model of task digits: hierarchical', 'paper': ''}
    assert models['recall'] == {'about': 'the base model of task recall: isotropic', 'paper': ''}
    assert models['gpt2'] == {'about': MODELS['gpt2'].about, 'paper': 'Radford et al. 2019'}
    assert list(models) == [*TASKS, *MODELS]
    flagship = listing('flagships')['squashing_norms']
    assert flagship['papers'] == ['2503.10622', '2512.10938', '2604.23434']
    assert flagship['studies'] == {f'squashing_norms_{size}': on for size, on in zip(SIZES, ('cpu', 'cpu', 'gpu'), strict=True)}
    assert listing('optimizers')['lion']['about'] == 'Lion (2302.06675): the sign of an interpolated momentum.'


SIZES = ('small', 'medium', 'large')


@pytest.mark.parametrize(
    ('family', 'kind', 'told'),
    [
        ('mixer', 'pool', {'needs': [], 'takes': [], 'notes': [], 'fields': {'window': 3}}),
        ('mixer', 'gated_linear_attention', {'needs': [], 'takes': ['qk_norm']}),
        ('position', 'rotary', {'needs': ['rotate'], 'takes': []}),
        ('norm', 'batch_norm', {'notes': ['mixes the batch'], 'fields': {'eps': 1e-5, 'momentum': 0.9}}),
    ],
)
def test_all_that_is_listed_of_a_kind(family: str, kind: str, told: dict):
    made = listing('blocks')[family][kind]
    assert list(made) == ['fits', 'needs', 'takes', 'notes', 'fields', 'about']
    assert {name: made[name] for name in told} == told
    assert made['about'] == about(TABLES[family][kind]) and made['about'].endswith('.')
    assert set(made['fits']) == set(fits(TABLES[family][kind])) and made['fits'] == [
        one for one in PLACES if one in made['fits']
    ]
