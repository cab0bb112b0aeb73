"""Dataset: one entry of the catalog, as data."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Dataset:
    """A set that can be prepared: what it is, where people get it, and how its files are read.

    `unit`: what one example is. `origin`: the official page, as a fact; nothing is fetched. `test`: what the sealed split is.
    `layouts`: the files that are accepted. `reader`: a spec of `sweeps/datasets/sources` ('kind' and its fields). `marks`:
    patterns of files that tell a folder of this set; `folders`: names under which it is looked for in the data folder.
    `examples`: the official number of each split, where known: less needs --partial. `md5`: official checksums by file name,
    packed or not. `form` is true where the entry is a format, not one set: it needs --name.
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
    marks: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    examples: dict = dataclasses.field(default_factory=dict)
    md5: dict = dataclasses.field(default_factory=dict)
    form: bool = False
