"""Bad inputs: commands are given what is wrong, drawn at random, and must say so: no traceback, no hang, no silence.

python tests/bad_inputs.py SEED COUNT [light]    prints each input that was answered wrongly; exit status 1 where one was

`light` leaves out the commands that import jax. Each input runs in a process of its own, in a folder of its own.
"""

import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bad_clusters import (
    bad_bench,
    bad_logs,
    bad_merge,
    bad_order,
    bad_presence,
    bad_script,
    bad_settings,
    quiet_scheduler,
)
from bad_data import bad_data, bad_table, harmed_data
from bad_runs import bad_place, bad_sql, bad_weights, finished, harmed_bundle, harmed_runs
from bad_studies import bad_blocks, bad_number, bad_setting, bad_study
from bad_tasks import bad_pages, bad_source, bad_task_file, harmed_task
from bad_things import Bad
from own_seconds import OwnSeconds

import archlab
from archlab.answers import BAD_INPUT

SECONDS = 30
"""Seconds after which a command hangs: of a processor, and of the clock but for those in which others had the processor."""
NEAR = 10
"""Seconds from which on an input is named."""


MEMORY = 6 << 30
"""Bytes of address space beyond which an input counts as too much for the machine."""


LIGHT = (
    bad_study,
    bad_number,
    harmed_runs,
    bad_table,
    bad_setting,
    bad_merge,
    bad_logs,
    bad_script,
    bad_presence,
    bad_task_file,
    bad_source,
    bad_pages,
)


HEAVY = (
    bad_sql,
    harmed_bundle,
    bad_place,
    bad_data,
    harmed_data,
    bad_blocks,
    bad_weights,
    bad_settings,
    bad_bench,
    bad_order,
    harmed_task,
)
"""What takes longer, or loads jax."""


def answered(bad: Bad, place: Path) -> tuple[int | None, str, OwnSeconds]:
    """The exit status of an input (None where it hangs), what it said, and the seconds that it took."""
    said = place / '.said'
    child = os.fork()
    if not child:
        try:
            _alone(bad, place, said)
        finally:
            os._exit(99)
    taken, looked = OwnSeconds(child), time.monotonic()
    while not os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
        if time.monotonic() - looked > 0.1:
            looked = time.monotonic()
            if taken.look() > SECONDS:
                os.killpg(child, signal.SIGKILL)
                os.waitpid(child, 0)
                return None, said.read_text(errors='replace'), taken
        time.sleep(0.005)
    taken.look()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said.read_text(errors='replace'), taken


def _alone(bad: Bad, place: Path, said: Path) -> None:
    os.setpgid(0, 0)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    os.chdir(place)
    quiet_scheduler(place.parent / 'no_scheduler')
    with open(said, 'wb') as file:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    code = (bad.door or archlab.main)(bad.arguments)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def wrong(bad: Bad, code: int | None, said: str) -> str:
    """What is wrong with an answer, or ''."""
    if code in (None, -signal.SIGKILL, -signal.SIGXCPU):
        return f'it hangs for {SECONDS} s'
    if 'Traceback' in said:
        return 'a traceback'
    if code not in bad.codes:
        return f'exit status {code}'
    if bad.said and not any(word in said for word in bad.said.split('|')):
        return 'it says nothing'
    if code == BAD_INPUT and 'archlab: error: ' not in said:
        return 'no sentence'
    if any(ord(letter) < 32 and letter not in '\n\t\r' for letter in said):
        return 'an escape sequence'
    return ''


def inputs(seed: int, count: int, light: bool) -> Iterator[tuple[str, Bad, str, str, bool]]:
    """Try so many inputs; gives the kind of each, the input, what is wrong (or ''), what was said, and whether it took long."""
    kinds: tuple[Callable[[Path, random.Random, bool], Bad], ...] = LIGHT if light else LIGHT + HEAVY
    (finished() / 'table.csv').write_text('arm,value,sd,n\na,1,0.1,5\nb,2,0.1,5\n')
    try:
        for number in range(count):
            chance = random.Random(f'{seed} {number}')
            # A few inputs are of other kinds each time.
            kind = kinds[(seed + number) % len(kinds)]
            with tempfile.TemporaryDirectory(prefix='archlab-bad-') as own:
                place = Path(own, 'place')
                place.mkdir()
                bad = kind(place, chance, light)
                code, said, taken = answered(bad, place)
                what = f'{kind.__name__} {number} ({code}, {taken.seconds:.1f} s, {taken.of_processor:.1f} s of processor)'
                yield what, bad, wrong(bad, code, said), said, max(taken.seconds, taken.of_processor) > NEAR
    finally:
        shutil.rmtree(finished())


def main(seed: int, count: int, light: bool = False) -> int:
    """Try inputs and print those that were answered wrongly or slowly; gives the exit status."""
    if not light:
        import sweeps.models.check
        import sweeps.models.describe  # noqa: F401 - once, not by every input
    bad = slow = 0
    for what, given, fault, said, near in inputs(seed, count, light):
        if fault or near or os.environ.get('ARCHLAB_SHOW'):
            bad, slow = bad + bool(fault), slow + near
            print(f'{what}: {fault or "slow" * near}: archlab {given.arguments}: {said[:400]!r}', flush=True)
    print(f'{count} inputs, {bad} answered wrongly, {slow} took more than {NEAR} s')
    return bool(bad)


if __name__ == '__main__':
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:] == ['light']))
