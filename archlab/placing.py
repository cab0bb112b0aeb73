"""Placing studies on the plane of abstraction: bits beyond the best coder of the data, over the size of the data."""

from pathlib import Path
from typing import Annotated

import typer

from archlab.answers import ERR, OUT, print_json
from archlab.options import RUNS, Json, Runs
from archlab.study_runs import open_study

commands = typer.Typer()


@commands.command(
    epilog='Example: archlab abstraction docs/founding/tokenisers.py norms --runs results/published --out figures'
)
def abstraction(
    studies: Annotated[list[str], typer.Argument(metavar='STUDY...', help='Studies by name or file; each task is a point.')],
    runs: Runs = RUNS,
    coders: Annotated[
        Path | None,
        typer.Option(metavar='FILE', help="What archlab data reference --out has written, beside the coders of the lab's own."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help='The folder to write the figure to, as PDF, SVG and PNG.')] = None,
    form: Annotated[str, typer.Option('--format', help='terminal, md or csv.')] = 'terminal',
    as_json: Json = False,
):
    """Bits per raw byte of the best tuned arm over the best coder made for the same data, against the size of the data.

    Tasks that are not scored in bits or nats, or whose coder nobody has measured, are named and left out.
    """
    from results.abstraction.coded import read, shipped
    from results.abstraction.place import places
    from results.abstraction.place_table import FORMATS, terminal
    from results.store import atomic

    allowed = ['terminal', *FORMATS]
    if form not in allowed:
        raise ValueError(f"format '{form}'; allowed: {allowed}")
    if out is not None:
        atomic.check_folder(out)
    known = shipped() | ({} if coders is None else read(coders))
    told = [places(open_study(study, runs).look, known) for study in studies]
    made, lacking = ([one for pair in told for one in pair[part]] for part in range(2))
    if not made:
        raise ValueError(
            f'no task can be placed: {"; ".join(lacking)}; measure coders: archlab data reference --study STUDY --out FILE, '
            'and give --coders FILE'
        )
    for sentence in lacking:
        ERR.print(f'archlab: left out: {sentence}', style='yellow', soft_wrap=True)
    files = {}
    if out is not None:
        from results.abstraction.plane import plane_figure
        from results.figures.style import SUFFIXES, rendered

        drawn = plane_figure(made)
        files = {str(out / f'abstraction.{suffix}'): rendered(drawn, suffix) for suffix in SUFFIXES}
        for path, content in files.items():
            atomic.replace(Path(path), content)
    if as_json:
        return print_json({'places': [one.to_dict() for one in made], 'left_out': lacking, 'written': list(files)})
    if form == 'terminal':
        OUT.print(terminal(made))
    else:
        print(FORMATS[form](made), end='')
    for path in files:
        print(path)
