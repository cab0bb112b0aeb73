"""Groups: examples that a split must keep together."""

import hashlib

import numpy as np


def distinct(*parts: np.ndarray) -> list[np.ndarray]:
    """A number for each row's content, the same for equal rows of all parts: `[n, ...]` each, `[n]` each.

    Rows are compared by 16 bytes of their hash, so that parts on disk are read once and never held.

    >>> [numbers.tolist() for numbers in distinct(np.array([[1, 2], [3, 4]]), np.array([[3, 4]]))][1]
    [0]
    """
    digests = b''.join(hashlib.blake2b(row.tobytes(), digest_size=16).digest() for part in parts for row in part)
    numbers = np.unique(np.frombuffer(digests, 'V16'), return_inverse=True)[1].reshape(-1)
    return np.split(numbers, np.cumsum([len(part) for part in parts])[:-1])


def joined(group: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Groups that hold equal rows become one, directly or through a third group: `[n], [n, ...] -> [n]`.

    >>> joined(np.array([0, 1, 2, 3]), np.array([[5], [6], [5], [7]])).tolist()
    [0, 1, 0, 2]
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    _, groups = np.unique(group, return_inverse=True)
    content = distinct(rows)[0] + groups.max() + 1
    size = int(content.max()) + 1
    links = coo_array((np.ones(len(group), np.int8), (groups, content)), shape=(size, size))
    return connected_components(links, directed=False)[1][groups].astype(np.int64)


def unknown(rows: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Indices of the rows that `known` does not have: `[n, ...], [m, ...] -> [k]`.

    >>> unknown(np.array([[1], [2], [3]]), known=np.array([[2]])).tolist()
    [0, 2]
    """
    old, new = distinct(known, rows)
    return np.flatnonzero(~np.isin(new, old))
