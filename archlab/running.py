"""Running studies: what would run, and running it."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from typer.exceptions import Exit

from archlab.answers import ERR, FELL_SHORT, OUT, print_json, waiting
from archlab.options import RUNS, Data, Json, Name, Runs, Settings, seconds_of, use_data
from archlab.study_runs import StudyRuns, open_study, study_name

if TYPE_CHECKING:
    from ablations.study import Study

commands = typer.Typer()
CLUSTER = 'On a cluster (see archlab.toml in the README)'


def run_study(
    study: 'str | Study',
    runs: Path = RUNS,
    settings: list[str] | None = None,
    workers: int | None = None,
    retry_failed: bool = False,
    console: Console | None = None,
    launcher: str = 'local',
    cluster: Mapping[str, object] | None = None,
    beside: Path | None = None,
    **saving: object,
) -> dict:
    """Run a study until it is complete; gives {pack id: reason} of failed packs. Running again resumes.

    `study` is a name or path, or one in memory to which `settings` are applied already.
    `launcher` is a key of LAUNCHERS (sweeps/launch), and `cluster` what is asked of its cluster; the rest may stand in settings
    files, one of them `beside` the study's. `saving` (sweeps.training.saving) sets the minutes or steps between the
    checkpoints of a long pack, and whether weights are kept.
    """
    from ablations.settings import override
    from ablations.study_files import load_study
    from sweeps.launch import make_launcher
    from sweeps.progress import Watch
    from sweeps.run import Run
    from sweeps.training.saving import Saving

    if isinstance(study, str):
        study = override(load_study(study), settings or [])
    folder, saved = Path(runs) / study.name, Saving(**saving)
    crew = make_launcher(launcher, folder, workers, cluster, beside)
    with Watch(study, console or ERR, crew.outlives) as watch:
        return Run(study, folder, crew, watch, settings, retry_failed, saved)().failures


@commands.command(epilog='Example: archlab plan quickstart, or archlab plan quickstart --budget 6h')
def plan(
    study: Name,
    runs: Runs = RUNS,
    settings: Settings = None,
    budget: Annotated[
        str | None,
        typer.Option(
            metavar='TIME',
            help='What so much time for the whole study (6h, 90m) can decide, which trials, seeds and replicates are best, and '
            'where the next hour goes best: from the variances of its own records, without a look at effects.',
        ),
    ] = None,
    device: Annotated[
        str | None, typer.Option(help='Also estimate it on one a100, h100 or tpu-v5e, from its peak and an assumed share.')
    ] = None,
    devices: Annotated[
        int | None, typer.Option(help='So many of these devices, which train each trial together; with --device.', min=1)
    ] = None,
    data: Data = None,
    as_json: Json = False,
):
    """What would run now: trials, packs, budgets by arm and task, estimated time. Changes nothing."""
    if devices is not None and device is None:
        raise ValueError('--devices without --device; name them, such as --device h100 --devices 8')
    if budget is not None and device is not None:
        raise ValueError('--budget and --device; allowed: one of them, because a budget goes by what runs took here')
    if budget is not None:
        # Of a study that ran, as it ran: its records are of those settings.
        ran = (runs / study_name(study, runs) / 'manifest.json').exists()
        return _decidable(study, open_study(study, runs, settings, must_exist=ran), budget, as_json)
    from sweeps.forecast import costs_of, forecast

    use_data(data)
    study_runs = open_study(study, runs, settings, must_exist=False)
    with waiting('counting what every model costs'):
        if study_runs.study.budget == 'compute' and not study_runs.manifest['costs']:
            costs = costs_of(study_runs.study)
            study_runs = dataclasses.replace(study_runs, manifest={**study_runs.manifest, 'costs': costs})
        facts = forecast(study_runs.reading, device, devices or 1)
    if as_json:
        return print_json(facts)
    from sweeps.progress import clock

    OUT.print(
        f'{study_runs.study.name}: {facts["trials"]} trials in {facts["packs"]} packs would run now; '
        f'{facts["done"]} are recorded; {facts["expected"]} are foreseen in all; '
        f'about {clock(facts["estimated_seconds"])} left, {clock(facts["compile_seconds"])} of it to compile '
        f'({facts["estimate_from"]})',
        soft_wrap=True,
    )
    if device:
        for line in _on_devices(facts['on_device']):
            OUT.print(line, soft_wrap=True)
    if len(study_runs.study.arms) == 1:
        what = f"'{study_runs.study.base}' is the only arm, so nothing is compared; give the study another one"
        OUT.print(what, soft_wrap=True)
    if facts['absent']:
        what = f'not prepared, and needed to run: {", ".join(facts["absent"])}; archlab data prepare NAME --source PATH'
        OUT.print(what, soft_wrap=True)
    for name, shape in facts['declared'].items():
        size = ' x '.join(map(str, shape))
        what = f'{name} is counted at {size}, which it is prepared at unless --size says otherwise: costs are of that size'
        OUT.print(what, soft_wrap=True)
    for one in facts['test_splits']:
        if one['sentence']:
            OUT.print(one['sentence'], soft_wrap=True)
    for name, said in facts['giveaways'].items():
        what = f"set '{name}': {'; '.join(said)}; leave out what is made from the answer or known only after it"
        OUT.print(what, soft_wrap=True)
    from results.stops import stops_in_words
    from results.tables.sizes import budget_table

    if stopped := stops_in_words(study_runs.study, study_runs.reading.schedule):
        OUT.print(stopped, soft_wrap=True)
    OUT.print(budget_table(facts['budget']))


def _on_devices(facts: dict) -> list[str]:
    """The time of a study on named devices, and the memory of the trial that takes most of them."""
    from sweeps.progress import clock

    count, needs = facts['devices'], facts['needs']
    where = f'one {facts["device"]}' if count == 1 else f'{count} {facts["device"]} that train each trial together'
    first = (
        f'on {where}: about {clock(facts["seconds"])} and compiling, at {facts["share"]:.0%} of {facts["peak"] / 1e12:.0f} '
        'TFLOP/s, which is assumed; models of less than a million parameters take longer'
    )
    if count > 1:
        first += (
            f'; {clock(facts["exchange_seconds"])} of it they exchange gradients and parameters at '
            f'{facts["link"] / 1e9:.0f} GB/s, counted as if they did not compute meanwhile'
        )
    if needs is None:
        return [first]
    if needs['sharing'] < count:
        first += f"; they do not divide every batch: that of '{needs['task']}' is spread over {needs['sharing']}"
    spread = f', spread over {needs["model"]} of them' if needs['model'] > 1 else ''
    second = (
        f"'{needs['arm']}' on {needs['task']} takes most: {(needs['weights'] + needs['activations']) / 1e9:.3g} GB of "
        f'{"it" if count == 1 else "each"} (parameters, gradients and moments {needs["weights"] / 1e9:.3g} GB{spread}; '
        f'activations {needs["activations"] / 1e9:.3g} GB), of {facts["memory"] / 1e9:.0f} GB'
    )
    if not needs['fits']:
        second += """; that does not fit: more devices, a smaller batch, or put('body.remat', True)"""
        if count > 1:
            second += ' (a run also tries to leave parameters spread while it computes, which may take less)'
    return [first, second]


def _decidable(name: str, study_runs: StudyRuns, budget: str, as_json: bool) -> None:
    """Print what a budget of time can decide; this neither loads jax nor counts as a look."""
    from results.prospect import Price, prospect
    from sweeps.forecast import seconds_by_phase
    from sweeps.machine import cores

    time, reading = seconds_of(budget, '--budget'), study_runs.reading
    tasks = [task.name for task in reading.study.tasks]
    known, price = seconds_by_phase(reading), None
    if set(known) == set(tasks):
        price = Price(*({name: known[name][phase] for name in tasks} for phase in (0, 1)), cores())
    facts = prospect(reading, price, time, study_runs.settings)
    if as_json:
        return print_json(facts)
    from results.tables.prospects import lines
    from sweeps.progress import clock

    for line in lines(facts, clock, name):
        OUT.print(line, soft_wrap=isinstance(line, str))


@commands.command(epilog='Example: archlab run quickstart --set replicates=5')
def run(
    study: Name,
    runs: Runs = RUNS,
    settings: Settings = None,
    launcher: Annotated[str, typer.Option(help='Who runs the workers: local (this machine), slurm or ray.')] = 'local',
    workers: Annotated[
        int | None, typer.Option(help='Worker processes; one per core here unless given, on a cluster as many as it lets run.')
    ] = None,
    devices: Annotated[int | None, typer.Option(help='Devices of a worker on this machine; one unless given.')] = None,
    partition: Annotated[str | None, typer.Option(help='Slurm: the partition.', rich_help_panel=CLUSTER)] = None,
    nodes: Annotated[int | None, typer.Option(help='Slurm: nodes of a worker.', rich_help_panel=CLUSTER)] = None,
    gpus: Annotated[
        int | None, typer.Option(help='GPUs of a worker, with --nodes on each node.', rich_help_panel=CLUSTER)
    ] = None,
    cpus: Annotated[int | None, typer.Option(help='CPUs of a worker.', rich_help_panel=CLUSTER)] = None,
    memory: Annotated[str | None, typer.Option(help='Memory of a worker, such as 8G.', rich_help_panel=CLUSTER)] = None,
    time: Annotated[
        str | None, typer.Option(help='Slurm: the time limit of a worker, such as 2:00:00.', rich_help_panel=CLUSTER)
    ] = None,
    address: Annotated[
        str | None, typer.Option(help='Ray: the head node, HOST:PORT, auto or local.', rich_help_panel=CLUSTER)
    ] = None,
    sbatch: Annotated[
        list[str] | None,
        typer.Option(help='Slurm: a further option of sbatch, as it is; may be repeated.', rich_help_panel=CLUSTER),
    ] = None,
    retry_failed: Annotated[bool, typer.Option('--retry-failed', help='Run failed trials again.')] = False,
    until: Annotated[
        str | None, typer.Option(help="'decided': look after every replicate, and stop where every comparison is decided.")
    ] = None,
    at_most: Annotated[int | None, typer.Option(help='With --until: the largest number of replicates.')] = None,
    trial: Annotated[
        str | None, typer.Option(help='Run one recorded or planned trial again and compare; records nothing.')
    ] = None,
    checkpoint_minutes: Annotated[
        float | None,
        typer.Option(
            help='How often a pack that runs long is kept, so that a killed run goes on inside it; 30 unless given, on a '
            'cluster 10 and at most a quarter of a time limit.'
        ),
    ] = None,
    checkpoint_steps: Annotated[int | None, typer.Option(help='The same by steps of training.')] = None,
    keep_weights: Annotated[
        bool, typer.Option('--keep-weights', help='Keep the weights of confirmed models, for archlab export.')
    ] = False,
    data: Data = None,
    as_json: Json = False,
):
    """Run a study until it is complete. Stop it at any moment; running it again goes on where it was."""
    use_data(data)
    if trial is not None:
        from sweeps.rerun import rerun

        return print_json(rerun(open_study(study, runs, settings, must_exist=False).reading, trial))
    from ablations.settings import override
    from ablations.study_files import load_study

    settings = _going_on(study, runs, settings, until, at_most)
    began, saving = monotonic(), {'minutes': checkpoint_minutes, 'steps': checkpoint_steps, 'weights': keep_weights}
    # Read once: the table is of the study that ran, whatever becomes of its file meanwhile.
    asked = override(load_study(study), settings or [])
    cluster = {'partition': partition, 'gpus': gpus, 'cpus': cpus, 'memory': memory, 'time': time, 'address': address}
    cluster |= {'devices': devices, 'nodes': nodes, 'sbatch': tuple(sbatch or ())}
    beside = Path(study) if study.endswith('.py') else None
    failures = run_study(asked, runs, settings, workers, retry_failed, None, launcher, cluster, beside, **saving)
    study_runs = open_study(asked, runs, settings)
    conclusions = study_runs.conclusions
    if as_json:
        from results.tables import table as table_of

        print(table_of(conclusions.findings, 'json', study_runs.study.alpha, conclusions.facts).rstrip('\n'))
    else:
        from results.tables.terminal import terminal
        from sweeps.progress import clock

        OUT.print(terminal(conclusions.findings, facts=conclusions.facts, width=OUT.width))
        trials = len(study_runs.reading.schedule.trials)
        OUT.print(f'{study_runs.study.name}: {trials} trials, {clock(monotonic() - began)}')
    from results.status import progress_of

    failed = progress_of(study_runs.reading)
    for reason in sorted({*failures.values(), *failed['failures']}):
        ERR.print(f'archlab: failed: {reason}', style='red', soft_wrap=True)
    for one in failed['barren']:
        ERR.print(f'archlab: warning: {one}', style='yellow', soft_wrap=True)
    if failed['failed'] or failed['barren']:
        raise Exit(FELL_SHORT)


def _going_on(study: str, runs: Path, settings: list[str] | None, until: str | None, at_most: int | None) -> list[str] | None:
    """The settings with those of `--until decided --at-most N`; raises ValueError where findings were read under another N."""
    if until is None and at_most is None:
        return settings
    if until != 'decided' or at_most is None:
        given = f'--until {until}' if until else f'--at-most {at_most}'
        raise ValueError(f'{given}; allowed: both, --until decided --at-most N')
    from ablations.settings import override, until_decided
    from ablations.study_files import load_study
    from results.looks import looks_of
    from sweeps import manifest as manifests

    settings = [*(settings or []), *until_decided(at_most)]
    asked = override(load_study(study), settings)
    frozen = looks_of(asked, manifests.load(runs / asked.name)).counts
    if frozen != asked.looks:
        raise ValueError(
            f'--at-most {at_most}: findings of {asked.name} were read in {runs} with looks at {_few(frozen)} replicates, and '
            'the error rate was spent on these; go on with them, or ask under another study name'
        )
    return settings


def _few(looks: tuple[int, ...]) -> str:
    return ', '.join(map(str, looks)) if len(looks) < 5 else f'{looks[0]}, {looks[1]}, ..., {looks[-1]}'
