"""Spreads: the ways to spread the parameters of a lane over devices, for runs (the first that fits is taken) and for plans."""

from collections.abc import Iterator


def spreads(devices: int) -> Iterator[tuple[int, bool]]:
    """Over how many devices parameters are spread, and whether a step gathers them; the fastest way first.

    >>> list(spreads(4))
    [(1, True), (2, True), (4, True), (2, False), (4, False)]
    """
    counts = [count for count in range(1, devices + 1) if devices % count == 0]
    yield from ((count, True) for count in counts)
    yield from ((count, False) for count in counts[1:])
