"""Lines: one example a line, such as molecules in SMILES."""

from collections.abc import Iterator
from pathlib import Path

from sweeps.datasets.formats.text_files import raw_lines

SMILES = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789#%()*+-./:=@[\\]$~'
"""Characters of the SMILES language (OpenSMILES, and ~ for any bond)."""


def read_lines(path: Path, allowed: str | None = SMILES, skipped: list[str] | None = None) -> Iterator[str]:
    """The lines of a file without their ends (LF or CRLF).

    `allowed`: the characters allowed in an example; None allows any. Empty lines at the end are ignored. Another empty line, or
    a line with another character, raises ValueError. With `skipped` it is appended there and left out instead.
    """
    known = None if allowed is None else frozenset(allowed)
    empty = []
    for number, line in enumerate(raw_lines(path), 1):
        example = line.rstrip('\r\n')
        if not example.strip():
            empty.append(f'{path}: line {number} is empty; allowed: an example on every line; take it out')
            continue
        wrong = next((x for x in example if x not in known), None) if known is not None else None
        if wrong is not None:
            empty.append(
                f"{path}: line {number}: {wrong!r} in '{example[:60]}'; allowed: {allowed}; leave nothing else in a line"
            )
        if empty and skipped is None:
            raise ValueError(empty[0])
        if empty:
            skipped += empty
            empty = []
        if wrong is None:
            yield example
