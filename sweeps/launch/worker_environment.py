"""Worker environment: the environment variables of a worker, for threads, devices and the compilation cache."""

import os
from pathlib import Path

from results.store import regular
from sweeps.launch.compilation_cache import cache_folder

ROOT = Path(__file__).resolve().parent.parent.parent


QUIET = {
    'TF_CPP_MIN_LOG_LEVEL': '3',
    'JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS': '0',
    'JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES': '0',
}
LONGEST = 1 << 16
"""Bytes of a file of flags that are read."""
OWN = ('ARCHLAB_DATA', 'ARCHLAB_RESIDENT_BYTES', 'ARCHLAB_DEVICE_BYTES')
ONE_THREAD = {'NPROC': '1', 'OMP_NUM_THREADS': '1', 'OPENBLAS_NUM_THREADS': '1'}
PAGES = {'GLIBC_TUNABLES': 'glibc.malloc.hugetlb=1'}
"""Large pages for large arrays: middle-sized models on CPU train up to a sixth faster. What the user has set stays."""


def worker_environment(device: str | None, played: int = 1) -> dict[str, str]:
    """The environment of a worker that this process starts, on a device, on several, or on CPU (None).

    `played`: how many devices the processor plays.
    """
    told = {**os.environ, **variables(on_cpu=device is None)}
    if device is not None:
        # It sees nothing else, so that there is nothing to choose from.
        return {**told, 'CUDA_VISIBLE_DEVICES': device, 'JAX_CUDA_VISIBLE_DEVICES': 'all'}
    if played > 1:
        told['XLA_FLAGS'] += f' --xla_force_host_platform_device_count={played}'
    return told


def variables(on_cpu: bool) -> dict[str, str]:
    """What a worker needs in its environment: the lab's sources, quiet libraries, compiled programs, and on CPU one thread.

    Of the quiet ones, what this process was given stays.
    """
    given = os.environ
    told = {**QUIET, 'JAX_COMPILATION_CACHE_DIR': str(cache_folder())}
    told = {name: given.get(name, value) for name, value in told.items()}
    path = os.pathsep.join([str(ROOT), *filter(None, [given.get('PYTHONPATH')])])
    told |= {'PYTHONPATH': path, 'PYTHONSAFEPATH': '1'}
    told |= {name: given[name] for name in OWN if name in given}
    if on_cpu:
        told |= {name: given.get(name, value) for name, value in PAGES.items()}
        told |= {**ONE_THREAD, 'XLA_FLAGS': f'{_flags(given.get("XLA_FLAGS", ""))} --xla_cpu_multi_thread_eigen=false'.strip()}
    elif 'XLA_FLAGS' in given:
        told['XLA_FLAGS'] = _flags(given['XLA_FLAGS'])
    return told


def _flags(given: str) -> str:
    """The flags of XLA_FLAGS, which may name a file of them: another flag behind its name would be part of the name."""
    if not given.strip() or given.lstrip().startswith('-'):
        return given
    try:
        with regular.open_file(Path(given)) as file:
            return ' '.join(file.read(LONGEST).decode().split())
    except (OSError, ValueError) as error:
        raise ValueError(
            f'XLA_FLAGS={given}: neither flags nor a file of them ({getattr(error, "strerror", "") or error}); allowed: flags '
            'such as --xla_cpu_enable_fast_math=true, or a file that holds them'
        ) from None
