"""TensorBoard: a folder of event files for each run, with its knobs for the page HPARAMS, and one for the study's findings."""

import contextlib
import re
import time
from pathlib import Path

from results.exports.tracked_runs import TrackedRun, TrackedStudy
from results.exports.tracker import CHECK, Tracker, needed
from results.store import atomic

FINDINGS = 'findings'


class TensorBoardTracker(Tracker):
    """Event files under FOLDER/ARM/TASK/PHASE/ID; view them by `tensorboard --logdir FOLDER`."""

    def __init__(self, folder: Path, study: str):
        try:
            from tensorboard.compat.proto.event_pb2 import Event
            from tensorboard.plugins.hparams import summary_v2 as hparams
            from tensorboard.plugins.scalar import summary_v2 as scalar
            from tensorboard.plugins.text import summary_v2 as text
            from tensorboard.summary.writer.event_file_writer import EventFileWriter
        except ImportError:
            raise needed('tensorboard', 'tensorboard') from None
        self.folder, self.event, self.writer = folder, Event, EventFileWriter
        self.hparams, self.scalar, self.text = hparams.hparams_pb, scalar.scalar_pb, text.text_pb

    def known(self) -> dict[str, str]:
        return {path.parent.name: path.read_text(encoding='utf-8') for path in self.folder.rglob(CHECK)}

    def write(self, run: TrackedRun) -> None:
        place = self.folder.joinpath(*(re.sub(r'[^\w.-]', '_', part) for part in run.name.split('/')))
        with self._events(place) as (add, inside):
            add(self.hparams({name: _plain(value) for name, value in run.knobs.items()}, trial_id=run.id))
            for name, points in run.curves.items():
                for step, value in points:
                    add(self.scalar(name, value), step)
            last = max((points[-1][0] for points in run.curves.values()), default=0)
            for name, value in run.numbers.items():
                add(self.scalar(f'end/{name}', value), last)
            # Indented lines are shown as they are; a line more in a value would not be indented.
            add(self.text('about', '\n'.join(f'    {name}: {" ".join(value.split())}' for name, value in run.tags.items())))
            (inside / CHECK).write_text(run.check, encoding='utf-8')

    def conclude(self, study: TrackedStudy) -> None:
        with self._events(self.folder / FINDINGS) as (add, inside):
            for name, value in study.numbers.items():
                add(self.scalar(name, value))
            add(self.text('question', study.question))
            add(self.text('findings', study.table))
            (inside / 'report.html').write_text(study.page, encoding='utf-8')

    @contextlib.contextmanager
    def _events(self, place: Path):
        """A folder that is put in its place whole, and a function that adds a summary to its event file."""
        with atomic.replacing_folder(place) as inside:
            writer = self.writer(str(inside))

            def add(summary: object, step: int = 0) -> None:
                writer.add_event(self.event(wall_time=time.time(), step=step, summary=summary))

            try:
                yield add, inside
            finally:
                writer.close()


def _plain(value: object) -> bool | float | str:
    return value if isinstance(value, bool | int | float | str) else str(value)
