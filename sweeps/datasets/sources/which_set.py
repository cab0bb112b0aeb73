"""which_set: prepared sets put together, where the class of an example is the set it comes from (2403.08632)."""

import dataclasses
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ablations.option_words import option
from sweeps.datasets.giveaways import giveaways
from sweeps.datasets.levelling import Levelling
from sweeps.datasets.material import ROWS, Block, Material, Options
from sweeps.datasets.prepared import Part, Prepared, find
from sweeps.datasets.writing import example_hash

FEWEST = {'pool': 20, 'test': 5}
"""Examples that each split of a set has at least."""
NAMED_GIVEAWAYS = 4
ASIDE = {'texts': 'length=, rewrite=', 'images': 'size=, grey=, jpeg='}
"""What takes giveaways out, by kind of set."""


@dataclasses.dataclass(frozen=True)
class _Chosen:
    """The chosen examples of a split: (number of the set, number in it), and a hash that examples of one group share."""

    places: list[tuple[int, int]]
    digests: list[bytes]


def which_set(source: Path, options: Options, sets: Sequence[str], data: Path | None = None) -> Material:
    """As many examples of each set as the smallest has, of its pool for the pool and of its test split for the test split.

    Images are brought to one form (sweeps/datasets/levelling.py). Which examples are taken follows from their content, and the
    groups of the sets stay together. `source` is the file that names the sets. Raises ValueError for sets of several kinds,
    for images of several sizes where no size is given, and for sets that are too small.
    """
    prepared = [find(name, data) for name in sets]
    kinds = {name: str(one.about['kind']) for name, one in zip(sets, prepared, strict=True)}
    if len(set(kinds.values())) > 1:
        raise ValueError(f'which_set: sets of several kinds, {kinds}; allowed: sets of one kind; leave others out')
    kind = kinds[sets[0]]
    level = _levelling(dict(zip(sets, prepared, strict=True)), kind, options)
    parts = {split: [getattr(one, split)() for one in prepared] for split in FEWEST}
    for split, least in FEWEST.items():
        for name, part in zip(sets, parts[split], strict=True):
            if len(part) < least:
                raise ValueError(
                    f"which_set: '{name}' has {len(part)} {split} examples; allowed: {least} or more of each set; give "
                    'a larger set, or leave it out'
                )
    chosen = {split: _chosen(parts[split], level) for split in FEWEST}
    counts = {split: len(one.places) // len(sets) for split, one in chosen.items()}
    notes = [f'of each set {counts["pool"]:,} examples of the pool and {counts["test"]:,} of test, as many as the smallest has']
    notes += [f'images are brought to {level}'] if isinstance(level, Levelling) else []
    if shared := _shared(chosen['pool']):
        notes.append(f'{shared:,} examples of the pool stand in several sets; nothing can tell where they come from')
    told = _given_away(kind, parts['pool'], chosen['pool'], level, len(sets))
    return Material(
        kind,
        _stream(parts['pool'], chosen['pool'], level),
        _stream(parts['test'], chosen['test'], level),
        [],
        list(sets),
        prepared[0].about.get('rate'),
        counts={split: len(one.places) for split, one in chosen.items()},
        notes=notes,
        split="each set's own test split",
        grouped='by the groups of its set',
        facts={'giveaways': told} if told else {},
    )


def _as_it_is(example: np.ndarray) -> np.ndarray:
    return example


def _levelling(sets: dict[str, Prepared], kind: str, options: Options):
    """What brings examples to one form: a Levelling of images, nothing of others."""
    if kind != 'images':
        if given := [name for name in ('size', 'grey', 'jpeg') if getattr(options, name)]:
            raise ValueError(f'{given[0]} of sets of {kind}; allowed: of images; leave it out')
        return _as_it_is
    shapes = {name: tuple(one.about['shape']) for name, one in sets.items()}
    sizes = {shape[:2] for shape in shapes.values()}
    if not options.size and (len(sizes) > 1 or len(set(sizes.pop())) > 1):
        told = ', '.join(f'{name} {shape[0]} x {shape[1]}' for name, shape in shapes.items())
        raise ValueError(
            f'which_set: the size of an image tells its set ({told}); give one that no set is smaller than: '
            f'{option("size", min(min(shape[:2]) for shape in shapes.values()))}'
        )
    size = options.size or min(min(shape[:2]) for shape in shapes.values())
    if small := [name for name, shape in shapes.items() if min(shape[:2]) < size]:
        raise ValueError(
            f'{option("size", size)}: {small[0]} has images of {shapes[small[0]][0]} x {shapes[small[0]][1]}, and those made '
            f'larger are smooth, which tells their set; allowed: up to {min(min(shape[:2]) for shape in shapes.values())}'
        )
    grey = options.grey or min(shape[2] for shape in shapes.values()) == 1
    return Levelling(size, 1 if grey else 3, options.jpeg or 0)


def _chosen(parts: Sequence[Part], level) -> _Chosen:
    """As many examples of each part, those whose hashes come first."""
    count, places, digests = min(map(len, parts)), [], []
    for number, part in enumerate(parts):
        own = [example_hash(level(part.example(place))) for place in range(len(part))]
        ranked = sorted(range(len(part)), key=lambda place: (hashlib.sha256(own[place]).digest(), place))[:count]
        first: dict[int, bytes] = {}
        for place in sorted(ranked):
            places.append((number, place))
            # Equal examples share a hash, and so do those of one group.
            digests.append(first.setdefault(int(part.group[place]), own[place]))
    return _Chosen(places, digests)


def _shared(chosen: _Chosen) -> int:
    of_sets: dict[bytes, set[int]] = {}
    for (number, _), digest in zip(chosen.places, chosen.digests, strict=True):
        of_sets.setdefault(digest, set()).add(number)
    return sum(len(of_sets[digest]) > 1 for digest in chosen.digests)


def _given_away(kind: str, parts: Sequence[Part], chosen: _Chosen, level, sets: int) -> list[str]:
    y = np.array([number for number, _ in chosen.places])
    order = np.random.default_rng(0).permutation(len(y))
    examples = [level(parts[number].example(place)) for number, place in (chosen.places[i] for i in order)]
    told = giveaways(kind, examples, y[order])
    if not told:
        return []
    named = ', '.join(f'{name} {share:.1%}' for name, share in list(told.items())[:NAMED_GIVEAWAYS])
    return [
        f'one number of an example alone tells its set more often than chance ({1 / sets:.1%}): {named}. Where that is storage '
        f'and not content, take it out: {ASIDE[kind]}'
    ]


def _stream(parts: Sequence[Part], chosen: _Chosen, level) -> Iterator[Block]:
    """Sets in turn, so that the first examples are not all of one."""
    order = np.random.default_rng(0).permutation(len(chosen.places))
    for start in range(0, len(order), ROWS):
        some = order[start : start + ROWS].tolist()
        xs = [np.array(level(parts[chosen.places[i][0]].example(chosen.places[i][1]))) for i in some]
        yield xs, np.array([chosen.places[i][0] for i in some], np.int64), [chosen.digests[i] for i in some]
