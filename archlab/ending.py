"""Ending: how the process of a command ends."""

import gc
import os
import sys

from archlab.application import main


def command() -> None:
    """Run the command of the process's arguments, and end the process with its exit status.

    Objects are not taken apart one by one: after a report of many trials that took a fourteenth of its time. Where a device may
    have been in use, the process ends as every other.
    """
    status = main()
    if 'jax' in sys.modules:
        # What was left out of the search for cycles (archlab/loading.py) goes too.
        gc.unfreeze()
        sys.exit(status)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    os._exit(status)
