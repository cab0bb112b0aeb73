"""Fixed values: knobs of training that are not tuned, for all arms of a study and for single ones.

An arm with values of its own may so differ by its schedule or its loss.
"""

import math
from collections.abc import Collection, Mapping

from ablations.config import closest
from ablations.knobs import check_fixed
from ablations.schedules import number_of


def fixed_for_all(study: str, given: object, tune: Mapping[str, Collection[str]]) -> dict[str, float]:
    """{value: number} of all arms; `tune` has the names that each optimizer tunes.

    Raises ValueError for what is no number within the bounds of its knob, and for a value that is tuned.

    >>> fixed_for_all('mine', {'schedule': 'linear', 'clip': 2}, {'adamw': ['lr']})
    {'schedule': 1.0, 'clip': 2.0}
    """
    if not isinstance(given, dict):
        raise ValueError(f"study '{study}': fixed={given!r}; give {{name: number}}")
    made = {name: _number(name, value, f"fixed['{name}']={value!r}") for name, value in given.items()}
    for name in made:
        if both := [optimizer for optimizer, names in tune.items() if name in names]:
            raise ValueError(f"'{name}' is both fixed and tuned for {both}; remove it from one of them")
    return made


def fixed_of_arms(study: str, given: object, tuned: Mapping[str, Collection[str]]) -> dict[str, dict[str, float]]:
    """{arm: {value: number}} of the arms that have values of their own; `tuned` has the names that each arm tunes.

    Raises ValueError for an unknown arm, for what is no number within the bounds of its knob, and for a value that is tuned.

    >>> fixed_of_arms('schedules', {'linear': {'schedule': 'linear'}}, {'cosine': ['lr'], 'linear': ['lr']})
    {'linear': {'schedule': 1.0}}
    """
    arms = list(tuned)
    if not isinstance(given, Mapping) or not all(isinstance(own, Mapping) for own in given.values()):
        raise ValueError(f"study '{study}': arm_fixed={given!r}; give {{arm: {{value: number}}}}")
    made: dict[str, dict[str, float]] = {}
    for arm, own in given.items():
        if arm not in arms:
            raise ValueError(f"study '{study}': arm_fixed[{arm!r}] is of no arm; allowed: {arms}.{closest(arm, arms)}")
        for name, value in own.items():
            said = f"study '{study}': arm_fixed['{arm}'][{name!r}]={value!r}"
            number = _number(name, value, said)
            if name in tuned[arm]:
                raise ValueError(f'{said}: it is tuned as well; remove it from one of them')
            made.setdefault(arm, {})[name] = number
    return {arm: dict(sorted(made[arm].items())) for arm in arms if arm in made}


def _number(name: object, value: object, said: str) -> float:
    """A value as the number that its knob takes; `said` is how it was given."""
    number = number_of(value) if isinstance(value, str) else value
    known = isinstance(number, (int, float)) and not isinstance(number, bool) and math.isfinite(number)
    if not isinstance(name, str) or 'seed' in name.lower() or not known:
        raise ValueError(f"{said}; allowed: numbers by the name of an optimizer's value, no seeds")
    check_fixed(name, number)
    return float(number)
