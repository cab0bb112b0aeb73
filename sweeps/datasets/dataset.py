"""Dataset: one entry of the catalog, as data."""

import dataclasses
from typing import NamedTuple


class Archive(NamedTuple):
    """An archive by its official name.

    `made`: patterns of what makes it needless where it lies beside it, such as the folder that somebody has unpacked from it;
    the marks of the set where none are given. `into`: the folder into which it is unpacked, below that of the set.
    """

    name: str
    made: tuple[str, ...] = ()
    into: str = '.'


@dataclasses.dataclass(frozen=True)
class Dataset:
    """A set that can be prepared: what it is, where people get it, and how its files are read.

    `unit`: what one example is. `origin`: the official page, as a fact; nothing is fetched. `test`: what the sealed split is.
    `shape`: that of one example as it is prepared without options, where all have one; `rate`: that of sounds, in Hz.
    `layouts`: the files that are accepted. `reader`: a spec of `sweeps/datasets/sources` ('kind' and its fields). `marks`:
    patterns of files that tell a folder of this set; `folders`: names under which it is looked for in the data folder.
    `examples`: the official number of each split, where known: less needs --partial. `md5`: official checksums by file name,
    packed or not. `archives`: groups of official archives, each group the whole set; `needed`: a regular expression that is
    found in the names of those members that are unpacked; `beside`: names of files and folders that belong to the set where
    they lie beside its archives. `form` is true where the entry is a format, not one set: it needs --name.
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
