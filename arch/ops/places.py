"""Places: the coordinates of positions."""

import numpy as np


def places(spatial: tuple[int, ...]) -> np.ndarray:
    """The coordinates of every position, one row each: `[N]` or `[H, W]` to [positions, 1 or 2].

    >>> places((2, 2)).tolist()
    [[0, 0], [0, 1], [1, 0], [1, 1]]
    """
    return np.stack(np.meshgrid(*[np.arange(n) for n in spatial], indexing='ij'), -1).reshape(-1, len(spatial))
