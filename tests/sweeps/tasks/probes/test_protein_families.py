"""Protein families: the law of their source by hand, its exact bits, and the control in which nothing tells of anything."""

import itertools
import math

import numpy as np
import pytest

from ablations.tasks import TASKS
from sweeps.tasks.coders import reference, reference_lines
from sweeps.tasks.probes.profile_hmm import CONSERVED, EXTENSION, PER_MILLE, RESIDUES, HiddenMarkovModel, background, families
from sweeps.tasks.probes.protein_families import ProteinFamilies
from sweeps.training.preflight import task_of

SMALL = {'train': 200, 'held': 40}


def of_all_paths(source: HiddenMarkovModel, symbols: list[int]) -> float:
    """p(symbols) as the sum over all paths of states."""
    total = 0.0
    for path in itertools.product(range(len(source.moves)), repeat=len(symbols)):
        chance = source.start[path[0]]
        for before, after in itertools.pairwise(path):
            chance *= source.moves[before, after]
        total += chance * math.prod(source.emits[state, symbol] for state, symbol in zip(path, symbols, strict=True))
    return total


def test_background_frequencies_are_those_of_all_residues():
    assert math.isclose(sum(PER_MILLE.values()), 1000) and RESIDUES == 'ACDEFGHIKLMNPQRSTVWY'
    assert background()[RESIDUES.index('L')] == pytest.approx(0.09019) and background().sum() == pytest.approx(1)


def test_the_law_of_a_family_is_the_one_that_is_stated():
    """Two positions, one insertion: states linker, match 1, match 2, insertion; all chances written out."""
    i, d, linker = 0.2, 0.1, 4.0
    source = families(1, 2, 1.0, i, d, linker, 3)
    leave = 1 / linker
    np.testing.assert_allclose(
        source.moves,
        [
            [1 - leave + leave * d * d, leave * (1 - d), leave * d * (1 - d), 0],
            [(1 - i) * d, 0, (1 - i) * (1 - d), i],
            [1, 0, 0, 0],
            [(1 - EXTENSION) * d, 0, (1 - EXTENSION) * (1 - d), EXTENSION],
        ],
    )
    np.testing.assert_allclose(source.emits[[0, 3]], [background()] * 2)
    own = source.emits[1:3].argmax(1)
    for state, residue in zip((1, 2), own, strict=True):
        rest = np.delete(source.emits[state], residue) / np.delete(background(), residue)
        np.testing.assert_allclose(rest, 1 - CONSERVED)


@pytest.mark.parametrize('number', range(3))
def test_a_source_is_a_law(number: int):
    source = families(3, 5, 0.6, 0.1, 0.2, 3.0, number)
    assert source.moves.shape == (28, 28) and source.emits.shape == (28, 20)
    for chances in (source.moves, source.emits, source.start[None]):
        assert chances.min() >= 0
        np.testing.assert_allclose(chances.sum(1), 1)
    np.testing.assert_allclose(source.start @ source.moves, source.start, atol=1e-12)
    own = source.emits[1:6].max(1) / background()[source.emits[1:6].argmax(1)]
    assert (own > 1).all() and (source.emits != families(3, 5, 0.6, 0.1, 0.2, 3.0, number + 1).emits).any()


def test_bits_are_those_of_the_sum_over_all_paths():
    source = families(1, 2, 0.5, 0.2, 0.1, 3.0, 0)
    symbols = source.walk(np.random.default_rng(0), 5, 5)
    for row, bits in zip(symbols.tolist(), source.bits(symbols), strict=True):
        assert bits.sum() == pytest.approx(-math.log2(of_all_paths(source, row)))
        assert bits[0] == pytest.approx(-math.log2(source.marginal[row[0]]))


def test_what_may_follow_has_a_probability_of_one():
    source = families(2, 3, 0.5, 0.2, 0.1, 3.0, 0)
    begun = np.repeat(source.walk(np.random.default_rng(1), 1, 6), len(RESIDUES), 0)
    begun[:, -1] = np.arange(len(RESIDUES))
    assert (2.0 ** -source.bits(begun)[:, -1]).sum() == pytest.approx(1)


def test_a_symbol_that_no_state_emits_is_refused():
    source = HiddenMarkovModel(np.ones((1, 1)), np.array([[1.0, 0.0]]))
    assert source.bits(np.zeros((2, 3), int)).sum() == 0
    with pytest.raises(ValueError, match='1 of 2 sequences have a symbol that cannot follow'):
        source.bits(np.array([[0, 0], [0, 1]]))


@pytest.mark.parametrize('linked', [True, False])
def test_residues_come_as_often_as_they_should(linked: bool):
    source = families(2, 4, 0.5, 0.1, 0.1, 3.0, 0)
    drawn = (source.walk if linked else source.alone)(np.random.default_rng(2), 20_000, 4)
    for place in (0, 3):
        shares = np.bincount(drawn[:, place], minlength=20) / len(drawn)
        assert (abs(shares - source.marginal) < 5 * np.sqrt(source.marginal / len(drawn))).all()
    pairs = np.bincount(drawn[:, 0] * 20 + drawn[:, 1], minlength=400) / len(drawn)
    law = np.einsum('s,sa,st,tb->ab', source.start, source.emits, source.moves, source.emits).reshape(-1)
    alone = np.outer(source.marginal, source.marginal).reshape(-1)
    assert (abs(pairs - (law if linked else alone)) < 5 * np.sqrt((law if linked else alone) / len(drawn)) + 1e-4).all()


def test_the_floor_lies_between_nothing_and_the_frequencies():
    task = task_of(TASKS['protein_families'].data)
    assert (task.least_bits(), task.marginal_bits()) == pytest.approx((2.656, 4.100), abs=5e-4)
    assert task.least_bits(sealed=False) == pytest.approx(task.least_bits(), abs=0.03)
    entropy = -(task.source.marginal * np.log2(task.source.marginal)).sum()
    assert task.marginal_bits(sealed=False) == pytest.approx(entropy, abs=0.01)
    first = task.source.bits(task.residues(True)).mean(0)
    assert first[0] == pytest.approx(entropy, abs=0.1) and first[-16:].mean() < 2.6


def test_where_nothing_is_linked_the_floor_is_the_entropy_of_single_residues():
    task = ProteinFamilies(linked=False, **SMALL)
    assert task.least_bits() == task.marginal_bits()
    linked = ProteinFamilies(**SMALL)
    np.testing.assert_array_equal(task.source.marginal, linked.source.marginal)
    assert (task.residues(True) != linked.residues(True)).any()


def test_examples_are_letters_in_bytes_and_the_same_ones_each_time():
    task = ProteinFamilies(**SMALL)
    pool, sealed = task.pool(), task.test()
    assert pool.x.dtype == np.uint8 and len(sealed.x) == 512 and len(pool.x) == 304
    assert set(np.unique(pool.x).tolist()) == set(RESIDUES.encode())
    assert pool.checksum == ProteinFamilies(**SMALL).pool().checksum != ProteinFamilies(number=1, **SMALL).pool().checksum
    assert sealed.checksum == ProteinFamilies(train=300, held=40).test().checksum
    assert b''.join(task.messages(True)) == sealed.x.tobytes()


def test_the_reference_coder_stands_above_the_source_and_below_the_frequencies():
    task = ProteinFamilies(train=1500, held=40)
    bits = reference(task)
    assert bits['source'] == task.least_bits() < bits['best'] < bits['order_0'] == pytest.approx(task.marginal_bits(), abs=0.01)
    assert bits['letters'] == 20 and bits['uniform'] == math.log2(20)
    told = reference_lines('proteins', bits)
    assert '  20 different bytes, all alike 4.322' in told
    assert told[-1] == f'  who knows the source {bits["source"]:.3f}: no model needs fewer but by chance'


def test_too_few_different_sequences_are_refused():
    with pytest.raises(
        ValueError, match=r'different sequences of length=1, one of them \d+ times, for a test split of 512; .*a longer length'
    ):
        ProteinFamilies(length=1, **SMALL).test()
