"""Unpacked: a set's archives as a temporary folder beside the prepared set, while that is made."""

import contextlib
import errno
import re
import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from ablations.option_words import option
from sweeps.datasets.aside import unpacked_aside
from sweeps.datasets.dataset import Dataset
from sweeps.datasets.formats.allowance import own_allowance
from sweeps.datasets.formats.archives import (
    CHUNK,
    allowed_bytes,
    is_archive,
    members,
    tar_members,
    unpack,
    unpacked_bytes,
)
from sweeps.datasets.formats.folders import SPLITS
from sweeps.datasets.material import Progress

STREAMED = ('cifar', 'webdataset', 'arrays', 'function')
"""Kinds of readers that read archives themselves; the others get a folder."""
NESTED = ('.tar', '.tar.gz', '.tgz')
"""Suffixes of archives inside archives; these are unpacked too, such as one archive for each class."""
MEGABYTE = 1_000_000


def archives_of(source: Path, known: Dataset) -> dict[Path, str]:
    """The archives to unpack, each with its folder; none if the files can be read in place.

    `source`: an archive, one of a group of official archives that lie beside each other, or a folder with such a group.
    Raises ValueError if one of the group is missing.
    """
    if known.reader['kind'] in STREAMED:
        return {}
    if source.is_file():
        place = source.parent
        group = next((group for group in known.archives if source.name in [one.name for one in group]), None)
        if group is None:
            return {source: '.'} if known.reader['kind'] == 'folder' or is_archive(source) else {}
    else:
        place = source
        there = (group for group in known.archives if any((place / one.name).is_file() for one in group))
        group = next(there, ())
    needed = [one for one in group if place / one.name == source or not _lies(place, one.made or known.marks)]
    missing = [one for one in needed if not (place / one.name).is_file()]
    if missing:
        lacks = ' and '.join(f'{one.name} (or {", ".join(one.made)})' for one in missing)
        raise ValueError(f'{place}: {", ".join(one.name for one in group if one not in missing)} without {lacks}; put it there')
    return {place / one.name: one.into for one in needed}


def _lies(place: Path, patterns: tuple[str, ...]) -> bool:
    return any(next(place.glob(pattern), None) for pattern in patterns)


@contextlib.contextmanager
def unpacked(folder: Path, source: Path, archives: dict[Path, str], known: Dataset, progress: Progress) -> Iterator[Path]:
    """The folder to read: `source` itself without archives, else a temporary one beside `folder` with their content.

    Files that belong to the set and lie beside its archives are linked into it. Call it under the lock of `folder`. Raises
    ValueError if an archive is damaged or unsafe or the disk has no room. Errors about the temporary folder name the source.
    """
    if not archives:
        yield source
        return
    needed = re.compile(known.needed).search
    sizes = {path: unpacked_bytes(path, needed) for path in archives}
    _check_room(folder.parent, sum(path.stat().st_size if size is None else size for path, size in sizes.items()), source)
    with unpacked_aside(folder) as place:
        for path, into in archives.items():
            _unpack(path, place / into, needed, sizes[path], progress)
        own_allowance().of_archives(place, archives)
        if official := [path for path in archives if any(path.name == one.name for group in known.archives for one in group)]:
            _link(official[0].parent, place, known.beside)
        root = _root(place)
        try:
            yield root
        except ValueError as error:
            raise ValueError(str(error).replace(str(root), str(source)).replace(str(place), str(source))) from error


def _check_room(place: Path, size: int, source: Path) -> None:
    free = shutil.disk_usage(place).free
    if size > free:
        raise ValueError(
            f'{source}: unpacks to {size / MEGABYTE:,.0f} MB for the time of preparing; {free / MEGABYTE:,.0f} MB are free on '
            f'the disk of {place}; make room there, give --data a folder on another disk, or an unpacked '
            f'folder: {option("source")}'
        )


def _unpack(path: Path, place: Path, needed, total: int | None, progress: Progress) -> None:
    """Write the needed files of an archive below `place`, and those of the archives in it."""
    allowed, written = allowed_bytes(path.stat().st_size), 0
    stage, whole = f'unpacking {path.name} (MB)', None if total is None else total // MEGABYTE
    progress(stage, 0, whole)
    place.mkdir(parents=True, exist_ok=True)
    for name, content in _files(path, allowed):
        if _hidden(name) or not needed(name):
            continue
        written += _write(content, place, name, path)
        if written > allowed:
            raise ValueError(
                f'{path}: unpacks to more than {allowed:,} bytes; it looks like a decompression bomb: do not use it'
            )
        progress(stage, written // MEGABYTE, whole)


def _files(path: Path, allowed: int) -> Iterator[tuple[str, BinaryIO]]:
    """All files of an archive and of the tar archives inside: images in CLASS.tar become CLASS/image."""
    for name, content in members(path):
        ending = next((ending for ending in NESTED if name.lower().endswith(ending)), None)
        if ending is None or _hidden(name):
            yield name, content
            continue
        above, stem = PurePosixPath(name).parent, PurePosixPath(name).name[: -len(ending)]
        where = f'{path}: {name}'
        for inner, inside in tar_members(unpack(content, where, path.stat().st_size), where, allowed):
            # One with folders of its own says itself where its files belong.
            yield str(above / inner if '/' in inner else above / stem / inner), inside


def _hidden(name: str) -> bool:
    """Whether a file is a system file of the machine that packed the archive, and not part of the set."""
    return any(part.startswith('.') or part == '__MACOSX' for part in PurePosixPath(name).parts)


def _write(content: BinaryIO, place: Path, name: str, path: Path) -> int:
    """Write one file. Gives its number of bytes."""
    size, target = 0, place / name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(target, 'xb') as file:
            while block := content.read(CHUNK):
                size += file.write(block)
    except (FileExistsError, NotADirectoryError):
        raise ValueError(f"{path}: holds '{name}' twice, or as file and folder; do not use this archive") from None
    except OSError as error:
        fix = 'make room there, or give --data a folder on another disk'
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            fix = f'give an unpacked folder: {option("source")}'
        raise ValueError(f"{path}: '{name}' cannot be unpacked to {place} ({error.strerror}); {fix}") from None
    return size


def _link(source: Path, place: Path, beside: tuple[str, ...]) -> None:
    for name in beside:
        if (source / name).exists() and not (place / name).exists():
            (place / name).symlink_to((source / name).resolve())


def _root(place: Path) -> Path:
    """The folder of the set: `place`, or the single folder in it that holds all others."""
    while True:
        there = list(place.iterdir())
        if len(there) > 1 or not any(one.is_dir() and one.name not in SPLITS and _folders_in(one) for one in there):
            return place
        place = there[0]


def _folders_in(folder: Path) -> bool:
    return any(entry.is_dir() for entry in folder.iterdir())
