"""Searching: the comparison of searchers, how much of what each one claims to gain is confirmed."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.exceptions import Exit

from archlab.answers import ERR, FELL_SHORT, OUT, print_json
from archlab.options import RUNS, Data, Json, Name, Runs, Settings, use_data

if TYPE_CHECKING:
    from sweeps.protocol.searchers.comparison import Comparison

commands = typer.Typer()


@commands.command(epilog='Example: archlab compare-searchers quickstart --set tasks=digits --runs-each 60')
def compare_searchers(
    study: Name,
    runs: Runs = RUNS,
    settings: Settings = None,
    searchers: Annotated[str | None, typer.Option(help='Some of greedy, random, bayes and lab; all unless given.')] = None,
    runs_each: Annotated[int, typer.Option(help='Runs of each search.')] = 48,
    replicates: Annotated[int, typer.Option(help='Searches by each searcher on each task.')] = 5,
    seeds: Annotated[int, typer.Option(help='Fresh seeds for what a search starts and ends with.')] = 4,
    workers: Annotated[int | None, typer.Option(help='Worker processes; one per core unless given.')] = None,
    out: Annotated[Path | None, typer.Option(help='Write a page to this HTML file.')] = None,
    data: Data = None,
    as_json: Json = False,
):
    """Search a study's arms and values in several ways, with as many runs each, and confirm what each one ends with.

    Its runs have a folder of their own, STUDY_searchers. Stop it at any moment; running it again goes on where it was.
    """
    from ablations.settings import override
    from ablations.study_files import load_study
    from archlab.comparison_runs import abouts
    from results.gains.gain import gains as gains_of
    from results.rounding import plain
    from results.store import atomic
    from sweeps.protocol.searchers import SEARCHERS
    from sweeps.protocol.searchers.comparison import Comparison

    use_data(data)
    named = tuple(searchers.split(',')) if searchers is not None else tuple(SEARCHERS)
    comparison = Comparison(override(load_study(study), settings or []), named, runs_each, replicates, seeds)
    facts = {'runs': runs_each, 'replicates': replicates, 'seeds': seeds}
    records, failures = _run(comparison, runs, settings, workers, {**facts, 'searchers': list(named)})
    searched, own = comparison.searched(records), comparison.study
    gains = gains_of(searched)
    if out is not None:
        from results.gains.gains_page import page

        atomic.replace(out, page(own, gains, abouts(comparison), facts))
    if as_json:
        print_json({'study': own.name, **facts, 'gains': plain(gains), 'written': [str(out)] if out else []})
    else:
        from results.gains.gain_words import ABOUT, sentence, tables

        for table in tables(gains, {task.name: task for task in own.tasks}):
            OUT.print(table)
        for gain in gains:
            OUT.print(sentence(gain, own.task(gain.task)), soft_wrap=True)
        OUT.print(ABOUT, soft_wrap=True)
        if out is not None:
            print(out)
    if len(searched) < comparison.searches:
        lost = comparison.searches - len(searched)
        ERR.print(f'archlab: warning: {lost} of {comparison.searches} searches are left out: a run failed', style='yellow')
    for reason in sorted(set(failures.values())):
        ERR.print(f'archlab: failed: {reason}', style='red', soft_wrap=True)
    if failures or len(searched) < comparison.searches:
        raise Exit(FELL_SHORT)


def _run(comparison: 'Comparison', runs: Path, settings: list[str] | None, workers: int | None, facts: dict) -> tuple:
    """Run until every search is confirmed; gives the records and {pack id: reason} of failed packs.

    Raises ValueError where the folder has runs of a comparison with other numbers.
    """
    from results.store import comparison_file
    from results.store.records import prepare
    from sweeps.launch import make_launcher
    from sweeps.progress import Watch
    from sweeps.run import Run

    study = comparison.study
    folder = Path(runs) / f'{study.name}{comparison_file.SUFFIX}'
    told = {'study': study.name, 'digest': study.digest, **facts}
    if comparison_file.is_comparison(folder):
        before = comparison_file.load(folder)
        others = {name: before.get(name) for name in told if before.get(name) != told[name]}
        if others:
            asked = {name: told[name] for name in others}
            raise ValueError(
                f'{folder} holds a comparison with {others}, asked is {asked}: test data were read for that one; go on with '
                'its numbers, or give --runs another folder'
            )
    prepare(folder)
    comparison_file.save(folder, told)
    launcher = make_launcher('local', folder, workers, None, None)
    with Watch(study, ERR, launcher.outlives) as watch:
        outcome = Run(study, folder, launcher, watch, settings, plan=comparison.schedule)()
    return outcome.records, outcome.failures
