"""Bad inputs at random over all commands: each is answered by a sentence, and none hangs, breaks or passes in silence.

The seed stands in the output; `python tests/bad_inputs.py SEED COUNT` draws the same inputs again.
"""

import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

INPUTS = Path(__file__).parents[1] / 'bad_inputs.py'
ROOT = INPUTS.parents[1]


def answered(count: int, *more: str) -> None:
    seed = secrets.randbelow(10**6)
    print(f'python {INPUTS.relative_to(ROOT)} {seed} {count} {" ".join(more)}')
    command = [sys.executable, str(INPUTS), str(seed), str(count), *more]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, 'PYTHONPATH': str(ROOT)}, capture_output=True, text=True)
    assert done.returncode == 0, f'seed {seed}: {done.stdout}{done.stderr}'


def test_a_few_bad_inputs_are_answered():
    answered(3, 'light')


@pytest.mark.slow
def test_many_bad_inputs_are_answered():
    answered(300)
