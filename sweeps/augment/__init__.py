"""Augmentations of a training batch in JAX: per example, each with its own key, strengths traced or not.

A kind is a frozen dataclass whose fields are its spec. Its strengths are knobs: a study may fix or tune them under the names
in its KNOBS. `sample(key, shape, settings)` draws what is to happen to one example, `change(x, sample)` does it, so that what
is drawn can be tested against its distribution and what is done against a reference. Images are float32 `[B, H, W, C]` in
[0, 1]. At strength 0 every kind leaves them as they are, bit by bit.
"""

from sweeps.augment.augment import AUGMENTS, Augment, make_augment
from sweeps.augment.recipes import RECIPES

__all__ = ['AUGMENTS', 'RECIPES', 'Augment', 'make_augment']
