"""About: the device, the versions, and the speed of plain matrix products, which all shares of peak refer to."""

import importlib.metadata
import platform

import jax
import jax.numpy as jnp

from benchmarks.measured import Measured
from benchmarks.timing import wall_seconds

NEEDS, SECONDS = (), 60
PACKAGES = ('jax', 'jaxlib', 'flax', 'optax', 'numpy', 'torch')
KINDS = {'bfloat16': (jnp.bfloat16, 'default'), 'float32': (jnp.float32, 'default'), 'float32, exact': (jnp.float32, 'highest')}


def product(size: int, kind: str) -> float:
    """Floating-point operations a second of a square product, ten in one program."""
    number, precision = KINDS[kind]
    left = jax.random.normal(jax.random.key(0), (size, size), number)

    @jax.jit
    def ten(x: jax.Array) -> jax.Array:
        # Scaled, so that ten products after each other stay finite.
        return jax.lax.fori_loop(0, 10, lambda _, y: jnp.dot(y, left, precision=precision) * size**-0.5, x)

    return 10 * 2 * size**3 / wall_seconds(lambda: ten(left))['median']


def run(told: Measured, tiny: bool) -> None:
    """The machine, then a product of each type of number."""
    device, versions = jax.devices()[0], {}
    for name in PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = None
    memory = (device.memory_stats() or {}).get('bytes_limit')
    about = {'platform': device.platform, 'device': device.device_kind, 'devices': jax.device_count(), 'memory': memory}
    told.add('machine', **about, python=platform.python_version(), machine=platform.machine(), versions=versions)
    for kind in KINDS:
        size = 128 if tiny else 8192
        told.add(f'product of {kind}', size=size, flops=product(size, kind))
