"""Flags: the declarations of every kind, block or initial, as class attributes in capitals.

`arch/block.py` has the flags of each family of blocks, and `arch/declared.py` their check.
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import ClassVar

PLACES = {
    'hierarchical': 'in a hierarchical body',
    'isotropic': 'in an isotropic body',
    'causal': 'in a causal body',
    'bidirectional': 'in a body that is not causal',
    'maps': 'on maps [B, H, W, C]',
    'tokens': 'on sequences [B, N, C]',
}
"""The places of kinds, with the words of the errors. A norm can also work on 'queries': each query and key alone."""
TAKEN = {
    'rotate': 'turns queries and keys',
    'bias': 'adds a bias to the scores of attention',
    'qk_norm': 'norms queries and keys',
    'values': 'mixes the values of attention',
    'first_values': 'hands on the values of the first block',
}
"""The things that a mixer can take from other kinds, with the words of the errors."""


@dataclasses.dataclass(frozen=True)
class Knob:
    """A knob with bounds: `first` is its default, a number or the name of a field.

    No study may give it a value below `low` or above `high`. It is for a user's own block; the bounds of the lab's knobs are in
    `ablations/knobs.py`, where a study can read them without jax.

    >>> class Mine(Flags):
    ...     KNOBS = {'share': Knob('share', low=0, high=1)}
    ...     share: float = 0.5
    >>> Mine().knob_values(), Mine().knob_bounds()
    ({'share': 0.5}, {'share': (0, 1)})
    """

    first: float | str
    low: float = -math.inf
    high: float = math.inf


class Flags:
    """The flags of every kind, block or initial."""

    FITS: ClassVar[tuple[str, ...]] = tuple(PLACES)
    """The places where it works, of `PLACES` (a norm: also 'queries')."""
    NEEDS: ClassVar[tuple[str, ...]] = ()
    """The things that the model's mixer must take, of `TAKEN`."""
    KNOBS: ClassVar[Mapping[str, float | str | Knob]] = {}
    """The traced scalars that it reads, each with its default (a number or a field) or as a Knob."""
    KERNELS: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """The meaning of the axes of kernels with more than two, see `arch/roles.py`: {'attend/query': ('in', 'out', 'out')}."""
    GENERATES: ClassVar[bool] = False
    """Whether it goes on token by token where the context has a `past` (arch/past.py), as it would over all at once."""
    SCANS: ClassVar[bool] = True
    """Whether it is the same program at every depth, so that one scan can run all blocks."""

    def knob_values(self) -> dict[str, float]:
        """The default of each of its knobs."""
        firsts = {name: knob.first if isinstance(knob, Knob) else knob for name, knob in self.KNOBS.items()}
        return {name: getattr(self, first) if isinstance(first, str) else first for name, first in firsts.items()}

    def knob_bounds(self) -> dict[str, tuple[float, float]]:
        """The lowest and the highest value of each of its knobs that is a Knob."""
        return {name: (knob.low, knob.high) for name, knob in self.KNOBS.items() if isinstance(knob, Knob)}
