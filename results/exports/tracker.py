"""Tracker: the interface to a program that keeps runs, and the part common to all such programs."""

import abc
import dataclasses
from collections.abc import Iterable
from pathlib import Path

from results.exports.tracked_runs import TrackedRun, TrackedStudy

CHECK = 'archlab.check'
"""The file, or the tag, that holds a run's check once the run is exported whole."""


class Tracker(abc.ABC):
    """Runs of one study in a folder. Raises ValueError without the package that writes them."""

    @abc.abstractmethod
    def __init__(self, folder: Path, study: str): ...

    @abc.abstractmethod
    def known(self) -> dict[str, str]:
        """The check of each run that is there, by its id; '' where it was cut off."""

    @abc.abstractmethod
    def write(self, run: TrackedRun) -> None:
        """Write a run, in place of an older one of its id."""

    @abc.abstractmethod
    def conclude(self, study: TrackedStudy) -> None:
        """Write the conclusions of the study in the place of older ones."""


@dataclasses.dataclass(frozen=True)
class Exported:
    """How many runs were written, and how many were there already."""

    written: int
    known: int


def export(tracker: Tracker, runs: Iterable[TrackedRun], study: TrackedStudy) -> Exported:
    """Bring a tracker up to date: no run is doubled, however often this is called."""
    there, written, known = tracker.known(), 0, 0
    for run in runs:
        if there.get(run.id) == run.check:
            known += 1
        else:
            tracker.write(run)
            written += 1
    tracker.conclude(study)
    return Exported(written, known)


def needed(package: str, extra: str) -> ValueError:
    """The error for a package that is not installed."""
    return ValueError(f"--to {extra} needs {package}, which is not installed; pip install 'archlab[{extra}]'")
