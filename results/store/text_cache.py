"""Text cache: files in a study's `.cache` that spare work. The first line of each is the hash of the rest.

They may be deleted at any time. A damaged file is not used. Where the folder cannot be written, nothing is saved.
"""

import contextlib
import hashlib
from pathlib import Path

from results.store import atomic

FOLDER = '.cache'
"""The folder of results/store/parquet_cache.py, which loads a database to read its own files there."""
SLOW = 1.0
"""Work that takes this many seconds or more is worth a file."""


def load(folder: Path, name: str) -> str | None:
    """The text that was saved under a name in a study's folder; None where there is none, or where it is damaged."""
    try:
        check, _, body = (folder / FOLDER / name).read_text(encoding='utf-8').partition('\n')
    except (OSError, ValueError):
        return None
    return body if hashlib.sha256(body.encode()).hexdigest() == check else None


def save(folder: Path, name: str, body: str, others: str, most: int) -> None:
    """Write a text under a name; of the files that match the pattern `others` the newest `most` stay."""
    place = folder / FOLDER
    with contextlib.suppress(OSError, ValueError):
        place.mkdir(exist_ok=True)
        atomic.replace(place / name, f'{hashlib.sha256(body.encode()).hexdigest()}\n{body}')
        newest = sorted(place.glob(others), key=lambda path: path.stat().st_mtime_ns, reverse=True)
        for path in newest[most:]:
            path.unlink(missing_ok=True)
