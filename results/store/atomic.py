"""Atomic writes: a file or folder appears whole, or the old one stays.

The new content is written to a temporary name in the same folder and flushed to the disk. One system call then puts it in
place, and the folder is flushed. If anything fails, the temporary file is removed. Only a killed process leaves one: `sweep`
removes it, and `recover` brings back a folder that it had moved away.
"""

import contextlib
import errno
import fcntl
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
UNKNOWN = (errno.EINVAL, errno.ENOTSUP)
"""The errors of file systems that cannot flush folders."""
FIX = 'give a place that you may write to'
JUST_NOW, LONG_AGO = 1.0, 3600.0
"""Seconds: what is younger may belong to a process that has not yet said so; what is older belongs to none, where the file
system has no locks to tell."""


def replace(path: Path, content: str | bytes, fix: str = FIX, lasting: bool = True, follow: bool = True) -> None:
    """Write a file whole, in place of an older one; text is written as UTF-8, and missing folders are made.

    What is not `lasting` may be lost when the machine fails: it is not flushed, and files of killed processes are not looked
    for. So thousands of files in one folder take thousands of writes and no more.

    A link stays and its target is replaced. A pipe or a device, such as /dev/stdout, is written to as it is. Not so where it
    should not `follow`, because only the lab gives a file such a name: then what lies there is replaced, and what a link leads
    to is another's and stays. Raises ValueError where the disk is full or the place cannot be written, with `fix` as what to
    do about it.
    """
    with _explained(path, fix):
        if follow and _is_device(path):
            # A pipe that nobody reads is an error: waiting for a reader would have no end.
            with open(os.open(path, os.O_WRONLY | os.O_NONBLOCK), 'wb') as file:
                os.set_blocking(file.fileno(), True)
                file.write(_bytes(content))
            return
        target = Path(os.path.realpath(path)) if follow else path
        target.parent.mkdir(parents=True, exist_ok=True)
        if lasting:
            sweep(target.parent, target.name)
        with aside(target) as new, _written(new, content, lasting):
            os.replace(new, target)
        if lasting:
            _flush_folder(target.parent)


def create(path: Path, content: str | bytes, fix: str = FIX) -> bool:
    """Write a file whole unless the name is taken; whether this call wrote it. The first writer of a name wins.

    Raises ValueError as `replace` does, and where the file system makes no hard links.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     print(create(Path(folder) / 'name', 'first'), create(Path(folder) / 'name', 'second'))
    True False
    """
    with _explained(path, fix), aside(path) as new, _written(new, content):
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


def check_folder(folder: Path, fix: str = FIX) -> None:
    """Raise ValueError where files could not be put into a folder, or the folder not be made: before much work is done."""
    with _explained(folder, fix):
        place = next(path for path in (folder, *folder.absolute().parents) if os.path.lexists(path))
        with aside(place / 'try') as new:
            new.mkdir()


@contextlib.contextmanager
def aside(path: Path) -> Iterator[Path]:
    """A free temporary name beside a path. In the end whatever has that name is removed."""
    free = path.with_name(f'.{path.name}.aside-{uuid.uuid4().hex}')
    try:
        yield free
    finally:
        with contextlib.suppress(OSError):
            _remove(free)


def put(written: Path, path: Path, fix: str = FIX) -> None:
    """Move a file from beside a path to that path, and replace an older one; `aside` gives its temporary name.

    Raises ValueError where that cannot be done.
    """
    with _explained(path, fix):
        _flush(written)
        os.replace(written, path)
        _flush_folder(path.parent)


@contextlib.contextmanager
def replacing_folder(path: Path, fix: str = FIX) -> Iterator[Path]:
    """An empty folder to fill; it replaces the folder `path`, or a link, when the block ends without an error.

    Errors of the block are raised, and on any error the old folder stays. Between two system calls it has another name; after a
    kill there, `recover` gives it back its own. Raises ValueError where the folder cannot be made or put in its place.
    """
    old = _moved_away(path)
    with aside(path) as new, contextlib.ExitStack() as held:
        with _explained(path, fix):
            path.parent.mkdir(parents=True, exist_ok=True)
            recover(path)
            _discard(old)
            sweep(path.parent, path.name)
            new.mkdir()
            held.enter_context(_held(new))
        yield new
        with _explained(path, fix):
            for inner in sorted(new.rglob('*')):
                _flush_folder(inner) if inner.is_dir() else _flush(inner)
            _flush_folder(new)
            held.enter_context(_held(path))
            try:
                with contextlib.suppress(FileNotFoundError):
                    os.rename(path, old)
                os.rename(new, path)
                _flush_folder(path.parent)
            finally:
                if path.exists():
                    _discard(old)
                elif old.exists():
                    os.rename(old, path)


def recover(path: Path) -> None:
    """Give a folder its name back that a process had moved away when it was killed; where it is there, nothing happens.

    Whoever reads such a folder calls it before. It waits for a process that is about to put the new one in its place.
    """
    old = _moved_away(path)
    if path.exists() or not old.exists():
        return
    with contextlib.suppress(OSError), _held(old, wait=True):
        if not path.exists():
            os.rename(old, path)


def _moved_away(path: Path) -> Path:
    return path.with_name(f'.{path.name}.before')


def sweep(folder: Path, name: str = '') -> None:
    """Remove what killed processes left half written in a folder, of all files or of one `name`.

    Files of a living process stay.
    """
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if is_left_over(entry.name) and entry.name.startswith(f'.{name}.aside-' if name else '.'):
                with contextlib.suppress(OSError):
                    age = time.time() - entry.stat(follow_symlinks=False).st_ctime
                    if age > JUST_NOW and not _is_held(Path(entry.path), unknown=age < LONG_AGO):
                        _remove(Path(entry.path))


@contextlib.contextmanager
def swept(*folders: Path) -> Iterator[None]:
    """`sweep` these folders before the block and after it."""
    for folder in folders:
        sweep(folder)
    yield
    for folder in folders:
        sweep(folder)


def _is_held(path: Path, unknown: bool) -> bool:
    """Whether a process that lives holds a file or folder; `unknown` where the file system cannot tell."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return True if isinstance(error, BlockingIOError) else unknown
    finally:
        os.close(handle)
    return False


@contextlib.contextmanager
def _held(path: Path, wait: bool = False) -> Iterator[None]:
    """Hold a folder, if it is there, as a sign to others of a process at work."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        yield
        return
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        os.close(handle)


def open_lock(path: Path) -> int:
    """The descriptor of a file that serves as a lock, made where it is absent; its content, if any, stays.

    Raises ValueError where it cannot be opened, or is a link: what that leads to is another's.
    """
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise ValueError(f'{path}: is a link, which a lock must not be; remove it') from None
        raise _unwritable(path, error, FIX) from None


def try_links(folder: Path, fix: str = FIX) -> None:
    """Make a folder and try what `create` needs there: writing and hard links.

    Raises ValueError where the folder cannot be written or its file system makes no hard links.
    """
    with aside(folder / 'try') as one, aside(folder / 'try') as other, _explained(folder, fix):
        folder.mkdir(parents=True, exist_ok=True)
        with _written(one, b'try'):
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


@contextlib.contextmanager
def _written(path: Path, content: str | bytes, lasting: bool = True) -> Iterator[None]:
    """A file that is written, flushed if it is `lasting`, and held: no other process sweeps it away before it has its name."""
    with open(path, 'wb') as file:
        with contextlib.suppress(OSError):
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        file.write(_bytes(content))
        file.flush()
        if lasting:
            os.fsync(file.fileno())
        yield


def _remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)


def _discard(path: Path) -> None:
    """Remove a folder as far as possible, or a link, whose target is another's."""
    if path.is_symlink():
        with contextlib.suppress(OSError):
            path.unlink()
    else:
        shutil.rmtree(path, ignore_errors=True)


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
