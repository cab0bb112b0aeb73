"""Intact: whether the files of a set are those that were prepared, before anything is trained on them.

The content of every file is compared with the hash that was written when the set was made. A file whose size and times have not
changed since it was last compared is not read again; the results are remembered beside the files, if that can be written.
"""

import contextlib
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from results.store import atomic, regular

REMEMBERED = '.compared.json'
BLOCK = 2**22
"""Bytes read at a time from a whole file."""


def checksum(path: Path) -> str:
    """The sha256 of a file; raises OSError where it cannot be read or is no regular file."""
    content = hashlib.sha256()
    with regular.open_file(path) as file:
        while block := file.read(BLOCK):
            content.update(block)
    return content.hexdigest()


def check(folder: Path, names: Iterable[str], checksums: Mapping[str, str], fix: str) -> None:
    """Compare files of a folder with their checksums; `fix` says what to do about a damaged one.

    Raises ValueError naming the first file that is damaged, cut, empty or gone.
    """
    known = _remembered(folder)
    fresh = {}
    for name in names:
        path = folder / name
        try:
            about = [*_about(path), checksums[name]]
            if known.get(name) == about:
                continue
            same = checksum(path) == checksums[name]
        except OSError as error:
            raise ValueError(f'{path}: cannot be read ({error.strerror}); {fix}') from None
        if not same:
            raise ValueError(f'{path} is damaged: its content is not what was prepared; {fix}')
        fresh[name] = about
    if fresh:
        # A folder that cannot be written is compared by each process anew.
        with contextlib.suppress(ValueError):
            atomic.replace(folder / REMEMBERED, json.dumps({**known, **fresh}, sort_keys=True), follow=False)


def _about(path: Path) -> list[int]:
    about = path.stat()
    return [about.st_size, about.st_mtime_ns, about.st_ctime_ns]


def _remembered(folder: Path) -> dict:
    try:
        known = json.loads(regular.read(folder / REMEMBERED))
    except (OSError, ValueError, RecursionError):
        return {}
    return known if isinstance(known, dict) else {}
