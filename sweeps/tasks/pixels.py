"""pixels: images of a prepared set as a language, byte by byte."""

import dataclasses

import jax
import numpy as np

from sweeps.tasks.byte_sequences import ByteSequences
from sweeps.tasks.set_kind import SetKind


@dataclasses.dataclass(frozen=True)
class Pixels(SetKind, ByteSequences):
    """Causal modelling of the bytes of images, rows first, the channels of a pixel one after the other (as 1904.10509).

    Source, licence and test split: those of `dataset`, a prepared set of images, or `digits`, the built-in images of 8 x 8
    pixels with 17 levels (CC BY 4.0, the split of task digits). Images are made `size` pixels high by the mean of whole blocks
    (0: as stored). Of the pool each replicate draws `held` and `train` (0: all others) images, equal ones on one side; test
    images that equal one of the pool after shrinking are left out. Metric: bits per dimension, that is per byte of these very
    images (lower is better); chance 8. The unit compares at equal size only: small images have more bits per dimension. On
    CIFAR-10 at 32 x 32 large models reach 2.80 to 2.92 (published: 1904.10509, 1701.05517); scores of small models stand beside
    each task in ablations/tasks/image_tasks.py.
    """

    dataset: str = 'digits'
    size: int = 0
    train: int = 0
    held: int = 256

    NAME, SETS = 'pixels', ('images',)

    def absent(self) -> list[str]:
        return [] if self.dataset == 'digits' else super().absent()

    def test_size(self) -> int | None:
        if self.dataset != 'digits':
            return super().test_size()
        from sweeps.tasks.digits import Digits

        return Digits.TEST

    def declared(self) -> jax.ShapeDtypeStruct:
        x = self._written(np.zeros((1, *self.entry().shape), np.uint8))
        return jax.ShapeDtypeStruct(x.shape, x.dtype)

    def sequences(self, sealed: bool) -> tuple[np.ndarray, np.ndarray]:
        x, group = self._images(sealed)
        return self._written(x), group

    def _written(self, x: np.ndarray) -> np.ndarray:
        """Images as sequences of bytes: uint8 `[n, H, W, C] -> [n, N]`."""
        x = x if self.size in (0, x.shape[1]) else shrunk(x, self.size)
        return x.reshape(len(x), -1)

    def _images(self, sealed: bool) -> tuple[np.ndarray, np.ndarray]:
        """Images uint8 [n, H, W, C] of one split and their groups."""
        if self.dataset == 'digits':
            from sweeps.tasks.digits import Digits

            part = Digits().test() if sealed else Digits().pool()
            return (part.x * 8 + 8).astype(np.uint8), part.group
        part = self.prepared.test() if sealed else self.prepared.pool()
        return part.x, part.group


def shrunk(x: np.ndarray, size: int) -> np.ndarray:
    """Images `size` pixels high by the rounded mean of blocks: uint8 `[n, H, W, C] -> [n, size, W size/H, C]`.

    Raises ValueError if H is no multiple of `size`, or W no multiple of H / size.

    >>> shrunk(np.array([[0, 2], [4, 6]], np.uint8)[None, ..., None], size=1).item()
    3
    """
    count, height, width, channels = x.shape
    block = height // size if 0 < size <= height else 0
    if not block or height % size or width % block:
        fits = [height // b for b in range(1, height + 1) if height % b == 0 and width % b == 0]
        raise ValueError(
            f"task 'pixels': size={size} of images {height} x {width}; allowed: 0 (as stored) or {fits}; choose one"
        )
    sums = x.reshape(count, size, block, width // block, block, channels).sum((2, 4), dtype=np.uint32)
    return ((sums + block**2 // 2) // block**2).astype(np.uint8)
