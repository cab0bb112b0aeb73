"""Stack: which specs stand at which depth of a body, by the entries of its field `stack`.

An entry is a dictionary: specs for some sockets of a layer, and words that say which layers are meant. A spec without a `kind`
is that of the base with some fields changed; an empty entry is a layer as the base has it.

times    the number of layers in a row, 1 if it is left out
at       'first' or 'last': they are the first, or the last, layers; all others repeat in turn until the body is full
stage    the stage that is meant, from 0, in a hierarchical body; an entry without it is for the stages that no entry names
shared   'all': every layer of the entry has the same parameters (ALBERT, 1909.11942; Zamba, 2405.16712); 'turn': those that
         stand in a row have (MobileLLM, 2402.14905)

Three recurrent layers to one of attention, over whatever depth: `[{'times': 3}, {'mixer': {'kind': 'attention', 'heads': 4}}]`.
"""

import dataclasses
from collections.abc import Mapping, Sequence

from arch.make import did_you_mean

LAYERED = ('position', 'block', 'mixer', 'norm', 'qk_norm', 'residual', 'channel', 'activation')
"""The sockets that may differ by depth."""
ENDS = ('first', 'last')
SHARED = ('all', 'turn')
WORDS = ('times', 'at', 'stage', 'shared')


@dataclasses.dataclass(frozen=True)
class Entry:
    """One entry of a stack, checked."""

    specs: Mapping[str, dict]
    times: int = 1
    at: str = ''
    stage: int | None = None
    shared: str = ''


@dataclasses.dataclass(frozen=True)
class Layer:
    """One layer of a body: the number of its entry (-1 for none), its specs where they are not the base's, its `home`.

    `home` is the layer whose parameters it has, itself or an earlier one. `everywhere`: whether layers far from each other
    have them, so that no scan can hold them.
    """

    entry: int
    specs: Mapping[str, dict]
    home: int
    everywhere: bool = False


def entries(stack: Sequence, stages: int, base: Mapping[str, dict]) -> list[Entry]:
    """The entries of a stack. Raises ValueError, with the number of the entry, for the first that is none."""
    checked = []
    for number, given in enumerate(stack):
        where = f'body.stack[{number}]'
        if not isinstance(given, Mapping):
            raise ValueError(f"{where} is {given!r}; allowed: a dictionary such as {{'times': 2, 'mixer': {{'kind': 'conv'}}}}")
        words = {name: given[name] for name in WORDS if name in given}
        specs = {name: spec for name, spec in given.items() if name not in WORDS}
        for name, spec in specs.items():
            if name not in LAYERED:
                allowed = [*LAYERED, *WORDS]
                raise ValueError(f"{where}: unknown name '{name}'; allowed: {allowed}.{did_you_mean(name, allowed)}")
            if not isinstance(spec, Mapping) or not spec:
                raise ValueError(
                    f"{where}: {name} is {spec!r}; allowed: a spec {{'kind': ..., fields}}, or some fields of the base's kind"
                )
        specs = {name: dict(spec) if 'kind' in spec else {**base[name], **spec} for name, spec in specs.items()}
        _check_words(where, words, stages)
        checked.append(Entry({name: spec for name, spec in specs.items() if spec != base[name]}, **words))
    return checked


def _check_words(where: str, words: Mapping[str, object], stages: int) -> None:
    times, stage = words.get('times', 1), words.get('stage', 0)
    if isinstance(times, bool) or not isinstance(times, int) or times < 1:
        raise ValueError(f'{where}: times={times!r}; allowed: whole numbers from 1; change it')
    if isinstance(stage, bool) or not isinstance(stage, int) or not 0 <= stage < stages:
        raise ValueError(f'{where}: stage={stage!r}; this body has {stages}, counted from 0; change it')
    for name, allowed in (('at', ENDS), ('shared', SHARED)):
        if name in words and words[name] not in allowed:
            raise ValueError(f'{where}: {name}={words[name]!r}; allowed: {list(allowed)}, or leave it out')


def layers(stack: Sequence, stages: Sequence[int], base: Mapping[str, dict]) -> list[Layer]:
    """The layers of a body with these numbers of layers by stage, in order.

    >>> base = {'mixer': {'kind': 'conv', 'kernel': 3}}
    >>> turn = [{'times': 2}, {'mixer': {'kind': 'attention'}}, {'at': 'last', 'mixer': {'kernel': 5}}]
    >>> [layer.specs.get('mixer', {}).get('kind', '') for layer in layers(turn, (5,), base)]
    ['', '', 'attention', '', 'conv']

    Raises ValueError for a wrong entry, for entries that no layer is left for, and for more first and last layers than a
    stage has.
    """
    made = entries(stack, len(stages), base)
    placed: list[Layer] = []
    homes: dict[tuple[int, int, int], int] = {}
    for stage, depth in enumerate(stages):
        own = {number: entry for number, entry in enumerate(made) if entry.stage == stage}
        own = own or {number: entry for number, entry in enumerate(made) if entry.stage is None}
        for number, turn in _in_order(own, depth, stage):
            entry, here = own.get(number, AS_BASE), len(placed)
            everywhere = entry.shared == 'all'
            home = homes.setdefault((stage, number, 0 if everywhere else turn), here) if entry.shared else here
            placed.append(Layer(number, entry.specs, home, everywhere))
    met = {layer.entry for layer in placed}
    left = next((number for number in range(len(made)) if number not in met), None)
    if left is not None:
        raise ValueError(
            f'body.stack[{left}] is no layer of this body, whose stages have {list(stages)} layers; leave it out, or make the '
            'body deeper'
        )
    return placed


AS_BASE = Entry({})


def _in_order(own: Mapping[int, Entry], depth: int, stage: int) -> list[tuple[int, int]]:
    """The entry of each layer of a stage by its number, -1 for none, and its turn: which time that entry comes."""
    first, last = ([(number, 0) for number, entry in own.items() if entry.at == at for _ in range(entry.times)] for at in ENDS)
    between = depth - len(first) - len(last)
    if between < 0:
        raise ValueError(
            f'body.stack has {len(first)} first and {len(last)} last layers, stage {stage} has {depth}; take some away, or '
            'make the body deeper'
        )
    cycle = [number for number, entry in own.items() if not entry.at for _ in range(entry.times)] or [-1]
    turns = [(cycle[place % len(cycle)], place // len(cycle)) for place in range(between)]
    return [*first, *turns, *last]
