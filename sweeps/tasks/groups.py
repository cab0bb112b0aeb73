"""Groups: which examples a split must not tear."""

import hashlib

import numpy as np


def distinct(*parts: np.ndarray) -> list[np.ndarray]:
    """A number for each row's content, the same for equal rows of all parts: `[n, ...]` each, `[n]` each.

    Rows are told apart by 16 bytes of their hash, so that parts on disk are read once and never held.
    """
    digests = b''.join(hashlib.blake2b(row.tobytes(), digest_size=16).digest() for part in parts for row in part)
    numbers = np.unique(np.frombuffer(digests, 'V16'), return_inverse=True)[1].reshape(-1)
    return np.split(numbers, np.cumsum([len(part) for part in parts])[:-1])


def joined(group: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The groups with those made one that hold equal rows, directly or through a third: `[n], [n, ...] -> [n]`."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    _, groups = np.unique(group, return_inverse=True)
    content = distinct(rows)[0] + groups.max() + 1
    size = int(content.max()) + 1
    links = coo_array((np.ones(len(group), np.int8), (groups, content)), shape=(size, size))
    return connected_components(links, directed=False)[1][groups].astype(np.int64)


def unknown(rows: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Indices of the rows that stand nowhere in `known`: `[n, ...], [m, ...] -> [k]`."""
    old, new = distinct(known, rows)
    return np.flatnonzero(~np.isin(new, old))
