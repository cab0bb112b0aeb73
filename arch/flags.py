"""Flags: what every kind says of itself, blocks and initials alike, by class attributes in capitals.

`arch/block.py` has the flags of each family of blocks, `arch/declared.py` the check of what a class declares.
"""

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
"""Where a kind can work, with the words of the errors. A norm can also work on 'queries': each query and key alone."""
TAKEN = {
    'rotate': 'turns queries and keys',
    'bias': 'adds a bias to the scores of attention',
    'qk_norm': 'norms queries and keys',
    'values': 'mixes the values of attention',
}
"""What a mixer can take from other kinds, with the words of the errors."""


class Flags:
    """The flags of every kind, blocks and initials alike."""

    FITS: ClassVar[tuple[str, ...]] = tuple(PLACES)
    """The places where it works, of `PLACES` (a norm: also 'queries')."""
    NEEDS: ClassVar[tuple[str, ...]] = ()
    """What the model's mixer must take, of `TAKEN`."""
    KNOBS: ClassVar[Mapping[str, float | str]] = {}
    """The traced scalars that it reads, each with its value where nobody sets it: a number, or the name of its field."""
    KERNELS: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """What the axes of a kernel of more than two are, see `arch/roles.py`: {'attend/query': ('in', 'out', 'out')}."""
    SCANS: ClassVar[bool] = True
    """Whether it is the same program at every depth, so that one scan can run all blocks."""

    def knob_values(self) -> dict[str, float]:
        """The value of each of its knobs where nobody sets it."""
        return {name: getattr(self, value) if isinstance(value, str) else value for name, value in self.KNOBS.items()}
