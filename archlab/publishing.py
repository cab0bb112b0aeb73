"""Publishing studies, and rendering or training published ones again."""

import dataclasses
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.exceptions import Exit

from archlab.answers import FELL_SHORT, print_json, waiting
from archlab.options import RUNS, Json, Name, Runs, Settings
from archlab.running import run_study
from archlab.study_runs import StudyRuns, open_study, study_name

if TYPE_CHECKING:
    from results.store.reading import Reading

PUBLISHED = Path('results/published')
commands = typer.Typer()


@commands.command(epilog='Example: archlab publish quickstart --out results/published')
def publish(
    study: Name,
    out: Annotated[Path, typer.Option(help='The folder of bundles; the study gets a folder there.')] = PUBLISHED,
    runs: Runs = RUNS,
    settings: Settings = None,
    force: Annotated[
        bool, typer.Option('--force', help='Also where a rule of the checklist fails; the bundle says so.')
    ] = False,
    searchers: Annotated[
        bool, typer.Option('--searchers', help='What archlab compare-searchers made of the study, in place of its verdicts.')
    ] = False,
    as_json: Json = False,
):
    """A finished study as a bundle: records, tables, figures, report, and what `archlab reproduce` needs to check them."""
    from results import bundle
    from results.rendering import everything
    from results.store import atomic

    atomic.check_folder(out)
    if searchers:
        path = _publish_comparison(study, out, runs, settings or [], force)
        return print_json(str(path)) if as_json else print(path)
    reading = open_study(study, runs, settings, remember=False).look
    bundle.broken_rules(reading, force)
    with waiting('rendering'):
        rendered = everything(reading)
    path = bundle.publish(reading, rendered, out, force)
    if as_json:
        return print_json(str(path))
    print(path)


def _publish_comparison(study: str, out: Path, runs: Path, settings: list[str], force: bool) -> Path:
    from ablations.settings import override
    from ablations.study_files import load_study
    from archlab.comparison_runs import open_comparison
    from results.gains import comparison_bundle
    from results.store import comparison_file

    if force:
        raise ValueError('--force is for rules of the checklist, and a comparison of searchers has none; leave it out')
    own = override(load_study(study), settings)
    comparison = open_comparison(own, runs / f'{own.name}{comparison_file.SUFFIX}', settings)
    with waiting('rendering'):
        rendered = comparison.everything()
    return comparison_bundle.publish(comparison.reading, rendered, comparison.told, out)


@commands.command(epilog='Example: archlab reproduce results/published/quickstart')
def reproduce(
    path: Annotated[Path, typer.Argument(metavar='PATH', help='The folder of a published study.')],
    study: Annotated[str | None, typer.Option(metavar='FILE', help='The study file, where it is not one of the lab.')] = None,
    blocks: Annotated[
        str | None, typer.Option(metavar='FILE', help='The block file, where the bundle was made with one set; it is run.')
    ] = None,
    rerun: Annotated[bool, typer.Option('--rerun', help='Train the whole study again and compare within noise.')] = False,
    runs: Annotated[
        Path | None, typer.Option(help='With --rerun: where to train; a folder that is removed after, else.')
    ] = None,
    tolerance: Annotated[
        float | None, typer.Option(help='With --rerun: how far apart the scores of a trial may be, in the unit of its metric.')
    ] = None,
    workers: Annotated[int | None, typer.Option(help='With --rerun: worker processes; one per core unless given.')] = None,
    as_json: Json = False,
):
    """Render a published study again from its records and compare byte by byte; exit 1 where a file or finding differs."""
    from results import bundle

    if not rerun and (runs is not None or tolerance is not None or workers is not None):
        raise ValueError('--runs, --tolerance and --workers are for --rerun, which trains again; add it, or leave them out')
    if tolerance is not None and not tolerance >= 0:
        raise ValueError(f'--tolerance {tolerance}; allowed: 0 or more')
    about = bundle.read(path)
    with tempfile.TemporaryDirectory(prefix='archlab-') as place:
        published = _published(path, about, study, blocks, Path(place))
        if rerun:
            facts, lines = _trained_again(path, published, runs or Path(place, 'again'), workers, tolerance)
        else:
            with waiting('rendering'):
                reading, rendered = _rendered_again(path, published)
            files = bundle.compare(path, about, rendered)
            why = bundle.reasons(path, about, reading)
            facts = {'files': [dataclasses.asdict(file) for file in files], 'reasons': why}
            facts['same'] = all(file.same for file in files)
            lines = [f'{"same" if one.same else "differs"}  {one.file}{f": {one.why}" if one.why else ""}' for one in files]
            lines += [] if facts['same'] else [f'likely: {sentence}' for sentence in why]
            lines.append(f'{sum(file.same for file in files)} of {len(files)} files are the same, byte by byte')
    if as_json:
        print_json(facts)
    else:
        print('\n'.join(lines))
    if not facts['same']:
        raise Exit(FELL_SHORT)


def _published(path: Path, about: dict, study: str | None, blocks: str | None, place: Path) -> StudyRuns:
    """The runs of a bundle, from a copy, so that nothing is written beside the bundle and no cache is used."""
    from ablations.settings import CODE, without_code
    from ablations.study_files import of_the_lab
    from results import bundle

    name = about['study']
    bundle.lay_out(path, place / name)
    if study is None and not of_the_lab(name):
        raise ValueError(f"{path} is of study '{name}', which is not one of the lab; give its file: --study {name}.py")
    if study is not None and study_name(study, place) != name:
        raise ValueError(
            f"{path} is of study '{name}', and --study {study} is '{study_name(study, place)}'; give the file of '{name}'"
        )
    settings = about['settings']
    if blocks is not None:
        settings = [one for one in settings if not str(one).startswith(f'{CODE}=')]
    settings = without_code(settings, path / bundle.FILE, '--blocks FILE')
    if blocks is not None:
        settings = [*settings, f'{CODE}={blocks}']
    return open_study(study or name, place, settings, remember=False)


def _rendered_again(path: Path, published: StudyRuns) -> tuple['Reading', dict[str, bytes]]:
    """What is read from a bundle's copy, and the files that follow from it."""
    from archlab.comparison_runs import open_comparison
    from results.rendering import everything
    from results.store import comparison_file

    if not comparison_file.is_comparison(path):
        return published.look, everything(published.look)
    comparison_file.save(published.folder, comparison_file.load(path))
    comparison = open_comparison(published.study, published.folder, published.settings)
    return comparison.reading, comparison.everything()


def _trained_again(path: Path, old: StudyRuns, runs: Path, workers: int | None, tolerance: float | None) -> tuple:
    """Facts and lines of the comparison of a published study with the same study trained again in `runs`."""
    from results import reproduction
    from results.store import comparison_file

    if comparison_file.is_comparison(path):
        raise ValueError(
            f'{path} is a comparison of searchers, and --rerun compares verdicts; train it again by archlab compare-searchers '
            f'with the numbers of its {comparison_file.FILE} and --runs, and read the two pages side by side'
        )
    if (runs / old.study.name).resolve() == path.resolve():
        raise ValueError(f'--runs {runs} is where the published records are, so nothing would be trained; give another folder')
    failures = run_study(old.study, runs, old.settings, workers)
    new = open_study(old.study, runs, old.settings)
    pairs = reproduction.pairs(old.look, new.look, old.findings(), new.findings())
    trials = reproduction.trials(old.look, new.look, tolerance)
    facts = {
        'findings': [pair.to_dict() for pair in pairs],
        'trials': trials.to_dict(),
        'environment': reproduction.environment_differences(old.look, new.look),
        'failures': sorted(set(failures.values())),
        'same': all(pair.holds for pair in pairs) and trials.agree,
    }
    lines = [pair.sentence() for pair in pairs] + trials.sentences()
    lines += [f'trained elsewhere: {sentence}' for sentence in facts['environment']]
    return facts, lines + [f'failed: {sentence}' for sentence in facts['failures']]
