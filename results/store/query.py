"""Query: read-only SQL over the records of a runs folder, with DuckDB; and its answers as text."""

import contextlib
import csv
import dataclasses
import decimal
import io
import json
import math
import re
import resource
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import duckdb

from ablations.config import closest
from results.store import frames
from results.store import parquet_cache as cache
from results.store.screen_tables import shown
from results.store.spreadsheets import inert

FORMATS = ('table', 'csv', 'json', 'md')
DASH = '–'
GRACE = 5.0
SLACK = 1 << 26
"""Bytes beside the memory of a query, for what runs it."""
SHOWN = 100
"""How many rows a table on a screen shows, unless a limit is given."""
MOST = 10**9
_DIGITS = 6


@dataclasses.dataclass(frozen=True)
class Answer:
    """The answer to a query: rows of plain values; `more` says that the limit cut some off."""

    columns: tuple[str, ...]
    rows: tuple[tuple, ...]
    more: bool
    skipped: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Limits:
    """What a query may take: seconds and GB of memory. Raises ValueError where one is not above 0.

    Some operations of the database hear no interrupt. `give_up`, if given, is called with a sentence when a query still runs
    GRACE seconds after its time was over.
    """

    seconds: float = 60.0
    memory: float = 4.0
    give_up: Callable[[str], object] | None = None

    def __post_init__(self):
        for name, value in (('seconds', self.seconds), ('memory', self.memory)):
            if not 0 < value < math.inf:
                raise ValueError(f'--{name} {value:g}; allowed: a number above 0')

    @contextlib.contextmanager
    def holding(self) -> Iterator[None]:
        """Within, this process gets no more memory than a query may take: texts and answers count, of which the database's own
        limit knows nothing. Raises ValueError where that is not enough. Other systems than Linux have that limit alone.
        """
        before = resource.getrlimit(resource.RLIMIT_DATA)
        if taken := _taken():
            most = taken + SLACK + int(self.memory * 10**9)
            if before[0] == resource.RLIM_INFINITY or most < before[0]:
                resource.setrlimit(resource.RLIMIT_DATA, (most, before[1]))
        try:
            yield
        except MemoryError:
            raise ValueError(self.too_much) from None
        finally:
            resource.setrlimit(resource.RLIMIT_DATA, before)

    @property
    def too_much(self) -> str:
        """The error for a query that needs more memory."""
        return f'the query needs more than {self.memory:g} GB; ask for less, or give it more: --memory'

    @contextlib.contextmanager
    def watching(self, connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """Interrupt a query when its time is over; raises ValueError then, and where it needs more memory."""
        over, done = threading.Event(), threading.Event()
        said = f'the query took over {self.seconds:g} s; ask for less, or give it more: --seconds'

        def watch() -> None:
            if done.wait(self.seconds):
                return
            over.set()
            connection.interrupt()
            if not done.wait(GRACE) and self.give_up is not None:
                self.give_up(said)

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        except (duckdb.InterruptException, RuntimeError) as error:
            if over.is_set():
                raise ValueError(said) from None
            if isinstance(error, duckdb.InterruptException):
                raise KeyboardInterrupt from None
            raise
        except duckdb.OutOfMemoryException:
            raise ValueError(self.too_much) from None
        finally:
            done.set()
            # A thread that outlives the interpreter holds the connection, and the database's library says so in forty lines.
            watcher.join(GRACE)


def _taken() -> int:
    """Bytes of data that this process has; 0 where the system does not say it."""
    try:
        lines = Path('/proc/self/status').read_text().splitlines()
        return 1024 * int(next(line for line in lines if line.startswith('VmData')).split()[1])
    except (OSError, StopIteration):
        return 0


def ask(
    sql: str,
    runs: Path,
    study: str | None = None,
    limit: int | None = None,
    derived: Mapping[str, Callable[[], list[dict]]] | None = None,
    limits: Limits = Limits(),
) -> Answer:
    """The answer to one SELECT over the views of results/store/frames.py.

    `derived` gives the rows of further tables; it is called only for tables that the query names. Raises ValueError where the
    query is wrong or would do more than read.
    """
    if limit is not None and not 1 <= limit <= MOST:
        raise ValueError(f'limit {limit}; allowed: 1 and up to {MOST:,}, or leave it out')
    try:
        return _ask(sql, runs, study, limit, derived or {}, limits, cached=True)
    except RuntimeError as error:  # what the database makes of an interrupt, wherever it is at work
        if 'interrupted' not in str(error):
            raise
        raise KeyboardInterrupt from None
    except _Gone:
        # Another process made several parts of the cache one while this one read them.
        return _ask(sql, runs, study, limit, derived or {}, limits, cached=False)


class _Gone(Exception):
    """Raised where a part of the cache has disappeared."""


def _ask(sql: str, runs: Path, study: str | None, limit: int | None, derived: Mapping, limits: Limits, cached: bool) -> Answer:
    connection, parts, tables = cache.connect(), None, [*frames.VIEWS]
    try:
        parts, skipped = frames.views(connection, runs, frames.named(runs, study), cached)
        for name, rows in derived.items():
            if re.search(rf'\b{name}\b', sql, re.IGNORECASE):
                frames.register(connection, name, rows())
                tables.append(name)
        connection.execute(f"SET memory_limit = '{limits.memory}GB'")
        connection.execute("SET temp_directory = ''")
        cache.lock(connection, parts)
        with limits.watching(connection):
            result = connection.execute(_statement(connection, sql))
            columns = tuple(_distinct([column[0] for column in result.description]))
            rows = result.fetchmany(limit + 1) if limit else result.fetchall()
        return Answer(columns, tuple(rows[:limit]), limit is not None and len(rows) > limit, tuple(skipped))
    except duckdb.Error as error:
        if cached and (parts is None or not all(Path(part).exists() for part in parts)):
            raise _Gone from error
        if parts is None:
            raise ValueError(
                f'{runs}: DuckDB cannot read the records ({_short(error)}); archlab status names damaged files'
            ) from None
        raise ValueError(_explained(error, frames.schema(connection, tuple(tables)))) from None
    finally:
        connection.close()


def described(runs: Path, study: str | None = None) -> dict[str, dict[str, str]]:
    """The columns of every view and their types."""
    connection = cache.connect()
    try:
        frames.views(connection, runs, frames.named(runs, study))
        return frames.schema(connection)
    finally:
        connection.close()


def _statement(connection: duckdb.DuckDBPyConnection, sql: str) -> duckdb.Statement:
    """The one SELECT of a query; raises ValueError on anything else."""
    statements = connection.extract_statements(sql)
    if not statements:
        raise ValueError("an empty query; give one SELECT, e.g. 'select arm, avg(score) from trials group by arm'")
    if len(statements) > 1:
        raise ValueError(f'{len(statements)} statements; a query is one SELECT: ask them one by one')
    if statements[0].type != duckdb.StatementType.SELECT:
        kind = statements[0].type.name
        hint = ' (of PIVOT, name the columns: ON arm IN (...))' if kind == 'MULTI' else ''
        raise ValueError(f'{kind} is not allowed; records are only read: give one SELECT, DESCRIBE or SUMMARIZE{hint}')
    return statements[0]


def _distinct(names: list[str]) -> list[str]:
    """The names made unique: a second `score` becomes score_2."""
    distinct = []
    for name in names:
        number, given = 1, name
        while name in distinct:
            number += 1
            name = f'{given}_{number}'
        distinct.append(name)
    return distinct


def _short(error: duckdb.Error) -> str:
    """DuckDB's message, without the kind of error and the excerpt of the query."""
    text = str(error).split('\n\nLINE')[0]
    text = re.sub(r'^[A-Z]\w*( [A-Z]\w*)* Error: ', '', text)
    return ' '.join(text.split()).rstrip('!.')


def _explained(error: duckdb.Error, schema: dict[str, dict[str, str]]) -> str:
    """An error in one line, with the allowed names where a name is wrong."""
    text = _short(error)
    if isinstance(error, duckdb.PermissionException):
        return f'{text}; a query only reads the records: leave files, folders, settings and extensions out'
    if not isinstance(error, (duckdb.BinderException, duckdb.CatalogException)):
        return f'{text}; see `archlab query --schema` for views and columns'
    text = re.sub(r' Candidate (bindings|functions): .*| Did you mean .*', '', text).rstrip('!.')
    column = re.search(r'column "?([\w.]+)"? not found|does not have a column named "?(\w+)', text)
    table = re.search(r'Table with name "?(\w+)"? does not exist', text)
    hint = ''
    if column:
        wrong = (column.group(1) or column.group(2)).rpartition('.')[2]
        hint = closest(wrong, list(dict.fromkeys(name for view in schema.values() for name in view)))
    elif table:
        hint = closest(table.group(1), [*frames.VIEWS, *frames.DERIVED])
    if not column and not table:
        return f'{text}; see `archlab query --schema` for views and columns'
    allowed = '; '.join(f'{view}: {", ".join(columns)}' for view, columns in schema.items())
    return f'{text}.{hint} Views and columns: {allowed}'


def plain(value: object) -> object:
    """A value for JSON: numbers to six digits, dates and the like as text, None for numbers that are not finite."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, decimal.Decimal):
        value = float(value)
    if isinstance(value, float):
        return float(f'{value:.{_DIGITS}g}') if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return str(value)


def cell(value: object) -> str:
    """A value in one line of text; a dash where there is none.

    >>> cell(0.123456789), cell(None), cell({'lr': 0.01})
    ('0.123457', '–', '{"lr": 0.01}')
    """
    if value is None:
        return DASH
    if isinstance(value, (float, decimal.Decimal)):
        return f'{float(value):.{_DIGITS}g}'
    text = json.dumps(plain(value), ensure_ascii=False) if isinstance(value, (dict, list, tuple)) else str(value)
    return ' '.join(text.split())


def as_objects(answer: Answer) -> list[dict]:
    """The rows as plain data, by column.

    >>> as_objects(Answer(('arm', 'score'), (('base', 0.91),), more=False, skipped=()))
    [{'arm': 'base', 'score': 0.91}]
    """
    return [{name: plain(value) for name, value in zip(answer.columns, row, strict=True)} for row in answer.rows]


def _csv(answer: Answer) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator='\n')
    writer.writerow(map(inert, answer.columns))
    writer.writerows(
        ['' if value is None else inert(cell(value)) if isinstance(value, str) else cell(value) for value in row]
        for row in answer.rows
    )
    return out.getvalue()


def _markdown(answer: Answer) -> str:
    def line(cells: list[str]) -> str:
        return f'| {" | ".join(map(_plain, cells))} |\n'

    rule = f'|{"|".join(":--" if side == "left" else "--:" for side in _sides(answer))}|\n'
    return line(list(answer.columns)) + rule + ''.join(line([cell(value) for value in row]) for row in answer.rows)


def _plain(text: str) -> str:
    """A text that no renderer of Markdown takes for anything else.

    >>> print(_plain('a|b <img src=x>'))
    a\\|b &lt;img src=x&gt;
    """
    escaped = re.sub(r'([|\\`]|(?<=\])(?=\())', r'\\\1', ' '.join(text.split()))
    return escaped.replace('<', '&lt;').replace('>', '&gt;')


def _sides(answer: Answer) -> list[str]:
    """The alignment of each column: numbers right, all else left."""
    sides = []
    for place in range(len(answer.columns)):
        values = [row[place] for row in answer.rows if row[place] is not None]
        numbers = values and all(
            isinstance(value, (int, float, decimal.Decimal)) and not isinstance(value, bool) for value in values
        )
        sides.append('right' if numbers else 'left')
    return sides


def _table(answer: Answer, width: int | None) -> str:
    """Aligned columns; what has no room in the width is named."""
    rows, right = [[cell(value) for value in row] for row in answer.rows], [side == 'right' for side in _sides(answer)]
    return shown(answer.columns, rows, right, width)


def render(answer: Answer, form: str = 'table', width: int | None = None) -> str:
    """An answer as text; `width` is the screen's, None where a table shall be whole. Raises ValueError on an unknown form.

    >>> print(render(Answer(('arm', 'score'), (('base', 0.91), ('mine', None)), more=False, skipped=()), 'csv'), end='')
    arm,score
    base,0.91
    mine,
    """
    if form == 'json':
        return json.dumps(as_objects(answer), indent=1, allow_nan=False) + '\n'
    if form == 'csv':
        return _csv(answer)
    if form == 'md':
        return _markdown(answer)
    if form != 'table':
        raise ValueError(f"format '{form}'; allowed: {list(FORMATS)}")
    note = f'{len(answer.rows)} rows are shown, there are more; --limit shows another number of them\n' if answer.more else ''
    return _table(answer, width) + note


def schema_lines(schema: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Views and columns for a screen."""
    lines = []
    for view, columns in schema.items():
        widest = max(map(len, columns))
        lines += [view, *(f'  {name:{widest}}  {kind}' for name, kind in columns.items()), '']
    return [*lines, f'{" and ".join(frames.DERIVED)} are worked out where named; DESCRIBE shows their columns']
