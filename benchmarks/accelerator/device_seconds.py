"""Device seconds: how long calls take that run on a device, until their results are there."""

import statistics
import time
from collections.abc import Callable

import jax


def seconds(call: Callable[[], object], repeats: int = 5) -> dict[str, float]:
    """Median, least and most seconds of a call, until its results are there; one call before that is not counted.

    >>> sorted(seconds(lambda: 1.0, repeats=1))
    ['least', 'median', 'most']
    """
    jax.block_until_ready(call())
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        jax.block_until_ready(call())
        times.append(time.perf_counter() - began)
    return {'median': statistics.median(times), 'least': min(times), 'most': max(times)}
