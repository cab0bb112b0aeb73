"""Text cache: files with saved work in a study's `.cache`. The first line of each is the hash of the rest.

They may be deleted at any time. A damaged file is not used. Where the folder cannot be written, nothing is saved.
"""

import contextlib
import hashlib
from pathlib import Path

from results.store import atomic, regular

FOLDER = '.cache'
"""The folder that results/store/parquet_cache.py uses too. Importing the name from there would load a database."""
SLOW = 1.0
"""Work is saved if it took this many seconds or more."""


def load(folder: Path, name: str) -> str | None:
    """The text saved under a name in a study's folder; None where there is none or it is damaged."""
    try:
        check, _, body = regular.read(folder / FOLDER / name).decode().partition('\n')
    except (OSError, ValueError):
        return None
    return body if hashlib.sha256(body.encode()).hexdigest() == check else None


def save(folder: Path, name: str, body: str, others: str, most: int) -> None:
    """Save a text under a name, and remove all but the newest `most` files that match the pattern `others`."""
    place = folder / FOLDER
    with contextlib.suppress(OSError, ValueError):
        place.mkdir(exist_ok=True)
        if place.is_symlink():
            return
        atomic.replace(place / name, f'{hashlib.sha256(body.encode()).hexdigest()}\n{body}', follow=False)
        newest = sorted(place.glob(others), key=lambda path: path.stat().st_mtime_ns, reverse=True)
        for path in newest[most:]:
            path.unlink(missing_ok=True)
