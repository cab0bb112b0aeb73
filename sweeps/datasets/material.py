"""Material: the examples of a source on their way to a prepared set, as streams of blocks, so that memory stays flat."""

import dataclasses
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ablations.option_words import option
from sweeps.datasets.prepared import DENSE

Block = tuple
"""Some examples, and the numbers of their classes int64, their targets of another form, or None.

A third item holds hashes, one for each example, if the source says which examples belong together; else they are of the
content."""
Progress = Callable[[str, int, int | None], object]
"""A function that is told the present stage, the amount done, and the total if known."""
ROWS = 1024
"""Examples in a block, about."""
SPLIT_WORDS = {
    'test': ('test', 't10k', 'testing'),
    'valid': ('valid', 'val', 'validation', 'dev'),
    'train': ('train', 'training'),
}
NAMED = 3
"""How many files of a test split are named."""


@dataclasses.dataclass(frozen=True)
class Options:
    """A user's options of a preparation.

    `size`: height and width of the images; `grey`: one channel instead of three. `field`: the column of a text; `mark`: what
    ends a document. `token_type` and `separator`: the type of tokens, and the token between documents, of shards that do not
    say it ('none': no token). `split`: 'names' or 'hash', what the test split is taken by. `partial`: take an incomplete set.
    `skip_damaged`: leave damaged examples out, counted. `unverified`: go on where a checksum is not the official one.

    Of sets that no catalogue knows (ablations/tasks/own_task.py): `inputs` and `target` columns, the `form` of inputs, what is
    to `predict`, the column of a `group`, the `share` that is the test split by hash; a `split` may be 'column:NAME'.
    `jpeg`: the quality in which images of several sets are written alike.
    """

    size: int | None = None
    grey: bool = False
    jpeg: int | None = None
    field: str | None = None
    mark: str | None = None
    partial: bool = False
    skip_damaged: bool = False
    unverified: bool = False
    token_type: str | None = None
    separator: str | None = None
    split: str | None = None
    inputs: tuple[str, ...] | None = None
    target: tuple[str, ...] | None = None
    form: str | None = None
    predict: str | None = None
    group: str | None = None
    share: float | None = None

    def __post_init__(self):
        if self.split not in (None, 'names', 'hash') and not self.split.startswith('column:'):
            raise ValueError(f'{option("split", self.split)}; allowed: names (of files) or hash (of content), or leave it out')
        if self.separator not in (None, 'none') and not (self.separator.isascii() and self.separator.isdigit()):
            raise ValueError(f'{option("separator", self.separator)}; allowed: the number of a token, or none')


@dataclasses.dataclass
class Material:
    """The examples of a source: `pool` and `test`; or only `pool`, and a `share` of it by hash of content is the test split.

    `counts`: examples of each split where they are known beforehand. `files`: the files of examples. `lists`: files with
    classes of others, and files that a note leaves aside. `skipped` and `notes` grow while streaming. `split` says how file
    names told the test split, and `unread` counts members of archives without a reader, by their ending. `target` is the form
    of the targets, and `targets` are their names (sweeps/datasets/targets.py). `grouped` says by what different examples belong
    together, `by_hash` whether a source took the test split by hash itself, and `facts` are further entries of `about`.
    `stored` says how each example of the pool lies in its file, by field; it grows while streaming.
    """

    kind: str
    pool: Iterable[Block]
    test: Iterable[Block] | None
    files: list[Path]
    classes: list[str] | None = None
    rate: int | None = None
    share: float = 0.1
    counts: dict[str, int] = dataclasses.field(default_factory=dict)
    lacking: list[str] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)
    skipped: list[str] = dataclasses.field(default_factory=list)
    split: str = ''
    unread: Counter[str] = dataclasses.field(default_factory=Counter)
    lists: list[Path] = dataclasses.field(default_factory=list)
    target: str = 'class'
    targets: list[str] | None = None
    grouped: str = ''
    by_hash: bool = False
    facts: dict = dataclasses.field(default_factory=dict)
    stored: list[NamedTuple] = dataclasses.field(default_factory=list)

    @property
    def ragged(self) -> bool:
        """Whether examples differ in length."""
        return self.kind not in DENSE


def blocks(examples: Iterable[tuple[np.ndarray, int | None]], rows: int = ROWS) -> Iterator[Block]:
    """Single examples with their classes, gathered into blocks."""
    xs, ys = [], []
    for x, y in examples:
        xs.append(x)
        ys.append(y)
        if len(xs) == rows:
            yield xs, _classes(ys)
            xs, ys = [], []
    if xs:
        yield xs, _classes(ys)


def _classes(ys: list) -> np.ndarray | None:
    return None if ys[0] is None else np.array(ys, np.int64)


def of_arrays(x: np.ndarray, y: np.ndarray | None, rows: int = ROWS) -> Iterator[Block]:
    """Blocks of arrays that are in memory, or mapped."""
    for start in range(0, len(x), rows):
        stop = start + rows
        yield x[start:stop], None if y is None else np.asarray(y[start:stop], np.int64)


def of_targets(x: np.ndarray, y: np.ndarray, rows: int = ROWS) -> Iterator[Block]:
    """Blocks of arrays that are in memory, with targets of any form."""
    for start in range(0, len(x), rows):
        yield x[start : start + rows], y[start : start + rows]


def text_bytes(text: str) -> np.ndarray:
    """A text as UTF-8 bytes."""
    return np.frombuffer(text.encode('utf-8'), np.uint8)


def split_of(name: str) -> str:
    """'test', 'valid' or 'train', by the words of a file's name and the folders it lies in; '' where none of these says it."""
    words = re.split(r'[^a-z0-9]+', name.lower())
    return next((split for split, known in SPLIT_WORDS.items() if any(word in known for word in words)), '')


@dataclasses.dataclass(frozen=True)
class Split:
    """Files of the pool and of the test split (none: it is taken by hash of content), and what this was told by ('')."""

    pool: list[Path]
    test: list[Path]
    said: str = ''


def by_split(paths: list[Path], source: Path, asked: str | None = None, aside: Sequence[Path] = ()) -> Split:
    """The split of some files by their names below the source, without those to leave `aside`.

    Without test files the validation files are the test split. Files of a single split all go to the pool, and so do all of
    them where hash was `asked` for. Raises ValueError where some names tell a split, others none, and no name says
    training: a file may be called so by chance.
    """
    folder = source if source.is_dir() else source.parent
    files: dict[str, list[Path]] = {split: [] for split in ('', *SPLIT_WORDS)}
    for path in paths:
        if path not in aside:
            files[split_of(str(path.relative_to(folder)))].append(path)
    held = 'test' if files['test'] else 'valid'
    pool = sorted(path for split, some in files.items() if split != held for path in some)
    test = files[held]
    if asked == 'names' and not (test and pool):
        raise ValueError(
            f'{source}: the names of its {len(paths)} files do not tell both a training and a test split (test, valid, val, '
            f'dev); allowed: {option("split", "hash")}, a test split by content, or leave it out'
        )
    if asked == 'hash' or not test or not pool:
        return Split([path for path in paths if path not in aside], [])
    shown = f'{", ".join(path.name for path in test[:NAMED])}{", ..." if len(test) > NAMED else ""}'
    said = f'by the names of files: {len(test)} of {len(test) + len(pool)} ({shown})'
    if asked is None and files[''] and not files['train']:
        raise ValueError(
            f'{source}: {shown} would be the test split by name, of {len(test) + len(pool)} files of which none is called '
            f'train; whether it is can not be known: {option("split", "names")}, or {option("split", "hash")} for a test '
            'split by content'
        )
    return Split(pool, test, said)
