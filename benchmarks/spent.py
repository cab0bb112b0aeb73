"""Spent: the time and the memory of a command.

A process counts the memory of the one that it was forked from as its own largest. So a small one starts the command: this
module, which loads next to nothing.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence

MIB = 1 << 20
SAID = 2000
"""The number of last characters of a failed command's output that are told."""


def spent(command: Sequence[str], environment: Mapping[str, str], limit: float) -> dict:
    """CPU and wall seconds and MiB of a command with its children, or that it was cut off after `limit` seconds.

    Raises RuntimeError where it fails.
    """
    call = (sys.executable, '-P', '-m', 'benchmarks.spent', str(limit), *command)
    done = subprocess.run(call, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f'{" ".join(command[:5])} ended with an error: {done.stderr[-SAID:]}')
    return json.loads(done.stdout)


def _measured(limit: float, command: Sequence[str]) -> int:
    """Run a command and print what it took; what it says goes to standard error. Gives its exit status."""
    began = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdout=said, stderr=said)
        clock = threading.Timer(limit, process.kill)
        clock.start()
        _, status, used = os.wait4(process.pid, 0)
        clock.cancel()
        process.returncode, wall = os.waitstatus_to_exitcode(status), time.perf_counter() - began
        if process.returncode < 0 and wall >= limit:
            print(json.dumps({'cut_off_after_s': limit}))
            return 0
        said.seek(0)
        sys.stderr.write(said.read().decode(errors='replace'))
    facts = {'cpu_s': used.ru_utime + used.ru_stime, 'wall_s': wall, 'mib': used.ru_maxrss * 1024 / MIB}
    print(json.dumps({name: round(number, 3) for name, number in facts.items()}))
    return process.returncode


if __name__ == '__main__':
    sys.exit(_measured(float(sys.argv[1]), sys.argv[2:]))
