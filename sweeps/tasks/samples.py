"""samples: recordings as a language, sample by sample."""

import dataclasses
import math

import jax
import numpy as np

from sweeps.tasks.byte_sequences import ByteSequences
from sweeps.tasks.set_kind import SetKind


@dataclasses.dataclass(frozen=True)
class Samples(SetKind, ByteSequences):
    """Causal modelling of audio samples in 256 levels by the mu-law (ITU-T G.711 with mu = 255, as in WaveNet, 1609.03499).

    Source, licence and test split: those of `dataset`, a prepared set of sounds. Each recording is resampled to `rate` Hz (0:
    as stored), coded, and cut into windows of `length` samples from its start; a rest that is shorter is left out. Of the
    pool's windows each replicate draws `held` and `train` (0: all others), a recording on one side; test windows that stand in
    the pool too (silence) are left out. Metric: bits per sample, that is per byte of these very windows (lower is better), each
    window by itself; chance 8. It compares at equal rate and length only. Scores of small models stand beside each task in
    ablations/tasks/sound_tasks.py.
    """

    dataset: str = 'spoken_digits'
    rate: int = 0
    length: int = 256
    train: int = 0
    held: int = 1024

    NAME, SETS = 'samples', ('sounds',)

    def __post_init__(self):
        if self.rate < 0 or self.length < 1:
            raise ValueError(
                f"task 'samples': rate={self.rate}, length={self.length}; allowed: 0 or more Hz, 1 or more samples; raise it"
            )

    def test_size(self) -> None:
        """Not known before recordings are cut into windows."""
        return None

    def declared(self) -> jax.ShapeDtypeStruct:
        self.entry()
        return jax.ShapeDtypeStruct((1, self.length), np.uint8)

    def sequences(self, sealed: bool) -> tuple[np.ndarray, np.ndarray]:
        part = self.prepared.test() if sealed else self.prepared.pool()
        windows, groups = [], []
        for number, group in enumerate(part.group):
            levels = mu_law(resampled(part.example(number).astype(np.float64) / 2**15, self.prepared.about['rate'], self.rate))
            count = len(levels) // self.length
            windows.append(levels[: count * self.length].reshape(count, self.length))
            groups.append(np.full(count, group, np.int64))
        x = np.concatenate(windows)
        if not len(x):
            raise ValueError(
                f"task 'samples': no recording of '{self.dataset}' has {self.length} samples; use a shorter length"
            )
        return x, np.concatenate(groups)


def resampled(x: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """A recording at another rate in Hz, by a polyphase filter without delay. A rate of 0 leaves it as it is.

    `[N] -> [N wanted / rate]`, rounded up.
    """
    if wanted in (0, rate):
        return x
    from scipy.signal import resample_poly

    common = math.gcd(rate, wanted)
    return resample_poly(x, wanted // common, rate // common)


def mu_law(x: np.ndarray) -> np.ndarray:
    """Samples from -1 to 1 as one of 256 levels: round(127.5 (1 + sign(x) ln(1 + 255 |x|) / ln 256)); clipped beyond.

    >>> mu_law(np.array([-1, -0.01, 0, 0.01, 1])).tolist()
    [0, 98, 128, 157, 255]
    """
    x = np.clip(x, -1, 1)
    curve = np.sign(x) * np.log1p(255 * np.abs(x)) / np.log(256)
    return np.floor(127.5 * (1 + curve) + 0.5).astype(np.uint8)
