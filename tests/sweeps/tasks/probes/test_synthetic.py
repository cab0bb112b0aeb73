"""Synthetic tasks: examples by rule, all different, those of the test split recognisable by themselves."""

import numpy as np
import pytest

from ablations.tasks.decoders import group_order, sizes
from arch.make import make
from sweeps.tasks.probes.arithmetic import Arithmetic
from sweeps.tasks.probes.compression import Compression
from sweeps.tasks.probes.finite_groups import group_table
from sweeps.tasks.probes.induction import Induction
from sweeps.tasks.probes.modular_addition import ModularAddition
from sweeps.tasks.probes.state_tracking import StateTracking
from sweeps.tasks.probes.synthetic import SEALED_SHARE, fingerprints
from sweeps.tasks.unmixed import UNMIXED


def mixed(row: list[int]) -> int:
    """The hash of a row in plain Python integers."""
    factors = np.random.default_rng(0).integers(2**64, size=len(row), dtype=np.uint64).tolist()
    value = sum(int(item) % 2**64 * (factor | 1) for item, factor in zip(row, factors, strict=True)) % 2**64
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        value = (value ^ value >> shift) * factor % 2**64
    return value ^ value >> 31


def test_fingerprints_are_a_hash_of_the_row():
    rows = np.random.default_rng(3).integers(-1, 9, (50, 6))
    assert [int(value) for value in fingerprints(rows)] == [mixed(row) for row in rows.tolist()]
    everything = fingerprints(np.indices((30, 30, 30)).reshape(3, -1).T)
    assert len(np.unique(everything)) == 30**3
    np.testing.assert_allclose((everything % SEALED_SHARE == 0).mean(), 1 / SEALED_SHARE, atol=0.01)


def test_the_test_split_is_known_by_its_examples_whatever_the_pool():
    for task in (Induction(train=64, held=16), Induction(train=3000, held=100)):
        assert all(mixed(row) % SEALED_SHARE for row in task.pool().x[:100].tolist())
        assert task.test().checksum == Induction().test().checksum
    assert not any(mixed(row) % SEALED_SHARE for row in Induction().test().x.tolist())


def test_mirrored_examples_share_a_group():
    for task in (Arithmetic(train=2000, held=100), ModularAddition()):
        pool = task.pool()
        size = task.digits if isinstance(task, Arithmetic) else 1
        first = int(isinstance(task, Arithmetic))
        a, b = (pool.x[:, at : at + size] @ 10 ** np.arange(size)[::-1] for at in (first, first + size + first))
        groups = {}
        for pair, group in zip(zip(a.tolist(), b.tolist(), strict=True), pool.group.tolist(), strict=True):
            groups.setdefault(tuple(sorted(pair)), set()).add(group)
        assert all(len(own) == 1 for own in groups.values())
        assert len({next(iter(own)) for own in groups.values()}) == len(groups) < len(a)


@pytest.mark.parametrize('seed', range(20))
def test_the_pool_has_enough_whichever_group_is_cut(seed: int):
    task = ModularAddition()
    train, held = task.split(task.pool(), seed)
    assert (len(train), len(held)) == (task.train, task.held)


def test_a_space_that_is_used_up_is_used_up_to_the_last_example():
    """Of the 256 strings of eight bits about an eighth is sealed; the pool may have all others, and not one more."""
    pool = len([1 for row in np.indices((2,) * 8).reshape(8, -1).T.tolist() if mixed(row) % SEALED_SHARE])
    full = StateTracking(group='z2', length=8, train=pool - 20, held=20)
    fingers = np.unique(fingerprints(full.pool().x))
    assert len(fingers) == pool
    with pytest.raises(ValueError, match=f'only {pool} different examples for a pool of {pool + 1}'):
        StateTracking(group='z2', length=8, train=pool - 19, held=20).pool()


@pytest.mark.parametrize(
    'task',
    [
        StateTracking(group='z2', length=8),
        Compression(tokens=2, length=8),
        ModularAddition(modulus=31),
        Arithmetic(digits=1, train=10, held=2),
    ],
)
def test_a_space_that_is_too_small_is_refused(task):
    with pytest.raises(ValueError, match=r'different examples for a test split.*raise the difficulty'):
        task.test()


# Declared data of other sizes than those of the lab's own tasks.
OTHER = [
    {'kind': 'recall', 'pairs': 3, 'keys': 5, 'values': 6},
    {'kind': 'induction', 'tokens': 9, 'length': 7, 'asked': 3},
    {'kind': 'selective_copying', 'tokens': 5, 'length': 12, 'copies': 3, 'noise': 2},
    {'kind': 'compression', 'tokens': 3, 'length': 9},
    {'kind': 'fuzzy_recall', 'pairs': 3, 'keys': 5, 'values': 7, 'longest': 3},
    {'kind': 'modular_addition', 'modulus': 53, 'mirrors': 'apart'},
    {'kind': 'state_tracking', 'group': 'a4xz2', 'length': 6, 'asked': 'last'},
    {'kind': 'arithmetic', 'operation': '*', 'digits': 3, 'order': 'plain'},
    {'kind': 'arithmetic_answers', 'operation': '*', 'digits': 2, 'order': 'plain'},
    {'kind': 'regular_language', 'language': 'random', 'states': 5, 'symbols': 3, 'length': 11},
]


@pytest.mark.parametrize('data', OTHER, ids=lambda data: data['kind'])
def test_declared_sizes_are_those_of_the_examples(data: dict):
    pool = make('task', UNMIXED, {**data, 'train': 400, 'held': 40}).pool()
    asked = sizes(data)
    assert (pool.x.max() + 1, pool.x.shape[1]) == (asked.vocabulary, asked.length)
    if data['kind'] != 'arithmetic':
        assert len(np.unique(pool.y[pool.y >= 0])) == asked.choices
    assert asked.outputs == (asked.vocabulary if data['kind'] != 'compression' else pool.y.shape[1] * asked.choices)


@pytest.mark.parametrize('group', ['z1', 'z7', 's1', 's2', 's4', 'a1', 'a2', 'a3', 'a4', 'a4xz5', 's3xs3xz2'])
def test_the_order_of_a_group_is_that_of_its_table(group: str):
    assert group_order(group) == len(group_table(group))
