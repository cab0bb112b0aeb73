"""Arguments and options that many commands share."""

import math
import os
import re
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
UNITS = {'h': 3600.0, 'm': 60.0, 's': 1.0}
RUNS = Path('runs')
Data = Annotated[
    Path | None, typer.Option('--data', help='The data folder; else $ARCHLAB_DATA, else archlab/data in the cache folder.')
]


def seconds_of(text: str, option: str) -> float:
    """Seconds of a time such as 6h, 90m, 45s or 1h30m; raises ValueError naming the option on anything else.

    >>> seconds_of('6h', '--budget'), seconds_of('1h30m', '--budget')
    (21600.0, 5400.0)
    """
    parts = re.findall(r'(\d+(?:\.\d+)?)([hms])', text.strip())
    total = sum(float(number) * UNITS[unit] for number, unit in parts)
    if ''.join(map(''.join, parts)) != text.strip() or not 0 < total < math.inf:
        raise ValueError(f"{option} '{text}'; allowed: hours, minutes and seconds above 0, such as 6h, 90m or 1h30m")
    return total


def use_data(folder: Path | None) -> None:
    """Make this process and its workers look for data in a folder; None changes nothing."""
    if folder is None:
        return
    if not folder.is_dir():
        raise ValueError(f"--data '{folder}' is no folder; give the one that holds the data, archlab data list tells more")
    os.environ['ARCHLAB_DATA'] = str(folder.resolve())
