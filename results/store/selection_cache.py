"""Selection cache: the points that surfaces gave, beside the records, so that a large plan does not fit them all again.

Disposable (results/store/text_cache.py). Each point stands under the hash of the trials that it follows from. A file's name
is the hash of the sources and packages that fit surfaces. Newer records only add to what has to be fitted.
"""

import json
import sys
from pathlib import Path

from ablations.digest import digest
from results import selection
from results.sources import source_hash, versions
from results.store import text_cache as kept

PACKAGES = ('numpy',)
MOST = 2
"""Files that stay: that of these sources, and one of others."""


def _name() -> str:
    sources = source_hash(('results/selection.py', 'results/surface.py'))
    return f'selections-{digest([sources, versions(PACKAGES), sys.version])}.json'


def load(folder: Path) -> None:
    """Let selections know what is kept in a study's folder."""
    body = kept.load(folder, _name())
    if body is not None:
        selection.KNOWN.update({key: (tuple(point), *rest) for key, (point, *rest) in json.loads(body).items()})


def keep(folder: Path) -> None:
    """Keep all that selections know by now."""
    body = json.dumps(selection.KNOWN)
    if body != kept.load(folder, _name()):
        kept.keep(folder, _name(), body, 'selections-*.json', MOST)
