"""The probe of the law: what training sees, what the probe reads, and what it tells of features whose law is known."""

import dataclasses
import math

import numpy as np
import pytest

from ablations.tasks import TASKS
from ablations.tasks.decoders import sizes
from ablations.tasks.trajectory_tasks import probed
from sweeps.metrics.hits import Probe
from sweeps.tasks.losses import next_token
from sweeps.tasks.trajectories.hidden_law import HiddenLaw
from sweeps.tasks.trajectories.law_probe import LawProbe
from sweeps.tasks.trajectories.next_numbers import NextNumbers
from sweeps.training.preflight import task_of

LAWS = {'kind': 'pendulums', 'laws': ['undamped', 'damped', 'driven']}
SHORT = {'events': 6, 'train': 60, 'held': 40}
TASK = LawProbe(LAWS, **SHORT)


def test_a_model_sees_and_learns_what_one_of_the_next_number_does():
    """The loss knows the numbers alone: another law behind them changes no gradient."""
    numbers = NextNumbers(LAWS, **SHORT)
    for probe, coming in ((TASK.pool(), numbers.pool()), (TASK.test(), numbers.test())):
        count = min(len(probe.x), len(coming.x))
        np.testing.assert_array_equal(probe.x[:count], coming.x[:count])
        np.testing.assert_array_equal(TASK.inputs(probe.x), numbers.inputs(probe.x))
    rows = TASK.pool()
    scores = np.random.default_rng(0).normal(size=(5, 12, 256)).astype(np.float32)
    loss, statistics = TASK.losses(scores, rows.y[:5])
    np.testing.assert_allclose(loss, next_token(scores, rows.x[:5].astype(int))[0], rtol=1e-6)
    other = rows.y[:5].copy()
    other[:, -2:] = 7
    np.testing.assert_array_equal(loss, TASK.losses(scores, other)[0])
    assert statistics.shape == (5, 256 + 2 * 256 + 2)


def test_the_probe_reads_the_means_of_all_scores_and_those_of_the_last_observation():
    scores = np.random.default_rng(1).normal(size=(4, 12, 256)).astype(np.float32)
    statistics = np.asarray(TASK.losses(scores, TASK.test().y[:4])[1])
    np.testing.assert_allclose(statistics[:, :256], scores.mean(1), atol=1e-6)
    np.testing.assert_array_equal(statistics[:, 256:-2], scores[:, 10:].reshape(4, -1))
    np.testing.assert_array_equal(statistics[:, -2], TASK.readings(True).law[:4])
    np.testing.assert_array_equal(statistics[:, -1], np.arange(4))
    assert isinstance(TASK.measure, Probe)


def test_the_law_is_that_of_the_episode_and_the_first_sealed_episodes_are_those_of_the_question():
    asked = HiddenLaw(LAWS, **SHORT)
    test = TASK.test()
    np.testing.assert_array_equal(test.y[:512, -2], asked.test().y[:, -1])
    np.testing.assert_array_equal(test.x[:512], asked.test().x)
    assert len(test.x) == TASK.test_size() == 2048 and len(np.unique(test.x, axis=0)) == 2048
    both = np.concatenate([test.x, TASK.pool().x])
    assert len(np.unique(both, axis=0)) == len(both)
    train, held = TASK.split(TASK.pool(), 3)
    assert (len(train), len(held)) == (60, 40) and not set(train) & set(held)


@pytest.mark.parametrize(('control', 'known'), [('', True), ('unlinked', False)])
def test_features_that_hold_the_law_tell_it_and_unlinked_answers_are_at_chance(control: str, known: bool):
    task = dataclasses.replace(TASK, control=control)
    test = task.test()
    scores = np.random.default_rng(2).normal(size=(2048, 12, 4)).astype(np.float32)
    scores[..., 0] += 2 * (TASK.readings(True).law == 1)[:, None]
    scores[..., 1] += 2 * (TASK.readings(True).law == 2)[:, None]
    statistics = np.asarray(task.losses(scores, np.column_stack([test.x % 4, test.y[:, -2:]]))[1])
    told = task.measure.scored(statistics, test.group)
    assert told.score > 0.95 if known else told.score == pytest.approx(1 / 3, abs=4 * told.error)
    # That of a share, and of what each episode teaches the probe.
    alone = math.sqrt(told.score * (1 - told.score) / 2048)
    assert alone < told.error < 2 * alone


@pytest.mark.parametrize('name', ['pendulum_law_probed', 'planet_law_probed'])
def test_a_probed_task_is_the_question_on_the_same_motion(name: str):
    task, asked = TASKS[name], TASKS[name.removesuffix('_probed')]
    assert task.data['motion'] == asked.data['motion'] and task.chance == asked.chance and task.metric == 'accuracy'
    assert sizes(task.data).outputs == task.base['head']['outputs'] == 256 and task.base['head']['kind'] == 'next_token'
    made = task_of({**task.data, 'train': 60, 'held': 40})
    assert made.labels() == made.token_count() == 256 and (task.metric, task.direction) == made.METRIC
    assert made.pool().y.dtype == np.float32 and made.pool().y.shape[1] == sizes(task.data).length + 2


def test_what_cannot_be_probed_is_refused():
    with pytest.raises(ValueError, match=r"laws=\['inverse_square'\] of motion 'planets'; allowed: two or more"):
        LawProbe({'kind': 'planets'})
    with pytest.raises(ValueError, match=r"task 'law_probe': control='none'; allowed: \['', 'shuffled', 'unlinked'\]"):
        LawProbe(LAWS, control='none')
    with pytest.raises(ValueError, match=r'scores \[8, 3\]; allowed: \[B, 12, V\], those of each next number; take head'):
        TASK.check_scores((8, 3), (8, 14))
    TASK.check_scores((8, 12, 256), (8, 14))
    few = probed({'kind': 'planets', 'laws': ['inverse', 'inverse_square']}, events=8, steps=100)
    assert few['chance'] == 1 / 2 and few['data']['kind'] == 'law_probe'
