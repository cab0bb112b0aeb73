"""Compilation cache: compiled programs between runs, in a folder of bounded size."""

import contextlib
import os
import platform
import warnings
from hashlib import sha256
from pathlib import Path

from ablations.locations import lab_cache

LARGEST = 1 << 30
"""Bytes. A program of a small model has about 100 KB."""

PROGRAM = '-cache'
"""The end of the name of a program's file, as jax gives it."""


def cache_folder() -> Path:
    """The folder of compiled programs between runs: in the user's cache, by kind of processor."""
    try:
        text = Path('/proc/cpuinfo').read_text()
        flags = next((line for line in text.splitlines() if line.startswith(('flags', 'Features'))), '')
    except OSError:
        flags = platform.processor()
    return lab_cache() / f'xla-{sha256((platform.machine() + flags).encode()).hexdigest()[:12]}'


def overlook_cut_programs() -> None:
    """Let no program that is cut off be told of: it is compiled anew, and nothing is lost.

    jax writes a program into its final place. A worker beside may read the half that is there, and a killed worker leaves half.
    """
    warnings.filterwarnings('ignore', message='Error reading persistent compilation cache entry')


def bound(folder: Path, largest: int = LARGEST) -> int:
    """Delete the programs that were used the longest ago, until a folder has at most so many bytes; gives how many went.

    A program that is missing is compiled again, so other runs may use the folder meanwhile. Files that cannot be deleted stay,
    and so do files without the name of a program, and all behind a link.
    """
    files, deleted = [], 0
    if folder.is_symlink():
        return 0
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                about = entry.stat(follow_symlinks=False)
                if entry.name.endswith(PROGRAM) and entry.is_file(follow_symlinks=False):
                    files.append((max(about.st_atime, about.st_mtime), about.st_size, entry.path))
    left = sum(size for _, size, _ in files)
    for _, size, path in sorted(files):
        if left <= largest:
            break
        with contextlib.suppress(OSError):
            os.unlink(path)
            left, deleted = left - size, deleted + 1
    return deleted
