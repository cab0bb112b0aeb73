"""Measured: the measurements of a benchmark as a JSON file that is whole after each of them."""

import json
from pathlib import Path

from results.store import atomic


class Measured:
    """A list of measurements, each plain data with a `name`; the file is replaced whenever one is added."""

    def __init__(self, path: Path):
        self.path, self.rows = path, []

    def add(self, name: str, **values: object) -> None:
        """Add a measurement and write the file."""
        self.rows.append({'name': name, **values})
        atomic.replace(self.path, json.dumps(self.rows, indent=1) + '\n')


def read(path: Path) -> list[dict]:
    """The measurements of a file; none where it was never begun."""
    return json.loads(path.read_text(encoding='utf-8')) if path.exists() else []
