"""Dataset: one entry of the catalog, as data."""

import dataclasses
from typing import NamedTuple


class Archive(NamedTuple):
    """An archive by its official name.

    `made`: patterns of files or folders. If one lies beside the archive, such as a folder unpacked from it, the archive is not
    needed. Without patterns the marks of the set count. `into`: the folder to unpack into, below that of the set.
    """

    name: str
    made: tuple[str, ...] = ()
    into: str = '.'


@dataclasses.dataclass(frozen=True)
class Dataset:
    """A set that can be prepared: what it is, its source, and how its files are read.

    `unit`: what one example is. `origin`: the official page, for the reader; nothing is fetched. `test`: what the sealed split
    is. `shape`: that of one example prepared without options, if all have the same. `rate`: of sounds, in Hz. `layouts`: the
    files that are accepted. `reader`: a spec of `sweeps/datasets/sources` ('kind' and its fields). `marks`: patterns of files
    by which a folder of this set is recognised. `folders`: its usual names in the data folder. `examples`: the official number
    of each split, if known; fewer need --partial. `md5`: official checksums by file name, packed or not. `archives`: groups of
    official archives, each group the whole set. `needed`: a regular expression; members whose name matches it anywhere are
    unpacked. `beside`: files and folders that may lie beside the archives and belong to the set. `form`: whether the entry is
    a format instead of a set; it needs --name.
    """

    about: str
    kind: str
    unit: str
    licence: str
    citation: str
    origin: str
    test: str
    layouts: str
    reader: dict
    shape: tuple[int, ...] | None = None
    rate: int | None = None
    marks: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    examples: dict = dataclasses.field(default_factory=dict)
    md5: dict = dataclasses.field(default_factory=dict)
    archives: tuple[tuple[Archive, ...], ...] = ()
    needed: str = ''
    beside: tuple[str, ...] = ()
    form: bool = False
