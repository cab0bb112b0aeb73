"""Prepared: the one form in which tasks read examples, whatever format they came in.

A prepared set is a folder NAME with `about.json` (written last) and, for each split, a folder of memory-mappable .npy files:

    about.json            what it is: see below
    pool/  test/          training and tuning-validation examples; the sealed test examples
        x.npy             dense: [n, ...]; ragged: all examples one after the other, [total]
        offsets.npy       ragged only: int64 [n + 1], example i is x[offsets[i]:offsets[i + 1]]
        y.npy             int32 [n], where examples have a class; other targets: see sweeps/datasets/targets.py
        group.npy         int64 [n]: examples of one group are identical and must not be torn by a split

Kinds and what x holds: images uint8 [n, H, W, C]; texts uint8 (UTF-8), ragged by document; tokens uint16 or uint32, ragged by
document; sounds int16, ragged; molecules uint8, ragged, one line each without its end; series float32 [n, length], or [n,
length, F] with F numbers at each step; tables float32 [n, F], a row each; maps float32 [n, H, W, C], images of any numbers.

`about` holds `name`, `kind`, `classes` (names, in the order of y, or None), `sizes` (examples of each split), `elements`
(numbers in x of each split), `balance` (examples of each class), `shape` (of an example, dense sets), `mean` and `std` (images:
of each channel of the pool, of values in [0, 1]; tables, maps and series of several numbers: of each as stored), `target` with
`targets`, `known` and more (sets with other targets than a class), `rate` (sounds, in Hz), `checksums` (sha256 of each file),
`digest` (of all of them: what results are known by), `sources` (the files it was made from), `partial` (what lacked, or None),
`licence`, `citation` and `notes` (sentences).
"""

import dataclasses
import hashlib
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ablations.locations import prepared_folder
from results.store import atomic, regular
from sweeps.datasets.aside import FIX, locked
from sweeps.datasets.catalog import DATASETS
from sweeps.datasets.formats.labels import dense
from sweeps.datasets.intact import BLOCK, check, checksum
from sweeps.datasets.targets import balance, facts, form_of

FORMAT = 1
ABOUT, SPLITS = 'about.json', ('pool', 'test')
KINDS = ('images', 'texts', 'tokens', 'sounds', 'molecules', 'series', 'tables', 'maps')
DENSE = ('images', 'series', 'tables', 'maps')
"""The kinds whose examples have one shape; all others are ragged."""
ARRAYS = ('x', 'y', 'group', 'offsets')
_KEYS = {'name': str, 'kind': str, 'sizes': dict, 'balance': dict, 'checksums': dict, 'digest': str}
"""What every `about` has."""
_NAME = re.compile(r'[a-z0-9][a-z0-9_.-]*')


@dataclasses.dataclass(frozen=True)
class Part:
    """The examples of one split: `x`, `y` [n, ...] or None, `group` [n] and, for ragged sets, `offsets` [n + 1].

    The `y` of a ragged set with a class for each place is as long as x.
    """

    x: np.ndarray
    y: np.ndarray | None
    group: np.ndarray
    offsets: np.ndarray | None = None

    def __post_init__(self):
        examples = len(self.group)
        given = {'x': len(self.x) if self.offsets is None else len(self.offsets) - 1}
        places = self.offsets is not None and self.y is not None and len(self.y) == len(self.x)
        given |= {} if self.y is None or places else {'y': len(self.y)}
        if any(count != examples for count in given.values()):
            raise ValueError(f'{examples} groups, but examples by {given}; give every example one of each')
        if self.offsets is not None and (int(self.offsets[0]), int(self.offsets[-1])) != (0, len(self.x)):
            raise ValueError(
                f'offsets from {int(self.offsets[0])} to {int(self.offsets[-1])} for {len(self.x)} values; '
                'they begin with 0 and end with the number of values; mend them'
            )

    def __len__(self) -> int:
        return len(self.group)

    def example(self, number: int) -> np.ndarray:
        """The x of one example."""
        return self.x[number] if self.offsets is None else self.x[self.offsets[number] : self.offsets[number + 1]]

    def places(self, number: int) -> np.ndarray:
        """The class of each place of one example, in a set with maps."""
        return self.y[number] if self.offsets is None else self.y[self.offsets[number] : self.offsets[number + 1]]


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A prepared set: its folder, and `about`. Arrays are memory-mapped when a split is asked for."""

    folder: Path
    about: Mapping

    def pool(self) -> Part:
        """Training and tuning-validation examples; no test array can be reached from them."""
        return self._part('pool')

    def test(self) -> Part:
        """The sealed test examples."""
        return self._part('test')

    def _part(self, split: str) -> Part:
        names = [name for name in self.about['checksums'] if name.startswith(f'{split}/')]
        check(self.folder, names, self.about['checksums'], again(self.folder))
        arrays = mapped(self.folder / split)
        examples = 0 if arrays['group'] is None else len(arrays['group'])
        if arrays['x'] is None or examples != self.about['sizes'][split]:
            raise ValueError(
                f'{self.folder / split}: holds {examples} examples, {self.about["sizes"][split]} were written; '
                f'{again(self.folder)}'
            )
        return Part(**arrays)

    def damaged(self) -> list[str]:
        """The files whose sha256 differs from that in `about`; this reads all files."""
        return [name for name, sum_ in self.about['checksums'].items() if _checksum(self.folder / name) != sum_]


def _checksum(path: Path) -> str | None:
    try:
        return checksum(path)
    except OSError:
        return None


def mapped(folder: Path) -> dict[str, np.ndarray | None]:
    """The memory-mapped arrays of a split by name; None for an absent array."""
    return {name: _array(folder / f'{name}.npy') for name in ARRAYS}


def _array(path: Path) -> np.ndarray | None:
    if not path.exists():
        return None
    if not path.is_file():
        raise ValueError(f'{path}: not a file; {again(path.parent.parent)}')
    try:
        return np.load(path, mmap_mode='r')
    except (ValueError, EOFError) as error:
        with open(path, 'rb') as file:
            about = _header(file)
            # An array without elements cannot be mapped. Of others only what the file holds is ever read.
            if about is None or math.prod(about[0]):
                raise ValueError(f'{path}: not an array, or cut short ({error}); {again(path.parent.parent)}') from None
            return np.zeros(about[0], about[2])


def _header(file: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype] | None:
    """Shape, order and type of an .npy file, or None."""
    try:
        np.lib.format.read_magic(file)
        return np.lib.format.read_array_header_1_0(file)
    except (ValueError, EOFError):
        return None


def again(folder: Path) -> str:
    """The fix for a damaged set."""
    return f'prepare it again: {_command(folder.name, " --force")}'


def _command(name: str, ending: str = '') -> str:
    """The command that prepares a set: for a set outside the catalogue, by the file of its declaration or by its reader."""
    if name in DATASETS:
        return f'archlab data prepare {name} --source PATH{ending}'
    own = f'archlab data prepare --source PATH --as READER --name {name}{ending}'
    return f'archlab data prepare FILE.py:TASK{ending}, where a file of yours declares it, else {own}'


def check_name(name: str) -> str:
    """The name of a set. Raises ValueError if it cannot be the name of a folder."""
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"'{name}' is no name of a dataset; allowed: small letters, digits and _ . - after the first; give it such a name"
        )
    return name


def names(data: Path | None = None) -> list[str]:
    """The sets that are prepared in a data folder."""
    for left in prepared_folder(data).glob('.[a-z0-9]*.before'):
        atomic.recover(left.with_name(left.name[1:].removesuffix('.before')))
    return sorted(path.parent.name for path in prepared_folder(data).glob(f'[a-z0-9]*/{ABOUT}'))


def is_prepared(name: str, data: Path | None = None) -> bool:
    """Whether there is a prepared set of that name."""
    folder = prepared_folder(data) / check_name(name)
    atomic.recover(folder)
    return (folder / ABOUT).exists()


def find(name: str, data: Path | None = None) -> Prepared:
    """A prepared set by name. If there is none, raises ValueError with the command that prepares it."""
    folder = prepared_folder(data) / check_name(name)
    if not is_prepared(name, data):
        raise ValueError(
            f"dataset '{name}' is not prepared in {folder.parent} (there: {', '.join(names(data)) or 'nothing'}); "
            f'prepare it: {_command(name)}; where data lie: --data or $ARCHLAB_DATA'
        )
    return load(folder)


def load(folder: Path) -> Prepared:
    """The prepared set in a folder. Raises ValueError if its `about.json` can't be used."""
    try:
        about = json.loads(regular.read(folder / ABOUT))
        known = (
            type(about['format']) is int
            and about['format'] == FORMAT
            and all(isinstance(about[name], kind) for name, kind in _KEYS.items())
        )
        known = known and set(SPLITS) <= set(about['sizes']) and all(isinstance(n, int) for n in about['sizes'].values())
    except FileNotFoundError:
        known = False
    except OSError as error:
        raise ValueError(regular.unread(folder / ABOUT, error)) from None
    except (ValueError, KeyError, TypeError, RecursionError):
        known = False
    if not known:
        raise ValueError(f'{folder / ABOUT}: not that of a prepared set of form {FORMAT}; {again(folder)}')
    return Prepared(folder, about)


def write(folder: Path, about: Mapping, pool: Part, test: Part) -> Prepared:
    """Write a set that fits into memory as DATA/prepared/NAME (`folder`), whole or not at all. It replaces an older one.

    `about` needs `kind`; the rest is computed. Raises ValueError on an unknown kind.
    """
    check_name(folder.name)
    classes = form_of(about, pool.y) == 'class'
    ys, names = dense([pool.y, test.y], about.get('classes')) if classes else (None, about.get('classes'))
    if names != about.get('classes'):
        about = {**about, 'classes': names}
        pool, test = (dataclasses.replace(part, y=y) for part, y in zip((pool, test), ys, strict=True))
    with locked(folder), atomic.replacing_folder(folder, FIX) as place:
        for split, part in zip(SPLITS, (pool, test), strict=True):
            (place / split).mkdir()
            for name in ARRAYS:
                if (array := getattr(part, name)) is not None:
                    np.save(place / split / f'{name}.npy', np.ascontiguousarray(array))
        finish(place, {'name': folder.name, **about})
    return load(folder)


def finish(place: Path, about: Mapping) -> None:
    """Complete `about` from the arrays in `place` and write it, which makes the set whole."""
    if about.get('kind') not in KINDS:
        raise ValueError(f"kind '{about.get('kind')}' of a prepared set; allowed: {list(KINDS)}; choose one")
    parts = {split: Part(**mapped(place / split)) for split in SPLITS}
    form = form_of(about, parts['pool'].y)
    sums = {f'{path.parent.name}/{path.name}': checksum(path) for path in sorted(place.glob('*/*.npy'))}
    added = {
        'sizes': {split: len(part) for split, part in parts.items()},
        'elements': {split: int(part.x.size) for split, part in parts.items()},
        'balance': {split: balance(form_of(about, part.y), part.y) for split, part in parts.items()},
        'shape': list(parts['pool'].x.shape[1:]) if parts['pool'].offsets is None else None,
        'checksums': sums,
        'digest': hashlib.sha256(json.dumps(sums, sort_keys=True).encode()).hexdigest()[:16],
    }
    if about['kind'] == 'images':
        added['mean'], added['std'] = channel_moments(parts['pool'].x)
    elif about['kind'] in ('tables', 'maps') or (about['kind'] == 'series' and parts['pool'].x.ndim > 2):
        _, (added['mean'], added['std']) = moments(parts['test'].x, 'test'), moments(parts['pool'].x, 'pool')
    added |= facts(form, parts, about.get('targets'))
    added['classes'] = classes = _classes(about.get('classes'), added['balance'])
    # A class that one split lacks counts 0 there.
    for counts in added['balance'].values():
        if counts is not None:
            counts += [0] * (len(classes) - len(counts))
    empty = {'sources': [], 'partial': None, 'licence': 'not stated', 'citation': '', 'notes': []}
    content = json.dumps({'format': FORMAT, **empty, **about, **added}, indent=1, ensure_ascii=False, allow_nan=False)
    (place / ABOUT).write_text(content + '\n', encoding='utf-8')


def _classes(names: list[str] | None, balance: dict[str, list[int] | None]) -> list[str] | None:
    """The names of the classes, or numbers if they have none. Raises ValueError if there are more classes than names."""
    needed = max(len(counts or ()) for counts in balance.values())
    if not needed:
        return None
    if names is not None and len(names) < needed:
        raise ValueError(f'labels up to {needed - 1}, but {len(names)} classes; name every class, or give the right labels')
    return [str(number) for number in range(needed)] if names is None else list(names)


def moments(x: np.ndarray, split: str) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of the last axis of numbers [..., F]. Raises ValueError where one is no finite number."""
    flat = x.reshape(-1, x.shape[-1])
    total, rows = np.zeros((2, x.shape[-1])), max(1, BLOCK // max(1, flat[:1].nbytes))
    mean = np.zeros(x.shape[-1])
    # The deviation is taken about the mean, in a second pass: large numbers that differ little lose none of it.
    for power in (0, 1):
        for start in range(0, len(flat), rows):
            block = np.asarray(flat[start : start + rows], np.float64)
            if not np.isfinite(block).all():
                column = int(np.argwhere(~np.isfinite(block))[0, 1])
                raise ValueError(
                    f'{split}: number {column} of an example is missing or infinite; allowed: finite numbers; leave these '
                    'examples out, or fill in what is missing'
                )
            total[power] += ((block - mean) ** 2).sum(0) if power else block.sum(0)
        mean = total[0] / max(len(flat), 1)
    return mean.tolist(), np.sqrt(total[1] / max(len(flat), 1)).tolist()


def channel_moments(x: np.ndarray) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of each channel of images uint8 [n, H, W, C], of values in [0, 1]; exact, since counted."""
    counts = np.zeros((x.shape[-1], 256), np.int64)
    rows = max(1, BLOCK // max(1, x[:1].nbytes))
    for start in range(0, len(x), rows):
        block = np.asarray(x[start : start + rows])
        for channel in range(x.shape[-1]):
            counts[channel] += np.bincount(block[..., channel].ravel(), minlength=256)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    values = np.arange(256) / 255
    mean = shares @ values
    return mean.tolist(), np.sqrt(np.maximum(shares @ values**2 - mean**2, 0)).tolist()
