"""Definition: a study as plain data, as bundles and runs folders keep it, and the study that it defines.

A definition holds no code. Of a block file it has the hash, so the study that is made of it can be planned, read and judged,
but not trained.
"""

import dataclasses
from collections.abc import Callable, Mapping

from ablations.choices import Choice
from ablations.config import Put, Swap, closest, put, swap
from ablations.ranges import Integer, Range
from ablations.study import Study
from ablations.tasks import Task

DERIVED = ('base',)
"""What a definition holds beside the fields of a study."""
UNSAID = {'share': True}
"""What a definition means that does not say it: what every study did before there was such a field."""


def study_of(definition: Mapping) -> Study:
    """The study that `Study.to_dict` described, with the same digest; raises ValueError on anything else.

    >>> from ablations.studies import STUDIES
    >>> study_of(STUDIES['quickstart'].to_dict()).digest == STUDIES['quickstart'].digest
    True
    """
    if not isinstance(definition, Mapping):
        raise ValueError(f'a definition is an object with the fields of a study, given {type(definition).__name__}')
    known = [field.name for field in dataclasses.fields(Study)]
    for name in definition:
        if name not in (*known, *DERIVED):
            raise ValueError(
                f"the definition has '{name}', which no study of this lab has; update the lab.{closest(name, known)}"
            )
    try:
        said = {**UNSAID, **definition}
        fields = {name: MADE[name](value) if name in MADE else value for name, value in said.items() if name in known}
        blocks = fields.pop('blocks', '')
        study = Study(**fields)
        if not isinstance(blocks, str):
            raise TypeError(f'blocks={blocks!r} is no hash')
    except (TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(
            f'the definition is damaged ({type(error).__name__}: {error}); take it from where it was made'
        ) from None
    study.__dict__['blocks_hash'] = blocks  # the property reads a file, and a definition knows the hash only
    return study


def change_of(described: Mapping) -> Put | Swap:
    """The change that its `to_dict` described.

    >>> change_of({'swap': 'norm', 'kind': 'rms_norm', 'fields': {}})
    Swap(path='norm', kind='rms_norm', fields=())
    """
    if 'put' in described:
        return put(described['put'], described['value'])
    return Swap(described['swap'], described['kind'], swap('', '', **described['fields']).fields)


def _range_of(described: Mapping) -> Range | Integer | Choice:
    if 'values' in described:
        return Choice(tuple(described['values']))
    fields = dict(described)
    if fields.get('bounds') is not None:
        low, high = fields['bounds']
        fields['bounds'] = (float('-inf') if low is None else low, float('inf') if high is None else high)
    return (Integer if 'log' in fields else Range)(**fields)


def _each(made: Callable) -> Callable:
    return lambda described: {name: made(one) for name, one in described.items()}


MADE = {
    'arms': _each(lambda changes: tuple(map(change_of, changes))),
    'tasks': lambda tasks: tuple(Task(**fields) for fields in tasks),
    'tune': _each(_each(_range_of)),
    'own': _each(_each(_range_of)),
    'looks': tuple,
    'shares': tuple,
    'halvings': tuple,
}
"""How fields are made that are more than plain data."""
