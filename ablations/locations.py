"""Locations: where data lie on this machine."""

import os
from pathlib import Path

VARIABLE = 'ARCHLAB_DATA'
"""The environment variable that names the data folder; `--data` sets it for a command and its workers."""


def data_folder(given: Path | None = None) -> Path:
    """The folder of all data: `given`, else $ARCHLAB_DATA, else archlab/data in the user's cache folder."""
    if given is not None:
        return Path(given).expanduser()
    if os.environ.get(VARIABLE):
        return Path(os.environ[VARIABLE]).expanduser()
    return lab_cache() / 'data'


def lab_cache() -> Path:
    """The lab's folder in the user's cache, $XDG_CACHE_HOME or ~/.cache; all in it but the data may be deleted at any time."""
    return Path(os.environ.get('XDG_CACHE_HOME') or '~/.cache').expanduser() / 'archlab'


def prepared_folder(given: Path | None = None) -> Path:
    """Where prepared sets lie, a folder each."""
    return data_folder(given) / 'prepared'
