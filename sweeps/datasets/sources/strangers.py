"""Strangers: files that have the names of data and hold something else, because a download went wrong.

They are looked for where a set can't be prepared, to say why.
"""

import itertools
from pathlib import Path

LOOKED_AT = 10_000
START = 256
"""How many bytes of a file are read."""
POINTER = b'version https://git-lfs.github.com/spec/'
PAGES = (b'<!doctype html', b'<html')
PAGE_ENDINGS = ('.html', '.htm')


def strangers(source: Path) -> str:
    """A sentence on such files in and below a folder, or '' where there are none."""
    paths = [source] if source.is_file() else (path for path in sorted(source.rglob('*')) if path.is_file())
    pointers, pages, looked = [], [], 0
    for path in itertools.islice(paths, LOOKED_AT):
        looked += 1
        start = _start(path)
        if start.startswith(POINTER):
            pointers.append(path)
        elif start.lower().startswith(PAGES) and not path.name.lower().endswith(PAGE_ENDINGS):
            pages.append(path)
    if pointers:
        return f'{pointers[0]}: a pointer of Git LFS, not the file{_others(pointers, looked)}; get the files: git lfs pull'
    return f'{pages[0]}: a web page, not data{_others(pages, looked)}; get it again' if pages else ''


def _start(path: Path) -> bytes:
    try:
        with open(path, 'rb') as file:
            return file.read(START).lstrip()
    except OSError:
        return b''


def _others(some: list[Path], looked: int) -> str:
    return f', as {len(some):,} of {looked:,} files are' if len(some) > 1 else ''
