"""Search spaces: for each optimizer type, the range of every tuned value."""

import dataclasses
import math

SCALES = ('log', 'linear')
FRACTIONS = ('b1', 'b2', 'momentum', 'beta', 'warmup_fraction', 'final_fraction', 'label_smoothing', 'drop_path')
FRACTIONS += ('cutmix_share', 'erase_area', 'jitter_hue', 'resized_crop_scale_low')
"""Tuned values that live in [0, 1]; a bound at 0 or 1 is natural: no better value can lie beyond it."""


def is_fraction(name: str) -> bool:
    """Whether a tuned value is a share or a probability."""
    return name in FRACTIONS or name.endswith('_probability')


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
    trials outside [0, 1].
    """

    low: float
    high: float
    scale: str = 'log'

    def __post_init__(self):
        _check_numbers('a range', {'low': self.low, 'high': self.high})
        if self.scale not in SCALES:
            raise ValueError(f'scale {self.scale!r} is unknown; allowed: {list(SCALES)}; use log() or linear()')
        if not self.low < self.high:
            raise ValueError(f'the range {self.low} to {self.high} is empty; give low < high')
        if self.scale == 'log' and self.low <= 0:
            raise ValueError(f'a log range needs low > 0, given {self.low}; use linear({self.low}, {self.high})')

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
        return min(self.low, 1)

    def _along(self, number: float) -> float:
        return math.log(number) if self.log else number

    def _ends(self) -> tuple[float, float]:
        return self._along(self.low - 0.5), self._along(self.high + 0.5)

    def value(self, unit: float) -> float:
        """The whole number at a unit coordinate, to six significant digits."""
        first, last = self._ends()
        along = first + unit * (last - first)
        number = math.floor((math.exp(along) if self.log else along) + 0.5)
        return _six(max(number, self.least))

    def unit(self, value: float) -> float:
        """The unit coordinate of a whole number."""
        first, last = self._ends()
        return (self._along(value) - first) / (last - first)

    def lowest(self) -> float:
        """The unit coordinate at which the strip of `least` begins."""
        first, last = self._ends()
        return (self._along(self.least - 0.5) - first) / (last - first)


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


Tunable = Range | Integer | Choice
"""What a space may hold for a tuned value."""


def log(low: float, high: float) -> Range:
    """A range searched on a log scale, for rates and decays."""
    return Range(low, high, 'log')


def linear(low: float, high: float) -> Range:
    """A range searched on a linear scale, for fractions."""
    return Range(low, high, 'linear')


def integer(low: int, high: int, log: bool = False) -> Integer:
    """Whole numbers from `low` to `high`, searched on a linear or a log scale."""
    return Integer(low, high, log)


def choice(*values: float) -> Choice:
    """A few numbers without an order, such as two values of a beta."""
    return Choice(values)


def natural(name: str, space: Tunable, side: str) -> bool:
    """Whether nothing better can lie beyond this side.

    So it is of weight decay towards 0, of fractions at 0 or 1, of whole numbers at 0 or 1, and of both sides of a choice.
    """
    if isinstance(space, Choice):
        return True
    if name == 'weight_decay':
        return side == 'low'
    if is_fraction(name):
        return space.low <= 0 if side == 'low' else space.high >= 1
    return isinstance(space, Integer) and side == 'low' and space.low <= space.least


def limit(name: str, space: Tunable, side: str) -> float:
    """The unit coordinate past which `name` has no meaning.

    A fraction stops halfway between its bound and 0 or 1, a whole number at 1 (or 0), a choice at its ends.
    """
    if isinstance(space, Choice):
        return 0.0 if side == 'low' else 1.0
    if isinstance(space, Integer):
        return space.lowest() if side == 'low' else math.inf
    if is_fraction(name):
        return space.unit(space.low / 2) if side == 'low' else space.unit((1 + space.high) / 2)
    if space.scale == 'linear' and side == 'low' and space.low >= 0:
        return space.unit(space.low / 2)
    return -math.inf if side == 'low' else math.inf


ADAMW = {'lr': log(1e-4, 3e-2), 'weight_decay': log(1e-3, 1.0)}
SGD = {'lr': log(3e-3, 1.0), 'weight_decay': log(1e-5, 1e-2)}
LION = {'lr': log(1e-5, 3e-3), 'weight_decay': log(1e-2, 10.0)}
MUON = {'lr': log(3e-4, 1e-1), 'weight_decay': log(1e-3, 1.0)}
SPACES = {'adamw': ADAMW, 'sgd': SGD, 'lion': LION, 'muon': MUON}
"""Default ranges; weight decay is decoupled and multiplied by the learning rate in every optimizer."""


def check_space(tune: dict) -> None:
    """Raise ValueError where a space is not {optimizer: {value: range}} with a learning rate above 0 and no seed."""
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
            if name == 'lr' and values.low <= 0:
                raise ValueError(f"tune['{optimizer}']['lr'] starts at {values.low}; a learning rate is > 0: raise low")
            if is_fraction(name) and not (values.low >= 0 and values.high <= 1):
                raise ValueError(f"tune['{optimizer}']['{name}'] is a fraction; keep the range within 0 and 1")
            if values.low < 0:
                raise ValueError(f"tune['{optimizer}']['{name}'] starts at {values.low}; allowed: 0 or more; raise low")
        if 'lr' not in space:
            raise ValueError(f"tune['{optimizer}'] has no 'lr'; every model is tuned for its own learning rate: add one")
