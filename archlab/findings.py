"""Findings of a study: recipes, the table, figures, the report."""

from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import Exit

from archlab.answers import FINE, OUT, Terminal, print_json
from archlab.options import RUNS, Json, Name, Runs, Settings
from archlab.study_runs import StudyRuns, named_arm, open_study

commands = typer.Typer()


@commands.command(epilog='Example: archlab recipe quickstart/rms_norm')
def recipe(
    what: Annotated[str, typer.Argument(metavar='STUDY/ARM', help='An arm of a study.')],
    runs: Runs = RUNS,
    settings: Settings = None,
    as_json: Json = False,
):
    """What to use: the selected optimizer and values of an arm, per task and replicate."""
    from results.recipe import in_words
    from results.recipe import recipe as recipe_of

    study, arm = named_arm(what)
    facts = recipe_of(open_study(study, runs, settings).reading, arm)
    if as_json:
        return print_json(facts)
    for line in in_words(arm, facts):
        OUT.print(line, soft_wrap=True, style=None if line.startswith(' ') else 'bold')


@commands.command(epilog='Example: archlab table quickstart --format latex')
def table(
    studies: Annotated[
        list[str],
        typer.Argument(
            metavar='STUDY...',
            help='A study by name or file; several, or a flagship with its rungs, give one table of their effects.',
        ),
    ],
    runs: Runs = RUNS,
    settings: Settings = None,
    form: Annotated[str, typer.Option('--format', help='terminal, md, latex, csv, html or json.')] = 'terminal',
    wide: Annotated[bool, typer.Option('--wide', help='Every column, whatever the width of the screen.')] = False,
    as_json: Json = False,
):
    """The ablation table: every arm at its own best recipe beside the shared one, with intervals and verdicts.

    Of several studies: the effects and verdicts of each side by side.
    """
    from results.rendering import joint_text, text
    from results.tables import FORMATS

    allowed = ['terminal', *FORMATS]
    if form not in allowed:
        raise ValueError(f"format '{form}'; allowed: {allowed}")
    form = 'json' if as_json else form
    concluded = [one.conclusions for one in _all_of(studies, runs, settings)]
    if form != 'terminal':
        print(text(*concluded, form) if len(concluded) == 1 else joint_text(concluded, form), end='')
        return
    from results.tables.joint_terminal import joint_terminal
    from results.tables.terminal import WIDE, terminal

    out = Terminal(width=WIDE) if wide else OUT
    if len(concluded) == 1:
        out.print(terminal(concluded[0].findings, facts=concluded[0].facts, width=out.width))
    else:
        out.print(joint_terminal([(one.findings, one.facts) for one in concluded], out.width))


@commands.command(epilog='Example: archlab figure quickstart --kind effect --out figures')
def figure(
    study: Name,
    out: Annotated[Path, typer.Option(help='The folder to write to.')],
    kind: Annotated[
        list[str] | None,
        typer.Option(
            help='effect, verdicts, lr, expected_best, curves, pareto, path, interaction, ladder, amount; all if left out.'
        ),
    ] = None,
    runs: Runs = RUNS,
    settings: Settings = None,
    as_json: Json = False,
):
    """Figures as PDF, SVG and PNG: effects, verdicts, learning rates, budgets, curves, fronts, paths, interactions."""
    from results.rendering import figures
    from results.store import atomic

    atomic.check_folder(out)
    study_runs = open_study(study, runs, settings)
    files = figures(study_runs.look, study_runs.findings(), kind)
    for name, content in files.items():
        atomic.replace(out / name, content)
    paths = [str(out / name) for name in files]
    if as_json:
        return print_json(paths)
    print('\n'.join(paths))


@commands.command(epilog='Example: archlab report quickstart --out quickstart.html, while it runs with --live')
def report(
    studies: Annotated[
        list[str],
        typer.Argument(
            metavar='STUDY...',
            help='A study by name or file; several, or a flagship with its rungs, give one page of their answers.',
        ),
    ],
    out: Annotated[Path, typer.Option(help='The HTML file to write.')],
    runs: Runs = RUNS,
    settings: Settings = None,
    live: Annotated[
        bool,
        typer.Option('--live', help='Write the page again as packs end, until the study is complete; browsers reload it.'),
    ] = False,
    as_json: Json = False,
):
    """One self-contained page: question, verdicts, table, figures, checklist, budgets, recipes, every trial.

    The page of a study that is not complete says so. Exit status with --live as of `archlab status --watch`.
    """
    from results.rendering import page, pages
    from results.store import atomic, regular

    if out.is_dir():
        raise ValueError(f"--out '{out}' is a folder; give the name of a page, e.g. {out / 'report.html'}")
    regular.check_replaced(out, b'<', 'page')
    if not out.exists():
        atomic.check_folder(out.parent)
    if live and _several(studies):
        raise ValueError('--live with several studies; it takes one; leave the others out')
    if _several(studies):
        all_runs = _all_of(studies, runs, settings)
        atomic.replace(out, pages([(one.look, one.conclusions) for one in all_runs]))
    elif not live:
        study_runs = open_study(studies[0], runs, settings)
        atomic.replace(out, page(study_runs.look, study_runs.findings()))
    code = _live(studies[0], out, runs, settings) if live else FINE
    if as_json:
        print_json(str(out))
    else:
        print(out)
    if code:
        raise Exit(code)


def _several(names: list[str]) -> bool:
    """Whether these names are of more than one study, as that of a flagship is."""
    from ablations.flagships import FLAGSHIPS

    return len(names) > 1 or names[0] in FLAGSHIPS


def _all_of(names: list[str], runs: Path, settings: list[str] | None) -> list[StudyRuns]:
    """The runs of these studies, of a flagship those of its rungs. Raises ValueError for settings of more than one."""
    if not _several(names):
        return [open_study(names[0], runs, settings)]
    if settings:
        raise ValueError('--set with several studies; it takes one; leave the others out')
    return [open_study(name, runs) for name in _with_rungs(names, runs)]


def _with_rungs(names: list[str], runs: Path) -> list[str]:
    """Names of studies, with those of a flagship's rungs that have runs in place of its own. Raises ValueError without any."""
    from ablations.flagships import FLAGSHIPS
    from sweeps import manifest as manifests

    studies = []
    for name in names:
        rungs = [f'{name}_{rung}' for rung in FLAGSHIPS.get(name, ())]
        there = [rung for rung in rungs if (runs / rung / manifests.FILE).exists()]
        if rungs and not there:
            raise ValueError(
                f"no runs of flagship '{name}' in {runs}; run one of {rungs}, or give --runs the folder of its runs"
            )
        studies += there or [name]
    return studies


def _live(study: str, out: Path, runs: Path, settings: list[str] | None) -> int:
    """Write the page of a study whenever its records have changed, until nothing will change any more; the exit status."""
    from archlab.live_pages import live_pages
    from results.store import atomic

    code = FINE
    for seen, html in live_pages(study, runs, settings):
        if html is not None:
            atomic.replace(out, html)
        code = seen.code
    return code
