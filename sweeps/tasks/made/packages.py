"""packages: pieces of Python's standard library by the package that they are from."""

import numpy as np

from sweeps.datasets.prepared import Part
from sweeps.tasks.made.made_set import MadeSet, of_windows
from sweeps.tasks.made.sources import pieces, sources

NAMES = ('asyncio', 'email', 'encodings', 'importlib', 'multiprocessing', 'unittest')
LENGTH = 128


def draw(generator: np.random.Generator, count: int, sealed: bool) -> Part:
    """Pieces of LENGTH bytes from the files of each package; a file is in one split, and equal pieces are left out but one.

    Of each package as many pieces are drawn. Raises ValueError where one has too few.
    """
    share, rows, y, group = count // len(NAMES), [], [], []
    for number, package in enumerate(NAMES):
        paths = sources((package,), 1000, 100_000)
        cut = [windows[new] for _, windows, new in pieces(paths, sealed, LENGTH)]
        there = np.repeat(np.arange(len(cut)), [len(own) for own in cut])
        if len(there) < share:
            raise ValueError(f"packages: {len(there)} pieces of '{package}', {share} needed; use another version of Python")
        chosen = np.sort(generator.permutation(len(there))[:share])
        rows.append(np.concatenate(cut)[chosen])
        y.append(np.full(share, number, np.int32))
        group.append(1000 * number + there[chosen])
    return of_windows(rows, y, group)


PACKAGES = MadeSet('packages', 'texts', 'class', NAMES, {'pool': 3840, 'test': 768}, draw)
