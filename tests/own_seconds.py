"""Own seconds: how long a process and its children would have taken on a machine of their own, however busy this one is."""

import contextlib
import os
import time
from pathlib import Path

TICK = os.sysconf('SC_CLK_TCK')


class OwnSeconds:
    """Counts a process and what descends from it: `look` often, and read `seconds` and `of_processor`.

    Of the time in which it could run, what it ran counts; of the time in which it slept or waited, all. So what hangs on a
    lock, a pipe or a sleep is counted by the clock, and what computes while others do is not counted twice.
    """

    def __init__(self, process: int):
        self.process, self.seconds, self.of_processor = process, 0.0, 0.0
        self._last = time.monotonic()

    def look(self) -> float:
        """Count what has passed since the last look; gives the seconds so far."""
        now, (ran, could_run) = time.monotonic(), self._now()
        passed, worked = now - self._last, max(0.0, ran - self.of_processor)
        self.seconds += min(passed, worked) if could_run else passed
        self.of_processor, self._last = max(ran, self.of_processor), now
        return self.seconds

    def _now(self) -> tuple[float, bool]:
        """The processor's seconds of all so far, and whether one of their threads could run."""
        ran, could_run = 0.0, False
        for process in self._descent():
            with contextlib.suppress(OSError):
                ran += sum(int(ticks) for ticks in _status(Path('/proc', str(process)))[11:15]) / TICK
                could_run |= any(_status(thread)[0] == 'R' for thread in Path('/proc', str(process), 'task').iterdir())
        return ran, could_run

    def _descent(self) -> set[int]:
        """The process and all that descend from it."""
        parents = {}
        for path in Path('/proc').glob('[0-9]*'):
            with contextlib.suppress(OSError):
                parents[int(path.name)] = int(_status(path)[1])
        family, more = set(), {self.process} & parents.keys()
        while more:
            family |= more
            more = {process for process, parent in parents.items() if parent in more} - family
        return family


def _status(path: Path) -> list[str]:
    """What the kernel says of a process or a thread after its name: state, parent, and so on."""
    return (path / 'stat').read_text().rpartition(')')[2].split()
