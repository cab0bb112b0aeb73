"""Sets made to ask where an example comes from: nothing is shared by their splits, and what can be told is known."""

import numpy as np
import pytest

from sweeps.tasks.made import MADE
from sweeps.tasks.made.writers import HABITS, LONGEST, VALUES, VERBS, WRITERS, ceiling
from sweeps.tasks.rewriting import rewrite

SETS = ('collections', 'packages', 'writers')


@pytest.mark.parametrize('name', SETS)
def test_classes_are_as_many_and_no_group_is_torn(name: str):
    pool, test = MADE[name].pool(), MADE[name].test()
    for part in (pool, test):
        assert len(set(np.bincount(part.y))) == 1
    rows = [{bytes(part.example(number).tobytes()) for number in range(len(part))} for part in (pool, test)]
    assert not rows[0] & rows[1]
    if name == 'writers':
        assert not set(pool.group) & set(test.group), 'a prompt is of one split'
        assert np.diff(test.offsets).max() <= LONGEST


def said(text: str) -> tuple[str, ...]:
    """The writer that a reader who knows all habits names: for each habit what most choices say."""
    words = text.replace('*', ' ').replace('.', ' ').replace('-', ' ').split()
    second = [word in {two for pair in VERBS for two in pair[1:]} | {b for trio in VALUES for _, b in trio} for word in words]
    first = [word in {pair[0] for pair in VERBS} | {a for trio in VALUES for a, _ in trio} for word in words]
    places = [next(i for i, pair in enumerate(VERBS) if word in pair) for word in words if any(word in p for p in VERBS)]
    return (
        str(int(sum(second) > sum(first))),
        str(int(text.count('**') // 2 > len(VERBS) / 2)),
        str(int(places[0] > places[-1])),
    )


def test_a_reader_who_knows_the_habits_gets_as_far_as_the_ceiling():
    part = MADE['writers'].pool()
    texts = [bytes(part.example(number)).decode() for number in range(len(part))]
    told = np.array([''.join(said(text)) == WRITERS[y] for text, y in zip(texts, part.y, strict=True)])
    # Where choices are even this reader always says 0, which is right as often as any guess.
    assert abs(told.mean() - ceiling()) < 4 * (0.25 / len(told)) ** 0.5
    assert 1 / 8 == ceiling(HABITS) < ceiling(('marks', 'order')) < ceiling(('marks',)) < ceiling()


def test_a_rewriting_takes_one_habit_out():
    """Writers who differ in their marks alone say the same without them."""
    text = 'the lamp is big. the lamp looks old.', '- **the lamp is big**\n- **the lamp looks old**'
    assert len({rewrite(one, ['without_marks']) for one in text}) == 1


def test_collections_overlap_in_every_number_and_differ_in_some():
    part = MADE['collections'].pool()
    means = np.array([part.x[part.y == one].mean((1, 2)) for one in range(4)], float)
    red_over_blue = np.log(means[..., 0] / means[..., 2])
    gaps = np.abs(np.diff(np.sort(red_over_blue.mean(1))))
    assert 0 < gaps.max() < red_over_blue.std(1).min(), 'less than a deviation apart'
