"""FASTA: records of a header line and lines of residues (Pearson and Lipman 1988), packed or not."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from sweeps.datasets.formats.allowance import allowance_of
from sweeps.datasets.formats.archives import open_stream
from sweeps.datasets.formats.text_files import LINE

BYTE_ORDER_MARK = b'\xef\xbb\xbf'
BLANKS = b' \t\r\n\v\f'
SHOWN = 40
"""How many characters of a header or a line an error shows."""
OTHERS = {
    b'@': 'FASTQ; write it as FASTA, without the qualities',
    b'LOCUS': 'GenBank; get the FASTA file of the same entry',
    b'ID ': 'EMBL or Swiss-Prot; get the FASTA file of the same entry',
    b'CLUSTAL': 'an alignment; give the sequences without gaps, as FASTA',
    b'# STOCKHOLM': 'an alignment; give the sequences without gaps, as FASTA',
    b'\xff\xfe': 'UTF-16; convert the file, for example with iconv -f utf-16 -t ascii',
}
"""How files of other forms begin."""


class Record(NamedTuple):
    """The residues of one record as they are written, without blanks and line ends; its place in words, for errors; and how
    many lines of comment were left out since the record before it."""

    letters: bytes
    place: str
    comments: int


def read_fasta(path: Path, skipped: list[str] | None = None) -> Iterator[Record]:
    """The records of a file, in order; memory does not grow with their number.

    A line that begins with > begins a record. Blanks, empty lines and line ends of any system but CR alone are layout. A line
    that begins with ; is a comment; before the first > of a file it may also stand for a header, as in files of the old style.
    Raises ValueError for a file that begins otherwise, and for a record without residues; with `skipped` the latter is appended
    there and left out instead.
    """
    held, number = None, 0
    for line_number, line in _lines(path):
        first = line[:1]
        if held is None and first not in (b'>', b';'):
            raise ValueError(_foreign(path, line_number, line))
        if first == b'>' and held is not None and held.bare:
            held.name(line, line_number)
        elif first == b'>' or (first == b';' and (held is None or (held.old and held.pieces))):
            if held is not None:
                number += 1
                yield from held.closed(path, number, skipped)
            held = _Held(line, line_number, first == b';')
        elif first == b';':
            held.comments += 1
        else:
            held.pieces.append(line.translate(None, BLANKS))
    if held is None:
        raise ValueError(f'{path}: no line that begins with >; allowed: FASTA, a header and lines of residues; get it again')
    yield from held.closed(path, number + 1, skipped)


class _Held:
    """A record while its lines are read. `old`: whether its header is a comment of the old style."""

    def __init__(self, header: bytes, line: int, old: bool):
        self.header, self.line, self.old, self.comments, self.pieces = header, line, old, 0, []

    @property
    def bare(self) -> bool:
        """Whether nothing but comments has come so far: a header may follow them."""
        return self.old and not self.pieces

    def name(self, header: bytes, line: int) -> None:
        """Take a header for what were comments so far."""
        self.header, self.line, self.old, self.comments = header, line, False, self.comments + 1

    def closed(self, path: Path, number: int, skipped: list[str] | None) -> Iterator[Record]:
        letters, place = b''.join(self.pieces), f'{path}: record {number} ({_shown(self.header)}, line {self.line})'
        if letters:
            yield Record(letters, place, self.comments)
            return
        wrong = f'{place} has no residues; allowed: one or more in each record; take it out'
        if skipped is None:
            raise ValueError(wrong)
        skipped.append(wrong)


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, without their ends, each with its number, as rows of the file's allowance."""
    with open_stream(path) as stream:
        allowance, number = allowance_of(path), 0
        while line := stream.readline(LINE + 1):
            if len(line) > LINE:
                raise ValueError(f'{path}: line {number + 1} has more than {LINE:,} bytes; allowed: shorter lines; wrap it')
            allowance.take(path, rows=1)
            number += 1
            line = line.removeprefix(BYTE_ORDER_MARK) if number == 1 else line
            line = line.rstrip(BLANKS)
            if b'\r' in line:
                raise ValueError(
                    f'{path}: line {number} ends with CR alone, as of old Macs; allowed: LF or CRLF; convert the file, for '
                    "example with tr '\\r' '\\n'"
                )
            if line:
                yield number, line


def _foreign(path: Path, number: int, line: bytes) -> str:
    told = next((name for begin, name in OTHERS.items() if line.startswith(begin)), 'no FASTA file; get the right one')
    return f'{path}: line {number} is {_shown(line)}; allowed: a header that begins with >; it looks like {told}'


def _shown(line: bytes) -> str:
    text = line[:SHOWN].decode('utf-8', 'replace') + ('...' if len(line) > SHOWN else '')
    return repr(text)
