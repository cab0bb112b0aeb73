"""Origins: the files of a set and their checksums, compared with the official ones."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from sweeps.datasets.formats.archives import open_plain
from sweeps.datasets.intact import BLOCK, checksum

EACH = 64
"""Up to this many files are listed one by one; more files as their number, bytes, and a hash of names and sizes."""
_PACKED = ('.gz', '.xz', '.bz2')


def origins(files: list[Path], official: Mapping[str, str], unverified: bool) -> tuple[list[dict], list[str]]:
    """A description of each file, and notes. Raises ValueError if a checksum is not the official one."""
    if len(files) > EACH:
        content = hashlib.sha256()
        sizes = [path.stat().st_size for path in files]
        for path, size in zip(files, sizes, strict=True):
            content.update(f'{path.parent.name}/{path.name} {size}\n'.encode())
        return [{'files': len(files), 'bytes': sum(sizes), 'names_and_sizes_sha256': content.hexdigest()}], []
    described, notes = [], []
    for path in files:
        sha256, verdict = _verdict(path, official)
        if verdict.startswith('differs'):
            if not unverified:
                raise ValueError(f'{path}: {verdict}; get the file again, or go on with --unverified')
            notes.append(f'{path.name}: {verdict}; taken all the same (--unverified)')
        described.append({'file': path.name, 'bytes': path.stat().st_size, 'sha256': sha256, 'official': verdict})
    return described, notes


def _verdict(path: Path, official: Mapping[str, str]) -> tuple[str, str]:
    """The SHA-256 of a file, and whether it is official: by its own MD5, or by that of its unpacked content."""
    unpacked = path.name.removesuffix(path.suffix) if path.suffix in _PACKED else None
    if path.name in official:
        sha256, own = _sums(path)
        return sha256, _verdict_by_md5(own, official[path.name])
    if unpacked in official:
        return checksum(path), _verdict_by_md5(_unpacked_md5(path), official[unpacked])
    return checksum(path), 'no official checksum known'


def _sums(path: Path) -> tuple[str, str]:
    """SHA-256 and MD5 of a file, which is read only once, because a large archive takes minutes."""
    sha256, own = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    with open_plain(path) as file:
        while block := file.read(BLOCK):
            sha256.update(block)
            own.update(block)
    return sha256.hexdigest(), own.hexdigest()


def _verdict_by_md5(checksum: str, wanted: str) -> str:
    return 'matches' if checksum == wanted else f'differs from the official file: MD5 {checksum}, not {wanted}'


def _unpacked_md5(path: Path) -> str:
    """The MD5 of a file's unpacked content."""
    from sweeps.datasets.formats.archives import open_stream

    content = hashlib.md5(usedforsecurity=False)
    with open_stream(path) as file:
        while block := file.read(BLOCK):
            content.update(block)
    return content.hexdigest()
