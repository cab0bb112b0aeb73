"""Arm optimizers: which of a study's optimizers each arm is tuned with, where arms differ in that."""

from collections.abc import Iterable, Mapping

from ablations.config import closest


def optimizers_of_arms(study: str, given: object, arms: Iterable[str], tune: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """{arm: its optimizers} of the arms that have not all of those in `tune`, in the order of `tune`.

    Raises ValueError for an unknown arm or optimizer, for a repeated one, for an arm without any, for unequal numbers, and for
    an optimizer that no arm has.

    >>> optimizers_of_arms('norms', {'base': 'adamw', 'muon': ('muon',)}, ['base', 'muon'], ['adamw', 'muon'])
    {'base': ('adamw',), 'muon': ('muon',)}
    """
    arms, tune = list(arms), list(tune)
    if not isinstance(given, Mapping):
        raise ValueError(f"study '{study}': optimizers={given!r}; give {{arm: (optimizer, ...)}}, names of tune")
    made = {}
    for arm, names in given.items():
        if arm not in arms:
            raise ValueError(f"study '{study}': optimizers[{arm!r}] is of no arm; allowed: {arms}.{closest(arm, arms)}")
        names = (names,) if isinstance(names, str) else names
        if not isinstance(names, (tuple, list)) or not names or len(set(map(str, names))) < len(names):
            raise ValueError(
                f"study '{study}': optimizers['{arm}']={names!r}; allowed: one or more of {tune}, each once; leave the arm out "
                'where it has all of them'
            )
        for name in names:
            if name not in tune:
                raise ValueError(
                    f"study '{study}': optimizers['{arm}'] has {name!r}, which tune does not have; allowed: {tune}."
                    f'{closest(name, tune)}'
                )
        # In the order of tune, so that how it was written down changes no trial.
        made[arm] = tuple(name for name in tune if name in names)
    counts = {arm: len(made.get(arm, tune)) for arm in arms}
    if len(set(counts.values())) > 1:
        told = ', '.join(f'{arm} {count}' for arm, count in counts.items())
        raise ValueError(
            f"study '{study}': optimizers give arms unequal numbers of them ({told}); allowed: as many for every arm, because "
            'each optimizer gets the same trials; name as many for each'
        )
    unused = [name for name in tune if not any(name in made.get(arm, tune) for arm in arms)]
    if unused:
        raise ValueError(
            f"study '{study}': tune has '{unused[0]}', which no arm has by optimizers={made}; remove it from tune, or "
            'give it to an arm'
        )
    return {arm: made[arm] for arm in arms if len(made.get(arm, tune)) < len(tune)}
