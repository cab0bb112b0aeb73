"""Flagship: the rung that is furthest from done, trained for the time that is left; its records stay in a runs folder.

`archlab merge FOLDER/runs RUNS` puts these records to those of other machines, and running the study there goes on.
"""

import contextlib
import dataclasses
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console

from ablations.config import changed, put
from ablations.flagships import RUNG_STUDIES, flagship
from ablations.flagships.rungs import GPU
from ablations.prepared_facts import facts_of, sets_of
from ablations.study import Study
from ablations.tasks import task
from benchmarks.measured import Measured
from results.store.records import FOLDER, PACK
from sweeps.launch import make_launcher
from sweeps.progress import Watch
from sweeps.run import Run
from sweeps.training.saving import Saving

NEEDS, SECONDS = ('ml_collections', 'rich'), 480
RUNS = 'runs'
MARGIN = 15
"""Seconds that the end of a run may take."""


def waiting() -> list[str]:
    """The studies of the rungs that wait for a GPU."""
    return [name for name, (one, rung) in RUNG_STUDIES.items() if {r.name: r.place for r in flagship(one).rungs}[rung] == GPU]


def absent(study: Study) -> list[str]:
    """The sets of a study that are not prepared here."""
    return sorted({name for item in study.tasks for name in sets_of(item.data) if facts_of(name) is None})


def furthest(names: Sequence[str], runs: Path) -> Study | None:
    """The study with the smallest share of its packs recorded, of those whose sets are here; None where none has its sets."""
    ready = [study for study in map(_study, names) if not absent(study)]
    return min(ready, key=lambda study: _packs(runs / study.name) / _size(study), default=None)


def _study(name: str) -> Study:
    one, rung = RUNG_STUDIES[name]
    return flagship(one).study(rung)


def _packs(folder: Path) -> int:
    return len(list((folder / FOLDER).glob(f'*{PACK}')))


def _size(study: Study) -> int:
    """A measure of how many runs a study takes."""
    return len(study.arms) * len(study.tasks) * study.replicates * (study.tuning_runs + study.seeds)


def tiny_study() -> Study:
    """A flagship's arms on a set that the lab makes, in a few steps."""
    study = _study('shared_keys_small')
    item = task('stdlib_bytes', steps=4, batch=4, evaluations=1)
    base = changed(study.tasks[0].base, (put('stem.vocabulary', 256), put('head.outputs', 256)))
    return dataclasses.replace(
        study,
        name='tiny',
        tasks=(dataclasses.replace(item, base=base),),
        trials=2,
        extension=0,
        replicates=1,
        seeds=1,
        looks=(),
    )


@contextlib.contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """A block that ends as by Ctrl-C after so many seconds."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.1))
    try:
        with contextlib.suppress(KeyboardInterrupt):
            yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def run(told: Measured, tiny: bool) -> None:
    """Go on with one study until it is complete or the time is over."""
    runs = told.path.parent / RUNS
    study = tiny_study() if tiny else furthest(waiting(), runs)
    if study is None:
        sets = sorted({name for one in map(_study, waiting()) for name in absent(one)})
        told.add('no sets', absent=sets)
        return
    folder = runs / study.name
    before = _packs(folder)
    told.add('begun', study=study.name, packs=before)
    with _at_most(told.seconds - MARGIN):
        crew = make_launcher('local', folder, None)
        with Watch(study, Console(file=sys.stdout), crew.outlives) as watch:
            Run(study, folder, crew, watch, saving=Saving(minutes=1))()
    told.add('trained', study=study.name, packs=_packs(folder) - before)
