"""Local: worker processes on this machine, one per core (CPU) or per device (GPU)."""

import contextlib
import json
import os
import platform
import queue
import subprocess
import sys
import threading
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def cache_folder() -> Path:
    """Where compiled programs are kept between runs: the user's cache, by kind of processor."""
    home = Path(os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache')
    try:
        text = Path('/proc/cpuinfo').read_text()
        flags = next((line for line in text.splitlines() if line.startswith(('flags', 'Features'))), '')
    except OSError:
        flags = platform.processor()
    return home / 'archlab' / f'xla-{sha256((platform.machine() + flags).encode()).hexdigest()[:12]}'


def worker_environment(device: str | None) -> dict[str, str]:
    """Environment of a worker: one thread on CPU, one device on GPU, quiet libraries, the compilation cache."""
    given = dict(os.environ)
    quiet = {
        'TF_CPP_MIN_LOG_LEVEL': '3',
        'JAX_COMPILATION_CACHE_DIR': str(cache_folder()),
        'JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS': '0',
        'JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES': '0',
        'PYTHONPATH': os.pathsep.join([str(ROOT), *filter(None, [given.get('PYTHONPATH')])]),
        'PYTHONSAFEPATH': '1',
    }
    if device is None:
        threads = {'NPROC': '1', 'OMP_NUM_THREADS': '1', 'OPENBLAS_NUM_THREADS': '1'}
        flags = f'{given.get("XLA_FLAGS", "")} --xla_cpu_multi_thread_eigen=false'.strip()
        return {**quiet, **given, **threads, 'XLA_FLAGS': flags, 'PYTHONPATH': quiet['PYTHONPATH'], 'PYTHONSAFEPATH': '1'}
    return {**quiet, **given, 'CUDA_VISIBLE_DEVICES': device, 'PYTHONPATH': quiet['PYTHONPATH'], 'PYTHONSAFEPATH': '1'}


class WorkerProcess:
    """One worker: commands go in, answers come out on the shared queue as (worker, answer); None when it has ended."""

    def __init__(self, log: Path, answers: queue.Queue, device: str | None):
        self.log = log
        self.programs: set[str] = set()
        with open(log, 'ab') as errors:
            self.process = subprocess.Popen(
                [sys.executable, '-P', '-m', 'sweeps.worker'],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=worker_environment(device),
                text=True,
            )
        threading.Thread(target=self._listen, args=(answers,), daemon=True).start()

    def _listen(self, answers: queue.Queue) -> None:
        with self.process.stdout as lines:
            for line in lines:
                answers.put((self, json.loads(line)))
        self.process.wait()
        answers.put((self, None))

    def send(self, command: dict) -> None:
        """Hand over a command; a worker that has died is noticed by its None answer."""
        with contextlib.suppress(OSError):
            self.process.stdin.write(json.dumps(command) + '\n')
            self.process.stdin.flush()

    def end(self, kill: bool = False) -> None:
        """Close its input, so that it goes when it is done; or kill it."""
        if kill:
            self.process.kill()
        with contextlib.suppress(OSError):
            self.process.stdin.close()
