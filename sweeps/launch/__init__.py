"""Launchers: who starts the workers of a run. A new one is a class and a row here (see launcher.py)."""

from pathlib import Path

from ablations.config import closest
from sweeps.launch.launcher import Launcher
from sweeps.launch.local import LocalLauncher

LAUNCHERS = {'local': LocalLauncher}


def make_launcher(kind: str, folder: Path, workers: int | None = None) -> Launcher:
    """The launcher of a run in a folder, with so many workers or as many as it likes; raises ValueError on an unknown kind."""
    if kind not in LAUNCHERS:
        raise ValueError(f"launcher '{kind}'; allowed: {list(LAUNCHERS)}.{closest(kind, LAUNCHERS)}")
    return LAUNCHERS[kind](folder, workers)
