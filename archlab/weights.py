"""Weights: of published models, and of the models that a study has trained."""

from pathlib import Path
from typing import Annotated

import typer

from archlab.answers import OUT, print_json, waiting
from archlab.options import RUNS, Data, Json, Runs, Settings, use_data
from archlab.study_runs import named_arm, open_study

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
    if out.exists() and out.suffix != '.safetensors':
        raise ValueError(f"--out '{out}' is there and is no .safetensors file, so it stays; give another name, or remove it")
    with waiting('importing'):
        from arch.published.importing import import_file
        from results.store import atomic

        atomic.sweep(out.parent, out.name)
        facts = import_file(model, file, out)
    if as_json:
        return print_json(facts)
    OUT.print(
        f'{model}: {facts["tensors"]} tensors, {facts["parameters"]:,} parameters, written to {out}',
        soft_wrap=True,
    )


@commands.command('start-from', epilog='Example: archlab start-from weights/digits-layer_norm-replicate_0-seed_1.safetensors')
def start_from(
    file: Annotated[Path, typer.Argument(metavar='FILE.safetensors', help='Of archlab export or archlab import-weights.')],
    data: Data = None,
    as_json: Json = False,
):
    """Make weights a model of a study to start from: copies them to the data folder, and says how a study names them."""
    use_data(data)
    with waiting('reading'):
        from sweeps.training.start import start_from as copied

        facts = copied(file)
    if as_json:
        return print_json(facts)
    OUT.print(f"{facts['parameters']:,} parameters: swap('initial', 'weights', sha256='{facts['sha256']}')", soft_wrap=True)


@commands.command(epilog='Example: archlab export quickstart/no_mixer --out weights --train')
def export(
    what: Annotated[str, typer.Argument(metavar='STUDY/ARM', help='The arm whose confirmed models are wanted.')],
    out: Annotated[Path, typer.Option(help='The folder to write into: for each run its weights, and what it is.')],
    form: Annotated[str, typer.Option('--format', help='safetensors or orbax.')] = 'safetensors',
    task: Annotated[list[str] | None, typer.Option(help='A task of the study; all of them where left out.')] = None,
    train: Annotated[
        bool, typer.Option('--train', help='Train runs again that kept no weights; each reads the test split once more.')
    ] = False,
    runs: Runs = RUNS,
    settings: Settings = None,
    data: Data = None,
    as_json: Json = False,
):
    """The weights of an arm's confirmed models, kept by archlab run --keep-weights, with all that is needed to load them."""
    use_data(data)
    study, arm = named_arm(what)
    with waiting('exporting'):
        from sweeps.export import export as export_arm

        files = [str(path) for path in export_arm(open_study(study, runs, settings).reading, arm, out, form, task, train)]
    if as_json:
        return print_json(files)
    print('\n'.join(files))


@commands.command(epilog='Example: archlab readout weights/doors_pixels-attention-replicate_0-seed_1.safetensors')
def readout(
    file: Annotated[
        Path, typer.Argument(metavar='FILE', help='A model that archlab export wrote, trained on what comes next.')
    ],
    blocks: Annotated[Path | None, typer.Option(help='The block file of a model with kinds of your own; it is run.')] = None,
    data: Data = None,
    as_json: Json = False,
):
    """What the features of a model that has learned what comes next tell of what is hidden, by a linear product."""
    use_data(data)
    with waiting('reading the features'):
        from sweeps.readout import readout as readout_of
        from sweeps.readout import readout_lines

        shares = readout_of(file, blocks)
    if as_json:
        return print_json(shares)
    print('\n'.join(readout_lines(file.name, shares)))


@commands.command(epilog='Example: archlab codes weights/stdlib_bytes-codes_of_4-replicate_0-seed_1.safetensors')
def codes(
    file: Annotated[Path, typer.Argument(metavar='FILE', help='A model with learned codes that archlab export wrote.')],
    blocks: Annotated[Path | None, typer.Option(help='The block file of a model with kinds of your own; it is run.')] = None,
    data: Data = None,
    as_json: Json = False,
):
    """How much of its learned code book a model uses on examples that it was not trained on."""
    use_data(data)
    with waiting('coding patches'):
        from sweeps.code_book import code_book, code_book_lines

        use = code_book(file, blocks)
    if as_json:
        return print_json(use)
    print('\n'.join(code_book_lines(file.name, use)))
