"""Modalities: one scene as a picture, in words and in sounds, all written in one vocabulary.

A scene is two figures in two of four quarters, each of a colour: made ones (sweeps/tasks/captioned_pictures.py), or handwritten
digits (sweeps/tasks/digit_scenes.py). Its picture has noise on single tokens. Words tell the figures in either order among
fillers. In sounds each value is a note of its own, held for one to three tokens, and the figures come in either order too. So
no modality is a plain copy of another.
"""

import dataclasses
from collections.abc import Callable

import numpy as np

from ablations.seeds import derive
from sweeps.tasks import captioned_pictures as pictures
from sweeps.tasks import digit_scenes
from sweeps.tasks.probes.synthetic import SEALED_SHARE, fingerprints

MODALITIES = ('picture', 'words', 'sound', 'view')
"""`view` is another picture of the same figures, with noise of its own."""
ATTRIBUTES = ('quarter', 'colour', 'figure')
LENGTH = 1 + pictures.SIDE**2
"""Tokens: a mark of the modality, and as many as a picture has."""
_FILLERS = 8
_MARKS = pictures.VOCABULARY
_FILLER = _MARKS + len(MODALITIES)
_NOTES = _FILLER + _FILLERS
VOCABULARY = _NOTES + 4 + 3 + 4
"""Tokens of made scenes. Digits have the same marks, fillers, quarters and colours, and more tokens behind MASK."""
MASK = VOCABULARY
"""The token that stands where one is hidden (sweeps/tasks/masking.py)."""
_DIGIT_WORDS = MASK + 1
_DIGIT_NOTES = _DIGIT_WORDS + digit_scenes.CLASSES
_INKED = _DIGIT_NOTES + digit_scenes.CLASSES - 1
"""What is added to a token of a picture that has ink; one without is 0."""
COUNTS = {'pool': 2048, 'test': 512}
"""How many scenes are drawn, some more than once, and written in all modalities."""


@dataclasses.dataclass(frozen=True)
class Source:
    """Where scenes come from: `scenes()` are all of them, `[m, 6]`, quarter, colour and figure of both.

    `drawn(generator, chosen, sealed)` gives two pictures of each, `[n, 64]`. The first figure is told by `word`, and heard as
    `note`. `tokens` is the size of the vocabulary, MASK included. So many of its sealed scenes are `asked`.
    """

    scenes: Callable[[], np.ndarray]
    drawn: Callable[[np.random.Generator, np.ndarray, bool], tuple[np.ndarray, np.ndarray]]
    word: int
    note: int
    tokens: int
    asked: int


def _blocks(generator: np.random.Generator, chosen: np.ndarray, sealed: bool) -> tuple[np.ndarray, np.ndarray]:
    return pictures.drawn(generator, chosen), pictures.drawn(generator, chosen)


def _digits(generator: np.random.Generator, chosen: np.ndarray, sealed: bool) -> tuple[np.ndarray, np.ndarray]:
    one, other = (np.where(cells > 0, cells + _INKED, 0) for cells in digit_scenes.drawn(generator, chosen, sealed))
    return one, other


SOURCES = {
    'blocks': Source(pictures.scenes, _blocks, pictures.VALUES + 3, _NOTES + 7, MASK + 1, 110),
    'digits': Source(digit_scenes.scenes, _digits, _DIGIT_WORDS, _DIGIT_NOTES, _INKED + digit_scenes.CELLS, 128),
}


def written(sealed: bool, left_out: str, rate: float, source: str = 'blocks') -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scenes in all modalities, `[modalities, n, 65]`, the number of each scene, `[n]`, and its six attributes, `[n, 6]`.

    Words leave out one attribute of both figures with this rate: a filler stands in its place.
    """
    own = SOURCES[source]
    there = own.scenes()
    prints = fingerprints(there)
    numbers = np.flatnonzero((prints % SEALED_SHARE == 0) == sealed)
    if sealed:
        numbers = np.sort(numbers[np.argsort(prints[numbers])[: own.asked]])
    name = ('modalities',) if source == 'blocks' else ('modalities', source)
    generator = np.random.default_rng(derive(*name, 'test' if sealed else 'pool'))
    count = COUNTS['test' if sealed else 'pool']
    # Every scene at least as often as any other, but for one.
    scene = generator.permutation(np.resize(numbers, count))
    chosen = there[scene]
    x = np.empty((len(MODALITIES), count, LENGTH), np.int32)
    x[..., 0] = _MARKS + np.arange(len(MODALITIES))[:, None]
    x[0, :, 1:], x[3, :, 1:] = own.drawn(generator, chosen, sealed)
    turned = generator.random(count) < 0.5
    told = np.where(turned[:, None], np.roll(chosen, 3, 1), chosen)
    x[1, :, 1:] = _words(generator, told + np.tile([pictures.QUARTERS[0], pictures.VALUES, own.word], 2), left_out, rate)
    turned = generator.random(count) < 0.5
    told = np.where(turned[:, None], np.roll(chosen, 3, 1), chosen)
    x[2, :, 1:] = _sounds(generator, told + np.tile([_NOTES, _NOTES + 4, own.note], 2))
    return x, scene, chosen


def _words(generator: np.random.Generator, words: np.ndarray, left_out: str, rate: float) -> np.ndarray:
    """Six words at places in their order among fillers: `[n, 6] -> [n, 64]`."""
    tokens = _FILLER + generator.integers(0, _FILLERS, (len(words), LENGTH - 1))
    places = np.sort(generator.permuted(np.tile(np.arange(16), (len(words), 1)), axis=1)[:, :6], 1)
    silent = np.zeros(words.shape, bool)
    if left_out:
        silent[:, ATTRIBUTES.index(left_out) :: 3] = generator.random((len(words), 1)) < rate
    fillers = np.take_along_axis(tokens, places, 1)
    np.put_along_axis(tokens, places, np.where(silent, fillers, words), 1)
    # After the sixteenth token nothing is said.
    tokens[:, 16:] = pictures.BEGIN
    return tokens


def _sounds(generator: np.random.Generator, notes: np.ndarray) -> np.ndarray:
    """Six notes of one to three tokens, then silence: `[n, 6] -> [n, 64]`."""
    lengths = generator.integers(1, 4, notes.shape)
    ends = np.cumsum(lengths, 1)
    which = (np.arange(LENGTH - 1)[None, :, None] >= ends[:, None, :]).sum(2)
    padded = np.concatenate([notes, np.full((len(notes), 1), pictures.BEGIN)], 1)
    return np.take_along_axis(padded, which, 1)
