"""Claims of all studies: listed, compared, and turned back into studies."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from archlab.answers import ERR, OUT, print_json, waiting
from archlab.options import RUNS, Json, Runs
from archlab.publishing import PUBLISHED
from archlab.study_runs import StudyRuns, open_study, ran_study

if TYPE_CHECKING:
    from ablations.study import Study
    from results.claims.collection import Collection
    from results.claims.source import Source

commands = typer.Typer()


@commands.command(epilog='Example: archlab claims --about dynamic_tanh')
def claims(
    files: Annotated[
        list[str] | None,
        typer.Argument(metavar='[FILE]...', help='Study files of your own, where a runs folder does not say what it is of.'),
    ] = None,
    runs: Runs = RUNS,
    published: Annotated[Path, typer.Option(help='A folder of published bundles.')] = PUBLISHED,
    about: Annotated[str | None, typer.Option(metavar='KIND', help='Only claims about this kind of block, or arm.')] = None,
    everything: Annotated[bool, typer.Option('--all', help='Undecided and not comparable ones too.')] = False,
    form: Annotated[str, typer.Option('--format', help='terminal, csv, jsonld, sentences or md.')] = 'terminal',
    out: Annotated[Path | None, typer.Option(help='The file to write to.')] = None,
    html: Annotated[Path | None, typer.Option(help='Write a page of its own to this file.')] = None,
    study: Annotated[
        str | None, typer.Option(metavar='CLAIM', help='Write the study that tests this claim anew to --out, or print it.')
    ] = None,
    blocks: Annotated[
        Path | None, typer.Option(metavar='FILE', help='With --study: the block file of the study that made the claim.')
    ] = None,
    as_json: Json = False,
):
    """What all studies conclude: every run and published one, as data and sentences; what contradicts, what supersedes."""
    from results.claims.by_kind import claims_about
    from results.claims.formats import FORMATS

    allowed = ['terminal', *FORMATS]
    if form not in allowed:
        raise ValueError(f"format '{form}'; allowed: {allowed}")
    if blocks is not None and study is None:
        raise ValueError('--blocks is for --study, which writes a study file; add it, or leave the option out')
    with waiting('reading studies'):
        collection = _collected(files or [], runs, published)
    if study is not None:
        taken = {path.name for folder in (runs, published) for path in folder.glob('*')}
        return _translated(collection, study, taken, out, blocks, as_json)
    if about is not None:
        collection = collection.only(claims_about(collection.claims, about))
    shown = collection if everything else collection.saying()
    page = None if html is None else (html, collection, about)
    _answer(shown, len(collection.claims) - len(shown.claims), form, out, page, as_json)


def _answer(shown: 'Collection', silent: int, form: str, out: Path | None, page: tuple | None, as_json: bool) -> None:
    """Print the claims, or write them to files and print their paths."""
    from results.claims.flat import to_dict
    from results.claims.formats import text
    from results.store import atomic

    if page is not None:
        from results.claims.page import page as page_of

        atomic.replace(page[0], page_of(page[1], page[2] or ''))
    if out is not None:
        atomic.replace(out, text(shown, form, silent, OUT.width))
    written = [str(path) for path in (out, page and page[0]) if path is not None]
    if as_json:
        print_json({**to_dict(shown), 'written': written})
    elif written:
        print('\n'.join(written))
    elif form == 'terminal':
        from results.claims.terminal import terminal

        OUT.print(terminal(shown, silent))
    else:
        print(text(shown, form, silent), end='')


def _translated(
    collection: 'Collection', digest: str, taken: set[str], out: Path | None, blocks: Path | None, as_json: bool
) -> None:
    """Write the study that tests a claim, under a name that is not `taken`."""
    from ablations.flagships import RUNG_STUDIES
    from ablations.studies import STUDIES
    from results.claims.collection import claim_at
    from results.claims.study_file import study_file
    from results.store import atomic

    claim = claim_at(collection, digest)
    made_by = next(one.study for one in collection.sources if one.digest == claim.study_digest)
    written = study_file(claim, made_by, {*STUDIES, *RUNG_STUDIES, *taken}, blocks)
    if out is not None:
        atomic.replace(out, written)
    if as_json:
        print_json({'claim': claim.digest, 'file': None if out is None else str(out), 'text': written})
    else:
        print(written if out is None else out, end='' if out is None else '\n')


def _collected(files: list[str], runs: Path, published: Path) -> 'Collection':
    """The claims in a folder of runs and a folder of bundles; places that cannot be read are named on standard error."""
    from results.claims.collection import collect

    given = {study.name: study for study in (ran_study(file, runs) for file in files)}
    readers = _readers(given, runs, published)
    strangers = [name for name in given if not (Path(runs) / name).is_dir()]
    if strangers:
        raise ValueError(f'no runs of {strangers} in {runs}; run them first, or give --runs the folder of your runs')
    if not readers:
        raise ValueError(
            f'there are no runs in {runs} and no bundles in {published}; run a study (archlab run quickstart), or give --runs '
            'or --published another folder'
        )
    collection = collect(readers)
    for sentence in collection.skipped:
        ERR.print(f'archlab: skipped: {" ".join(sentence.split())}', style='yellow', soft_wrap=True)
    if collection.skipped:
        ERR.print(f'archlab: {len(collection.skipped)} of {len(readers)} studies were skipped', style='yellow')
    return collection


def _readers(given: dict[str, 'Study'], runs: Path, published: Path) -> list[tuple[str, Callable[[], 'Source']]]:
    """(place, how to read it) of every study. A bundle is read as one wherever it lies, and once."""
    from results.bundle import FILE
    from results.claims.bundles import bundles_in, read_bundle
    from sweeps import manifest as manifests

    folders = sorted(path.parent for path in Path(runs).glob(f'*/{manifests.FILE}'))
    ran = [folder for folder in folders if not (folder / FILE).exists()]
    bundles = {path.resolve(): path for path in [*bundles_in(runs), *bundles_in(published)]}
    readers = [(str(folder), lambda folder=folder: _read_runs(folder, given)) for folder in ran]
    return readers + [(str(path), lambda path=path: read_bundle(path)) for path in bundles.values()]


def _read_runs(folder: Path, given: dict[str, 'Study']) -> 'Source':
    """The study in a runs folder with its findings at its last whole look, which counts as taken."""
    from results.claims.source import Source

    study_runs = _open(folder, given)
    rows = [finding.to_dict() for finding in study_runs.findings()]
    return Source(study_runs.study, study_runs.study.digest, rows, study_runs.manifest['costs'], 'runs', str(folder))


def _open(folder: Path, given: dict[str, 'Study']) -> StudyRuns:
    """The study of a runs folder: as its file was given, as the folder defines it, or the lab's own of that name."""
    from ablations.definition import study_of
    from ablations.digest import digest
    from ablations.study_files import of_the_lab
    from results.store import defined
    from sweeps import manifest as manifests

    if folder.name in given:
        return open_study(given[folder.name], folder.parent)
    definition, manifest = defined.load(folder), manifests.load(folder)
    if definition is not None and digest(definition) == manifest.get('digest'):
        study = study_of(definition)
        if study.name != folder.name:
            raise ValueError(f"{defined.FILE} defines the study '{study.name}'; a runs folder is named after its study")
        return StudyRuns(study, folder, manifest, list(manifest['settings']))
    if of_the_lab(folder.name):
        return open_study(folder.name, folder.parent)
    raise ValueError('it is of a study of your own, and does not say which; give the path of its file: archlab claims FILE.py')
