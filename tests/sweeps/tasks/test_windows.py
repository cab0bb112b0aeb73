"""Windows of a text: how it is cut, how few are spread over many, and which are learned from and which held out."""

import numpy as np
import pytest

from sweeps.tasks.token_streams import Stream
from sweeps.tasks.windows import ACROSS, BLOCK, blocks, codes, cut, drawn, spread


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


def test_the_code_of_a_window_is_a_sum_of_odd_multiples_modulo_two_to_the_64():
    factors = np.random.default_rng(0).integers(2**63, size=3, dtype=np.uint64).tolist()
    windows = np.array([[0, 1, 2], [7, 0, 255], [2, 1, 0]], np.uint8)
    wanted = [sum(int(token) * (2 * factor + 1) for token, factor in zip(row, factors, strict=True)) % 2**64 for row in windows]
    assert codes(windows).tolist() == wanted and codes(windows).dtype == np.uint64


LEARNED, SCORED = [8, 0, 2, 7], [15, 17, 18, 19, 25, 27, 29]


def test_windows_of_a_split_are_those_that_runs_were_trained_on():
    group = np.repeat(np.arange(6), 5)
    learned, scored = drawn(group, np.arange(30, dtype=np.uint64), 3, 7, 4, 1)
    assert (learned.tolist(), scored.tolist()) == (LEARNED, SCORED)
    whole, again = drawn(group, np.arange(30, dtype=np.uint64), 3, 7, 0, 1)
    assert again.tolist() == SCORED and len(whole) == 20 and set(LEARNED) <= set(whole.tolist())


DOCUMENTS = Stream(np.zeros(5 * BLOCK, np.uint8), BLOCK * np.array([0, 0, 1, 2, 4, 5]), np.array([7, 8, 9, 8, 5]), None, 2)


def test_documents_in_a_block_are_one_and_copies_join_their_blocks():
    """Of an empty document, one of a block, one of a block that is a copy of none, one of two blocks like the first, a last."""
    made = blocks(DOCUMENTS, BLOCK - 1, BLOCK // 2)
    first, other, last = made[0], made[2], made[8]
    assert len({first, other, last}) == 3 and min(first, other, last) >= 0
    assert made.tolist() == [first, ACROSS, other, ACROSS, first, first, first, ACROSS, last]
