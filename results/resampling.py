"""Resampling: the uncertainty of quantities without a formula for their error, from a handful of replicates."""

import math

import numpy as np

DRAWS = 4000
SEED = 20
LEVEL = 0.025
"""The share of draws that may contradict a statement called sure: a two-sided level of 95 %."""


def drawn_means(samples: list[np.ndarray], draws: int = DRAWS, seed: int = SEED) -> np.ndarray:
    """Means that other replicates could have given: mean + standard error x Student's t. `[[R]] -> [draws, samples]`

    A bootstrap with Student's distribution in place of the sample's. Drawing the replicates themselves claims too much: of two
    identical arms with 3 (5) normal replicates, it calls one the sure winner in 15 % (11 %) of studies; this one does in 1 to 3
    %. Samples are drawn independently, because the lab's tests do not pair them. Raises ValueError on a sample of fewer than
    two.

    >>> drawn_means([np.array([0.90, 0.91, 0.92])], draws=4).shape
    (4, 1)
    """
    if any(len(sample) < 2 for sample in samples):
        raise ValueError(f'samples of {[len(s) for s in samples]} replicates; allowed: two or more; add replicates')
    generator = np.random.default_rng(seed)
    means = []
    for sample in samples:
        sample = np.asarray(sample, float)
        error = sample.std(ddof=1) / math.sqrt(len(sample))
        means.append(sample.mean() + error * generator.standard_t(len(sample) - 1, draws))
    return np.stack(means, 1)


def centred(samples: np.ndarray) -> np.ndarray:
    """Replicates minus their common part (the data split), for comparisons between arms. `[A, R] -> [A, R]`

    Each replicate's mean over the arms is subtracted. That shrinks deviations by sqrt((A - 1) / A), so they are multiplied by
    sqrt(A / (A - 1)). Of identical arms one is then called the sure winner in 0 to 7 % of studies (simulated, 2 to 5
    replicates), however much the splits vary. Raises ValueError with fewer than two arms.

    >>> centred([[1.0, 3.0], [2.0, 4.0]]).round(3).tolist()
    [[2.0, 2.0], [3.0, 3.0]]
    """
    samples = np.asarray(samples, float)
    if len(samples) < 2:
        raise ValueError(f'{len(samples)} arm; allowed: two or more, else nothing is in common; add an arm')
    means = samples.mean(1, keepdims=True)
    return means + (samples - samples.mean(0) - means + samples.mean()) * math.sqrt(len(samples) / (len(samples) - 1))
