"""What is learned: for each kind of data a class with its arrays, its splits and its losses.

A task's class is a frozen dataclass whose fields are its difficulty. It gives `pool()` (training and tuning-validation
examples: no test array can be reached from it), `test()` (the sealed examples), `split(pool, seed)`, `losses`, and `METRIC`,
the metric that these give and its direction.
"""

from sweeps.tasks.digits import Digits
from sweeps.tasks.recall import Recall
from sweeps.tasks.stdlib_bytes import StdlibBytes

TASKS = {'digits': Digits, 'stdlib_bytes': StdlibBytes, 'recall': Recall}
