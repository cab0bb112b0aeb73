"""User file: a Python file of the user's own, run from the very bytes that its hash is of.

Python's compiled files are neither read nor written: they are known by size and time, so that of two versions of equal length
within a second the older one would run.
"""

import hashlib
import importlib.util
import sys
from pathlib import Path
from types import CodeType, ModuleType

STOPS = (Exception, SystemExit)
"""What a user's code may raise where the lab calls it; an interrupt is not its to raise."""


def content_hash(content: bytes) -> str:
    """The hash by which studies and records know a version of a file."""
    return hashlib.sha256(content).hexdigest()[:16]


def in_words(error: BaseException) -> str:
    """What a user's code raised, on one line; code that ends its process says why in the lab's words.

    >>> in_words(KeyError('lr')), in_words(SystemExit(0))
    ("KeyError: 'lr'", 'it ends the process (SystemExit: 0); remove sys.exit')
    """
    told = ' '.join(f'{type(error).__name__}: {error}'.split())
    return f'it ends the process ({told}); remove sys.exit' if isinstance(error, SystemExit) else told


def compiled(path: Path | str, expected: str = '') -> CodeType:
    """The code of a Python file. `expected` is the hash that the file must have, where that matters.

    Raises ValueError where it cannot be read, is not Python or has changed; the sentence goes on after the name of the file.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise ValueError(f'cannot be read ({error.strerror}); check the path') from None
    if expected and content_hash(content) != expected:
        raise ValueError(
            f'has changed since it was read (its hash was {expected}, now it is {content_hash(content)}); '
            'run again: the trials of the new version have ids of their own'
        )
    try:
        return compile(content, str(path), 'exec', dont_inherit=True)
    except (SyntaxError, ValueError) as error:  # ValueError is what older Pythons say of a null byte
        raise ValueError(f'does not load: SyntaxError: {error}; give a Python file') from error


def run(code: CodeType, called: str) -> ModuleType:
    """The module that the code of a file makes, found in `sys.modules` under `called` and the name of the file.

    Raises whatever the code raises (`STOPS`).
    """
    path = Path(code.co_filename)
    spec = importlib.util.spec_from_file_location(f'{called}_{path.stem}', path)
    module = importlib.util.module_from_spec(spec)
    before = sys.modules.get(spec.name)
    # Dataclasses look their module up by name where annotations are strings (from __future__ import annotations).
    sys.modules[spec.name] = module
    try:
        exec(code, module.__dict__)
    except BaseException:
        del sys.modules[spec.name]
        if before is not None:
            sys.modules[spec.name] = before
        raise
    return module
