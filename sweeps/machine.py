"""Machine: the resources that this process may use."""

import os
from pathlib import Path


def cores() -> int:
    """Cores that this process may use: its affinity, and its control group's quota where one is set."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1
    try:
        quota, period = Path('/sys/fs/cgroup/cpu.max').read_text().split()
        if quota != 'max':
            count = min(count, max(1, round(int(quota) / int(period))))
    except (OSError, ValueError):
        pass
    return count
