"""Windows of a text: how it is cut, how few are spread over many, and which are learned from and which held out."""

import numpy as np
import pytest

from sweeps.tasks.token_streams import Stream
from sweeps.tasks.windows import ACROSS, BLOCK, blocks, cut, drawn, spread


@pytest.mark.parametrize(
    ('count', 'wanted', 'chosen'),
    [(6, 3, [0, 2, 4]), (6, 0, [0, 1, 2, 3, 4, 5]), (3, 5, [0, 1, 2]), (5, 2, [0, 2]), (0, 4, []), (0, 0, []), (7, 1, [0])],
)
def test_examples_are_spread_evenly(count: int, wanted: int, chosen: list[int]):
    assert spread(count, wanted).tolist() == chosen


def test_a_text_as_long_as_a_window_gives_none():
    assert cut(np.arange(5), 4, 5).tolist() == [[0, 1, 2, 3, 4]]
    with pytest.raises(ValueError, match='4 tokens give no window of length=4; give a shorter length or more text'):
        cut(np.arange(4), 4, 5)


BLOCKS, OWN = np.array([5, 5, 5, ACROSS, 8, 8, 8, 9, 9, 9]), np.arange(10, dtype=np.uint64)


@pytest.mark.parametrize(
    ('held', 'train', 'apart', 'sizes'),
    [(3, 0, 1, (6, 3)), (2, 0, 1, (6, 2)), (4, 0, 1, (3, 4)), (1, 2, 1, (2, 1)), (6, 3, 1, (3, 6))],
)
def test_windows_of_a_split_share_no_block_and_cross_none(held: int, train: int, apart: int, sizes: tuple):
    for seed in range(5):
        learned, scored = drawn(BLOCKS, OWN, seed, held, train, apart)
        assert (len(learned), len(scored)) == sizes and not set(BLOCKS[learned]) & set(BLOCKS[scored])
        assert ACROSS not in BLOCKS[np.concatenate([learned, scored])]


def test_held_out_windows_stand_so_far_apart_that_no_token_is_asked_for_twice():
    for seed in range(5):
        learned, scored = drawn(BLOCKS, OWN, seed, 2, 0, 2)
        assert (scored % 2 == 0).all() and len(learned) >= 3


def test_what_reads_like_a_held_out_window_is_not_learned_from():
    code = np.array([1, 2, 3, 4, 1, 2, 3, 1, 2, 3], np.uint64)
    with pytest.raises(ValueError, match='9 windows in 3 blocks of text do not give 3 held-out and any training windows'):
        drawn(BLOCKS, code, 0, 3, 0, 1)
    learned, scored = drawn(BLOCKS, code, 0, 1, 0, 1)
    assert len(learned) == 4 and code[scored[0]] not in code[learned]


@pytest.mark.parametrize(
    ('held', 'train', 'said'), [(9, 0, '9 held-out and any'), (10, 0, '10 held-out and any'), (3, 7, '3 held-out and 7')]
)
def test_a_text_of_too_few_windows_is_refused(held: int, train: int, said: str):
    with pytest.raises(ValueError, match=f'9 windows in 3 blocks of text do not give {said} training windows; ask for fewer'):
        drawn(BLOCKS, OWN, 0, held, train, 1)


def test_a_single_document_is_divided_from_its_first_token_on():
    size = -(-BLOCK // 9) * 9
    alone = Stream(np.zeros(2 * size + 9, np.uint8), np.array([0, 2 * size + 9]), np.array([0]), None, 2)
    made = blocks(alone, length=8, spacing=9)
    assert made.tolist() == [0] * (size // 9) + [1] * (size // 9) + [2]
