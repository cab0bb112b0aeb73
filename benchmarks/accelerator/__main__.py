"""The command: `python -m benchmarks.accelerator --out FOLDER`."""

import argparse
import ast
import contextlib
import importlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.measured import Measured, read
from results.store import atomic

PARTS = ('about', 'agreement', 'lanes', 'models', 'peers', 'lowerings', 'resume', 'memory', 'flagship')
"""In the order of their worth; the last one takes what is left."""
FILE = 'accelerator.json'
LEFT = 10
"""A part is not begun with fewer seconds than this."""
SAID = 2000
"""The number of last characters of a failed part's output that are kept."""


def _facts(name: str) -> dict:
    """The needs and the time limit of a part, read without importing it."""
    tree = ast.parse((Path(__file__).parent / f'{name}.py').read_text(encoding='utf-8'))
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple):
            names = [target.id for target in node.targets[0].elts]
            if names == ['NEEDS', 'SECONDS']:
                return dict(zip(names, ast.literal_eval(node.value), strict=True))
    raise ValueError(f'{name}.py declares no NEEDS, SECONDS')


def _missing(needs: tuple[str, ...]) -> list[str]:
    return [name for name in needs if importlib.util.find_spec(name) is None]


def run_part(name: str, folder: Path, tiny: bool, limit: float) -> dict:
    """Run one part in a process of its own; gives how it ended, its seconds and its measurements."""
    file, log = folder / f'{name}.json', folder / f'{name}.log'
    file.unlink(missing_ok=True)
    call = [
        sys.executable,
        '-m',
        'benchmarks.accelerator',
        '--part',
        name,
        '--out',
        str(folder),
        '--seconds',
        str(limit),
        *(['--tiny'] * tiny),
    ]
    environment = {'XLA_PYTHON_CLIENT_PREALLOCATE': 'false', 'TF_CPP_MIN_LOG_LEVEL': '3', **os.environ}
    began = time.monotonic()
    with open(log, 'wb') as said:
        process = subprocess.Popen(call, stdout=said, stderr=subprocess.STDOUT, env=environment, start_new_session=True)
        try:
            process.wait(limit)
            ended = 'done' if process.returncode == 0 else f'failed with status {process.returncode}'
        except subprocess.TimeoutExpired:
            ended = f'cut off after {limit:.0f} s'
        # What the part itself has started ends with it.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    told = {'ended': ended, 'seconds': round(time.monotonic() - began, 1), 'measured': read(file)}
    if ended != 'done':
        told['said'] = log.read_text(encoding='utf-8', errors='replace')[-SAID:]
    file.unlink(missing_ok=True)
    log.unlink(missing_ok=True)
    return told


def run_all(folder: Path, parts: tuple[str, ...], tiny: bool, seconds: float) -> dict:
    """Run parts within so many seconds; what is known is in the folder's file after each."""
    deadline, told = time.monotonic() + seconds, {}
    for name in parts:
        facts, left = _facts(name), deadline - time.monotonic()
        missing = _missing(facts['NEEDS'])
        if missing:
            told[name] = {'ended': f'skipped: {", ".join(missing)} is not installed', 'seconds': 0.0, 'measured': []}
        elif left < LEFT:
            told[name] = {'ended': 'not begun: no time was left', 'seconds': 0.0, 'measured': []}
        else:
            told[name] = run_part(name, folder, tiny, left if tiny else min(facts['SECONDS'], left))
        atomic.replace(folder / FILE, json.dumps({'tiny': tiny, 'parts': told}, indent=1) + '\n')
        print(
            f'{name}: {told[name]["ended"]}, {len(told[name]["measured"])} measurements, {told[name]["seconds"]} s', flush=True
        )
    return told


def main(arguments: list[str] | None = None) -> int:
    """Gives 0 where every part was done or skipped, else 1."""
    parser = argparse.ArgumentParser(prog='python -m benchmarks.accelerator', description=__doc__)
    parser.add_argument('--out', type=Path, required=True, help='the folder for accelerator.json')
    parser.add_argument('--only', default=','.join(PARTS), help='some of the parts, with commas between')
    parser.add_argument('--seconds', type=float, default=480, help='of all parts together')
    parser.add_argument('--tiny', action='store_true', help='sizes that a processor does in a minute')
    parser.add_argument('--part', choices=PARTS, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    if given.part:
        part = importlib.import_module(f'benchmarks.accelerator.{given.part}')
        part.run(Measured(given.out / f'{given.part}.json', given.seconds), given.tiny)
        return 0
    only = tuple(given.only.split(','))
    unknown = [name for name in only if name not in PARTS]
    if unknown:
        parser.error(f'unknown part {unknown[0]!r}; allowed: {", ".join(PARTS)}')
    told = run_all(given.out, tuple(name for name in PARTS if name in only), given.tiny, given.seconds)
    return 0 if all(one['ended'] == 'done' or one['ended'].startswith('skipped') for one in told.values()) else 1


if __name__ == '__main__':
    sys.exit(main())
