"""Blocks and tasks of a user's own."""

import dataclasses
import logging
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from typer.exceptions import Exit

from archlab.answers import FELL_SHORT, OUT, print_json, waiting
from archlab.options import Data, Json, use_data

commands = typer.Typer()


def _verdicts(file: Path) -> dict[str, list[dict]]:
    """{'norm my_norm': [{rule, holds, why}], 'task retina': ...} of all that the file adds; ValueError without any.

    Of FILE.py:TASK it is that task alone.
    """
    from ablations.config import closest
    from ablations.task_files import tasks_in

    place, _, asked = str(file).rpartition(':') if '.py:' in str(file) else (str(file), '', '')
    # It may be a file of blocks as well as of tasks, or of both.
    tasks, defines = tasks_in(Path(place), 'file')
    if asked and asked not in tasks:
        raise ValueError(f"{place} declares no task '{asked}'; allowed: {list(tasks)}.{closest(asked, tasks)}")
    tasks, defines = ({asked: tasks[asked]}, set()) if asked else (tasks, defines)
    verdicts = {}
    if tasks:
        from sweeps.task_contracts import check_task

        verdicts = {f'task {name}': [dataclasses.asdict(one) for one in check_task(task)] for name, task in tasks.items()}
    from arch.sockets import NAMES, WHOLE

    tables = {*NAMES, WHOLE}
    if not tasks and not defines & tables:
        raise ValueError(
            f"file '{file}' has neither blocks nor tasks; allowed: tables of blocks ({', '.join(sorted(tables))}) such as "
            "NORMS = {'my_norm': MyNorm}, and tasks such as NAME = task(...); add one at its top level"
        )
    if defines & tables:
        from sweeps.models.check import check_file

        # jax logs the frames of a callback that fails; the contracts say why it failed.
        logging.getLogger('jax').setLevel(logging.CRITICAL + 1)
        verdicts |= check_file(file)
    return verdicts


@commands.command(epilog='Example: archlab check my_norm.py, or archlab check my_task.py')
def check(
    file: Annotated[
        Path,
        typer.Argument(
            metavar='FILE.py[:TASK]',
            help='A file that defines e.g. NORMS = {...}, or tasks: NAME = task(...); or one task of it.',
        ),
    ],
    data: Data = None,
    as_json: Json = False,
):
    """Contract tests on blocks of your own (shapes, types, gradients, causality, lanes, names) and on tasks of your own
    (arrays, splits, the sealed test split, labels, metric, chance, whether the base learns); exit 1 where one is broken.
    """
    use_data(data)
    with waiting('checking'):
        verdicts = _verdicts(file)
    if as_json:
        print_json(verdicts)
    else:
        for name, contracts in verdicts.items():
            broken = [contract for contract in contracts if not contract['holds']]
            summary = f'{len(contracts) - len(broken)} of {len(contracts)} contracts hold'
            OUT.print(f'[bold]{name}[/bold]  {summary}', markup=True)
            if name.startswith('task ') and (held := [contract['rule'] for contract in contracts if contract['holds']]):
                OUT.print(f'  kept    {", ".join(held)}', soft_wrap=True)
            rules: dict[str, list[str]] = {}
            for contract in broken:
                rules.setdefault(contract['why'], []).append(contract['rule'])
            for why, names in rules.items():
                OUT.print(f'  [red]broken[/red]  {", ".join(names)}: {escape(why)}', markup=True, soft_wrap=True)
    if not all(contract['holds'] for contracts in verdicts.values() for contract in contracts):
        raise Exit(FELL_SHORT)
