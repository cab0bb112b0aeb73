"""Decoders: the base model of a task over tokens, with sizes computed from the declared data.

The classes in sweeps/tasks define the sizes of each kind of data; a test keeps the two equal.
"""

import dataclasses
import math
from collections.abc import Callable

from ablations.tasks import bases

ATTENTION = {'kind': 'attention', 'heads': 2, 'biases': 'needed'}
CONVOLUTION = {'kind': 'depthwise_conv', 'kernel': 5, 'bias': True}


@dataclasses.dataclass(frozen=True)
class Sizes:
    """The sizes of examples that determine a decoder.

    `vocabulary`: the number of input tokens. `length`: the number of positions. `choices`: the number of possible answers, 0
    for the vocabulary. `outputs`: the number of scores at a position, 0 for the vocabulary.
    """

    vocabulary: int
    length: int
    choices: int = 0
    outputs: int = 0

    def __post_init__(self):
        for name in ('choices', 'outputs'):
            object.__setattr__(self, name, getattr(self, name) or self.vocabulary)


def group_order(group: str) -> int:
    """The number of elements of a finite group, by its name in task state_tracking.

    >>> group_order('z2'), group_order('s3'), group_order('a4xz5')
    (2, 6, 60)
    """
    orders = {'z': lambda n: n, 's': math.factorial, 'a': lambda n: max(math.factorial(n) // 2, 1)}
    return math.prod(orders[factor[0]](int(factor[1:])) for factor in group.split('x'))


def _text(tokens: str = 'bytes', vocabulary: int = 0, characters: int = 0, *, length: int, **_: object) -> Sizes:
    """Bytes and characters have a mark beside them, characters also a token for all others."""
    return Sizes({'bytes': 257, 'characters': characters + 2}.get(tokens, vocabulary), length)


def _arithmetic(digits: int, operation: str, **_: object) -> Sizes:
    result = digits + 1 if operation == '+' else 2 * digits
    return Sizes(14, 2 * digits + result + 3, choices=10)


def _event(simulator: dict, form: str) -> tuple[int, int]:
    """The number of different tokens of a simulator in one form, and how many of them write an event."""
    if simulator['kind'] == 'balls':
        size, balls = simulator['size'], simulator['balls']
        screen = simulator['screen'] > 0
        return (2**balls + screen, size**2) if form == 'pixels' else (size + screen, 2 * balls)
    rows, width = simulator['rows'], 2 * simulator['columns'] + 1
    return (5, rows * width) if form == 'pixels' else (max(rows, width) + 1, 4)


def observations(simulator: dict) -> int:
    """The number of different observations of a simulator.

    >>> observations({'kind': 'balls', 'size': 5, 'balls': 2, 'screen': 1})
    441
    >>> observations({'kind': 'doors', 'rows': 3, 'columns': 2})
    49
    """
    if simulator['kind'] == 'balls':
        size, screen = simulator['size'], simulator['screen']
        return (size * (size - screen) + (screen > 0)) ** simulator['balls']
    rows, columns = simulator['rows'], simulator['columns']
    return 2 * rows * columns * (rows + columns - 1) + 1


def _next_observation(simulator: dict, form: str, events: int, **_: object) -> Sizes:
    vocabulary, tokens = _event(simulator, form)
    return Sizes(vocabulary, events * tokens - 1)


def _hidden_variable(simulator: dict, form: str, events: int, variable: str, **_: object) -> Sizes:
    vocabulary, tokens = _event(simulator, form)
    values = 4 if variable == 'direction' else 2
    return Sizes(vocabulary, events * tokens, choices=values, outputs=values)


COORDINATES = {'pendulums': 2, 'planets': 2, 'three_bodies': 6}
"""Motion -> the numbers of an observation."""


def _trajectories(motion: dict, events: int, bits: int, **_: object) -> Sizes:
    return Sizes(2**bits, events * COORDINATES[motion['kind']])


def _hidden_law(motion: dict, events: int, bits: int, **_: object) -> Sizes:
    laws = len(motion['laws'])
    return Sizes(2**bits, events * COORDINATES[motion['kind']], choices=laws, outputs=laws)


def _law_probe(motion: dict, events: int, bits: int, **_: object) -> Sizes:
    return Sizes(2**bits, events * COORDINATES[motion['kind']], choices=len(motion['laws']))


SIZES: dict[str, Callable[..., Sizes]] = {
    'recall': lambda pairs, keys, values, **_: Sizes(keys + values, 3 * pairs, choices=values),
    'induction': lambda tokens, length, asked, **_: Sizes(tokens, length + asked),
    'selective_copying': lambda tokens, length, copies, noise, **_: Sizes(tokens + noise + 1, length + copies, choices=tokens),
    'compression': lambda tokens, length, **_: Sizes(tokens + 1, length + 1, choices=tokens, outputs=length * tokens),
    'fuzzy_recall': lambda pairs, keys, values, longest, **_: Sizes(keys + values + 1, 4 * pairs * longest - 1, choices=values),
    'modular_addition': lambda modulus, **_: Sizes(modulus + 1, 3, choices=modulus),
    'state_tracking': lambda group, length, **_: Sizes(group_order(group), length),
    'arithmetic': _arithmetic,
    'arithmetic_answers': _arithmetic,
    'regular_language': lambda symbols, length, **_: Sizes(symbols, length),
    'protein_families': lambda length, **_: Sizes(256, length),
    'next_observation': _next_observation,
    'hidden_variable': _hidden_variable,
    'trajectories': _trajectories,
    'hidden_law': _hidden_law,
    'law_probe': _law_probe,
    'stdlib_bytes': lambda length, **_: Sizes(256, length),
    'samples': lambda length, **_: Sizes(256, length),
    'pixels': lambda height, channels, size=0, **_: Sizes(256, (size or height) ** 2 * channels),
    'text': _text,
    'molecules': lambda length, **_: Sizes(128, length),
    'origin_bytes': lambda length, **_: Sizes(256, length),
    'picture_language': lambda **_: Sizes(21, 70),
    'facts': lambda names, **_: Sizes(names + 13, 6, choices=4),
    'answered_domains': lambda parts, **_: sizes(parts[0]),
    'mixture': lambda parts, **_: Sizes(257, parts[0]['length']),
}
"""Kind of data -> its sizes by the fields of the declaration."""


def sizes(data: dict, **known: int) -> Sizes:
    """The sizes of declared data; `known` are facts of the dataset: a text's `characters`, an image's `height` and `channels`.

    >>> sizes({'kind': 'recall', 'pairs': 2, 'keys': 8, 'values': 4})
    Sizes(vocabulary=12, length=6, choices=4, outputs=12)
    >>> sizes({'kind': 'pixels', 'dataset': 'cifar10', 'size': 8}, height=32, channels=3).length
    192
    """
    return SIZES[data['kind']](**{name: value for name, value in data.items() if name != 'kind'}, **known)


def decoder(data: dict, width: int, depth: int, mixer: dict, ratio: float, **known: int) -> dict:
    """The small causal model of `bases` for declared data; `known` as for `sizes`."""
    asked = sizes(data, **known)
    base = bases.decoder(asked.vocabulary, length=asked.length, width=width, depth=depth, mixer=mixer, ratio=ratio)
    return {**base, 'head': {**base['head'], 'outputs': asked.outputs}}
