"""Space rules: the content of a search space, and how far its ranges reach within the bounds of their knobs."""

import functools

from ablations.bounds import Bounds
from ablations.choices import Choice
from ablations.knobs import knob_of
from ablations.ranges import Integer, Range
from ablations.schedules import NAMED

Tunable = Range | Integer | Choice
"""What a space may hold for a tuned value."""


@functools.lru_cache(1024)
def bounded(name: str, values: Tunable) -> Tunable:
    """A range with the bounds of the knob that it sets, or with narrower ones of its own.

    >>> [bounded('drop_path', Range(0, high, 'linear')).natural('high') for high in (0.9, 1)]
    [False, True]
    """
    knob = knob_of(name)
    return values.held_to(knob.bounds if knob else None)


def reach(values: Tunable, extended: bool) -> tuple[float, float]:
    """The lowest and the highest possible value of a range, with or without extensions.

    >>> from ablations.bounds import SHARE
    >>> share, plain = Range(0.1, 0.9, 'linear', SHARE), Range(0.1, 0.9, 'linear')
    >>> reach(share, extended=True), reach(plain, extended=True), reach(Choice((2, 4)), extended=True)
    ((0.0, 1.0), (0.0, inf), (2.0, 4.0))
    """
    bounds = Bounds() if isinstance(values, Choice) else values.bounds or Bounds()
    low = bounds.low if extended and not values.natural('low') else values.low
    high = bounds.high if extended and not values.natural('high') else values.high
    return low, high


def _check_ends(where: str, name: str, values: Tunable) -> None:
    """Raise ValueError for a range outside the bounds of its knob; an unknown knob is 0 or more.

    The high end of a log or linear range may be an excluded bound of the knob, because no search proposes it.
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


def check_ranges(where: str, space: dict) -> None:
    """Raise ValueError where a space is not {value: range}, tunes a seed, or leaves the bounds of a knob."""
    for name, values in space.items():
        if not isinstance(name, str):
            raise ValueError(f'{where}[{name!r}]: a tuned value is given by its name in quotes')
        if 'seed' in name.lower():
            raise ValueError(
                f"{where}['{name}']: seeds are never tuned, they are the noise that is measured; "
                'remove it (more seeds: Study(seeds=...), more tunings: Study(replicates=...))'
            )
        if not isinstance(values, Tunable):
            raise ValueError(
                f"{where}['{name}']={values!r} is not a range; use log(low, high), linear(low, high), "
                'integer(low, high) or choice(v1, v2, ...)'
            )
        if name in NAMED and not (isinstance(values, Choice) and set(values.values) <= NAMED[name].keys()):
            raise ValueError(
                f"{where}['{name}']={values!r}; allowed: a choice of names, such as choice{tuple(NAMED[name].values())[:2]}"
            )
        if name == 'batch' and not (isinstance(values, Choice) and all(value == int(value) for value in values.values)):
            raise ValueError(f"{where}['batch']={values!r}; allowed: a choice of whole numbers, such as choice(16, 32, 64)")
        _check_ends(f"{where}['{name}']", name, values)


def check_space(tune: dict) -> None:
    """Raise ValueError where a space is not {optimizer: {value: range}} with a learning rate and no seed, all within bounds."""
    if not isinstance(tune, dict) or not tune:
        raise ValueError(f'tune={tune!r} is empty; give {{optimizer: {{value: range}}}}, e.g. {{"adamw": SPACES["adamw"]}}')
    for optimizer, space in tune.items():
        if not isinstance(optimizer, str):
            raise ValueError(f'tune[{optimizer!r}]: an optimizer is given by its name in quotes')
        if not isinstance(space, dict) or not space:
            raise ValueError(f"tune['{optimizer}']={space!r} is not a space; give {{'lr': log(1e-4, 1e-2), ...}}")
        check_ranges(f"tune['{optimizer}']", space)
        if 'lr' in space and not isinstance(space['lr'], Range):
            raise ValueError(
                f"tune['{optimizer}']['lr']={space['lr']!r}; selection fits a curve over the learning rate: use log(low, high)"
            )
        if 'lr' not in space:
            raise ValueError(f"tune['{optimizer}'] has no 'lr'; every model is tuned for its own learning rate: add one")
