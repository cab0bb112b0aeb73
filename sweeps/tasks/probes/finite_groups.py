"""Finite groups: multiplication tables, by name."""

import functools
import itertools
import re

import numpy as np

LARGEST = 1000


def _factor(name: str) -> np.ndarray:
    kind, size = name[0], int(name[1:])
    if kind == 'z':
        return np.add.outer(np.arange(size), np.arange(size)) % size
    elements = list(itertools.permutations(range(size)))
    if kind == 'a':
        elements = [one for one in elements if sum(a > b for a, b in itertools.combinations(one, 2)) % 2 == 0]
    place = {element: number for number, element in enumerate(elements)}
    return np.array([[place[tuple(second[i] for i in first)] for second in elements] for first in elements])


@functools.lru_cache
def group_table(name: str) -> np.ndarray:
    """The product of any two elements of a group, `[order, order]`: the row's element first. Element 0 is the neutral one.

    `s5` is the symmetric group of five things (order 120), `a5` their even permutations (60), `z60` addition modulo 60;
    `a4xz5` the direct product of two. Raises ValueError on other names and on groups of more than 1,000 elements.

    >>> group_table('z3').tolist()
    [[0, 1, 2], [1, 2, 0], [2, 0, 1]]
    """
    factors = name.split('x')
    fine = all(re.fullmatch(r'[sa][1-6]|z[1-9]\d{0,3}', factor) for factor in factors)
    tables = [_factor(factor) for factor in factors if fine]
    if not fine or np.prod([len(table) for table in tables]) > LARGEST:
        raise ValueError(
            f"group '{name}'; allowed: s1 to s6, a1 to a6, z1 to z{LARGEST} and products such as a4xz5 of at most {LARGEST} "
            'elements; z2 is parity; name one'
        )
    whole = tables[0]
    for table in tables[1:]:
        whole = np.kron(whole, np.ones_like(table)) * len(table) + np.tile(table, (len(whole), len(whole)))
    whole.setflags(write=False)
    return whole
