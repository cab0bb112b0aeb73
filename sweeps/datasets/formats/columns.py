"""Columns: whole tables with named columns, of CSV, JSON lines and Parquet, as values by column and row."""

import csv
import json
from collections import Counter
from pathlib import Path

from sweeps.datasets.formats.allowance import FREE, allowance_of
from sweeps.datasets.formats.text_files import raw_lines

DELIMITERS = ',;\t|'
MISSING = ('', 'na', 'n/a', 'nan', 'null', 'none', '?')
"""How CSV files write that a value is missing, in small letters."""
FIELD = 1 << 24
"""The most characters of one value of a CSV file: long texts are values too."""
COLUMNS = 500_000
"""The most columns of a table: more take longer to look at than their rows."""
SPARSE = 20
"""How many cells of JSON lines there may be for each that has a value, where there are many."""
Value = str | int | float | bool | bytes | None


def read_table(path: Path, wanted: set[str] | None = None) -> tuple[dict[str, list[Value]], list[str]]:
    """The columns of a file by name, and the names of those that are not `wanted` (None wants all).

    Its ending says the format: `.csv`, `.tsv`, `.jsonl`, `.json` (packed or not) or `.parquet`.

    Values of CSV files are text, without white space around; what is missing is None. Raises ValueError, with the line, where
    a row has another number of values, a name is there twice, or the file is damaged or empty.
    """
    name = path.name.lower()
    if name.endswith('.parquet'):
        names, columns = _parquet(path, wanted)
    elif '.json' in name:
        names, columns = _json(path, wanted)
    else:
        columns = _csv(path)
        names = list(columns)
        columns = {name: values for name, values in columns.items() if wanted is None or name in wanted}
    if len(names) > COLUMNS:
        raise ValueError(
            f'{path}: {len(names):,} columns; allowed: up to {COLUMNS:,}; is it a table with a row for each example?'
        )
    if not names or not all(columns.values()):
        raise ValueError(f'{path}: no rows; give a table with a line of names and rows below it')
    return columns, [name for name in names if name not in columns]


def _csv(path: Path) -> dict[str, list[Value]]:
    first = next((line for line in raw_lines(path) if line.strip()), '')
    counts = Counter(char for char in first if char in DELIMITERS)
    delimiter = counts.most_common(1)[0][0] if counts else ','
    before, allowance = csv.field_size_limit(FIELD), allowance_of(path)
    reader, names, columns = csv.reader(raw_lines(path, allowance), delimiter=delimiter, strict=True), None, []
    try:
        for row in reader:
            allowance.take(path, values=len(row))
            if not any(value.strip() for value in row):
                continue
            if names is None:
                names = [value.strip() for value in row]
                _check_names(path, names)
                columns = [[] for _ in names]
                continue
            if len(row) != len(names) and names[0].startswith('#'):
                raise ValueError(
                    f'{path}: its first line is {first.strip()[:60]!r}, as a comment is; allowed: the names of the columns; '
                    'take comments out'
                )
            if len(row) != len(names):
                raise ValueError(f'{path}: line {reader.line_num}: {len(row)} values for {len(names)} columns; mend the line')
            for column, value in zip(columns, row, strict=True):
                value = value.strip()
                column.append(None if value.lower() in MISSING else value)
    except csv.Error as error:
        raise ValueError(f'{path}: line {reader.line_num}: {error}; check the quotes') from error
    finally:
        # The limit is the whole process's.
        csv.field_size_limit(before)
    return dict(zip(names or (), columns, strict=True))


def _check_names(path: Path, names: list[str]) -> None:
    if all(_is_number(name) for name in names):
        raise ValueError(f'{path}: its first line is {names[:5]}; allowed: the names of the columns; put such a line on top')
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ValueError(f"{path}: two columns are called '{twice[0]}'; give each a name of its own")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _json(path: Path, wanted: set[str] | None) -> tuple[list[str], dict[str, list[Value]]]:
    rows, allowance = [], allowance_of(path)
    lines = enumerate(raw_lines(path, allowance), 1)
    for number, line in lines:
        if not line.strip():
            continue
        if not rows and line.lstrip().startswith('['):
            text = line + ''.join(rest for _, rest in lines)
            allowance.take(path, rows=text.count('{') + text.count('['), values=text.count(','))
            rows = _parsed(text, str(path))
            rows = [(f'{path}: entry {number}', row) for number, row in enumerate(rows if isinstance(rows, list) else [], 1)]
            break
        rows.append((f'{path}: line {number}', _parsed(line, f'{path}: line {number}')))
    for name, row in rows:
        wrong = None if isinstance(row, dict) else type(row).__name__
        asked = {} if wrong else {key: one for key, one in row.items() if wanted is None or key in wanted}
        nested = next((key for key, one in asked.items() if isinstance(one, (dict, list))), None)
        if wrong or nested is not None:
            told = f"field '{nested}' is a {type(row[nested]).__name__}" if nested is not None else f'a {wrong}'
            raise ValueError(f'{name}: {told}; allowed: an object of texts and numbers; give another file')
    names = list(dict.fromkeys(key for _, row in rows for key in row))
    cells, known = len(names) * len(rows), sum(len(row) for _, row in rows)
    if cells > FREE['values'] and cells > SPARSE * known:
        raise ValueError(
            f'{path}: {len(rows):,} objects with {len(names):,} names, of which an object has {known / len(rows):.1f} on '
            'average; allowed: objects of the same names; are values written as names?'
        )
    allowance.take(path, values=cells)
    return names, {key: [row.get(key) for _, row in rows] for key in names if wanted is None or key in wanted}


def _parsed(text: str, name: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f'{name}: not JSON ({error}); allowed: an object on every line, or a list of objects') from error


def _parquet(path: Path, wanted: set[str] | None) -> tuple[list[str], dict[str, list[Value]]]:
    from sweeps.datasets.formats.parquet import all_class_names, column_names, read_rows

    all_names = column_names(path)
    names = [name for name in all_names if wanted is None or name in wanted]
    columns: dict[str, list[Value]] = {name: [] for name in names}
    for _, values in read_rows(path, names):
        for name, value in zip(names, values, strict=True):
            columns[name].append(value)
    for name, classes in all_class_names(path, names).items():
        if classes and all(isinstance(value, int) for value in columns[name]):
            columns[name] = [classes[value] if 0 <= value < len(classes) else None for value in columns[name]]
    return all_names, columns
