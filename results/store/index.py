"""Index: the summaries of a large study, read from the cache in one query."""

import json
import operator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb

from results.store import parquet_cache as cache
from results.store.summary import COST, PACK, SUMMARY

PLAIN = tuple(name for name in SUMMARY if name not in ('cost', 'pack', 'environment'))
KNOBS = PLAIN.index('knobs')
_OF_PLAIN = (f'map_values({name})' if name == 'knobs' else name for name in PLAIN)
_COLUMNS = ', '.join((*_OF_PLAIN, *(f'cost.{name}' for name in COST), *(f'pack.{name}' for name in PACK)))
_SHAPE = ('keys', 'map_keys(knobs)', 'environment', 'cost IS NULL', 'pack IS NULL')
"""What a record has, what was tuned and where it was made is the same for nearly all: read once for each such shape."""


def read(folder: Path, study: str, files: dict[str, list[int]]) -> tuple[list[tuple[str, dict]], list[str]]:
    """File and summary of every sound record, in the order of files and lines, and a sentence for each skipped file.

    `files` is the listing of the folder.

    Raises ValueError where the cache cannot give them; then the caller reads the records themselves.
    """
    connection = cache.connect()
    try:
        with ThreadPoolExecutor(1) as writer:
            source = cache.rows(connection, 'fresh', folder, study, files=files, writer=writer)
            shaped = f'SELECT *, hash({", ".join(_SHAPE)}) AS shape FROM ({source.select})'
            about = ', '.join(f'any_value({part})' for part in _SHAPE)
            shapes = connection.execute(f'SELECT shape, {about} FROM ({shaped}) GROUP BY shape').fetchall()
            rows = connection.execute(f'SELECT file, shape, {_COLUMNS} FROM ({shaped}) ORDER BY {cache.ORDER}').fetchall()
    except duckdb.Error as error:
        raise ValueError(str(error)) from None
    finally:
        connection.close()
    makers = {shape: _Maker(*about) for shape, *about in shapes}
    return [(row[0], makers[row[1]](row)) for row in rows], list(source.skipped)


class _Maker:
    """Makes the summary of a row (file, shape, PLAIN, COST, PACK); one maker for all records with the same entries."""

    def __init__(self, keys: list[str], knobs: list[str], environment: str | None, no_cost: bool, no_pack: bool):
        self.knobs = knobs
        self.names = [name for name in PLAIN if name in keys]
        self.take = operator.itemgetter(*(2 + PLAIN.index(name) for name in self.names))
        self.constant = {name: None for name, absent in (('cost', no_cost), ('pack', no_pack)) if absent and name in keys}
        self.nested = []
        for name, entries, absent in (('cost', COST, no_cost), ('pack', PACK, no_pack)):
            start = 2 + len(PLAIN) + (len(COST) if name == 'pack' else 0)
            if not absent:
                self.nested.append((name, entries, slice(start, start + len(entries))))
        if 'environment' in keys:
            self.constant['environment'] = None if environment is None else json.loads(environment)

    def __call__(self, row: tuple) -> dict:
        made = dict(zip(self.names, self.take(row), strict=True))
        made['knobs'] = dict(zip(self.knobs, row[2 + KNOBS], strict=True))
        for name, entries, place in self.nested:
            made[name] = dict(zip(entries, row[place], strict=True))
        made.update(self.constant)
        return made
