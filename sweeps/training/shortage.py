"""Shortage: memory that is not enough for a single lane. It stops a run, whether a device, Python or a worker's log says so."""

WORDS = ('resource_exhausted', 'out of memory', 'bad_alloc', 'allocate memory', 'unable to allocate')
"""Words of a device, of XLA's runtime for processors, of C++, of the system and of LLVM by which memory was not enough."""


def says_shortage(told: str) -> bool:
    """Whether an error or a log says that memory was not enough.

    >>> says_shortage('LLVM ERROR: Unable to allocate section memory!'), says_shortage('exit status 9')
    (True, False)
    """
    return any(word in told.lower() for word in WORDS)


def shortage(arm: str, task: str, why: str) -> ValueError:
    """What stops the run: recorded as failed, a shortage would become a finding about the arm.

    >>> str(shortage('base', 'digits', 'MemoryError: '))[:76]
    "memory is not enough for a lane of arm 'base' on 'digits' (MemoryError); not"
    """
    return ValueError(
        f"memory is not enough for a lane of arm '{arm}' on '{task}' ({why[:160].rstrip(': ')}); nothing of this pack is "
        'recorded; free memory, start fewer workers (--workers) or make batch or model smaller, and run again'
    )
