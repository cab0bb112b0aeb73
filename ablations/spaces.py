"""Search spaces: for each optimizer type, the range of every tuned value."""

import dataclasses
import math

SCALES = ('log', 'linear')
FRACTIONS = ('b1', 'b2', 'momentum', 'beta', 'warmup_fraction', 'label_smoothing', 'drop_path')
"""Tuned values that live in [0, 1]; a bound at 0 or 1 is natural: no better value can lie beyond it."""


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
        for name in ('low', 'high'):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
                raise ValueError(f'a range needs finite numbers, given {name}={value!r}; write it as a number')
        if self.scale not in SCALES:
            raise ValueError(f'scale {self.scale!r} is unknown; allowed: {list(SCALES)}; use log() or linear()')
        if not self.low < self.high:
            raise ValueError(f'the range {self.low} to {self.high} is empty; give low < high')
        if self.scale == 'log' and self.low <= 0:
            raise ValueError(f'a log range needs low > 0, given {self.low}; use linear({self.low}, {self.high})')

    def value(self, unit: float) -> float:
        """The value at a unit coordinate, to six significant digits (so that it is the same on every machine)."""
        if self.scale == 'log':
            value = math.exp(math.log(self.low) + unit * (math.log(self.high) - math.log(self.low)))
        else:
            value = self.low + unit * (self.high - self.low)
        return float(f'{value:.6g}')

    def unit(self, value: float) -> float:
        """The unit coordinate of a value."""
        if self.scale == 'log':
            return (math.log(value) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        return (value - self.low) / (self.high - self.low)


def log(low: float, high: float) -> Range:
    """A range searched on a log scale, for rates and decays."""
    return Range(low, high, 'log')


def linear(low: float, high: float) -> Range:
    """A range searched on a linear scale, for fractions."""
    return Range(low, high, 'linear')


def natural(name: str, space: Range, side: str) -> bool:
    """Whether nothing better can lie beyond this side: weight decay towards 0, fractions at 0 or 1."""
    if name == 'weight_decay':
        return side == 'low'
    if name in FRACTIONS:
        return space.low <= 0 if side == 'low' else space.high >= 1
    return False


def limit(name: str, space: Range, side: str) -> float:
    """The unit coordinate past which `name` has no meaning: a fraction stops halfway between its bound and 0 or 1."""
    if name in FRACTIONS:
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
    """Raise ValueError where a space is not {optimizer: {value: Range}} with a learning rate above 0 and no seed."""
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
            if not isinstance(values, Range):
                raise ValueError(f"tune['{optimizer}']['{name}']={values!r} is not a range; use log(low, high) or linear(...)")
            if name == 'lr' and values.low <= 0:
                raise ValueError(f"tune['{optimizer}']['lr'] starts at {values.low}; a learning rate is > 0: raise low")
            if name in FRACTIONS and not (values.low >= 0 and values.high <= 1):
                raise ValueError(f"tune['{optimizer}']['{name}'] is a fraction; keep the range within 0 and 1")
            if values.low < 0:
                raise ValueError(f"tune['{optimizer}']['{name}'] starts at {values.low}; allowed: 0 or more; raise low")
        if 'lr' not in space:
            raise ValueError(f"tune['{optimizer}'] has no 'lr'; every model is tuned for its own learning rate: add one")
