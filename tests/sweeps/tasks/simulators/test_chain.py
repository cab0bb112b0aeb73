"""Chains: the exact filter against all paths of states, summed by hand."""

import itertools

import numpy as np
import pytest

from sweeps.tasks.simulators.balls import Balls
from sweeps.tasks.simulators.chain import Chain, chain_of
from sweeps.tasks.simulators.doors import Doors

SMALL = {'balls': Balls(size=2, balls=1, screen=1, kick=0.3), 'doors': Doors(rows=1, columns=2)}


@pytest.fixture(params=SMALL)
def chain(request: pytest.FixtureRequest) -> Chain:
    return SMALL[request.param].chain


def paths(chain: Chain, horizon: int) -> np.ndarray:
    """The probability of each path of three states, the last one `horizon` events after the second: `[S, S, S]`."""
    moves = np.zeros((len(chain.follow),) * 2)
    for state, (follow, odds) in enumerate(zip(chain.follow, chain.odds, strict=True)):
        for other, probability in zip(follow, odds, strict=True):
            moves[state, other] += probability
    far = moves
    for _ in range(horizon - 1):
        far = far @ moves
    return chain.start[:, None, None] * moves[:, :, None] * far[None]


@pytest.mark.parametrize('horizon', [1, 2, 5])
def test_the_filter_sums_over_all_paths(chain: Chain, horizon: int):
    joint = paths(chain, horizon)
    values = range(chain.seen.max() + 1)
    for told in itertools.product(values, repeat=3):
        at = [chain.seen == value for value in told]
        first = joint[at[0]].sum()
        two = joint[at[0]][:, at[1]].sum()
        three = joint[at[0]][:, at[1]][:, :, at[2]].sum()
        if three < 1e-12:
            continue
        bits = chain.bits(np.array([told]), horizon)[0]
        np.testing.assert_allclose(bits, [-np.log2(two / first), -np.log2(three / two)], atol=1e-6)


def test_beliefs_are_shares_of_the_paths(chain: Chain):
    joint, variable = paths(chain, 1), next(iter(chain.hidden))
    values = chain.hidden[variable]
    for told in itertools.product(range(chain.seen.max() + 1), repeat=3):
        at = [chain.seen == value for value in told]
        last = joint[at[0]][:, at[1]].sum((0, 1)) * at[2]
        if last.sum() > 1e-12:
            share = [last[values == value].sum() / last.sum() for value in range(values.max() + 1)]
            np.testing.assert_allclose(chain.beliefs(np.array([told]), variable)[0, -1], share, atol=1e-6)


def test_walks_come_as_often_as_they_should(chain: Chain):
    walked = chain.walk(np.random.default_rng(0), 40000, 3)
    often = np.bincount(np.ravel_multi_index(walked[:, :2].T, (len(chain.start),) * 2), minlength=len(chain.start) ** 2)
    expected = paths(chain, 1).sum(2).reshape(-1)
    assert not often[expected < 1e-12].any()
    assert (np.abs(often / 40000 - expected) <= 5 * np.sqrt(expected * (1 - expected) / 40000) + 1e-12).all()
    np.testing.assert_allclose(np.bincount(walked[:, 2], minlength=len(chain.start)) / 40000, chain.start, atol=0.02)


def test_the_start_is_stationary_also_where_states_take_turns(chain: Chain):
    np.testing.assert_allclose(chain.start @ chain.moves, chain.start, atol=1e-9)
    still = Balls(size=4, kick=0.0).chain
    np.testing.assert_allclose(still.start, 1 / len(still.start), atol=1e-9)


def test_what_cannot_be_seen_is_refused(chain: Chain):
    with pytest.raises(ValueError, match='1 of 1 episodes have an event that cannot follow'):
        SMALL['doors'].chain.bits(np.array([[0, len(SMALL['doors'].sights) - 1]]))


STEPS = {
    'a': [('b', 0.25), ('a', 0.0), ('c', 0.5), ('b', 0.25)],
    'b': [('c', 1.0)],
    'c': [('a', 0.5), ('b', 0.25), ('c', 0.25)],
}
SEEN, WHICH = {'a': 0, 'b': 0, 'c': 1}, {'a': 0, 'b': 1, 'c': 1}


def test_a_chain_has_only_what_may_follow_and_the_last_of_it_fills_up():
    made = chain_of(STEPS, SEEN, {'which': WHICH})
    assert made.follow.tolist() == [[1, 2, 2], [2, 2, 2], [0, 1, 2]]
    assert made.odds.tolist() == [[0.5, 0.5, 0.0], [1.0, 0.0, 0.0], [0.5, 0.25, 0.25]]
    assert made.seen.tolist() == [0, 0, 1] and made.hidden['which'].tolist() == [0, 1, 1]


def test_the_guess_of_who_sees_one_event_is_the_likeliest_value():
    made = chain_of(STEPS, SEEN, {'which': WHICH})
    # In the long run a quarter of the events are a, a quarter of them b, half of them c.
    np.testing.assert_allclose(made.start, [0.25, 0.25, 0.5], atol=1e-9)
    rare = chain_of({**STEPS, 'c': [('a', 0.4), ('b', 0.35), ('c', 0.25)]}, SEEN, {'which': WHICH})
    often = chain_of({**STEPS, 'c': [('a', 0.6), ('b', 0.15), ('c', 0.25)]}, SEEN, {'which': WHICH})
    assert (rare.guesses('which').tolist(), often.guesses('which').tolist()) == ([1, 1], [0, 1])
    np.testing.assert_allclose(made.alone_bits(np.array([[0, 1]])), [[1, 1]], atol=1e-6)
