"""Launchers: they start the workers of a run. A new one is a class and a row here (see launcher.py)."""

from collections.abc import Mapping
from pathlib import Path

from ablations.config import closest
from sweeps.launch.cluster_settings import settings
from sweeps.launch.launcher import Launcher
from sweeps.launch.local import LocalLauncher
from sweeps.launch.ray_tasks import RayLauncher
from sweeps.launch.slurm import SlurmLauncher

LAUNCHERS = {'local': LocalLauncher, 'ray': RayLauncher, 'slurm': SlurmLauncher}


def make_launcher(
    kind: str,
    folder: Path,
    workers: int | None = None,
    options: Mapping[str, object] | None = None,
    study_file: Path | None = None,
) -> Launcher:
    """The launcher of a run in a folder; without `workers` it chooses their number.

    `options` are what the user asks of a cluster; what they leave open stands in settings files (settings.py). Raises
    ValueError on an unknown kind or setting.
    """
    chosen, asked = _class_of(kind), settings_of(kind, study_file, options or {})
    return chosen(folder, workers) if asked is None else chosen(folder, workers, asked)


def settings_of(kind: str, study_file: Path | None, options: Mapping[str, object]) -> object | None:
    """The settings of a kind of launcher, from settings files and the user's options, which are stronger; None if it has none.

    Raises ValueError on an unknown kind or setting.
    """
    chosen, given = _class_of(kind), {name: value for name, value in options.items() if value not in (None, ())}
    if chosen.Settings is not None:
        return settings(chosen.Settings, kind, study_file, given)
    if given:
        able = [name for name, one in LAUNCHERS.items() if one.Settings is not None]
        raise ValueError(f"--{', --'.join(given)} with launcher '{kind}'; allowed with: {able}")
    return None


def _class_of(kind: str) -> type[Launcher]:
    if kind not in LAUNCHERS:
        raise ValueError(f"launcher '{kind}'; allowed: {list(LAUNCHERS)}.{closest(kind, LAUNCHERS)}")
    return LAUNCHERS[kind]
