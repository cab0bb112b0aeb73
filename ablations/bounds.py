"""Bounds: the interval in which a value has a meaning."""

import dataclasses
import math
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True)
class Bounds:
    """From `low` to `high`, both included unless `above` leaves out `low` or `below` leaves out `high`.

    `fades` says that a value near `low` has almost no effect: nothing better can lie below any of its ranges.

    >>> 0.9 in Bounds(0, 1), 1 in Bounds(0, 1), 1 in Bounds(0, 1, below=True)
    (True, True, False)
    >>> str(Bounds()), str(Bounds(0, 1)), str(Bounds(above=True))
    ('0 or more', '0 to 1', 'above 0')
    """

    low: float = 0.0
    high: float = math.inf
    above: bool = False
    below: bool = False
    fades: bool = False

    def __post_init__(self):
        for name in ('low', 'high'):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or math.isnan(value):
                raise ValueError(f'bounds need numbers, given {name}={value!r}; write it as a number')
            object.__setattr__(self, name, float(value))
        if not self.low < self.high:
            raise ValueError(f'the bounds {self.low:g} to {self.high:g} hold nothing; give low < high')

    def __contains__(self, value: float) -> bool:
        return (self.low < value if self.above else self.low <= value) and (
            value < self.high if self.below else value <= self.high
        )

    def __str__(self) -> str:
        if self.low == -math.inf and self.high == math.inf:
            return 'any number'
        if self.high == math.inf:
            return f'above {self.low:g}' if self.above else f'{self.low:g} or more'
        if self.low == -math.inf:
            return f'below {self.high:g}' if self.below else f'{self.high:g} or less'
        return f'{"above " if self.above else ""}{self.low:g} to {"below " if self.below else ""}{self.high:g}'

    @property
    def is_share(self) -> bool:
        """Whether the values are shares or probabilities: from 0 to 1, or to less."""
        return self.low == 0 and self.high <= 1

    def narrowed(self, other: 'Bounds') -> 'Bounds':
        """The intersection of both.

        >>> str(Bounds(0, 1).narrowed(Bounds(0.5, above=True)))
        'above 0.5 to 1'
        """
        low, high = max(self.low, other.low), min(self.high, other.high)
        return Bounds(
            low,
            high,
            above=any(bounds.above for bounds in (self, other) if bounds.low == low),
            below=any(bounds.below for bounds in (self, other) if bounds.high == high),
            fades=self.fades or other.fades,
        )


SHARE = Bounds(0, 1)
"""The bounds of a share or a probability."""


def as_bounds(given: object) -> Bounds | None:
    """The bounds that `(low, high)` says; None and Bounds stay as they are. Raises ValueError on anything else.

    >>> as_bounds((0, 10))
    Bounds(low=0.0, high=10.0, above=False, below=False, fades=False)
    """
    if given is None or isinstance(given, Bounds):
        return given
    if not isinstance(given, Sequence) or isinstance(given, str) or len(given) != 2:
        raise ValueError(f'bounds={given!r}; allowed: two numbers, the lower one first; write e.g. bounds=(0, 1)')
    return Bounds(*given)
