"""Published results in a CSV file: one row for each model with mean, deviation and count, or one row for each run."""

import csv
import dataclasses
import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ablations.config import closest
from results.store import regular

COUNTED = 10**9
"""Runs that may be counted; more is a slip."""
NUMBERS = ('value', 'sd', 'n', 'gflops', 'params', 'trials')
WORDS = ('arm', 'task', 'dataset', 'direction', 'recipe', 'selected_on', 'reported_on', 'tuned', 'against', 'note')
RUN_NAMES = ('run', 'seed')
COLUMNS = ('arm', 'task', 'dataset', *NUMBERS, *RUN_NAMES, *WORDS[3:])
"""The columns that a file may have. Only `arm` and `value` are required; `note` is for people."""
DIRECTIONS = ('higher', 'lower')
TUNED = {'yes': True, 'true': True, '1': True, 'no': False, 'false': False, '0': False}
NOTHING = '-'
"""In the column `against`: this row is compared with nothing."""
EXTREME, MOST = 1e100, 5000
"""The largest number of a table, whose inverse is the smallest; and the most models, which take some seconds to compare."""
_NUMBER = re.compile(r'[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?')


@dataclasses.dataclass(frozen=True)
class Row:
    """One model on one task, as published. What is not given is None (words: '').

    line                  where it stands in the file, the header being 1
    value, sd, n          mean, standard deviation over runs (not standard error) and number of runs
    value_half, sd_half   half of the last printed digit: the largest error of rounding
    gflops, params        its size, in one unit for all rows
    against               the row of the same task that it is compared with; '' where the file does not say
    trials, tuned         runs that tuned it; whether it was tuned
    runs                  seed and value of each run, where the file gives the seeds
    selected_on, reported_on   the split on which it was chosen, and the split that `value` was measured on
    """

    arm: str
    task: str
    line: int
    value: float | None
    sd: float | None = None
    n: int | None = None
    value_half: float = 0.0
    sd_half: float = 0.0
    gflops: float | None = None
    params: float | None = None
    trials: int | None = None
    direction: str = 'higher'
    against: str = ''
    dataset: str = ''
    recipe: str = ''
    selected_on: str = ''
    reported_on: str = ''
    tuned: bool | None = None
    runs: tuple[tuple[str, float], ...] = ()


def read(
    path: Path, against: str | None = None, lower_is_better: bool = False, columns: Mapping[str, str] | None = None
) -> list[Row]:
    """The rows of a CSV file, separated by commas, semicolons or tabs.

    `against` names another column to read in place of `against`; `lower_is_better` is for rows that give no direction.
    `columns` says what columns of ours are called in the file; then all others there are notes. Raises ValueError where the
    file is missing, empty or not a table. For a cell that cannot be read the error names its row.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / 'table.csv'
    ...     with path.open('w') as file:
    ...         print('arm,value,sd,n', 'base,96.0,0.2,5', 'mine,96.8,0.3,5', sep=chr(10), file=file)
    ...     rows = read(path)
    >>> [(row.arm, row.value, row.sd, row.n, row.value_half) for row in rows]
    [('base', 96.0, 0.2, 5, 0.05), ('mine', 96.8, 0.3, 5, 0.05)]
    """
    cells, header = _cells(path, against, columns or {})
    runs = any(name in header for name in RUN_NAMES) or (
        not {'sd', 'n'} & set(header) and any(c > 1 for c in Counter((row['arm'], row['task']) for row in cells).values())
    )
    if runs and {'sd', 'n'} & set(header):
        given = [name for name in ('run', 'seed', 'sd', 'n') if name in header]
        raise ValueError(
            f'{path}: columns {given} stand together; a row is one run (run or seed) or the mean of n (sd, n): drop one kind'
        )
    groups: dict[tuple, list[dict]] = {}
    for row in cells:
        groups.setdefault((row['task'], row['arm']), []).append(row)
    if len(groups) > MOST:
        raise ValueError(f'{path}: {len(groups):,} models; allowed: {MOST:,} at a time; give each task a file of its own')
    decimals = {task: _decimals([row for row in cells if row['task'] == task]) for task in {row['task']: 0 for row in cells}}
    default = 'lower' if lower_is_better else 'higher'
    rows = [_row(group, runs, decimals[task], default) for (task, _), group in groups.items()]
    for name in ('direction', 'dataset'):
        _same_in_a_task(rows, name)
    return rows


def _text(path: Path) -> str:
    if not path.exists():
        raise ValueError(f"no such file '{path}'; give the path of a CSV file")
    try:
        text = regular.read(path).decode('utf-8-sig')
    except OSError as error:
        raise ValueError(f'{path} cannot be read ({error.strerror}); give the path of a CSV file') from None
    except UnicodeDecodeError:
        raise ValueError(f'{path} is not UTF-8 text; save it as "CSV UTF-8"') from None
    if '\0' in text:
        raise ValueError(f'{path} is not a text file; export the table as "CSV UTF-8"')
    if not text.strip():
        raise ValueError(f'{path} is empty; the first line names columns, of which arm and value must be there')
    return text


def _cells(path: Path, against: str | None, columns: Mapping[str, str]) -> tuple[list[dict], list[str]]:
    """The rows as text by column, each with its line and with all columns of words filled in; and the columns of the file."""
    text = _text(path)
    first = text.lstrip().splitlines()[0]
    separator = max(',;\t', key=first.count)
    reader = csv.reader(io.StringIO(text, newline=''), delimiter=separator, skipinitialspace=True)
    try:
        lines = [(reader.line_num, [cell.strip() for cell in line]) for line in reader]
    except csv.Error as error:
        raise ValueError(f'{path}, row {reader.line_num}: {error}; a cell holds one name or number') from None
    (_, given), *body = [(number, line) for number, line in lines if any(line)]
    header = _header(path, given, against, columns)
    if not body:
        raise ValueError(f'{path} has a header and no rows; write one row a model, or one row a run')
    rows = []
    for number, line in body:
        if len(line) != len(header):
            raise ValueError(
                f'{path}, row {number}: {len(line)} cells, the header has {len(header)}; write decimals with a point (78.82) '
                'and put cells that hold a separator in quotes'
            )
        row = {**dict.fromkeys(WORDS, ''), **dict(zip(header, line, strict=True)), 'line': number, 'path': path}
        if not row['arm']:
            raise ValueError(f'{path}, row {number}: the cell of arm is empty; name the model')
        rows.append(row)
    return rows, header


def columns_of(settings: Sequence[str]) -> dict[str, str]:
    """What columns are called in a file, by OURS=THEIRS parted by commas; raises ValueError on anything else.

    >>> columns_of(['arm=model,value=top1', 'seed=trial seed'])
    {'arm': 'model', 'value': 'top1', 'seed': 'trial seed'}
    """
    columns: dict[str, str] = {}
    for setting in (one.strip() for text in settings for one in text.split(',')):
        name, _, theirs = (part.strip() for part in setting.partition('='))
        if not theirs or name not in COLUMNS or name in columns:
            raise ValueError(
                f"--columns '{setting}'; allowed: OURS=THEIRS, each once, of {list(COLUMNS)}, such as arm=model,value=top1."
                f'{closest(name, COLUMNS)}'
            )
        columns[name] = theirs
    return columns


def _renamed(path: Path, given: list[str], columns: Mapping[str, str]) -> list[str]:
    """The columns of a file by our names; those that are not named are ours already, or notes."""
    low = [name.lower() for name in given]
    absent = [theirs for theirs in columns.values() if theirs.lower() not in low]
    if absent:
        raise ValueError(f"--columns: no column '{absent[0]}' in {path}; its columns are {given}.{closest(absent[0], given)}")
    ours = {theirs.lower(): name for name, theirs in columns.items()}
    return [ours.get(name, name if name in COLUMNS and name not in columns else 'note') for name in low]


def _header(path: Path, given: list[str], against: str | None, columns: Mapping[str, str]) -> list[str]:
    header = _renamed(path, given, columns) if columns else [name.lower() for name in given]
    if against is not None:
        if against.lower() not in header:
            raise ValueError(
                f"--against '{against}': the columns of {path} are {given}; give first, previous, or one of them."
                f'{closest(against, ["first", "previous", *given])}'
            )
        header = ['note' if name == 'against' != against.lower() else name for name in header]
        header[header.index(against.lower())] = 'against'
    for name in header:
        if name not in COLUMNS:
            raise ValueError(
                f"{path}: unknown column '{name}' among {given}; allowed: {list(COLUMNS)}; rename it, "
                f'take it out, or say which columns are which: --columns arm=...,value=....{closest(name, COLUMNS)}'
            )
    twice = [name for name, count in Counter(header).items() if count > 1 and name != 'note']
    if twice:
        raise ValueError(f"{path}: column '{twice[0]}' is there twice; take one out")
    for name in ('arm', 'value'):
        if name not in header:
            raise ValueError(f"{path}: no column '{name}' among {given}; it must be there; rename the one that holds it")
    return header


def _number(row: dict, name: str) -> float | None:
    """A cell as a number, None where it is empty; ValueError says what is wrong with it and where."""
    text = row.get(name, '').replace('\u2212', '-')
    if text in ('', '-', '\u2013'):
        return None
    where = f"{row['path']}, row {row['line']}: {name} '{text}'"
    if name in ('value', 'sd'):
        text = text.removesuffix('%').strip()
    if '\u00b1' in text or '+-' in text or '+/-' in text:
        raise ValueError(f'{where} holds a deviation too; put it into the column sd of its own')
    if ',' in text:
        raise ValueError(f'{where} holds a comma; write decimals with a point (78.82) and thousands without a mark')
    if not _NUMBER.fullmatch(text) or not np.isfinite(float(text)):
        raise ValueError(f'{where} is not a number; write one such as 78.82, or leave the cell empty')
    number = float(text)
    if re.search('[1-9]', text.lower().partition('e')[0]) and not 1 / EXTREME <= abs(number) <= EXTREME:
        raise ValueError(f'{where} is out of range; allowed: 0, and {1 / EXTREME:g} to {EXTREME:g} with either sign')
    return number


def _whole(row: dict, name: str, least: int) -> int | None:
    number = _number(row, name)
    if number is not None and (number != int(number) or not least <= number <= COUNTED):
        raise ValueError(
            f"{row['path']}, row {row['line']}: {name} '{row[name]}' is not a whole number of at least {least} and at most "
            f'{COUNTED:,}; count the runs'
        )
    return None if number is None else int(number)


def _positive(row: dict, name: str) -> float | None:
    number = _number(row, name)
    if number is not None and number <= 0:
        raise ValueError(f"{row['path']}, row {row['line']}: {name} '{row[name]}' is not above 0; write the model's size")
    return number


def _word(row: dict, name: str, allowed: tuple) -> str:
    word = row[name].lower()
    if word and word not in allowed:
        near = closest(word, allowed)
        raise ValueError(
            f"{row['path']}, row {row['line']}: {name} '{row[name]}'; allowed: {list(allowed)}, or an empty cell.{near}"
        )
    return word


def _printed(text: str) -> int:
    """Decimals of a number as printed: '78.80' has two; an exponent moves the point."""
    mantissa, _, exponent = text.rstrip('% ').lower().partition('e')
    return len(mantissa.partition('.')[2]) - int(exponent or 0)


def _decimals(rows: list[dict]) -> dict[str, int]:
    """The decimals of a task's values and deviations: the most of any row, because spreadsheets drop zeros at the end.

    A deviation of '0' does not show its decimals. If there is no other, it gets the decimals of the values.
    """
    percent = [(row['line'], '%' in row.get(name, '')) for row in rows for name in ('value', 'sd') if row.get(name)]
    if len({mark for _, mark in percent}) > 1:
        line = next(line for line, mark in percent if mark != percent[0][1])
        raise ValueError(
            f'{rows[0]["path"]}, row {line}: some values and deviations of a task have a percent sign and some have none; '
            'write all of them in percent, with the sign or without'
        )
    given = {name: [row[name] for row in rows if _number(row, name) is not None] for name in ('value', 'sd')}
    values = max(map(_printed, given['value']), default=0)
    deviations = [_printed(text) for text in given['sd'] if '.' in text or float(text.rstrip('% '))]
    return {'value': values, 'sd': max(deviations, default=values)}


def _row(group: list[dict], runs: bool, decimals: dict[str, int], default: str) -> Row:
    """One model on one task from its row, or from the rows of its runs."""
    first = group[0]
    where = f'{first["path"]}, row {group[-1]["line"]}: {first["arm"]}{" on " * bool(first["task"])}{first["task"]}'
    if len(group) > 1 and not runs:
        raise ValueError(f'{where} is there twice (row {first["line"]} too); name arms apart, or give a column run or seed')
    for name in ('gflops', 'params', 'trials', *WORDS[:-1]):
        if any(row.get(name, '') != first.get(name, '') for row in group):
            raise ValueError(f"{where}: its runs differ in '{name}'; write the same in every run, or name the arms apart")
    half = {name: 0.5 * 10.0**-count for name, count in decimals.items()}
    words = {name: first[name] for name in ('arm', 'task', 'against', 'dataset', 'recipe', 'selected_on', 'reported_on')}
    facts = {
        **words,
        'line': first['line'],
        'gflops': _positive(first, 'gflops'),
        'params': _positive(first, 'params'),
        'trials': _whole(first, 'trials', 0),
        'direction': _word(first, 'direction', DIRECTIONS) or default,
        'tuned': TUNED.get(_word(first, 'tuned', tuple(TUNED))),
        'value_half': half['value'],
    }
    if runs:
        return Row(**facts, **_of_runs(group, where, half['value']))
    value, sd = _number(first, 'value'), _number(first, 'sd')
    if sd is not None and sd < 0:
        raise ValueError(f"{where}: sd '{first['sd']}' is below 0; write the standard deviation over runs")
    return Row(**facts, value=value, sd=sd, n=_whole(first, 'n', 1), sd_half=half['sd'])


def _of_runs(group: list[dict], where: str, half: float) -> dict:
    """Mean, deviation and count of runs.

    If every run may be off by half of the last digit, the mean is off by no more, and the deviation by no more than half
    times sqrt(n / (n - 1)): a deviation of sums is at most the sum of deviations.
    """
    names = [tuple(row.get(name, '') for name in RUN_NAMES) for row in group]
    for row, name in zip(group, names, strict=True):
        if any(name) and names.count(name) > 1:
            raise ValueError(f"{where}: run '{' '.join(filter(None, name))}' is there twice; give each run its own name")
        if _number(row, 'value') is None:
            raise ValueError(
                f'{row["path"]}, row {row["line"]}: the cell of value is empty; write what the run scored (chance if it '
                'diverged): a run left out changes the mean'
            )
    values, n = np.array([_number(row, 'value') for row in group]), len(group)
    if n == 1:
        return {'value': float(values[0]), 'n': 1}
    seeds = [row.get('seed', '') for row in group]
    return {
        'runs': tuple(sorted(zip(seeds, values.tolist(), strict=True))) if all(seeds) and len({*seeds}) == n else (),
        'value': float(values.mean()),
        'sd': float(values.std(ddof=1)),
        'n': n,
        'sd_half': half * float(np.sqrt(n / (n - 1))),
    }


def _same_in_a_task(rows: list[Row], name: str) -> None:
    firsts: dict[str, Row] = {}
    for row in rows:
        first = firsts.setdefault(row.task, row)
        if getattr(row, name) != getattr(first, name):
            raise ValueError(
                f"row {row.line}: {name} '{getattr(row, name)}', but '{getattr(first, name)}' in row {first.line} of the same "
                f'task; write one {name} for a task, or name the tasks apart in the column task'
            )
