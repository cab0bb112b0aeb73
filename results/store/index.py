"""Index: the records of a large study from the cache; what most readers ask for is at hand, the rest is read when wanted."""

import json
from pathlib import Path

import duckdb

from results.store import parquet_cache as cache
from results.store import records

AT_HAND = (
    'id',
    'arm',
    'task',
    'phase',
    'replicate',
    'held',
    'seed',
    'knobs',
    'steps',
    'batch',
    'status',
    'diverged_at',
    'reason',
    'score',
    'score_se',
    'n_held',
    'initial_loss',
    'final_loss',
    'checksum',
    'leak',
)
"""What planning, evidence and the checklist read of every record; `environment` comes with it."""


class RecordFile:
    """A file of records, read whole when one of them is wanted whole."""

    def __init__(self, path: Path, study: str):
        self.path, self.study, self.records = path, study, {}

    def take(self, key: str) -> dict:
        """The record of a trial; raises ValueError naming the file where it is damaged by now."""
        if key not in self.records:
            for record in records.read_file(self.path, self.study):
                records.keep(self.records, record)
        if key not in self.records:
            raise ValueError(f'{self.path} changed while it was read; run the same command again')
        return self.records.pop(key)


class Record(dict):
    """A record as a dict; whatever is not at hand reads its file first, and then it is a dict like any other."""

    __slots__ = ('file',)

    def load(self) -> None:
        """Make it whole."""
        file, self.file = self.file, None
        if file is not None:
            whole = file.take(dict.__getitem__(self, 'id'))
            dict.clear(self)
            dict.update(self, whole)

    def __missing__(self, key: str) -> object:
        if self.file is None:
            raise KeyError(key)
        self.load()
        return self[key]

    def __contains__(self, key: object) -> bool:
        return dict.__contains__(self, key) or (self.file is not None and key in _loaded(self))

    def get(self, key: str, default: object = None) -> object:
        """The value of a key, or the default."""
        return dict.get(self, key, default) if key in self else default

    def __reduce__(self) -> tuple:
        return dict, (dict(self.items()),)


def _loaded(record: Record) -> Record:
    record.load()
    return record


def _whole(name: str):
    method = getattr(dict, name)

    def call(self, *given, **named):
        for record in (self, *given):
            if isinstance(record, Record):
                record.load()
        return method(self, *given, **named)

    call.__name__ = name
    return call


for _name in (
    *('__iter__', '__len__', '__reversed__', '__eq__', '__ne__', '__or__', '__ror__', '__ior__', '__repr__'),
    *('__setitem__', '__delitem__', 'keys', 'values', 'items', 'copy', 'clear', 'pop', 'popitem', 'setdefault', 'update'),
):
    setattr(Record, _name, _whole(_name))


def read(folder: Path, study: str) -> tuple[dict[str, dict], list[str]]:
    """What results.store.records.read_folder promises, by way of the cache.

    Raises ValueError where this cannot be done; then the records are to be read without it.
    """
    connection = cache.connect()
    try:
        source = cache.rows(connection, 'fresh', folder, study)
        shaped = f'SELECT *, hash(keys, environment) AS shape FROM ({source.select})'
        # What a record has and what it lacks, and where it was made: the same for nearly all.
        shapes = {
            shape: ([name for name in AT_HAND if name not in keys], json.loads(environment) if environment else None)
            for shape, keys, environment in connection.execute(
                f'SELECT shape, any_value(keys), any_value(environment) FROM ({shaped}) GROUP BY shape'
            ).fetchall()
        }
        query = f'SELECT file, shape, {", ".join(AT_HAND)} FROM ({shaped}) ORDER BY file, place'
        lines = connection.execute(query).fetchall()
    except duckdb.Error as error:
        raise ValueError(str(error)) from None
    finally:
        connection.close()
    found, files, place = {}, {}, folder / records.FOLDER
    for name, shape, *values in lines:
        record = Record(zip(AT_HAND, values, strict=True))
        if name not in files:
            files[name] = RecordFile(place / name, study)
        record.file = files[name]
        absent, environment = shapes[shape]
        for key in absent:
            dict.__delitem__(record, key)
        if environment is not None:
            dict.__setitem__(record, 'environment', environment)
        records.keep(found, record)
    return found, list(source.skipped)
