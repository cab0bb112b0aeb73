"""Bundles as sources of claims: what they concluded when they were published, unless a page was changed since."""

import hashlib
import json
from pathlib import Path

from ablations.definition import study_of
from results.bundle import FILE, MANIFEST, read
from results.claims.source import Source
from results.store import regular
from results.store.comparison_file import is_comparison

TABLE = 'table.json'


def bundles_in(folder: Path) -> list[Path]:
    """The bundles in a folder that conclude something, by name; comparisons of searchers do not."""
    return sorted(path.parent for path in Path(folder).glob(f'*/{FILE}') if not is_comparison(path.parent))


def read_bundle(path: Path) -> Source:
    """The source that a bundle is; raises ValueError where it is damaged or its table was changed after it was published."""
    about = read(path)
    try:
        table, manifest = (regular.read(path / name) for name in (TABLE, MANIFEST))
        rows, costs = json.loads(table), json.loads(manifest)['costs']
        if not isinstance(rows, list):
            raise TypeError('its table is no list')
        rows = [row for row in rows if row['row'] == 'comparison']
        # Every arm by every task, as a manifest has them; anything else is no mapping of mappings.
        costs = {arm: {task: dict(cost) for task, cost in tasks.items()} for arm, tasks in costs.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        told = getattr(error, 'strerror', None) or f'{type(error).__name__}: {error}'
        raise ValueError(f'it is damaged ({told}); take the bundle from where it was published') from None
    if hashlib.sha256(table).hexdigest() != about['files'].get(TABLE):
        raise ValueError(f'its {TABLE} was changed after it was published; take the bundle from where it was published')
    failing = tuple(str(rule) for rule in about['failing'])
    return Source(study_of(about['definition']), about['digest'], rows, costs, 'bundle', str(path), failing)
