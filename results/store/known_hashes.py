"""Known hashes: the syntax hash of files whose contents were seen before, in the user's cache.

To parse all files takes half a second, in every worker of every run; to read them takes a hundredth of that. Each hash is a
file, named by the contents that it belongs to. It may be deleted at any time, and a damaged one is worked out again.
"""

import contextlib
import re
from collections.abc import Callable
from pathlib import Path

from ablations.locations import lab_cache
from results.store import atomic, regular

FOLDER = 'hashes'
MOST = 64
"""How many stay: the newest, of all versions of the lab that were used here."""


def remembered(contents: str, work_out: Callable[[], str]) -> str:
    """The hash of what has these contents (64 hexadecimal digits): as it is known here, or else as `work_out` gives it."""
    with contextlib.suppress(OSError, ValueError, RuntimeError):
        if known := re.fullmatch(f'([0-9a-f]{{16}}) {contents}', regular.read(_place(contents)).decode()):
            return known[1]
    made = work_out()
    # There may be no home, or none that may be written to: then nothing is remembered.
    with contextlib.suppress(OSError, ValueError, RuntimeError):
        atomic.replace(_place(contents), f'{made} {contents}', lasting=False, follow=False)
        _bound(_place(contents).parent)
    return made


def _place(contents: str) -> Path:
    return lab_cache() / FOLDER / contents


def _bound(folder: Path) -> None:
    newest = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    for path in newest[MOST:]:
        path.unlink(missing_ok=True)
