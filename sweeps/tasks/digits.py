"""digits: handwritten digits that scikit-learn ships."""

import dataclasses
import gzip
import hashlib
import importlib.util
from pathlib import Path

import numpy as np

from sweeps.tasks.arrays import Arrays, split_by_group
from sweeps.tasks.kind import Kind
from sweeps.tasks.losses import classification


def _table() -> np.ndarray:
    """Pixels and class of every image. `[n, 65]`

    Read from scikit-learn's file: the package itself takes a second to import, in every command and worker that needs digits.
    """
    package = importlib.util.find_spec('sklearn')
    if package is None:
        raise ValueError(
            'digits: scikit-learn, which ships the images, is not installed; install the lab with its dependencies'
        )
    with gzip.open(Path(package.origin).parent / 'datasets' / 'data' / 'digits.csv.gz', 'rt', encoding='ascii') as file:
        return np.loadtxt(file, delimiter=',')


@dataclasses.dataclass(frozen=True)
class Digits(Kind):
    """Optical recognition of handwritten digits: 1,797 grey images of 8 x 8 pixels, 10 classes.

    Source: UCI ML repository, test part, as shipped by scikit-learn; licence CC BY 4.0. Test split: the 360 images whose
    pixels have the smallest sha256, the same on every machine; of the other 1,437 each replicate draws `train` training
    and `held` tuning-validation images. Metric: accuracy (share, higher is better), chance 0.1; small convolutional
    networks reach 0.97 to 0.99 in a few hundred steps. All images may be turned by `quarter_turns`, against the clock.
    """

    POOL, TEST, CHECKSUM = 1437, 360, '3a9222652c446a49'

    train: int = 1077
    held: int = 360
    quarter_turns: int = 0

    NAME, METRIC = 'digits', ('accuracy', 'higher')

    losses = staticmethod(classification)

    def __post_init__(self):
        if self.quarter_turns not in (0, 1, 2, 3):
            raise ValueError(f"task 'digits': quarter_turns={self.quarter_turns!r}; allowed: 0, 1, 2, 3; choose one")

    @property
    def domain_name(self) -> str:
        return f'digits_turned_{90 * self.quarter_turns}' if self.quarter_turns else self.NAME

    def pool_size(self) -> int:
        return self.POOL

    def _all(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        table = _table()
        images = table[:, :-1].reshape(-1, 8, 8)
        x = ((images - 8.0) / 8.0).astype(np.float32)[..., None]
        y = table[:, -1].astype(np.int32)
        hashes = [hashlib.sha256(image.astype(np.uint8).tobytes()).hexdigest() for image in images]
        order = np.array(sorted(range(len(y)), key=lambda i: (hashes[i], i)))
        return x, y, order

    def pool(self) -> Arrays:
        x, y, order = self._all()
        rest = np.sort(order[self.TEST :])
        return Arrays(self._turned(x[rest]), y[rest], np.arange(len(rest)))

    def _turned(self, x: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(np.rot90(x, self.quarter_turns, (1, 2)))

    def test(self) -> Arrays:
        x, y, order = self._all()
        sealed = np.sort(order[: self.TEST])
        arrays = Arrays(x[sealed], y[sealed], np.arange(self.TEST))
        if arrays.checksum != self.CHECKSUM:
            raise ValueError(
                f'digits: the test split has checksum {arrays.checksum}, expected {self.CHECKSUM}; scikit-learn ships other '
                'images: install the locked version'
            )
        return dataclasses.replace(arrays, x=self._turned(arrays.x))

    def split(self, pool: Arrays, seed: int) -> tuple[np.ndarray, np.ndarray]:
        return split_by_group(pool, seed, self.held, self.train)
