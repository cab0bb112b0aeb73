"""Atomic writes: a file or folder appears whole, or the old one stays.

The new content is written to a temporary name in the same folder and flushed to the disk. One system call then puts it in
place, and the folder is flushed. If anything fails, the temporary file is removed. Only a killed process leaves one;
`is_left_over` recognises its name.
"""

import contextlib
import errno
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
UNKNOWN = (errno.EINVAL, errno.ENOTSUP)
"""The errors of file systems that cannot flush folders."""
FIX = 'give a place that you may write to'


def replace(path: Path, content: str | bytes, fix: str = FIX) -> None:
    """Write a file whole, in place of an older one; text is written as UTF-8, and missing folders are made.

    A link stays and its target is replaced. A pipe or a device, such as /dev/stdout, is written to as it is. Raises ValueError
    where the disk is full or the place cannot be written, with `fix` as what to do about it.
    """
    with _explained(path, fix):
        if _is_device(path):
            path.write_bytes(_bytes(content))
            return
        target = Path(os.path.realpath(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        with aside(target) as new:
            _write(new, content)
            os.replace(new, target)
        _flush_folder(target.parent)


def create(path: Path, content: str | bytes, fix: str = FIX) -> bool:
    """Write a file whole unless the name is taken; whether this call wrote it. The first writer of a name wins.

    Raises ValueError as `replace` does, and where the file system makes no hard links.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     print(create(Path(folder) / 'name', 'first'), create(Path(folder) / 'name', 'second'))
    True False
    """
    with _explained(path, fix), aside(path) as new:
        _write(new, content)
        try:
            os.link(new, path)
        except FileExistsError:
            # NFS may answer this to the repeat of a request that succeeded: only the link count tells who won.
            pass
        except OSError as error:
            raise (_unwritable(path, error, fix) if error.errno in FULL else _unlinked(path, error)) from None
        won = os.stat(new).st_nlink == 2
        _flush_folder(path.parent)
        return won


@contextlib.contextmanager
def aside(path: Path) -> Iterator[Path]:
    """A free temporary name beside a path. In the end whatever has that name is removed."""
    free = path.with_name(f'.{path.name}.aside-{uuid.uuid4().hex}')
    try:
        yield free
    finally:
        with contextlib.suppress(OSError):
            shutil.rmtree(free) if free.is_dir() and not free.is_symlink() else free.unlink(missing_ok=True)


def put(written: Path, path: Path, fix: str = FIX) -> None:
    """Move a file that was written beside a path to that path, and replace an older one; `aside` gives its temporary name.

    Raises ValueError where that cannot be done.
    """
    with _explained(path, fix):
        _flush(written)
        os.replace(written, path)
        _flush_folder(path.parent)


@contextlib.contextmanager
def replacing_folder(path: Path, fix: str = FIX) -> Iterator[Path]:
    """An empty folder to fill; it replaces the folder `path` when the block ends without an error.

    Errors of the block are raised, and on any error the old folder stays. Between two system calls there is no folder. Raises
    ValueError where the folder cannot be made or put in its place.
    """
    with aside(path) as new, aside(path) as old:
        with _explained(path, fix):
            path.parent.mkdir(parents=True, exist_ok=True)
            new.mkdir()
        yield new
        with _explained(path, fix):
            for inner in sorted(new.rglob('*')):
                _flush_folder(inner) if inner.is_dir() else _flush(inner)
            _flush_folder(new)
            with contextlib.suppress(FileNotFoundError):
                os.rename(path, old)
            try:
                os.rename(new, path)
            except BaseException:
                with contextlib.suppress(FileNotFoundError):
                    os.rename(old, path)
                raise
            _flush_folder(path.parent)


def try_links(folder: Path, fix: str = FIX) -> None:
    """Make a folder and try what `create` needs there: writing and hard links.

    Raises ValueError where the folder cannot be written or its file system makes no hard links.
    """
    with aside(folder / 'try') as one, aside(folder / 'try') as other, _explained(folder, fix):
        folder.mkdir(parents=True, exist_ok=True)
        _write(one, b'try')
        try:
            os.link(one, other)
            if os.stat(other).st_nlink != 2:
                raise OSError(errno.EPERM, 'links are copies')
        except OSError as error:
            raise _unlinked(folder, error) from None


def is_left_over(name: str) -> bool:
    """Whether a name is a temporary one, left over from a killed process."""
    return re.fullmatch(r'\..+\.aside-[0-9a-f]{32}', name) is not None


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


def _is_device(path: Path) -> bool:
    return path.exists() and not path.is_file() and not path.is_dir()


def _write(path: Path, content: str | bytes) -> None:
    with open(path, 'wb') as file:
        file.write(_bytes(content))
        file.flush()
        os.fsync(file.fileno())


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _flush_folder(path: Path) -> None:
    try:
        _flush(path)
    except OSError as error:
        if error.errno not in UNKNOWN:
            raise


@contextlib.contextmanager
def _explained(path: Path, fix: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _unwritable(path, error, fix) from None


def _unwritable(path: Path, error: OSError, fix: str) -> ValueError:
    if error.errno in FULL:
        return ValueError(f'{path}: the disk is full; nothing recorded is lost: free space and run again')
    return ValueError(f'{path}: cannot be written ({error.strerror}); {fix}')


def _unlinked(path: Path, error: OSError) -> ValueError:
    return ValueError(
        f'{path}: the file system makes no hard links ({error.strerror}), which safe commits need; '
        'give --runs a folder on a local disk or NFS'
    )
