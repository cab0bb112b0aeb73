"""Modalities: one made scene as a picture, in words and in sounds, all written in one vocabulary.

A scene is two figures in two of four quarters, each of a colour (sweeps/tasks/captioned_pictures.py). Its picture has noise on
single pixels. Words tell the figures in either order among fillers. In sounds each value is a note of its own, held for one to
three tokens, and the figures come in either order too. So no modality is a plain copy of another.
"""

import numpy as np

from ablations.seeds import derive
from sweeps.tasks import captioned_pictures as pictures
from sweeps.tasks.probes.synthetic import SEALED_SHARE, fingerprints

MODALITIES = ('picture', 'words', 'sound', 'view')
"""`view` is another picture of the same scene, with noise of its own."""
ATTRIBUTES = ('quarter', 'colour', 'figure')
LENGTH = 1 + pictures.SIDE**2
"""Tokens: a mark of the modality, and as many as a picture has."""
_FILLERS = 8
_MARKS = pictures.VOCABULARY
_FILLER = _MARKS + len(MODALITIES)
_NOTES = _FILLER + _FILLERS
VOCABULARY = _NOTES + 4 + 3 + 4
COUNTS = {'pool': 2048, 'test': 512}
"""How often a scene is drawn and written in all modalities."""


def written(sealed: bool, left_out: str, rate: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scenes in all modalities, `[modalities, n, 65]`, the number of each scene, `[n]`, and its six attributes, `[n, 6]`.

    Words leave out one attribute of both figures with this rate: a filler stands in its place.
    """
    there = pictures.scenes()
    numbers = np.flatnonzero((fingerprints(there) % SEALED_SHARE == 0) == sealed)
    generator = np.random.default_rng(derive('modalities', 'test' if sealed else 'pool'))
    count = COUNTS['test' if sealed else 'pool']
    # Every scene at least as often as any other, but for one.
    scene = generator.permutation(np.resize(numbers, count))
    chosen = there[scene]
    x = np.empty((len(MODALITIES), count, LENGTH), np.int32)
    x[..., 0] = _MARKS + np.arange(len(MODALITIES))[:, None]
    x[0, :, 1:], x[3, :, 1:] = (pictures.drawn(generator, chosen) for _ in range(2))
    turned = generator.random(count) < 0.5
    x[1, :, 1:] = _words(generator, np.where(turned[:, None], np.roll(chosen, 3, 1), chosen), left_out, rate)
    turned = generator.random(count) < 0.5
    x[2, :, 1:] = _sounds(generator, np.where(turned[:, None], np.roll(chosen, 3, 1), chosen))
    return x, scene, chosen


def _words(generator: np.random.Generator, told: np.ndarray, left_out: str, rate: float) -> np.ndarray:
    """Six words at places in their order among fillers: `[n, 6] -> [n, 64]`."""
    words = told + np.tile([pictures.QUARTERS[0], pictures.VALUES, pictures.VALUES + 3], 2)
    tokens = _FILLER + generator.integers(0, _FILLERS, (len(told), LENGTH - 1))
    places = np.sort(generator.permuted(np.tile(np.arange(16), (len(told), 1)), axis=1)[:, :6], 1)
    silent = np.zeros(words.shape, bool)
    if left_out:
        silent[:, ATTRIBUTES.index(left_out) :: 3] = generator.random((len(told), 1)) < rate
    fillers = np.take_along_axis(tokens, places, 1)
    np.put_along_axis(tokens, places, np.where(silent, fillers, words), 1)
    # After the sixteenth token nothing is said.
    tokens[:, 16:] = pictures.BEGIN
    return tokens


def _sounds(generator: np.random.Generator, told: np.ndarray) -> np.ndarray:
    """Six notes of one to three tokens, then silence: `[n, 6] -> [n, 64]`."""
    notes = told + _NOTES + np.tile([0, 4, 7], 2)
    lengths = generator.integers(1, 4, notes.shape)
    ends = np.cumsum(lengths, 1)
    which = (np.arange(LENGTH - 1)[None, :, None] >= ends[:, None, :]).sum(2)
    padded = np.concatenate([notes, np.full((len(told), 1), pictures.BEGIN)], 1)
    return np.take_along_axis(padded, which, 1)
