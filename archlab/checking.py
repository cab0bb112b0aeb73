"""Blocks of a user's own."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from typer.exceptions import Exit

from archlab.answers import FELL_SHORT, OUT, print_json, waiting
from archlab.options import Json

commands = typer.Typer()


@commands.command(epilog='Example: archlab check my_norm.py')
def check(
    file: Annotated[Path, typer.Argument(metavar='FILE.py', help='A file that defines e.g. NORMS = {...}.')],
    as_json: Json = False,
):
    """Contract tests on blocks of your own: shapes, types, gradients, causality, lanes, names; exit 1 where one is broken."""
    with waiting('checking'):
        from sweeps.models.check import check_file

        verdicts = check_file(file)
    if as_json:
        print_json(verdicts)
    else:
        for name, contracts in verdicts.items():
            broken = [contract for contract in contracts if not contract['holds']]
            kept = f'{len(contracts) - len(broken)} of {len(contracts)} contracts hold'
            OUT.print(f'[bold]{name}[/bold]  {kept}', markup=True, highlight=False)
            rules: dict[str, list[str]] = {}
            for contract in broken:
                rules.setdefault(contract['why'], []).append(contract['rule'])
            for why, names in rules.items():
                OUT.print(
                    f'  [red]broken[/red]  {", ".join(names)}: {escape(why)}', markup=True, highlight=False, soft_wrap=True
                )
    if not all(contract['holds'] for contracts in verdicts.values() for contract in contracts):
        raise Exit(FELL_SHORT)
