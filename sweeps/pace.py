"""Pace: how long this machine trains and compiles a program, measured by its earlier runs, of whatever study."""

import json
import statistics
from collections.abc import Mapping
from pathlib import Path

from ablations.trial import Program
from results.store import atomic, regular
from sweeps.launch.compilation_cache import cache_folder
from sweeps.protocol.duration import estimated_seconds

FILE = 'pace.json'
MOST = 4096
"""The number of programs that are remembered, the latest."""
LATEST = 8
"""Runs of a program whose middle counts."""
COMPILE_SECONDS = 8.0
"""Seconds to compile a program of a small model, on a machine without measurements."""


class Pace:
    """Seconds of a run, and of compiling, by program, on one platform of this machine.

    Unmeasured programs are estimated from their FLOPs, corrected by the measured ones.
    """

    def __init__(self, folder: Path, platform: str | None = None):
        self.path, everything = folder / FILE, self._read(folder / FILE)
        self.platform = platform or next(reversed(everything), 'cpu')
        self.known: dict[str, dict] = everything.get(self.platform, {})

    @staticmethod
    def here(platform: str | None = None) -> 'Pace':
        """That of this kind of processor, kept beside the compiled programs; without a platform the one that ran last."""
        return Pace(cache_folder(), platform)

    @staticmethod
    def _read(path: Path) -> dict:
        try:
            told = json.loads(regular.read(path))
        except (OSError, ValueError, RecursionError):
            # Advice only: what cannot be read is measured again.
            return {}
        return {name: _sound(part) for name, part in told.items()} if isinstance(told, dict) else {}

    def trial_seconds(self, program: Program, flops: float | None) -> float:
        """Seconds of one run of a program with so many FLOPs a step."""
        seconds = self.known.get(program.signature, {}).get('seconds')
        return statistics.median(seconds) if seconds else self.correction * estimated_seconds(program.steps, flops)

    @property
    def correction(self) -> float:
        """Measured by estimated seconds, the middle of all programs; 1 where none was measured."""
        ratios = [statistics.median(one['seconds']) / one['estimate'] for one in self.known.values() if one['seconds']]
        return statistics.median(ratios) if ratios else 1.0

    def compile_seconds(self, program: Program) -> float:
        """Seconds until a worker has compiled a program: less if this machine did it before and has kept it."""
        own = self.known.get(program.signature)
        if own is not None:
            return own['compile'][-1]
        first = [one['compile'][0] for one in self.known.values()]
        return statistics.median(first) if first else COMPILE_SECONDS

    def measured(self, program: Program) -> bool:
        """Whether this machine has trained the program before."""
        return program.signature in self.known

    def note(self, program: Program, flops: float | None, records: list[dict]) -> None:
        """Remember what the records of a pack tell."""
        told = [record for record in records if record['status'] == 'ok' and (record.get('cost') or {}).get('seconds')]
        if not told:
            return
        compiled = (told[0].get('pack') or {}).get('compile_seconds') or 0.0
        seconds = [one for record in told if (one := trained_seconds(record)) is not None]
        own = self.known.pop(program.signature, {'seconds': [], 'compile': []})
        own['estimate'] = estimated_seconds(program.steps, flops)
        own['seconds'] = [*own['seconds'], *seconds][-LATEST:]
        if compiled or not own['compile']:
            own['compile'] = [*own['compile'][:1], compiled]
        self.known[program.signature] = own

    def save(self) -> None:
        """Write the known entries, beside those of other runs; a folder that cannot be written is left alone."""
        everything = self._read(self.path)
        latest = list({**everything.pop(self.platform, {}), **self.known}.items())[-MOST:]
        try:
            atomic.replace(self.path, json.dumps({**everything, self.platform: dict(latest)}), follow=False)
        except ValueError:
            return


def trained_seconds(record: Mapping) -> float | None:
    """Seconds that a run took to train, without compiling; None where they are not known.

    When lanes run one after the other, the first one's seconds include compiling, and are left out beside others. Where they
    run together each has a share.

    >>> about = {'cost': {'seconds': 3.0}, 'pack': {'strategy': 'vmap', 'lanes': 2, 'lane': 0, 'compile_seconds': 4.0}}
    >>> trained_seconds(about), trained_seconds({**about, 'pack': {**about['pack'], 'strategy': 'loop'}})
    (1.0, None)
    """
    seconds, about = (record.get('cost') or {}).get('seconds'), record.get('pack') or {}
    compiled = about.get('compile_seconds') or 0.0
    if not seconds or not compiled:
        return seconds or None
    if about.get('strategy', 'loop') != 'loop':
        return max(0.0, seconds - compiled / max(about.get('lanes') or 1, 1)) or None
    if about.get('lane'):
        return seconds
    # Alone in its pack it is all that is known of it.
    return max(0.0, seconds - compiled) or None if about.get('lanes') == 1 else None


def _sound(part: object) -> dict[str, dict]:
    """The entries of a file that `save` writes."""
    return {name: one for name, one in part.items() if _whole(one)} if isinstance(part, dict) else {}


def _whole(one: object) -> bool:
    lists = [one.get(name) for name in ('seconds', 'compile')] if isinstance(one, dict) else [None]
    numbers = all(isinstance(own, list) and all(_positive(number) for number in own) for own in lists)
    return numbers and bool(lists[1]) and _positive(one.get('estimate')) and one['estimate'] > 0


def _positive(number: object) -> bool:
    return isinstance(number, (int, float)) and not isinstance(number, bool) and 0 <= number < float('inf')
