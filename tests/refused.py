"""What a refused call looks like."""

import subprocess


def refuse(done: subprocess.CompletedProcess, message: str) -> None:
    """Exit status 2 and one line that says so."""
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert done.stderr.startswith('archlab: error: ') and message in done.stderr, done.stderr
