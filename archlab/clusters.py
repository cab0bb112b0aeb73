"""Clusters: sweep launch scripts, and what the workers of a run have said."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from archlab.answers import OUT, print_json
from archlab.options import RUNS, Json, Name, Runs
from archlab.study_runs import study_name

commands = typer.Typer()


@commands.command('launch-script', epilog='Example: archlab launch-script quickstart --for slurm --gpus 1 > sweep.sh')
def launch_script(
    study: Name,
    kind: Annotated[str, typer.Option('--for', help='The cluster: slurm, ray or tpu (a TPU VM).')],
    runs: Runs = RUNS,
    partition: Annotated[str | None, typer.Option(help='Slurm: the partition of the workers.')] = None,
    gpus: Annotated[int | None, typer.Option(help='GPUs of a worker.')] = None,
    time: Annotated[str | None, typer.Option(help='Slurm: the time limit of a worker.')] = None,
):
    """A script that runs the study on a cluster, to read, edit and submit. Changes nothing."""
    from ablations.study_files import load_study
    from sweeps.launch import settings_of
    from sweeps.launch.scripts import script_for

    load_study(study)
    command = Path(sys.executable).with_name('archlab')
    values = {'study': study, 'runs': str(runs), 'archlab': str(command) if command.exists() else 'archlab'}
    given = {'partition': partition, 'gpus': gpus, 'time': time}
    options = [word for name, value in given.items() if value is not None for word in (f'--{name}', str(value))]
    script = script_for(kind, values, options)
    # Options and settings files are refused here, and not only by the script on the cluster; the script has an address.
    beside = Path(study) if study.endswith('.py') else None
    settings_of('local' if kind == 'tpu' else kind, beside, {**given, **({'address': 'auto'} if kind == 'ray' else {})})
    print(script, end='')


@commands.command(epilog='Example: archlab merge gpu/runs laptop/runs runs')
def merge(
    sources: Annotated[list[Path], typer.Argument(metavar='RUNS... RUNS', help='Runs folders; all are added to the last one.')],
    study: Annotated[str | None, typer.Option(help='Only this study; all of them unless given.')] = None,
    compress: Annotated[
        bool, typer.Option('--compress', help='Then put all records of a study in the last folder into one compressed file.')
    ] = False,
    as_json: Json = False,
):
    """Records of the same studies from several places, added to the last folder. The first writer of a trial wins."""
    from sweeps.merge import compressed
    from sweeps.merge import merge as merged

    *sources, target = sources
    if not sources:
        raise ValueError(f'only {target} is given; allowed: one runs folder or more to take from, and the one to add to')
    facts = []
    for source in sources:
        names = sorted(path.parent.name for path in source.glob('*/records') if study in (None, path.parent.name))
        if not names:
            raise ValueError(f'no records {f"of {study} " if study else ""}in {source}; give a runs folder, such as runs')
        for name in names:
            told = merged(source / name, target / name)
            if compress:
                compressed(target / name)
            facts.append({'from': str(source), **vars(told)})
            if not as_json:
                where = ', '.join(f'{count} by sources {hashed}' for hashed, count in told.sources.items())
                _say(f'{name} from {source}: {told.added} trials added{f" ({where})" if where else ""}, {told.known} known')
                if told.unlike:
                    shown = ', '.join(told.unlike[:5]) + (', ...' if len(told.unlike) > 5 else '')
                    _say(f'{name}: {len(told.unlike)} trials have other scores in {target}, which stay: {shown}')
    if as_json:
        print_json(facts)


@commands.command(epilog='Example: archlab logs quickstart, or archlab logs quickstart worker-0')
def logs(
    study: Name,
    pack: Annotated[
        str | None, typer.Argument(metavar='[PACK]', help='A pack or a worker; all of them where left out.')
    ] = None,
    runs: Runs = RUNS,
):
    """What the workers of a run have said: the last line of each log, or the whole log of one."""
    from ablations.config import closest
    from results.store import regular

    folder = runs / study_name(study, runs) / 'logs'
    known = {path.stem: path for path in sorted(folder.glob('*.log'))}
    if not known:
        raise ValueError(f'no logs in {folder}; run the study first, or give --runs its folder')
    if pack is not None:
        if pack not in known:
            raise ValueError(f"no log of '{pack}' in {folder}; archlab logs {study} lists them.{closest(pack, known)}")
        return _say(regular.read(known[pack]).decode(errors='replace').rstrip('\n'))
    for name, path in known.items():
        try:
            said = regular.read(path).decode(errors='replace').strip().splitlines()
        except OSError as error:
            said = [f'(cannot be read: {error.strerror})']
        _say(f'{name}  {said[-1] if said else "(nothing)"}')


def _say(text: str) -> None:
    OUT.print(text, markup=False, soft_wrap=True)
