"""Real kills: a tiny study is killed at a random moment, its checkpoints are damaged, and it is run to its end.

What is recorded then must be what a run records that nobody disturbed, to the last bit.

python tests/real_kills.py SEED COUNT    prints each kill, and what it left wrong; exit status 1 where one did
"""

import contextlib
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
HARMS = ('none', 'half', 'bytes')
"""What is done to the files of checkpoints: nothing, the second half cut off, some bytes changed."""
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

    def kept(self) -> dict[str, dict]:
        """What must be the same in every run, by trial id."""
        return {line['id']: {name: value for name, value in line.items() if name not in MAY_DIFFER} for line in self.lines()}


def in_group(group: int) -> list[int]:
    """The processes of a group that live."""
    found = []
    for path in Path('/proc').glob('[0-9]*/stat'):
        with contextlib.suppress(OSError):
            state, _, its_group = path.read_text().rpartition(')')[2].split()[:3]
            if int(its_group) == group and state != 'Z':
                found.append(int(path.parent.name))
    return sorted(found)


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


def damage(folder: Path, harm: str, chance: random.Random) -> int:
    """Damage the files of checkpoints; gives how many."""
    files = [path for path in folder.rglob('*') if path.is_file() and path.stat().st_size and path.name != 'lock']
    chosen = [path for path in sorted(files) if chance.random() < 0.7] if harm != 'none' else []
    for path in chosen:
        content = bytearray(path.read_bytes())
        if harm == 'half':
            del content[len(content) // 2 :]
        else:
            for _ in range(max(1, len(content) // 200)):
                content[chance.randrange(len(content))] ^= chance.randrange(1, 256)
        path.write_bytes(content)
    return len(chosen)


def wrong(place: Place, records: dict[str, dict], rules: dict[str, bool]) -> Iterator[str]:
    """What differs from a run that nobody disturbed."""
    lines, kept = place.lines(), place.kept()
    if len(lines) != len(records):
        yield f'{len(lines)} records for {len(records)} trials'
    for key in sorted({*records, *kept}):
        one, other = records.get(key), kept.get(key)
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
        records, rules = calm.kept(), calm.verified()
        struck_before, number = 0, -1
        while struck_before < count:
            number += 1
            chance = random.Random(f'{seed} {number}')
            way, harm, moment, wait = chance.choice(WAYS), chance.choice(HARMS), chance.random(), chance.random() < 0.5
            place = Place(Path(own, str(number)))
            run = place.start()
            time.sleep(0.3 + 0.9 * moment * seconds)
            struck, said = kill(run, way, chance), []
            if way == 'worker' or not struck:
                said += [] if run.wait(ENOUGH) == 0 else [f'the run ended: {place.said()}']
            code = run.wait(ENOUGH)
            while wait and in_group(run.pid):
                time.sleep(0.1)
            there = len(place.lines())
            damaged = damage(place.study / 'checkpoints', harm, chance) if place.study.exists() and not in_group(run.pid) else 0
            said += place.finish()
            until = time.monotonic() + 30
            while in_group(run.pid) and time.monotonic() < until:
                time.sleep(0.1)
            said += [f'processes are left: {in_group(run.pid)}'] if in_group(run.pid) else []
            said += wrong(place, records, rules)
            what, struck_before = 'killed' if struck else 'too late to kill', struck_before + struck
            yield (
                f'{number}: {what}, {way} after {moment:.2f} of the run (ended {code}), {there} records, {damaged} damaged',
                said,
            )
            shutil.rmtree(place.runs.parent)


def main(seed: int, count: int) -> int:
    """Kill and compare; gives the exit status."""
    # A background job of a shell ignores Ctrl-C, and so would the runs.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    bad = struck = 0
    for what, said in kills(seed, count):
        bad, struck = bad + bool(said), struck + ('too late' not in what)
        print(f'{what}: {"; ".join(said) or "nothing is wrong"}', flush=True)
    print(f'{struck} kills struck a run; {bad} runs were left wrong')
    return bool(bad)


if __name__ == '__main__':
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
