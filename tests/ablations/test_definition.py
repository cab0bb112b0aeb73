"""Definitions: studies as plain data, and back."""

import json
import math

import pytest

from ablations.config import Swap, put, swap
from ablations.definition import study_of
from ablations.shapes import factorial, path
from ablations.spaces import choice, integer, linear, log
from ablations.studies import STUDIES
from ablations.study import Study

TUNE = {'adamw': {'lr': log(1e-4, 1.0, bounds=(1e-5, 2.0)), 'beta1': choice(0.8, 0.9), 'weight_decay': linear(0, 1)}}


def made(**fields: object) -> Study:
    arms = {'base': (), 'wide': (put('channel.ratio', 6.0), swap('mixer', 'depthwise_conv', kernel=5))}
    return Study(**{'name': 'mine', 'question': '?', 'arms': arms, 'tasks': ('digits', 'recall'), 'tune': TUNE, **fields})


def shaped() -> list[Study]:
    rms = {'layer': (), 'rms': swap('norm', 'rms_norm')}
    levels = {'norm': rms, 'ratio': {'four': (), 'two': put('channel.ratio', 2.0)}}
    return [
        made(),
        made(**path(rms), share=True),
        made(replicates=8, looks=(8,)),
        made(**factorial(levels)),
        made(
            tune={
                'sgd': {
                    'lr': log(0.1, 1),
                    'gain': linear(-3, 2, bounds=(-math.inf, 3)),
                    'b': integer(0, 4, bounds=(0, math.inf)),
                }
            }
        ),
        made(own={'wide': {'beta2': linear(0.9, 0.99)}}, arm_fixed={'base': {'schedule': 'linear'}}, halvings=(0.5,)),
        made(tune={'adamw': TUNE['adamw'], 'sgd': {'lr': log(0.1, 1)}}, optimizers={'base': 'adamw', 'wide': 'sgd'}),
        made(tune={'adamw': TUNE['adamw'], 'sgd': {'lr': log(0.1, 1)}}, screening=4, budget='compute', base_factor=2),
        made(arms={'base': (), 'odd': (Swap('mixer', 'depthwise_conv', (('kernel', 5), ('not a name', 3))),)}),
        made(looks=(2, 5), shares=(0.3, 0.7), tune={'sgd': {'lr': log(0.1, 1), 'cells': integer(1, 4, bounds=(1, 8))}}),
    ]


def test_every_study_comes_back():
    for study in [*STUDIES.values(), *shaped()]:
        again = study_of(json.loads(json.dumps(study.to_dict())))
        assert again.digest == study.digest and again.to_dict() == study.to_dict()
        assert list(again.arms) == list(study.arms) and again.arms == study.arms and again.tune == study.tune


def test_a_block_file_is_known_by_its_hash(tmp_path):
    file = tmp_path / 'blocks.py'
    file.write_text('NORMS = {}\n')
    study = made(blocks=str(file))
    again = study_of(study.to_dict())
    file.unlink()
    assert again.blocks is None and again.blocks_hash == study.blocks_hash != '' and again.digest == study.digest
    assert again.program('wide', 'digits', 'adamw').id == study.program('wide', 'digits', 'adamw').id


BAD = [
    ([], 'given list'),
    ({}, 'the definition is damaged'),
    ({'colour': 'red'}, "has 'colour', which no study of this lab has"),
    ({'replicate': 3}, "Did you mean 'replicates'"),
    ({'arms': {'base': [{}]}}, 'damaged'),
    ({'arms': ['base']}, 'damaged'),
    ({'tasks': [{'name': 'digits'}]}, 'damaged'),
    ({'tune': {'adamw': {'lr': {'low': 1}}}}, 'damaged'),
    ({'blocks': 3}, 'damaged'),
    ({'trials': 0}, 'trials=0'),
    ({'looks': 3}, 'damaged'),
]


@pytest.mark.parametrize(('changes', 'why'), BAD, ids=[str(changes) for changes, _ in BAD])
def test_other_data_are_refused(changes: object, why: str):
    given = {**made().to_dict(), **changes} if isinstance(changes, dict) and changes else changes
    with pytest.raises(ValueError, match=why):
        study_of(given)
