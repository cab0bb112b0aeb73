"""Context: what a block is told beside its input."""

import dataclasses
from collections.abc import Callable, Mapping


@dataclasses.dataclass(frozen=True)
class Context:
    """What every block receives with its input.

    `causal`: token n may see tokens up to n only. `train`: batch statistics and noise are on. `knobs`: traced scalars by
    name. `rotate`: maps queries or keys [B, N, K, D] to positioned ones, or None.
    """

    causal: bool = False
    train: bool = False
    knobs: Mapping[str, object] = dataclasses.field(default_factory=dict)
    rotate: Callable | None = None

    def knob(self, name: str, otherwise: float) -> object:
        """The traced value of a knob that is set for this run, else the block's own field."""
        return self.knobs.get(name, otherwise)
