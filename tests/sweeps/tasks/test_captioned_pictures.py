"""Captioned pictures: a picture is what its caption says, the noise is as it is said, and no scene is on two sides."""

import re

import numpy as np
import pytest

from ablations.tasks import TASKS
from sweeps.tasks.answered_domains import AnsweredDomains
from sweeps.tasks.arrays import Arrays
from sweeps.tasks.captioned_pictures import (
    BEGIN,
    COLOUR,
    FIGURE,
    FIGURES,
    LEVELS,
    NOISE,
    QUARTERS,
    VALUES,
    VOCABULARY,
    blocks,
    digits,
    noise_bits,
    scenes,
)
from sweeps.tasks.picture_language import LENGTH, PictureLanguage
from sweeps.training.preflight import task_of

BOTH = ('blocks', 'digits')


def drawn_from(caption: np.ndarray) -> np.ndarray:
    """The picture of blocks that a caption tells, without noise."""
    image = np.zeros((8, 8), int)
    for quarter, colour, figure in caption.reshape(2, 3) - [QUARTERS[0], VALUES, VALUES + 3]:
        top, left = divmod(quarter, 2)
        image[4 * top : 4 * top + 4, 4 * left : 4 * left + 4] = FIGURES[figure] * (1 + colour)
    return image.reshape(-1)


def test_a_picture_is_what_its_caption_says_but_for_noise():
    made = blocks(sealed=False)
    wrong = np.stack([drawn_from(caption) for caption in made.captions]) != made.levels
    assert wrong.mean() == pytest.approx(NOISE * (1 - 1 / LEVELS), rel=0.03)
    shares = np.array([1 - wrong.mean(), *[wrong.mean() / 3] * 3])
    assert -(shares * np.log2(shares)).sum() == pytest.approx(noise_bits(), rel=0.03)


def test_answers_are_those_of_the_caption():
    made = blocks(sealed=True)
    for caption, (asked, quarter), answer in zip(made.captions, made.questions, made.answers, strict=True):
        (place,) = np.flatnonzero(caption[::3] == quarter)
        assert answer == caption[3 * place + {COLOUR: 1, FIGURE: 2}[asked]]
    colours, figures = (made.answers[made.questions[:, 0] == asked] for asked in (COLOUR, FIGURE))
    assert set(colours) == set(range(VALUES, VALUES + 3)) and set(figures) == set(range(VALUES + 3, VALUES + 7))
    told = [np.bincount(own).max() / len(own) for own in (colours, figures)]
    assert np.mean(told) == pytest.approx(TASKS['blocks_answered'].chance, abs=0.05)


def test_scenes_are_all_there_once_and_sealed_ones_in_the_test_split_alone():
    assert len(np.unique(scenes(), axis=0)) == 864 == 6 * 12**2
    pool, sealed = ({tuple(row) for row in blocks(side).captions} for side in (False, True))
    assert not pool & sealed and 80 < len(sealed) < 136 and len(pool) + len(sealed) <= 864


def test_digits_are_those_of_the_other_task():
    made, known = digits(sealed=True), task_of({'kind': 'digits'}).test()
    assert (made.answers - VALUES == known.y).all() and (made.captions[:, -1] == made.answers).all()
    assert (made.levels == (known.x.reshape(360, -1) * 8 + 8).astype(int).clip(0, 15) // 4).all()


@pytest.mark.parametrize('pictures', BOTH)
def test_both_directions_are_sequences_of_one_length(pictures: str):
    for asked, places in (('answer', 1), ('picture', 64)):
        task = PictureLanguage(pictures, asked)
        sealed = task.test()
        assert sealed.x.shape == sealed.y.shape == (len(sealed.x), LENGTH) and LENGTH == 70
        assert ((sealed.y >= 0).sum(1) == places).all() and max(
            sealed.x.max(), sealed.y.max()
        ) < VOCABULARY == task.token_count()
        assert sealed.x.min() >= 0 and (sealed.x[:, 0] == BEGIN).all()
    # Drawing sees the pixels before the one that is asked for, and answering sees all.
    answer, picture = (PictureLanguage(pictures, asked).test() for asked in ('answer', 'picture'))
    assert (picture.x[:, 7:] == picture.y[:, 6:-1]).all() and (answer.x[:, 4:68] == picture.y[:, 6:]).all()


@pytest.mark.parametrize('pictures', BOTH)
@pytest.mark.parametrize('seed', [0, 7])
def test_what_is_held_out_is_held_out_in_both_directions(pictures: str, seed: int):
    task = task_of(TASKS[f'{pictures}_answered'].data)
    pool = task.pool()
    train, held = task.split(pool, seed)
    domain = task.domains(pool)
    assert (domain[held] == 0).all() and set(domain[train]) == {0, 1} and len(held) == 256
    scene = pool.group & (1 << 40) - 1
    assert not set(scene[held]) & set(scene[train])
    sealed = task.test()
    seen = {row.tobytes() for row in pool.y[domain == 1][:, 6:].astype(np.uint8)}
    assert (task.domains(sealed) == 0).all() and not seen & {row.tobytes() for row in sealed.x[:, 4:68].astype(np.uint8)}


def test_the_scored_part_gives_metric_and_unit():
    parts = AnsweredDomains().parts
    answered, drawn = AnsweredDomains(), AnsweredDomains(parts=parts[::-1], tested=512)
    assert (answered.METRIC, drawn.METRIC) == (('accuracy', 'higher'), ('bits', 'lower'))
    assert answered.test().scale == 1.0 and drawn.test().scale == pytest.approx(1 / np.log(2))
    assert answered.domain_names == () and answered.turns(10, {}) == []
    alike = AnsweredDomains(parts=(parts[0], {**parts[0], 'pictures': 'digits'}), scored=0, held=128, tested=128)
    assert alike.METRIC == ('accuracy', 'higher') and alike.domain_names == ('blocks_answer', 'digits_answer')
    assert np.bincount(alike.domains(alike.test())).tolist() == [64, 64]


@pytest.mark.parametrize(
    ('made', 'said'),
    [
        (lambda: AnsweredDomains(scored=3), 'scored=3; allowed: 0 (all parts) to 2'),
        (lambda: AnsweredDomains(scored=True), 'scored=True; allowed: 0 (all parts) to 2'),
        (lambda: AnsweredDomains(parts=({'kind': 'digits'},) * 2).pool(), 'part 0 ({'),
        (lambda: AnsweredDomains(scored=0).pool(), 'the metric bits, and part 0 accuracy'),
        (lambda: AnsweredDomains(parts=(AnsweredDomains().parts[0], {'kind': 'recall'})).pool(), 'examples [12] with targets'),
        (lambda: PictureLanguage('faces'), "pictures='faces'; allowed: ['blocks', 'digits']"),
        (lambda: PictureLanguage(asked='both'), "asked='both'; allowed: ['answer', 'picture']"),
        (lambda: PictureLanguage(held=0), 'held=0; allowed: 1 or more'),
    ],
)
def test_what_cannot_be_is_refused(made, said: str):
    with pytest.raises(ValueError, match=re.escape(said)):
        made()


def test_a_training_of_nothing_is_refused():
    task = AnsweredDomains()
    pool = task.pool()
    train, _ = task.split(pool, 0)
    with pytest.raises(ValueError, match='every domain has the weight 0'):
        task.example_order(pool, train, 0, 4, 4, {'domain_weight_1': 0.0, 'domain_weight_2': 0.0})
    alone = task.example_order(pool, train, 0, 4, 4, {'domain_weight_2': 0.0})
    assert not task.domains(pool)[alone].any()
    # Also where none of the second is left to be trained on.
    left = train[task.domains(pool)[train] == 0]
    assert not task.domains(pool)[task.example_order(pool, left, 0, 4, 4, {'domain_weight_2': 0.0})].any()


def test_the_second_part_alone_is_scored_in_its_own_unit():
    task = AnsweredDomains(scored=2)
    sealed = task.test()
    assert task.METRIC == ('bits', 'lower') and set(task.domains(sealed)) == {1}
    assert sealed.scale == pytest.approx(1 / np.log(2)) and len(sealed.x) == task.test_size() == 512
    scores = np.zeros((2, LENGTH, VOCABULARY), np.float32)
    loss, metric = task.losses(scores, sealed.y[:2])
    assert loss.tolist() == metric.tolist() == pytest.approx([np.log(VOCABULARY)] * 2)


def test_a_part_that_is_scored_alone_is_all_of_the_score_and_its_weight_of_the_training():
    task = AnsweredDomains(scored=2, weights=(3, 1), lessons='shuffled', train=80)
    pool = task.pool()
    train, held = (np.bincount(task.domains(pool)[side], minlength=2).tolist() for side in task.split(pool, 0))
    assert train == [60, 20] and held == [0, 256]


@pytest.mark.parametrize(('other', 'count'), [({'kind': 'facts', 'names': 20}, 33), ({'kind': 'recall'}, None)])
def test_a_joined_model_needs_the_most_tokens_of_a_part_where_all_are_known(other: dict, count: int | None):
    assert AnsweredDomains().token_count() == VOCABULARY
    for parts in (({'kind': 'facts'}, other), (other, {'kind': 'facts'})):
        assert AnsweredDomains(parts=parts).token_count() == count


@pytest.mark.parametrize(
    ('scored', 'number', 'shape', 'targets', 'said'),
    [
        (1, 1, (4, 70), (4, 70), ''),
        (0, 0, (4, 70), (4, 70), ''),
        (0, 1, (4, 70), (4, 70), 'the metric bits, and part 0 accuracy'),
        (1, 1, (4, 69), (4, 69), 'examples [69] with targets [69]'),
        (1, 1, (4, 70), (4, 69), 'examples [70] with targets [69]'),
        (1, 1, (4, 70, 1), (4, 70, 1), 'examples [70, 1] with targets [70, 1]'),
    ],
)
def test_parts_are_joined_where_each_token_has_a_target(scored: int, number: int, shape: tuple, targets: tuple, said: str):
    task = AnsweredDomains(scored=scored)
    first, arrays = (Arrays(np.zeros(x), np.zeros(y), np.zeros(4)) for x, y in (((4, 70), (4, 70)), (shape, targets)))
    assert task.wrong_of(task.components[number], arrays, first) == said
