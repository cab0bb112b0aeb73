"""Launchers: they start the workers of a run. A new one is a class and a row here (see launcher.py)."""

from pathlib import Path

from ablations.config import closest
from sweeps.launch.launcher import Launcher
from sweeps.launch.local import LocalLauncher

LAUNCHERS = {'local': LocalLauncher}


def make_launcher(kind: str, folder: Path, workers: int | None = None) -> Launcher:
    """The launcher of a run in a folder; without `workers` it chooses their number. Raises ValueError on an unknown kind."""
    if kind not in LAUNCHERS:
        raise ValueError(f"launcher '{kind}'; allowed: {list(LAUNCHERS)}.{closest(kind, LAUNCHERS)}")
    return LAUNCHERS[kind](folder, workers)
