"""Readings and the tasks over them: bounds of quantisation, exact noise, the same episodes for the same seed, controls."""

import dataclasses
import math

import numpy as np
import pytest

from ablations.tasks import TASKS, Task
from ablations.tasks.decoders import COORDINATES, sizes
from ablations.tasks.trajectory_tasks import OWN, law, numbers
from sweeps.tasks.probes.synthetic import SEALED_SHARE, fingerprints
from sweeps.tasks.trajectories import MOTIONS
from sweeps.tasks.trajectories.hidden_law import HiddenLaw
from sweeps.tasks.trajectories.next_numbers import NextNumbers
from sweeps.tasks.trajectories.readings import chances, entropy, in_levels, places, read, recorded
from sweeps.training.preflight import task_of

FEW = {'train': 200, 'held': 50}
SHORT = {'events': 6, **FEW}
LAWS = {'kind': 'pendulums', 'laws': ['undamped', 'damped', 'driven']}


@pytest.mark.parametrize('bits', [2, 5, 8])
def test_a_reading_without_noise_is_at_most_half_a_level_off(bits: int):
    where = np.linspace(-2, 2, 1001)
    levels = read(in_levels(where, 2.0, bits), bits)
    assert levels.dtype == np.uint8 and levels.min() == 0 and levels.max() == 2**bits - 1
    missed = np.abs(places(levels, 2.0, bits) - where)
    assert missed.max() <= 2 / 2**bits + 1e-12 and missed.max() > 1.9 / 2**bits
    np.testing.assert_array_equal(read(in_levels(places(levels, 2.0, bits), 2.0, bits), bits), levels)


def test_the_noise_of_a_reading_is_known_exactly():
    generator = np.random.default_rng(0)
    for exact, noise in ((7.3, 0.5), (0.2, 1.5), (15.9, 0.7), (8.0, 0.0)):
        told = chances(np.array(exact), noise, bits=4)
        assert told.shape == (16,) and told.sum() == pytest.approx(1, abs=1e-12) and (told >= 0).all()
        drawn = read(exact + noise * generator.standard_normal(40_000), bits=4)
        np.testing.assert_allclose(np.bincount(drawn, minlength=16) / 40_000, told, atol=0.012)


def test_the_entropy_of_much_noise_is_that_of_a_normal_variable():
    """log2(noise sqrt(2 pi e)) bits, less and less by what quantising adds; none at all is none."""
    told = entropy(np.full(3, 128.4), 6.0, bits=8)
    np.testing.assert_allclose(told, math.log2(6 * math.sqrt(2 * math.pi * math.e)), atol=2e-3)
    assert (entropy(np.array([3.2, 100.0]), 0.0, bits=8) == 0).all()
    # Half a level: two levels where the coordinate lies between them, mostly one in the middle of one.
    assert entropy(np.array([100.0]), 0.5, bits=8) > entropy(np.array([100.5]), 0.5, bits=8) > 0.9


@pytest.mark.parametrize('kind', MOTIONS)
def test_the_floor_is_what_who_knows_the_places_pays(kind: str):
    task = NextNumbers({'kind': kind}, **SHORT)
    known = task.readings(sealed=True)
    scores = np.log(np.maximum(chances(known.exact, task.noise, task.bits), 1e-30)).reshape(512, -1, 256)
    test = task.test()
    _, metric = task.losses(scores.astype(np.float32), test.y)
    assert float(metric.mean()) * test.scale == pytest.approx(task.least_bits(), abs=1e-4)
    assert task.least_bits() == pytest.approx(task.noise_bits(), abs=0.08) and task.noise_bits() > 0.8
    assert NextNumbers({'kind': kind}, noise=0.0, **SHORT).least_bits() == 0


@pytest.mark.parametrize('kind', MOTIONS)
def test_an_episode_is_its_seed(kind: str):
    """The same fields make the same episodes, fewer are the first of more; another field makes others."""
    asked = (MOTIONS[kind](), 6, 8, 0.5, False)
    more, fewer = recorded(*asked, 40), recorded.__wrapped__(*asked, 30)
    np.testing.assert_array_equal(more.levels[:30], fewer.levels)
    np.testing.assert_array_equal(more.exact[:30], fewer.exact)
    for other in ((MOTIONS[kind](substeps=3), 6, 8, 0.5, False), (MOTIONS[kind](), 6, 8, 0.25, False)):
        assert not (recorded(*other, 30).levels == fewer.levels).all((1, 2)).any()
    # What is read is what was there, but for the noise.
    missed = more.levels + 0.5 - np.clip(more.exact, 0, 256)
    assert missed.std() == pytest.approx(math.sqrt(0.25 + 1 / 12), rel=0.15)


def test_both_tasks_have_the_same_episodes_and_sealed_ones_are_in_no_pool():
    coming, asked = (kind(LAWS, **SHORT) for kind in (NextNumbers, HiddenLaw))
    for part in ('pool', 'test'):
        drawn, told = getattr(coming, part)(), getattr(asked, part)()
        np.testing.assert_array_equal(drawn.x, told.x)
        assert (told.y[:, :-1] == -1).all() and set(np.unique(told.y[:, -1])) == {0, 1, 2}
    both = np.concatenate([coming.pool().x, coming.test().x])
    assert len(np.unique(both, axis=0)) == len(both) == 250 + 512
    assert (fingerprints(coming.test().x) % SEALED_SHARE == 0).all()
    assert (fingerprints(coming.pool().x) % SEALED_SHARE > 0).all()
    train, held = coming.split(coming.pool(), 4)
    assert not np.isin(coming.pool().group[train], coming.pool().group[held]).any()


def test_the_answer_is_the_law_that_moved_the_episode():
    task = HiddenLaw(LAWS, noise=0.0, events=24, **FEW)
    known = task.readings(sealed=False)
    angles = [task.made.moved(known.constants, name, 24)[0].transpose(2, 0, 1) for name in task.made.laws]
    wanted = np.stack(angles)[known.law, np.arange(len(known.law))]
    np.testing.assert_array_equal(known.levels, read(in_levels(wanted, 1.0, 8), 8))


def test_shuffled_episodes_have_the_same_observations_in_another_order():
    plain, shuffled = (NextNumbers(control=control, **SHORT) for control in ('', 'shuffled'))
    one, other = plain.numbers(False), shuffled.numbers(False)
    assert (one != other).any() and (np.diff(np.sort(one, 1) - np.sort(other, 1)) == 0).all()
    rows = [{tuple(row) for row in episode.tolist()} for episode in one[:20]]
    assert rows == [{tuple(row) for row in episode.tolist()} for episode in other[:20]]


def test_unlinked_answers_tell_nothing():
    plain, unlinked = (HiddenLaw(LAWS, control=control, **SHORT) for control in ('', 'unlinked'))
    np.testing.assert_array_equal(plain.pool().x, unlinked.pool().x)
    one, other = plain.pool().y[:, -1], unlinked.pool().y[:, -1]
    assert (one == other).mean() == pytest.approx(1 / 3, abs=0.1)


@pytest.mark.parametrize(('control', 'least', 'most'), [('', 0.7, 0.9), ('shuffled', 0.15, 0.35), ('unlinked', 0.15, 0.35)])
def test_the_fit_of_each_law_tells_it_and_not_where_there_is_nothing_to_tell(control: str, least: float, most: float):
    data = {**TASKS['planet_law'].data, 'control': control, **FEW}
    assert least < task_of(data).fitted_share(sealed=False) < most
    assert task_of({**TASKS['pendulum_law'].data, **SHORT}).fitted_share() is None


def test_the_first_observations_tell_nothing_of_the_law():
    """Two of them are a place and a velocity: neighbours in these are of any law. All of them tell it."""
    task = HiddenLaw({'kind': 'pendulums', 'laws': ['undamped', 'damped', 'driven']}, events=16, train=3000, held=200)
    x, y = task.readings(False).levels.astype(float), task.readings(False).law
    asked, law = task.readings(True).levels.astype(float), task.readings(True).law
    for events, least, most in ((2, 0.25, 0.42), (16, 0.55, 1.0)):
        gaps = ((asked[:200, None, :events] - x[None, :, :events]) ** 2).sum((2, 3))
        near = y[np.argsort(gaps, 1)[:, :9]]
        share = (np.array([np.bincount(row, minlength=3).argmax() for row in near]) == law[:200]).mean()
        assert least < share < most, (events, share)


@pytest.mark.parametrize('name', ['pendulums', 'planets', 'three_bodies', 'pendulum_law', 'planet_law'])
def test_declared_sizes_are_those_of_the_tokens(name: str):
    data = TASKS[name].data
    task, asked = task_of({**data, **FEW}), sizes(data)
    pool = task.pool()
    assert task.token_count() == asked.vocabulary > pool.x.max() and pool.x.shape[1] == asked.length
    assert asked.outputs == (task.labels() or task.token_count()) > pool.y.max()
    assert TASKS[name].chance == (1 / asked.outputs if task.labels() else math.log2(asked.outputs))


def test_what_a_task_leaves_out_is_what_the_lab_has():
    for kind, cls in MOTIONS.items():
        assert COORDINATES[kind] == len(cls.COORDINATES)
        assert {**OWN[kind], 'laws': tuple(OWN[kind]['laws'])} == {'kind': kind, **vars(cls())}
    slow = Task(name='slow', **numbers({'kind': 'planets', 'interval': 0.01}, events=9, steps=100, bits=4, noise=0.0))
    assert slow.chance == 4 and task_of({**slow.data, **FEW}).pool().x.max() < 16
    two = Task(name='two', **law({'kind': 'planets', 'laws': ['inverse', 'inverse_square']}, events=9, steps=100))
    assert two.chance == 1 / 2 and two.base['head']['outputs'] == 2
    with pytest.raises(ValueError, match=r"motion {'kind': 'planet'}; allowed: .*\['pendulums', 'planets', 'three_bodies'\]"):
        numbers({'kind': 'planet'}, events=9, steps=100)


BAD = [
    (NextNumbers, {'events': 1}, 'events=1; allowed: 2 to 1000'),
    (NextNumbers, {'events': 1001}, 'events=1001; allowed'),
    (NextNumbers, {'bits': 1}, 'bits=1; allowed: 2 to 8, a byte a number'),
    (NextNumbers, {'bits': 9}, 'bits=9; allowed'),
    (NextNumbers, {'noise': 65.0}, r'noise=65.0; allowed: 0 \(none\) to 64 levels'),
    (NextNumbers, {'control': 'unlinked'}, r"control='unlinked'; allowed: \['', 'shuffled'\]"),
    (HiddenLaw, {'control': 'none'}, r"control='none'; allowed: \['', 'shuffled', 'unlinked'\]"),
    (NextNumbers, {'train': 0}, 'train=0'),
    (NextNumbers, {'motion': {'kind': 'planet'}}, "motion: unknown kind 'planet'.*Did you mean 'planets'"),
    (NextNumbers, {'motion': {'kind': 'planets', 'law': 2}}, "unknown field 'law'.*Did you mean 'laws'"),
    (NextNumbers, {'motion': {'kind': 'planets', 'substeps': 1.5}}, 'substeps=1.5 is a float'),
    (HiddenLaw, {'motion': {'kind': 'planets'}}, r"laws=\['inverse_square'\] of motion 'planets'; allowed: two or more"),
]


@pytest.mark.parametrize(
    ('kind', 'fields', 'message'), BAD, ids=[f'{next(iter(bad))}_{i}' for i, (_, bad, _) in enumerate(BAD)]
)
def test_bad_fields_are_refused(kind: type, fields: dict, message: str):
    with pytest.raises(ValueError, match=message):
        kind(**fields)


def test_a_motion_that_leaves_the_picture_is_refused():
    gone = {'kind': 'planets', 'laws': ['harmonic', 'inverse_cube'], 'interval': 50.0, 'substeps': 4}
    with pytest.raises(ValueError, match=r'\d different episodes of Planets.*give fewer laws, fewer events'):
        NextNumbers(gone, events=40, **FEW).pool()
    with pytest.raises(ValueError, match='different episodes of Pendulums'):
        NextNumbers({'kind': 'pendulums', 'swing': 0.001}, events=2, noise=0.0, bits=2, **FEW).pool()


@pytest.mark.parametrize(('sealed', 'split', 'draws'), [(False, 'a pool of 250', 8192), (True, 'a test split of 512', 4096)])
def test_what_is_said_of_too_few_episodes(sealed: bool, split: str, draws: int):
    """After the first round of draws in which fewer than one in two hundred counts."""
    task = NextNumbers({'kind': 'pendulums', 'swing': 0.001}, events=2, noise=0.0, bits=2, **FEW)
    with pytest.raises(ValueError) as told:
        task.readings(sealed)
    assert f'that stay in the picture, of {draws} draws, for {split}; allowed: one in 200 draws must count, and' in str(
        told.value
    )
    assert 'and 1638400 draws must do; give fewer laws' in str(told.value)


@pytest.mark.parametrize('counting', [20, 21])
def test_draws_go_on_while_one_in_two_hundred_counts(monkeypatch: pytest.MonkeyPatch, counting: int):
    """Of 4,096 draws a round, an eighth of which is sealed: 2.56 new ones a round."""
    asked = []

    class Rare(MOTIONS['pendulums']):
        def draw(self, generator: np.random.Generator, count: int, events: int):
            asked.append(count)
            drawn = super().draw(generator, count, events)
            return dataclasses.replace(
                drawn,
                where=drawn.where[:counting],
                law=drawn.law[:counting],
                constants={name: own[:counting] for name, own in drawn.constants.items()},
            )

    made = recorded.__wrapped__(Rare(), 4, 8, 0.5, False, 60)
    assert len(made.levels) == 60 and set(asked) == {4096} and 60 / counting < len(asked) <= 60 / counting * 8 / 7 + 2
    for array in (made.levels, made.exact, made.law, *made.constants.values()):
        assert len(array) == 60 and not array.flags.writeable, 'who has asked first may not change them for others'
