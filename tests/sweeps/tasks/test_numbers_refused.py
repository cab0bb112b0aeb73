"""Every number of every task, simulator, motion and augmentation has a bound below: -1 is refused in words that name it."""

import dataclasses
import re

import pytest

from sweeps.augment import AUGMENTS
from sweeps.tasks import TASKS
from sweeps.tasks.simulators import SIMULATORS
from sweeps.tasks.trajectories import MOTIONS

KINDS = {**TASKS, **SIMULATORS, **MOTIONS, **AUGMENTS}
LATER = {
    *(
        f'{name} {field}'
        for name in ('digits', 'stdlib_bytes', 'images', 'pixels', 'samples', 'series')
        for field in ('train', 'held')
    ),
    'pixels size',
    'answered_domains train',
    *(f'spoken_digits {field}' for field in ('length', 'window', 'hop', 'mels', 'train', 'held')),
}
"""What is held to the data when these are read."""
NUMBERS = [
    (name, field.name)
    for name, kind in KINDS.items()
    for field in dataclasses.fields(kind)
    if type(field.default) in (int, float) and f'{name} {field.name}' not in {*LATER, 'regular_language number'}
]


@pytest.mark.parametrize(('name', 'field'), NUMBERS, ids=[f'{name}-{field}' for name, field in NUMBERS])
def test_a_number_below_its_bound_is_refused(name, field):
    with pytest.raises(ValueError, match=r'allowed') as error:
        KINDS[name](**{field: -1})
    said = str(error.value)
    assert '-1' in said and any(word in said for word in (field, field.replace('high', 'low')))


@pytest.mark.parametrize(('name', 'field'), NUMBERS, ids=[f'{name}-{field}' for name, field in NUMBERS])
def test_a_bound_is_allowed_itself(name, field):
    """Where a refusal names the least number, that one is not refused for it, and the one before is."""

    def said(value: int) -> str:
        try:
            KINDS[name](**{field: value})
        except ValueError as error:
            return str(error)
        return ''

    if least := re.search(rf'{field}=-1; allowed: (\d+)(?: \([^)]*\))? or more;', said(-1)):
        bound = int(least[1])
        assert f'{field}={bound};' not in said(bound) and f'{field}={bound - 1};' in said(bound - 1)
