"""Device: the memory of the device that this process trains on."""

import functools
import os

import jax


def memory_limit() -> int | None:
    """Bytes that this process may use on the device; None where the device does not tell, as CPUs don't."""
    return (jax.local_devices()[0].memory_stats() or {}).get('bytes_limit')


@functools.cache
def device_memory() -> int:
    """Bytes that examples may take on the device; more are streamed.

    $ARCHLAB_RESIDENT_BYTES, else a quarter of the device's memory if it reports that, else 1 GiB. Raises ValueError where the
    variable is no number.
    """
    if given := os.environ.get('ARCHLAB_RESIDENT_BYTES'):
        if not given.strip().isdecimal():
            raise ValueError(f"ARCHLAB_RESIDENT_BYTES is '{given}'; allowed: a whole number of bytes, such as 1000000000")
        return int(given)
    return int(memory_limit() or 4 << 30) // 4


def peak_memory() -> int | None:
    """Peak memory in bytes: the device's if it reports that, else the process's largest resident size."""
    stats = jax.local_devices()[0].memory_stats()
    if stats and 'peak_bytes_in_use' in stats:
        return int(stats['peak_bytes_in_use'])
    try:
        import resource
    except ImportError:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
