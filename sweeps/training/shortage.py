"""Shortage: memory that is not enough for a single lane. It stops a run, whether a device, Python or a worker's log says so."""

SAID = ('RESOURCE_EXHAUSTED', 'Out of memory', 'bad_alloc')
"""Words of a device, of XLA's runtime for processors and of C++ by which memory was not enough."""


def shortage(arm: str, task: str, why: str) -> ValueError:
    """What stops the run: recorded as failed, a shortage would become a finding about the arm.

    >>> str(shortage('base', 'digits', 'MemoryError: '))[:76]
    "memory is not enough for a lane of arm 'base' on 'digits' (MemoryError); not"
    """
    return ValueError(
        f"memory is not enough for a lane of arm '{arm}' on '{task}' ({why[:160].rstrip(': ')}); nothing of this pack is "
        'recorded; free memory, start fewer workers (--workers) or make batch or model smaller, and run again'
    )
