"""Ranges: ordered values that a study may tune a knob over, continuous or whole numbers."""

import dataclasses
import functools
import math

from ablations.bounds import Bounds, as_bounds

SCALES = ('log', 'linear')


def check_numbers(what: str, numbers: dict) -> None:
    """Raise ValueError for the first of `numbers`, {name: value}, that is no finite number."""
    for name, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise ValueError(f'{what} needs finite numbers, given {name}={value!r}; write it as a number')


def six_digits(value: float) -> float:
    """Six significant digits, so that a value is the same on every machine."""
    return float(f'{value:.6g}')


class _Ordered:
    """What ranges and whole numbers share: their values are ordered, and bounds say how far they may be extended."""

    @property
    def smooth(self) -> bool:
        """Whether the values are ordered, so that a response surface can be fitted over them."""
        return True

    def _within_bounds(self) -> Bounds | None:
        """The bounds that it was given; raises ValueError where the range leaves them."""
        bounds = as_bounds(self.bounds)
        if bounds and (self.low < bounds.low or self.high > bounds.high):
            raise ValueError(f'the range {self.low:g} to {self.high:g} leaves its bounds, {bounds}; keep it within them')
        return bounds

    def _ends_at_bounds(self, side: str) -> bool:
        bounds = self.bounds or Bounds()
        return bounds.fades or self.low <= bounds.low if side == 'low' else self.high >= bounds.high

    def held_to(self, bounds: Bounds | None) -> '_Ordered':
        """The same range within narrower bounds."""
        if bounds is None:
            return self
        return dataclasses.replace(self, bounds=self.bounds.narrowed(bounds) if self.bounds else bounds)

    def to_dict(self) -> dict:
        """The range as plain data; bounds only where it was given some."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        bounds = fields.pop('bounds')
        if bounds is None:
            return fields
        return {**fields, 'bounds': [None if math.isinf(end) else end for end in (bounds.low, bounds.high)]}


@dataclasses.dataclass(frozen=True)
class Range(_Ordered):
    """One tuned value: from `low` to `high`, searched on a log or linear scale.

    Coordinates are *units*: 0 at `low`, 1 at `high`, linear in the log (or the value). An extended range has trials outside [0,
    1]. `bounds` limit extensions; the bounds of the lab's knobs limit them as well.
    """

    low: float
    high: float
    scale: str = 'log'
    bounds: Bounds | None = None

    def __post_init__(self):
        check_numbers('a range', {'low': self.low, 'high': self.high})
        if self.scale not in SCALES:
            raise ValueError(f'scale {self.scale!r} is unknown; allowed: {list(SCALES)}; use log() or linear()')
        if not self.low < self.high:
            raise ValueError(f'the range {self.low} to {self.high} is empty; give low < high')
        if self.scale == 'log' and self.low <= 0:
            raise ValueError(f'a log range needs low > 0, given {self.low}; use linear({self.low}, {self.high})')
        object.__setattr__(self, 'bounds', self._within_bounds())

    @property
    def levels(self) -> float:
        """How many different values there are."""
        return math.inf

    def value(self, unit: float) -> float:
        """The value at a unit coordinate, to six significant digits (so that it is the same on every machine)."""
        if self.scale == 'log':
            low, length = self._logs
            value = math.exp(low + unit * length)
        else:
            value = self.low + unit * (self.high - self.low)
        return six_digits(value)

    def unit(self, value: float) -> float:
        """The unit coordinate of a value."""
        if self.scale == 'log':
            low, length = self._logs
            return (math.log(value) - low) / length
        return (value - self.low) / (self.high - self.low)

    @functools.cached_property
    def _logs(self) -> tuple[float, float]:
        """The logarithm of the low end, and how much higher that of the high end is."""
        return math.log(self.low), math.log(self.high) - math.log(self.low)

    def natural(self, side: str) -> bool:
        """Whether nothing better can lie beyond a side, 'low' or 'high': the range ends at its bounds there.

        >>> from ablations.bounds import SHARE
        >>> share = Range(0.1, 1, 'linear', SHARE)
        >>> share.natural('high'), share.natural('low')
        (True, False)
        """
        return self._ends_at_bounds(side)

    def limit(self, side: str) -> float:
        """The unit coordinate up to which a side may be extended: halfway to its bound.

        On a log scale 0 is infinitely far away, so that only a share has a limit towards it.

        >>> from ablations.bounds import SHARE
        >>> share = Range(0.1, 0.9, 'linear', SHARE)
        >>> share.value(share.limit('high'))
        0.95
        >>> Range(1e-3, 1).limit('low'), Range(1e-3, 1).limit('high')
        (-inf, inf)
        """
        bounds = self.bounds or Bounds()
        end = bounds.low if side == 'low' else bounds.high
        far = self.scale == 'log' and side == 'low' and end <= 0 and not bounds.is_share
        if math.isinf(end) or far:
            return -math.inf if side == 'low' else math.inf
        return self.unit((end + (self.low if side == 'low' else self.high)) / 2)


@dataclasses.dataclass(frozen=True)
class Integer(_Ordered):
    """One tuned whole number: from `low` to `high`, both included, on a linear or (`log`) a log scale.

    Each number owns a strip of the unit coordinate, from halfway to the number before to halfway to the next one; on a log
    scale these are the halves of the numbers, not of their logs. A number's own unit lies in its strip, and equal steps in
    units are equal steps in the number or in its log. Units outside [0, 1] give numbers outside the range.
    """

    low: int
    high: int
    log: bool = False
    bounds: Bounds | None = None

    def __post_init__(self):
        check_numbers('integer()', {'low': self.low, 'high': self.high})
        for name in ('low', 'high'):
            value = getattr(self, name)
            if value != int(value):
                raise ValueError(f'integer() needs whole numbers, given {name}={value!r}; round it, or use linear(low, high)')
            object.__setattr__(self, name, int(value))
        if not isinstance(self.log, bool):
            raise ValueError(f'integer(): log={self.log!r}; allowed: True or False')
        if not self.low < self.high:
            raise ValueError(f'the range {self.low} to {self.high} is empty; give low < high')
        if self.log and self.low < 1:
            raise ValueError(f'a log range of whole numbers needs low >= 1, given {self.low}; use integer(low, high)')
        object.__setattr__(self, 'bounds', self._within_bounds())

    @property
    def levels(self) -> float:
        """How many different values there are."""
        return self.high - self.low + 1

    @property
    def least(self) -> int:
        """The smallest number that an extension may reach: 1, or 0 if the range itself starts there."""
        end = self.bounds.low if self.bounds else -math.inf
        return min(self.low, 1) if math.isinf(end) else max(min(self.low, 1), math.ceil(end))

    @property
    def most(self) -> float:
        """The largest number that an extension may reach, infinity without a bound."""
        end = self.bounds.high if self.bounds else math.inf
        return end if math.isinf(end) else math.floor(end)

    def _along(self, number: float) -> float:
        return math.log(number) if self.log else number

    def _ends(self) -> tuple[float, float]:
        return self._along(self.low - 0.5), self._along(self.high + 0.5)

    def value(self, unit: float) -> float:
        """The whole number at a unit coordinate, to six significant digits."""
        first, last = self._ends()
        along = first + unit * (last - first)
        number = math.floor((math.exp(along) if self.log else along) + 0.5)
        return six_digits(min(max(number, self.least), self.most))

    def unit(self, value: float) -> float:
        """The unit coordinate of a whole number."""
        first, last = self._ends()
        return (self._along(value) - first) / (last - first)

    def natural(self, side: str) -> bool:
        """Whether nothing better can lie beyond a side, 'low' or 'high': a count starts at 1, or at 0 if the range does.

        >>> Integer(1, 4).natural('low'), Integer(2, 4).natural('low'), Integer(1, 4, bounds=(1, 4)).natural('high')
        (True, False, True)
        """
        return self._ends_at_bounds(side) or (self.low <= self.least if side == 'low' else self.high >= self.most)

    def limit(self, side: str) -> float:
        """The unit coordinate up to which a side may be extended: where the strip of the last possible number ends.

        >>> Integer(3, 6).limit('low'), Integer(3, 6).limit('high'), Integer(3, 6, bounds=(0, 8)).limit('high')
        (-0.5, inf, 1.5)
        """
        if side == 'high' and math.isinf(self.most):
            return math.inf
        first, last = self._ends()
        end = self.least - 0.5 if side == 'low' else self.most + 0.5
        return (self._along(end) - first) / (last - first)
