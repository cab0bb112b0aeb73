"""archlab: the door. The command line, and the handful of functions that a notebook needs.

Each room is entered only where a command needs it: table, figure, report, status, verify and recipe never load jax.
"""

import contextlib
import dataclasses
import functools
import json
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from typer.exceptions import Abort, Exit, TyperException

FINE, FELL_SHORT, BAD_INPUT, INTERNAL = 0, 1, 2, 3
OUT, ERR = Console(), Console(stderr=True)

app = typer.Typer(
    help='An architecture ablation laboratory: every model at its own best recipe, and a verdict with honest statistics.',
    epilog='Example: archlab run quickstart, then archlab report quickstart --out quickstart.html',
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
Name = Annotated[str, typer.Argument(metavar='STUDY', help='A study of the lab by name, or the path of a study file.')]
Runs = Annotated[Path, typer.Option('--runs', help='Where records are kept; each study has a folder there.')]
Json = Annotated[bool, typer.Option('--json', help='Print JSON for programs.')]
Settings = Annotated[
    list[str] | None,
    typer.Option('--set', metavar='PATH=VALUE', help='Change the study, e.g. trials=8 or tasks.digits.steps=80.'),
]
RUNS = Path('runs')
PUBLISHED = Path('results/published')


def _waiting(text: str) -> contextlib.AbstractContextManager:
    """Says on a terminal what takes a few seconds."""
    return ERR.status(text) if ERR.is_terminal else contextlib.nullcontext()


def _print_json(value: object) -> None:
    print(json.dumps(value, indent=1, allow_nan=False))


@dataclasses.dataclass(frozen=True)
class Opened:
    """A study with all that its runs folder holds; what is asked for is read and worked out then, once.

    `remember` says whether findings that took long to work out are kept in the folder, and taken from there.
    """

    study: object
    folder: Path
    manifest: dict
    settings: list = dataclasses.field(default_factory=list)
    remember: bool = True

    @functools.cached_property
    def files(self) -> dict:
        """The record files with their sizes and times of change, before any was read."""
        from results.records import listing

        return listing(self.folder)

    @functools.cached_property
    def _read(self) -> tuple[dict, list]:
        from results.records import read_folder

        files = self.files  # listed before they are read, so that what is kept is never newer than its address
        found = read_folder(self.folder, self.study.name) if files else ({}, [])
        _warn_skipped(found[1])
        return found

    @property
    def records(self) -> dict:
        """Sound records by trial id."""
        return self._read[0]

    @property
    def skipped(self) -> list:
        """A sentence for each record file that is not used."""
        return self._read[1]

    @functools.cached_property
    def schedule(self) -> object:
        """All that the study wants so far."""
        from sweeps.plan import schedule

        return schedule(self.study, self.records, self.manifest)

    def findings(self) -> list:
        """The findings at the last whole look, which counts as taken (in the manifest, where it can be written)."""
        return self._found[0]

    def context(self) -> object:
        """What tables have to say beside the findings."""
        return self._found[1]

    @functools.cached_property
    def _found(self) -> tuple:
        from results import findings_cache

        def key() -> str:
            return findings_cache.key(self.study.digest, self.settings, self.manifest, self.files)

        kept = (self.folder / findings_cache.FOLDER).is_dir() if self.remember else False
        known = findings_cache.load(self.folder, key()) if kept else None
        if known is not None:
            return known
        began = time.monotonic()
        found = self._worked_out()
        slow = time.monotonic() - began >= findings_cache.SLOW
        # Files that were not used are named whenever the study is read.
        if self.remember and slow and not self.skipped:
            findings_cache.keep(self.folder, key(), *found)
        return found

    def _worked_out(self) -> tuple:
        from results.evidence import findings
        from results.tables import context
        from sweeps import manifest as manifests

        look = self.schedule.look
        if look and look not in self.manifest['looks']:
            self.manifest['looks'] = sorted([*self.manifest['looks'], look])
            with contextlib.suppress(ValueError):
                manifests.update(self.folder, looks=self.manifest['looks'])
        found = findings(self.study, self.schedule, self.records, self.manifest)
        return found, context(self.study, self.schedule, self.records, self.manifest, found)

    def checklist(self) -> list:
        """The rules of an honest comparison, each with whether it holds."""
        from results.verify import verify

        return verify(self.study, self.schedule, self.records, self.manifest, self.skipped)


def open_study(
    name: str, runs: Path = RUNS, settings: list[str] | None = None, must_exist: bool = True, remember: bool = True
) -> Opened:
    """A study by name or path with its records, manifest and schedule.

    Without settings those of the last run in the folder hold. Damaged or foreign record files are named on standard error
    and not used. Raises ValueError on an unknown study, bad settings, or (must_exist) a study that was never run there.
    """
    from ablations.catalog import load_study, override
    from sweeps import manifest as manifests

    study = load_study(name)
    folder = Path(runs) / study.name
    if must_exist and not (folder / manifests.FILE).exists():
        raise ValueError(f"no runs of study '{study.name}' in {runs}; run it first: archlab run {name} --runs {runs}")
    manifest = manifests.load(folder)
    kept = settings if settings else manifest['settings'] if must_exist else []
    return Opened(override(study, kept), folder, manifest, list(kept), remember)


def _warn_skipped(skipped: Sequence[str]) -> None:
    for sentence in skipped:
        ERR.print(f'archlab: warning: skipped: {sentence}', style='yellow', highlight=False, soft_wrap=True, markup=False)


def run_study(
    name: str,
    runs: Path = RUNS,
    settings: list[str] | None = None,
    workers: int | None = None,
    retry_failed: bool = False,
    console: Console | None = None,
) -> dict:
    """Run a study until it is complete; {pack id: reason} of packs that failed. Running again resumes."""
    from ablations.catalog import load_study, override
    from sweeps.progress import Watch
    from sweeps.run import Run

    study = override(load_study(name), settings or [])
    with Watch(study, console or ERR) as watch:
        return Run(study, Path(runs) / study.name, settings or [], workers, retry_failed, watch)().failures


@app.command('list', epilog='Example: archlab list blocks')
def list_(what: Annotated[str, typer.Argument(help='studies, blocks, models, tasks or optimizers.')], as_json: Json = False):
    """What the lab has: studies, blocks and where they fit, published models, tasks, optimizers."""
    from sweeps.listing import listing

    found = listing(what)
    if as_json:
        return _print_json(found)
    if what in ('blocks', 'models'):
        from results.sizes import fits_lines, model_lines

        return print('\n'.join(fits_lines(found) if what == 'blocks' else model_lines(found)))
    if what == 'optimizers':
        from sweeps.knobs import knob_lines

        about = [f'{name}  {optimizer["about"]}' for name, optimizer in found.items()]
        return print('\n'.join([*about, '', *knob_lines()]))
    for name, about in found.items():
        if isinstance(about, dict):
            about = ', '.join(
                f'{key} {value:g}' if isinstance(value, float) else f'{key} {value}' for key, value in about.items()
            )
        OUT.print(f'[bold]{name}[/bold]  {about}', highlight=False, soft_wrap=True)


@app.command(epilog='Example: archlab describe resnet50 --draw, or archlab describe resnet50 convnext_tiny')
def describe(
    what: Annotated[
        str,
        typer.Argument(metavar='MODEL|STUDY[/ARM]', help='A published model, a task (its base), a study, or one of its arms.'),
    ],
    other: Annotated[
        str | None, typer.Argument(metavar='OTHER', help='A second model or STUDY/ARM: both side by side, with what differs.')
    ] = None,
    batch: Annotated[int | None, typer.Option(help='Examples in a training step.')] = None,
    image_size: Annotated[int | None, typer.Option(help='Height and width of the images.')] = None,
    length: Annotated[int | None, typer.Option(help='Tokens in a sequence.')] = None,
    draw: Annotated[bool, typer.Option('--draw', help='Draw what it is composed of, part by part.')] = False,
    settings: Settings = None,
    as_json: Json = False,
):
    """Parameters, multiply-adds, FLOPs of a training step and activation memory, by role and part; or two models compared."""
    if draw and other:
        raise ValueError('--draw draws one model; leave the second out, or leave out --draw to compare them')
    with _waiting('counting what every model costs'):
        from sweeps.describe import Sizes, compare, subjects
        from sweeps.describe import describe as describe_models

        if draw:
            from sweeps.drawing import drawing, parts

            drawn = list(subjects(what, settings or [], Sizes(batch, image_size, length)).values())
            found = {subject.name: parts(subject) for subject in drawn} if as_json else [drawing(subject) for subject in drawn]
        elif other:
            found = compare(what, other, settings or [], Sizes(batch, image_size, length))
        else:
            found = describe_models(what, settings or [], batch, image_size, length)
    if as_json:
        return _print_json(found)
    if draw:
        return print('\n\n'.join('\n'.join(lines) for lines in found))
    from results.sizes import comparison_table, size_table

    if not other:
        return OUT.print(size_table(found, what))
    for pair in found:
        OUT.print(comparison_table(pair))
        if pair['note']:
            OUT.print(pair['note'], highlight=False)


@app.command(epilog='Example: archlab match quickstart/no_mixer --task digits')
def match(
    what: Annotated[str, typer.Argument(metavar='STUDY/ARM|MODEL', help='The arm or model whose size is to be changed.')],
    to: Annotated[
        str | None, typer.Option(metavar='ARM|MODEL', help="What it shall be as large as; the study's base where left out.")
    ] = None,
    task: Annotated[str | None, typer.Option(help='One task of the study; every task where left out.')] = None,
    by: Annotated[str, typer.Option(help='params, or macs: multiply-adds of one example.')] = 'params',
    knob: Annotated[str, typer.Option(help='width, ratio (hidden channels), or both: first width, then ratio.')] = 'both',
    tolerance: Annotated[float, typer.Option(help='How far off is near enough, as a share.')] = 0.01,
    settings: Settings = None,
    as_json: Json = False,
):
    """Make a model as large as another, for a fair comparison: the lines to put into a study; exit 1 where none is near."""
    with _waiting('trying widths'):
        from sweeps.matching import match as match_models

        found = match_models(what, to, task, by, tolerance, knob, settings or [])
    if as_json:
        _print_json(found)
    else:
        from results.sizes import match_lines

        for name, made in found.items():
            for line in match_lines(name, made):
                OUT.print(line, highlight=False, soft_wrap=True, markup=False)
    if not all(made['near'] for made in found.values()):
        raise Exit(FELL_SHORT)


@app.command(epilog='Example: archlab plan quickstart')
def plan(study: Name, runs: Runs = RUNS, settings: Settings = None, as_json: Json = False):
    """What would run now: trials, packs, budgets by arm and task, estimated time. Changes nothing."""
    from sweeps.outlook import costs_of, outlook

    found = open_study(study, runs, settings, must_exist=False)
    with _waiting('counting what every model costs'):
        if found.study.budget == 'compute' and not found.manifest['costs']:
            found.manifest['costs'] = costs_of(found.study)
        facts = outlook(found.study, found.schedule, found.records, found.manifest)
    if as_json:
        return _print_json(facts)
    from sweeps.progress import clock

    OUT.print(
        f'{found.study.name}: {facts["trials"]} trials in {facts["packs"]} packs would run now; {facts["done"]} are recorded; '
        f'{facts["expected"]} are foreseen in all; about {clock(facts["estimated_seconds"])} left ({facts["estimate_from"]})',
        highlight=False,
        soft_wrap=True,
    )
    from results.sizes import budget_table

    OUT.print(budget_table(facts['budget']))


@app.command(epilog='Example: archlab run quickstart --set replicates=5')
def run(
    study: Name,
    runs: Runs = RUNS,
    settings: Settings = None,
    launcher: Annotated[str, typer.Option(help='Who runs the workers; local is the only one so far.')] = 'local',
    workers: Annotated[int | None, typer.Option(help='Worker processes; one per core unless given.')] = None,
    retry_failed: Annotated[bool, typer.Option('--retry-failed', help='Run failed trials again.')] = False,
    trial: Annotated[
        str | None, typer.Option(help='Run one recorded or planned trial again and compare; records nothing.')
    ] = None,
    as_json: Json = False,
):
    """Run a study until it is complete. Stop it at any moment; running it again goes on where it was."""
    if launcher != 'local':
        raise ValueError(f"launcher '{launcher}'; allowed: ['local']")
    if trial is not None:
        from sweeps.rerun import rerun

        return _print_json(rerun(open_study(study, runs, settings, must_exist=False), trial))
    began = time.monotonic()
    failures = run_study(study, runs, settings, workers, retry_failed)
    found = open_study(study, runs, settings)
    findings = found.findings()
    if as_json:
        from results.tables import table as table_of

        print(table_of(findings, 'json', found.study.alpha, found.context()).rstrip('\n'))
    else:
        from results.terminal import terminal
        from sweeps.progress import clock

        OUT.print(terminal(findings, about=found.context()))
        OUT.print(
            f'{found.study.name}: {len(found.schedule.trials)} trials, {clock(time.monotonic() - began)}', highlight=False
        )
    from results.status import progress_of

    failed = progress_of(found.schedule, found.records, found.skipped)
    for reason in sorted({*failures.values(), *failed['failures']}):
        ERR.print(f'archlab: failed: {reason}', style='red', highlight=False, soft_wrap=True, markup=False)
    if failed['failed']:
        raise Exit(FELL_SHORT)


@app.command(epilog='Example: archlab status quickstart --watch')
def status(
    study: Annotated[
        str | None, typer.Argument(metavar='[STUDY]', help='A study; all studies in --runs where left out.')
    ] = None,
    runs: Runs = RUNS,
    settings: Settings = None,
    watch: Annotated[bool, typer.Option('--watch', help='Look again every two seconds until it is complete.')] = False,
    as_json: Json = False,
):
    """How far a study is: planned, done, ok, diverged, failed trials, and what records are no longer planned."""
    from results.status import progress_of, sentence

    while True:
        names = [study] if study else _studies_in(runs)
        facts = {}
        for name in names:
            found = open_study(name, runs, settings)
            facts[found.study.name] = progress_of(found.schedule, found.records, found.skipped)
        if as_json:
            return _print_json(facts[next(iter(facts))] if study else facts)
        for name, fact in facts.items():
            OUT.print(f'{name}: {sentence(fact)}', highlight=False, soft_wrap=True)
        if not watch or all(fact['complete'] for fact in facts.values()):
            return
        time.sleep(2)


def _studies_in(runs: Path) -> list[str]:
    from ablations.catalog import STUDIES

    names = sorted(path.parent.name for path in Path(runs).glob('*/manifest.json'))
    for name in names:
        if name not in STUDIES:
            ERR.print(f'archlab: {runs / name} is of a study of your own; give the path of its file', highlight=False)
    names = [name for name in names if name in STUDIES]
    if not names:
        raise ValueError(f'no runs of the built-in studies in {runs}; name a study, or give --runs the folder of your runs')
    return names


@app.command(epilog='Example: archlab query "select arm, task, avg(score) from trials group by all order by all"')
def query(
    sql: Annotated[
        str | None, typer.Argument(metavar='[SQL]', help='One SELECT over trials, evaluations, packs, findings and selected.')
    ] = None,
    runs: Runs = RUNS,
    study: Annotated[str | None, typer.Option(help='One study by name or file; all in --runs where left out.')] = None,
    form: Annotated[str, typer.Option('--format', help='table, csv, json or md.')] = 'table',
    limit: Annotated[int | None, typer.Option(help='Rows at most; 100 in a table, else all, where left out.')] = None,
    schema: Annotated[bool, typer.Option('--schema', help='Views and their columns; so does leaving out the SQL.')] = False,
    as_json: Json = False,
):
    """SQL over the records, read only: one row a trial, an evaluation or a pack; and findings, selected points."""
    from results.query import FORMATS, SHOWN, ask, described, render, schema_lines

    if form not in FORMATS:
        raise ValueError(f"format '{form}'; allowed: {list(FORMATS)}")
    name, form = _study_name(study), 'json' if as_json else form
    with _waiting('reading records'):
        if schema or sql is None:
            found = described(runs, name)
        else:
            limit = limit if limit is not None or form != 'table' else SHOWN
            found = ask(sql, runs, name, limit, _derived(study, runs))
    if schema or sql is None:
        return _print_json(found) if form == 'json' else print('\n'.join(schema_lines(found)))
    _warn_skipped(found.skipped)
    print(render(found, form, OUT.width if OUT.is_terminal else None), end='')


def _study_name(study: str | None) -> str | None:
    """The name under which a study's runs are kept, which is not that of its file."""
    if study is None or not study.endswith('.py'):
        return study
    from ablations.catalog import load_study

    return load_study(study).name


def _derived(study: str | None, runs: Path) -> dict:
    """What only a whole study can say, by the name under which a query asks for it."""

    @functools.cache
    def opened() -> list[Opened]:
        return [open_study(name, runs) for name in ([study] if study else _studies_in(runs))]

    def selected() -> list[dict]:
        from results.frames import selected

        return [row for found in opened() for row in selected(found.study, found.schedule)]

    return {
        'findings': lambda: [finding.to_dict() for found in opened() for finding in found.findings()],
        'selected': selected,
    }


def trials(study: str | None = None, runs: Path = RUNS, view: str = 'trials'):
    """The records of a study (of all in `runs` where it is None) as a DuckDB relation, one row a trial.

    `.df()` gives a pandas DataFrame, `.arrow()` a pyarrow Table, `.pl()` a polars DataFrame, where these are installed;
    `.filter('score > 0.9')`, `.aggregate('arm, avg(score)')` and `.fetchall()` need nothing. `view` may also be
    'evaluations' (one row an evaluation point) or 'packs'. Raises ValueError on an unknown study or view.
    """
    from results.frames import trials

    found = trials(runs, _study_name(study), view)
    _warn_skipped(found.skipped)
    return found


@app.command(epilog='Example: archlab recipe quickstart/rms_norm')
def recipe(
    what: Annotated[str, typer.Argument(metavar='STUDY/ARM', help='An arm of a study.')],
    runs: Runs = RUNS,
    settings: Settings = None,
    as_json: Json = False,
):
    """What to use: the selected optimizer and values of an arm, per task and replicate."""
    from results.recipe import in_words
    from results.recipe import recipe as recipe_of

    study, _, arm = what.rpartition('/')
    if not study:
        raise ValueError(f"'{what}' names no arm; write STUDY/ARM, e.g. quickstart/layer_norm")
    found = open_study(study, runs, settings)
    facts = recipe_of(found.study, found.schedule, arm)
    if as_json:
        return _print_json(facts)
    for line in in_words(arm, facts):
        OUT.print(line, highlight=False, soft_wrap=True)


@app.command(epilog='Example: archlab table quickstart --format latex')
def table(
    study: Name,
    runs: Runs = RUNS,
    settings: Settings = None,
    form: Annotated[str, typer.Option('--format', help='terminal, md, latex, csv, html or json.')] = 'terminal',
    as_json: Json = False,
):
    """The ablation table: every arm at its own best recipe beside the shared one, with intervals and verdicts."""
    from results.rendering import text
    from results.tables import FORMATS

    allowed = ['terminal', *FORMATS]
    if form not in allowed:
        raise ValueError(f"format '{form}'; allowed: {allowed}")
    found = open_study(study, runs, settings)
    if form == 'terminal' and not as_json:
        from results.terminal import terminal

        OUT.print(terminal(found.findings(), about=found.context()))
    else:
        print(text(found, 'json' if as_json else form), end='')


@app.command(epilog='Example: archlab figure quickstart --kind effect --out figures')
def figure(
    study: Name,
    out: Annotated[Path, typer.Option(help='The folder to write to.')],
    kind: Annotated[
        list[str] | None,
        typer.Option(
            help='effect, verdicts, lr, expected_best, curves, pareto, path, interaction or ladder; all that apply if left out.'
        ),
    ] = None,
    runs: Runs = RUNS,
    settings: Settings = None,
    as_json: Json = False,
):
    """Figures as PDF, SVG and PNG: effects, verdicts, learning rates, budgets, curves, fronts, paths, interactions."""
    from results.rendering import figures

    files = figures(open_study(study, runs, settings), kind)
    out.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (out / name).write_bytes(content)
    paths = [str(out / name) for name in files]
    if as_json:
        return _print_json(paths)
    print('\n'.join(paths))


@app.command(epilog='Example: archlab report quickstart --out quickstart.html')
def report(
    study: Name,
    out: Annotated[Path, typer.Option(help='The HTML file to write.')],
    runs: Runs = RUNS,
    settings: Settings = None,
    as_json: Json = False,
):
    """One self-contained page: question, verdicts, table, figures, checklist, budgets, recipes, every trial."""
    from results.rendering import page

    written = page(open_study(study, runs, settings))
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(written, encoding='utf-8')
    if as_json:
        return _print_json(str(out))
    print(out)


@app.command(epilog='Example: archlab publish quickstart --out results/published')
def publish(
    study: Name,
    out: Annotated[Path, typer.Option(help='The folder of bundles; the study gets a folder there.')] = PUBLISHED,
    runs: Runs = RUNS,
    settings: Settings = None,
    force: Annotated[
        bool, typer.Option('--force', help='Also where a rule of the checklist fails; the bundle says so.')
    ] = False,
    as_json: Json = False,
):
    """A finished study as a bundle: records, tables, figures, report, and what `archlab reproduce` needs to check them."""
    from results import bundle
    from results.rendering import everything

    found = open_study(study, runs, settings, remember=False)
    bundle.failing(found, force)
    with _waiting('rendering'):
        rendered = everything(found)
    path = bundle.publish(found, rendered, out, force)
    if as_json:
        return _print_json(str(path))
    print(path)


@app.command(epilog='Example: archlab reproduce results/published/quickstart')
def reproduce(
    path: Annotated[Path, typer.Argument(metavar='PATH', help='The folder of a published study.')],
    study: Annotated[str | None, typer.Option(metavar='FILE', help='The study file, where it is not one of the lab.')] = None,
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
    from results.rendering import everything

    if not rerun and (runs is not None or tolerance is not None or workers is not None):
        raise ValueError('--runs, --tolerance and --workers are for --rerun, which trains again; add it, or leave them out')
    if tolerance is not None and not tolerance >= 0:
        raise ValueError(f'--tolerance {tolerance}; allowed: 0 or more')
    about = bundle.read(path)
    with tempfile.TemporaryDirectory(prefix='archlab-') as place:
        found = _published(path, about, study, Path(place))
        if rerun:
            facts, lines = _trained_again(
                path, found, study or about['study'], runs or Path(place, 'again'), workers, tolerance
            )
        else:
            with _waiting('rendering'):
                files = bundle.compare(path, about, everything(found))
            why = bundle.reasons(path, about, found)
            facts = {'files': [dataclasses.asdict(file) for file in files], 'reasons': why}
            facts['same'] = all(file.same for file in files)
            lines = [f'{"same" if one.same else "differs"}  {one.file}{f": {one.why}" if one.why else ""}' for one in files]
            lines += [] if facts['same'] else [f'likely: {sentence}' for sentence in why]
            lines.append(f'{sum(file.same for file in files)} of {len(files)} files are the same, byte by byte')
    if as_json:
        _print_json(facts)
    else:
        print('\n'.join(lines))
    if not facts['same']:
        raise Exit(FELL_SHORT)


def _published(path: Path, about: dict, study: str | None, place: Path) -> Opened:
    """A bundle as an opened study, from a copy, so that nothing is written beside it and nothing is remembered."""
    from ablations.catalog import STUDIES
    from results import bundle

    name = about['study']
    if study is None and name not in STUDIES:
        raise ValueError(f"{path} is of study '{name}', which is not one of the lab; give its file: --study {name}.py")
    if study is not None and _study_name(study) != name:
        raise ValueError(
            f"{path} is of study '{name}', and --study {study} is '{_study_name(study)}'; give the file of '{name}'"
        )
    bundle.lay_out(path, place / name)
    return open_study(study or name, place, about['settings'], remember=False)


def _trained_again(path: Path, old: Opened, name: str, runs: Path, workers: int | None, tolerance: float | None) -> tuple:
    """Facts and lines about a published study beside the same one trained again in `runs`."""
    from results import reproduction

    if (runs / old.study.name).resolve() == path.resolve():
        raise ValueError(f'--runs {runs} is where the published records are, so nothing would be trained; give another folder')
    failures = run_study(name, runs, old.settings, workers)
    new = open_study(name, runs, old.settings)
    pairs, trials = reproduction.pairs(old, new), reproduction.trials(old, new, tolerance)
    facts = {
        'findings': [pair.to_dict() for pair in pairs],
        'trials': trials.to_dict(),
        'environment': reproduction.foreign(old, new),
        'failures': sorted(set(failures.values())),
        'same': all(pair.holds for pair in pairs) and not trials.missing and not (trials.far and trials.judged),
    }
    lines = [pair.sentence() for pair in pairs] + trials.sentences()
    lines += [f'trained elsewhere: {sentence}' for sentence in facts['environment']]
    return facts, lines + [f'failed: {sentence}' for sentence in facts['failures']]


@app.command(epilog='Example: archlab verify quickstart')
def verify(study: Name, runs: Runs = RUNS, settings: Settings = None, as_json: Json = False):
    """The checklist of an honest comparison, rule by rule; exit 1 where a rule fails."""
    checks = open_study(study, runs, settings).checklist()
    if as_json:
        _print_json([check.to_dict() for check in checks])
    else:
        for check in checks:
            mark = '[green]holds[/green]' if check.holds else '[red]fails[/red]'
            OUT.print(f'{mark}  [bold]{check.rule}[/bold]: {check.why}', highlight=False, soft_wrap=True)
    if not all(check.holds for check in checks):
        raise Exit(FELL_SHORT)


@app.command(epilog='Example: archlab audit results/published/convnext_roadmap.csv --format md')
def audit(
    file: Annotated[Path, typer.Argument(metavar='TABLE.csv', help='Published results: columns arm, value, sd, n and more.')],
    against: Annotated[
        str | None, typer.Option(help='Compare with the first or previous row of the task, or the one that this column names.')
    ] = None,
    lower_is_better: Annotated[bool, typer.Option('--lower-is-better', help='Where no column direction says so.')] = False,
    alpha: Annotated[float, typer.Option(help='The error rate of all comparisons together.')] = 0.05,
    form: Annotated[str, typer.Option('--format', help='terminal, md, csv or json.')] = 'terminal',
    as_json: Json = False,
):
    """The lab's statistics and rules on somebody's published table; exit 1 where a rule of an honest comparison is broken."""
    from results.audit import audit as audit_of
    from results.audit_input import read
    from results.audit_views import table, terminal

    rows = read(file, None if against in ('first', 'previous') else against, lower_is_better)
    found = audit_of(rows, against if against in ('first', 'previous') else None, alpha)
    if form == 'terminal' and not as_json:
        OUT.print(terminal(found, alpha))
    else:
        print(table(found, 'json' if as_json else form, alpha).rstrip('\n'))
    if any(one.broken() for one in found):
        raise Exit(FELL_SHORT)


@app.command(epilog='Example: archlab calibrate --world plain --studies 200')
def calibrate(
    world: Annotated[
        list[str] | None, typer.Option(help='A simulated world; all of them, with power and looks, where left out.')
    ] = None,
    studies: Annotated[int, typer.Option(help='Studies to simulate in each world.', min=20)] = 2000,
    out: Annotated[
        Path | None, typer.Option(help='A folder for calibration.json and .md; parts that it holds are not run again.')
    ] = None,
    as_json: Json = False,
):
    """How often the lab claims what is not so, in simulated worlds of known truth; exit 1 where it keeps no promise."""
    from results.calibration import PARTS, keep, load, shortfalls, table_of, to_dict
    from sweeps.calibrate import calibrate as calibrate_worlds

    facts = None
    with _waiting('simulating') as waiting:

        def tell(name: str, done: int) -> None:
            if waiting is not None:
                waiting.update(f'{name}: {done} studies')

        for facts in calibrate_worlds(studies, world, load(out), tell):
            keep(out, facts)
            if waiting is None:
                ERR.print(f'calibrate: {sum(len(facts[part]) for part in PARTS)} parts done', highlight=False)
    if facts is None:
        facts = load(out)
    if as_json:
        _print_json(to_dict(facts))
    else:
        OUT.print(table_of(facts))
        for sentence in shortfalls(facts):
            OUT.print(f'falls short: {sentence}', style='red', highlight=False, soft_wrap=True)
    if shortfalls(facts):
        raise Exit(FELL_SHORT)


@app.command(epilog='Example: archlab check my_norm.py')
def check(
    file: Annotated[Path, typer.Argument(metavar='FILE.py', help='A file that defines e.g. NORMS = {...}.')],
    as_json: Json = False,
):
    """Contract tests on blocks of your own: shapes, types, gradients, causality, lanes, names; exit 1 where one is broken."""
    with _waiting('checking'):
        from sweeps.check import check_file

        found = check_file(file)
    if as_json:
        _print_json(found)
    else:
        for name, contracts in found.items():
            broken = [contract for contract in contracts if not contract['holds']]
            OUT.print(
                f'[bold]{name}[/bold]  {len(contracts) - len(broken)} of {len(contracts)} contracts hold', highlight=False
            )
            for contract in broken:
                OUT.print(f'  [red]broken[/red]  {contract["rule"]}: {contract["why"]}', highlight=False, soft_wrap=True)
    if not all(contract['holds'] for contracts in found.values() for contract in contracts):
        raise Exit(FELL_SHORT)


@app.command('import-weights', epilog='Example: archlab import-weights gpt2 model.safetensors --out gpt2.safetensors')
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
    with _waiting('importing'):
        from arch.published.importing import import_file

        facts = import_file(model, file, out)
    if as_json:
        return _print_json(facts)
    OUT.print(
        f'{model}: {facts["tensors"]} tensors, {facts["parameters"]:,} parameters, written to {out}',
        highlight=False,
        soft_wrap=True,
        markup=False,
    )


def _one_line(error: BaseException) -> str:
    return ' '.join(str(error).split())


def main(arguments: list[str] | None = None) -> int:
    """Run a command; the exit status: 0 fine, 1 fell short, 2 bad input, 3 internal error."""
    try:
        result = app(arguments, standalone_mode=False)
        code = result if isinstance(result, int) else FINE
    except Exit as stop:
        code = stop.exit_code
    except (Abort, KeyboardInterrupt):
        print('archlab: stopped; run the same command again to go on', file=sys.stderr)
        code = 130
    except TyperException as error:
        print(f'archlab: error: {_one_line(error.format_message())}; see archlab --help', file=sys.stderr)
        code = BAD_INPUT
    except ValueError as error:
        print(f'archlab: error: {_one_line(error)}', file=sys.stderr)
        code = BAD_INPUT
    except BrokenPipeError:
        sys.stderr.close()
        code = FINE
    except OSError as error:
        print(
            f'archlab: error: {error.filename or ""}: {error.strerror or error}; check the path and the disk', file=sys.stderr
        )
        code = BAD_INPUT
    except Exception as error:
        with tempfile.NamedTemporaryFile('w', prefix='archlab-', suffix='.log', delete=False) as log:
            traceback.print_exc(file=log)
        print(f'archlab: internal error: {type(error).__name__}: {_one_line(error)}; details: {log.name}', file=sys.stderr)
        code = INTERNAL
    return code


if __name__ == '__main__':
    sys.exit(main())
