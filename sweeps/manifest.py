"""Manifest: facts of a runs folder that its records do not hold. One JSON file, replaced whole.

study, settings     the study's name and the --set settings of the last run
digest              the study's digest then
platform, strategy, lanes      how packs run
costs               {arm: {task: cost}}
looks               numbers of replicates at which findings were read
test_reads          {dataset: runs that were scored on the sealed test split}
"""

import contextlib
import fcntl
import json
from collections.abc import Iterator
from pathlib import Path

from results.store import atomic
from results.store.records import FIX

FILE = 'manifest.json'
EMPTY = {'costs': {}, 'looks': [], 'test_reads': {}, 'settings': []}


def load(folder: Path) -> dict:
    """The manifest of a runs folder, empty where there is none; raises ValueError where it is damaged."""
    path = folder / FILE
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except FileNotFoundError:
        return json.loads(json.dumps(EMPTY))
    except (OSError, ValueError) as error:
        raise ValueError(
            f'{path} is damaged ({error}); move it away: it is made anew, only the counts of looks and test reads are lost'
        ) from None
    if not isinstance(content, dict):
        raise ValueError(f'{path} is damaged (not a JSON object); move it away: it is made anew')
    return {**EMPTY, **content}


def save(folder: Path, manifest: dict) -> None:
    """Replace the manifest whole; raises ValueError where the folder cannot be written or the disk is full."""
    atomic.replace(folder / FILE, json.dumps(manifest, indent=1, sort_keys=True), FIX)


def update(folder: Path, **changes: object) -> dict:
    """Change these entries of the manifest and write it whole; gives the manifest. Its other entries stay."""
    manifest = {**load(folder), **changes}
    save(folder, manifest)
    return manifest


def _is_taken(file) -> bool:
    """Whether another process holds the lock; a file system without locks never says so (the first writer still wins)."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return isinstance(error, BlockingIOError)
    return False


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lock the folder, for one run at a time on this machine; raises ValueError where another run has the lock."""
    with open(folder / '.lock', 'w') as file:
        if _is_taken(file):
            raise ValueError(f'{folder}: another archlab run is using it; wait for it, or give --runs another folder')
        yield
