"""N-grams: rows of a table by the hash of what ends at each token, against Python's whole numbers."""

import jax.numpy as jnp
import numpy as np
import pytest

from arch.ops.ngram_hash import ngram_hashes

GENERATOR = np.random.default_rng(0)


def ngram_row(tokens, buckets):
    """The row of an n-gram in Python's whole numbers; 0 stands before the first token."""
    h = len(tokens)
    for token in tokens:
        h = (h * 0x01000193 + token) % 2**32
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        h = (h ^ h >> shift) * factor % 2**32
    return (h ^ h >> 16) % buckets


def test_hashed_ngrams_are_the_mean_of_a_token_and_of_what_ends_with_it(alone):
    table, grams = (GENERATOR.normal(size=(rows, 5)).astype(np.float32) for rows in (7, 11))
    ids = np.array([[0, 6, 3, 0, 6, 3], [1, 1, 5, 0, 6, 3]], np.int32)
    fields = {'vocabulary': 7, 'sizes': [2, 3], 'buckets': 11}
    y = alone('stem', 'hashed_ngrams', fields, {'embedding': table, 'ngrams': {'embedding': grams}}, ids, features=5)
    told = [[0, 0, *(row + 1).tolist()] for row in ids]
    rows = [[[ngram_row(row[i + 3 - n : i + 3], 11) for n in (2, 3)] for i in range(6)] for row in told]
    np.testing.assert_allclose(y, (table[ids] + grams[np.array(rows)].sum(2)) / 3, rtol=1e-5, atol=1e-6)


def test_what_stood_before_adds_nothing_with_once(alone):
    table, grams = (GENERATOR.normal(size=(rows, 5)).astype(np.float32) for rows in (7, 1009))
    ids = np.array([[0, 6, 3, 0, 6, 3], [1, 1, 1, 1, 6, 3]], np.int32)
    fields = {'vocabulary': 7, 'sizes': [2, 3], 'buckets': 1009, 'once': True}
    y = alone('stem', 'hashed_ngrams', fields, {'embedding': table, 'ngrams': {'embedding': grams}}, ids, features=5)
    for row, made in zip(ids, y, strict=True):
        told, before = [0, 0, *(row + 1).tolist()], set()
        for i in range(6):
            wanted = np.zeros(5)
            for n in (1, 2, 3):
                gram = tuple(told[i + 3 - n : i + 3])
                if gram not in before:
                    wanted = wanted + (table[row[i]] if n == 1 else grams[ngram_row(gram, 1009)])
                before.add(gram)
            np.testing.assert_allclose(made[i], wanted / 3, rtol=1e-5, atol=1e-6)


def test_ngrams_of_thousands_of_texts_fill_their_buckets_evenly():
    ids = np.random.default_rng(0).integers(97, 123, (64, 512))
    for size in (2, 5):
        there = np.unique(np.asarray(ngram_hashes(jnp.asarray(ids), size)) % 256, return_counts=True)[1]
        distinct = len(np.unique(np.lib.stride_tricks.sliding_window_view(ids, size, 1).reshape(-1, size), axis=0))
        assert len(there) > (200 if distinct < 1000 else 255), (size, distinct)


@pytest.mark.parametrize(('sizes', 'said'), [([1, 2], 'allowed: one or more of 2 and up'), ([], 'has nothing in it')])
def test_sizes_that_are_no_ngrams_are_refused(alone, sizes, said):
    with pytest.raises(ValueError, match=f"stem 'hashed_ngrams': sizes=.*{said}"):
        alone('stem', 'hashed_ngrams', {'sizes': sizes}, {}, np.zeros((2, 3), np.int32), features=4)
