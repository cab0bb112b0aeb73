"""Exporting the runs of a study to where users look already."""

from pathlib import Path
from typing import Annotated

import typer

from archlab.answers import OUT, print_json, waiting
from archlab.options import RUNS, Json, Name, Runs, Settings
from archlab.study_runs import open_study

commands = typer.Typer()


@commands.command('export-runs', epilog='Example: archlab export-runs quickstart --to tensorboard')
def export_runs(
    study: Name,
    to: Annotated[str, typer.Option('--to', help='tensorboard, wandb (offline) or mlflow (an SQLite store).')],
    out: Annotated[
        Path | None, typer.Option(help="The folder to write to; exports/TRACKER in the study's runs folder unless given.")
    ] = None,
    runs: Runs = RUNS,
    settings: Settings = None,
    as_json: Json = False,
):
    """Runs with their knobs, curves and findings, and the report, for TensorBoard, Weights & Biases or MLflow.

    From the records, at any time; what is there already is not doubled. Nothing is sent anywhere."""
    from results.exports import tracker_of
    from results.exports.tracked_runs import runs_of, study_of
    from results.exports.tracker import export
    from results.store import atomic

    kind = tracker_of(to)
    study_runs = open_study(study, runs, settings)
    folder = out or study_runs.folder / 'exports' / to
    atomic.check_folder(folder)
    tracker = kind(folder, study_runs.study.name)
    with waiting(f'exporting to {folder}'):
        reading = study_runs.look
        told = export(tracker, runs_of(reading), study_of(reading))
    if as_json:
        return print_json({'to': to, 'folder': str(folder), 'written': told.written, 'known': told.known})
    said = f'{told.written} runs written to {folder}, {told.known} there already; findings and report written'
    OUT.print(f'{study_runs.study.name}: {said}', soft_wrap=True)
