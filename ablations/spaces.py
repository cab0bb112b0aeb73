"""Search spaces, {tuned value: range}: how a study file writes its ranges, and the default space of each optimizer."""

from ablations.bounds import SHARE
from ablations.choices import Choice
from ablations.ranges import Integer, Range
from ablations.schedules import number_of


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

    The lab's own knobs have their bounds already, so `linear` is enough for them; a knob of your own has none.

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


def choice(*values: float | str) -> Choice:
    """A few values without an order: numbers, such as two of a beta, or names of schedules.

    >>> [choice(0.9, 0.99).value(unit) for unit in (0.2, 0.7)], choice('cosine', 'wsd').values
    ([0.9, 0.99], (0.0, 3.0))
    """
    return Choice(tuple(number_of(value) if isinstance(value, str) else value for value in values))


ADAMW = {'lr': log(1e-4, 3e-2), 'weight_decay': log(1e-3, 1.0)}
SGD = {'lr': log(3e-3, 1.0), 'weight_decay': log(1e-5, 1e-2)}
LION = {'lr': log(1e-5, 3e-3), 'weight_decay': log(1e-2, 10.0)}
MUON = {'lr': log(3e-4, 1e-1), 'weight_decay': log(1e-3, 1.0)}
LAMB = {'lr': log(1e-3, 3e-1), 'weight_decay': log(1e-3, 1.0)}
ADAM = {'lr': log(1e-4, 3e-2), 'weight_decay': log(1e-6, 1e-3)}
RMSPROP = {'lr': log(1e-5, 1e-2), 'weight_decay': log(1e-3, 1.0)}
PRODIGY = {'lr': log(3e-2, 3.0), 'weight_decay': log(1e-3, 1.0)}
SPACES = {
    'adamw': ADAMW,
    'sgd': SGD,
    'lion': LION,
    'muon': MUON,
    'adam': ADAM,
    'nadamw': ADAMW,
    'rmsprop': RMSPROP,
    'adan': ADAMW,
    'adopt': ADAMW,
    'mars': ADAMW,
    'lamb': LAMB,
    'adafactor': LAMB,
    'muon_everywhere': MUON,
    'soap': ADAMW,
    'shampoo': ADAMW,
    'prodigy': PRODIGY,
    'sophia': LION,
    'schedule_free': ADAMW,
}
"""Default ranges. Weight decay is multiplied by the learning rate; in adam it is a penalty, in all others it is decoupled."""
