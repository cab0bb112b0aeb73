"""Parquet shards of the Hugging Face hub's form: images as bytes in a struct, or texts; read batch by batch."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from sweeps.datasets.formats.allowance import allowance_of
from sweeps.datasets.formats.archives import allowed_bytes
from sweeps.datasets.formats.labels import checked_label

ROWS = 64
"""Rows held in memory at once, at most."""
HELD = 1 << 29
"""Bytes of a column held in memory at once, about: of rows as large as their whole column there are so few at a time."""
ROW = 8
"""Bytes of a row besides its value, so that empty rows have a limit too."""
BUFFER = 1 << 20
"""Bytes of a column read at once."""


def _open(path: Path, columns: list[str]):
    """The file. Raises ValueError if it is no Parquet file, lacks a column, or unpacks to too much."""
    from pyarrow import ArrowException, parquet

    path = Path(path)
    if not path.is_file():
        raise ValueError(f'{path}: no such file; check the path')
    try:
        # A small buffer, and none ahead: a row group is read piece by piece, not as a whole.
        file = parquet.ParquetFile(path, buffer_size=BUFFER, pre_buffer=False)
    except (ArrowException, OSError) as error:
        raise ValueError(f'{path}: not a Parquet file, damaged or cut short ({error}); get it again') from error
    there = file.schema_arrow.names
    known = frozenset(there)
    missing = [column for column in columns if column not in known]
    if missing:
        file.close()
        raise ValueError(f"{path}: no column '{missing[0]}'; there: {there}; give the one to read")
    groups = [file.metadata.row_group(number) for number in range(file.metadata.num_row_groups)]
    unpacked = sum(group.column(i).total_uncompressed_size for group in groups for i in range(group.num_columns))
    allowed = allowed_bytes(path.stat().st_size)
    if unpacked > allowed:
        file.close()
        raise ValueError(
            f'{path}: unpacks to {unpacked:,} bytes; allowed: {allowed:,}; it looks like a decompression bomb: do not use it'
        )
    return file


def read_rows(path: Path, columns: list[str]) -> Iterator[tuple[int, tuple]]:
    """Number and values of each row. Row groups are read in batches, so that memory stays flat.

    A value stands in a file once, however many rows point to it: rows have the same limit as unpacked files.
    """
    from pyarrow import ArrowException

    with _open(path, columns) as file:
        schema = file.schema_arrow
        for column in columns:
            _refuse_lists(path, schema.field(column))
        rows = _rows(file.metadata)
        allowance_of(path).take(path, rows, rows * len(columns))
        number, held, allowed = 0, 0, allowed_bytes(path.stat().st_size)
        try:
            for batch in file.iter_batches(_batch(file.metadata), columns=columns, use_threads=False):
                places = {name: place for place, name in enumerate(batch.schema.names)}
                lists = [batch.column(places[column]).to_pylist() for column in columns]
                for values in zip(*lists, strict=True):
                    held += ROW + sum(map(_size, values))
                    if held > allowed:
                        raise ValueError(
                            f'{path}: its first {number + 1:,} rows hold more than {allowed:,} bytes, for a file of '
                            f'{path.stat().st_size:,}; it looks like a decompression bomb: do not use it'
                        )
                    yield number, values
                    number += 1
        except (ArrowException, OSError, UnicodeDecodeError) as error:
            raise ValueError(f'{path}: damaged after row {number} ({error}); get it again') from error


def _rows(metadata) -> int:
    """The rows of a file, whichever of its counts is larger."""
    return max(metadata.num_rows, sum(metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)))


def _batch(metadata) -> int:
    """How many rows to read at once: no value is larger than its column's part of a row group."""
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    largest = max((group.column(i).total_uncompressed_size for group in groups for i in range(group.num_columns)), default=1)
    return min(max(HELD // max(largest, 1), 1), ROWS)


def _refuse_lists(path: Path, field) -> None:
    """Raise ValueError where a column holds lists: a few bytes may stand for any number of elements."""
    from pyarrow import types

    if types.is_struct(field.type):
        for number in range(field.type.num_fields):
            _refuse_lists(path, field.type.field(number))
    elif types.is_nested(field.type):
        raise ValueError(
            f"{path}: column '{field.name}' is {field.type}; allowed: texts, numbers, bytes, or a struct of them; "
            'give another column'
        )


def _size(value: object) -> int:
    return sum(map(_size, value.values())) if isinstance(value, dict) else len(value) if isinstance(value, str | bytes) else 0


def column_names(path: Path) -> list[str]:
    """The names of all columns."""
    with _open(path, []) as file:
        return list(file.schema_arrow.names)


def _listed(paths: Path | Iterable[Path]) -> list[Path]:
    listed = [paths] if isinstance(paths, str | Path) else list(paths)
    if not listed:
        raise ValueError('no Parquet files; give one or more')
    return [Path(path) for path in listed]


def count_rows(paths: Path | Iterable[Path]) -> int:
    """Rows of all files, from their footers."""
    total = 0
    for path in _listed(paths):
        with _open(path, []) as file:
            total += file.metadata.num_rows
    return total


def class_names(path: Path, label: str = 'label') -> list[str] | None:
    """The class names of the label column by the schema's `huggingface` entry, or None."""
    return all_class_names(path, [label]).get(label)


def all_class_names(path: Path, columns: list[str]) -> dict[str, list[str]]:
    """The class names of those columns that have some, by the schema's `huggingface` entry."""
    with _open(path, columns) as file:
        schema = (file.schema_arrow.metadata or {}).get(b'huggingface', b'{}')
    try:
        features = json.loads(schema)['info']['features']
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    told = {}
    for column in columns if isinstance(features, dict) else ():
        feature = features.get(column)
        names = feature.get('names') if isinstance(feature, dict) else None
        if isinstance(names, list):
            told[column] = [str(name) for name in names]
    return told


def is_withheld(path: Path, label: str = 'label') -> bool:
    """Whether no row of a file has a label: all are -1 or empty, as in test splits whose labels are kept back."""
    return all(value in (None, -1) for _, (value,) in read_rows(Path(path), [label]))


def read_images(
    paths: Path | Iterable[Path], image: str = 'image', label: str = 'label', skipped: list[str] | None = None
) -> Iterator[tuple[bytes, int]]:
    """Content and label of each image, in the order of the files and their rows.

    The image column is a struct with `bytes`, or the bytes themselves. A row without image or label, or with a label that is no
    class, raises ValueError. With `skipped` it is appended there and left out instead.
    """
    for path in _listed(paths):
        names = class_names(path, label)
        for number, (content, value) in read_rows(path, [image, label]):
            if isinstance(content, dict):
                content = content.get('bytes')
            try:
                if not isinstance(content, bytes) or not content:
                    raise ValueError(
                        f"{path}: row {number}: column '{image}' has no bytes; allowed: embedded images; "
                        'give the column that holds them'
                    )
                yield content, checked_label(value, len(names) if names else None, f'{path}: row {number}')
            except ValueError as error:
                if skipped is None:
                    raise
                skipped.append(str(error))


def read_texts(paths: Path | Iterable[Path], column: str = 'text', skipped: list[str] | None = None) -> Iterator[str]:
    """The text of each row, in the order of the files and their rows. A row without text counts as damaged."""
    for path in _listed(paths):
        for number, (text,) in read_rows(path, [column]):
            if isinstance(text, str):
                yield text
            elif skipped is None:
                raise ValueError(
                    f"{path}: row {number}: column '{column}' is {type(text).__name__}; allowed: text in every row; "
                    'give another column'
                )
            else:
                skipped.append(f'{path}: row {number}: no text')
