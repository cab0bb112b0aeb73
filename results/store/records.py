"""Records: finished trials as JSON lines, one file per pack, committed whole. They and the manifest are the lab's only state.

A file is written under a temporary name, fsynced and hard-linked to its final name; the first writer of a name wins. Each line
ends with a `check`, a hash of the rest of the line, and holds the number of lines of its file, so that damage is noticed.
Published records are packs one after the other in one file, compressed (results/bundle.py).
"""

import contextlib
import gzip
import hashlib
import io
import json
import math
import os
import re
import zlib
from collections.abc import Iterable
from pathlib import Path

from results.store import atomic, regular
from results.store.own_ids import own_id

FOLDER = 'records'
PACK, MANY = '.jsonl', '.jsonl.gz'
"""The suffixes of record files: one pack, or packs one after the other, compressed."""
STOPPED = 'stopped'
"""The status of a run that was stopped before its end: it has no score. One that goes on has another record in the end."""
STATUSES = ('ok', 'diverged', 'failed', STOPPED)
UNPACKED, RATIO = 2**26, 100
"""Bytes that a compressed file may unpack to in any case, and times its own size; records shrink to a tenth."""
LARGE = 2**23
"""From this many bytes on a study's records are read through a cache; below it a cache saves no time."""
FIX = 'give --runs a folder that you may write to'
FORMAT = 1
"""The form of the records that this version writes; those of before had none, and are read too."""
DEEP = 200
"""Levels of JSON that a record may have; some readers would fail on more."""
_CHECK = ', "check": "'


def _text(value: object) -> bool:
    return isinstance(value, str)


def _count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _numbers(value: object) -> bool:
    return isinstance(value, dict) and all(one is None or _number(one) for one in value.values())


def _object(value: object) -> bool:
    return isinstance(value, dict)


def _curve(value: object) -> bool:
    lists = list(value.values()) if isinstance(value, dict) else [None]
    return all(
        isinstance(own, list) and len(own) == len(lists[0]) and all(n is None or _number(n) for n in own) for own in lists
    )


def _pack(value: object) -> bool:
    whole = isinstance(value, dict) and _text(value.get('id')) and _count(value.get('records'))
    counts = whole and all(_count(value.get(name, 0)) for name in ('lane', 'lanes', 'splits'))
    return counts and _text(value.get('strategy', '')) and _number(value.get('compile_seconds', 0.0))


REQUIRED = {
    **dict.fromkeys(('id', 'study', 'arm', 'task', 'dataset', 'held', 'optimizer'), _text),
    **dict.fromkeys(('replicate', 'seed'), _count),
    'knobs': lambda value: isinstance(value, dict) and all(map(_number, value.values())),
    'status': lambda value: value in STATUSES if _text(value) else False,
    'pack': _pack,
}
"""What every record has, and whether a value is of its kind."""
ITEMS = 'item_scores'
"""The entry with the scores of single items (results/store/item_scores.py)."""
NUMBERS = ('score', 'score_se', 'initial_loss', 'final_loss', 'score_until')
OPTIONAL = {
    **dict.fromkeys(('phase', 'reason', 'blocks', 'checksum', ITEMS), _text),
    **dict.fromkeys(('steps', 'batch', 'n_held', 'until', 'evaluations'), _count),
    **dict.fromkeys(('data', 'model', 'turns'), _object),
}
"""Entries that a record need not have, and whether a value is of its kind."""
EMPTY = {
    **dict.fromkeys(NUMBERS, _number),
    **dict.fromkeys(('cost', 'parts'), _numbers),
    **{'diverged_at': _count, 'leak': _text, 'curve': _curve, 'environment': _object},
}
"""The same of entries that may also be null."""


def to_line(record: dict) -> str:
    """One JSON line with its check.

    >>> line = to_line({'id': 'one', 'score': 0.5})
    >>> intact(line.encode()), intact(line.replace('0.5', '0.6').encode())
    (True, False)
    """
    body = json.dumps(record, allow_nan=False)[:-1]
    return f'{body}{_CHECK}{hashlib.sha256(body.encode()).hexdigest()[:16]}"}}'


def intact(line: bytes) -> bool:
    """Whether a line carries the check of its content."""
    body, mark, tail = line.rpartition(_CHECK.encode())
    return bool(mark) and tail == f'{hashlib.sha256(body).hexdigest()[:16]}"}}'.encode()


def too_deep(line: bytes) -> bool:
    """Whether the JSON of a line is nested more than DEEP levels; brackets in texts count too.

    >>> too_deep(b'[' * 1000 + b']' * 1000), too_deep(b'[[], [], {}]' * 1000)
    (True, False)
    """
    if line.count(b'[') + line.count(b'{') <= DEEP:
        return False
    depth = deepest = 0
    for bracket in re.findall(rb'[][{}]', line):
        depth += 1 if bracket in b'[{' else -1
        deepest = max(deepest, depth)
    return deepest > DEEP


def from_line(line: str) -> dict:
    """The record of a line; raises ValueError where the line is damaged."""
    line = line.rstrip('\n')
    if not intact(line.encode()):
        raise ValueError('its check does not match its content')
    if too_deep(line.encode()):
        raise ValueError(f'its JSON is nested more than {DEEP} levels')
    record = json.loads(f'{line.rpartition(_CHECK)[0]}}}')
    if (form := record.get('format', FORMAT)) != FORMAT:
        raise ValueError(f'its format is {form!r}, this version reads {FORMAT}; use the version of the lab that wrote it')
    missing = [name for name in REQUIRED if name not in record]
    if missing:
        raise ValueError(f'it lacks {missing}')
    for name, right in {**REQUIRED, **OPTIONAL}.items():
        if name in record and not right(record[name]):
            raise ValueError(f'its {name} is {str(record[name])[:60]!r}')
    if record['status'] == 'ok' and not _number(record.get('score')):
        raise ValueError(f"its status is 'ok' and its score {record.get('score')!r}; allowed: a finite number")
    for name, right in EMPTY.items():
        if record.get(name) is not None and not right(record[name]):
            raise ValueError(f'its {name} is {str(record[name])[:60]!r}')
    if (own := own_id(record)) not in (None, record['id']):
        raise ValueError(f"its id is '{record['id'][:60]}', and what it describes has the id '{own}'")
    return record


def prepare(folder: Path) -> None:
    """Make the records folder, and try what commits need: writing and hard links.

    Raises ValueError where the folder cannot be written or its file system has no hard links.
    """
    atomic.try_links(folder / FOLDER, FIX)


def commit(folder: Path, name: str, records: Iterable[dict]) -> bool:
    """Write all records of a pack under `name`, or none. False where the name was taken already (its file stays).

    Raises ValueError where the disk is full or the folder cannot be written; then nothing is left behind.
    """
    lines = ''.join(to_line(record) + '\n' for record in records)
    return atomic.create(folder / FOLDER / f'{name}{PACK}', lines, FIX)


def content(path: Path) -> bytes:
    """The lines of a record file.

    Raises OSError if it cannot be read, ValueError if it cannot be unpacked or unpacks to far more than records do.
    """
    stored = regular.read(path)
    if not path.name.endswith(MANY):
        return stored
    most = max(UNPACKED, RATIO * len(stored))
    try:
        with gzip.open(io.BytesIO(stored)) as file:
            unpacked = file.read(most + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f'it cannot be unpacked: {error}') from None
    if len(unpacked) > most:
        raise ValueError(f'it unpacks to more than {RATIO} times its size, which records do not')
    return unpacked


def _as_committed(lines: list[dict], many: bool) -> bool:
    """Whether the number of lines is the one stated in them. A file holds one pack, or with `many` several in a row."""
    start = 0
    while start < len(lines):
        pack = lines[start]['pack']
        size = pack['records'] if many else len(lines)
        group = lines[start : start + size]
        if size < 1 or any(one['pack']['records'] != len(group) for one in group):
            return False
        if many and any(one['pack']['id'] != pack['id'] for one in group):
            return False
        start += size
    return start > 0


def read_file(path: Path, study: str) -> list[dict]:
    """The records of one file; raises ValueError, with the file's name, where it is damaged or belongs to another study."""
    fix = 'move the file out of the folder; its trials then run again'
    try:
        lines = content(path).decode().splitlines()
    except OSError as error:
        raise ValueError(regular.unread(path, error)) from None
    except UnicodeDecodeError as error:
        raise ValueError(f'{path} is damaged (it is no text: {error}); {fix}') from None
    except ValueError as error:
        raise ValueError(f'{path} is damaged ({error}); {fix}') from None
    records = []
    for number, line in enumerate(lines, 1):
        try:
            records.append(from_line(line))
        except ValueError as error:
            raise ValueError(f'{path} is damaged (line {number}: {error}); {fix}') from None
    if not _as_committed(records, path.name.endswith(MANY)):
        raise ValueError(f'{path} is damaged (it has {len(records)} lines, not what was committed); {fix}')
    others = sorted({record['study'] for record in records} - {study})
    if others:
        raise ValueError(f"{path} holds records of study '{others[0]}', not '{study}'; move the file out of the folder")
    return records


def listing(folder: Path) -> dict[str, list[int]]:
    """Size in bytes and time of change in nanoseconds of every record file of a study, by name, sorted."""
    about_files = {}
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder / FOLDER) as entries:
        for entry in entries:
            if entry.name.endswith((PACK, MANY)):
                try:
                    about = entry.stat()
                    about_files[entry.name] = [about.st_size, about.st_mtime_ns]
                except OSError:
                    # A link to nothing: reading it will say so.
                    about_files[entry.name] = [0, 0]
    return dict(sorted(about_files.items(), key=lambda item: order(item[0])))


def file_name(pack: str, attempt: int = 1) -> str:
    """The name of a pack's records, without its end; every further attempt at a pack that failed has a name of its own.

    >>> file_name('0f3a'), file_name('0f3a', 2)
    ('0f3a', '0f3a-2')
    """
    return pack if attempt == 1 else f'{pack}-{attempt}'


def order(name: str) -> tuple[str, int]:
    """By what record files are read: attempts at a pack in the order in which they were made.

    >>> sorted(['b.jsonl', 'a-10.jsonl', 'a-2.jsonl', 'a.jsonl'], key=order)
    ['a.jsonl', 'a-2.jsonl', 'a-10.jsonl', 'b.jsonl']
    """
    stem = name.removesuffix('.gz').removesuffix(PACK)
    pack, dash, number = stem.rpartition('-')
    return (pack, int(number)) if dash and number.isdecimal() else (stem, 1)


def pack_of(name: str) -> str:
    """The pack that a records file, by its name without the end, is an attempt at.

    >>> pack_of('0f3a'), pack_of('0f3a-2')
    ('0f3a', '0f3a')
    """
    return order(name)[0]


def replaces(record: dict, other: dict | None) -> bool:
    """Whether a record replaces an `other` one of the same trial that was read before: only a failed one is replaced."""
    return other is None or (other['status'] == 'failed' and record['status'] != 'failed')


def doubles(record: dict, other: dict) -> bool:
    """Whether a trial was recorded once too often: by two records that did not fail."""
    return 'failed' not in (record['status'], other['status'])
