"""Role knobs: learning rates and weight decays of the roles of parameters, as shares of those of the study.

A share that a study does not name adds nothing to its program. A learning rate of 0 freezes a role.
"""

from collections.abc import Collection, Mapping

from arch.roles import ROLES

DECAYED = ('matrix', 'conv', 'embedding', 'head')
"""The roles with weight decay, unless a study says otherwise."""
KNOBS = {f'lr_{role}': 1.0 for role in ROLES} | {f'weight_decay_{role}': float(role in DECAYED) for role in ROLES}


def of_role(name: str, role: str, knobs: Mapping[str, object]) -> object:
    """The `lr` or the `weight_decay` of a role: the study's times the role's share, traced or not.

    >>> of_role('lr', 'head', {'lr': 0.5}), of_role('lr', 'head', {'lr': 0.5, 'lr_head': 0.1})
    (0.5, 0.05)
    >>> of_role('weight_decay', 'vector', {'weight_decay': 0.5})
    0.0
    """
    share = knobs.get(f'{name}_{role}', KNOBS[f'{name}_{role}'])
    if isinstance(share, float) and share in (0.0, 1.0):
        return knobs[name] if share else 0.0
    return knobs[name] * share


def apart(names: Collection[str]) -> bool:
    """Whether one of these knobs tells roles apart, so that parameters of two roles may not be joined.

    >>> apart(['lr', 'weight_decay']), apart(['lr', 'lr_head'])
    (False, True)
    """
    return not KNOBS.keys().isdisjoint(names)
