"""Parquet cache: the records of a large study as Parquet files in `.cache`, beside the records.

It may be deleted at any time. Each part lists its record files with their sizes and times of change, and its name is the hash
of its content, so that a stale, damaged or foreign part is never read. New packs become a further part. Where the folder cannot
be written, records are read without the cache.
"""

import collections
import contextlib
import dataclasses
import hashlib
import json
import re
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

import duckdb

from ablations.trial import Program
from results.store import atomic, own_ids, records, regular

FOLDER = '.cache'
PARTS = 8
"""With this many parts, the next write makes all parts one."""
TEXT = 2**22
"""How many letters of lines are handed over at a time, about: more need more memory, fewer more time."""
TAKERS = 2
"""How many connections take lines at once."""
LEFT_OVER = 3600
"""Seconds after which an unfinished part is taken for the leftover of a killed process."""

_SEEN = ('loss', 'score', 'score_se', 'train_loss', 'loss_average', 'score_average')
"""What a curve has beside its steps."""
FIELDS = {
    **dict.fromkeys(('id', 'study', 'arm', 'task', 'dataset', 'phase', 'held', 'optimizer', 'status'), 'VARCHAR'),
    **dict.fromkeys(('reason', 'blocks', 'declared', 'checksum', 'leak', 'item_scores'), 'VARCHAR'),
    **dict.fromkeys(('replicate', 'seed', 'steps', 'batch', 'diverged_at', 'n_held', 'format'), 'BIGINT'),
    **dict.fromkeys(('until', 'evaluations'), 'BIGINT'),
    **dict.fromkeys(('score', 'score_se', 'initial_loss', 'final_loss', 'score_until'), 'DOUBLE'),
    **dict.fromkeys(('knobs', 'parts'), 'MAP(VARCHAR, DOUBLE)'),
    'data': 'JSON',
    'model': 'JSON',
    'turns': 'JSON',
    'curve': {'step': ['BIGINT'], **{name: ['DOUBLE'] for name in _SEEN}},
    'cost': {**dict.fromkeys(('examples', 'flops', 'peak_memory', 'steps'), 'BIGINT'), 'seconds': 'DOUBLE'},
    'pack': {
        **dict.fromkeys(('id', 'strategy'), 'VARCHAR'),
        **dict.fromkeys(('records', 'lanes', 'splits', 'lane'), 'BIGINT'),
        'compile_seconds': 'DOUBLE',
    },
    'environment': 'JSON',
}
"""The columns of a record, with DuckDB's types. An entry that is absent or of another type is NULL."""


_PART = re.compile(r'[0-9a-f]{32}\.parquet')
"""How a part is called: nothing else in the folder is ever removed."""


def _quoted(text: object) -> str:
    return "'" + str(text).replace("'", "''") + "'"


_TEXT, _OBJECT, _WHOLE, _NULL = ('VARCHAR',), ('OBJECT',), ('BIGINT', 'UBIGINT'), ('NULL',)
_NUMBER, _ABSENT = ('DOUBLE', *_WHOLE), (None,)
RIGHT = {
    **dict.fromkeys(('id', 'arm', 'task', 'dataset', 'held', 'optimizer', 'pack.id'), _TEXT),
    **dict.fromkeys(('replicate', 'seed', 'pack.records'), _WHOLE),
    'knobs': _OBJECT,
    **dict.fromkeys(('phase', 'reason', 'blocks', 'checksum', records.ITEMS, 'pack.strategy'), _TEXT + _ABSENT),
    **dict.fromkeys(('steps', 'batch', 'n_held', 'pack.lane', 'pack.lanes', 'pack.splits'), _WHOLE + _ABSENT),
    **dict.fromkeys(('until', 'evaluations'), _WHOLE + _ABSENT),
    **dict.fromkeys(('data', 'model', 'turns'), _OBJECT + _ABSENT),
    **dict.fromkeys(records.NUMBERS, _NUMBER + _NULL + _ABSENT),
    **dict.fromkeys(('cost', 'parts', 'curve', 'environment'), _OBJECT + _NULL + _ABSENT),
    'diverged_at': _WHOLE + _NULL + _ABSENT,
    'leak': _TEXT + _NULL + _ABSENT,
}
"""The entries of a record, and the types of JSON that are of their kind (results.store.records)."""
RIGHT_WITHIN = {'knobs': _NUMBER, **dict.fromkeys(('cost', 'parts'), _NUMBER + _NULL), 'curve': ('ARRAY',)}
"""The same of all that these entries hold. The content of a curve is checked when it is read whole."""


def _paths(names: Iterable[str]) -> str:
    return f'[{", ".join(_quoted(f"$.{name}") for name in names)}]'


_KINDS = (
    f"list_append(list_transform(json_extract(json, {_paths(RIGHT_WITHIN)}), lambda x: json_type(x, '$.*')), "
    f'json_type(json, {_paths(RIGHT)}))'
)
"""The types of JSON within RIGHT_WITHIN, and of RIGHT, as SQL says them: asked for at once, because each question goes through
the whole line. Records have few different ones, and which are right is asked of each once (`_are_right`)."""
_COLUMNS = (
    f'SELECT parse_filename(filename) AS file, json_keys(json) AS keys, {_KINDS} AS kinds, '
    f'unnest(json_transform(json, {_quoted(json.dumps(FIELDS))}))'
)
_GIVEN = 'SELECT unnest(?::VARCHAR[]) AS filename, unnest(?::VARCHAR[]) AS json'
"""Names of files and lines that are handed over, as SQL says them."""
_TYPED = 'NOT list_contains(?::VARCHAR[][][], kinds)'
"""Whether what a record has is of its kind, as SQL says it of the kinds that are not right."""
_DOUBTFUL = (
    'SELECT DISTINCT file FROM (SELECT *, count(*) OVER (PARTITION BY file) AS lines FROM {table}) WHERE NOT coalesce('
    'list_has_all(keys, ?) AND list_contains(?, status) AND study = ? AND pack.records = lines'
    " AND (status <> 'ok' OR isfinite(score))"
    f' AND {_TYPED}, false)'
)
_TOLD = ', '.join(
    [
        *(f'{_quoted(name)}: {name}' for name in own_ids.PROGRAM),
        *(f"{_quoted(name)}: coalesce({name}, '')" for name in own_ids.OPTIONAL),
        "'evaluations': coalesce(evaluations, len(curve.step) - 1)",
    ]
)
_PROGRAM = f'hash({", ".join((*own_ids.PROGRAM, *own_ids.OPTIONAL, "coalesce(evaluations, len(curve.step) - 1)"))})'
"""What determines the program of a record, and a number for each program, as SQL says them."""
ORDER = (
    "regexp_extract(file, '^(.*?)(-[0-9]+)?[.]jsonl', 1), "
    "coalesce(try_cast(regexp_extract(file, '-([0-9]+)[.]jsonl', 1) AS UBIGINT), 1), file, place"
)
"""The order of files (results.store.records.order) and of their lines, as SQL says it."""
VERSION = hashlib.sha256((_COLUMNS + _DOUBTFUL + repr((RIGHT, RIGHT_WITHIN))).encode()).hexdigest()[:16]


@dataclasses.dataclass(frozen=True)
class Rows:
    """The sound records of a study, as a SELECT of FIELDS, `file`, `keys` and the `place` in the order of lines.

    `parts` are the Parquet files that it reads; `skipped` has a sentence for each record file that is not used.
    """

    select: str
    parts: tuple[str, ...]
    skipped: tuple[str, ...]


def connect() -> duckdb.DuckDBPyConnection:
    """A database in memory that loads no extensions, sees no variables of the program and prints nothing."""
    off = ('autoinstall_known_extensions', 'autoload_known_extensions', 'python_enable_replacements')
    connection = duckdb.connect(':memory:', config=dict.fromkeys(off, 'false'))
    connection.execute('SET enable_progress_bar = false')
    return connection


def lock(connection: duckdb.DuckDBPyConnection, parts: list[str]) -> None:
    """Restrict a connection: from here on it reads only its own tables and these files, and no setting changes.

    It uses one thread, so that rows without an order come in the same order every time.
    """
    connection.execute('SET threads = 1')
    connection.execute(f'SET allowed_paths = {_list([Path(part).absolute() for part in parts])}')
    connection.execute('SET enable_external_access = false')
    connection.execute('SET lock_configuration = true')


def rows(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    folder: Path,
    study: str,
    cached: bool = True,
    files: dict | None = None,
    writer: Executor | None = None,
) -> Rows:
    """Make the records of a study readable in a connection; records in no part of the cache are read into `table`.

    `files` is the listing of the folder, where it is known already. A `writer` writes the next part of the cache while the rows
    are read from the table; it has to end before the connection.

    Raises ValueError if a file changes while it is read, duckdb.Error if DuckDB cannot read sound records.
    """
    files = records.listing(folder) if files is None else files
    # A locked connection reads no patterns, so what lies in a folder that looks like one is read without the cache.
    cached = cached and sum(size for size, _ in files.values()) >= records.LARGE and not _is_pattern(folder.absolute())
    parts, covered = _parts(connection, folder, study, files) if cached else ([], {})
    fresh = [name for name in files if name not in covered]
    skipped = []
    if fresh or not parts:
        sound, skipped = _read(connection, table, folder, study, fresh)
        if cached and sound:
            about = table, folder, study, parts, covered | {name: files[name] for name in sound}
            if writer:
                writer.submit(_tried, connection.cursor(), *about)
            elif written := _tried(connection, *about):
                parts, fresh = written, []
    return Rows(_select(parts, table if fresh or not parts else ''), tuple(map(str, parts)), tuple(skipped))


def _select(parts: list[Path], table: str) -> str:
    sources = []
    if parts:
        sources.append(f'SELECT *, file_row_number AS place FROM read_parquet({_files(parts)}, file_row_number = true)')
    if table:
        sources.append(f'SELECT * EXCLUDE (kinds), rowid AS place FROM {table}')
    return ' UNION ALL BY NAME '.join(sources)


def _list(items: list) -> str:
    return f'[{", ".join(map(_quoted, items))}]'


def _is_pattern(path: object) -> bool:
    """Whether DuckDB would take a path for a pattern that other files match too."""
    return any(letter in str(path) for letter in '*?[')


def _files(paths: list) -> str:
    """Files as a list for SQL: each stands for itself, also where its folders are called * or ~."""
    names = (str(Path(path).absolute()) for path in paths)
    return _list([re.sub(r'[*?[]', r'[\g<0>]', name) if _is_pattern(name) else name for name in names])


def empty(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    """A table of no records."""
    connection.execute(
        f'CREATE TABLE {table} AS SELECT NULL::VARCHAR AS file, [NULL::VARCHAR] AS keys, [[NULL::VARCHAR]] AS kinds, '
        f"unnest(json_transform('{{}}', {_quoted(json.dumps(FIELDS))})) LIMIT 0"
    )


def _read(connection: duckdb.DuckDBPyConnection, table: str, folder: Path, study: str, names: list[str]) -> tuple:
    """Read files into a table; gives the names of the sound ones, and a sentence for each other."""
    place, intact = folder / records.FOLDER, set()
    empty(connection, table)
    insert = f'INSERT INTO {table} BY NAME {_COLUMNS} FROM ({_GIVEN})'

    def take(lines: list[tuple[str, str]]) -> None:
        with contextlib.closing(connection.cursor()) as own:
            own.execute(insert, [list(part) for part in zip(*lines, strict=True)])

    # The next lines are read while the database takes those before; a file is never in two batches.
    with ThreadPoolExecutor(TAKERS) as takers:
        taken = collections.deque()
        for lines in _batches(place, names):
            intact.update(name for name, _ in lines)
            if len(taken) == TAKERS:
                taken.popleft().result()
            taken.append(takers.submit(take, lines))
        for batch in taken:
            batch.result()
    kinds = connection.execute(f'SELECT DISTINCT kinds FROM {table}').fetchall()
    wrong = [own for (own,) in kinds if not _are_right(own)]
    given = [list(records.REQUIRED), list(records.STATUSES), study, wrong]
    doubtful = {name for (name,) in connection.execute(_DOUBTFUL.format(table=table), given).fetchall()}
    doubtful |= _under_other_ids(connection, table, wrong)
    skipped = {}
    for name in names:
        if name in intact and name not in doubtful:
            continue
        try:
            records.read_file(place / name, study)
        except ValueError as error:
            skipped[name] = str(error)
        else:
            if name not in intact:
                raise ValueError(f'{place / name} changed while it was read; run the same command again')
    if skipped:
        connection.execute(f'DELETE FROM {table} WHERE list_contains(?, file)', [list(skipped)])
    return [name for name in names if name in intact and name not in skipped], list(skipped.values())


def _are_right(kinds: list) -> bool:
    """Whether types of JSON, as _KINDS gives them, are those of a record."""
    *within, own = kinds
    return all(kind in right for kind, right in zip(own, RIGHT.values(), strict=True)) and all(
        set(all_kinds or ()) <= set(right) for all_kinds, right in zip(within, RIGHT_WITHIN.values(), strict=True)
    )


def _under_other_ids(connection: duckdb.DuckDBPyConnection, table: str, wrong: list) -> set[str]:
    """The files in which the content of some record seems to give another id than it has; reading them whole will say so.

    What is of `wrong` kinds is doubtful already, and gives no id; nor does a record without a curve.
    """
    told = f'FROM {table} WHERE {_TYPED} AND len(curve.step) > 0'
    programs = {}
    of_programs = f'SELECT {_PROGRAM} AS program, any_value({{{_TOLD}}}) {told} GROUP BY program'
    for key, about in connection.execute(of_programs, [wrong]).fetchall():
        with contextlib.suppress(ValueError, TypeError):
            programs[key] = Program(**{**about, **{name: json.loads(about[name]) for name in ('data', 'model')}})
    lines = f'SELECT file, id, {_PROGRAM} AS program, replicate, knobs, seed, held, coalesce(until, 0) {told}'
    return {
        file
        for file, trial_id, key, *about in connection.execute(lines, [wrong]).fetchall()
        if (program := programs.get(key)) is not None and own_ids.id_as(trial_id, program, *about) != trial_id
    }


def _batches(place: Path, names: list[str]) -> Iterator[list[tuple[str, str]]]:
    """Name and text of the lines of intact files, some thousand lines at a time. Each file is opened once."""
    batch: list[tuple[str, str]] = []
    size = 0
    for name in names:
        lines = _intact(place / name)
        batch += [(name, line) for line in lines]
        size += sum(map(len, lines))
        if size >= TEXT:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _intact(path: Path) -> list[str]:
    """The lines of a file if every one carries its check and is JSON that every reader takes, else none."""
    try:
        lines = records.content(path).splitlines()
        if all(records.intact(line) and not records.too_deep(line) for line in lines):
            return [line.decode() for line in lines]
    except (OSError, ValueError):
        pass
    return []


def _parts(connection: duckdb.DuckDBPyConnection, folder: Path, study: str, files: dict) -> tuple[list[Path], dict]:
    """The parts that are up to date with the record files, and the listing of these files."""
    parts, covered = [], {}
    for path in sorted((folder / FOLDER).glob('*.parquet')):
        held = _held(connection, path, study)
        if held and all(files.get(name) == about and name not in covered for name, about in held.items()):
            parts.append(path)
            covered |= held
    return parts, covered


def _hash(path: Path) -> str:
    with regular.open_file(path) as file:
        return hashlib.file_digest(file, 'sha256').hexdigest()[:32]


def _held(connection: duckdb.DuckDBPyConnection, path: Path, study: str) -> dict:
    """The listing of the record files of a part; {} where the part is damaged or of another kind."""
    try:
        if _hash(path) != path.stem:
            return {}
        entries = connection.execute('SELECT decode(key), decode(value) FROM parquet_kv_metadata(?)', [str(path)]).fetchall()
        about = dict(entries)
        return json.loads(about['files']) if (about.get('version'), about.get('study')) == (VERSION, study) else {}
    except (OSError, duckdb.Error, ValueError, KeyError):
        return {}


def _tried(*about: object) -> list[Path]:
    """What `_write` gives, or nothing: a cache that cannot be written changes nothing but the time it takes."""
    with contextlib.suppress(OSError, ValueError, duckdb.Error):
        return _write(*about)
    return []


def _write(
    connection: duckdb.DuckDBPyConnection, table: str, folder: Path, study: str, parts: list[Path], files: dict
) -> list[Path]:
    """Write a table as a further part, or as one with all parts if they are many; gives the parts that hold all files."""
    place = folder / FOLDER
    place.mkdir(exist_ok=True)
    if place.is_symlink():
        raise OSError(f'{place} is a link: what lies behind it is not ours to write')
    merged = parts if len(parts) + 1 >= PARTS else []
    source = f'SELECT * EXCLUDE (kinds) FROM {table}'
    if merged:
        source = f'SELECT * FROM read_parquet({_files(merged)}) UNION ALL BY NAME {source}'
    else:
        held = {name for (name,) in connection.execute(f'SELECT DISTINCT file FROM {table}').fetchall()}
        files = {name: about for name, about in files.items() if name in held}
    about = ', '.join(
        f'{key}: {_quoted(value)}' for key, value in (('version', VERSION), ('study', study), ('files', json.dumps(files)))
    )
    options = f'FORMAT parquet, COMPRESSION zstd, KV_METADATA {{{about}}}'
    with atomic.aside(place / 'part') as aside:
        connection.execute(f'COPY ({source}) TO {_quoted(aside.absolute())} ({options})')
        written = place / f'{_hash(aside)}.parquet'
        atomic.put(aside, written)
    used = [written] if merged else [*parts, written]
    _tidy(place, used)
    return used


def _tidy(place: Path, used: list[Path]) -> None:
    """Remove unused parts, and unfinished parts of killed processes."""
    for path in place.iterdir():
        with contextlib.suppress(OSError):
            old = atomic.is_left_over(path.name) and time.time() - path.stat().st_mtime > LEFT_OVER
            if old or (_PART.fullmatch(path.name) and path not in used):
                path.unlink()
