"""packages: pieces of the sources of Python's standard library by the package that they come from."""

import numpy as np

from sweeps.datasets.prepared import Part
from sweeps.tasks.made.library_files import pieces, sources
from sweeps.tasks.made.made_set import MadeSet, of_windows

PACKAGES = ('asyncio', 'email', 'importlib', 'multiprocessing', 'unittest', 'xml')
FOLDERS = {
    **{name: (name,) for name in PACKAGES},
    'importlib': ('importlib', 'importlib/metadata', 'importlib/resources'),
    'xml': ('xml/dom', 'xml/etree', 'xml/sax'),
}
LENGTH = 128
FILES = 10_000
"""More files than a package has."""


def draw(generator: np.random.Generator, count: int, sealed: bool) -> Part:
    """Windows of as many bytes of each package; a file is of one split, and its windows are one group.

    Raises ValueError where there are too few.
    """
    each, rows, y, group = count // len(PACKAGES), [], [], []
    for number, package in enumerate(PACKAGES):
        files = [windows[new] for _, windows, new in pieces(sources(FOLDERS[package], 1_000, 200_000), sealed, LENGTH)]
        there = np.concatenate(files)
        if len(there) < each:
            raise ValueError(f'packages: {len(there)} windows of {package}, {each} needed; use a Python with more modules')
        of_file = FILES * number + np.repeat(np.arange(len(files)), [len(one) for one in files])
        chosen = np.sort(generator.permutation(len(there))[:each])
        rows.append(there[chosen])
        y.append(np.full(each, number, np.int32))
        group.append(of_file[chosen])
    return of_windows(rows, y, group)


PACKAGE_PIECES = MadeSet('packages', 'texts', 'class', PACKAGES, {'pool': 3072, 'test': 576}, draw)
