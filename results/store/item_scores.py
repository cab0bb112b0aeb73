"""Item scores: what a run scored on each independent item of the sealed test split, as a short text in its record.

An item is a group of test examples that belong together (a file, identical images); most groups have one example. The mean of
the items is the score of the run. Effects need them to know the sampling error of the test split (2411.00640).
"""

import base64
import functools
import zlib

import numpy as np

HELD = 256
"""How many unpacked texts stay in memory."""
MOST = 2**26
"""Bytes that a text may unpack to."""
COARSE = 2.0**-10
"""The largest rounding of an item that is kept, as a share of the largest item: float16 has eleven bits."""


def by_item(scores: np.ndarray, group: np.ndarray) -> np.ndarray:
    """From the score of each example to that of each item, in the order of the groups' numbers: `[n], [n] -> [items]`.

    An item with several examples gets the mean of all examples plus the part that its own examples add. So items and examples
    have the same mean, and the spread of the items gives the error of that mean, as for a ratio.

    >>> by_item(np.array([1.0, 0.0, 0.0, 1.0]), np.array([7, 8, 9, 6])).tolist()
    [1.0, 1.0, 0.0, 0.0]
    >>> by_item(np.array([1.0, 0.0, 0.0, 0.0]), np.array([3, 3, 4, 4])).tolist()
    [0.5, 0.0]
    """
    names, place = np.unique(group, return_inverse=True)
    scores = np.asarray(scores, float)
    if len(names) == len(scores):
        return scores[np.argsort(place)]
    mean = scores.mean()
    return mean + np.bincount(place, scores - mean, len(names)) * len(names) / len(scores)


def packed(scores: np.ndarray) -> str | None:
    """Scores of items as text: float16, all low bytes before all high ones, compressed, in base64. `[items]`

    None with fewer than two items, and where float16 cannot hold them.

    >>> text = packed(np.array([1.0, 0.0, 1.0, 1.0]))
    >>> unpacked(text).tolist()
    [1.0, 0.0, 1.0, 1.0]
    >>> packed(np.array([1e9, 0.0])), packed(np.array([1.0])), unpacked(packed(np.array([1.0, 0.5]))).tolist()
    (None, None, [1.0, 0.5])
    """
    scores = np.asarray(scores, float)
    if len(scores) < 2 or not np.isfinite(scores).all():
        return None
    with np.errstate(over='ignore'):
        short = scores.astype('<f2')
    if np.abs(short - scores).max() > COARSE * np.abs(scores).max():
        return None
    planes = np.ascontiguousarray(short.view(np.uint8).reshape(-1, 2).T)
    return base64.b64encode(zlib.compress(planes.tobytes(), 9)).decode()


@functools.lru_cache(HELD)
def unpacked(text: str) -> np.ndarray:
    """The scores of `packed`, not to be written to. `[items]` Raises ValueError where the text is none of them."""
    try:
        unpacker = zlib.decompressobj()
        planes = np.frombuffer(unpacker.decompress(base64.b64decode(text, validate=True), MOST), np.uint8)
        if unpacker.unconsumed_tail:
            raise ValueError(f'it unpacks to more than {MOST} bytes')
        scores = np.ascontiguousarray(planes.reshape(2, -1).T).view('<f2').reshape(-1).astype(np.float32)
    except (ValueError, zlib.error) as error:
        raise ValueError(f'item scores {text[:40]!r} cannot be unpacked ({error}); the lab wrote no such record') from None
    scores.setflags(write=False)
    return scores
