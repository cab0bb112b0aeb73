"""Environment: what a record has to say about where it came from."""

import functools
import hashlib
import importlib.metadata
import platform
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ('jax', 'jaxlib', 'flax', 'optax', 'numpy', 'scikit-learn')


@functools.cache
def source_hash() -> str:
    """Hash of all sources of arch/ and sweeps/: what a training run's numbers depend on."""
    content = hashlib.sha256()
    for path in sorted([*ROOT.glob('arch/**/*.py'), *ROOT.glob('sweeps/**/*.py')]):
        content.update(str(path.relative_to(ROOT)).encode() + b'\0' + path.read_bytes())
    return content.hexdigest()[:16]


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
