"""Arguments and options that many commands share."""

import os
from pathlib import Path
from typing import Annotated

import typer

Name = Annotated[str, typer.Argument(metavar='STUDY', help='A study of the lab by name, or the path of a study file.')]
Runs = Annotated[Path, typer.Option('--runs', help='Where records are kept; each study has a folder there.')]
Json = Annotated[bool, typer.Option('--json', help='Print JSON for programs.')]
Settings = Annotated[
    list[str] | None,
    typer.Option('--set', metavar='PATH=VALUE', help='Change the study, e.g. trials=8 or tasks.digits.steps=80.'),
]
RUNS = Path('runs')
Data = Annotated[
    Path | None, typer.Option('--data', help='The data folder; else $ARCHLAB_DATA, else archlab/data in the cache folder.')
]


def use_data(folder: Path | None) -> None:
    """Make this process and its workers look for data in a folder; None changes nothing."""
    if folder is None:
        return
    if not folder.is_dir():
        raise ValueError(f"--data '{folder}' is no folder; give the one that holds the data, archlab data list tells more")
    os.environ['ARCHLAB_DATA'] = str(folder.resolve())
