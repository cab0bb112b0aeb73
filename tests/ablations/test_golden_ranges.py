"""Ranges and whole numbers at every place: values, units, ends and limits, for each scale and all sorts of bounds."""

import itertools
import math

import golden_texts

from ablations.bounds import SHARE, Bounds
from ablations.ranges import Integer, Range

UNITS = (-1.5, -0.25, 0.0, 0.3, 0.5, 1.0, 1.4)
BOUNDS = {
    'none': None,
    'share': SHARE,
    'above zero': Bounds(above=True),
    'any': Bounds(-math.inf),
    'own': Bounds(0.05, 0.95),
    'ends': Bounds(0.1, 0.9),
}
COUNTS = {
    'none': None,
    'from 0': Bounds(0, 12),
    'from 2': Bounds(2, 9),
    'halves': Bounds(0.5, 9.5),
    'from 2.5': Bounds(2.5, 8.5),
}


def told(name: str, space: Range | Integer) -> str:
    values = ' '.join(f'{space.value(unit):g}' for unit in UNITS)
    units = ' '.join(f'{space.unit(value):.4f}' for value in (space.low, space.high, (space.low + space.high) / 2))
    sides = '; '.join(f'{side} {space.natural(side)} {space.limit(side):.4f}' for side in ('low', 'high'))
    return f'{name}: {space.to_dict()}, {space.levels} levels; values {values}; units {units}; {sides}'


def test_ranges_are_what_they_were():
    lines = [
        told(f'{scale} {low} to {high}, {name}', Range(low, high, scale, bounds))
        for scale, (low, high) in itertools.product(('log', 'linear'), ((0.1, 0.9), (0.2, 0.5)))
        for name, bounds in BOUNDS.items()
    ]
    lines += [
        told(f'whole {low} to {high}, log {log}, {name}', Integer(low, high, log, bounds))
        for log, (low, high) in itertools.product((False, True), ((1, 8), (3, 6), (2, 9)))
        for name, bounds in COUNTS.items()
        if bounds is None or bounds.low <= low
    ]
    lines += [told(f'whole 0 to 4, {name}', Integer(0, 4, False, bounds)) for name, bounds in list(COUNTS.items())[:2]]
    golden_texts.hold('ranges', '\n'.join(lines))


def test_bounds_hold_and_say_what_they_did():
    ends = [(0, 1), (0, 0.5), (0.5, 2), (-math.inf, 1), (0.5, math.inf), (-math.inf, math.inf)]
    kinds = [Bounds(*pair, *open_ends) for pair in ends for open_ends in itertools.product((False, True), repeat=3)]
    places = (-1, 0, 0.25, 0.5, 0.75, 1, 2, 3)
    lines = [f'{one}, a share {one.is_share}, fades {one.fades}: {[v for v in places if v in one]}' for one in kinds]
    golden_texts.hold('bounds', '\n'.join(lines))
    for one, other in itertools.product(kinds, repeat=2):
        if max(one.low, other.low) < min(one.high, other.high):
            both = one.narrowed(other)
            assert both.fades == (one.fades or other.fades)
            assert [v in both for v in places] == [v in one and v in other for v in places], (one, other)
