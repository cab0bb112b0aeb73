"""Frames: the records of a runs folder as tables, one row a trial, an evaluation or a pack, for SQL and for notebooks."""

import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path

import duckdb

from ablations.config import closest
from results.store import parquet_cache as cache
from results.store import records
from results.store.reading import Reading

_COST = ('examples', 'flops', 'seconds', 'peak_memory')
_PLACE = ('commit', 'source', 'python', 'platform', 'device', 'machine', 'flags')
_WHAT = ('study', 'arm', 'task', 'dataset', 'replicate', 'phase', 'held', 'optimizer')
_OUTCOME = ('seed', 'status', 'diverged_at', 'reason', 'score', 'score_se', 'parts', 'n_held', 'initial_loss', 'final_loss')
_PLAIN = {name: name for name in ('id', *_WHAT, 'knobs', *_OUTCOME, 'steps', 'batch')}
TRIALS = {
    **_PLAIN,
    **{name: f'cost.{name}' for name in _COST},
    **{
        name: f"CASE WHEN status <> '{records.STOPPED}' THEN curve.{name}[-1] END" for name in ('loss_average', 'score_average')
    },
    'pack': 'pack.id',
    **{name: f'pack.{name}' for name in ('lane', 'lanes', 'strategy', 'splits')},
    **{name: f"environment ->> '{name}'" for name in _PLACE},
    'versions': "json_transform(environment -> 'versions', '\"MAP(VARCHAR, VARCHAR)\"')",
    **{name: name for name in ('checksum', 'item_scores', 'turns', 'blocks', 'data', 'model', 'format', 'file')},
    **{name: name for name in ('until', 'score_until')},
}
"""Columns of `trials` and their places in a record. Each knob also has a column of its own, beside `knobs`.

`score` is in the unit of the task's metric (an accuracy is a share of 1), and so are `parts`, the scores of a mixture's
domains by name (NULL for tasks without any); FLOPs and seconds are the whole run's, `peak_memory` is in bytes, `n_held` the
number of examples that were scored. `item_scores` holds the score of each item of the test split, as a text that
results.store.item_scores.unpacked reads (NULL for tuning). `turns` has, of a task that teaches its domains in turn, the steps
and the scores over the curve of each (JSON; NULL for other tasks). `loss_average` and `score_average` are those of the moving
average of the weights at the end of a run (NULL without `ema`). `until` is the step at which a run of status `stopped` was
stopped, and `score_until` what it scored there (NULL for all others).
"""
EVALUATIONS = {
    **{name: name for name in ('id', *_WHAT, 'status')},
    **{
        name: f'unnest(curve.{name})'
        for name in ('step', 'loss', 'score', 'score_se', 'train_loss', 'loss_average', 'score_average')
    },
}
PACKS = {
    'study': 'lines.study',
    'file': 'lines.file',
    'pack': 'any_value(pack.id)',
    **{name: f'any_value({name})' for name in ('arm', 'task', 'dataset', 'optimizer')},
    'trials': 'count(*)',
    **{status: f"count(*) FILTER (status = '{status}')" for status in records.STATUSES},
    **{name: f'any_value(pack.{name})' for name in ('strategy', 'lanes', 'splits', 'compile_seconds')},
    **{name: f'sum(cost.{name})' for name in ('steps', 'examples', 'flops', 'seconds')},
    'peak_memory': 'max(cost.peak_memory)',
}
VIEWS = ('trials', 'evaluations', 'packs')
DERIVED = ('findings', 'selected')
"""Tables that are derived from a whole study, if a query names them."""


def named(runs: Path, study: str | None = None) -> list[str]:
    """The studies with records in a runs folder, or only `study`; raises ValueError where there is none."""
    recorded = sorted(path.parent.name for path in Path(runs).glob(f'*/{records.FOLDER}'))
    if not recorded:
        raise ValueError(f'no records in {runs}; run a study first (archlab run quickstart), or give --runs its folder')
    if study is None:
        return recorded
    if study not in recorded:
        raise ValueError(f"no records of study '{study}' in {runs}; allowed: {recorded}.{closest(study, recorded)}")
    return [study]


def _columns(of: Mapping[str, str]) -> str:
    return ', '.join(f'{source} AS {quoted(name)}' for name, source in of.items())


def quoted(name: str) -> str:
    """A name in quotes for SQL, whatever characters it has."""
    return '"' + name.replace('"', '""') + '"'


def views(
    connection: duckdb.DuckDBPyConnection, runs: Path, studies: list[str], cached: bool = True
) -> tuple[list[str], list[str]]:
    """Make the VIEWS over all records of some studies. Gives the Parquet files they read, and sentences on skipped files.

    If a trial has records in two files, the views hold the record that results.store.recorded.read_folder chooses. Only `packs`
    counts both.
    """
    selects, parts, skipped = [], [], []
    for number, study in enumerate(studies):
        source = cache.rows(connection, f'fresh_{number}', Path(runs) / study, study, cached)
        selects.append(source.select)
        parts += source.parts
        skipped += source.skipped
    connection.execute(f'CREATE TEMP VIEW lines AS {" UNION ALL BY NAME ".join(selects)}')
    ((repeated,),) = connection.execute('SELECT count(*) - count(DISTINCT (study, id)) FROM lines').fetchall()
    first = f"row_number() OVER (PARTITION BY study, id ORDER BY status = 'failed', {cache.ORDER}) = 1"
    # In the order of files and lines, as read_folder gives them, however they were cached.
    order = f'ORDER BY study, {cache.ORDER}'
    connection.execute(f'CREATE TEMP VIEW chosen AS SELECT * FROM lines {f"QUALIFY {first}" if repeated else ""} {order}')
    names = [name for (name,) in connection.execute('SELECT DISTINCT unnest(map_keys(knobs)) FROM lines').fetchall()]
    knobs = {
        f'knob_{name}' if name in TRIALS else name: f"knobs['{name.replace(chr(39), chr(39) * 2)}']"
        for name in sorted(names, key=lambda name: (name != 'lr', name))
    }
    before = {name: TRIALS[name] for name in ('id', *_WHAT)}
    connection.execute(f'CREATE TEMP VIEW trials AS SELECT {_columns(before | knobs | TRIALS)} FROM chosen')
    connection.execute(f'CREATE TEMP VIEW evaluations AS SELECT {_columns(EVALUATIONS)} FROM chosen')
    connection.execute(
        f'CREATE TEMP VIEW packs AS SELECT {_columns(PACKS)} FROM lines GROUP BY lines.study, lines.file ORDER BY ALL'
    )
    return parts, skipped


def selected(reading: Reading) -> list[dict]:
    """The selected point of every arm, task and replicate as rows; none where every tuning run diverged."""
    return [
        {
            'study': reading.study.name,
            'arm': arm,
            'task': task,
            'replicate': replicate,
            'optimizer': point.optimizer,
            'knobs': dict(point.knobs),
            'score': point.score,
            'how': point.how,
        }
        for (arm, task, replicate), point in reading.schedule.selections.items()
        if point is not None
    ]


def register(connection: duckdb.DuckDBPyConnection, name: str, rows: list[dict]) -> None:
    """Make a table of plain rows; raises ValueError where there are none."""
    if not rows:
        raise ValueError(f"'{name}' has no rows yet; finish the study first (archlab status says how far it is)")
    text = json.dumps(rows, allow_nan=False)
    ((structure,),) = connection.execute('SELECT json_structure(?::JSON)', [text]).fetchall()
    # The structure has to be a constant, so it cannot be passed as a parameter.
    constant = structure.replace("'", "''")
    made = f"SELECT unnest(json_transform(?::JSON, '{constant}')) AS row"
    connection.execute(f'CREATE TEMP TABLE {quoted(name)} AS SELECT row.* FROM ({made})', [text])


def schema(connection: duckdb.DuckDBPyConnection, names: tuple[str, ...] = VIEWS) -> dict[str, dict[str, str]]:
    """Columns and their types, by view."""
    return {
        name: {column: kind for column, kind, *_ in connection.execute(f'DESCRIBE {quoted(name)}').fetchall()} for name in names
    }


NEEDS = {'df': 'pandas', 'arrow': 'pyarrow', 'pl': 'polars'}


class Frame:
    """Rows as a DuckDB relation (filter, aggregate, order, sql, fetchall ...) and as a frame of an installed library.

    `df()` gives a pandas DataFrame, `arrow()` a pyarrow Table, `pl()` a polars DataFrame. `skipped` names record files that
    were not used.
    """

    def __init__(self, relation: duckdb.DuckDBPyRelation, skipped: list[str]):
        self.relation, self.skipped = relation, skipped

    def _need(self, method: str) -> None:
        packages = [NEEDS[method], *(['pyarrow'] if method == 'pl' else [])]
        absent = [package for package in packages if importlib.util.find_spec(package) is None]
        if absent:
            raise ValueError(
                f'{method}() needs {" and ".join(absent)}, which is not installed; pip install {" ".join(absent)}, or use '
                'fetchall(), which needs nothing'
            )

    def df(self):
        """As a pandas DataFrame; raises ValueError where pandas is not installed."""
        self._need('df')
        return self.relation.df()

    def arrow(self):
        """As a pyarrow Table; raises ValueError where pyarrow is not installed."""
        self._need('arrow')
        return self.relation.to_arrow_table()

    def pl(self):
        """As a polars DataFrame; raises ValueError where polars or pyarrow is not installed."""
        self._need('pl')
        return self.relation.pl()

    def __getattr__(self, name: str):
        return getattr(self.relation, name)

    def __len__(self) -> int:
        return len(self.relation)

    def __repr__(self) -> str:
        return repr(self.relation)


def trials(runs: Path, study: str | None = None, view: str = 'trials') -> Frame:
    """One of the VIEWS as a Frame; later runs do not change it.

    Raises ValueError on an unknown view or study.
    """
    if view not in VIEWS:
        raise ValueError(f"view '{view}'; allowed: {list(VIEWS)}.{closest(view, VIEWS)}")
    studies = named(runs, study)
    try:
        return _frame(runs, studies, view, cached=True)
    except duckdb.Error:
        # Another process made several parts of the cache one while this one read them.
        return _frame(runs, studies, view, cached=False)


def _frame(runs: Path, studies: list[str], view: str, cached: bool) -> Frame:
    connection = cache.connect()
    skipped = views(connection, runs, studies, cached)[1]
    connection.execute(f'CREATE TEMP TABLE frame AS SELECT * FROM {view}')
    return Frame(connection.table('frame'), skipped)
