"""Simulators: their rules, and that pixels and symbols tell the same."""

import itertools

import numpy as np
import pytest

from ablations.tasks.decoders import observations
from sweeps.tasks.simulators.balls import Balls
from sweeps.tasks.simulators.doors import Doors
from sweeps.tasks.simulators.simulator import FORMS, Simulator

CASES = {
    'balls': Balls(),
    'one_ball': Balls(size=4, balls=1, screen=2),
    'no_screen': Balls(size=3, balls=3, screen=0, kick=0.0),
    'doors': Doors(),
    'wide': Doors(rows=2, columns=3, steady=0.9, flip=0.0),
    'corridor': Doors(rows=1, columns=2),
}


@pytest.fixture(params=CASES)
def simulator(request: pytest.FixtureRequest) -> Simulator:
    return CASES[request.param]


def everything(simulator: Simulator) -> np.ndarray:
    """All observations: `[n, parts]`."""
    return np.array(list(itertools.product(np.unique(simulator.chain.seen), repeat=simulator.parts)))


def test_each_form_tells_all_of_an_observation(simulator: Simulator):
    """No two observations have the same picture or the same sentence: each form can be translated into the other."""
    seen = everything(simulator)
    for form in FORMS:
        tokens = simulator.written(seen, form)
        assert tokens.dtype == np.int32 and len(np.unique(tokens, axis=0)) == len(seen) == simulator.observations
        assert tokens.min() == 0 and tokens.max() == simulator.vocabulary[form] - 1
    assert {np.asarray(table).dtype for table in (simulator.scene, simulator.marks, simulator.words)} == {np.dtype(np.int64)}


def test_there_are_as_many_observations_as_are_declared(simulator: Simulator):
    fields = {'kind': 'balls' if isinstance(simulator, Balls) else 'doors', **vars(simulator)}
    assert observations(fields) == simulator.observations


def test_an_observation_is_written_alike_wherever_it_stands(simulator: Simulator):
    seen = everything(simulator)[:6].reshape(2, -1, simulator.parts)
    for form in FORMS:
        whole = simulator.written(seen, form)
        np.testing.assert_array_equal(whole[1, 0], simulator.written(seen[1, :1], form)[0])


def test_balls_bounce_and_turn_seldom():
    balls = Balls(size=4, balls=1, screen=0, kick=0.2)
    chain = balls.chain
    states = chain.walk(np.random.default_rng(1), 2000, 6)
    row, column = np.divmod(chain.seen[states], 4)
    ways = np.array(list(itertools.product((-1, 1), repeat=2)))[chain.hidden['direction'][states]]
    turned = 0
    for place, way in ((row, ways[..., 0]), (column, ways[..., 1])):
        moved = np.diff(place, axis=1)
        stays = moved == 0
        # Who stays has turned round at a wall; who moves goes where its direction says.
        assert (moved[~stays] == way[:, 1:][~stays]).all()
        assert np.isin(place[:, 1:][stays], (0, 3)).all()
        assert (way[:, 1:][stays] == np.where(place[:, 1:][stays] == 0, 1, -1)).all()
        turned = turned | (~stays & (way[:, 1:] != way[:, :-1]))
    free = np.isin(row[:, :-1], (1, 2)) & np.isin(column[:, :-1], (1, 2))
    assert turned[free].mean() == pytest.approx(0.2 * 3 / 4, abs=0.02)


def test_a_ball_behind_the_screen_is_not_seen():
    balls = Balls(size=5, balls=2, screen=1)
    seen = np.array([[0, 25], [25, 25], [7, 7], [24, 3]])
    assert balls.written(seen, 'symbols').tolist() == [[0, 0, 5, 5], [5, 5, 5, 5], [1, 2, 1, 2], [4, 4, 0, 3]]
    pictures = balls.written(seen, 'pixels').reshape(-1, 5, 5)
    assert list(balls.unseen) == [2] and (pictures[[0, 1, 3]][:, :, 2] == 4).all()
    assert pictures[0, 0, 0] == 1 and pictures[3, 4, 4] == 1 and pictures[3, 0, 3] == 2
    assert 7 not in balls.chain.seen


def test_doors_keep_their_rules():
    doors, held = Doors(steady=0.5, flip=0.05), None

    def after(state: tuple) -> dict:
        odds: dict = {}
        for other, probability in doors.follow(state):
            odds[other] = odds.get(other, 0) + probability
        assert sum(odds.values()) == pytest.approx(1)
        return {other: round(probability, 6) for other, probability in odds.items() if probability}

    # East of the walker is the door, and it holds the key: 0.95 (1/2 + 1/8) + 0.05 / 8 to the east.
    assert after(((1, 1), held, 0))[(1, 2), held, 0] == 0.59375 and after(((1, 1), held, 0))[(1, 2), held, 1] == 0.00625
    # Without the key the door stops it, and it turns round where it wished to go there.
    closed = after(((1, 1), (0, 0), 0))
    assert closed[(1, 1), (0, 0), 1] == 0.59375 + 0.00625 and ((1, 2), (0, 0), 0) not in closed
    # It picks up the key by stepping on it.
    assert after(((1, 0), (1, 1), 0))[(1, 1), held, 0] == 0.59375
    # From the door into the east room: the key falls on one of five places, and the mode stays.
    off = {state: odds for state, odds in after(((1, 2), held, 0)).items() if state[0] == (1, 3)}
    east = [state for state in off if state[2] == 0]
    assert len(east) == 5 and {state[1] for state in east} == set(doors.room((1, 3))) and off[east[0]] == 0.11875
    assert sum(after(((1, 2), held, 0)).values()) == pytest.approx(1, abs=1e-5)


def test_a_key_is_seen_from_its_row_and_column_alone():
    doors = Doors()
    assert doors.sight(((0, 0), (0, 1), 0)) == ((0, 0), (0, 1)) and doors.sight(((0, 0), (2, 0), 1)) == ((0, 0), (2, 0))
    assert doors.sight(((0, 0), (1, 1), 0)) == doors.sight(((0, 0), None, 1)) == ((0, 0), None)
    picture = doors.written(np.array([[doors.sights.index(((0, 0), (0, 1)))]]), 'pixels').reshape(3, 5)
    assert picture.tolist() == [[3, 4, 1, 0, 0], [0, 0, 2, 0, 0], [0, 0, 1, 0, 0]]


@pytest.mark.parametrize(
    ('make', 'message'),
    [
        (lambda: Balls(size=1), "simulator 'balls': size=1"),
        (lambda: Balls(size=5, screen=5), 'a screen of fewer columns'),
        (lambda: Balls(balls=4), 'balls=4; allowed: 1 to 3'),
        (lambda: Balls(kick=1.5), 'kick=1.5; allowed: 0 to 1'),
        (lambda: Doors(rows=1, columns=1), 'rooms of 2 to 16 places'),
        (lambda: Doors(rows=5, columns=4), 'rooms of 2 to 16 places'),
        (lambda: Balls(size=17), 'sizes of 2 to 16'),
        (lambda: Balls(kick=float('nan')), 'kick=nan'),
        (lambda: Doors(columns=0), "simulator 'doors': rows=3 with columns=0"),
        (lambda: Doors(flip=-0.1), 'flip=-0.1; allowed: 0 to 1'),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(make, message: str):
    with pytest.raises(ValueError, match=message):
        make()
