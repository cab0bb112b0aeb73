"""Benchmarks of the lab itself."""

import json
from pathlib import Path
from typing import Annotated

import typer

from archlab.answers import print_json, waiting
from archlab.options import Json

commands = typer.Typer(
    name='bench',
    help='How fast the lab is, measured on this machine.',
    no_args_is_help=True,
    epilog='Example: archlab bench ops --rounds 5',
)


@commands.callback()
def group() -> None:
    """How fast the lab is, measured on this machine."""


@commands.command(epilog='Example: archlab bench ops --only depthwise, or archlab bench ops --out ops.json')
def ops(
    only: Annotated[str | None, typer.Option(help='One operation, such as depthwise; all where left out.')] = None,
    rounds: Annotated[int, typer.Option(min=1, help='Measurements of every form, in turns.')] = 9,
    out: Annotated[Path | None, typer.Option('--out', metavar='FILE', help='Also write the results there, as JSON.')] = None,
    as_json: Json = False,
):
    """Operations in every form that they could take, forward and backward, and the form that the lab takes."""
    from results.store import atomic

    if out is not None and out.is_dir():
        raise ValueError(f"--out '{out}' is a folder; give the name of a file, e.g. {out / 'ops.json'}")
    with waiting('timing operations in turns'):
        from benchmarks.ops import bench, lines

        results = bench(rounds, only)
    if out is not None:
        atomic.replace(out, json.dumps(results, indent=1) + '\n')
    if as_json:
        return print_json(results)
    print('\n'.join(lines(results)))
