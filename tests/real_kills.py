"""Real kills: a tiny study is killed at a random moment, in half its checkpoints are damaged, and it is run to its end.

What is recorded then must be what a run records that nobody disturbed, to the last bit.

python tests/real_kills.py SEED COUNT    prints each kill, and what it left wrong; exit status 1 where one did
"""

import contextlib
import fcntl
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from results.store import atomic

ROOT = Path(__file__).parents[1]
WAYS = ('group', 'group', 'worker', 'launcher', 'term', 'interrupt')
"""kill -9 of all processes, of one worker, of the launcher; SIGTERM and Ctrl-C to the launcher."""
HARMING = ('group', 'worker', 'launcher')
"""The ways that leave a checkpoint behind: who is told to stop finishes its pack first, and that removes its checkpoints."""
HARMS = ('cut', 'changed', 'emptied', 'removed', 'part removed')
"""What is done to a checkpoint: files lose their second half, some bytes, or all; files go; a whole part of it goes."""
STUDY = """
from ablations.spaces import log
from ablations.study import Study, swap, task
from ablations.tasks.bases import decoder
from ablations.tasks.decoders import ATTENTION
small = decoder(12, 6, 8, 1, ATTENTION, 1.0) | {'norm': {'kind': 'identity'}}
recall = task('recall', steps=48, batch=16, evaluations=4, base=small)
study = Study(name='killed', question='Is anything lost?', arms={'base': (), 'no_mixer': swap('mixer', 'identity')},
              tasks=(recall,), tune={'sgd': {'lr': log(1e-2, 1.0)}}, trials=4, extension=0, replicates=2)
"""
MAY_DIFFER = ('cost', 'pack', 'check')
"""Seconds, how lanes were packed, and so the check of a record."""
STEPS = 16
"""Steps between two checkpoints of a pack."""
ENOUGH = 300.0
"""Seconds after which a run hangs."""


class Place:
    """A folder with the study file and its runs."""

    def __init__(self, folder: Path):
        self.runs, self.file = folder / 'runs', folder / 'killed.py'
        folder.mkdir()
        self.file.write_text(STUDY)

    @property
    def study(self) -> Path:
        return self.runs / 'killed'

    def command(self, name: str) -> list[str]:
        run = ['--workers', '2', '--checkpoint-steps', str(STEPS)] if name == 'run' else []
        return [sys.executable, '-m', 'archlab', name, str(self.file), '--runs', str(self.runs), *run]

    def start(self) -> subprocess.Popen:
        """A run in a session, and so a group, of its own."""
        with open(self.runs.parent / 'said', 'ab') as said:
            return subprocess.Popen(self.command('run'), cwd=ROOT, stdout=said, stderr=said, start_new_session=True)

    def finish(self) -> list[str]:
        """Run the study to its end."""
        run = self.start()
        try:
            code = run.wait(ENOUGH)
        except subprocess.TimeoutExpired:
            os.killpg(run.pid, signal.SIGKILL)
            return [f'the run hangs for {ENOUGH:g} s']
        return [f'the run ended with {code}: {self.said()}'] if code else []

    def said(self) -> str:
        return (self.runs.parent / 'said').read_text(errors='replace')[-600:]

    def verified(self) -> dict[str, bool]:
        """What `archlab verify` says of each of its rules."""
        said = subprocess.run([*self.command('verify'), '--json'], cwd=ROOT, capture_output=True, text=True, timeout=ENOUGH)
        return {one['rule']: one['holds'] for one in json.loads(said.stdout)}

    def lines(self) -> list[dict]:
        return [json.loads(line) for path in (self.study / 'records').glob('*.jsonl') for line in path.read_text().splitlines()]

    def lasting(self) -> dict[str, dict]:
        """What must be the same in every run, by trial id."""
        return {line['id']: {name: value for name, value in line.items() if name not in MAY_DIFFER} for line in self.lines()}


def in_group(group: int) -> list[int]:
    """The processes of a group that live. One that is dead has its files, and so its locks, until its last thread has ended."""
    members = []
    for path in Path('/proc').glob('[0-9]*/stat'):
        with contextlib.suppress(OSError):
            state, _, its_group = path.read_text().rpartition(')')[2].split()[:3]
            if int(its_group) == group and (state != 'Z' or len(os.listdir(path.parent / 'task')) > 1):
                members.append(int(path.parent.name))
    return sorted(members)


def kill(run: subprocess.Popen, way: str, chance: random.Random) -> bool:
    """Kill in one of the WAYS; gives whether there was something to kill."""
    workers = [process for process in in_group(run.pid) if process != run.pid]
    if run.poll() is not None or (way == 'worker' and not workers):
        return False
    with contextlib.suppress(ProcessLookupError):
        if way == 'group':
            os.killpg(run.pid, signal.SIGKILL)
        elif way == 'worker':
            os.kill(chance.choice(workers), signal.SIGKILL)
        else:
            os.kill(run.pid, {'launcher': signal.SIGKILL, 'term': signal.SIGTERM, 'interrupt': signal.SIGINT}[way])
    return True


def checkpoints(study: Path) -> list[Path]:
    """The finished checkpoints of packs that no living process has."""
    return [path for path in sorted(study.glob('checkpoints/*/*')) if path.name.isdecimal() and _is_free(path.parent)]


def _is_free(pack: Path) -> bool:
    with contextlib.suppress(FileNotFoundError), open(pack.with_suffix('.lock')) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def kill_and_damage(run: subprocess.Popen, study: Path, way: str, chance: random.Random) -> tuple[bool, list[str]]:
    """Kill once there is a checkpoint, and damage what is left of them before anything can go on from it.

    Gives whether there was something to kill, and what was damaged.
    """
    while run.poll() is None and not any(path.name.isdecimal() for path in study.glob('checkpoints/*/*')):
        time.sleep(0.01)
    if way != 'worker':
        struck = kill(run, way, chance)
        if way == 'launcher':
            time.sleep(0.2 * chance.random())
            with contextlib.suppress(ProcessLookupError):
                os.killpg(run.pid, signal.SIGKILL)
        run.wait(ENOUGH)
        while in_group(run.pid):
            time.sleep(0.01)
        return struck, damaged(checkpoints(study), chance)
    # A launcher at rest starts no new worker before the checkpoints of the old one are damaged.
    with contextlib.suppress(ProcessLookupError):
        os.kill(run.pid, signal.SIGSTOP)
    struck, harmed = False, []
    while not harmed and kill(run, 'worker', chance):
        struck = True
        time.sleep(0.5)
        harmed = damaged(checkpoints(study), chance)
    with contextlib.suppress(ProcessLookupError):
        os.kill(run.pid, signal.SIGCONT)
    return struck, harmed


def damaged(there: list[Path], chance: random.Random) -> list[str]:
    """Damage the last checkpoint of each pack, or all; gives what was done to each."""
    last = {path.parent: path for path in sorted(there, key=lambda path: int(path.name))}
    done = []
    for path in there if chance.random() < 0.5 else last.values():
        harm = chance.choice(HARMS)
        if damage(path, harm, chance):
            done.append(f'{path.parent.name[:6]}/{path.name} {harm}')
    return done


def damage(folder: Path, harm: str, chance: random.Random) -> int:
    """Do one of the HARMS to a checkpoint; gives how many files or parts it struck."""
    if harm == 'part removed':
        parts = sorted(path for path in folder.rglob('*') if path.is_dir())
        for path in (chosen := parts and [chance.choice(parts)]):
            shutil.rmtree(path)
        return len(chosen)
    files = sorted(path for path in folder.rglob('*') if path.is_file() and path.stat().st_size)
    chosen = chance.sample(files, min(len(files), chance.choice((1, 1 + len(files) // 2, len(files)))))
    for path in chosen:
        content = bytearray(path.read_bytes())
        if harm == 'removed':
            path.unlink()
            continue
        if harm == 'changed':
            for _ in range(max(1, len(content) // 200)):
                content[chance.randrange(len(content))] ^= chance.randrange(1, 256)
        path.write_bytes(content[: {'cut': len(content) // 2, 'emptied': 0}.get(harm, len(content))])
    return len(chosen)


def wrong(place: Place, records: dict[str, dict], rules: dict[str, bool]) -> Iterator[str]:
    """What differs from a run that nobody disturbed."""
    lines, lasting = place.lines(), place.lasting()
    if len(lines) != len(records):
        yield f'{len(lines)} records for {len(records)} trials'
    for key in sorted({*records, *lasting}):
        one, other = records.get(key), lasting.get(key)
        if one != other:
            names = [name for name in {*(one or {}), *(other or {})} if (one or {}).get(name) != (other or {}).get(name)]
            yield f'record {key} differs in {sorted(names)}'
    left = [path.name for path in place.study.rglob('*') if atomic.is_left_over(path.name)]
    if left:
        yield f'left over: {left}'
    if place.verified() != rules:
        yield f'verify says {place.verified()}'


def kills(seed: int, count: int) -> Iterator[tuple[str, list[str]]]:
    """Kill until so many kills struck a run; for each what was done, and what it left wrong."""
    with tempfile.TemporaryDirectory() as own:
        calm = Place(Path(own, 'calm'))
        # Once more: the first run also compiles, and its moments are not those of the others.
        for _ in range(2):
            shutil.rmtree(calm.runs, ignore_errors=True)
            began = time.monotonic()
            if said := calm.finish():
                raise RuntimeError(f'the run that nobody disturbs fails: {said}')
            seconds = time.monotonic() - began
        records, rules = calm.lasting(), calm.verified()
        struck_before = harmed_before = number = 0
        while struck_before < count:
            chance, harming = random.Random(f'{seed} {number}'), 2 * harmed_before <= struck_before
            way, moment, wait = chance.choice(HARMING if harming else WAYS), chance.random(), chance.random() < 0.5
            place = Place(Path(own, str(number)))
            run, began = place.start(), time.monotonic()
            time.sleep(0.3 + 0.9 * moment * seconds)
            said, harmed = [], []
            if harming:
                struck, harmed = kill_and_damage(run, place.study, way, chance)
            else:
                struck = kill(run, way, chance)
            if way == 'worker' or not struck:
                said += [] if run.wait(ENOUGH) == 0 else [f'the run ended: {place.said()}']
            code = run.wait(ENOUGH)
            # How long a run takes depends on what else the machine does.
            seconds = seconds if struck else time.monotonic() - began
            while wait and in_group(run.pid):
                time.sleep(0.1)
            there = len(place.lines())
            said += place.finish()
            until = time.monotonic() + 30
            while in_group(run.pid) and time.monotonic() < until:
                time.sleep(0.1)
            said += [f'processes are left: {in_group(run.pid)}'] if in_group(run.pid) else []
            said += wrong(place, records, rules)
            what = f'{"killed" if struck else "too late to kill"}, {way} after {moment:.2f} of the run (ended {code})'
            yield f'{number}: {what}, {there} records, {harmed or "no checkpoint"} damaged', said
            struck_before, harmed_before, number = struck_before + struck, harmed_before + bool(harmed), number + 1
            shutil.rmtree(place.runs.parent)


def main(seed: int, count: int) -> int:
    """Kill and compare; gives the exit status."""
    # A background job of a shell ignores Ctrl-C, and so would the runs.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    bad = struck = harmed = 0
    for what, said in kills(seed, count):
        bad, struck, harmed = bad + bool(said), struck + ('too late' not in what), harmed + ('no checkpoint' not in what)
        print(f'{what}: {"; ".join(said) or "nothing is wrong"}', flush=True)
    print(f'{struck} kills struck a run, {harmed} with checkpoints damaged; {bad} runs were left wrong')
    return bool(bad) or 2 * harmed < struck


if __name__ == '__main__':
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
