"""Division: which examples of a source that is in memory are the test split, and which belong together."""

from collections.abc import Sequence

import numpy as np

from sweeps.datasets.material import split_of
from sweeps.datasets.writing import held_by_hash


def divided(
    digests: list[bytes], keys: Sequence[bytes] | None, test: np.ndarray | None, share: float, column: str = ''
) -> tuple[np.ndarray, list[bytes]]:
    """Whether each example is of the test split, `[n]`, and a hash that examples which belong together share.

    Examples of one content or one key belong together, directly or through a third. `test` is the split where something says
    it; else a share of the hashes. Raises ValueError where a key of `column` stands in both.

    >>> held, same = divided([b'a' * 16, b'b' * 16, b'c' * 16], [b'1' * 16, b'1' * 16, b'2' * 16], None, .1)
    >>> same[0] == same[1], same[0] == same[2]
    (True, False)
    """
    own = list(digests) if keys is None else _joined(digests, keys)
    if test is None:
        return np.array([held_by_hash(one, share) for one in own], bool), own
    if keys is not None:
        both = {key for key, held in zip(keys, test, strict=True) if held} & {
            key for key, held in zip(keys, test, strict=True) if not held
        }
        if both:
            raise ValueError(
                f"{len(both)} values of the group column '{column}' stand in the test split and outside it; a group belongs to "
                'one split: mend the column, or leave split out for one by hash of the group'
            )
    return test, own


def _joined(digests: list[bytes], keys: Sequence[bytes]) -> list[bytes]:
    """For each example the least key of those that belong together with it."""
    above: dict[bytes, bytes] = {}

    def top(one: bytes) -> bytes:
        while above.setdefault(one, one) != one:
            above[one] = above[above[one]]
            one = above[one]
        return one

    for digest, key in zip(digests, keys, strict=True):
        # The letter keeps keys and contents apart.
        one, other = top(b'k' + key), top(b'x' + digest)
        above[max(one, other)] = min(one, other)
    return [top(b'k' + key)[1:] for key in keys]


def by_column(values: Sequence[object], column: str) -> np.ndarray:
    """Whether each example is of the test split by the words of a column; without `test` the validation rows are it.

    Raises ValueError for another word, or where only one side is there.
    """
    words = [split_of(str(value)) for value in values]
    unknown = sorted({str(value) for value, word in zip(values, words, strict=True) if not word})
    if unknown:
        raise ValueError(
            f"split column '{column}' has {unknown[:5]}; allowed: train, valid (or val, dev) and test; name another column, or "
            'leave split out for one by hash'
        )
    held = 'test' if 'test' in words else 'valid'
    test = np.array([word == held for word in words], bool)
    if test.all() or not test.any():
        raise ValueError(f"split column '{column}' says {sorted(set(words))} only; allowed: both training and test examples")
    return test
