"""Hashes: those of the lab's own files, for records, pages and caches; and versions of packages.

There are two hashes. `syntax_hash` is for hashes that people compare: it does not change with comments, docstrings or layout,
and is the same under every version of Python. `content_hash` is for caches: it takes a hundredth of the time, and rebuilding a
cache after a comment has changed costs little.
"""

import ast
import contextlib
import functools
import hashlib
import importlib.metadata
from collections.abc import Iterable
from pathlib import Path

from results.store import known_hashes

ROOT = Path(__file__).resolve().parents[2]
DECIDING = ('ablations/**/*.py', 'results/**/*.py', 'sweeps/protocol/**/*.py')
"""The files that determine findings: the studies, the plan and the evidence."""
PAGES = ('results/**/*.j2', 'results/**/*.css', 'results/**/*.js', 'results/**/*.ttf', 'results/**/*.otf')
RENDERING = ('jinja2', 'matplotlib', 'numpy', 'scipy')
"""The packages that determine the bytes of tables, figures and pages."""
UNSAID = ('ctx', 'kind', 'type_comment', 'type_ignores')
"""Fields of a syntax tree without an influence on the code."""


def _files(root: Path, patterns: Iterable[str]) -> list[Path]:
    return sorted({path for pattern in patterns for path in root.glob(pattern)})


@functools.cache
def content_hash(patterns: tuple[str, ...] = DECIDING) -> str:
    """Hash of the names and contents of all files of the lab that match."""
    content = hashlib.sha256()
    for path in _files(ROOT, patterns):
        content.update(str(path.relative_to(ROOT)).encode() + b'\0' + path.read_bytes() + b'\0')
    return content.hexdigest()[:16]


@functools.cache
def syntax_hash(patterns: tuple[str, ...], docstrings: bool = False, root: Path = ROOT) -> str:
    """Hash of the names of all matching files, of the code of Python files, and of the contents of others.

    `docstrings`: whether docstrings count as code, as for files whose docstrings a page prints. A file that is not valid Python
    counts by its contents. What the same contents gave before is read from the user's cache (results/store/known_hashes.py).
    """
    files = [(str(path.relative_to(root)).encode(), path.suffix, path.read_bytes()) for path in _files(root, patterns)]

    def worked_out() -> str:
        content = hashlib.sha256()
        for name, suffix, body in files:
            if suffix == '.py':
                with contextlib.suppress(SyntaxError):
                    body = code(body, docstrings).encode()
            content.update(name + b'\0' + body + b'\0')
        return content.hexdigest()[:16]

    asked = hashlib.sha256(Path(__file__).read_bytes() + bytes([docstrings]))
    for name, _, body in files:
        asked.update(name + b'\0%d\0' % len(body) + body)
    return known_hashes.remembered(asked.hexdigest(), worked_out)


def code(text: str | bytes, docstrings: bool = False) -> str:
    """Python code without layout and comments, as text that is the same under every version of Python; raises SyntaxError.

    Empty fields of the syntax tree are left out, because newer versions add fields, such as a function's type parameters.

    >>> code('def f(x): return 2*x  # twice') == code('def f(x):\\n    "Twice x."\\n    return 2 * x')
    True
    """
    pieces: list[str] = []
    _write(ast.parse(text), docstrings, pieces)
    return ''.join(pieces)


def _write(node: ast.AST, docstrings: bool, pieces: list[str]) -> None:
    pieces.append(f'({type(node).__name__}')
    if isinstance(node, ast.Constant):
        # Not `repr`: which letters of a text it escapes is another question to each version.
        pieces.append(f' {type(node.value).__name__} {node.value!a}')
    else:
        joined = isinstance(node, ast.JoinedStr)
        for name in sorted(node._fields):
            value = getattr(node, name, None)
            if value is None or name in UNSAID:
                continue
            items = _joined(value) if joined else value if isinstance(value, list) else [value]
            if items:
                pieces.append(f' {name}')
            for item in items:
                if not isinstance(item, ast.AST):
                    pieces.append(f' {item!a}')
                elif docstrings or not _is_text(item):
                    _write(item, docstrings, pieces)
    pieces.append(')')


def _is_text(node: object) -> bool:
    """Whether a statement is only a text: a docstring, or the description of the name above it."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _joined(values: list[ast.AST]) -> list[ast.AST]:
    """The parts of an f-string with neighbouring texts joined, because versions of Python cut them differently."""
    joined: list[ast.AST] = []
    for value in values:
        if isinstance(value, ast.Constant) and joined and isinstance(joined[-1], ast.Constant):
            joined[-1] = ast.Constant(joined[-1].value + value.value)
        elif not isinstance(value, ast.Constant) or value.value:
            joined.append(value)
    return joined


def versions(names: tuple[str, ...] = RENDERING) -> dict[str, str]:
    """The installed version of each package."""
    return {name: importlib.metadata.version(name) for name in names}
