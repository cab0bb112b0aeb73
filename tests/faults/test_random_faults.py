"""Faults at random: whatever call fails, is interrupted or killed, nothing is lost, doubled or torn, and the rerun is the same.

Every run of the tests draws faults of its own; the seed stands in the test's output, and
`python tests/faulty_runs.py SEED COUNT WORK` makes the same faults again.
"""

import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

RUNS = Path(__file__).parents[1] / 'faulty_runs.py'
ROOT = RUNS.parents[1]


def struck(count: int, *works: str) -> None:
    seed = secrets.randbelow(10**6)
    print(f'python {RUNS.relative_to(ROOT)} {seed} {count} {" ".join(works)}')
    command = [sys.executable, str(RUNS), str(seed), str(count), *works]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, 'PYTHONPATH': str(ROOT)}, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, ''), f'seed {seed}: {done.stdout}{done.stderr}'


def test_a_few_faults_lose_nothing():
    """On every kind of work, in one process."""
    struck(13)


@pytest.mark.slow
@pytest.mark.parametrize(
    ('work', 'count'),
    [('run', 1000), ('publish', 150), ('prepare', 150), ('declared', 200), ('page', 100), ('export', 100), ('merge', 200)],
)
def test_many_faults_lose_nothing(work: str, count: int):
    struck(count, work)
