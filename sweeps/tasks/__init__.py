"""Tasks: for each kind of data a class with its arrays, its splits and its losses.

Each is a `Kind` (sweeps/tasks/kind.py): a frozen dataclass whose fields are its difficulty. `unmixed.py` has the table of the
kinds that can be domains of a mixture.
"""

from sweeps.tasks.answered_domains import AnsweredDomains
from sweeps.tasks.kind import Kind
from sweeps.tasks.labelled_domains import LabelledDomains
from sweeps.tasks.mixture import Mixture
from sweeps.tasks.unmixed import UNMIXED

TASKS: dict[str, type[Kind]] = {
    **UNMIXED,
    'mixture': Mixture,
    'labelled_domains': LabelledDomains,
    'answered_domains': AnsweredDomains,
}
