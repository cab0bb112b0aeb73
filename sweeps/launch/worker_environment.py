"""Worker environment: the environment variables of a worker, for threads, devices and the compilation cache."""

import os
from pathlib import Path

from sweeps.launch.compilation_cache import cache_folder

ROOT = Path(__file__).resolve().parent.parent.parent


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
