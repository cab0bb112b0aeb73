"""Kept texts: files in a study's `.cache` that spare work, each with the hash of its content as its first line.

Disposable. A file is written whole or not at all, one that is damaged is not used, and where the folder cannot be written
nothing is kept.
"""

import contextlib
import hashlib
import os
import uuid
from pathlib import Path

FOLDER = '.cache'
"""The folder of results/store/parquet_cache.py, which loads a database to read its own files there."""
SLOW = 1.0
"""Seconds from which on it is worth keeping what took so long."""


def load(folder: Path, name: str) -> str | None:
    """What is kept under a name in a study's folder; None where there is nothing that is whole."""
    try:
        check, _, body = (folder / FOLDER / name).read_text(encoding='utf-8').partition('\n')
    except (OSError, ValueError):
        return None
    return body if hashlib.sha256(body.encode()).hexdigest() == check else None


def keep(folder: Path, name: str, body: str, others: str, most: int) -> None:
    """Write a text under a name; of the files that match the pattern `others` the newest `most` stay."""
    place = folder / FOLDER
    aside = place / f'.{uuid.uuid4().hex}'
    with contextlib.suppress(OSError):
        place.mkdir(exist_ok=True)
        try:
            aside.write_text(f'{hashlib.sha256(body.encode()).hexdigest()}\n{body}', encoding='utf-8')
            os.replace(aside, place / name)
        finally:
            aside.unlink(missing_ok=True)
        newest = sorted(place.glob(others), key=lambda path: path.stat().st_mtime_ns, reverse=True)
        for path in newest[most:]:
            path.unlink(missing_ok=True)
