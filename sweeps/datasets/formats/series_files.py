"""Series: tables of numbers (UCR archive: TSV with the class first, ARFF with the class last) and columns of CSV files."""

import csv
import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sweeps.datasets.formats.allowance import allowance_of
from sweeps.datasets.formats.text_files import raw_lines

DELIMITERS = {'.tsv': '\t', '.csv': ',', '.arff': ',', '.txt': None}
"""The delimiter of values by the suffix of the name; None is white space."""
EXACT = 2**53
"""Whole numbers up to here are told apart."""


def _suffix(path: Path) -> str:
    """The suffix of the format, without that of packing."""
    suffixes = [suffix.lower() for suffix in Path(path).suffixes if suffix not in ('.gz', '.xz', '.bz2')]
    suffix = suffixes[-1] if suffixes else ''
    if suffix not in DELIMITERS:
        raise ValueError(f"{path}: suffix '{suffix}'; allowed: {list(DELIMITERS)}; rename the file by what it is")
    return suffix


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Line number and values of each row; of an ARFF file those after @data."""
    suffix, allowance = _suffix(path), allowance_of(path)
    data = suffix != '.arff'
    for number, line in enumerate(raw_lines(path, allowance), 1):
        line = line.strip('\r\n ')
        if not line or (suffix == '.arff' and line.startswith('%')):
            continue
        if data:
            values = line.split(DELIMITERS[suffix])
            allowance.take(path, values=len(values))
            yield number, [value.strip().strip('\'"') for value in values]
        data = data or line.lower().startswith('@data')


def read_series(path: Path, label: str | None = None, header: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Series [n, length] float32 and their class codes [n] int64 as in the file (encode them over all splits at once).

    `label`: the column of the class, 'first' or 'last'; by default the last of an ARFF file and the first of others.
    `header`: whether the first row holds names. Raises ValueError, which names the line, if rows differ in length, a value is
    missing or no number, or a class is no whole number.
    """
    label = label or ('last' if _suffix(path) == '.arff' else 'first')
    if label not in ('first', 'last'):
        raise ValueError(f"label '{label}'; allowed: 'first' or 'last'; choose one")
    series, codes = [], []
    for number, row in itertools.islice(_rows(path), int(header), None):
        try:
            values = np.array(row, np.float64)
        except ValueError:
            wrong = next(value for value in row if not _is_number(value))
            raise ValueError(f"{path}: line {number}: '{wrong[:60]}'; allowed: numbers{_hint(number)}") from None
        code, values = (values[0], values[1:]) if label == 'first' else (values[-1], values[:-1])
        if not len(values) or (series and len(values) != len(series[0])):
            wanted = len(series[0]) if series else '1 or more'
            raise ValueError(f'{path}: line {number}: {len(values)} values; allowed: {wanted}, as in the lines before')
        with np.errstate(over='ignore'):
            values = values.astype(np.float32)
        if not np.isfinite(values).all():
            raise ValueError(
                f'{path}: line {number}: a value is missing or beyond float32; allowed: finite numbers; fill it in'
            )
        if not abs(code) <= EXACT or code != np.rint(code):
            raise ValueError(
                f'{path}: line {number}: class {code:g}; allowed: a whole number; the class is in the {label} column?'
            )
        series.append(values)
        codes.append(int(code))
    if not series:
        raise ValueError(f'{path}: no rows; give a table of series')
    return np.stack(series), np.array(codes, np.int64)


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def _hint(number: int) -> str:
    return '; has it a header?' if number == 1 else '; fill it in'


def read_columns(path: Path, columns: list[str]) -> dict[str, list[str]]:
    """The named columns of a CSV or TSV file with a header, as text without white space around.

    Raises ValueError if a column is missing, or a row has more or fewer values than there are columns.
    """
    if isinstance(columns, str) or not columns:
        raise ValueError(f'columns {columns!r}; allowed: a list of one or more names; name one')
    reader = csv.reader(raw_lines(path), delimiter=DELIMITERS[_suffix(path)] or ' ', strict=True)
    values = {column: [] for column in columns}
    header = None
    try:
        for row in reader:
            if header is None:
                header = [name.strip() for name in row]
                missing = [column for column in columns if column not in header]
                if missing:
                    raise ValueError(f"{path}: no column '{missing[0]}'; there: {header}; give one of these")
            elif row:
                if len(row) != len(header):
                    raise ValueError(
                        f'{path}: line {reader.line_num}: {len(row)} values for {len(header)} columns; mend the line'
                    )
                for column in columns:
                    values[column].append(row[header.index(column)].strip())
    except csv.Error as error:
        raise ValueError(f'{path}: line {reader.line_num}: {error}; check the quotes') from error
    if header is None:
        raise ValueError(f'{path}: no header; give a table whose first line names its columns')
    return values
