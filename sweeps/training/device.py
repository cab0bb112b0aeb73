"""Device: the memory of the devices that this process trains on."""

import functools
import os

import jax
import numpy as np


def _given(name: str) -> int | None:
    """A number of bytes from the environment; raises ValueError where it is none."""
    given = os.environ.get(name)
    if given and not given.strip().isdecimal():
        raise ValueError(f"{name} is '{given}'; allowed: a whole number of bytes, such as 1000000000")
    return int(given) if given else None


def memory_limit() -> int | None:
    """Bytes that this process may use on each device; None where a device does not tell, as CPUs don't.

    $ARCHLAB_DEVICE_BYTES, else what the device says. Raises ValueError where the variable is no number.
    """
    return _given('ARCHLAB_DEVICE_BYTES') or (jax.local_devices()[0].memory_stats() or {}).get('bytes_limit')


@functools.cache
def device_memory() -> int:
    """Bytes that examples may take on the device; more are streamed.

    $ARCHLAB_RESIDENT_BYTES, else a quarter of the device's memory if it reports that, else 1 GiB. Raises ValueError where the
    variable is no number.
    """
    return _given('ARCHLAB_RESIDENT_BYTES') or int(memory_limit() or 4 << 30) // 4


def join() -> None:
    """Join the other processes that carry out the same order, before anything else of jax; nothing where there are none.

    They are those of one `srun`, or say so by $ARCHLAB_PROCESSES, $ARCHLAB_PROCESS and $ARCHLAB_COORDINATOR. Raises ValueError
    where these are no numbers, or one is missing.
    """
    given = os.environ
    if 'ARCHLAB_PROCESSES' in given:
        count, number = _process('ARCHLAB_PROCESSES', 1), _process('ARCHLAB_PROCESS', 0)
        if number >= count:
            raise ValueError(f'ARCHLAB_PROCESS is {number} of {count} processes; allowed: 0 to {count - 1}; count from 0')
        if not (coordinator := given.get('ARCHLAB_COORDINATOR')):
            raise ValueError('ARCHLAB_COORDINATOR is not set; it is the address of process 0, such as 10.0.0.1:9000')
        jax.distributed.initialize(coordinator, count, number)
    elif int(given.get('SLURM_STEP_NUM_TASKS', 1)) > 1:
        # Else jax takes one GPU for each process.
        gpus = int(given.get('SLURM_GPUS_ON_NODE') or 0)
        jax.distributed.initialize(local_device_ids=range(gpus) if gpus else None)


def _process(name: str, least: int) -> int:
    given = os.environ.get(name, '')
    if not given.strip().isdecimal() or int(given) < least:
        raise ValueError(f"{name} is '{given}'; allowed: a whole number from {least} on")
    return int(given)


def on_host(tree: object) -> object:
    """Arrays of devices as those of numpy; also where some of the devices are those of other processes."""
    if jax.process_count() == 1:
        return jax.device_get(tree)
    return jax.tree.map(_from_everywhere, tree)


def word_of_first(value: int) -> int:
    """The value that the first of several processes has; all of them call this at the same place."""
    if jax.process_count() == 1:
        return int(value)
    from jax.experimental import multihost_utils

    return int(multihost_utils.broadcast_one_to_all(np.int32(value)))


def _from_everywhere(leaf: jax.Array) -> np.ndarray:
    from jax.experimental import multihost_utils

    return jax.device_get(leaf) if leaf.is_fully_addressable else multihost_utils.process_allgather(leaf, tiled=True)


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
