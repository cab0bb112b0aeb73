"""Tasks: what is refused, field by field, and those of the lab."""

import dataclasses
import math

import pytest
from fine_study import FINE

from ablations.digest import digest
from ablations.study import Study
from ablations.tasks import TASKS, Task, task
from ablations.tasks.origin_tasks import ORIGINS


@pytest.mark.parametrize(
    ('fields', 'said'),
    [
        ({'name': 3}, 'name=3 is a int; allowed: str'),
        ({'name': 'a/b'}, 'rename the task'),
        ({'name': ''}, 'rename the task'),
        ({'dataset': None}, 'dataset=None is a NoneType'),
        ({'domain': 5}, 'domain=5'),
        ({'metric': ['accuracy']}, 'metric='),
        ({'unit': 0.1}, 'unit=0.1'),
        ({'direction': True}, 'direction=True'),
        ({'unit': 'points\x1b[31m'}, "unit 'points\\x1b[31m'; allowed: one line of printable text"),
        ({'direction': 'up'}, "direction 'up'; allowed: ['higher', 'lower']"),
        ({'chance': '0.1'}, "chance='0.1' is a str; allowed: float"),
        ({'chance': None}, 'chance=None'),
        ({'chance': math.nan}, 'a finite number'),
        ({'chance': math.inf}, 'a finite number'),
        ({'margin': 0}, 'above 0'),
        ({'margin': -0.1}, 'above 0'),
        ({'margin': math.nan}, 'above 0'),
        ({'margin': math.inf}, 'a finite number'),
        ({'margin': True}, 'margin=True'),
        ({'steps': 0}, 'above 0'),
        ({'steps': 80.0}, 'steps=80.0 is a float; allowed: int'),
        ({'steps': True}, 'steps=True'),
        ({'steps': 161, 'evaluations': 4}, 'steps=161 is not a multiple of evaluations=4'),
        ({'batch': -1}, 'above 0'),
        ({'batch': '64'}, "batch='64'"),
        ({'evaluations': 0}, 'above 0'),
        ({'batch': 10**30}, 'batch=1e+30; allowed: up to 1e+12; lower it'),
        ({'steps': 10**13, 'evaluations': 1}, 'steps=1e+13; allowed: up to 1e+12'),
        ({'evaluations': 1.5}, 'evaluations=1.5'),
        ({'data': 'digits'}, "data='digits' is a str; allowed: dict"),
        ({'data': {}}, 'has no kind'),
        ({'data': {'kind': 'digits', 'train': None}}, 'data.train: given NoneType'),
        ({'data': {'kind': 'digits', 'x': object()}}, 'data.x: given object'),
        ({'base': ()}, 'base=() is a tuple; allowed: dict'),
        ({'base': {'norm': {'kind': 'layer_norm', 'eps': None}}}, 'base.norm.eps: given NoneType'),
        ({'ladder': 3}, 'ladder=3 is a int; allowed: str'),
        ({'declared': 3}, 'declared=3 is a int; allowed: str'),
        ({'step': 80}, "has no field 'step'"),
        ({'step': 80}, "Did you mean 'steps'?"),
    ],
)
def test_a_task_that_makes_no_sense_is_refused(fields, said):
    with pytest.raises(ValueError) as caught:
        task('digits', **fields)
    assert said in str(caught.value)


def test_every_field_of_a_task_is_tried_above():
    cases = test_a_task_that_makes_no_sense_is_refused.pytestmark[0].args[1]
    assert {field.name for field in dataclasses.fields(Task)} <= {name for fields, _ in cases for name in fields}


def test_one_dataset_under_two_models_takes_another_name():
    twice = Study(**{**FINE, 'tasks': ('digits', task('digits', name='digits_again'))})
    assert [item.name for item in twice.tasks] == ['digits', 'digits_again']
    assert len({item.dataset for item in twice.tasks}) == 1


@pytest.mark.parametrize('item', TASKS.values(), ids=lambda item: item.name)
def test_tasks_of_the_lab(item):
    assert item.sign == (1 if item.direction == 'higher' else -1)
    assert dataclasses.replace(item) == item
    assert {'kind'} <= set.intersection(*(set(spec) for spec in item.base.values())), 'every socket is a spec'


MARGINS = {
    0.002: ['mnist'],
    0.005: ['fashion_mnist', 'kmnist', 'emnist_balanced', 'imagenet'],
    0.01: [
        *('digits', 'cifar10', 'cifar100', 'tiny_imagenet', 'spoken_digits', 'spoken_digits_samples', 'synthetic_control'),
        *('arithmetic', 'regular_language', 'zinc', 'adding', 'shape_labels', 'shapes', 'syntax', 'digits_in_turn'),
        *ORIGINS,
    ],
    0.02: [
        *('recall', 'stdlib_bytes', 'digits_pixels', 'fashion_mnist_pixels', 'cifar10_pixels', 'spoken_digits_bytes'),
        *('induction', 'selective_copying', 'compression', 'fuzzy_recall', 'modular_addition', 'parity', 'state_tracking'),
        *('pendulums', 'planets', 'three_bodies', 'pendulum_law', 'planet_law', 'pendulum_law_probed', 'planet_law_probed'),
        *('balls_direction', 'doors_mode', 'doors_key', 'package_shares', 'language_shares', 'languages_in_turn'),
        *('blocks_answered', 'blocks_drawn', 'digits_answered', 'digits_drawn', 'facts_told_often', 'facts_told_seldom'),
        *('words_meet_sounds', 'words_meet_sounds_unbound', 'pictures_meet_sounds'),
        'protein_families',
        *('blind_to_colour', 'blind_to_figure', 'blind_to_quarter'),
        *('blind_to_colour_masked', 'blind_to_figure_masked', 'blind_to_quarter_masked'),
        *('digits_words_meet_sounds', 'digits_words_meet_sounds_unbound', 'digits_pictures_meet_sounds'),
        *('digits_blind_to_colour', 'digits_blind_to_quarter'),
        *(
            'arithmetic_answers',
            'tiny_shakespeare',
            'tiny_shakespeare_bytes',
            'tinystories',
            'wikitext',
            'fineweb',
            'languages',
        ),
    ],
    0.03: ['identifiers'],
    0.05: ['friedman', 'balls_pixels', 'balls_symbols', 'doors_pixels', 'doors_symbols'],
}
"""Two arms of a task are equivalent within so much of its metric. Change it only if you mean to change verdicts."""


def test_margins_are_those_that_verdicts_rest_on():
    assert {name: item.margin for name, item in TASKS.items()} == {
        name: margin for margin, names in MARGINS.items() for name in names
    }


def test_the_rest_of_a_task_is_what_was_declared():
    """Metric, chance, budget, data and base model of every task in one hash. Update it only if you meant the change."""
    declared = {name: {key: value for key, value in item.to_dict().items() if key != 'margin'} for name, item in TASKS.items()}
    assert digest(declared) == 'b63d0dcb091f5c72'
