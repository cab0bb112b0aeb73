"""Stacks: groups of things of one shape, whose arrays can be computed together."""

from collections.abc import Hashable, Iterator, Sequence

LARGEST = 1 << 17
"""How many numbers an array of a stack has at most, unless one thing alone has more: small ones stay near the processor."""


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
