"""Archives and compressed files, read as streams. Nothing is written to disk, and decompression bombs are refused."""

import bz2
import gzip
import io
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from results.store import regular
from sweeps.datasets.formats.allowance import MEMBER, Allowance, allowance_of, own_allowance

LIMIT = 1 << 38
"""Bytes that one file may unpack to: 256 GiB, more than ImageNet's training images."""
RATIO = 200
"""How many times its packed size a file may unpack to; text packs by 3 to 10, sparse images by less than 100."""
FREE = 1 << 24
"""Bytes that are always allowed, whatever the ratio: a small file of zeros does no harm."""

CHUNK = 1 << 20
DAMAGE = (OSError, EOFError, zlib.error, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile, NotImplementedError)


def _zstandard(stream: BinaryIO) -> BinaryIO:
    from pyarrow import CompressedInputStream

    return CompressedInputStream(stream, 'zstd')


PACKED = {
    b'\x1f\x8b': gzip.GzipFile,
    b'\xfd7zXZ\x00': lzma.LZMAFile,
    b'BZh': bz2.BZ2File,
    b'\x28\xb5\x2f\xfd': _zstandard,
}
"""Unpackers by the first bytes of their files."""
ZIP = (b'PK\x03\x04', b'PK\x05\x06')
ENDINGS = ('.zip', '.tar', '.tgz', '.tar.gz', '.tar.xz', '.tar.bz2', '.tar.zst')


def allowed_bytes(packed: int, limit: int = LIMIT) -> int:
    """How many bytes a file of `packed` bytes may unpack to."""
    return min(limit, max(FREE, RATIO * packed))


class Guarded(io.RawIOBase):
    """A stream of at most `allowed` bytes of `source`, whose errors name the file.

    Raises ValueError if the source is damaged, ends too early or goes on for too long.
    """

    def __init__(self, source: BinaryIO, name: str, allowed: int, under: BinaryIO | None = None):
        self.source, self.name, self.allowed, self.under, self.given = source, name, allowed, under, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        try:
            content = self.source.read(len(buffer))
        except DAMAGE as error:
            raise ValueError(f'{self.name}: damaged or cut short ({error}); get the file again') from error
        self.given += len(content)
        if self.given > self.allowed:
            raise ValueError(
                f'{self.name}: unpacks to more than {self.allowed:,} bytes; allowed: {RATIO} times the packed size (at least '
                f'{FREE:,} bytes), {LIMIT:,} bytes at most; it looks like a decompression bomb: do not use it'
            )
        buffer[: len(content)] = content
        return len(content)

    def readall(self) -> bytes:
        # The inherited one asks for 8 KiB at a time.
        return b''.join(iter(lambda: self.read(CHUNK), b''))

    def close(self) -> None:
        if not self.closed:
            self.source.close()
            if self.under is not None:
                self.under.close()
        super().close()


def unpack(stream: io.BufferedReader, name: str, packed: int, limit: int = LIMIT) -> BinaryIO:
    """The content of `stream`, unpacked if its first bytes are those of gzip, xz, bzip2 or Zstandard.

    `packed`: its length in bytes, which limits how much it may unpack to.
    """
    start = stream.peek(6)[:6]
    for magic, unpacker in PACKED.items():
        if start.startswith(magic):
            content = unpacker(fileobj=stream) if unpacker is gzip.GzipFile else unpacker(stream)
            return io.BufferedReader(Guarded(content, name, allowed_bytes(packed, limit), under=stream), CHUNK)
    return stream


def open_plain(path: Path) -> io.BufferedReader:
    """The file itself, open for reading; raises ValueError if that is not possible, as of a pipe or a device."""
    path = Path(path)
    try:
        return regular.open_file(path)
    except FileNotFoundError:
        raise ValueError(f'{path}: no such file; check the path') from None
    except OSError as error:
        raise ValueError(f'{path}: cannot be read ({error.strerror}); give a file that you may read') from error


def open_stream(path: Path, limit: int = LIMIT) -> BinaryIO:
    """The content of a file, unpacked if its first bytes (not its name) are those of gzip, xz, bzip2 or Zstandard.

    Errors are ValueErrors with the file's name: on opening if there is no file; on reading if it is damaged, cut short, or
    unpacks to more than RATIO times its size or `limit` bytes.
    """
    stream = open_plain(path)
    size = Path(path).stat().st_size
    if size == 0 and Path(path).suffix in ('.gz', '.xz', '.bz2', '.zst'):
        stream.close()
        raise ValueError(f'{path}: damaged or cut short (it is empty); get the file again')
    return unpack(stream, str(path), size, limit)


def checked_name(name: str, path: Path | str) -> str:
    """The member's name without a leading './'. Raises ValueError if it leads outside the archive."""
    parts = PurePosixPath(name.replace('\\', '/')).parts
    if not parts or parts[0] == '/' or parts[0].endswith(':') or '..' in parts or '\0' in name:
        raise ValueError(
            f"{path}: member '{name}' leads outside the archive; allowed: relative paths without '..'; do not use this archive"
        )
    return '/'.join(parts)


def members(path: Path, limit: int = LIMIT) -> Iterator[tuple[str, BinaryIO]]:
    """Name and content of each file in a tar (plain, gzip, xz, bzip2) or zip archive, in the archive's order.

    Read each content before the next one. Raises ValueError on absolute paths and '..', on links, devices and sparse files, on
    encrypted or damaged members, on archives that unpack to too much, and on a file that is no archive.
    """
    read = _zip_members if _is_zip(path) else _tar_file_members
    yield from read(path, limit, allowance_of(path))


def _is_zip(path: Path) -> bool:
    with open_plain(path) as file:
        return file.peek(4)[:4] in ZIP


def is_archive(path: Path) -> bool:
    """Whether a file is a zip or a tar archive, packed or not, by its name or its first bytes."""
    if path.name.lower().endswith(ENDINGS) or _is_zip(path):
        return True
    try:
        with open_stream(path) as stream:
            tarfile.TarInfo.frombuf(read_exactly(stream, tarfile.BLOCKSIZE), 'utf-8', 'surrogateescape')
    except (ValueError, tarfile.HeaderError):
        return False
    return True


def unpacked_bytes(path: Path, needed: Callable[[str], object]) -> int | None:
    """Bytes that the needed members of an archive unpack to: a plain tar's own size, None if the archive does not say."""
    if not _is_zip(path):
        with open_plain(path) as file:
            return None if file.peek(6)[:6].startswith(tuple(PACKED)) else path.stat().st_size
    with _zip(path) as archive:
        return sum(entry.file_size for entry in archive.infolist() if needed(entry.filename))


class _Header(tarfile.TarInfo):
    """A header of a tar file. A damaged or missing header is an error; tarfile alone would take it for the end."""

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> tarfile.TarInfo:
        try:
            return super().fromtarfile(archive)
        except tarfile.EOFHeaderError:
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(str(error)) from error


def _tar_file_members(path: Path, limit: int, allowance: Allowance) -> Iterator[tuple[str, BinaryIO]]:
    with open_stream(path, limit) as stream:
        yield from tar_members(stream, path, limit, allowance)


def tar_members(
    stream: BinaryIO, path: Path | str, limit: int = LIMIT, allowance: Allowance | None = None
) -> Iterator[tuple[str, BinaryIO]]:
    """The `members` of a tar archive read as a stream, such as one inside another archive. Errors name `path`."""
    allowance = allowance or own_allowance()
    try:
        with tarfile.open(fileobj=stream, mode='r|', tarinfo=_Header) as archive:
            for member in archive:
                allowance.take(path, rows=MEMBER)
                if member.isdir():
                    continue
                name = checked_name(member.name, path)
                if not member.isreg() or member.issparse():
                    raise ValueError(
                        f"{path}: member '{name}' is a link, a device or a sparse file; allowed: plain files and folders; "
                        'do not use this archive'
                    )
                guarded = Guarded(archive.extractfile(member), f'{path}: {name}', limit)
                with io.BufferedReader(guarded, CHUNK) as content:
                    yield name, content
    except tarfile.TarError as error:
        raise ValueError(f'{path}: not a tar or zip archive, damaged or cut short ({error}); get the file again') from error
    # What follows the last member is read too: the check sum of a packed archive stands at its very end.
    while stream.read(CHUNK):
        pass


def _zip(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except DAMAGE as error:
        raise ValueError(f'{path}: damaged or cut short zip archive ({error}); get the file again') from error


def check_zip(path: Path, limit: int = LIMIT) -> list[zipfile.ZipInfo]:
    """The files of a zip archive; raises ValueError where it is damaged, or unpacks to more than RATIO times its size."""
    size = Path(path).stat().st_size
    with _zip(path) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    allowed, total = allowed_bytes(size, limit), sum(entry.file_size for entry in entries)
    if total > allowed:
        raise ValueError(
            f'{path}: unpacks to {total:,} bytes; allowed: {allowed:,} ({RATIO} times the packed size); it looks like a '
            'decompression bomb: do not use it'
        )
    return entries


def _zip_members(path: Path, limit: int, allowance: Allowance) -> Iterator[tuple[str, BinaryIO]]:
    entries = check_zip(path, limit)
    with _zip(path) as archive:
        for entry in entries:
            allowance.take(path, rows=MEMBER)
            name, kind = checked_name(entry.filename, path), stat.S_IFMT(entry.external_attr >> 16)
            if kind not in (0, stat.S_IFREG):
                raise ValueError(
                    f"{path}: member '{name}' is a link or a device; allowed: plain files and folders; do not use this archive"
                )
            if entry.flag_bits & 1:
                raise ValueError(f"{path}: member '{name}' is encrypted; allowed: archives without a password; unpack it first")
            try:
                source = archive.open(entry)
            except DAMAGE as error:
                raise ValueError(f'{path}: {name}: damaged or cut short ({error}); get the file again') from error
            with io.BufferedReader(Guarded(source, f'{path}: {name}', entry.file_size), CHUNK) as content:
                yield name, content


def read_exactly(stream: BinaryIO, count: int) -> bytes:
    """The next `count` bytes, or fewer if the stream ends. Memory grows with the bytes that come, not with `count`."""
    pieces = []
    while count and (piece := stream.read(min(count, 16 * CHUNK))):
        pieces.append(piece)
        count -= len(piece)
    return b''.join(pieces)
