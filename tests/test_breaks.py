"""Lines that are broken on purpose: each break is one slip, and what no test notices is told."""

import pickle
import subprocess
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path
from types import CodeType

import pytest
from breaks import COMMON, KIN_SECONDS, Breaks, all_lines, harmless
from declared_numbers import ROOT
from mutants import lines

SLIPS = {
    'x < 3': ({'Lt to LtE', '3 to 4'}, {3}),
    'x + 1 - 2 * x': ({'Add to Sub', 'Sub to Add', 'Mult to Div', '1 to 2', '2 to 3'}, {1, 4}),
    'x > 1 and x < 9 and x != 5': ({'And to Or', 'the last part left out'}, set(range(1, 13))),
    'x or 7': ({'Or to And', 'the last part left out', '7 to 8'}, {0, 2}),
    'not x': ({'without Not'}, {0, 1}),
    '-x': ({'without USub'}, {4}),
    '[x, True]': ({'True to False'}, {1}),
    '"a" if x else "b"': ({'always the first of two', 'always the second of two', 'a text with a letter more'}, {0, 1}),
    '"a" + str(x)': ({'only the first of two'}, {1}),
    'f"{x:.2f} of"': ({'a text with a letter more'}, {1}),
    '[y for y in range(9) if y > x]': ({'a condition left out', 'Gt to GtE', '9 to 10'}, {4}),
    'max(x, 3)': ({'max to min'}, {1, 5}),
    'sorted([3, x], reverse=True)': ({'without reverse'}, {1}),
    'list(zip([x], [1], strict=True))': ({'1 to 2'}, {1}),
}
"""What a function of x gives, slips of it, and values of x of which one at least tells each of them."""


@pytest.mark.parametrize('expression', SLIPS)
def test_each_slip_is_one_that_some_value_tells(tmp_path: Path, expression: str):
    file = tmp_path / 'module.py'
    file.write_text(f'class One:\n    @staticmethod\n    def of(x):\n        """Of x."""\n        return {expression}\n')
    (line,) = lines(file)
    assert (line.number, line.function, line.text) == (5, 'One.of', f'return {expression}')
    slips, values = SLIPS[expression]
    assert slips | {'gives None'} <= {*line.ways}

    def given(code: CodeType) -> list:
        names = {}
        exec(code, names)
        return [names['One'].of(x) for x in values]

    right = given(compile(file.read_text(), str(file), 'exec'))
    for way, words in enumerate(line.ways):
        assert given(line.broken(way)) != right, words


STATEMENTS = """LIMIT = 3

def outer(x: int = 4):
    "Words."
    if x:
        x += LIMIT
    else:
        raise ValueError("no x")

    def inner():
        print(x)

    inner()
    return
"""


def test_statements_are_turned_round_or_left_out_and_told_by_their_lines(tmp_path: Path):
    file = tmp_path / 'module.py'
    file.write_text(STATEMENTS)
    made = lines(file)
    assert [(line.number, line.ways) for line in made] == [
        (5, ('the condition turned round',)),
        (6, ('left out',)),
        (8, ('left out',)),
        (11, ('left out',)),
        (13, ('left out',)),
    ]
    assert {line.function for line in made} == {'outer'}


BLIND = "from results.rounding import plain\n\n\ndef test_it():\n    plain({'a': (0.5, 1)})\n"


@pytest.fixture
def blind() -> Generator[Path]:
    """A test within the project that notices little."""
    (ROOT / '.cache').mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix='blind-', dir=ROOT / '.cache') as folder:
        file = Path(folder, 'test_blind.py')
        file.write_text(BLIND)
        yield file


def test_what_no_test_notices_is_told(blind: Path):
    for tests, status in (('tests/results/test_rounding.py', 0), (blind, 1)):
        command = [sys.executable, 'tests/breaks.py', 'results/rounding.py', '--jobs', '2', '--tests', str(tests)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == status, done.stdout + done.stderr
        assert ('not noticed: results/rounding.py:' in done.stdout) is (status == 1)
        assert 'noticed: ' in done.stdout.splitlines()[-1] and 'no test was run' not in done.stdout


SHARING = """import functools

import pytest
from results.rounding import plain


@functools.cache
def made():
    return plain({'a': (0.5, 1)})


@pytest.fixture(scope='module')
def shared():
    return plain([1.5])


def test_first(shared):
    made()


def test_second(shared):
    assert shared == [1.5]


def test_third():
    assert made() == {'a': [0.5, 1]}
"""


def test_what_a_fixture_calls_counts_for_all_that_use_it_and_a_helper_joins_the_tests_that_call_it(blind: Path):
    blind.write_text(SHARING)
    calls = blind.with_suffix('.pickle')
    command = [sys.executable, 'tests/breaks.py', 'results/rounding.py', '--tests', str(blind), '--lines', '0']
    subprocess.run([*command, '--calls', str(calls)], cwd=ROOT, capture_output=True, check=True)
    called, seconds, _ = pickle.loads(calls.read_bytes())
    start = next(line.start for line in lines(ROOT / 'results' / 'rounding.py') if line.function == 'plain')
    place, (first, second, third) = (str(ROOT / 'results' / 'rounding.py'), start), called
    assert place in called[first] and place in called[second] and place not in called[third]
    assert third in Breaks(called, seconds).kin([first])


def test_each_harmless_break_is_of_a_line_that_there_is_and_says_why():
    listed = harmless()
    there = {
        (path, line.function, line.text, words)
        for path in {path for path, *_ in listed}
        for line in lines(ROOT / path)
        for words in line.ways
    }
    assert not listed.keys() - there, 'the line has changed: judge the break anew, or take it from tests/harmless_breaks.txt'
    assert all(listed.values())


def test_no_harmless_break_is_drawn():
    for (path, function, text, words), _ in harmless().items():
        ways = {
            line.ways[way] for line, able in all_lines([path]) for way in able if (line.function, line.text) == (function, text)
        }
        assert words not in ways


def test_tests_that_share_a_helper_are_tried_with_those_that_call_a_function():
    """A program that one test compiled is there for the next ones, which call nothing that it is made of."""
    product, helper, common, other = ('/p.py', 1), *((f'{ROOT}/tests/{name}.py', 1) for name in ('helper', 'common', 'other'))
    calls = {
        'a.py::first': {product, helper, common},
        'a.py::slow': {helper, common},
        'a.py::next': {helper, common},
        'a.py::long': {helper, common},
        'b.py::stranger': {other, common},
        **{f'b.py::{number}': {common} for number in range(COMMON)},
    }
    seconds = dict.fromkeys(calls, 0.1) | {'a.py::slow': 2.0, 'a.py::long': KIN_SECONDS}
    breaks = Breaks(calls, seconds)
    assert breaks.tests[product] == ['a.py::first'] and breaks.kin(['a.py::first']) == ['a.py::next', 'a.py::slow']
    assert breaks.kin(['b.py::stranger']) == []
