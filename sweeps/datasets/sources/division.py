"""Division: the test split of a source's examples, by their folders or in memory, and the examples that belong together."""

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ablations.option_words import option
from sweeps.datasets.material import Options, split_of
from sweeps.datasets.writing import DIGEST, held_by_hash


def of_folders(
    splits: Mapping[str, list], source: Path, options: Options, where: str = 'beside train'
) -> tuple[list, list | None]:
    """The pool and the test examples of those in the folders `train`, `val` and `test`; no test ones if a hash shall draw them.

    Without a folder test, val is the test split; otherwise it is part of the pool. Raises ValueError where the split shall be
    taken from names and there is none.
    """
    if options.split == 'hash':
        return [one for some in splits.values() for one in some], None
    test = splits.get('test') or splits.get('val')
    if options.split == 'names' and not test:
        raise ValueError(f'{source}: no folder test or val {where}; allowed: {option("split", "hash")}, or leave it out')
    pool = splits['train']
    return ([*pool, *splits.get('val', [])] if splits.get('test') else pool), test


@dataclasses.dataclass(frozen=True)
class Division:
    """Whether each example is of the test split, `[n]`; a hash that examples of one group share; and the numbers of the
    examples outside the test split with the content of one inside; they are left out."""

    test: np.ndarray
    own: list[bytes]
    known: np.ndarray


def divided(
    digests: list[bytes],
    keys: Sequence[bytes] | None,
    test: np.ndarray | None,
    share: float,
    column: str = '',
    by_content: bool = True,
) -> Division:
    """A division of examples by the hashes of their contents and their keys, if they have any.

    Examples of one content (`by_content`) or one key belong together, directly or through a third. `test` is the split where
    something says it; else a share of the examples by their hashes, or of the groups until these hold the share. Raises
    ValueError where a key of `column` stands in both.

    >>> division = divided([b'a' * 16, b'b' * 16, b'c' * 16], [b'1' * 16, b'1' * 16, b'2' * 16], None, .1)
    >>> division.own[0] == division.own[1], division.own[0] == division.own[2]
    (True, False)
    """
    if keys is None:
        own = list(digests)
        held = np.array([held_by_hash(one, share) for one in own], bool) if test is None else test
        # Who writes the set leaves out what is in both.
        return Division(held, own, np.zeros(0, np.int64))
    own = _joined(digests if by_content else keys, keys)
    if test is None:
        chosen = _chosen(own, share, column)
        test = np.array([one in chosen for one in own], bool)
    both = {key for key, held in zip(keys, test, strict=True) if held} & {
        key for key, held in zip(keys, test, strict=True) if not held
    }
    if both:
        raise ValueError(
            f"{len(both)} values of the group column '{column}' stand in the test split and outside it; a group belongs to one "
            'split: mend the column, or leave split out for one by hash of the group'
        )
    sealed = {digest for digest, held in zip(digests, test, strict=True) if held}
    known = [i for i, (digest, held) in enumerate(zip(digests, test, strict=True)) if not held and digest in sealed]
    return Division(test, own, np.array(known, np.int64))


def _chosen(own: list[bytes], share: float, column: str) -> set[bytes]:
    """Groups in the order of their hashes, until they hold the share of the examples: of few groups the test split has one."""
    sizes, held, chosen = Counter(own), 0, set()
    if len(sizes) < 2:
        raise ValueError(f"group column '{column}' puts all examples into one group; allowed: two or more; name another column")
    for one in sorted(sizes):
        if held >= share * len(own) or len(chosen) == len(sizes) - 1:
            break
        chosen.add(one)
        held += sizes[one]
    return chosen


def _joined(digests: list[bytes], keys: Sequence[bytes]) -> list[bytes]:
    """For each example a hash of the least key in its group."""
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
    return [hashlib.blake2b(top(b'k' + key), digest_size=DIGEST).digest() for key in keys]


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
