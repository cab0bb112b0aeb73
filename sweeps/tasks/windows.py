"""Windows: examples cut from a stream of tokens, and the blocks of text that separate training from scoring.

A window holds `length` + 1 tokens: all but the last are read, all but the first are predicted. Windows start at multiples of
`spacing` tokens, wherever documents begin. The stream is divided into blocks of BLOCK tokens. A document belongs to the block
in which it starts, but a single document is divided too. Blocks with identical documents count as one. A replicate is scored on
whole blocks and trained on others. A window across two blocks (group ACROSS) is used for neither. So it is never trained on a
scored token, on the document of that token, or on a copy of the document.
"""

import numpy as np

from sweeps.tasks.token_streams import Stream

BLOCK = 4096
ACROSS = -1


def cut(tokens: np.ndarray, length: int, spacing: int) -> np.ndarray:
    """All windows of a stream, a view without a copy: `[T] -> [n, length + 1]`. Raises ValueError if none fits.

    >>> cut(np.arange(7), length=2, spacing=2).tolist()
    [[0, 1, 2], [2, 3, 4], [4, 5, 6]]
    """
    if len(tokens) <= length:
        raise ValueError(f'{len(tokens)} tokens give no window of length={length}; give a shorter length or more text')
    return np.lib.stride_tricks.sliding_window_view(tokens, length + 1)[::spacing]


def blocks(stream: Stream, length: int, spacing: int) -> np.ndarray:
    """The block of each window, or ACROSS: `[n]`."""
    starts, labels = _labels(stream, length)
    runs = np.cumsum(np.diff(labels, prepend=labels[:1]) != 0)
    first = np.arange(0, len(stream.tokens) - length, spacing)
    here, there = (np.searchsorted(starts, place, 'right') - 1 for place in (first, first + length))
    return np.where(runs[here] == runs[there], labels[here], ACROSS)


def _labels(stream: Stream, length: int) -> tuple[np.ndarray, np.ndarray]:
    """The starts of the documents, or of the pieces of a single document, and the block of each."""
    size = -(-BLOCK // (length + 1)) * (length + 1)
    if len(stream.group) == 1:
        starts = np.arange(0, len(stream.tokens), size)
        return starts, np.arange(len(starts))
    # An empty document has the start of the next one: the last of these is the one that has the tokens.
    starts = np.asarray(stream.starts[:-1])
    return starts, _joined(starts // size, np.asarray(stream.group))


def _joined(block: np.ndarray, group: np.ndarray) -> np.ndarray:
    """The blocks, one and the same where they share a group of documents: `[D], [D] -> [D]`."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    groups, group = np.unique(group, return_inverse=True)
    kinds, block = np.unique(block, return_inverse=True)
    size = len(kinds) + len(groups)
    links = coo_array((np.ones(len(block), np.int8), (block, len(kinds) + group)), (size, size))
    return connected_components(links, directed=False)[1][block].astype(np.int64)


def codes(windows: np.ndarray) -> np.ndarray:
    """A hash of each window: `[n, length + 1] -> [n]`. Two different windows share one with probability 2^-64."""
    factors = np.random.default_rng(0).integers(2**63, size=windows.shape[1], dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    rows = max(1, 2**22 // windows.shape[1])
    hashes = [windows[start : start + rows].astype(np.uint64) @ factors for start in range(0, len(windows), rows)]
    return np.concatenate(hashes)


def drawn(group: np.ndarray, code: np.ndarray, seed: int, held: int, train: int, apart: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices of training and tuning-validation windows by the seed, no block in both; with `train` 0 all that are left.

    Held windows are a multiple of `apart` from each other, so that no token is scored twice. Training windows with the `code`
    of a held window are left out. Raises ValueError if there are too few.
    """
    generator = np.random.default_rng(seed)
    usable = np.flatnonzero(group != ACROSS)
    names, number = np.unique(group[usable], return_inverse=True)
    rank = generator.permutation(len(names))[number]
    alone = usable % apart == 0
    enough = np.cumsum(np.bincount(rank[alone], minlength=len(names))) >= held
    last = int(enough.argmax()) if enough.any() else len(names)
    inside, outside = usable[(rank <= last) & alone], usable[rank > last]
    if len(inside) >= held:
        inside = np.sort(generator.choice(inside, held, replace=False))
        outside = outside[~np.isin(code[outside], code[inside])]
    if len(inside) < held or len(outside) < max(train, 1):
        raise ValueError(
            f'{len(usable)} windows in {len(names)} blocks of text do not give {held} held-out and {train or "any"} training '
            'windows; ask for fewer, or give a shorter length or more text'
        )
    return generator.choice(outside, train, replace=False) if train else outside, inside


def spread(count: int, wanted: int) -> np.ndarray:
    """Indices of `wanted` of `count` examples, evenly spread; 0 wants all.

    >>> spread(10, 4).tolist(), spread(3, 0).tolist(), spread(2, 5).tolist()
    ([0, 2, 5, 7], [0, 1, 2], [0, 1])
    """
    size = min(count, wanted) if wanted else count
    return np.arange(size) * count // max(size, 1)
