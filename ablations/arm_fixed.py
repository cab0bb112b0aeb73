"""Arm fixed: values of training that are another constant in some arms, which may so differ by their schedule or loss."""

import math
from collections.abc import Iterable, Mapping

from ablations.batches import TUNED
from ablations.config import closest
from ablations.knobs import check_fixed
from ablations.schedules import number_of


def fixed_of_arms(study: str, given: object, arms: Iterable[str], tuned: Iterable[str]) -> dict[str, dict[str, float]]:
    """{arm: {value: number}} of the arms that have constants of their own; `tuned` are the names that arms tune.

    Raises ValueError for an unknown arm, for what is no number within the bounds of its knob, and for a value that is tuned.

    >>> fixed_of_arms('schedules', {'linear': {'schedule': 'linear'}}, ['cosine', 'linear'], ['lr'])
    {'linear': {'schedule': 1.0}}
    """
    arms, tuned = list(arms), set(tuned)
    if not isinstance(given, Mapping) or not all(isinstance(own, Mapping) for own in given.values()):
        raise ValueError(f"study '{study}': arm_fixed={given!r}; give {{arm: {{value: number}}}}")
    made = {}
    for arm, own in given.items():
        if arm not in arms:
            raise ValueError(f"study '{study}': arm_fixed[{arm!r}] is of no arm; allowed: {arms}.{closest(arm, arms)}")
        for name, value in own.items():
            said = f"study '{study}': arm_fixed['{arm}'][{name!r}]={value!r}"
            number = number_of(value) if isinstance(value, str) else value
            if not isinstance(name, str) or 'seed' in name.lower() or isinstance(number, bool) or not _finite(number):
                raise ValueError(f"{said}; allowed: numbers by the name of an optimizer's value, no seeds")
            if name == TUNED:
                raise ValueError(f'{said}: the batch is that of the task, the same for all arms; change the task')
            if name in tuned:
                raise ValueError(f'{said}: it is tuned as well; remove it from one of them')
            check_fixed(name, number)
            made.setdefault(arm, {})[name] = float(number)
    return {arm: dict(sorted(made[arm].items())) for arm in arms if made.get(arm)}


def _finite(value: object) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)
