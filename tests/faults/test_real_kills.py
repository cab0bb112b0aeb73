"""Real kills of group, worker and launcher at random moments: run again, a study ends as one that nobody disturbed.

The seed stands in the output; `python tests/real_kills.py SEED COUNT` makes the same kills again.
"""

import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

KILLS = Path(__file__).parents[1] / 'real_kills.py'
ROOT = KILLS.parents[1]


@pytest.mark.slow
def test_forty_kills_lose_nothing():
    seed = secrets.randbelow(10**6)
    print(f'python {KILLS.relative_to(ROOT)} {seed} 40')
    command = [sys.executable, str(KILLS), str(seed), '40']
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, 'PYTHONPATH': str(ROOT)}, capture_output=True, text=True)
    assert done.returncode == 0, f'seed {seed}: {done.stdout}{done.stderr}'
