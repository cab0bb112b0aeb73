"""Digit scenes: pictures show digits of the right split, class, colour and quarter, and words and sounds tell the same."""

import hashlib

import numpy as np
import pytest
from one_lane import train_one

from ablations.tasks import TASKS
from ablations.tasks.paired_tasks import DIGIT_SCENES
from sweeps.tasks import digit_scenes, modalities
from sweeps.tasks.captioned_pictures import BEGIN, NOISE, QUARTERS, VALUES
from sweeps.tasks.digits import Digits
from sweeps.tasks.modalities import COUNTS, LENGTH, MASK, SOURCES, written
from sweeps.tasks.paired_scenes import PairedScenes
from sweeps.training.preflight import task_of


@pytest.fixture(scope='module')
def sealed() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return written(True, '', 0.0, 'digits')


def shown(image: np.ndarray, quarter: int, colour: int) -> np.ndarray:
    """The patterns of one colour in one quarter of a picture in tokens: `[64] -> [16]`."""
    top, left = 4 * (quarter // 2), 4 * (quarter % 2)
    cells = image.reshape(8, 8)[top : top + 4, left : left + 4].ravel() - modalities._INKED
    return np.where((cells - 1) // digit_scenes.PATTERNS == colour, (cells - 1) % digit_scenes.PATTERNS + 1, 0) * (cells > 0)


@pytest.mark.parametrize('side', [True, False])
def test_a_picture_shows_digits_of_its_split(side: bool):
    x, _, chosen = written(side, '', 0.0, 'digits')
    own, other = (Digits().test(), Digits().pool())[:: 1 if side else -1]
    exact = {'own': [], 'other': []}
    for number in range(0, len(x[0]), 8):
        for quarter, colour, figure in chosen[number].reshape(2, 3):
            cells = shown(x[0, number, 1:], quarter, colour)
            for name, part in (('own', own), ('other', other)):
                of_class = digit_scenes.patterns(part.x[part.y == figure][..., 0]).reshape(-1, 16)
                exact[name].append((cells == of_class).all(1).any())
    assert np.mean(exact['own']) > 0.9 * (1 - NOISE) ** 16 > 0.3, 'but for noise it is a digit of this class'
    assert np.mean(exact['other']) < 0.1
    first, view = x[0, :, 1:], x[3, :, 1:]
    assert (first != view).mean() == pytest.approx(2 * NOISE * (1 - 1 / digit_scenes.CELLS), rel=0.15)
    assert set(np.unique(first)) <= {0, *range(modalities._INKED + 1, SOURCES['digits'].tokens)}


def test_few_sealed_digits_have_the_cells_of_one_of_the_pool():
    pool, test = (digit_scenes.patterns(part.x[..., 0]).reshape(len(part.x), -1) for part in (Digits().pool(), Digits().test()))
    assert len({row.tobytes() for row in pool} & {row.tobytes() for row in test}) == 9


def test_words_and_sounds_tell_the_scene(sealed: tuple):
    x, scene, chosen = sealed
    assert (x[:, :, 0] == np.arange(21, 25)[:, None]).all() and set(np.bincount(scene)) == {0, COUNTS['test'] // DIGIT_SCENES}
    starts = np.tile([QUARTERS[0], VALUES, SOURCES['digits'].word], 2)
    for number in range(0, len(scene), 7):
        told = chosen[number].reshape(2, 3)
        both = {tuple(told.ravel()), tuple(told[::-1].ravel())}
        words = x[1, number, 1:17]
        said = words[(words < 21) | (words > MASK)]
        assert tuple(said - starts) in both
        notes = {int(note) for note in x[2, number, 1:] if note != BEGIN}
        assert notes == set((told + [modalities._NOTES, modalities._NOTES + 4, SOURCES['digits'].note]).ravel().tolist())


def test_scenes_are_all_there_are_and_sealed_ones_are_in_no_pool(sealed: tuple):
    there = digit_scenes.scenes()
    assert len(there) == len(np.unique(there, axis=0)) == 6 * 30 * 30 and there.max(0).tolist() == [2, 2, 9, 3, 2, 9]
    pool = written(False, '', 0.0, 'digits')[1]
    assert not set(pool) & set(sealed[1]) and len(set(pool)) == len(pool) == COUNTS['pool']


@pytest.mark.parametrize('attribute', ['quarter', 'colour', 'figure'])
def test_captions_leave_out_what_they_are_asked_to(attribute: str):
    word = SOURCES['digits'].word
    ranges = {'quarter': range(7, 11), 'colour': range(11, 14), 'figure': range(word, word + 10)}
    x, _, _ = written(False, attribute, 1.0, 'digits')
    told = {name: np.isin(x[1], list(words)).any(1).mean() for name, words in ranges.items()}
    assert told.pop(attribute) == 0.0 and set(told.values()) == {1.0}


def test_blocks_are_those_that_studies_have_read():
    """Digests of the examples of made scenes: records of runs rest on them."""
    asked = ((True, '', 0.0), (False, 'colour', 1.0), (False, 'quarter', 0.5))
    made = [b''.join(part.astype(np.int64).tobytes() for part in written(*each)) for each in asked]
    assert [hashlib.sha256(one).hexdigest()[:16] for one in made] == [
        'e854cbe9c8343abd',
        '1bcf82c6dc77ef8b',
        'b8d8975d5523cdcd',
    ]


def test_digits_are_those_that_studies_read():
    made = b''.join(part.astype(np.int64).tobytes() for part in written(False, 'colour', 0.5, 'digits'))
    assert hashlib.sha256(made).hexdigest()[:16] == '388d03b7dcf94148'


def test_sounds_of_other_scenes_are_a_control():
    bound, unbound = (PairedScenes(pictures='digits', bound=side).pool() for side in (True, False))
    count = COUNTS['pool']
    sounds = slice(2 * count, 3 * count)
    assert (bound.x[: 2 * count] == unbound.x[: 2 * count]).all()
    assert (bound.x[sounds] == unbound.x[sounds]).all(1).mean() < 0.05


def test_what_is_scored_is_each_sealed_scene_in_both_modalities():
    task = task_of(TASKS['digits_pictures_meet_sounds'].data)
    pairs = task.test().y.reshape(DIGIT_SCENES, 2, -1)
    assert (pairs[:, 0, 0] == pairs[:, 1, 0]).all() and (pairs[:, :, 1] == [0, 2]).all()
    assert task.test().x.shape == (2 * DIGIT_SCENES, LENGTH) and task.test().x.max() < task.token_count()


@pytest.mark.slow
def test_words_and_sounds_of_digits_meet_through_pictures():
    """Chance is 1/128; at 3e-3 0.14 where sounds are those of the scene, and chance where they are those of another."""
    apart = {'domain_weight_3': 0.0}
    assert train_one('digits_words_meet_sounds', knobs=apart)['score'] > 0.06
    assert train_one('digits_words_meet_sounds_unbound', knobs=apart)['score'] < 0.035
