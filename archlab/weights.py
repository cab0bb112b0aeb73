"""Weights of published models."""

from pathlib import Path
from typing import Annotated

import typer

from archlab.answers import OUT, print_json, waiting
from archlab.options import Json

commands = typer.Typer()


@commands.command('import-weights', epilog='Example: archlab import-weights gpt2 model.safetensors --out gpt2.safetensors')
def import_weights(
    model: Annotated[str, typer.Argument(metavar='MODEL', help='A published model, e.g. gpt2.')],
    file: Annotated[
        Path, typer.Argument(metavar='FILE.safetensors', help="The reference's weights, or the index of several such files.")
    ],
    out: Annotated[Path | None, typer.Option(help='The file to write; MODEL.safetensors in this folder unless given.')] = None,
    as_json: Json = False,
):
    """Weights of a published model from .safetensors files of its reference, written by our names."""
    out = out or Path(f'{model}.safetensors')
    if out.exists() and file.exists() and out.samefile(file):
        raise ValueError(f"--out '{out}' is the file that would be read; give the new file another name")
    with waiting('importing'):
        from arch.published.importing import import_file

        facts = import_file(model, file, out)
    if as_json:
        return print_json(facts)
    OUT.print(
        f'{model}: {facts["tensors"]} tensors, {facts["parameters"]:,} parameters, written to {out}',
        highlight=False,
        soft_wrap=True,
        markup=False,
    )
