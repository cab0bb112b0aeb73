"""Arms: the models of a study as changes of its base, and which earlier arm each is compared with."""

from ablations.config import NAME, Put, Swap, closest


def arms_of(study: str, arms: dict) -> dict[str, tuple[Put | Swap, ...]]:
    """{arm: its changes as a tuple}; raises ValueError for a wrong name, change or base.

    >>> from ablations.config import swap
    >>> list(arms_of('norms', {'base': (), 'rms': swap('norm', 'rms_norm')}))
    ['base', 'rms']
    """
    if not isinstance(arms, dict) or not arms:
        raise ValueError(f"study '{study}': arms={arms!r}; give {{name: changes}}, the base first")
    checked = {}
    for arm, changes in arms.items():
        if not isinstance(arm, str) or not NAME.fullmatch(arm):
            raise ValueError(f"study '{study}': arm {arm!r}; allowed: lower-case letters, digits and _; rename it")
        changes = (changes,) if isinstance(changes, (Put, Swap)) else changes
        if not isinstance(changes, (tuple, list)):
            raise ValueError(
                f"study '{study}': arm '{arm}' is {changes!r}; give () or a tuple of put(path, value) and swap(path, kind, ...)"
            )
        checked[arm] = tuple(changes)
    base = next(iter(checked))
    if checked[base]:
        raise ValueError(
            f"study '{study}': the first arm '{base}' is the base and changes nothing; give it (), or change the base of the "
            'tasks'
        )
    return checked


def check_comparisons(study: str, arms: dict, against: dict, levels: dict, shape: str) -> None:
    """Raise ValueError where `against`, `levels` and `shape` of a study do not fit its arms."""
    if not isinstance(against, dict) or not isinstance(levels, dict):
        raise ValueError(f"study '{study}': against and levels are {{arm: ...}}; the functions of shapes.py make them")
    places = {arm: place for place, arm in enumerate(arms)}
    for arm, other in against.items():
        for name in (arm, other):
            if not isinstance(name, str) or name not in arms:
                raise ValueError(
                    f"study '{study}': against[{arm!r}]={other!r} names no arm '{name}'; allowed: {list(arms)}."
                    f'{closest(name, arms)}'
                )
        if places[other] >= places[arm]:
            raise ValueError(
                f"study '{study}': '{arm}' is compared with '{other}', which does not stand before it; the base is "
                'compared with nothing, every other arm with an earlier one: change the order of arms'
            )
    if levels and set(levels) != set(arms):
        raise ValueError(f"study '{study}': levels of {list(levels)}, not of every arm; make them by factorial()")
    if not all(isinstance(own, dict) for own in levels.values()):
        raise ValueError(f"study '{study}': levels are {{arm: {{factor: level}}}}; make them by factorial()")
    if bool(levels) != (shape == 'factorial'):
        raise ValueError(
            f"study '{study}': shape='{shape}' with levels of {len(levels)} arms; allowed: shape='factorial' "
            'with levels of every arm, or another shape without; make both by factorial()'
        )
