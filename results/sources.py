"""Sources: one short hash of the lab's own files that findings and pages depend on, and the versions of what they use."""

import functools
import hashlib
import importlib.metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DECIDING = ('ablations/**/*.py', 'results/**/*.py', 'sweeps/protocol/**/*.py')
"""What decides on findings: the studies, the plan and the evidence."""
PAGES = ('results/**/*.j2', 'results/**/*.css', 'results/**/*.js', 'results/**/*.ttf', 'results/**/*.otf')
RENDERING = ('jinja2', 'matplotlib', 'numpy', 'scipy')
"""Packages on which the bytes of tables, figures and pages depend."""


@functools.cache
def source_hash(patterns: tuple[str, ...] = DECIDING) -> str:
    """Hash of the names and contents of all files of the lab that match."""
    found = hashlib.sha256()
    for path in sorted({path for pattern in patterns for path in ROOT.glob(pattern)}):
        found.update(str(path.relative_to(ROOT)).encode() + b'\0' + path.read_bytes() + b'\0')
    return found.hexdigest()[:16]


def versions(names: tuple[str, ...] = RENDERING) -> dict[str, str]:
    """The installed version of each package."""
    return {name: importlib.metadata.version(name) for name in names}
