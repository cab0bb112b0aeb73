"""Judging: a study and a published table by the rules of an honest comparison, and the lab in simulated worlds."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from typer.exceptions import Exit

from archlab.answers import ERR, FELL_SHORT, OUT, print_json, waiting
from archlab.options import RUNS, Json, Name, Runs, Settings, use_data
from archlab.study_runs import open_study
from archlab.surroundings import surroundings

commands = typer.Typer()
LastData = Annotated[Path | None, typer.Option('--data', help='The data folder; else the one that the last run read.')]


@commands.command(epilog='Example: archlab verify quickstart')
def verify(study: Name, runs: Runs = RUNS, settings: Settings = None, data: LastData = None, as_json: Json = False):
    """The checklist of an honest comparison, rule by rule; exit 1 where a rule fails."""
    from results.verify import verify as checklist

    use_data(data)
    reading = open_study(study, runs, settings).reading
    checks = [*checklist(reading), *surroundings(reading, data)]
    if as_json:
        print_json([check.to_dict() for check in checks])
    else:
        for check in checks:
            mark = '[green]holds[/green]' if check.holds else '[red]fails[/red]'
            OUT.print(f'{mark}  [bold]{check.rule}[/bold]: {escape(check.why)}', markup=True, soft_wrap=True)
    if not all(check.holds for check in checks):
        raise Exit(FELL_SHORT)


@commands.command(epilog='Example: archlab audit results/published/convnext_roadmap.csv --format md')
def audit(
    file: Annotated[Path, typer.Argument(metavar='TABLE.csv', help='Published results: columns arm, value, sd, n and more.')],
    against: Annotated[
        str | None, typer.Option(help='Compare with the first or previous row of the task, or the one that this column names.')
    ] = None,
    lower_is_better: Annotated[bool, typer.Option('--lower-is-better', help='Where no column direction says so.')] = False,
    columns: Annotated[
        list[str] | None, typer.Option(metavar='OURS=THEIRS', help='What columns are called in the file: arm=model,value=top1.')
    ] = None,
    alpha: Annotated[float, typer.Option(help='The error rate of all comparisons together.')] = 0.05,
    form: Annotated[str, typer.Option('--format', help='terminal, md, csv or json.')] = 'terminal',
    as_json: Json = False,
):
    """The lab's statistics and rules on somebody's published table; exit 1 where a rule of an honest comparison is broken."""
    from results.audit.comparisons import audit as audit_of
    from results.audit.input import columns_of, read
    from results.audit.views import table, terminal

    named = None if against in ('first', 'previous') else against
    rows = read(file, named, lower_is_better, columns_of(columns or []))
    comparisons = audit_of(rows, against if against in ('first', 'previous') else None, alpha)
    if form == 'terminal' and not as_json:
        OUT.print(terminal(comparisons, alpha))
    else:
        print(table(comparisons, 'json' if as_json else form, alpha).rstrip('\n'))
    if any(one.broken() for one in comparisons):
        raise Exit(FELL_SHORT)


@commands.command(epilog='Example: archlab calibrate --world plain --studies 200')
def calibrate(
    world: Annotated[
        list[str] | None, typer.Option(help='A simulated world, or one of its cells; all of them where left out.')
    ] = None,
    studies: Annotated[int, typer.Option(help='Studies to simulate in each cell.', min=20)] = 2000,
    out: Annotated[
        Path | None, typer.Option(help='A folder for calibration.json and .md; studies that it holds are not run again.')
    ] = None,
    as_json: Json = False,
):
    """How often the lab claims what is not so, in simulated worlds of known truth; exit 1 where it keeps no promise."""
    from results.calibration import load, save, shortfalls, table_of, to_dict
    from sweeps.protocol.calibrate import calibrate as calibrate_worlds

    facts = known = load(out)
    with waiting('simulating') as spinner:

        def progress(name: str, done: int) -> None:
            if spinner is not None:
                spinner.update(f'{name}: {done} studies')
            else:
                ERR.print(f'calibrate: {name}: {done} studies', soft_wrap=True)

        for facts in calibrate_worlds(studies, world, known, progress):
            save(out, facts)
    if as_json:
        print_json(to_dict(facts))
    else:
        OUT.print(table_of(facts))
        for sentence in shortfalls(facts):
            OUT.print(f'falls short: {sentence}', style='red', soft_wrap=True)
    if shortfalls(facts):
        raise Exit(FELL_SHORT)
