"""Stacks: groups of things of one shape, whose arrays can be computed together."""

import os
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Part, Result = TypeVar('Part'), TypeVar('Result')

LARGEST = 1 << 18
"""How many numbers an array of a stack has at most, unless one thing alone has more: small ones stay near the processor."""
THREADS, MANY = 8, 2 * LARGEST
"""How many parts are worked out at once, at most, and from how many numbers on: fewer are done before threads have begun."""


def stacked(shapes: Sequence[Hashable], size: Sequence[int], work: Callable[[list[int]], Sequence[Result]]) -> list[Result]:
    """The result of each thing: `work` gives those of the things at some places, which have one shape.

    >>> stacked(['a', 'b', 'a'], [1, 1, 1], lambda places: [10 * place for place in places])
    [0, 10, 20]
    """
    groups = list(stacks(shapes, size))
    made = at_once(work, groups, sum(size))
    results = {place: one for places, some in zip(groups, made, strict=True) for place, one in zip(places, some, strict=True)}
    return [results[place] for place in range(len(shapes))]


def at_once(work: Callable[[Part], Result], parts: Sequence[Part], numbers: int) -> list[Result]:
    """The result of each part, a thread for each processor that this process may use; `numbers` is how many there are in all.

    numpy computes without holding other threads up. Results do not depend on it.

    >>> at_once(abs, [-1, 2], numbers=2)
    [1, 2]
    """
    threads = min(len(parts), _processors(), THREADS) if numbers >= MANY else 1
    if threads < 2:
        return [work(part) for part in parts]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, parts))


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1


def stacks(shapes: Sequence[Hashable], size: Sequence[int]) -> Iterator[list[int]]:
    """The places of things of one shape, in stacks that are not too large; `size` is how many numbers each of them takes.

    >>> list(stacks(['a', 'b', 'a'], [1, 1, 1]))
    [[0, 2], [1]]
    """
    alike: dict[Hashable, list[int]] = {}
    for place, shape in enumerate(shapes):
        alike.setdefault(shape, []).append(place)
    for places in alike.values():
        several = max(LARGEST // max(size[places[0]], 1), 1)
        yield from (places[at : at + several] for at in range(0, len(places), several))
