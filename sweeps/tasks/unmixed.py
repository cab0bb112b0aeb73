"""Unmixed: the kinds of tasks that can be domains of others: all but those that join domains."""

from sweeps.tasks.digits import Digits
from sweeps.tasks.images import Images
from sweeps.tasks.kind import Kind
from sweeps.tasks.molecules import Molecules
from sweeps.tasks.origin_bytes import OriginBytes
from sweeps.tasks.paired_scenes import PairedScenes
from sweeps.tasks.picture_language import PictureLanguage
from sweeps.tasks.pixels import Pixels
from sweeps.tasks.probes.arithmetic import Arithmetic, ArithmeticAnswers
from sweeps.tasks.probes.compression import Compression
from sweeps.tasks.probes.facts import Facts
from sweeps.tasks.probes.fuzzy_recall import FuzzyRecall
from sweeps.tasks.probes.induction import Induction
from sweeps.tasks.probes.modular_addition import ModularAddition
from sweeps.tasks.probes.protein_families import ProteinFamilies
from sweeps.tasks.probes.recall import Recall
from sweeps.tasks.probes.regular_language import RegularLanguage
from sweeps.tasks.probes.selective_copying import SelectiveCopying
from sweeps.tasks.probes.state_tracking import StateTracking
from sweeps.tasks.samples import Samples
from sweeps.tasks.series import Series
from sweeps.tasks.simulators.hidden_variable import HiddenVariable
from sweeps.tasks.simulators.next_observation import NextObservation
from sweeps.tasks.spoken_digits import SpokenDigits
from sweeps.tasks.stdlib_bytes import StdlibBytes
from sweeps.tasks.supervised import Supervised
from sweeps.tasks.text import Text
from sweeps.tasks.trajectories.hidden_law import HiddenLaw
from sweeps.tasks.trajectories.law_probe import LawProbe
from sweeps.tasks.trajectories.next_numbers import NextNumbers

UNMIXED: dict[str, type[Kind]] = {'digits': Digits, 'stdlib_bytes': StdlibBytes, 'recall': Recall}
UNMIXED |= {'images': Images, 'pixels': Pixels, 'samples': Samples, 'series': Series, 'spoken_digits': SpokenDigits}
UNMIXED |= {
    'induction': Induction,
    'selective_copying': SelectiveCopying,
    'compression': Compression,
    'fuzzy_recall': FuzzyRecall,
    'modular_addition': ModularAddition,
    'state_tracking': StateTracking,
    'arithmetic': Arithmetic,
    'arithmetic_answers': ArithmeticAnswers,
    'regular_language': RegularLanguage,
    'protein_families': ProteinFamilies,
}
UNMIXED |= {'next_observation': NextObservation, 'hidden_variable': HiddenVariable}
UNMIXED |= {'trajectories': NextNumbers, 'hidden_law': HiddenLaw, 'law_probe': LawProbe}
UNMIXED |= {'text': Text, 'molecules': Molecules, 'supervised': Supervised, 'origin_bytes': OriginBytes}
UNMIXED |= {'picture_language': PictureLanguage, 'facts': Facts, 'paired_scenes': PairedScenes}
"""Kind -> class, as a data spec names it."""
