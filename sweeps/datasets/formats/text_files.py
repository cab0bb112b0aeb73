"""Text: strict UTF-8, whole, by documents or by lines; packed or not."""

from collections.abc import Iterator
from pathlib import Path

from sweeps.datasets.formats.allowance import Allowance, allowance_of
from sweeps.datasets.formats.archives import CHUNK, open_stream

WHOLE = 1 << 33
"""The most bytes that are read at once: 8 GiB."""
LINE = 1 << 28
"""The most bytes of one line or document: 256 MiB."""


def decoded(content: bytes, path: Path, offset: int = 0) -> str:
    """The text. Raises ValueError with the first byte that is not UTF-8; the content starts at `offset` in the file."""
    try:
        return content.decode('utf-8')
    except UnicodeDecodeError as error:
        wide = not offset and content.startswith((b'\xff\xfe', b'\xfe\xff'))
        raise ValueError(
            f'{path}: byte 0x{content[error.start]:02x} at offset {offset + error.start} is not UTF-8 ({error.reason}); '
            f'convert the file, for example with iconv -f {"utf-16" if wide else "latin1"} -t utf-8'
        ) from None


def read_text(path: Path) -> str:
    """The whole text of a file, its line ends as they are, without a byte order mark."""
    with open_stream(path, WHOLE) as stream:
        return decoded(stream.read(), path).removeprefix('\ufeff')


def all_lines(path: Path, keepends: bool = False) -> list[str]:
    """All lines of a text at once, as rows of its allowance."""
    text = read_text(path)
    allowance_of(path).take(path, rows=text.count('\n'))
    return text.splitlines(keepends=keepends)


def raw_lines(path: Path, allowance: Allowance | None = None) -> Iterator[str]:
    """The lines of a file, each with its line end, as rows of its allowance; memory does not grow with the file."""
    offset = 0
    with open_stream(path) as stream:
        allowance = allowance or allowance_of(path)
        while line := stream.readline(LINE + 1):
            if len(line) > LINE:
                raise ValueError(
                    f'{path}: a line of more than {LINE:,} bytes at offset {offset}; allowed: shorter lines; '
                    'break it, or give the mark between documents'
                )
            allowance.take(path, rows=1)
            text = decoded(line, path, offset)
            yield text if offset else text.removeprefix('\ufeff')
            offset += len(line)


def documents(path: Path, mark: str | None = None) -> Iterator[str]:
    """The documents of a text file, or of all .txt files in and below a folder by name.

    `mark` stands between documents, such as `<|endoftext|>`; without a mark each file is a document. Line ends around a mark
    and empty documents are left out. Raises ValueError on a file that is not UTF-8 and on a folder without texts.
    """
    path = Path(path)
    if mark == '':
        raise ValueError('an empty mark; allowed: the text between documents, or None; give one of the two')
    if path.is_dir():
        files = sorted(file for file in path.rglob('*.txt*') if file.name.endswith(('.txt', '.txt.gz', '.txt.xz')))
        if not files:
            raise ValueError(f'{path}: no .txt files in this folder; give a text file or a folder of them')
        for file in files:
            yield from documents(file, mark)
    elif mark is None:
        if text := read_text(path):
            yield text
    else:
        for offset, content in _between(path, mark.encode()):
            text = decoded(content, path, offset)
            if text := (text if offset else text.removeprefix('\ufeff')).strip('\r\n'):
                yield text


def _between(path: Path, mark: bytes) -> Iterator[tuple[int, bytes]]:
    """Offset and bytes of the pieces between marks. A mark consists of whole characters, so it never cuts a character."""
    offset, rest = 0, b''
    with open_stream(path) as stream:
        allowance = allowance_of(path)
        while chunk := stream.read(CHUNK):
            *pieces, rest = (rest + chunk).split(mark)
            allowance.take(path, rows=len(pieces))
            for piece in pieces:
                yield offset, piece
                offset += len(piece) + len(mark)
            if len(rest) > LINE:
                raise ValueError(f'{path}: no {mark.decode()!r} in {LINE:,} bytes from offset {offset}; check the mark')
    yield offset, rest
