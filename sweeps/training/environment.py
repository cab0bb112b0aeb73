"""Environment: the origin of a record."""

import functools
import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path

from results.store.hashes import syntax_hash

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ('jax', 'jaxlib', 'flax', 'optax', 'numpy', 'scikit-learn')
DECODING = (
    'catalog*',
    'dataset',
    'growing',
    'material',
    'prepare',
    'prepared',
    'targets',
    'unpacked',
    'writing',
    'formats/*',
    'sources/*',
)
"""The files of sweeps/datasets that make arrays of published files and read them; the others list, show and check."""
TRAINING = (
    *('arch/**/*.py', 'sweeps/training/**/*.py', 'sweeps/tasks/**/*.py', 'sweeps/augment/**/*.py', 'sweeps/metrics/**/*.py'),
    *(f'sweeps/datasets/{name}.py' for name in DECODING),
    *('sweeps/protocol/pack.py', 'ablations/seeds.py'),
)
"""The files that can change a number of a training run: models, training, data, packs and seeds.

The definition of a trial (study, task, ranges) is in its address. The code that starts workers and shows progress changes no
number.
"""


COMPILED_BY = (
    *('JAX_DISABLE_MOST_OPTIMIZATIONS', 'JAX_OPTIMIZATION_LEVEL', 'JAX_EXEC_TIME_OPTIMIZATION_EFFORT'),
    *('JAX_MEMORY_FITTING_EFFORT', 'JAX_MEMORY_FITTING_LEVEL', 'JAX_COMPILER_ENABLE_REMAT_PASS', 'JAX_ALLOW_F16_REDUCTIONS'),
    *('JAX_USE_DIRECT_LINEARIZE', 'NVIDIA_TF32_OVERRIDE'),
)
"""Variables by which a program is compiled otherwise, beside the flags of XLA_FLAGS and LIBTPU_INIT_ARGS."""
OFF = ('', '0', 'false', 'no', 'off', 'n', 'f')
SPARED = (
    *('--xla_cpu_multi_thread_eigen', '--xla_force_host_platform_device_count', '--xla_dump', '--xla_hlo_profile'),
    *('--xla_cpu_parallel_codegen_split_count', '--xla_gpu_force_compilation_parallelism', '--xla_gpu_cuda_data_dir'),
)
"""How flags begin that the lab sets itself, or that change no number."""


def compiled_by(given: Mapping[str, str]) -> str:
    """The flags and variables of a process's environment by which its compiler may make other numbers; '' without any.

    The last of two flags of one name counts, and their order does not.

    >>> compiled_by({'XLA_FLAGS': '--xla_b=1 --xla_dump_to=x --xla_a --xla_b=2', 'JAX_USE_DIRECT_LINEARIZE': '1'})
    '--xla_a --xla_b=2 JAX_USE_DIRECT_LINEARIZE=1'
    """
    flags = {}
    for name in ('XLA_FLAGS', 'LIBTPU_INIT_ARGS'):
        for flag in given.get(name, '').split():
            if not flag.startswith(SPARED):
                flags[flag.partition('=')[0]] = flag
    variables = [f'{name}={given[name]}' for name in COMPILED_BY if given.get(name, '').strip().lower() not in OFF]
    return ' '.join([*(flags[name] for name in sorted(flags)), *variables])


@functools.cache
def source_hash(root: Path = ROOT) -> str:
    """Hash of the code that a training run's numbers depend on; comments, docstrings and layout are no part of it."""
    return syntax_hash(TRAINING, root=root)


@functools.cache
def commit() -> str:
    """The lab's git commit, with + where its files differ from it; '' outside a checkout."""
    git = ['git', '-C', str(ROOT)]
    try:
        head = subprocess.run([*git, 'rev-parse', '--short=12', 'HEAD'], capture_output=True, text=True, timeout=10)
        changed = subprocess.run([*git, 'status', '--porcelain', '-uno'], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ''
    if head.returncode:
        return ''
    return head.stdout.strip() + ('+' if changed.stdout.strip() else '')


@functools.cache
def environment() -> dict:
    """Commit, source hash, versions, device, and the `flags` of the compiler where some are set: plain data. Starts jax."""
    import jax

    device, flags = jax.devices()[0], compiled_by(os.environ)
    return {
        'commit': commit(),
        'source': source_hash(),
        'python': platform.python_version(),
        'versions': {name: importlib.metadata.version(name) for name in PACKAGES},
        'platform': device.platform,
        'device': device.device_kind,
        'machine': platform.machine(),
        **({'flags': flags} if flags else {}),
    }
