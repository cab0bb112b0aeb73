"""Watching: how far a study is, once or until it is complete, from any machine that sees its folder."""

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group
from rich.live import Live
from typer.exceptions import Exit

from archlab.answers import AT_WORK, FELL_SHORT, FINE, LEFT_OFF, OUT, print_json, waiting
from archlab.options import RUNS, Json, Runs, Settings
from archlab.study_runs import StudyRuns, has_begun, open_study, studies_in, study_name

if TYPE_CHECKING:
    from results.store.reading import Reading

commands = typer.Typer()
LOOK_SECONDS = 2.0
SHARE = 5
"""A look takes at most this part of the time: a large study is looked at less often."""
QUIET_SECONDS = 15.0
"""Seconds between two lines where the output is no terminal."""


@dataclasses.dataclass(frozen=True)
class Seen:
    """A study as one look found it: its reading, the counts of its trials, and how the work on it stands."""

    reading: 'Reading'
    counts: dict
    standing: dict

    @property
    def code(self) -> int:
        """The exit status that tells scripts how far the study is."""
        if self.standing['state'] == 'complete':
            return FELL_SHORT if self.counts['failed'] or self.counts['barren'] else FINE
        return LEFT_OFF if self.standing['state'] == 'stopped' else AT_WORK


class Lookout:
    """Looks at a study again and again; what has not changed in its folder is not read again.

    With `wait` it first waits until a run that has just begun has something to tell. Raises ValueError as `open_study` does.
    """

    def __init__(self, study: str, runs: Path, settings: list[str] | None, wait: bool = False):
        while wait and has_begun(runs / study_name(study, runs)):
            sleep(LOOK_SECONDS)
        self.runs: StudyRuns = open_study(study, runs, settings)
        self.counts: dict = {}

    def look(self) -> Seen:
        """The study as it stands now."""
        from results.status import progress_of
        from sweeps import manifest as manifests
        from sweeps.standing import standing

        if self.counts:
            now = dataclasses.replace(self.runs, manifest=manifests.load(self.runs.folder))
            if (now.files, now.manifest) != (self.runs.files, self.runs.manifest):
                self.runs, self.counts = now, {}
        self.counts = self.counts or progress_of(self.runs.reading)
        return Seen(self.runs.reading, self.counts, standing(self.runs.reading))


def looks(watched: dict[str, Lookout], pause: float = LOOK_SECONDS) -> Iterator[dict[str, Seen]]:
    """Look at studies until nothing will change any more."""
    while True:
        began = monotonic()
        seen = {name: one.look() for name, one in watched.items()}
        yield seen
        if all(one.standing['over'] for one in seen.values()):
            return
        sleep(max(pause, (SHARE - 1) * (monotonic() - began)))


@commands.command(
    epilog='Example: archlab status quickstart --watch. Exit status with --watch or --exit-code: 0 complete, 1 complete but '
    'some runs failed, or an arm gave nothing, 4 at work or in a queue, 5 not complete and nobody at work.'
)
def status(
    study: Annotated[
        str | None, typer.Argument(metavar='[STUDY]', help='A study; all studies in --runs where left out.')
    ] = None,
    runs: Runs = RUNS,
    settings: Settings = None,
    watch: Annotated[
        bool, typer.Option('--watch', help='Look again every two seconds until it is complete, or its run has ended.')
    ] = False,
    exit_code: Annotated[
        bool, typer.Option('--exit-code', help='Tell by the exit status how far it is; --watch does so in the end.')
    ] = False,
    as_json: Json = False,
):
    """How far a study is: trials planned, done, diverged, failed; the processes at work, the losses, the time it takes.

    Asks the folder of its runs only: from any machine that sees it, also after a kill."""
    with waiting('waiting for what a run has to tell'):
        watched = {name: Lookout(name, runs, settings, wait=watch) for name in ([study] if study else studies_in(runs))}
    if as_json or not watch:
        seen = {one.reading.study.name: one for one in (lookout.look() for lookout in watched.values())}
        if as_json:
            facts = {name: {**one.counts, 'work': one.standing} for name, one in seen.items()}
            print_json(facts[next(iter(facts))] if study else facts)
        else:
            _tell(seen)
    else:
        seen = _watch(watched)
    if (code := max(one.code for one in seen.values())) and (watch or exit_code) and not as_json:
        raise Exit(code)


def _tell(seen: dict[str, Seen]) -> None:
    from results.status import sentence
    from sweeps.board import sentence as of_work

    for name, one in seen.items():
        OUT.print(f'{name}: {sentence(one.counts)}', soft_wrap=True)
        if one.standing['state'] != 'complete':
            OUT.print(f'{name}: {of_work(one.standing)}', soft_wrap=True)


def _watch(watched: dict[str, Lookout]) -> dict[str, Seen]:
    """Show studies until nothing will change any more: on a terminal live, elsewhere by a line where something has changed."""
    from sweeps.board import board
    from sweeps.board import sentence as of_work

    said, before, seen = 0.0, {}, {}
    live = Live(console=OUT, transient=True, auto_refresh=False) if OUT.is_terminal else None
    with live or contextlib.nullcontext():
        for seen in looks(watched):
            named = {one.reading.study.name: one for one in seen.values()}
            if live:
                live.update(Group(*(board(name, one.counts, one.standing) for name, one in named.items())), refresh=True)
                continue
            now = {
                name: (one.counts['done'], len(one.standing['running']), one.standing['lost']) for name, one in named.items()
            }
            if not before or (now != before and monotonic() - said > QUIET_SECONDS):
                for name, one in named.items():
                    counts = f'{one.counts["done"]}/{one.standing["expected"]} trials'
                    OUT.print(f'{name}: {counts}; {of_work(one.standing)}', soft_wrap=True)
                said, before = monotonic(), now
    _tell({one.reading.study.name: one for one in seen.values()})
    return seen
