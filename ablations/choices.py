"""Choices: a few numbers without an order that a study may tune a knob over."""

import dataclasses
import math

from ablations.bounds import Bounds
from ablations.ranges import check_numbers, six_digits


@dataclasses.dataclass(frozen=True)
class Choice:
    """One tuned value out of a few numbers without an order, each with an equal strip of the unit coordinate [0, 1).

    A choice has no edges: it is never extended, and no surface is fitted over it.
    """

    values: tuple

    def __post_init__(self):
        if not isinstance(self.values, (tuple, list)):
            raise ValueError(f'choice() of {self.values!r}; give two or more numbers: choice(0.9, 0.99)')
        check_numbers('choice()', {f'value {place}': value for place, value in enumerate(self.values, 1)})
        values = tuple(six_digits(value) for value in self.values)
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
        """The middle of a value's strip; raises ValueError on a value that is not in the choice."""
        if six_digits(value) not in self.values:
            raise ValueError(f'{value} is none of the choice {self.values}; add it to choice(...)')
        return (self.values.index(six_digits(value)) + 0.5) / len(self.values)

    def natural(self, side: str) -> bool:
        """Whether nothing better can lie beyond a side: a choice has no sides, so yes."""
        return True

    def limit(self, side: str) -> float:
        """The unit coordinate up to which a side may be extended: the end of the choice."""
        return 0.0 if side == 'low' else 1.0

    def held_to(self, bounds: Bounds | None) -> 'Choice':
        """The choice itself: it is never extended."""
        return self

    def to_dict(self) -> dict:
        """The choice as plain data."""
        return {'values': self.values}
