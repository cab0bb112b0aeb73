"""Schedules by name: how the learning rate goes on after its rise. Records hold the number of a name, its place here.

Names are added at the end, so that old records keep their meaning.
"""

SCHEDULES = {
    'cosine': 'half a cosine (1608.03983)',
    'linear': 'a straight line (as in 2310.07831)',
    'constant': 'it stays at its peak',
    'wsd': 'it stays, and falls in a straight line over the last `decay_fraction` of the steps (2404.06395)',
    'root': 'one less the root of the share of steps since the rise (2405.18392)',
    'one_cycle': 'half a cosine, which it also rises by (1708.07120)',
    'step': 'a tenth of it from the half, a hundredth from three quarters on (as in 1512.03385)',
}
NAMED = {'schedule': tuple(SCHEDULES)}
"""Knobs whose values have names."""


def number_of(given: str) -> float:
    """The number that stands for a schedule in a study. Raises ValueError on an unknown name.

    >>> number_of('wsd')
    3.0
    """
    if given not in SCHEDULES:
        raise ValueError(f"'{given}' is no name of a value; allowed: numbers, and the schedules {list(SCHEDULES)}; mend it")
    return float(list(SCHEDULES).index(given))


def value_text(name: str, value: float, digits: int = 4) -> str:
    """A value of a knob as people read it: by its name where it has one.

    >>> value_text('schedule', 3.0), value_text('lr', 0.0123456)
    ('wsd', '0.01235')
    """
    names = NAMED.get(name, ())
    return names[int(value)] if value in range(len(names)) else f'{value:.{digits}g}'
