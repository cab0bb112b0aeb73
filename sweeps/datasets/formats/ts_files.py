"""Ts files: the text format of sktime and of the UEA and UCR archives, for series of one or more numbers a step."""

import dataclasses
from pathlib import Path

import numpy as np

from sweeps.datasets.formats.allowance import allowance_of
from sweeps.datasets.formats.text_files import raw_lines


@dataclasses.dataclass(frozen=True)
class TsFile:
    """The series of a file, each [N, F]; the word after each, its class or its number; the classes that the file names."""

    series: list[np.ndarray]
    words: list[str]
    classes: list[str] | None
    numbers: bool


def read_ts(path: Path) -> TsFile:
    """A .ts file. Raises ValueError, with the line, for time stamps, missing values, other dimensions or no target."""
    classes, numbers, said, data = None, False, False, False
    series, words, allowance = [], [], allowance_of(path)
    for number, line in enumerate(raw_lines(path, allowance), 1):
        line = line.strip()
        if not line or line.startswith('#'):
            continue
        where = f'{path}: line {number}'
        if not data:
            key, *rest = line.split()
            key = key.lower()
            if key == '@classlabel':
                said, classes = rest[:1] == ['true'], rest[1:] or None
            elif key == '@targetlabel':
                said = numbers = rest[:1] == ['true']
            elif key == '@timestamps' and rest[:1] == ['true']:
                raise ValueError(f'{where}: series with time stamps; allowed: values at equal steps; write them so')
            data = key == '@data'
            continue
        if not said:
            raise ValueError(f'{path}: series without a class or a target (@classLabel true, @targetLabel true)')
        allowance.take(path, values=line.count(',') + line.count(':'))
        *dimensions, word = line.split(':')
        if not dimensions:
            raise ValueError(f'{where}: no class behind a colon; allowed: values, colon, class')
        one = _series(dimensions, where)
        if series and one.shape[1] != series[0].shape[1]:
            raise ValueError(f'{where}: {one.shape[1]} dimensions, those before have {series[0].shape[1]}; mend the line')
        series.append(one)
        words.append(word.strip())
    if not series:
        raise ValueError(f'{path}: no series below @data; get the file again')
    return TsFile(series, words, classes, numbers)


def _series(dimensions: list[str], where: str) -> np.ndarray:
    """One series [N, F] of its dimensions as text."""
    columns = []
    for text in dimensions:
        try:
            values = np.array(text.split(','), np.float64)
        except ValueError:
            wrong = '(' if '(' in text else '?' if '?' in text else text[:40]
            raise ValueError(
                f'{where}: {wrong!r}; allowed: numbers with commas between them; fill in what is missing'
            ) from None
        with np.errstate(over='ignore'):
            columns.append(values.astype(np.float32))
    if len({len(one) for one in columns}) > 1:
        raise ValueError(
            f'{where}: dimensions of {sorted({len(one) for one in columns})} values; allowed: one length in a series'
        )
    made = np.stack(columns, 1)
    if not np.isfinite(made).all():
        raise ValueError(f'{where}: a value is missing or beyond float32; allowed: finite numbers; fill it in')
    return made
