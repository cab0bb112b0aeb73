"""Library files: those of the running Python's standard library, in an order of their own."""

import hashlib
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sweeps.tasks.made.made_set import windows

SEALED = 4
"""One file in this many is of the test split."""


def sources(folders: tuple[str, ...], smallest: int, largest: int) -> list[Path]:
    """The *.py files in folders of the standard library ('' is its own) with so many bytes, by the sha256 of their names.

    Raises ValueError where there are none.
    """
    library = Path(sysconfig.get_paths()['stdlib'])
    paths = [path for folder in folders for path in (library / folder).glob('*.py')]
    paths = [path for path in paths if smallest <= path.stat().st_size <= largest]
    if not paths:
        raise ValueError(
            f'no *.py files of {smallest} to {largest} bytes in {library} ({", ".join(folders)}); use a Python whose standard '
            'library lies unpacked'
        )
    return sorted(paths, key=lambda path: hashlib.sha256(str(path.relative_to(library)).encode()).hexdigest())


def pieces(paths: list[Path], sealed: bool, length: int) -> Iterator[tuple[Path, np.ndarray, np.ndarray]]:
    """The files of a split, every fourth for test, each with its windows of bytes and the numbers of those that are new.

    A window is new if no earlier one equals it and, in a file of the test split, if none of the pool does. Each is read as it
    is asked for. `[n, length], [m]`
    """
    own = [path for number, path in enumerate(paths) if (number % SEALED == 0) == sealed]
    seen: set[bytes] = set()
    for path in paths if sealed else ():
        if path not in own:
            seen.update(row.tobytes() for row in _cut(path, length))
    for path in own:
        rows, new = _cut(path, length), []
        for number, row in enumerate(rows):
            if (content := row.tobytes()) not in seen:
                new.append(number)
                seen.add(content)
        yield path, rows, np.array(new, np.int64)


def _cut(path: Path, length: int) -> np.ndarray:
    return windows(np.frombuffer(path.read_bytes(), np.uint8), length)
