"""CIFAR-10 and CIFAR-100: binary version (records of label bytes and pixels) and python version (pickles).

Read from a folder or from the official tar archive; the binary files may each be packed. A record of the binary version is one
label byte (CIFAR-100: coarse, then fine) and 3,072 pixel bytes: red, green, blue, each row by row.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from sweeps.datasets.formats.archives import members, open_plain, read_exactly, unpack
from sweeps.datasets.formats.labels import checked_labels
from sweeps.datasets.formats.pickles import load_pickle

PIXELS = 3072
BATCHES = {
    10: {'train': {f'data_batch_{number}': 10_000 for number in range(1, 6)}, 'test': {'test_batch': 10_000}},
    100: {'train': {'train': 50_000}, 'test': {'test': 10_000}},
}
"""By number of classes and split: the official batches and how many examples each has."""
NAMES = {10: ('batches.meta', 'batches.meta.txt'), 100: ('meta', 'fine_label_names.txt')}
"""Files that hold the class names, python and binary version."""


MOST = 1 << 28
"""The largest size of a batch in bytes: 256 MiB; CIFAR-100's training images are 147 MiB."""


class Cifar(NamedTuple):
    """Images [n, 32, 32, 3] uint8 and (fine) labels [n] int32 by split, and the names of the classes, or None."""

    splits: dict[str, tuple[np.ndarray, np.ndarray]]
    names: list[str] | None


def _files(path: Path) -> Iterator[tuple[str, BinaryIO, int]]:
    """Base name, content and packed size of each file of an archive, of a folder, or of the `cifar-*` folders in it."""
    path = Path(path)
    if path.is_dir():
        # Both versions side by side would give all examples twice: the first folder that has files is taken.
        folders = [path, *sorted(folder for folder in path.glob('cifar-*') if folder.is_dir())]
        pattern = re.compile(r'(data|test)_batch|(train|test|batches\.meta|meta|fine_label_names)(\.|$)')
        for folder in folders:
            files = sorted(file for file in folder.iterdir() if file.is_file() and pattern.match(file.name))
            for file in files:
                with open_plain(file) as stream:
                    yield file.name, stream, file.stat().st_size
            if files:
                return
    else:
        for name, stream in members(path):
            yield name.rpartition('/')[2], stream, MOST


def _batch(name: str, batches: dict[str, int]) -> str | None:
    """The official batch to which a file belongs: `data_batch_1.bin.xz` and its named parts are data_batch_1."""
    stem = re.sub(r'(\.bin)?(\.(xz|gz|bz2))?$', '', name)
    return next((batch for batch in batches if stem == batch or re.fullmatch(rf'{batch}_[a-z]\w*', stem)), None)


def _read_binary(content: bytes, classes: int, name: str) -> tuple[np.ndarray, np.ndarray]:
    heads = 1 if classes == 10 else 2
    if not content or len(content) % (heads + PIXELS):
        raise ValueError(
            f'{name}: {len(content):,} bytes; allowed: a multiple of {heads + PIXELS} (a record of CIFAR-{classes}); it is cut '
            'short or of another set; get it again'
        )
    records = np.frombuffer(content, np.uint8).reshape(-1, heads + PIXELS)
    return records[:, heads:], records[:, heads - 1].astype(np.int32)


def _read_pickle(content: bytes, classes: int, name: str) -> tuple[np.ndarray, np.ndarray]:
    batch = _texts(load_pickle(content, name))
    key = 'labels' if classes == 10 else 'fine_labels'
    if not isinstance(batch, dict) or 'data' not in batch or key not in batch:
        there = sorted(map(str, batch)) if isinstance(batch, dict) else type(batch).__name__
        raise ValueError(f"{name}: no 'data' and '{key}'; there: {there}; check that it is CIFAR-{classes}")
    data, labels = np.asarray(batch['data']), np.asarray(batch[key])
    if data.dtype != np.uint8 or data.ndim != 2 or data.shape[1] != PIXELS or not len(data):
        raise ValueError(f'{name}: data {data.dtype} {data.shape}; allowed: uint8 (n, {PIXELS}); get it again')
    if labels.shape != data.shape[:1] or labels.dtype.kind not in 'iu':
        raise ValueError(
            f'{name}: {labels.shape} labels of {labels.dtype} for {len(data)} images; allowed: one whole number each; '
            'get it again'
        )
    return data, labels


def _texts(value: object) -> object:
    """A dict of Python 2 with its keys, and the items of its lists, as text instead of bytes."""
    if isinstance(value, bytes):
        return value.decode('utf-8', 'replace')
    if isinstance(value, dict):
        return {_texts(key): [_texts(x) for x in item] if isinstance(item, list) else item for key, item in value.items()}
    return value


def _class_names(content: bytes, classes: int, name: str) -> list[str]:
    if name.endswith('.txt'):
        names = content.decode('utf-8', 'replace').split()
    else:
        meta = _texts(load_pickle(content, name))
        names = meta.get('label_names', meta.get('fine_label_names', [])) if isinstance(meta, dict) else []
    if len(names) != classes:
        raise ValueError(f'{name}: {len(names)} class names; allowed: {classes}; get it again')
    return list(map(str, names))


def _content(stream: BinaryIO, size: int, name: str) -> bytes:
    with unpack(stream, name, size, MOST) as unpacked:
        content = read_exactly(unpacked, MOST + 1)
    if len(content) > MOST:
        raise ValueError(f'{name}: more than {MOST:,} bytes; allowed: a batch of CIFAR; get it from its official source')
    return content


def read_cifar(path: Path, classes: int = 10, partial: bool = False) -> Cifar:
    """Images and labels of the splits 'train' and 'test', and the class names where the source has them.

    `path`: the folder of the batches, the folder above it, or the tar archive. `partial` accepts missing and short batches.
    Raises ValueError, with the file's name, if a batch is missing or has another size, or if a label is outside the classes.
    """
    if classes not in BATCHES:
        raise ValueError(f'CIFAR with {classes} classes; allowed: {list(BATCHES)}; choose one')
    official = {batch: count for batches in BATCHES[classes].values() for batch, count in batches.items()}
    read, seen, names = {}, [], None
    for name, stream, size in _files(path):
        seen.append(name)
        whole = f'{path}: {name}'
        if name in NAMES[classes]:
            names = _class_names(_content(stream, size, whole), classes, whole)
            continue
        batch = _batch(name, official)
        if batch is None or (not partial and name.partition('.')[0] != batch):
            continue
        if batch in read:
            raise ValueError(f'{path}: {batch} is there twice; there: {seen}; give the folder of one version')
        reader = _read_binary if '.bin' in name else _read_pickle
        x, y = reader(_content(stream, size, whole), classes, whole)
        if not partial and len(x) != official[batch]:
            raise ValueError(
                f'{whole}: {len(x)} examples; allowed: {official[batch]}; get it again, or take part of the set (partial)'
            )
        read[batch] = x, checked_labels(y, classes, whole)
    splits = {}
    for split, batches in BATCHES[classes].items():
        there = [batch for batch in batches if batch in read]
        missing = [batch for batch in batches if batch not in read]
        if missing and not (partial and there):
            raise ValueError(
                f'{path}: {", ".join(missing)} missing; there: {seen}; get the whole set of CIFAR-{classes}, or take what is '
                'there (partial), at least one batch a split'
            )
        x = np.concatenate([read[batch][0] for batch in there]).reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        splits[split] = np.ascontiguousarray(x), np.concatenate([read[batch][1] for batch in there])
    return Cifar(splits, names)
