"""Task declaration: whether a prepared set was made of what a user's task declares in its file."""

import platform

from ablations.trial import Program
from sweeps.datasets.prepared import find, is_prepared


def check_declared(program: Program) -> None:
    """Raise ValueError if the set here was made from another declaration than the program's task, or is absent."""
    if not program.declared:
        return
    name = program.data['dataset']
    again = f'prepare it here: archlab data prepare FILE.py:{program.task}, of the file that declares it'
    if not is_prepared(name):
        raise ValueError(f"task '{program.task}': its data, the set '{name}', are not prepared on {platform.node()}; {again}")
    if (made := find(name).about.get('declared')) != program.declared:
        raise ValueError(
            f"task '{program.task}': the set '{name}' on {platform.node()} was made of another declaration (its hash is "
            f'{made or "none"}) than the one that is run ({program.declared}); {again} --force'
        )
