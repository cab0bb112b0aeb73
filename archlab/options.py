"""Arguments and options that many commands share."""

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
