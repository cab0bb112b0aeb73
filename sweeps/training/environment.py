"""Environment: the origin of a record."""

import functools
import importlib.metadata
import platform
import subprocess
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
    """Commit, source hash, versions, device: plain data. Starts jax."""
    import jax

    device = jax.devices()[0]
    return {
        'commit': commit(),
        'source': source_hash(),
        'python': platform.python_version(),
        'versions': {name: importlib.metadata.version(name) for name in PACKAGES},
        'platform': device.platform,
        'device': device.device_kind,
        'machine': platform.machine(),
    }
