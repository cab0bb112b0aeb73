"""Scripts: sweep launch scripts to read, edit and submit, one for each kind of cluster."""

import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from ablations.config import closest

FOLDER = Path(__file__).parent


def kinds() -> list[str]:
    """The clusters that there is a script for."""
    return sorted(path.stem for path in FOLDER.glob('*.sh'))


def script_for(kind: str, values: Mapping[str, str], options: list[str]) -> str:
    """The script of a kind of cluster with its values (study, runs, archlab) and the options of the run filled in.

    Raises ValueError on an unknown kind.

    >>> lines = script_for('slurm', {'study': 'my study.py'}, ['--gpus', '1']).splitlines()
    >>> [line for line in lines if line.startswith(('study=', 'options='))]
    ["study='my study.py'", 'options=(--gpus 1)']
    """
    if kind not in kinds():
        raise ValueError(f"--for '{kind}'; allowed: {kinds()}.{closest(kind, kinds())}")
    text = (FOLDER / f'{kind}.sh').read_text()
    filled = {name: shlex.quote(value) for name, value in values.items()} | {'options': f'({shlex.join(options)})'}
    for name, value in filled.items():
        text = re.sub(rf'^{name}=.*$', lambda _, name=name, value=value: f'{name}={value}', text, flags=re.MULTILINE)
    return text
