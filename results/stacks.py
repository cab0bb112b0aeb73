"""Stacks: groups of things of one shape, whose arrays can be computed together."""

import os
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar('Result')

LARGEST = 1 << 17
"""How many numbers an array of a stack has at most, unless one thing alone has more: small ones stay near the processor."""
THREADS, MANY = 8, 4 * LARGEST
"""How many stacks are worked out at once, at most, and from how many numbers on: fewer are done before threads have begun."""


def stacked(shapes: Sequence[Hashable], size: Sequence[int], work: Callable[[list[int]], Sequence[Result]]) -> list[Result]:
    """The result of each thing: `work` gives those of the things at some places, which have one shape.

    Many stacks are worked out at once, a thread for each processor that this process may use: numpy computes without
    holding other threads up. Results do not depend on it.

    >>> stacked(['a', 'b', 'a'], [1, 1, 1], lambda places: [10 * place for place in places])
    [0, 10, 20]
    """
    groups = list(stacks(shapes, size))
    threads = min(len(groups), _processors(), THREADS) if sum(size) >= MANY else 1
    if threads > 1:
        with ThreadPoolExecutor(threads) as pool:
            made = list(pool.map(work, groups))
    else:
        made = [work(places) for places in groups]
    results = {place: one for places, some in zip(groups, made, strict=True) for place, one in zip(places, some, strict=True)}
    return [results[place] for place in range(len(shapes))]


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
