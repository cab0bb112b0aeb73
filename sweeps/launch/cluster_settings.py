"""Cluster settings: what a launcher asks of its cluster. A lab writes it once in `archlab.toml` files; options are stronger.

[slurm]
partition = "gpu"
gpus = 1
time = "2:00:00"
sbatch = ["--constraint=a100"]
setup = ["module load cuda"]
"""

import dataclasses
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

from ablations.config import closest
from results.store import regular

FILE = 'archlab.toml'


def files(study: Path | None) -> list[Path]:
    """The files that are read, the weaker first: in the user's folder of settings, and beside the study or here."""
    home = Path(os.environ.get('XDG_CONFIG_HOME') or Path.home() / '.config')
    return [home / 'archlab' / FILE, (study.parent if study else Path()) / FILE]


def settings(kind: type, name: str, study: Path | None, options: Mapping[str, object]) -> object:
    """The settings of a launcher, an object of its dataclass `kind`; options are stronger than files.

    Raises ValueError on a file that is no TOML, on an unknown entry, and on a value of another type.
    """
    fields = {field.name: field for field in dataclasses.fields(kind)}
    known: dict[str, object] = {}
    for path in files(study):
        for entry, value in _section(path, name).items():
            known[entry] = _checked(f'{path}: [{name}] {entry}', entry, value, fields)
    for entry, value in options.items():
        if value is None or value == ():
            continue
        if entry not in fields:
            raise ValueError(f"--{entry} is nothing to launcher '{name}'; allowed there: {sorted(fields)}")
        known[entry] = (*known.get(entry, ()), *value) if isinstance(value, tuple) else value
    return kind(**known)


def _section(path: Path, name: str) -> dict:
    try:
        content = tomllib.loads(regular.read(path).decode())
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ValueError(regular.unread(path, error)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f'{path} is no TOML: {error}') from None
    section = content.get(name, {})
    if not isinstance(section, dict):
        raise ValueError(f"{path}: '{name}' is {section!r}; allowed: a table, [{name}]")
    return section


def _checked(where: str, entry: str, value: object, fields: Mapping[str, dataclasses.Field]) -> object:
    if entry not in fields:
        raise ValueError(f'{where} is not known; allowed: {sorted(fields)}.{closest(entry, fields)}')
    if fields[entry].type == tuple[str, ...]:
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            return tuple(value)
        raise ValueError(f'{where} is {value!r}; allowed: a list of texts')
    kind = int if fields[entry].type is int else str
    if isinstance(value, bool) or not isinstance(value, kind):
        raise ValueError(f'{where} is {value!r}; allowed: {"a whole number" if kind is int else "a text"}')
    return value
