"""Flagships: contested claims of the field, each asked on two datasets or more and at rising scale."""

import importlib

from ablations.config import closest
from ablations.flagships.flagship import Flagship
from ablations.study import Study

__all__ = ['FLAGSHIPS', 'RUNG_STUDIES', 'Flagship', 'flagship', 'rung_study']

_SIZES = ('small', 'medium', 'large')
FLAGSHIPS = {
    'squashing_norms': _SIZES,
    'road_to_convnext': _SIZES,
    'mixers_by_language': _SIZES,
    'residual_rules': ('depth_4', 'depth_12', 'depth_24'),
    'muon_by_norm': _SIZES,
    'one_recipe': _SIZES,
    'gates_and_activations': _SIZES,
    'shared_keys': _SIZES,
    'beyond_the_length': _SIZES,
    'experts_or_dense': _SIZES,
}
"""Flagship -> its rungs. A flagship's file has its name, and is read when it is asked for."""
RUNG_STUDIES = {f'{name}_{rung}': (name, rung) for name, rungs in FLAGSHIPS.items() for rung in rungs}
"""Name of a study -> its flagship and its rung."""


def flagship(name: str) -> Flagship:
    """A flagship by name; raises ValueError where there is none."""
    if name not in FLAGSHIPS:
        raise ValueError(f"unknown flagship '{name}'; allowed: {list(FLAGSHIPS)}.{closest(name, FLAGSHIPS)}")
    return importlib.import_module(f'ablations.flagships.{name}').flagship


def rung_study(name: str) -> Study:
    """The study of a flagship at one rung, by its name.

    >>> rung_study('shared_keys_small').name
    'shared_keys_small'

    Raises ValueError where there is none.
    """
    if name not in RUNG_STUDIES:
        raise ValueError(f"unknown rung of a flagship '{name}'; allowed: {list(RUNG_STUDIES)}.{closest(name, RUNG_STUDIES)}")
    known, rung = RUNG_STUDIES[name]
    return flagship(known).study(rung)
