"""What is learned: for each kind of data a class with its arrays, its splits and its losses.

A task's class is a frozen dataclass whose fields are its difficulty. It gives `pool()` (training and tuning-validation
examples: no test array can be reached from it), `test()` (the sealed examples), `split(pool, seed)`, `losses`, and `METRIC`,
the metric that these give and its direction.
"""

from sweeps.tasks.digits import Digits
from sweeps.tasks.images import Images
from sweeps.tasks.mixture import Mixture
from sweeps.tasks.molecules import Molecules
from sweeps.tasks.pixels import Pixels
from sweeps.tasks.probes.arithmetic import Arithmetic, ArithmeticAnswers
from sweeps.tasks.probes.compression import Compression
from sweeps.tasks.probes.fuzzy_recall import FuzzyRecall
from sweeps.tasks.probes.induction import Induction
from sweeps.tasks.probes.modular_addition import ModularAddition
from sweeps.tasks.probes.recall import Recall
from sweeps.tasks.probes.regular_language import RegularLanguage
from sweeps.tasks.probes.selective_copying import SelectiveCopying
from sweeps.tasks.probes.state_tracking import StateTracking
from sweeps.tasks.samples import Samples
from sweeps.tasks.series import Series
from sweeps.tasks.spoken_digits import SpokenDigits
from sweeps.tasks.stdlib_bytes import StdlibBytes
from sweeps.tasks.text import Text

TASKS = {'digits': Digits, 'stdlib_bytes': StdlibBytes, 'recall': Recall}
TASKS |= {'images': Images, 'pixels': Pixels, 'samples': Samples, 'series': Series, 'spoken_digits': SpokenDigits}
TASKS |= {
    'induction': Induction,
    'selective_copying': SelectiveCopying,
    'compression': Compression,
    'fuzzy_recall': FuzzyRecall,
    'modular_addition': ModularAddition,
    'state_tracking': StateTracking,
    'arithmetic': Arithmetic,
    'arithmetic_answers': ArithmeticAnswers,
    'regular_language': RegularLanguage,
}
TASKS |= {'text': Text, 'molecules': Molecules, 'mixture': Mixture}
