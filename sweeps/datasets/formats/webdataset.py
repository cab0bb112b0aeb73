"""WebDataset: tar shards; the files of one example are neighbours and share a key."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from sweeps.datasets.formats.archives import members
from sweeps.datasets.formats.labels import checked_label

IMAGES = ('jpg', 'jpeg', 'png', 'webp')
LABELS = ('cls', 'json')


def _examples(path: Path, unread: Counter[str]) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Key and files of each example; `unread` counts the other members by their ending.

    A key is the name up to its first dot, or up to its last where an image and a label of their own are so called: keys may
    have dots. Else what stands between two dots tells a further file of an example, such as 0001.mask.png.
    """
    first, previous, pending, given = None, '', {}, set()
    for name, stream in members(path):
        folder, _, base = name.rpartition('/')
        stem, dot, suffix = base.rpartition('.')
        key, stem, suffix = f'{folder}/{base.partition(".")[0]}', f'{folder}/{stem}', suffix.lower()
        if key != first:
            yield from _whole(first, pending, unread)
            first, previous, pending, given = key, stem, {}, set()
        if stem != previous and previous != first and _is_whole(pending.get(previous)):
            # So that a shard of keys with dots is never in memory as a whole.
            yield previous, pending.pop(previous)
            given.add(previous)
        previous = stem
        # Of an example only what is read: others may be large.
        if not dot or suffix not in (*IMAGES, *LABELS):
            unread[f'.{suffix}' if dot else 'no ending'] += 1
            continue
        if suffix in pending.get(stem, ()) or stem in given:
            raise ValueError(f"{path}: '{name}' is there twice; allowed: one of a kind a key; make the shard again")
        pending.setdefault(stem, {})[suffix] = stream.read()
    yield from _whole(first, pending, unread)


def _whole(first: str | None, pending: dict[str, dict[str, bytes]], unread: Counter[str]) -> Iterator[tuple[str, dict]]:
    """The examples of the members whose names agree up to the first dot."""
    further = _is_whole(pending.get(first))
    for stem, files in pending.items():
        if stem == first or _is_whole(files) or not further:
            yield stem, files
        else:
            unread.update(f'{stem.removeprefix(first)}.{suffix}' for suffix in files)


def _is_whole(files: dict[str, bytes] | None) -> bool:
    """Whether there is an image and a label."""
    return bool(files) and any(suffix in files for suffix in IMAGES) and any(suffix in files for suffix in LABELS)


def _label(files: dict[str, bytes], name: str, classes: int | None) -> int:
    if 'cls' in files:
        text = files['cls'].decode('utf-8', 'replace').strip()
        if not text.lstrip('-').isdecimal() or len(text) > 18:
            raise ValueError(f'{name}.cls: label {text[:60]!r}; allowed: a whole number; make the shard again')
        return checked_label(int(text), classes, f'{name}.cls')
    try:
        value = json.loads(files['json'])
    except (ValueError, RecursionError) as error:
        raise ValueError(f'{name}.json: not JSON ({error}); make the shard again') from error
    if not isinstance(value, dict) or 'label' not in value:
        there = sorted(value) if isinstance(value, dict) else value
        raise ValueError(f"{name}.json: no field 'label'; there: {there!r}; give every image a label, or a cls file")
    return checked_label(value['label'], classes, f'{name}.json')


def read_webdataset(
    paths: Path | Iterable[Path],
    classes: int | None = None,
    skipped: list[str] | None = None,
    unread: Counter[str] | None = None,
) -> Iterator[tuple[bytes, int]]:
    """Content and label of each image of the shards, in their order.

    An example is an image (jpg, jpeg, png, webp) and a label: `cls`, a whole number as text, or the field `label` of `json`. An
    example without one of the two, or with a label that is no whole number, raises ValueError. With `skipped` it is appended
    there and left out instead. `unread` counts all other members by their ending.
    """
    unread = Counter() if unread is None else unread
    listed = [paths] if isinstance(paths, str | Path) else list(paths)
    if not listed:
        raise ValueError('no WebDataset shards; give one or more')
    for path in listed:
        for key, files in _examples(Path(path), unread):
            name = f'{path}: {key.lstrip("/")}'
            try:
                images = [suffix for suffix in IMAGES if suffix in files]
                if len(images) != 1 or not any(suffix in files for suffix in LABELS):
                    raise ValueError(
                        f'{name}: has {sorted(files)}; allowed: one image of {", ".join(IMAGES)} and a label, cls or json, '
                        'side by side; make the shard again'
                    )
                yield files[images[0]], _label(files, name, classes)
            except ValueError as error:
                if skipped is None:
                    raise
                skipped.append(str(error))


def is_withheld(path: Path) -> bool:
    """Whether the first example of a shard has no label, or -1, as in test splits whose labels are kept back."""
    for key, files in _examples(Path(path), Counter()):
        try:
            return not _is_whole(files) or _label(files, key, None) < 0
        except ValueError as error:
            return 'label -1' in str(error)
    return False
