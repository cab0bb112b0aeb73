"""Child: an object in a process of its own, which is called over pipes.

Sides of a comparison must not share a process: each library takes threads and memory as it likes.
"""

import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence

from sweeps.launch.worker_environment import worker_environment

ANEW = {'JAX_ENABLE_COMPILATION_CACHE': 'false', 'TORCHINDUCTOR_FORCE_DISABLE_CACHES': '1'}
"""Compiled programs of earlier runs are not used, so that the cost of compiling is seen."""
SAID = 2000
"""The number of last characters of a dead child's output that are told."""


def spare_cores() -> list[int | None]:
    """The cores that this process may use; None, which is any, where the system cannot pin."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else [None]


class Child:
    """An instance of a class, `module:Class`, made from plain data in a process of one thread on one core.

    Threads are those of the libraries, by the environment that the lab gives its workers.
    """

    def __init__(self, place: str, core: int | None, given: dict):
        self.said = tempfile.TemporaryFile()  # noqa: SIM115 (open as long as the child lives)
        self.process = subprocess.Popen(
            (sys.executable, '-P', '-m', 'benchmarks.child'),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.said,
            env={**worker_environment(None), **ANEW},
            text=True,
        )
        self._put({'place': place, 'core': core, 'given': given})

    def _put(self, message: dict) -> None:
        self.process.stdin.write(json.dumps(message) + '\n')
        self.process.stdin.flush()

    def send(self, method: str, **given: object) -> None:
        """Call a method; what it returns is the next `answer`."""
        self._put({'method': method, 'given': given})

    def answer(self) -> object:
        """What the earliest call that is not yet answered returned. Raises RuntimeError where the child is dead."""
        line = self.process.stdout.readline()
        if not line:
            code = self.process.wait()
            self.said.seek(0)
            said = self.said.read().decode(errors='replace')[-SAID:]
            raise RuntimeError(f'a process of the benchmark ended with status {code}: {said}')
        return json.loads(line)

    def call(self, method: str, **given: object) -> object:
        """Call a method and wait for what it returns."""
        self.send(method, **given)
        return self.answer()

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.communicate()
        self.said.close()


def together(children: Sequence[Child], method: str, **given: object) -> list:
    """Call the same method of children at the same time; what each of them returned."""
    for child in children:
        child.send(method, **given)
    return [child.answer() for child in children]


def serve() -> None:
    """Be a child: make the object, then call its methods until the input ends."""
    # What libraries print must not come between the answers.
    answers = os.fdopen(os.dup(1), 'w')
    os.dup2(2, 1)
    begun = json.loads(sys.stdin.readline())
    if begun['core'] is not None:
        os.sched_setaffinity(0, {begun['core']})
    module, _, name = begun['place'].partition(':')
    made = getattr(importlib.import_module(module), name)(**begun['given'])
    for line in sys.stdin:
        message = json.loads(line)
        answers.write(json.dumps(getattr(made, message['method'])(**message['given'])) + '\n')
        answers.flush()


if __name__ == '__main__':
    serve()
