"""Search spaces: for each optimizer type, the range of every tuned value."""

import dataclasses
import functools
import math

from ablations.bounds import SHARE, Bounds, as_bounds
from ablations.knobs import knob_of

SCALES = ('log', 'linear')


def _check_numbers(what: str, numbers: dict) -> None:
    for name, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise ValueError(f'{what} needs finite numbers, given {name}={value!r}; write it as a number')


def _six(value: float) -> float:
    """Six significant digits, so that a value is the same on every machine."""
    return float(f'{value:.6g}')


@dataclasses.dataclass(frozen=True)
class Range:
    """One tuned value: from `low` to `high`, searched on a log or linear scale.

    Coordinates are *units*: 0 at `low`, 1 at `high`, linear in the log (or the value); a range that was extended has
    trials outside [0, 1]. `bounds` say how far it may be extended at all, where the knob that it sets does not say so.
    """

    low: float
    high: float
    scale: str = 'log'
    bounds: Bounds | None = None

    def __post_init__(self):
        _check_numbers('a range', {'low': self.low, 'high': self.high})
        if self.scale not in SCALES:
            raise ValueError(f'scale {self.scale!r} is unknown; allowed: {list(SCALES)}; use log() or linear()')
        if not self.low < self.high:
            raise ValueError(f'the range {self.low} to {self.high} is empty; give low < high')
        if self.scale == 'log' and self.low <= 0:
            raise ValueError(f'a log range needs low > 0, given {self.low}; use linear({self.low}, {self.high})')
        object.__setattr__(self, 'bounds', _bounds_around(self))

    @property
    def smooth(self) -> bool:
        """Whether the values are ordered, so that a response surface can be fitted over them."""
        return True

    @property
    def levels(self) -> float:
        """How many different values there are."""
        return math.inf

    def value(self, unit: float) -> float:
        """The value at a unit coordinate, to six significant digits (so that it is the same on every machine)."""
        if self.scale == 'log':
            value = math.exp(math.log(self.low) + unit * (math.log(self.high) - math.log(self.low)))
        else:
            value = self.low + unit * (self.high - self.low)
        return _six(value)

    def unit(self, value: float) -> float:
        """The unit coordinate of a value."""
        if self.scale == 'log':
            return (math.log(value) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        return (value - self.low) / (self.high - self.low)

    def natural(self, side: str) -> bool:
        """Whether nothing better can lie beyond a side, 'low' or 'high': the range ends at its bounds there.

        >>> fraction(0.1, 1).natural('high'), fraction(0.1, 1).natural('low')
        (True, False)
        """
        return _ends_at_bounds(self, side)

    def limit(self, side: str) -> float:
        """The unit coordinate up to which a side may be extended: halfway to its bound.

        On a log scale 0 is infinitely far away, so that only a share has a limit towards it.

        >>> fraction(0.1, 0.9).value(fraction(0.1, 0.9).limit('high'))
        0.95
        >>> log(1e-3, 1).limit('low'), log(1e-3, 1).limit('high')
        (-inf, inf)
        """
        bounds = self.bounds or Bounds()
        end = bounds.low if side == 'low' else bounds.high
        far = self.scale == 'log' and side == 'low' and end <= 0 and not bounds.is_share
        if math.isinf(end) or far:
            return -math.inf if side == 'low' else math.inf
        return self.unit((end + (self.low if side == 'low' else self.high)) / 2)

    def held_to(self, bounds: Bounds | None) -> 'Range':
        """The same range within narrower bounds."""
        return _held_to(self, bounds)

    def to_dict(self) -> dict:
        """The range as plain data; bounds only where it was given some."""
        return _to_dict(self)


@dataclasses.dataclass(frozen=True)
class Integer:
    """One tuned whole number: from `low` to `high`, both included, on a linear or (`log`) a log scale.

    Each number owns a strip of the unit coordinate, from halfway to the number before to halfway to the next one (on a log
    scale the halves are those of the numbers, not of their logs); a number's own unit lies within its strip, so that equal
    steps in units are equal steps in the number or in its log. Units outside [0, 1] give numbers outside the range.
    """

    low: int
    high: int
    log: bool = False
    bounds: Bounds | None = None

    def __post_init__(self):
        _check_numbers('integer()', {'low': self.low, 'high': self.high})
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
        object.__setattr__(self, 'bounds', _bounds_around(self))

    @property
    def smooth(self) -> bool:
        """Whether the values are ordered, so that a response surface can be fitted over them."""
        return True

    @property
    def levels(self) -> float:
        """How many different values there are."""
        return self.high - self.low + 1

    @property
    def least(self) -> int:
        """The smallest number that an extension may reach: a count stops at 1, or at 0 where the range itself starts there."""
        end = self.bounds.low if self.bounds else -math.inf
        return min(self.low, 1) if math.isinf(end) else max(min(self.low, 1), math.ceil(end))

    @property
    def most(self) -> float:
        """The largest number that an extension may reach, infinity where nothing bounds it."""
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
        return _six(min(max(number, self.least), self.most))

    def unit(self, value: float) -> float:
        """The unit coordinate of a whole number."""
        first, last = self._ends()
        return (self._along(value) - first) / (last - first)

    def natural(self, side: str) -> bool:
        """Whether nothing better can lie beyond a side, 'low' or 'high': a count starts at 1, or at 0 where it begins there.

        >>> integer(1, 4).natural('low'), integer(2, 4).natural('low'), integer(1, 4, bounds=(1, 4)).natural('high')
        (True, False, True)
        """
        return _ends_at_bounds(self, side) or (self.low <= self.least if side == 'low' else self.high >= self.most)

    def limit(self, side: str) -> float:
        """The unit coordinate up to which a side may be extended: where the strip of the last possible number ends.

        >>> integer(3, 6).limit('low'), integer(3, 6).limit('high'), integer(3, 6, bounds=(0, 8)).limit('high')
        (-0.5, inf, 1.5)
        """
        if side == 'high' and math.isinf(self.most):
            return math.inf
        first, last = self._ends()
        end = self.least - 0.5 if side == 'low' else self.most + 0.5
        return (self._along(end) - first) / (last - first)

    def held_to(self, bounds: Bounds | None) -> 'Integer':
        """The same numbers within narrower bounds."""
        return _held_to(self, bounds)

    def to_dict(self) -> dict:
        """The numbers as plain data; bounds only where they were given some."""
        return _to_dict(self)


@dataclasses.dataclass(frozen=True)
class Choice:
    """One tuned value out of a few numbers without an order, each with an equal strip of the unit coordinate [0, 1).

    A choice has no edges: it is never extended, and no surface is fitted over it.
    """

    values: tuple

    def __post_init__(self):
        if not isinstance(self.values, (tuple, list)):
            raise ValueError(f'choice() of {self.values!r}; give two or more numbers: choice(0.9, 0.99)')
        _check_numbers('choice()', {f'value {place}': value for place, value in enumerate(self.values, 1)})
        values = tuple(_six(value) for value in self.values)
        if len(values) < 2 or len(set(values)) < len(values):
            raise ValueError(f'choice{tuple(self.values)}: allowed are two or more different numbers; fix a value with fixed=')
        object.__setattr__(self, 'values', values)

    @property
    def smooth(self) -> bool:
        """Whether the values are ordered, so that a response surface can be fitted over them."""
        return False

    @property
    def levels(self) -> float:
        """How many different values there are."""
        return len(self.values)

    @property
    def low(self) -> float:
        return min(self.values)

    @property
    def high(self) -> float:
        return max(self.values)

    def value(self, unit: float) -> float:
        """The value that owns a unit coordinate; the first and the last own all that lies outside [0, 1)."""
        return self.values[min(max(math.floor(unit * len(self.values)), 0), len(self.values) - 1)]

    def unit(self, value: float) -> float:
        """The middle of the strip of a value; raises ValueError on a value that is none of the choice."""
        if _six(value) not in self.values:
            raise ValueError(f'{value} is none of the choice {self.values}; add it to choice(...)')
        return (self.values.index(_six(value)) + 0.5) / len(self.values)

    def natural(self, side: str) -> bool:
        """Whether nothing better can lie beyond a side: a choice has no sides, so yes."""
        return True

    def limit(self, side: str) -> float:
        """The unit coordinate up to which a side may be extended: a choice ends where it ends."""
        return 0.0 if side == 'low' else 1.0

    def held_to(self, bounds: Bounds | None) -> 'Choice':
        """Itself: nothing is ever added to a choice."""
        return self

    def to_dict(self) -> dict:
        """The choice as plain data."""
        return {'values': self.values}


Tunable = Range | Integer | Choice
"""What a space may hold for a tuned value."""


def _bounds_around(item: Range | Integer) -> Bounds | None:
    """The bounds that a range was given; raises ValueError where it leaves them."""
    bounds = as_bounds(item.bounds)
    if bounds and not bounds.low <= item.low < item.high <= bounds.high:
        raise ValueError(f'the range {item.low:g} to {item.high:g} leaves its bounds, {bounds}; keep it within them')
    return bounds


def _ends_at_bounds(item: Range | Integer, side: str) -> bool:
    bounds = item.bounds or Bounds()
    return bounds.fades or item.low <= bounds.low if side == 'low' else item.high >= bounds.high


def _held_to(item: Range | Integer, bounds: Bounds | None) -> Range | Integer:
    if bounds is None:
        return item
    return dataclasses.replace(item, bounds=item.bounds.narrowed(bounds) if item.bounds else bounds)


def _to_dict(item: Range | Integer) -> dict:
    fields = {field.name: getattr(item, field.name) for field in dataclasses.fields(item)}
    bounds = fields.pop('bounds')
    if bounds is None:
        return fields
    return {**fields, 'bounds': [None if math.isinf(end) else end for end in (bounds.low, bounds.high)]}


def log(low: float, high: float, bounds: tuple[float, float] | None = None) -> Range:
    """A range searched on a log scale, for rates and decays; it is never extended past its bounds.

    >>> log(1e-4, 1e-2).value(0.5)
    0.001
    """
    return Range(low, high, 'log', bounds)


def linear(low: float, high: float, bounds: tuple[float, float] | None = None) -> Range:
    """A range searched on a linear scale; it is never extended past its bounds.

    >>> linear(2, 4).value(0.5), linear(2, 4, bounds=(0, 5)).limit('high')
    (3.0, 1.25)
    """
    return Range(low, high, 'linear', bounds)


def fraction(low: float, high: float) -> Range:
    """A share or a probability, searched on a linear scale: it is never extended below 0 or past 1.

    The lab knows this of its own knobs, so that `linear` does for them; a knob of your own is one only if you say so.

    >>> fraction(0.1, 0.9).value(0.5)
    0.5
    >>> fraction(0.1, 1.2)
    Traceback (most recent call last):
    ValueError: the range 0.1 to 1.2 leaves its bounds, 0 to 1; keep it within them
    """
    return Range(low, high, 'linear', SHARE)


def integer(low: int, high: int, log: bool = False, bounds: tuple[int, int] | None = None) -> Integer:
    """Whole numbers from `low` to `high`, searched on a linear or a log scale; never extended past the bounds.

    >>> [integer(1, 4).value(unit) for unit in (0, 0.3, 0.6, 0.9)]
    [1.0, 2.0, 3.0, 4.0]
    """
    return Integer(low, high, log, bounds)


def choice(*values: float) -> Choice:
    """A few numbers without an order, such as two values of a beta.

    >>> [choice(0.9, 0.99).value(unit) for unit in (0.2, 0.7)]
    [0.9, 0.99]
    """
    return Choice(values)


@functools.lru_cache(1024)
def bounded(name: str, values: Tunable) -> Tunable:
    """A range with the bounds of the knob that it sets, or with narrower ones of its own.

    >>> bounded('drop_path', linear(0, 0.9)).natural('high'), bounded('drop_path', linear(0, 1)).natural('high')
    (False, True)
    """
    knob = knob_of(name)
    return values.held_to(knob.bounds if knob else None)


ADAMW = {'lr': log(1e-4, 3e-2), 'weight_decay': log(1e-3, 1.0)}
SGD = {'lr': log(3e-3, 1.0), 'weight_decay': log(1e-5, 1e-2)}
LION = {'lr': log(1e-5, 3e-3), 'weight_decay': log(1e-2, 10.0)}
MUON = {'lr': log(3e-4, 1e-1), 'weight_decay': log(1e-3, 1.0)}
SPACES = {'adamw': ADAMW, 'sgd': SGD, 'lion': LION, 'muon': MUON}
"""Default ranges; weight decay is decoupled and multiplied by the learning rate in every optimizer."""


def reach(values: Tunable, extended: bool) -> tuple[float, float]:
    """The lowest and the highest value that a tuned value may come to, with or without extensions of its range.

    >>> reach(fraction(0.1, 0.9), extended=True), reach(linear(0.1, 0.9), extended=True), reach(choice(2, 4), extended=True)
    ((0.0, 1.0), (0.0, inf), (2.0, 4.0))
    """
    bounds = Bounds() if isinstance(values, Choice) else values.bounds or Bounds()
    low = bounds.low if extended and not values.natural('low') else values.low
    high = bounds.high if extended and not values.natural('high') else values.high
    return low, high


def _check_ends(where: str, name: str, values: Tunable) -> None:
    """Raise ValueError where a range leaves the bounds of the knob that it sets; a knob that nobody knows is 0 or more.

    The high end of a log or linear range may be one that the knob leaves out: no search proposes it.
    """
    knob = knob_of(name)
    own = Bounds() if isinstance(values, Choice) or values.bounds is None else values.bounds
    bounds, about = (knob.bounds, f' ({knob.about})') if knob else (own, '')
    fix = f'; {knob.instead}' if knob and knob.instead else ''
    fix = fix if knob else '; or say the bounds of a knob of your own: bounds=(low, high)'
    if values.low not in bounds:
        raise ValueError(f'{where} starts at {values.low}; allowed: {bounds}{about}; raise low{fix}')
    if values.high not in bounds and not (isinstance(values, Range) and values.high == bounds.high):
        raise ValueError(f'{where} ends at {values.high}; allowed: {bounds}{about}; lower high{fix}')


def check_space(tune: dict) -> None:
    """Raise ValueError where a space is not {optimizer: {value: range}} with a learning rate and no seed, all within bounds."""
    if not isinstance(tune, dict) or not tune:
        raise ValueError(f'tune={tune!r} is empty; give {{optimizer: {{value: range}}}}, e.g. {{"adamw": SPACES["adamw"]}}')
    for optimizer, space in tune.items():
        if not isinstance(optimizer, str):
            raise ValueError(f'tune[{optimizer!r}]: an optimizer is given by its name in quotes')
        if not isinstance(space, dict) or not space:
            raise ValueError(f"tune['{optimizer}']={space!r} is not a space; give {{'lr': log(1e-4, 1e-2), ...}}")
        for name, values in space.items():
            if not isinstance(name, str):
                raise ValueError(f"tune['{optimizer}'][{name!r}]: a tuned value is given by its name in quotes")
            if 'seed' in name.lower():
                raise ValueError(
                    f"tune['{optimizer}']['{name}']: seeds are never tuned, they are the noise that is measured; "
                    'remove it (more seeds: Study(seeds=...), more tunings: Study(replicates=...))'
                )
            if not isinstance(values, Tunable):
                raise ValueError(
                    f"tune['{optimizer}']['{name}']={values!r} is not a range; use log(low, high), linear(low, high), "
                    'integer(low, high) or choice(v1, v2, ...)'
                )
            if name == 'lr' and not isinstance(values, Range):
                raise ValueError(
                    f"tune['{optimizer}']['lr']={values!r}; selection fits a curve over the learning rate: use log(low, high)"
                )
            _check_ends(f"tune['{optimizer}']['{name}']", name, values)
        if 'lr' not in space:
            raise ValueError(f"tune['{optimizer}'] has no 'lr'; every model is tuned for its own learning rate: add one")
