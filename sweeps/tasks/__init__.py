"""What is learned: for each kind of data a class with its arrays, its splits and its losses.

A task's class is a frozen dataclass whose fields are its difficulty. It gives `pool()` (training and tuning-validation
examples: no test array can be reached from it), `test()` (the sealed examples), `split(pool, seed)`, `losses`, and `METRIC`,
the metric that these give and its direction.
"""

from sweeps.tasks.arithmetic import Arithmetic, ArithmeticAnswers
from sweeps.tasks.compression import Compression
from sweeps.tasks.digits import Digits
from sweeps.tasks.fuzzy_recall import FuzzyRecall
from sweeps.tasks.images import Images
from sweeps.tasks.induction import Induction
from sweeps.tasks.mixture import Mixture
from sweeps.tasks.modular_addition import ModularAddition
from sweeps.tasks.molecules import Molecules
from sweeps.tasks.pixels import Pixels
from sweeps.tasks.recall import Recall
from sweeps.tasks.regular_language import RegularLanguage
from sweeps.tasks.samples import Samples
from sweeps.tasks.selective_copying import SelectiveCopying
from sweeps.tasks.series import Series
from sweeps.tasks.spoken_digits import SpokenDigits
from sweeps.tasks.state_tracking import StateTracking
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
