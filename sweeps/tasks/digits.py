"""digits: handwritten digits that scikit-learn ships."""

import dataclasses
import hashlib

import numpy as np

from sweeps.tasks.arrays import Arrays, split_by_group
from sweeps.tasks.kind import Kind
from sweeps.tasks.losses import classification


@dataclasses.dataclass(frozen=True)
class Digits(Kind):
    """Optical recognition of handwritten digits: 1,797 grey images of 8 x 8 pixels, 10 classes.

    Source: UCI ML repository, test part, as shipped by scikit-learn; licence CC BY 4.0. Test split: the 360 images whose
    pixels have the smallest sha256, the same on every machine; of the other 1,437 each replicate draws `train` training
    and `held` tuning-validation images. Metric: accuracy (share, higher is better), chance 0.1; small convolutional
    networks reach 0.97 to 0.99 in a few hundred steps.
    """

    TEST, CHECKSUM = 360, '3a9222652c446a49'

    train: int = 1077
    held: int = 360

    NAME, METRIC = 'digits', ('accuracy', 'higher')

    losses = staticmethod(classification)

    def _all(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        from sklearn.datasets import load_digits

        data = load_digits()
        x = ((data.images - 8.0) / 8.0).astype(np.float32)[..., None]
        y = data.target.astype(np.int32)
        hashes = [hashlib.sha256(image.astype(np.uint8).tobytes()).hexdigest() for image in data.images]
        order = np.array(sorted(range(len(y)), key=lambda i: (hashes[i], i)))
        return x, y, order

    def pool(self) -> Arrays:
        x, y, order = self._all()
        rest = np.sort(order[self.TEST :])
        return Arrays(x[rest], y[rest], np.arange(len(rest)))

    def test(self) -> Arrays:
        x, y, order = self._all()
        sealed = np.sort(order[: self.TEST])
        arrays = Arrays(x[sealed], y[sealed], np.arange(self.TEST))
        if arrays.checksum != self.CHECKSUM:
            raise ValueError(
                f'digits: the test split has checksum {arrays.checksum}, expected {self.CHECKSUM}; scikit-learn ships other '
                'images: install the locked version'
            )
        return arrays

    def split(self, pool: Arrays, seed: int) -> tuple[np.ndarray, np.ndarray]:
        return split_by_group(pool, seed, self.held, self.train)
