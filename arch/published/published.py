"""Published: one model of a paper, exactly."""

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np


@dataclasses.dataclass(frozen=True)
class Published:
    """A published model: its complete config, and the input for which its paper counts costs.

    `config`: a spec for every socket, every field written out. `example`: the shape of one input, (H, W, I) for images or
    (N,) for token ids. `paper`: its id. `about`: one line. `weights`: maps (config, tensors by the reference's names) to
    our (params, state), or None where no reference has weights.
    """

    config: dict
    example: tuple[int, ...]
    paper: str
    about: str
    weights: Callable[[dict, Mapping[str, np.ndarray]], tuple[dict, dict]] | None = None
