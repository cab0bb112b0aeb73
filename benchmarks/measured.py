"""Measured: the measurements of a benchmark as a JSON file that is whole after each of them."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path

from results.store import atomic


class Measured:
    """A list of measurements, each plain data with a `name`; the file is replaced whenever one is added.

    `seconds` is how long what is measured may take.
    """

    def __init__(self, path: Path, seconds: float = 480):
        self.path, self.seconds, self.rows = path, seconds, []

    def add(self, name: str, **values: object) -> None:
        """Add a measurement and write the file."""
        self.rows.append({'name': name, **values})
        atomic.replace(self.path, json.dumps(self.rows, indent=1) + '\n')


def read(path: Path) -> list[dict]:
    """The measurements of a file; none where it was never begun."""
    return json.loads(path.read_text(encoding='utf-8')) if path.exists() else []


def collect(about: dict, name: str, rows: Iterable[dict], save: Callable[[dict], None] | None) -> dict:
    """The results of a benchmark, `about` with a list of rows under a name; `save` is told of them after every row.

    >>> collect({'rounds': 3}, 'bodies', iter([{'body': 'vit'}]), print)
    {'rounds': 3, 'bodies': [{'body': 'vit'}]}
    {'rounds': 3, 'bodies': [{'body': 'vit'}]}
    """
    results = {**about, name: []}
    for row in rows:
        results[name].append(row)
        if save is not None:
            save(results)
    return results
