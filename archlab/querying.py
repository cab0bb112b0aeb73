"""Records as tables: by SQL on the command line, as a relation in a notebook."""

import contextlib
import functools
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from archlab.answers import BAD_INPUT, OUT, print_json, waiting, warn_skipped
from archlab.options import RUNS, Json, Runs
from archlab.study_runs import StudyRuns, open_study, studies_in, study_name

commands = typer.Typer()


@commands.command(epilog='Example: archlab query "select arm, task, avg(score) from trials group by all order by all"')
def query(
    sql: Annotated[
        str | None, typer.Argument(metavar='[SQL]', help='One SELECT over trials, evaluations, packs, findings and selected.')
    ] = None,
    runs: Runs = RUNS,
    study: Annotated[str | None, typer.Option(help='One study by name or file; all in --runs where left out.')] = None,
    form: Annotated[str, typer.Option('--format', help='table, csv, json or md.')] = 'table',
    limit: Annotated[int | None, typer.Option(help='Rows at most; 100 in a table, else all, where left out.')] = None,
    seconds: Annotated[float, typer.Option(help='The query is stopped after so long.')] = 60.0,
    memory: Annotated[float, typer.Option(help='GB of memory that the query may take, with its answer.')] = 4.0,
    wide: Annotated[bool, typer.Option('--wide', help='Every column whole, whatever the width of the screen.')] = False,
    schema: Annotated[bool, typer.Option('--schema', help='Views and their columns; so does leaving out the SQL.')] = False,
    as_json: Json = False,
):
    """SQL over the records, read only: one row a trial, an evaluation or a pack; and findings, selected points."""
    from results.store.query import FORMATS, SHOWN, Limits, ask, described, render, schema_lines

    if form not in FORMATS:
        raise ValueError(f"format '{form}'; allowed: {list(FORMATS)}")
    name, form = study_name(study, runs), 'json' if as_json else form
    if schema or sql is None:
        with waiting('reading records'):
            views = described(runs, name)
        return print_json(views) if form == 'json' else print('\n'.join(schema_lines(views)))
    _freeze_looks(study, runs)
    limit = limit if limit is not None or form != 'table' else SHOWN
    limits = Limits(seconds, memory, _give_up)
    with waiting('reading records'), limits.holding():
        answer = ask(sql, runs, name, limit, _derived(study, runs), limits)
        text = render(answer, form, OUT.width if OUT.is_terminal and not wide else None)
    warn_skipped(answer.skipped)
    print(text, end='')


def _freeze_looks(study: str | None, runs: Path) -> None:
    """SQL over test scores is a look too: later claims rest on the looks declared until now.

    Studies of a user's own are frozen where he names their file.
    """
    from ablations.study_files import of_the_lab

    names = [path.parent.name for path in Path(runs).glob('*/manifest.json')] if study is None else [study]
    for name in names:
        if of_the_lab(name) or name.endswith('.py'):
            with contextlib.suppress(ValueError):
                open_study(name, runs).freeze()


def _give_up(said: str) -> None:
    """End the process: the database hears no interrupt."""
    print(f'archlab: error: {said}', file=sys.stderr, flush=True)
    os._exit(BAD_INPUT)


def _derived(study: str | None, runs: Path) -> dict:
    """The tables derived from a whole study, by their names in a query."""

    @functools.cache
    def studies() -> list[StudyRuns]:
        return [open_study(name, runs) for name in ([study] if study else studies_in(runs))]

    def selected() -> list[dict]:
        from results.store.frames import selected

        return [row for one in studies() for row in selected(one.reading)]

    return {
        'findings': lambda: [finding.to_dict() for one in studies() for finding in one.findings()],
        'selected': selected,
    }


def trials(study: str | None = None, runs: Path = RUNS, view: str = 'trials'):
    """The records of a study (of all in `runs` where it is None) as a DuckDB relation, one row a trial.

    `.df()` gives a pandas DataFrame, `.arrow()` a pyarrow Table, `.pl()` a polars DataFrame, where these are installed;
    `.filter('score > 0.9')`, `.aggregate('arm, avg(score)')` and `.fetchall()` need nothing. `view` may also be
    'evaluations' (one row an evaluation point) or 'packs'. Raises ValueError on an unknown study or view.
    """
    from results.store.frames import trials

    frame = trials(runs, study_name(study, runs), view)
    warn_skipped(frame.skipped)
    return frame
