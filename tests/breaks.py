"""Breaks: lines that are broken on purpose, one at a time, and whether a fast test notices.

    python tests/breaks.py --seed 7 --lines 40                       # of all rooms, with all fast tests
    python tests/breaks.py results/store --tests tests/results --lines 100

First all tests run once, and what functions each of them calls is noted. Then each drawn line is broken in one way, in a
process of its own, and the tests that call its function run: the quickest of them, and all where these notice nothing. What
runs only while modules are imported is left out, because no test is known to need it. What runs only in a process that a test
starts counts as called by none.
"""

import argparse
import contextlib
import importlib
import os
import pickle
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Generator
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, FrameType

os.environ.setdefault('OPENBLAS_NUM_THREADS', '1')

import pytest
from declared_numbers import ROOMS, ROOT
from mutants import Line, lines

LIBRARIES = ('numpy', 'scipy.special', 'jax', 'flax.linen', 'optax', 'duckdb', 'matplotlib')
"""What is imported once and not in each process. None of them starts threads when it is imported."""
FIRST, FILES = 100, 8
"""The quickest tests that are tried first: at most so many, of so many files."""
PATIENCE = 120
"""Seconds that the tests of a broken line may take beyond five times what they took before: what takes longer has noticed."""
UNNOTICED, NOTICED, UNCALLED, UNDONE = 'not noticed', 'noticed', 'called by no test', 'no test was run'
STATUSES = {
    pytest.ExitCode.OK: UNNOTICED,
    pytest.ExitCode.NO_TESTS_COLLECTED: UNDONE,
    pytest.ExitCode.USAGE_ERROR: UNDONE,
}
"""What else pytest may give: tests failed, or could not be imported, or one ended the process."""

Place = tuple[str, int]
"""A file, and the line in which a function begins."""


class Called:
    """The places of the functions that are called while it is on."""

    def __init__(self) -> None:
        self.codes: set[CodeType] = set()

    def __enter__(self) -> 'Called':
        threading.setprofile(self._heard)
        sys.setprofile(self._heard)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)
        threading.setprofile(None)

    def _heard(self, frame: FrameType, event: str, _: object) -> None:
        if event == 'call':
            self.codes.add(frame.f_code)

    @property
    def places(self) -> set[Place]:
        return {(code.co_filename, code.co_firstlineno) for code in self.codes if code.co_filename.startswith(f'{ROOT}/')}


class Noting:
    """Notes the functions that each test calls, its seconds, and the functions that are called before the first test."""

    def __init__(self) -> None:
        self.calls: dict[str, set[Place]] = {}
        self.seconds: dict[str, float] = {}
        self.imported = Called().__enter__()

    def pytest_collection_finish(self) -> None:
        self.imported.__exit__()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        began = time.monotonic()
        with Called() as called:
            result = yield
        self.calls[item.nodeid], self.seconds[item.nodeid] = called.places, time.monotonic() - began
        return result


class Only:
    """Leaves only some tests, in their order."""

    def __init__(self, names: list[str]):
        self.order = {name: number for number, name in enumerate(names)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted((item for item in items if item.nodeid in self.order), key=lambda item: self.order[item.nodeid])


def run(arguments: list[str], plugin: object) -> int:
    return int(pytest.main(['-p', 'no:xdist', '-m', 'not slow', '-q', '--no-header', *arguments], plugins=[plugin]))


def noted(tests: list[str], file: Path) -> tuple[dict, dict, set]:
    """The functions that each test calls, its seconds, and the functions that are called at import; from a file where it is."""
    if not file.exists():
        if (child := os.fork()) == 0:
            noting = Noting()
            run(tests, noting)
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(pickle.dumps((noting.calls, noting.seconds, noting.imported.places)))
            os._exit(0)
        os.waitpid(child, 0)
    return pickle.loads(file.read_bytes())


class Breaks:
    """Breaks lines, and tells which breaks no test noticed; `told` counts."""

    def __init__(self, calls: dict[str, set[Place]], seconds: dict[str, float]):
        self.seconds, self.told = seconds, Counter()
        self.tests: dict[Place, list[str]] = {}
        for name, places in calls.items():
            for place in places:
                self.tests.setdefault(place, []).append(name)
        for own in self.tests.values():
            own.sort(key=seconds.get)

    def try_each(self, drawn: list[tuple[Line, int]], jobs: int) -> None:
        running: dict[int, tuple[Line, int]] = {}
        for line, way in drawn:
            own = self.tests.get((str(line.path), line.start))
            if not own:
                self._tell(line, way, UNCALLED)
                continue
            while len(running) >= jobs:
                self._end_one(running)
            if (child := os.fork()) == 0:
                os._exit(self._tried(line, way, own))
            running[child] = line, way
        while running:
            self._end_one(running)

    def _end_one(self, running: dict[int, tuple[Line, int]]) -> None:
        child, status = os.wait()
        if child in running:
            self._tell(*running.pop(child), STATUSES.get(os.waitstatus_to_exitcode(status), NOTICED))

    def _tell(self, line: Line, way: int, word: str) -> None:
        self.told[word] += 1
        if word != NOTICED:
            where = f'{line.path.relative_to(ROOT)}:{line.number} {line.function}'
            print(f'{word}: {where}: {line.ways[way]}\n    {line.text}', flush=True)

    def _tried(self, line: Line, way: int, names: list[str]) -> int:
        """Break a line for this process and run tests until one fails; gives the status of pytest."""
        broken, given = line.broken(way), SourceFileLoader.get_code
        SourceFileLoader.get_code = lambda own, name: broken if own.path == str(line.path) else given(own, name)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        signal.alarm(PATIENCE + int(5 * sum(map(self.seconds.get, names))))
        quick, files = [], set()
        for name in names[:FIRST]:
            file, *_ = name.partition('::')
            if file in files or len(files) < FILES:
                files.add(file)
                quick.append(name)
        if len(quick) < len(names):
            if (child := os.fork()) == 0:
                os._exit(run(['-x', *sorted(files)], Only(quick)))
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            if STATUSES.get(status, NOTICED) == NOTICED:
                return status if status > 0 else int(pytest.ExitCode.TESTS_FAILED)
        return run(['-x', *sorted({name.partition('::')[0] for name in names})], Only(names))


def all_lines(rooms: list[str]) -> list[Line]:
    """The lines of some folders and files that can be broken."""
    paths = [ROOT / room for room in rooms]
    files = {file for path in paths for file in (path.rglob('*.py') if path.is_dir() else [path])}
    return [line for file in sorted(files) for line in lines(file)]


def main() -> int:
    """Break lines; gives 0 where 19 of 20 were noticed."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('rooms', nargs='*', default=ROOMS, help='folders or files whose lines are broken')
    parser.add_argument('--tests', nargs='+', default=['tests'], help='folders or files of tests')
    parser.add_argument('--seed', type=int, default=0, help='which lines are drawn')
    parser.add_argument('--lines', type=int, default=40, help='how many')
    parser.add_argument('--jobs', type=int, default=os.cpu_count(), help='how many at once')
    parser.add_argument(
        '--calls', type=Path, help='a file for what the tests call, so that the next draw need not run them all'
    )
    options = parser.parse_args()
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    for name in LIBRARIES:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    file = options.calls or ROOT / '.cache' / f'calls-{os.getpid()}.pickle'
    calls, seconds, imported = noted(options.tests, file)
    if not options.calls:
        file.unlink()
    breaks, draw = Breaks(calls, seconds), random.Random(options.seed)
    late = imported - breaks.tests.keys()
    drawn = [line for line in all_lines(options.rooms) if (str(line.path), line.start) not in late]
    draw.shuffle(drawn)
    print(f'\n{len(drawn)} lines can be broken; {len(calls)} tests', flush=True)
    breaks.try_each([(line, draw.randrange(len(line.ways))) for line in drawn[: options.lines]], options.jobs)
    print(', '.join(f'{word}: {count}' for word, count in breaks.told.items()))
    return 0 if breaks.told[NOTICED] >= 0.95 * (breaks.told.total() - breaks.told[UNDONE]) else 1


if __name__ == '__main__':
    sys.exit(main())
