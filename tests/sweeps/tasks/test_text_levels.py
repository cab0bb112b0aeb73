"""What the bases of text tasks reach in their budget, trained as a worker trains them, and what a reference coder needs.

Levels lie above what was measured with one seed; change one only if you meant to change base, budget or data.
"""

from collections.abc import Callable

import pytest
from one_lane import train_one

from ablations.tasks import TASKS
from sweeps.tasks.coders import reference
from sweeps.training.preflight import task_of


@pytest.mark.slow
def test_bytes_of_the_standard_library():
    record = train_one('stdlib_bytes', lr=4e-2, weight_decay=0.1)
    assert record['status'] == 'ok' and record['score'] < 2.4


@pytest.mark.slow
def test_characters_of_shakespeare(shared: Callable[[str], None]):
    shared('tiny_shakespeare')
    record = train_one('tiny_shakespeare', lr=3e-3, weight_decay=0.1)
    assert record['status'] == 'ok' and record['score'] < 1.65


@pytest.mark.slow
@pytest.mark.parametrize(('name', 'level'), [('tiny_shakespeare_bytes', 3.0), ('tinystories', 1.5)])
def test_bits_per_byte(shared: Callable[[str], None], name: str, level: float):
    shared(TASKS[name].dataset)
    record = train_one(name, lr=6e-3, weight_decay=0.1)
    assert record['status'] == 'ok' and record['score'] < level


@pytest.mark.slow
def test_three_languages_at_once(shared: Callable[[str], None]):
    for dataset in ('tiny_shakespeare', 'tinystories', 'zinc'):
        shared(dataset)
    record = train_one('languages', lr=6e-3, weight_decay=0.1)
    assert record['status'] == 'ok' and record['score'] < 2.05
    parts = record['parts']
    assert parts['zinc'] < parts['tinystories'] < parts['tiny_shakespeare'] < TASKS['languages'].chance


@pytest.mark.slow
def test_molecules_beat_their_reference_coder(shared: Callable[[str], None]):
    shared('zinc')
    record = train_one('zinc', lr=3e-3, weight_decay=0.1)
    assert record['status'] == 'ok' and record['score'] < reference(task_of(TASKS['zinc'].data))['best']
