"""Writing: what lies in the files of a split, and which examples are one group, against a count by hand."""

from pathlib import Path

import numpy as np
import pytest

from sweeps.datasets.writing import DIGEST, Writing, example_hash, held_by_hash


def by_hand(examples: list[np.ndarray]) -> list[int]:
    """The number of each example's group, by the order in which contents are first seen."""
    seen = []
    for one in examples:
        if one.tobytes() not in seen:
            seen.append(one.tobytes())
    return [seen.index(one.tobytes()) for one in examples]


@pytest.mark.parametrize('ragged', [False, True])
@pytest.mark.parametrize('seed', range(4))
def test_groups_stand_in_the_order_of_their_first_examples(tmp_path: Path, seed: int, ragged: bool):
    random = np.random.default_rng(seed)
    lengths = random.integers(1, 4, 40) if ragged else np.full(40, 2)
    examples = [random.integers(0, 3, int(length)).astype(np.int32) for length in lengths]
    classes = random.integers(0, 5, 40)
    writing = Writing(tmp_path / 'pool', ragged)
    writing.add([], None, [])
    for start in range(0, 40, 7):
        part = examples[start : start + 7]
        writing.add(part, classes[start : start + 7], [example_hash(one) for one in part])
    assert writing.classes.tolist() == classes.tolist() and writing.classes.dtype == np.int64
    groups = by_hand(examples)
    assert writing.close(classes.astype(np.int32)) == 40 - len(set(groups)) > 0
    files = {path.stem: np.load(path) for path in (tmp_path / 'pool').iterdir()}
    assert files['group'].tolist() == groups and files['y'].tolist() == classes.tolist()
    assert [files[name].dtype for name in ('group', 'y', 'x')] == [np.int64, np.int32, np.int32]
    if ragged:
        ends = np.cumsum([0, *lengths])
        assert files['offsets'].tolist() == ends.tolist() and files['offsets'].dtype == np.int64
        assert files['x'].tolist() == np.concatenate(examples).tolist()
    else:
        assert files['x'].tolist() == np.stack(examples).tolist()


def test_a_hash_is_that_of_the_numbers_however_they_lie_in_memory():
    x = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    for view in (x.T, x[:, ::-1], x[..., 1:3], np.asfortranarray(x)):
        assert example_hash(view) == example_hash(view.copy(order='C')) and len(example_hash(view)) == DIGEST
    assert example_hash(x.T) != example_hash(x)


def test_a_share_is_held_out_by_hash():
    hashes = [example_hash(np.array([number])) for number in range(4000)]
    for share in (0.0, 0.1, 0.5, 1.0):
        assert np.mean([held_by_hash(one, share) for one in hashes]) == pytest.approx(share, abs=0.03)
    low, high = (int(0.25 * 2**64) + step for step in (-1, 0))
    assert held_by_hash(low.to_bytes(8, 'big') + bytes(8), 0.25) and not held_by_hash(high.to_bytes(8, 'big') + bytes(8), 0.25)
    assert held_by_hash(hashes[0], 0.3) <= held_by_hash(hashes[0], 0.6), 'a larger share holds all that a smaller one does'
