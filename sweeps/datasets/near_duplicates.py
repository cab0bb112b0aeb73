"""Near-duplicates: how much of a test text is also in the pool, word for word."""

from collections.abc import Callable, Iterator

import numpy as np

from sweeps.datasets.prepared import Part

LENGTHS = {'texts': 50, 'tokens': 13, 'molecules': 50}
"""The length of a shingle by kind: 50 bytes, or 13 tokens as usual in reports on contamination."""
MOST = 200_000
"""The most test shingles to look for, spread evenly over the test split."""
BLOCK = 2**20
_FILTER = 20


def shingle_hashes(values: np.ndarray, length: int) -> np.ndarray:
    """A 64-bit hash of each run of `length` values: uint64 [n - length + 1].

    A run of 2k values has the hash h(i) * a_k + h(i + k), so that any length takes a few passes of numpy.
    """
    run = (values.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    run ^= run >> np.uint64(29)
    total, done, size = None, 0, 1
    while True:
        if length & size:
            total = run if total is None else _joined(total, run, done, size)
            done += size
        size *= 2
        if size > length:
            return total[: max(len(values) - length + 1, 0)]
        run = _joined(run, run, size // 2, size // 2)


def _joined(left: np.ndarray, right: np.ndarray, shift: int, size: int) -> np.ndarray:
    """The hashes of runs of `shift` values and then `size` others."""
    count = max(len(right) - shift, 0)
    mixed = left[:count] * np.uint64(0xBF58476D1CE4E5B9 + 2 * size) + right[shift:]
    return mixed ^ (mixed >> np.uint64(31))


def _test_shingles(part: Part, length: int) -> np.ndarray:
    """Hashes of the consecutive shingles of each test example, thinned out evenly."""
    hashes = []
    for number in range(len(part)):
        content = np.asarray(part.example(number))
        if len(content) >= length:
            count = len(content) // length
            hashes.append(shingle_hashes(content, length)[: (count - 1) * length + 1 : length])
    own = np.concatenate(hashes) if hashes else np.empty(0, np.uint64)
    return own[np.linspace(0, len(own) - 1, min(len(own), MOST)).astype(np.int64)] if len(own) else own


def _pool_blocks(part: Part, length: int) -> Iterator[np.ndarray]:
    for start in range(0, len(part.x), BLOCK):
        yield np.asarray(part.x[start : start + BLOCK + length - 1])


def shared_shingles(
    pool: Part, test: Part, length: int, progress: Callable[[int, int], object] = lambda done, total: None
) -> dict:
    """The share of the test split's shingles that occur in the pool, and the number of shingles."""
    wanted = _test_shingles(test, length)
    if not len(wanted):
        return {'length': length, 'looked_for': 0, 'share': 0.0}
    known = np.unique(wanted)
    # Most of the pool's runs are new: a small table of the hashes' first bits sorts them out before the exact search.
    table = np.zeros(2**_FILTER, bool)
    shift = np.uint64(64 - _FILTER)
    table[known >> shift] = True
    met = np.zeros(len(known), bool)
    done = 0
    for block in _pool_blocks(pool, length):
        hashes = shingle_hashes(block, length)
        hashes = hashes[table[hashes >> shift]]
        places = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
        met[places[known[places] == hashes]] = True
        done += len(block)
        progress(done, len(pool.x))
    share = float(met[np.searchsorted(known, wanted)].mean())
    return {'length': length, 'looked_for': len(wanted), 'share': round(share, 6)}
