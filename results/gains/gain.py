"""Gain: the claimed and the confirmed gain of a searcher on a task, over its replicates."""

import dataclasses
from collections.abc import Iterable

import numpy as np

from ablations.searched import Searched
from results.statistics import mean_interval

LEVEL = 0.95
LAB = 'lab'


@dataclasses.dataclass(frozen=True)
class Gain:
    """The mean gains of a searcher on a task, in the good direction, each with its 95 % interval over replicates.

    claimed     what its own runs said
    confirmed   what fresh seeds say
    vanished    claimed less confirmed
    beside      confirmed gain less that of the lab in the same replicates; None without the lab, or for itself
    share       confirmed over claimed gain; None where no gain was claimed
    arms        {arm: how many of its searches ended with it}
    runs        the largest number of runs of a search
    searches    how many there are; `diverged` of the runs that confirm them
    """

    searcher: str
    task: str
    claimed: tuple[float, tuple[float, float] | None]
    confirmed: tuple[float, tuple[float, float] | None]
    vanished: tuple[float, tuple[float, float] | None]
    beside: tuple[float, tuple[float, float] | None] | None
    share: float | None
    arms: dict[str, int]
    runs: int
    searches: int
    diverged: int


def _mean(values: Iterable[float]) -> tuple[float, tuple[float, float] | None]:
    sample = np.array(list(values))
    return float(sample.mean()), mean_interval(sample, LEVEL)


def gains(searched: Iterable[Searched]) -> list[Gain]:
    """The gains of each searcher on each task, in the order in which they come.

    >>> one, two = (Searched('greedy', 'digits', r, 'base', 'sgd', 2.0 + r, (1.0,), (2.0,), 8, 0) for r in range(2))
    >>> (made,) = gains([one, two])
    >>> made.claimed[0], made.confirmed[0], made.share, made.arms
    (2.5, 1.0, 0.4, {'base': 2})
    """
    by_key: dict[tuple[str, str], list[Searched]] = {}
    for one in searched:
        by_key.setdefault((one.task, one.searcher), []).append(one)
    made = []
    for (task, searcher), own in by_key.items():
        lab = {one.replicate: one.confirmed for one in by_key.get((task, LAB), ())}
        pairs = [one.confirmed - lab[one.replicate] for one in own if one.replicate in lab]
        claimed, confirmed = _mean(one.claimed for one in own), _mean(one.confirmed for one in own)
        arms = [one.arm for one in own]
        made.append(
            Gain(
                searcher,
                task,
                claimed,
                confirmed,
                _mean(one.claimed - one.confirmed for one in own),
                _mean(pairs) if pairs and searcher != LAB else None,
                confirmed[0] / claimed[0] if claimed[0] > 0 else None,
                {arm: arms.count(arm) for arm in dict.fromkeys(arms)},
                max(one.runs for one in own),
                len(own),
                sum(one.diverged for one in own),
            )
        )
    return made
