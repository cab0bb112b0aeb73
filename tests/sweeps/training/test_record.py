"""Record: what a run leaves of each item of the test split, and of no other split."""

import dataclasses

import numpy as np
import pytest

from ablations.studies.quickstart import study
from ablations.trial import TEST, TUNING, Trial
from results.store.item_scores import unpacked
from sweeps.tasks.arrays import Arrays
from sweeps.training.record import finished

GROUP = np.array([5, 5, 1, 2, 3, 0])
ITEMS = np.array([1.0, 0.0, 1.0, 1.0, 0.0, 1.0], np.float32)


def record(held: str = TEST, items: np.ndarray = ITEMS, group: np.ndarray = GROUP, scale: float = 1.0, **changes) -> dict:
    """The record of a run with these scores of single examples."""
    program = dataclasses.replace(study.program(study.base, 'digits', 'adamw'), steps=4, evaluations=1)
    curve = {'loss': [2.0, 1.0], 'score': [0.1, items.mean()], 'score_se': [0.1, 0.1], 'train_loss': [2.0, 1.0], **changes}
    result = {'curve': {name: np.array(values) for name, values in curve.items()}, 'items': items, 'left_at': -1}
    scored = Arrays(np.zeros((6, 2)), np.zeros(6), group, scale)
    turns = [('one', 0, 2), ('two', 2, 4)] if 'parts' in changes else []
    domains = tuple(name for name, _, _ in turns)
    return finished(Trial(program, 0, (('lr', 0.1),), 1, held, 'confirm'), result, scored, {}, {}, domains, turns)


@pytest.mark.parametrize('scale', [1.0, 2.0])
def test_a_test_record_keeps_the_score_of_each_item_in_its_unit(scale):
    told = record(scale=scale)
    items = unpacked(told['item_scores'])
    assert items.mean() == pytest.approx(told['score'], rel=1e-3)
    mean, share = scale * 4 / 6, 5 / 6
    pair = mean + share * (scale * 1 - 2 * mean)
    assert items == pytest.approx([mean + share * (scale * x - mean) for x in (1, 1, 1, 0)] + [pair], rel=1e-3)


def test_a_run_in_turns_is_held_against_the_untrained_model():
    """Another domain may be harder than the first, so that the training loss ends above where it began."""
    turned = {'parts': [[0.1, 0.2], [0.5, 0.3]], 'loss': [3.0, 1.0]}
    assert record(train_loss=[1.0, 2.0], **turned)['status'] == 'ok'
    assert record(train_loss=[1.0, 3.0], **turned)['status'] == 'diverged'
    told = record(scale=2.0, **turned)
    assert told['turns']['two'] == {'first': 2, 'end': 4, 'scores': [0.4, 0.6]} and told['parts'] == {'one': 1.0, 'two': 0.6}


def test_tuning_keeps_none_nor_does_a_run_that_diverged_or_a_split_of_one_item():
    assert 'item_scores' not in record(TUNING)
    diverged = record(train_loss=[1.0, 2.0])
    assert diverged['status'] == 'diverged' and 'item_scores' not in diverged
    assert 'item_scores' not in record(group=np.zeros(6, int))
    assert 'item_scores' not in record(items=1e6 * ITEMS)
