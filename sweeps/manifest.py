"""Manifest: facts of a runs folder that its records do not hold. One JSON file, replaced whole.

study, settings     the study's name and the --set settings of the last run
digest              the study's digest then
protocol            the rules that the folder was started under (results/protocol.py)
platform, strategy, lanes      how packs run
pack_seconds        about how long they take, where their lanes run one after the other
costs               {arm: {task: cost}}
looks               numbers of replicates at which findings were read
design              the study's looks, their shares and its error rate when findings were read for the first time
test_sizes          {task: test examples, at most}, where that is known before they are read
sets                {prepared set: its digest}, as the last run found them
giveaways           {prepared set: sentences on what alone tells the answer there}, where there is any
test_reads          {dataset: runs that were scored on the sealed test split}
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from ablations.config import NAME
from results.store import atomic, regular
from results.store.records import FIX

FILE = 'manifest.json'
EMPTY = {'costs': {}, 'looks': [], 'test_reads': {}, 'settings': []}


def _text(value: object) -> bool:
    return isinstance(value, str)


def _count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _cost(value: object) -> bool:
    counted = [value.get(name) for name in ('params', 'flops')] if isinstance(value, dict) else ['none']
    return all(number is None or isinstance(number, (int, float)) for number in counted)


def _by_name(right: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, dict) and all(map(right, value.values()))


def _list(right: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, list) and all(map(right, value))


def _design(value: object) -> bool:
    if not isinstance(value, dict) or not _list(_count)(value.get('looks')) or not value['looks']:
        return False
    shares, alpha = value.get('shares'), value.get('alpha')
    numbers = isinstance(shares, list) and all(isinstance(n, (int, float)) and not isinstance(n, bool) for n in shares)
    return numbers and len(shares) == len(value['looks']) and isinstance(alpha, float) and 0 < alpha < 1


KINDS = {
    'study': lambda value: _text(value) and NAME.fullmatch(value) is not None,
    **dict.fromkeys(('digest', 'platform', 'strategy'), _text),
    **dict.fromkeys(('lanes', 'protocol'), lambda value: _count(value) and value > 0),
    'pack_seconds': lambda value: isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0,
    'settings': _list(_text),
    'looks': _list(_count),
    'design': _design,
    'test_reads': _by_name(_count),
    'test_sizes': _by_name(_count),
    'sets': _by_name(_text),
    'giveaways': _by_name(_list(_text)),
    'costs': _by_name(_by_name(_cost)),
}
"""What each entry must be."""


def load(folder: Path) -> dict:
    """The manifest of a runs folder, empty where there is none; raises ValueError where it is damaged."""
    path = folder / FILE
    try:
        content = json.loads(regular.read(path))
        wrong = _wrong(content)
    except FileNotFoundError:
        return json.loads(json.dumps(EMPTY))
    except OSError as error:
        raise ValueError(regular.unread(path, error)) from None
    except (ValueError, RecursionError) as error:
        wrong = str(error) or type(error).__name__
    if wrong:
        raise ValueError(f'{path} is damaged ({wrong}); move it away and run again: it is made anew, test reads by the records')
    return {**EMPTY, **content}


def _wrong(content: object) -> str:
    """The first entry of a manifest of another kind than the lab's, '' without one."""
    if not isinstance(content, dict):
        return 'not a JSON object'
    if content and not content.keys() & {*KINDS}:
        return 'it has no entry of a manifest'
    for name, right in KINDS.items():
        if name in content and not right(content[name]):
            return f"'{name}' is {json.dumps(content[name])[:60]}"
    return ''


def save(folder: Path, manifest: dict) -> None:
    """Replace the manifest whole; raises ValueError where the folder cannot be written or the disk is full."""
    atomic.replace(folder / FILE, json.dumps(manifest, indent=1, sort_keys=True), FIX, follow=False)


def update(folder: Path, known: Mapping | None = None, **changes: object) -> dict:
    """Change these entries of the manifest and write it whole; gives the manifest. Its other entries stay.

    If it was removed meanwhile, they are the caller's `known` ones.
    """
    there = load(folder) if (folder / FILE).exists() or known is None else known
    manifest = {**there, **changes}
    save(folder, manifest)
    return manifest


def _is_taken(handle: int) -> bool:
    """Whether another process holds the lock; a file system without locks never says so (the first writer still wins)."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return isinstance(error, BlockingIOError)
    return False


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lock the folder, for one run at a time on this machine; raises ValueError where another run has the lock."""
    handle = atomic.open_lock(folder / '.lock')
    try:
        if _is_taken(handle):
            raise ValueError(f'{folder}: another archlab run is using it; wait for it, or give --runs another folder')
        yield
    finally:
        os.close(handle)
