"""A preparation in a process of its own, killed so that nothing of it can run any more."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path


def killed(script: str, source: Path, data: Path, *more: str) -> None:
    """Run a script with these arguments, and kill it as soon as it has made the file `begun` in `data`."""
    command = [sys.executable, '-c', script, str(source), str(data), *more]
    process = subprocess.Popen(command, cwd=Path(__file__).parents[3])
    try:
        for _ in range(600):
            if (data / 'begun').exists():
                break
            assert process.poll() is None
            time.sleep(0.05)
        else:
            raise AssertionError('it did not begin within 30 s')
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
