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
SCALES = {
    'adam_size': '0.2 times the root of the longer side, so that steps are as large as those of Adam (2502.16982)',
    'spectral': 'the root of outputs over inputs (2310.17813)',
    'original': 'the same, but at least 1 (Jordan 2024)',
}
"""How large the steps of matrices are in Muon, by name. Records hold the place of a name here and `FIRST_SCALE`."""
FIRST_SCALE = 100
"""Apart from the schedules, or the name of one would pass for the name of the other."""
NAMED = {'schedule': dict(enumerate(SCHEDULES)), 'matrix_scale': dict(enumerate(SCALES, FIRST_SCALE))}
"""Knobs whose values have names: {knob: {number: name}}."""


def number_of(given: str) -> float:
    """The number that stands for a schedule or another named value in a study. Raises ValueError on an unknown name.

    >>> number_of('wsd')
    3.0
    """
    numbers = {name: number for names in NAMED.values() for number, name in names.items()}
    if given not in numbers:
        raise ValueError(
            f"'{given}' is no name of a value; allowed: numbers, and the schedules {list(SCHEDULES)}, or for 'matrix_scale' "
            f'{list(SCALES)}; mend it'
        )
    return float(numbers[given])


def value_text(name: str, value: float, digits: int = 4) -> str:
    """A value of a knob as people read it: by its name where it has one.

    >>> value_text('schedule', 3.0), value_text('lr', 0.0123456)
    ('wsd', '0.01235')
    """
    return NAMED.get(name, {}).get(value, f'{value:.{digits}g}')
