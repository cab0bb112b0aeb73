"""Callbacks: what Python code that a compiled program calls has raised is told on one line, and jax logs no frames of it."""

import subprocess
import sys
from pathlib import Path

BLOCK = '''
import jax
from flax import linen as nn


class Watched(nn.Module):
    """Shapes: `[..., C] -> [..., C]`."""

    @nn.compact
    def __call__(self, x, context):
        jax.debug.callback(lambda: [].pop())
        return x


NORMS = {'watched': Watched}
'''


def test_a_callback_that_fails_is_told_on_one_line(tmp_path: Path):
    (tmp_path / 'watched.py').write_text(BLOCK)
    done = subprocess.run(
        [Path(sys.executable).with_name('archlab'), 'check', 'watched.py'], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 1 and done.stderr == ''
    assert 'watched.py, line 11: IndexError: pop from empty list' in done.stdout
    assert 'Traceback' not in done.stdout and max(map(len, done.stdout.splitlines())) < 300
