"""archlab: the door. The command line, and the handful of functions that a notebook needs.

Each room is entered only where a command needs it: table, figure, report, status, verify and recipe never load jax.
"""

from archlab.loading import loading

with loading():
    from archlab.answers import BAD_INPUT, FELL_SHORT, FINE, INTERNAL
    from archlab.application import app, main
    from archlab.ending import command
    from archlab.querying import trials
    from archlab.running import run_study
    from archlab.study_runs import StudyRuns, open_study

__all__ = [
    'BAD_INPUT',
    'FELL_SHORT',
    'FINE',
    'INTERNAL',
    'StudyRuns',
    'app',
    'command',
    'main',
    'open_study',
    'run_study',
    'trials',
]
