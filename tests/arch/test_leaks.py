"""How leaks are looked for: every change at every place, and what counts as rounding; the programs are numpy's."""

import numpy as np
import pytest

from arch.contracts.leaks import ROUNDING, changes, example_leak, later_leak, order_leak, sees_nothing, unlike

X = np.random.default_rng(0).normal(size=(3, 8, 2)).astype(np.float32)
IDS = np.random.default_rng(0).integers(0, 5, (3, 8)).astype(np.int32)


class Recorded:
    """A program that keeps its inputs."""

    def __init__(self, run=lambda x: x):
        self.run, self.seen = run, []

    def __call__(self, x):
        self.seen.append(np.array(x))
        return self.run(x)


def test_numbers_and_ids_are_changed_in_every_way():
    made = dict(changes(X, np.random.default_rng(1)))
    words = 'reversed, shuffled, negated, positive, negative, all 0, all 1, other numbers, wide numbers, large numbers'
    assert list(made) == [*words.split(', '), 'small numbers', 'rounded', 'sorted']
    assert all(one.shape == X.shape and one.dtype == np.float32 for one in made.values())
    assert (made['reversed'] == X[:, ::-1]).all() and (made['negated'] == -X).all() and (made['sorted'] == np.sort(X, 1)).all()
    assert (
        (made['positive'] == abs(X)).all()
        and (made['negative'] == -abs(X)).all()
        and np.allclose(1000 * made['small numbers'], X)
    )
    assert not made['all 0'].any() and (made['all 1'] == 1).all() and (made['rounded'] == np.round(X)).all()
    assert (made['shuffled'] != X).any() and (np.sort(made['shuffled'], 1) == np.sort(X, 1)).all()
    assert 5 < abs(made['wide numbers']).max() <= 10 and 500 < made['large numbers'].std() < 2000
    assert made['other numbers'].std() == pytest.approx(1, abs=0.3)
    ids = dict(changes(IDS, np.random.default_rng(1), 5))
    assert list(ids) == ['reversed', 'shuffled', 'other ids', 'the next ids', 'all 0', 'all 4', 'sorted']
    assert (ids['the next ids'] == (IDS + 1) % 5).all() and (ids['all 4'] == 4).all() and not ids['all 0'].any()
    assert set(np.unique(ids['other ids'])) == {0, 1, 2, 3, 4} and all(one.dtype == np.int32 for one in ids.values())


def test_rounding_is_a_share_of_the_largest_number():
    one, whole = np.zeros(3), np.array([-100.0, 1.0])
    for share, told in ((0.9, False), (1.1, True)):
        assert unlike(one, one + share * ROUNDING * 100, whole).tolist() == [told] * 3
        assert unlike(one + 200, one + 200 + share * ROUNDING * 200, whole).tolist() == [told] * 3
    assert unlike(np.array([np.nan, 1, np.inf]), np.array([1, 1, np.inf]), whole).tolist() == [True, False, False]
    assert unlike(one, one + 7, np.array([np.nan, np.inf])).tolist() == [False] * 3


def test_later_positions_are_changed_from_each_cut_on():
    run = Recorded()
    assert later_leak(run, X, [2, 5]) == ''
    parts = list(run.seen[1:])
    assert len(parts) == 2 * 13 and all((x[:, :2] == X[:, :2]).all() and (x[:, 2:] != X[:, 2:]).any() for x in parts)
    assert all((x[:, :5] == X[:, :5]).all() for x in parts[13:])
    few = Recorded()
    assert later_leak(few, X, [2, 5, 7], thorough=False) == '' and len(few.seen) == 4
    assert (few.seen[1][:, 2:] == X[:, :1:-1]).all(), 'the first way at the first cut'
    assert (np.sort(few.seen[2][:, 5:], 1) == np.sort(X[:, 5:], 1)).all() and (few.seen[3][:, 7:] == -X[:, 7:]).all()
    peeks = lambda x: x + np.roll(x, -1, 1)  # noqa: E731
    assert later_leak(peeks, X, [3]) == 'token 2 sees what comes from token 3 on (reversed)'
    strided = lambda x: x[:, ::2]  # noqa: E731
    assert later_leak(strided, X, [3]) == '' and 'token 1 sees' in later_leak(lambda x: x[:, 1::2], X, [3])
    assert later_leak(lambda x: x * 1.0, IDS, [4], ids=5) == ''


def test_an_example_must_not_see_the_others():
    run = Recorded()
    assert example_leak(run, X) == '' and len(run.seen) == 1 + 3 * 13
    for number, own in enumerate((0, 1, 2)):
        for x in run.seen[1 + 13 * number : 14 + 13 * number]:
            equal = [(x[i] == X[i]).all() for i in range(3)]
            assert equal[own] and not all(equal)
    assert example_leak(lambda x: x - x[2:], X) == 'example 0 sees the others of its batch (reversed)'
    last = lambda x: np.concatenate([x[:2], x[2:] - x[1:2]])  # noqa: E731
    assert example_leak(last, X).startswith('example 2 sees')


def test_positions_are_put_in_three_other_orders():
    run = Recorded()
    assert order_leak(run, X, 1e-5) == ''
    first, one, two, three = run.seen
    assert (first == X).all() and (np.sort(one, 1) == np.sort(X, 1)).all() and (one != X).any()
    assert (two == X[:, ::-1]).all() and (three == np.roll(X, 1, 1)).all()
    far = order_leak(lambda x: x + 0.1 * np.arange(8)[None, :, None], X, 1e-5)
    assert far.startswith('another order changes the outputs by 7') or far.startswith('another order changes the outputs by ')
    near = lambda x: x + 1e-6 * np.arange(8)[None, :, None]  # noqa: E731
    assert order_leak(near, X, 1e-5) == '' and order_leak(near, X, 1e-7)


def test_whether_the_last_output_sees_anything():
    assert sees_nothing(lambda x: np.ones_like(x), X) and not sees_nothing(lambda x: x, X)
    # Only the sign of one number is seen, or only one id.
    assert not sees_nothing(lambda x: np.sign(x[:, :1]) + 0 * x, X)
    assert not sees_nothing(lambda x: (x[:, :1] == 4) + 0.0 * x, IDS, 5)
    assert sees_nothing(lambda x: np.concatenate([x[:, :-1], 0 * x[:, -1:]], 1), X)
