"""Worker environment: the environment variables of a worker, for threads, devices and the compilation cache."""

import os
import platform
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def cache_folder() -> Path:
    """The folder of compiled programs between runs: in the user's cache, by kind of processor."""
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
