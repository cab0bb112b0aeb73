"""Data: which datasets there are, how to prepare one, and what is in it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import Exit

from archlab.answers import ERR, FELL_SHORT, OUT, print_json, waiting
from archlab.options import Data, Json, use_data

commands = typer.Typer(
    name='data',
    help='Datasets: what is there, how to get the rest, and from official files to the form that tasks read.',
    no_args_is_help=True,
    epilog='Example: archlab data list, then archlab data prepare fashion_mnist --source DIR',
)


@commands.command('list', epilog='Example: archlab data list --data ~/data')
def list_(data: Data = None, as_json: Json = False):
    """Every dataset: prepared (size, where), found but not prepared, or missing and how to get it. Nothing is fetched."""
    from ablations.locations import data_folder
    from sweeps.datasets.inventory import listing

    datasets = listing(data)
    if as_json:
        return print_json({'data': str(data_folder(data)), 'datasets': datasets})
    OUT.print(f'data folder: {data_folder(data)}', highlight=False, soft_wrap=True)
    for state, title in (
        ('prepared', 'prepared'),
        ('damaged', 'damaged'),
        ('found', 'found, not prepared yet'),
        ('missing', 'not there'),
        ('form', 'forms of data of your own'),
    ):
        some = {name: one for name, one in datasets.items() if one['state'] == state}
        if some:
            OUT.print(f'\n[bold]{title}[/bold]', markup=True)
        for name, one in some.items():
            first, *more = _description(one)
            OUT.print(f'  {name}  {first}', highlight=False, soft_wrap=True)
            for line in more:
                OUT.print(f'      {line}', style='dim', highlight=False, soft_wrap=True)


def _description(one: dict) -> list[str]:
    if one['state'] == 'prepared':
        sizes, partial = one['sizes'], ', partial' if one['partial'] else ''
        size = f'{sizes["pool"]:,} + {sizes["test"]:,} {one["kind"]}{partial}, {one["bytes"] / 1e6:,.1f} MB'
        return [f'{one["about"]}: {size}, {one["where"]}']
    if one['state'] == 'damaged':
        return [one['why']]
    if one['state'] == 'found':
        return [f'{one["about"]}: {one["where"]}', one['prepare']]
    looked = [f'looked in {", ".join(one["looked_in"])}'] if one['state'] == 'missing' else []
    return [one['about'], f'get {one["get"]}', *looked, one['prepare']]


@commands.command(epilog='Example: archlab data prepare fashion_mnist --source ~/downloads/fashion-mnist')
def prepare(
    name: Annotated[str, typer.Argument(metavar='NAME', help='A set, or a form of sets, of archlab data list.')],
    source: Annotated[
        Path | None,
        typer.Option(help='The official files: a folder, a file or an archive; else looked for in the data folder.'),
    ] = None,
    called: Annotated[str | None, typer.Option('--name', help='The name it gets; a form of data needs one.')] = None,
    size: Annotated[int | None, typer.Option(help='Height and width that images are brought to.')] = None,
    grey: Annotated[bool, typer.Option('--grey', help='Images with one channel.')] = False,
    field: Annotated[str | None, typer.Option(help='The column or field of the text, or of the label of images.')] = None,
    mark: Annotated[str | None, typer.Option(help='What ends a document in a text file, e.g. "<|endoftext|>".')] = None,
    token_type: Annotated[
        str | None, typer.Option(help='The type of tokens in shards without a header: uint16 or uint32.')
    ] = None,
    separator: Annotated[
        str | None, typer.Option(help='The token between documents of shards that do not say it, or none.')
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="What the test split is taken by: 'names' of files or 'hash' of content.")
    ] = None,
    partial: Annotated[bool, typer.Option('--partial', help='Take an incomplete set; recorded.')] = False,
    skip_damaged: Annotated[bool, typer.Option('--skip-damaged', help='Leave damaged examples out; counted.')] = False,
    unverified: Annotated[bool, typer.Option('--unverified', help='Go on where a checksum is not the official one.')] = False,
    force: Annotated[bool, typer.Option('--force', help='Prepare it again where it is prepared already.')] = False,
    data: Data = None,
    as_json: Json = False,
):
    """Check the files of a set, decode them once, and write the form that tasks read, with a sealed test split."""
    from sweeps.datasets.material import Options
    from sweeps.datasets.prepare import prepare as prepare_set
    from sweeps.datasets.show import lines

    options = Options(size, grey, field, mark, partial, skip_damaged, unverified, token_type, separator, split)
    with _progress() as progress:
        made, new = prepare_set(name, source, data, called, options, force, progress)
    if as_json:
        return print_json({'where': str(made.folder), 'new': new, **made.about})
    if not new:
        OUT.print('was prepared already; --force prepares it again', highlight=False)
    for line in lines({'where': str(made.folder), **made.about}):
        OUT.print(line, highlight=False, soft_wrap=True)


@contextlib.contextmanager
def _progress() -> Iterator:
    """The progress of a preparation as a bar on a terminal; nothing elsewhere."""
    if not ERR.is_terminal:
        yield lambda stage, done, total: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = SpinnerColumn(), TextColumn('{task.description}'), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=ERR, transient=True) as progress:
        bar = progress.add_task('preparing', total=None)
        yield lambda stage, done, total: progress.update(bar, description=stage, completed=done, total=total)


@commands.command(epilog='Example: archlab data show fashion_mnist --out clothes.png')
def show(
    name: Annotated[str, typer.Argument(metavar='NAME', help='A prepared set.')],
    out: Annotated[Path | None, typer.Option(help='Write a contact sheet of the pool to this PNG file.')] = None,
    rows: Annotated[int, typer.Option(min=1, help='Rows of the picture.')] = 4,
    columns: Annotated[int, typer.Option(min=1, help='Columns of the picture.')] = 10,
    check: Annotated[
        bool, typer.Option('--check', help='Compare every file with its checksum; exit 1 where one differs.')
    ] = False,
    data: Data = None,
    as_json: Json = False,
):
    """What is in a prepared set: a picture or an excerpt of its pool, sizes, class balance, checksums, notes."""
    from sweeps.datasets.prepared import find
    from sweeps.datasets.show import lines
    from sweeps.datasets.show import show as show_set

    prepared = find(name, data)
    facts = show_set(prepared, check)
    drawn = facts['kind'] in ('images', 'sounds', 'series')
    if out is not None and not drawn:
        raise ValueError(f"--out {out}: '{name}' holds {facts['kind']}, of which there is no picture; leave --out out")
    if drawn and (out is not None or not as_json):
        _draw(prepared, facts['kind'], rows, columns, out, in_terminal=not as_json)
    if as_json:
        print_json(facts)
    else:
        for line in [*facts.get('excerpt', []), *lines(facts)]:
            OUT.print(line, highlight=False, soft_wrap=True)
    if facts.get('damaged'):
        raise Exit(FELL_SHORT)


@commands.command(epilog='Example: archlab data reference tiny_shakespeare')
def reference(
    task: Annotated[str, typer.Argument(metavar='TASK', help='A task over bytes: text, molecules, pixels, samples, mixtures.')],
    data: Data = None,
    as_json: Json = False,
):
    """What a model of a task has to beat: bits per byte of lzma and of a count model of its pool, on its test split."""
    use_data(data)
    from ablations.tasks import task as declared

    spec = declared(task).data
    with waiting('compressing and counting'):
        from sweeps.tasks.coders import reference as reference_of
        from sweeps.tasks.coders import reference_lines
        from sweeps.training.preflight import task_of

        bits = reference_of(task_of(spec))
    if as_json:
        return print_json(bits)
    for line in reference_lines(task, bits):
        OUT.print(line, highlight=False, soft_wrap=True)


def _draw(prepared, kind: str, rows: int, columns: int, out: Path | None, in_terminal: bool) -> None:
    """Draw a contact sheet to a file or to a terminal."""
    from rich.text import Text

    from sweeps.datasets.pictures import half_blocks, save, sheet

    page = sheet(prepared.pool(), kind, rows, columns)
    if out is not None:
        save(page, out)
    elif in_terminal and OUT.is_terminal:
        for line in half_blocks(page, OUT.width):
            OUT.print(Text.from_ansi(line))
