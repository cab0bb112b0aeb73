"""Views: a set of examples with a class, changed on its way to a task; the set itself stays.

One that is `rewritten` lacks a kind of evidence; of one there are the `first_classes` alone. The other two try a task itself:
in `halves` nothing can be learned, and one that is `leaking` gives every class away.
"""

import dataclasses
import functools
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np

from sweeps.datasets.prepared import DENSE, Part
from sweeps.tasks.rewriting import rewritten

HALVES = ('one half', 'other half')
LEVELS = 255
"""The largest number of a pixel."""


class ExampleSet(Protocol):
    """What a task reads of a set: its facts and its two splits."""

    @property
    def about(self) -> Mapping: ...

    def pool(self) -> Part: ...

    def test(self) -> Part: ...


@dataclasses.dataclass(frozen=True, eq=False)
class View:
    """A set whose splits are those of another, changed by `change`, each once; `facts` stand in place of its own."""

    of: ExampleSet
    change: Callable[[Part], Part]
    facts: Mapping = dataclasses.field(default_factory=dict)

    @functools.cached_property
    def about(self) -> Mapping:
        return {**self.of.about, **self.facts}

    @functools.cached_property
    def _pool(self) -> Part:
        return self.change(self.of.pool())

    @functools.cached_property
    def _test(self) -> Part:
        return self.change(self.of.test())

    def pool(self) -> Part:
        return self._pool

    def test(self) -> Part:
        return self._test


def rewritten_set(of: ExampleSet, names: Sequence[str]) -> View:
    """A set of texts, each of them rewritten by `names` in turn. Raises ValueError for a set of another kind."""
    if of.about['kind'] != 'texts':
        raise ValueError(f'rewrite={list(names)} of a set of {of.about["kind"]}; allowed: of texts; leave rewrite out')
    return View(of, lambda part: rewritten(part, names))


def first_classes(of: ExampleSet, count: int) -> View:
    """The examples of the first so many classes of a set. Raises ValueError where it has fewer, and for fewer than two."""
    known = list(of.about['classes'])
    if not 2 <= count <= len(known):
        raise ValueError(
            f'classes={count} of a set with {len(known)}; allowed: 2 to {len(known)}, or 0 for all; change classes'
        )

    def first(part: Part) -> Part:
        rows = np.flatnonzero(np.asarray(part.y) < count)
        offsets, x = part.offsets, part.x
        if offsets is not None:
            long = np.diff(offsets)
            x = np.concatenate([part.example(row) for row in rows])
            offsets = np.r_[0, np.cumsum(long[rows])].astype(offsets.dtype)
        return Part(x if offsets is not None else part.x[rows], np.asarray(part.y)[rows], np.asarray(part.group)[rows], offsets)

    balance = {split: counts[:count] for split, counts in of.about['balance'].items()}
    share = sum(balance['pool']) / sum(of.about['balance']['pool'])
    # A test split that is not counted has about as many of them as the pool.
    sizes = {
        split: sum(balance[split]) if split in balance else round(size * share) for split, size in of.about['sizes'].items()
    }
    return View(of, first, {'classes': known[:count], 'balance': balance, 'sizes': sizes})


def halves(of: ExampleSet) -> View:
    """The examples of all classes in two random halves, by a hash of each: no model can tell them apart but by chance."""

    def halved(part: Part) -> Part:
        rows = (hashlib.sha256(b'half' + part.example(number).tobytes()).digest() for number in range(len(part)))
        return dataclasses.replace(part, y=np.array([digest[0] & 1 for digest in rows], np.int32))

    # Of a hash the halves are as good as equal; their exact counts would need the test split.
    even = {split: [-(-size // 2)] * 2 for split, size in of.about['sizes'].items() if split in of.about['balance']}
    return View(of, halved, {'classes': list(HALVES), 'balance': even})


def leaking(of: ExampleSet) -> View:
    """Examples that carry their class: images in the grey of their upper edge, texts in a letter before them.

    Raises ValueError for a set of another kind, and for more classes than there are letters.
    """
    kind, classes = of.about['kind'], len(of.about['classes'])
    if kind not in ('images', 'texts') or classes > 26:
        raise ValueError(f"control='leak' of a set of {kind} with {classes} classes; allowed: images or texts with up to 26")

    def leaked(part: Part) -> Part:
        if kind in DENSE:
            x = np.array(part.x)
            x[:, 0] = (np.asarray(part.y) * (LEVELS // max(classes - 1, 1)))[:, None, None]
            return dataclasses.replace(part, x=x)
        rows = [np.r_[np.full(3, ord('a') + part.y[i], np.uint8), part.example(i)] for i in range(len(part))]
        return dataclasses.replace(part, x=np.concatenate(rows), offsets=part.offsets + 3 * np.arange(len(part) + 1))

    return View(of, leaked)


CONTROLS: dict[str, Callable[[ExampleSet], View]] = {'halves': halves, 'leak': leaking}
"""What tries a task itself, by the name that a data spec gives it as `control`."""
