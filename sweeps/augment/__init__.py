"""Augmentations of a training batch in JAX. Each example has its own key; strengths may be traced.

A kind is a frozen dataclass whose fields are its spec. Its strengths are knobs: a study may fix or tune them under the names in
its KNOBS. `sample(key, shape, settings)` draws a change of one example, and `change(x, sample)` makes it. So draws can be
tested against their distribution, and changes against a reference. Images are float32 `[B, H, W, C]` in [0, 1]. At strength 0
every kind leaves them bitwise unchanged.
"""

from sweeps.augment.augment import AUGMENTS, Augment, make_augment
from sweeps.augment.recipes import RECIPES

__all__ = ['AUGMENTS', 'RECIPES', 'Augment', 'make_augment']
