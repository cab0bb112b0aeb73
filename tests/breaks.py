"""Breaks: lines that are broken on purpose, one at a time, and whether a fast test notices.

    python tests/breaks.py --seed 7 --lines 40                       # of all rooms, with all fast tests
    python tests/breaks.py results/store --tests tests/results --lines 100

First all tests run once, and what functions each of them calls is noted. Then each drawn line is broken in one way, in a
process of its own, and the tests that call its function run: the quickest of them, and all where these notice nothing. Of
tests that share what is made once, such as a compiled program, only the first one calls the functions behind it; so at last
those run too that use the same fixture, call the same helper, or are cases of the same test. What runs only while modules are
imported is left out, because no test is known to need it. What runs only in a process that a test starts counts as called by
none. Breaks that change nothing are not tried: tests/harmless_breaks.txt lists them, each with the reason, as this program
tells a break. A break that only looks harmless belongs to a test.
"""

import argparse
import contextlib
import importlib
import os
import pickle
import random
import re
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
COMMON, KIN_SECONDS = 300, 60.0
"""What more tests than these call says nothing of any of them; and the seconds that tests which share helpers may take."""
PATIENCE = 120
"""Seconds that the tests of a broken line may take beyond five times what they took before: what takes longer has noticed."""
UNNOTICED, NOTICED, UNCALLED, UNDONE = 'not noticed', 'noticed', 'called by no test', 'no test was run'
STATUSES = {pytest.ExitCode.OK: UNNOTICED, pytest.ExitCode.NO_TESTS_COLLECTED: UNDONE}
"""What else pytest may give: tests failed, or they or a conftest.py could not be imported, or one ended the process."""
TOLD_EVERY = 20
"""Lines, after which it is said how many were tried."""

HARMLESS = ROOT / 'tests' / 'harmless_breaks.txt'

Slip = tuple[str, str, str, str]
"""One way to break a line that moves with its file: path within the project, function, text of the line, words of the break."""
Place = tuple[str, int]
"""A file, and the line in which a function begins."""


def harmless() -> dict[Slip, str]:
    """The breaks that change nothing, each with the reason.

    One takes three lines: that which tells of the break, the line of code, and the reason.
    """
    listed = {}
    for entry in HARMLESS.read_text(encoding='utf-8').strip().split('\n\n'):
        head, code, *why = (row.strip() for row in entry.splitlines())
        path, function, words = re.fullmatch(r'(?:not noticed: )?([^:]+):\d+ ([^:]+): (.+)', head).groups()
        listed[path, function, code, words] = ' '.join(why)
    return listed


class Called:
    """The places of the functions that are called while it is on; within another one that one hears of them too."""

    def __init__(self, outer: 'Called | None' = None) -> None:
        self.codes: set[CodeType] = set()
        self.outer = outer

    def __enter__(self) -> 'Called':
        threading.setprofile(self._heard)
        sys.setprofile(self._heard)
        return self

    def __exit__(self, *_: object) -> None:
        heard = None
        if self.outer is not None:
            self.outer.codes |= self.codes
            heard = self.outer._heard
        sys.setprofile(heard)
        threading.setprofile(heard)

    def _heard(self, frame: FrameType, event: str, _: object) -> None:
        if event == 'call':
            self.codes.add(frame.f_code)

    @property
    def places(self) -> set[Place]:
        return {(code.co_filename, code.co_firstlineno) for code in self.codes if code.co_filename.startswith(f'{ROOT}/')}


class Noting:
    """Notes the functions that each test calls, its seconds, and the functions that are called before the first test.

    What a fixture called counts for each test that uses it, also where another test has set it up.
    """

    def __init__(self) -> None:
        self.calls: dict[str, set[Place]] = {}
        self.seconds: dict[str, float] = {}
        self.fixtures: dict[object, set[Place]] = {}
        self.imported = self.called = Called().__enter__()

    def pytest_collection_finish(self) -> None:
        self.imported.__exit__()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        began = time.monotonic()
        with Called() as self.called:
            result = yield
        used = [one for definitions in item._fixtureinfo.name2fixturedefs.values() for one in definitions]
        self.calls[item.nodeid] = self.called.places.union(*(self.fixtures.get(one, ()) for one in used))
        self.seconds[item.nodeid] = time.monotonic() - began
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: object) -> Generator[None, object, object]:
        outer = self.called
        with Called(outer) as self.called:
            result = yield
        self.fixtures.setdefault(fixturedef, set()).update(self.called.places)
        self.called = outer
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


def noted(tests: list[str], file: Path, jobs: int) -> tuple[dict, dict, set]:
    """The functions that each test calls, its seconds, and the functions that are called at import; from a file where it is."""
    if not file.exists():
        paths = [Path(test) for test in tests]
        files = sorted(map(str, {one for path in paths for one in (path.rglob('test_*.py') if path.is_dir() else [path])}))
        shares, children = [files[number::jobs] for number in range(min(jobs, len(files)))], []
        file.parent.mkdir(exist_ok=True)
        for number, share in enumerate(shares):
            part = file.with_suffix(f'.{number}')
            if (child := os.fork()) == 0:
                noting = Noting()
                run(share, noting)
                part.write_bytes(pickle.dumps((noting.calls, noting.seconds, noting.imported.places)))
                os._exit(0)
            children.append((child, part))
        calls, seconds, imported = {}, {}, set()
        for child, part in children:
            os.waitpid(child, 0)
            own_calls, own_seconds, own_imported = pickle.loads(part.read_bytes())
            calls, seconds, imported = calls | own_calls, seconds | own_seconds, imported | own_imported
            part.unlink()
        file.write_bytes(pickle.dumps((calls, seconds, imported)))
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
        folder = f'{ROOT}/tests/'
        self.helpers = {place: names for place, names in self.tests.items() if place[0].startswith(folder)}

    def kin(self, own: list[str]) -> list[str]:
        """Further tests that call what these call of the tests' own functions: first what the fewest tests call."""
        known, shared = {*own}, {}
        for names in sorted(self.helpers.values(), key=len):
            if len(names) <= COMMON and not known.isdisjoint(names):
                shared |= {name: len(names) for name in names if name not in known and name not in shared}
        left, spent = [], 0.0
        for name in sorted(shared, key=lambda name: (shared[name], self.seconds[name])):
            spent += self.seconds[name]
            if spent <= KIN_SECONDS:
                left.append(name)
        return left

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
        if self.told.total() % TOLD_EVERY == 0:
            print(f'{self.told.total()} lines broken, {self.told[NOTICED]} noticed', file=sys.stderr, flush=True)
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
        signal.alarm(PATIENCE + int(5 * (KIN_SECONDS + sum(map(self.seconds.get, names)))))
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
        names = [*names, *self.kin(names)]
        return run(['-x', *sorted({name.partition('::')[0] for name in names})], Only(names))


def all_lines(rooms: list[str]) -> list[tuple[Line, list[int]]]:
    """The lines of some folders and files that can be broken, each with the ways that change something."""
    paths = [ROOT / room for room in rooms]
    files = {file for path in paths for file in (path.rglob('*.py') if path.is_dir() else [path])}
    left_out, able = harmless(), []
    for file in sorted(files):
        name = str(file.relative_to(ROOT))
        for line in lines(file):
            ways = [w for w, words in enumerate(line.ways) if (name, line.function, line.text, words) not in left_out]
            if ways:
                able.append((line, ways))
    return able


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
    calls, seconds, imported = noted(options.tests, file, options.jobs)
    if not options.calls:
        file.unlink()
    breaks, draw = Breaks(calls, seconds), random.Random(options.seed)
    late = imported - breaks.tests.keys()
    drawn = [(line, ways) for line, ways in all_lines(options.rooms) if (str(line.path), line.start) not in late]
    draw.shuffle(drawn)
    print(f'\n{len(drawn)} lines can be broken; {len(calls)} tests', flush=True)
    breaks.try_each([(line, draw.choice(ways)) for line, ways in drawn[: options.lines]], options.jobs)
    print(', '.join(f'{word}: {count}' for word, count in breaks.told.items()))
    return 0 if breaks.told[NOTICED] >= 0.95 * (breaks.told.total() - breaks.told[UNDONE]) else 1


if __name__ == '__main__':
    sys.exit(main())
