"""Allowance: how many rows, values and examples the files of one source may hold, by their bytes on the disk.

What is packed may unpack to 200 times its size, and a row may be a single byte: a file of 400 kB would be read for minutes.
Here time and memory are bounded by what lies on the disk.
"""

import contextlib
import contextvars
from collections.abc import Iterable, Iterator
from pathlib import Path

FREE = {'rows': 500_000, 'values': 5_000_000, 'examples': 500_000}
"""How many are always allowed."""
A_BYTE = {'rows': 1, 'values': 20, 'examples': 1}
"""How many more for each byte on the disk. A packed row of a name or a number takes three bytes and more; of MNIST as a table a
byte holds three pixels."""
MEMBER = 50
"""Rows that a file in an archive counts for: its header alone takes some when it is packed."""


class Allowance:
    """What may still be read. It grows by each file that is opened, and shrinks by what comes out of it."""

    def __init__(self):
        self.left = dict(FREE)
        self.bytes = dict.fromkeys(FREE, 0)
        self._archives: dict[Path, float] = {}

    def of_archives(self, place: Path, archives: Iterable[Path]) -> None:
        """What lies below a place was unpacked from archives: its files count with their share of these."""
        whole = sum(path.stat().st_size for path in place.rglob('*') if path.is_file() and not path.is_symlink())
        self._archives[place] = min(sum(path.stat().st_size for path in archives) / max(whole, 1), 1.0)

    def bytes_of(self, path: Path) -> int:
        """The bytes of a file on the disk, or those of its archive that it took."""
        share = next((share for place, share in self._archives.items() if path.is_relative_to(place)), 1.0)
        return int(share * path.stat().st_size)

    def grow(self, files: Iterable[Path], kinds: Iterable[str] = ('rows', 'values')) -> None:
        """Count files that are about to be read, each time that they are."""
        size = sum(self.bytes_of(Path(path)) for path in files)
        for kind in kinds:
            self.bytes[kind] += size
            self.left[kind] += A_BYTE[kind] * size

    def take(self, name: Path | str, rows: int = 0, values: int = 0, examples: int = 0) -> None:
        """Count what came out of a file. Raises ValueError, with its name, where it is more than so few bytes may hold."""
        left = self.left
        left['rows'] -= rows
        left['values'] -= values
        left['examples'] -= examples
        if min(left.values()) < 0:
            kind = min(left, key=left.get)
            raise ValueError(
                f'{name}: more than {FREE[kind] + A_BYTE[kind] * self.bytes[kind]:,} {kind} from {self.bytes[kind]:,} bytes on '
                f'the disk; allowed: {FREE[kind]:,}, and {A_BYTE[kind]} for each byte; it looks like a decompression bomb: do '
                'not use it, or unpack it first if you know what it holds'
            )


_OF_SOURCE: contextvars.ContextVar[Allowance | None] = contextvars.ContextVar('_OF_SOURCE', default=None)


@contextlib.contextmanager
def one_allowance() -> Iterator[Allowance]:
    """Within, all files that are read have one allowance together; otherwise each has its own."""
    allowance = Allowance()
    before = _OF_SOURCE.set(allowance)
    try:
        yield allowance
    finally:
        _OF_SOURCE.reset(before)


def allowance_of(path: Path) -> Allowance:
    """The allowance for a file that is about to be read.

    >>> allowance_of(Path(__file__)).take('rows.csv', rows=500_000)
    """
    allowance = own_allowance()
    allowance.grow([path])
    return allowance


def own_allowance() -> Allowance:
    """The allowance of what is read now, without a further file."""
    return _OF_SOURCE.get() or Allowance()
