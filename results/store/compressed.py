"""Compressed: all records of a study in one file, as bundles have them, and as version control can keep them meanwhile."""

import gzip
from pathlib import Path

from results.store import atomic, regular
from results.store.records import FOLDER, MANY, content, listing, read_file

FILE = f'records{MANY}'


def packed(lines: bytes) -> bytes:
    """The content of a compressed file of records; the same lines always give the same bytes."""
    return gzip.compress(lines, 9, mtime=0)


def compress(folder: Path, study: str) -> int:
    """Put all records of a study's folder into one compressed file, in place of the others; gives how many it holds.

    A call that was killed is made again; what it left twice is then there once. Raises ValueError for a damaged file, and
    leaves everything as it was.
    """
    names = list(listing(folder))
    for name in names:
        read_file(folder / FOLDER / name, study)
    lines: dict[bytes, None] = {}
    for name in sorted(names, key=lambda name: name != FILE):
        lines |= dict.fromkeys(content(folder / FOLDER / name).splitlines(keepends=True))
    if not lines:
        return 0
    whole = packed(b''.join(lines))
    target = folder / FOLDER / FILE
    if not target.exists() or regular.read(target) != whole:
        atomic.replace(target, whole)
    for name in names:
        if name != FILE:
            (folder / FOLDER / name).unlink()
    return len(lines)
