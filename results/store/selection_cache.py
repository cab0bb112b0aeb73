"""Selection cache: the points of fitted surfaces, so that a large plan does not fit all surfaces again.

It may be deleted at any time (results/store/text_cache.py). Each point is saved under the hash of its trials. A file's name is
the hash of the sources and packages that fit surfaces.
"""

import contextlib
import json
import sys
from pathlib import Path

from ablations.digest import digest
from results import remembered
from results.store import text_cache
from results.store.hashes import content_hash, versions

PACKAGES = ('numpy',)
SOURCES = tuple(f'results/{name}.py' for name in ('edges', 'optimum', 'selection', 'stacks', 'surface'))
MOST = 2
"""How many files stay: this source's, and one other."""


def _name() -> str:
    sources = content_hash(SOURCES)
    return f'selections-{digest([sources, versions(PACKAGES), sys.version])}.json'


def load(folder: Path) -> None:
    """Add the points saved in a study's folder to the memory of selections."""
    body = text_cache.load(folder, _name())
    # What another program left there under the right check costs time only.
    with contextlib.suppress(ValueError, TypeError, AttributeError, RecursionError):
        remembered.KNOWN.update(json.loads(body or '{}').items())


def save(folder: Path) -> None:
    """Save every point in the memory of selections."""
    body = json.dumps(remembered.KNOWN)
    if body != text_cache.load(folder, _name()):
        text_cache.save(folder, _name(), body, 'selections-*.json', MOST)
