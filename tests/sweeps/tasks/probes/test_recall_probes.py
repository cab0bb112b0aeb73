"""Induction, selective copying, compression, fuzzy recall: every answer follows from what was told."""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest

from sweeps.tasks.probes.compression import Compression
from sweeps.tasks.probes.fuzzy_recall import FuzzyRecall
from sweeps.tasks.probes.induction import Induction
from sweeps.tasks.probes.selective_copying import SelectiveCopying

SMALL = {'train': 200, 'held': 50}


def test_induction_asks_what_came_next():
    arrays = Induction(tokens=9, length=7, asked=3, **SMALL).pool()
    starts = set()
    for x, y in zip(arrays.x.tolist(), arrays.y.tolist(), strict=True):
        told, asked = x[:7], x[7:]
        assert len(set(told)) == 7 and y[:7] == [-1] * 7
        assert [told[told.index(token) + 1] for token in asked] == y[7:]
        assert asked[1:] == y[7:-1]
        starts.add(told.index(asked[0]))
    assert starts == {0, 1, 2, 3}, 'the stretch begins anywhere'


def test_selective_copying_asks_the_content_in_order():
    arrays = SelectiveCopying(tokens=5, length=12, copies=3, noise=2, **SMALL).pool()
    places = set()
    for x, y in zip(arrays.x.tolist(), arrays.y.tolist(), strict=True):
        assert [token for token in x[:12] if token < 5] == y[12:] and y[:12] == [-1] * 12
        assert all(5 <= token < 7 for token in x[:12] if token >= 5) and x[12:] == [7] * 3
        places.add(tuple(place for place, token in enumerate(x[:12]) if token < 5))
    assert len(places) > 100 and {place for one in places for place in one} == set(range(12))


def test_compression_asks_everything_at_the_mark():
    arrays = Compression(tokens=3, length=9, **SMALL).pool()
    np.testing.assert_array_equal(arrays.x[:, :-1], arrays.y)
    assert (arrays.x[:, -1] == 3).all() and set(arrays.y.ravel()) == {0, 1, 2}


def test_compression_reads_the_last_position_only():
    """Scores [B, N + 1, N V]: place i of the target is read from outputs i V to i V + V of the mark."""
    y = np.array([[2, 0], [1, 1]])
    scores = np.random.default_rng(0).normal(size=(2, 3, 6)).astype(np.float32)
    scores[:, -1] = 0
    loss, share = Compression.losses(jnp.array(scores), jnp.array(y))
    np.testing.assert_allclose(loss, np.log(3), rtol=1e-6)
    for row, place in itertools.product(range(2), range(2)):
        scores[row, -1, 3 * place + y[row, place]] = 5
    loss, share = Compression.losses(jnp.array(scores), jnp.array(y))
    np.testing.assert_allclose(loss, np.log(np.exp(5) + 2) - 5, rtol=1e-5)
    assert share.tolist() == [1, 1]
    scores[0, -1, 3] = -9
    scores[0, -1, 4] = 9
    assert Compression.losses(jnp.array(scores), jnp.array(y))[1].tolist() == [0.5, 1]
    with pytest.raises(ValueError, match=r'head\.outputs'):
        Compression.losses(jnp.zeros((2, 3, 7)), jnp.array(y))


def words(tokens: list[int], keys: int) -> list[tuple[int, ...]]:
    """Runs of key tokens and of value tokens, in turn."""
    return [tuple(run) for _, run in itertools.groupby(tokens, key=lambda token: token < keys)]


@pytest.mark.parametrize('longest', [1, 3])
def test_fuzzy_recall_asks_the_value_of_each_key(longest: int):
    arrays = FuzzyRecall(pairs=3, keys=5, values=4, longest=longest, **SMALL).pool()
    assert arrays.x.shape[1] == 4 * 3 * longest - 1
    sizes = set()
    for x, y in zip(arrays.x.tolist(), arrays.y.tolist(), strict=True):
        # The last token of the sequence is a target only.
        sequence = [x[0], *(answer if answer >= 0 else token for token, answer in zip(x[1:], y, strict=False)), y[-1]]
        sequence = [token for token in sequence if 0 <= token < 9]
        for place, answer in enumerate(y[:-1]):
            assert answer < 0 or x[place + 1] in (answer, 9)
        spoken = words(sequence, 5)
        told, asked = spoken[:6], spoken[6:]
        pairs = dict(zip(told[::2], told[1::2], strict=True))
        assert len(pairs) == 3 and sorted(asked[::2]) == sorted(pairs)
        assert [pairs[key] for key in asked[::2]] == asked[1::2]
        expected, place = [-1] * len(x), sum(map(len, told))
        for key, value in zip(asked[::2], asked[1::2], strict=True):
            start = place + len(key) - 1
            expected[start : start + len(value)] = value
            place += len(key) + len(value)
        assert expected == y
        sizes |= {len(word) for word in spoken}
    assert sizes == set(range(1, longest + 1))
