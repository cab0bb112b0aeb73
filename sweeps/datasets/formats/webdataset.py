"""WebDataset: tar shards; the files of one example are neighbours and share a key."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from sweeps.datasets.formats.archives import members
from sweeps.datasets.formats.labels import checked_label

IMAGES = ('jpg', 'jpeg', 'png', 'webp')
LABELS = ('cls', 'json')


def _groups(path: Path) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Key and files of each example; the key is the name up to the first dot of its last part."""
    key, files = None, {}
    for name, stream in members(path):
        folder, _, base = name.rpartition('/')
        stem, _, suffix = base.partition('.')
        if f'{folder}/{stem}' != key:
            if files:
                yield key, files
            key, files = f'{folder}/{stem}', {}
        # Of an example only what is read: others may be large.
        if suffix.lower() in (*IMAGES, *LABELS):
            if suffix.lower() in files:
                raise ValueError(f"{path}: '{name}' is there twice; allowed: one of a kind a key; make the shard again")
            files[suffix.lower()] = stream.read()
    if files:
        yield key, files


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
    paths: Path | Iterable[Path], classes: int | None = None, skipped: list[str] | None = None
) -> Iterator[tuple[bytes, int]]:
    """Content and label of each image of the shards, in their order.

    An example is an image (jpg, jpeg, png, webp) and a label: `cls`, a whole number as text, or the field `label` of `json`. An
    example without one of the two, or with a label that is no whole number, raises ValueError. With `skipped` it is appended
    there and left out instead.
    """
    listed = [paths] if isinstance(paths, str | Path) else list(paths)
    if not listed:
        raise ValueError('no WebDataset shards; give one or more')
    for path in listed:
        for key, files in _groups(Path(path)):
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
