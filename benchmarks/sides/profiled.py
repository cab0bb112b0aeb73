"""Profiled: where the time of a step goes, in the same groups on both sides.

An instruction counts as often as it ran, each time at the least that it took: a busy moment of the machine is no part of it.
"""

from collections.abc import Iterable

GROUPS = ('products', 'attention', 'depthwise', 'norms', 'activation', 'rest')
"""Products are those of Dense layers, forward and backward; attention has its own, and the softmax."""


def grouped(timed: Iterable[tuple[str, str, float]], steps: int) -> dict[str, float]:
    """Milliseconds of a step by group, from (group, instruction, microseconds) of so many steps.

    >>> grouped([('norms', 'a', 1000.0), ('norms', 'a', 3000.0), ('rest', 'b', 500.0)], steps=1)
    {'products': 0.0, 'attention': 0.0, 'depthwise': 0.0, 'norms': 2.0, 'activation': 0.0, 'rest': 0.5}
    """
    times: dict[tuple[str, str], list[float]] = {}
    for group, instruction, microseconds in timed:
        times.setdefault((group, instruction), []).append(microseconds)
    spent = dict.fromkeys(GROUPS, 0.0)
    for (group, _), each in times.items():
        spent[group] += min(each) * len(each) / 1e3 / steps
    return {group: round(ms, 3) for group, ms in spent.items()}
