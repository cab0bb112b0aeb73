"""A part of the accelerator's command is a process of its own: what is called, what ends with it, and what is told of it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.accelerator import __main__ as command
from benchmarks.measured import Measured


@pytest.mark.parametrize(
    ('status', 'gone', 'ended'),
    [(0, True, 'done'), (0, False, 'done'), (3, True, 'failed with status 3'), (None, False, 'cut off after 7 s')],
)
def test_what_a_part_has_started_ends_with_it(tmp_path: Path, monkeypatch, status, gone, ended):
    calls = []

    class Process:
        pid, returncode = 77, status

        def __init__(self, call, stdout, stderr, env, start_new_session):
            calls.append((call, start_new_session, env))
            stdout.write(b'x' * 3000 + b'why')
            Measured(tmp_path / 'about.json').add('one', number=1)

        def wait(self, limit=None):
            calls.append(('wait', limit))
            if limit and status is None:
                raise subprocess.TimeoutExpired('part', limit)

    def killpg(group, number):
        calls.append((group, number))
        if gone:
            raise ProcessLookupError

    monkeypatch.setattr(command.subprocess, 'Popen', Process)
    monkeypatch.setattr(command.os, 'killpg', killpg)
    monkeypatch.setenv('TF_CPP_MIN_LOG_LEVEL', '1')
    (tmp_path / 'about.json').write_text('[{"name": "of an earlier run"}]')
    told = command.run_part('about', tmp_path, status == 3, 7.0)
    (call, alone, env), *after = calls
    assert call[:5] == [sys.executable, '-m', 'benchmarks.accelerator', '--part', 'about'] and alone
    assert call[5:] == ['--out', str(tmp_path), '--seconds', '7.0', *(['--tiny'] if status == 3 else [])]
    assert env['XLA_PYTHON_CLIENT_PREALLOCATE'] == 'false' and env['TF_CPP_MIN_LOG_LEVEL'] == '1' and set(env) > {'PATH'}
    assert after == [('wait', 7.0), (77, signal.SIGKILL), ('wait', None)]
    assert told['ended'] == ended and told['measured'] == [{'name': 'one', 'number': 1}] and 0 <= told['seconds'] < 9
    assert ('said' in told) is (ended != 'done') and told.get('said', 'x' * 1997 + 'why') == 'x' * 1997 + 'why'
    assert not list(tmp_path.iterdir()) and os.environ['TF_CPP_MIN_LOG_LEVEL'] == '1'
