"""Regular files: reading the lab's own files, and nothing else in their place.

A pipe in the place of a file would be waited for without end, and so would a link to a device.
"""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO


def open_file(path: Path) -> BinaryIO:
    """A file, open for reading; raises OSError where it cannot be read or is a pipe, a device or a folder."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if stat.S_ISREG(os.fstat(handle).st_mode):
        return open(handle, 'rb')
    os.close(handle)
    raise OSError(errno.EINVAL, 'it is no regular file', str(path))


def read(path: Path) -> bytes:
    """The content of a file; raises OSError as `open_file` does."""
    with open_file(path) as file:
        return file.read()


def unread(path: Path, error: OSError) -> str:
    """The error for a file that may be sound and only out of reach; to move it away would lose it.

    >>> unread(Path('manifest.json'), PermissionError(13, 'Permission denied'))
    'manifest.json cannot be read (Permission denied); mend that and run the same command again: nothing in it is lost'
    """
    return f'{path} cannot be read ({error.strerror}); mend that and run the same command again: nothing in it is lost'


def check_replaced(path: Path, begins: bytes, what: str) -> None:
    """Raise ValueError where a file that is to be written over is of another kind: one slip must not cost a study file."""
    try:
        with open_file(path) as file:
            start = file.read(len(begins))
    except OSError:
        # Nothing is there, or no file; whoever writes says what is wrong with it.
        return
    if start and start != begins:
        raise ValueError(f"--out '{path}' is there and is no {what}, so it stays; give another name, or remove it")
