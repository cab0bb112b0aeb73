"""Near-duplicates: the shares that a plain search with Python's own substrings finds."""

import numpy as np
import pytest

from sweeps.datasets import near_duplicates
from sweeps.datasets.near_duplicates import shared_shingles, shingle_hashes
from sweeps.datasets.prepared import Part


def part(pieces: list[bytes]) -> Part:
    offsets = np.cumsum([0, *map(len, pieces)])
    return Part(np.frombuffer(b''.join(pieces), np.uint8), None, np.arange(len(pieces)), offsets)


@pytest.mark.parametrize('length', [1, 2, 3, 7, 13, 50])
def test_equal_runs_and_only_they_have_equal_hashes(length: int):
    values = np.random.default_rng(length).integers(0, 3, 3000).astype(np.uint8)
    hashes = shingle_hashes(values, length)
    runs = [values[i : i + length].tobytes() for i in range(len(values) - length + 1)]
    assert len(hashes) == len(runs)
    assert len(set(zip(runs, hashes.tolist(), strict=True))) == len(set(runs)) == len(set(hashes.tolist()))


def test_the_length_of_a_run_goes_by_what_is_read():
    """What a prepared set says of its texts and of its tokens is by these lengths."""
    assert near_duplicates.LENGTHS == {'texts': 50, 'tokens': 13, 'molecules': 50}


def test_too_short_a_text_has_no_runs():
    assert len(shingle_hashes(np.zeros(4, np.uint8), 5)) == 0
    assert shared_shingles(part([b'abcdef']), part([b'abc', b'']), 5) == {'length': 5, 'looked_for': 0, 'share': 0.0}


@pytest.mark.parametrize('block', [7, 64, 2**20])
def test_shares_are_those_of_a_plain_search(monkeypatch: pytest.MonkeyPatch, block: int):
    monkeypatch.setattr(near_duplicates, 'BLOCK', block)
    generator = np.random.default_rng(0)
    pool = [generator.integers(97, 123, 400).astype(np.uint8).tobytes() for _ in range(5)]
    test = [
        pool[1][30:90] + b'new words that stand nowhere',
        b'nothing of the pool',
        pool[3][:45],
        pool[0][395:] + pool[1][:15],
    ]
    length = 10
    wanted = [one[i : i + length] for one in test for i in range(0, len(one) - length + 1, length)]
    shared = shared_shingles(part(pool), part(test), length)
    assert shared['looked_for'] == len(wanted)
    share = np.mean([any(run in one for one in pool) for run in wanted])
    # A run over the border of two documents counts as one of the pool: here one of the last example.
    joined = np.mean([run in b''.join(pool) for run in wanted])
    assert 0.3 < share < joined < 0.9 and shared['share'] == pytest.approx(joined, abs=1e-6)


def test_many_runs_are_thinned_out_evenly(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(near_duplicates, 'MOST', 100)
    generator = np.random.default_rng(1)
    known, new = (generator.integers(0, 256, 20000).astype(np.uint8).tobytes() for _ in range(2))
    shared = shared_shingles(part([known]), part([known, new]), 10)
    assert shared['looked_for'] == 100 and shared['share'] == pytest.approx(0.5, abs=0.02)


def test_tokens_are_told_apart_beyond_a_byte():
    pool = Part(np.array([300, 44, 300], np.uint16), None, np.arange(1), np.array([0, 3]))
    test = Part(np.array([44, 300, 300, 44], np.uint16), None, np.arange(1), np.array([0, 4]))
    assert shared_shingles(pool, test, 2) == {'length': 2, 'looked_for': 2, 'share': 1.0}
    other = Part(np.array([44, 44, 300, 300], np.uint16), None, np.arange(1), np.array([0, 4]))
    assert shared_shingles(pool, other, 2)['share'] == 0.0


def test_whoever_waits_is_told_how_far_the_search_is(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(near_duplicates, 'BLOCK', 64)
    told = []
    shared_shingles(part([bytes(range(100))]), part([bytes(range(20))]), 10, lambda done, total: told.append((done, total)))
    assert [total for _, total in told] == [100, 100] and told[0][0] < told[1][0]
