"""Data: which datasets there are, how to prepare one, and what is in it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.exceptions import Exit

from archlab.answers import ERR, FELL_SHORT, OUT, print_json, waiting
from archlab.options import Data, Json, use_data

if TYPE_CHECKING:
    from ablations.tasks import Task

OWN = 'Sets of your own, with --as'
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
    OUT.print(f'data folder: {data_folder(data)}', soft_wrap=True)
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
            OUT.print(f'  {name}  {first}', soft_wrap=True)
            for line in more:
                OUT.print(f'      {line}', style='dim', soft_wrap=True)


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
    name: Annotated[
        str | None,
        typer.Argument(
            metavar='[NAME | FILE.py[:TASK]]',
            help='A set of archlab data list, or a file that declares tasks of your own; neither with --as.',
        ),
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option(help='The official files: a folder, a file or an archive; else looked for in the data folder.'),
    ] = None,
    as_: Annotated[
        str | None,
        typer.Option(
            '--as',
            metavar='READER',
            help='How files of your own are read: image-folder, image-masks, csv, parquet, json-lines, text, lines, smiles, '
            'fasta, tokens, wav-folder, ts, ucr, arrays (.npz), webdataset or parquet-images.',
        ),
    ] = None,
    called: Annotated[str | None, typer.Option('--name', help='The name it gets; a set of your own needs one.')] = None,
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
        str | None,
        typer.Option(help="What the test split is taken by: 'names' of files, 'hash' of content, or with --as 'column:NAME'."),
    ] = None,
    inputs: Annotated[str | None, typer.Option(metavar='A,B', help='Columns of the input.', rich_help_panel=OWN)] = None,
    target: Annotated[
        str | None, typer.Option(metavar='A,B', help='Columns of what is predicted.', rich_help_panel=OWN)
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(
            help='What inputs are: table, text, smiles, series, or of a column of paths images or sounds; of FASTA files '
            'nucleotides or amino_acids.',
            rich_help_panel=OWN,
        ),
    ] = None,
    predict: Annotated[
        str | None, typer.Option(help='What targets are: class, values, labels, map or tokens.', rich_help_panel=OWN)
    ] = None,
    group: Annotated[str | None, typer.Option(help='A column whose equal values no split tears.', rich_help_panel=OWN)] = None,
    share: Annotated[
        float | None, typer.Option(help='The share that is the test split by hash; 0.1 unless given.', rich_help_panel=OWN)
    ] = None,
    partial: Annotated[bool, typer.Option('--partial', help='Take an incomplete set; recorded.')] = False,
    skip_damaged: Annotated[bool, typer.Option('--skip-damaged', help='Leave damaged examples out; counted.')] = False,
    unverified: Annotated[bool, typer.Option('--unverified', help='Go on where a checksum is not the official one.')] = False,
    force: Annotated[bool, typer.Option('--force', help='Prepare it again where it is prepared already.')] = False,
    data: Data = None,
    as_json: Json = False,
):
    """Check the files of a set, decode them once, and write the form that tasks read, with a sealed test split."""
    from ablations.tasks.own_task import READERS
    from sweeps.datasets.catalog import DATASETS
    from sweeps.datasets.material import Options
    from sweeps.datasets.prepare import prepare as prepare_set

    reading = {'size': size, 'grey': grey, 'mark': mark, 'partial': partial, 'skip_damaged': skip_damaged}
    reading |= {'token_type': token_type, 'separator': separator, 'split': split}
    of_own = {'inputs': _names(inputs), 'target': _names(target), 'form': form, 'predict': predict, 'group': group}
    of_own['share'] = share
    if name is not None and ('.py:' in name or name.endswith('.py')):
        given = {'source': source, 'as': as_, 'name': called, 'field': field, 'unverified': unverified, **reading, **of_own}
        return _prepare_declared(name, given, data, force, as_json)
    known = DATASETS.get(name)
    if as_ is None and known and known.form and name in READERS and any(value is not None for value in of_own.values()):
        # What is a form of data and a reader takes the options of the reader by either name.
        as_, name = name, None
    if as_ is not None:
        if name is not None or source is None or called is None:
            raise ValueError('--as READER: give it with --source PATH and --name NAME, and without the name of a known set')
        from sweeps.datasets.own import options_of, prepare_own

        if field is not None or unverified:
            raise ValueError('--field and --unverified are of known sets; with --as columns are --inputs and --target')
        options = options_of(as_.replace('-', '_'), {**reading, **of_own})
        with _progress() as progress:
            made, new = prepare_own(as_, source, called, options, data, force, progress)
        return _tell([(made, new)], as_json)
    if name is None:
        raise ValueError(
            'name a set of archlab data list, a file that declares tasks, or say --as READER for files of your own'
        )
    if given := [f'--{key}' for key, value in of_own.items() if value is not None]:
        raise ValueError(f"{', '.join(given)} of the known set '{name}'; allowed: with --as READER")
    options = Options(field=field, unverified=unverified, **reading)
    with _progress() as progress:
        made, new = prepare_set(name, source, data, called, options, force, progress)
    _tell([(made, new)], as_json)


def _names(text: str | None) -> tuple[str, ...] | None:
    """Names of columns, with commas between them."""
    return None if text is None else tuple(part.strip() for part in text.split(','))


def _prepare_declared(address: str, given: dict, data: Path | None, force: bool, as_json: bool) -> None:
    """Prepare what a file declares: one task, or all that have a source."""
    from ablations.config import closest
    from ablations.task_files import declared_in
    from sweeps.datasets.own import prepare_declared

    stated = [f'--{key.replace("_", "-")}' for key, value in given.items() if value is not None and value is not False]
    if stated:
        raise ValueError(f'{", ".join(stated)} of {address}: a file says all that itself; write it into its task')
    file, _, task = address.rpartition(':') if '.py:' in address else (address, '', '')
    tasks = declared_in(Path(file).expanduser())
    if task and task not in tasks:
        raise ValueError(f"{file} declares no task '{task}'; allowed: {list(tasks)}.{closest(task, tasks)}")
    chosen = [one for name, one in tasks.items() if name == task or (not task and one.own.source is not None)]
    if not chosen:
        raise ValueError(f'{file}: its tasks {list(tasks)} have no source, so there is nothing to prepare; give one source=')
    made = []
    for one in chosen:
        with _progress() as progress:
            try:
                made.append(prepare_declared(one, data, force, progress))
            except ValueError as error:
                raise ValueError(f"task '{one.address}': {error}") from None
    _tell(made, as_json)


def _tell(made: list, as_json: bool) -> None:
    """What was prepared, as `archlab data show` tells it."""
    from sweeps.datasets.show import lines

    if as_json:
        told = [{'where': str(one.folder), 'new': new, **one.about} for one, new in made]
        return print_json(told[0] if len(told) == 1 else told)
    for number, (one, new) in enumerate(made):
        if number:
            OUT.print('')
        if not new:
            OUT.print('was prepared already; --force prepares it again')
        for line in lines({'where': str(one.folder), **one.about}):
            OUT.print(line, soft_wrap=True)


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
    from results.store import regular
    from sweeps.datasets.prepared import find
    from sweeps.datasets.show import lines
    from sweeps.datasets.show import show as show_set

    if out is not None:
        regular.check_replaced(out, b'\x89PNG', 'PNG file')
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
            OUT.print(line, soft_wrap=True)
    if facts.get('damaged'):
        raise Exit(FELL_SHORT)


@commands.command(epilog='Example: archlab data reference tiny_shakespeare')
def reference(
    tasks: Annotated[
        list[str] | None,
        typer.Argument(
            metavar='[TASK | FILE.py:TASK]...',
            help='Tasks over bytes: text, molecules, pixels, samples, trajectories, mixtures; or those of a file of yours.',
        ),
    ] = None,
    study: Annotated[
        list[str] | None,
        typer.Option(metavar='STUDY', help='All tasks in bits or nats of a study by name or file, as that study asks them.'),
    ] = None,
    out: Annotated[Path | None, typer.Option(help='Put what archlab abstraction needs of them into this JSON file.')] = None,
    data: Data = None,
    as_json: Json = False,
):
    """What a model of a task has to beat: bits per byte of lzma, a count model and extrapolation on its test split."""
    use_data(data)
    from results.store import regular

    if out is not None:
        regular.check_replaced(out, b'{', 'file of reference coders')
    asked = _tasks_of(tasks or [], study or [])
    with waiting('compressing and counting'):
        from sweeps.tasks.coders import reference as reference_of
        from sweeps.tasks.coders import reference_lines
        from sweeps.tasks.coding import coding
        from sweeps.training.preflight import task_of

        kinds = {name: task_of(one.data) for name, one in asked.items()}
        told = {name: reference_of(kind) for name, kind in kinds.items()}
        if out is not None:
            from ablations.digest import digest
            from results.abstraction.coded import Coded, written

            facts = {name: coding(kind, told[name]) for name, kind in kinds.items()}
            written(out, [Coded(one.name, digest(one.data), unit=one.unit, **facts[name]) for name, one in asked.items()])
    if as_json:
        return print_json(told if len(told) > 1 else next(iter(told.values())))
    for name, bits in told.items():
        for line in reference_lines(name, bits, asked[name].unit, kinds[name].bits_per_byte()):
            OUT.print(line, soft_wrap=True)
    if out is not None:
        print(out)


def _tasks_of(names: list[str], studies: list[str]) -> 'dict[str, Task]':
    """Tasks by name or address, and those of studies that are scored in bits or nats. Raises ValueError without any."""
    from ablations.study_files import load_study
    from ablations.task_files import is_address, own_task
    from ablations.tasks import task as of_the_lab
    from ablations.tasks.metrics import metric

    asked = {name: (own_task if is_address(name) else of_the_lab)(name) for name in names}
    for study in map(load_study, studies):
        for one in study.tasks:
            # Two studies may ask a task of one name of other data.
            other = one.name in asked and asked[one.name].data != one.data
            if metric(one.metric) == metric('bits'):
                asked[f'{study.name}/{one.name}' if other else one.name] = one
    if not asked:
        raise ValueError('no task in bits or nats is named; give TASK, or --study STUDY with such tasks')
    return asked


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
