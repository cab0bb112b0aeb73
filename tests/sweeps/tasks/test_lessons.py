"""Lessons: what training takes of each domain is what its values say, and never a held-out example."""

import dataclasses
import re
import types

import numpy as np
import pytest
from one_lane import train_one

from ablations.knobs import KNOBS
from ablations.tasks import TASKS, bases
from sweeps.tasks.arrays import Arrays
from sweeps.tasks.batch_order import batch_order, order_by_domain
from sweeps.tasks.labelled_domains import LabelledDomains
from sweeps.tasks.lessons import IN_TURN, LESSONS, MOST, SHARES, knobs_of, shares_in_turn, tuned_shares, turns
from sweeps.tasks.mixture import Mixture
from sweeps.training.preflight import task_of
from sweeps.training.splits import Split, training_order

QUARTERS = tuple({'kind': 'digits', 'train': size, 'held': 30, 'quarter_turns': n} for n, size in enumerate((400, 100, 50)))
STEPS, BATCH = 60, 8


def labelled(**fields) -> LabelledDomains:
    return LabelledDomains(**{'parts': QUARTERS, 'held': 90, 'tested': 90, **fields})


def taken(task: LabelledDomains, knobs: dict, seed: int = 3) -> np.ndarray:
    """The domain of each example of each step. `[steps, batch]`"""
    pool = task.pool()
    train, held = task.split(pool, 0)
    order = training_order(task, Split(pool, train, task.part(pool, held)), seed, STEPS, BATCH, knobs)
    assert order.dtype == np.int32 and not set(order.ravel()) & set(held)
    return task.domains(pool)[order]


def shares_of(domain: np.ndarray) -> np.ndarray:
    return np.bincount(domain.ravel(), minlength=3) / domain.size


@pytest.mark.parametrize(
    ('knobs', 'expected'),
    [
        ({}, [1 / 3, 1 / 3, 1 / 3]),
        ({'size_exponent': 1.0}, [400 / 550, 100 / 550, 50 / 550]),
        ({'size_exponent': 0.5}, np.sqrt([400, 100, 50]) / np.sqrt([400, 100, 50]).sum()),
        ({'domain_weight_2': 6.0, 'lr': 0.1}, [1 / 8, 6 / 8, 1 / 8]),
    ],
)
def test_shares_are_those_of_the_values(knobs: dict, expected: list[float]):
    assert shares_of(taken(labelled(lessons=SHARES), knobs)) == pytest.approx(expected, abs=0.02)


def test_the_weights_of_the_score_are_shares_too():
    task = labelled(lessons=SHARES, weights=(2, 1, 1), held=40, tested=40)
    assert shares_of(taken(task, {})) == pytest.approx([0.5, 0.25, 0.25], abs=0.02)
    sealed = task.test()
    assert np.bincount(task.domains(sealed)).tolist() == [20, 10, 10]


def test_domains_are_taught_in_turn():
    domain = taken(labelled(lessons=IN_TURN), {'first_domain': 2.0})
    assert domain[:20].max() == domain[:20].min() == 1
    assert domain[20:40].max() == domain[20:40].min() == 2 and not domain[40:].any()
    replayed = taken(labelled(lessons=IN_TURN), {'replay_share': 0.25})
    assert not replayed[:20].any()
    assert (replayed[20:40] == 0).mean() == pytest.approx(0.25, abs=0.02) and (replayed[20:40] < 2).all()
    assert [(replayed[40:] == n).mean() for n in (0, 1)] == pytest.approx([0.125, 0.125], abs=0.02)
    mixed = taken(labelled(lessons=IN_TURN), {'mixed_share': 0.5})
    assert [int(mixed[first : first + 10].max()) for first in (0, 10, 20)] == [0, 1, 2]
    assert shares_of(mixed[30:]) == pytest.approx([1 / 3] * 3, abs=0.03)


def test_turns_are_as_long_and_fill_the_steps():
    for domains in (2, 3, 7):
        for mixed in (0.0, 0.2, 1.0):
            told = turns(domains, 100, {'mixed_share': mixed, 'first_domain': float(domains)})
            assert [first for _, first, _ in told] == [0, *(end for _, _, end in told[:-1])]
            assert told[-1][2] == 100 - 100 * mixed and sorted(domain for domain, _, _ in told) == list(range(domains))
            lengths = [end - first for _, first, end in told]
            assert max(lengths) - min(lengths) <= 1 and told[0][0] == domains - 1


def test_every_share_of_a_step_is_met_as_closely_as_whole_examples_can():
    """Systematic sampling: of each step the count of a domain is its share rounded down or up, and the mean is exact."""
    shares = np.tile([0.07, 0.43, 0.5], (4000, 1))
    domain = np.repeat([0, 1, 2], 50)
    order = order_by_domain(1, np.arange(150), domain, shares, 10)
    counts = np.stack([(domain[order] == n).sum(1) for n in range(3)], 1)
    assert (np.abs(counts - 10 * shares) < 1).all()
    assert counts.mean(0) == pytest.approx([0.7, 4.3, 5.0], abs=0.03)


def test_a_domain_goes_through_its_epochs():
    """No example a second time before all of its domain were taken, and another seed takes others."""
    domain = np.repeat([0, 1], [5, 20])
    order = order_by_domain(0, np.arange(25), domain, np.tile([0.5, 0.5], (10, 1)), 4)
    small = [index for index in order.ravel() if index < 5]
    assert all(sorted(small[first : first + 5]) == list(range(5)) for first in range(0, 20, 5))
    assert (order == order_by_domain(0, np.arange(25), domain, np.tile([0.5, 0.5], (10, 1)), 4)).all()
    assert (order != order_by_domain(1, np.arange(25), domain, np.tile([0.5, 0.5], (10, 1)), 4)).any()
    with pytest.raises(ValueError, match='domain 2 has a share of the training and no training examples'):
        order_by_domain(0, np.arange(5), np.zeros(5, int), np.array([[0.5, 0.5]]), 4)


def test_shuffled_lessons_are_those_of_all_other_tasks():
    task, pool = labelled(), labelled().pool()
    train, _ = task.split(pool, 0)
    assert len(train) == 150 and task.knobs == {} and task.turns(60, {}) == []
    assert (task.example_order(pool, train, 5, STEPS, BATCH, {}) == batch_order(5, train, STEPS, BATCH)).all()


def test_values_are_declared_with_bounds():
    for lessons in LESSONS:
        for name, default in knobs_of(lessons, MOST).items():
            assert default in KNOBS[name].bounds
    assert labelled(lessons=IN_TURN).knob_bounds == {'first_domain': (1, 3)}


def test_a_share_is_a_product_of_weight_size_and_score():
    made = tuned_shares(np.array([0.75, 0.25]), np.array([10, 40]), {'size_exponent': 1.0, 'domain_weight_1': 2.0})
    assert made == pytest.approx([0.75 * 10 * 2 / (15 + 10), 0.25 * 40 / (15 + 10)])
    assert shares_in_turn(np.array([0.75, 0.25]), 2, {'mixed_share': 1.0}).tolist() == [[0.75, 0.25]] * 2


@pytest.mark.parametrize(
    ('fields', 'said'),
    [
        ({'lessons': 'in turn'}, "lessons 'in turn'; allowed: ['shuffled', 'shares', 'in_turn']"),
        ({'lessons': SHARES, 'train': 90}, "train=90 under lessons 'shares'"),
        (
            {'lessons': IN_TURN, 'parts': QUARTERS[:1], 'held': 30, 'tested': 30},
            "1 parts under lessons 'in_turn'; allowed: 2 to 64",
        ),
        (
            {'lessons': SHARES, 'parts': QUARTERS * 3, 'held': 90, 'tested': 90},
            "9 parts under lessons 'shares'; allowed: 2 to 8",
        ),
        ({'weights': (1, 2)}, '3 parts, 2 weights'),
        ({'weights': (1, 2, '3')}, "weights [1, 2, '3']; allowed: numbers above 0"),
        ({'held': 31}, 'held=31 gives the domains'),
        ({'held': 0}, 'held=0 gives the domains [0.0, 0.0, 0.0] examples; allowed: whole numbers for each'),
    ],
)
def test_lessons_that_cannot_be_are_refused(fields: dict, said: str):
    with pytest.raises(ValueError, match=re.escape(said)):
        labelled(**fields)


@pytest.mark.parametrize(
    ('part', 'said'),
    [
        ({'kind': 'recall'}, 'examples [12], and part 0 [8, 8, 1]'),
        ({'kind': 'stdlib_bytes'}, 'the metric loss'),
        ({'kind': 'supervised', 'dataset': 'collections', 'target': 'class'}, 'examples [16, 16, 3], and part 0 [8, 8, 1]'),
    ],
)
def test_parts_that_do_not_go_together_are_refused(part: dict, said: str):
    with pytest.raises(ValueError, match=re.escape(said)):
        labelled(parts=(QUARTERS[0], part), held=60, tested=60).pool()


def test_a_kind_that_takes_held_out_examples_is_stopped():
    class Greedy(LabelledDomains):
        def example_order(self, pool, train, seed, steps, batch, knobs):
            return np.arange(steps * batch).reshape(steps, batch)

    task = Greedy(parts=QUARTERS, held=90, tested=90)
    pool = task.pool()
    train, held = task.split(pool, 0)
    with pytest.raises(ValueError, match='takes others than the 150 training ones'):
        training_order(task, Split(pool, train, task.part(pool, held)), 0, STEPS, BATCH, {})


def test_a_turned_digit_is_the_same_digit():
    plain, turned = task_of({'kind': 'digits'}), task_of({'kind': 'digits', 'quarter_turns': 1})
    for own, other in ((plain.pool(), turned.pool()), (plain.test(), turned.test())):
        np.testing.assert_array_equal(np.rot90(own.x, 1, (1, 2)), other.x)
        np.testing.assert_array_equal(own.y, other.y)
    with pytest.raises(ValueError, match='quarter_turns=4; allowed: 0, 1, 2, 3'):
        task_of({'kind': 'digits', 'quarter_turns': 4})


def test_bytes_of_an_origin_are_its_own():
    email, other = task_of({'kind': 'origin_bytes'}), task_of({'kind': 'origin_bytes', 'origin': 'asyncio'})
    assert b'email' in email.pool().x.tobytes() and b'asyncio' in other.pool().x.tobytes()
    assert email.domain_name == 'email' and email.pool().x.shape[1] == 64
    for fields, said in (
        ({'dataset': 'collections'}, "dataset 'collections'; allowed"),
        ({'origin': 'nobody'}, "origin 'nobody'; allowed"),
        ({'length': 1}, 'length=1; allowed: 2 or more'),
        ({'length': 4096}, 'no text of packages by email has length=4096'),
    ):
        with pytest.raises(ValueError, match=said):
            task_of({'kind': 'origin_bytes', **fields}).pool()


BASE = bases.convnext(outputs=10, patch=4, widths=[4], depths=[1], kernel=1)


@pytest.mark.parametrize('held', ['tuning', 'test'])
def test_a_record_tells_each_turn(held: str):
    data = {'kind': 'labelled_domains', **dataclasses.asdict(labelled(lessons=IN_TURN))}
    record = train_one('digits_in_turn', held=held, data=data, base=BASE, steps=12, batch=8, evaluations=6)
    assert list(record['turns']) == ['digits', 'digits_turned_90', 'digits_turned_180']
    assert [(one['first'], one['end']) for one in record['turns'].values()] == [(0, 4), (4, 8), (8, 12)]
    for name, one in record['turns'].items():
        assert len(one['scores']) == len(record['curve']['step']) == 7
        assert one['scores'][-1] == pytest.approx(record['parts'][name])
    points = np.mean([one['scores'] for one in record['turns'].values()], 0)
    assert points == pytest.approx(np.array(record['curve']['score']), abs=1e-6)


def test_tasks_of_the_lab_have_these_lessons():
    lessons = {name: task.data['lessons'] for name, task in TASKS.items() if 'lessons' in task.data}
    assert lessons == {
        'package_shares': SHARES,
        'language_shares': SHARES,
        'languages_in_turn': IN_TURN,
        'digits_in_turn': IN_TURN,
        'facts_told_often': IN_TURN,
        'facts_told_seldom': IN_TURN,
    }
    for name, kind in (('languages_in_turn', Mixture), ('digits_in_turn', LabelledDomains)):
        task = TASKS[name]
        made = task_of(task.data)
        assert isinstance(made, kind) and task.evaluations % len(made.parts) == 0
        # Turns end where a run is evaluated.
        stride = task.steps // task.evaluations
        assert all(end % stride == 0 for _, _, end in made.turns(task.steps, {}))


def test_a_part_is_joined_or_refused_by_what_its_examples_are():
    """Of images [4, 4, 1] beside a first part of the same."""
    task, x, y = labelled(), np.zeros((3, 4, 4, 1)), np.zeros(3, np.int64)

    def said(metric: str = 'accuracy', knobs: dict | None = None, x: np.ndarray = x, y: np.ndarray = y) -> str:
        component = types.SimpleNamespace(knobs=knobs or {}, METRIC=(metric, 'higher'))
        return task.wrong_of(component, Arrays(x, y, np.arange(3)), Arrays(np.zeros((3, 4, 4, 1)), y, np.arange(3)))

    assert said() == said(y=y.astype(np.uint8)) == ''
    assert said(knobs={'flip_probability': 0.5}) == 'an augmentation, which is not used here'
    assert said('top5') == 'the metric top5'
    assert said(x=x[..., 0]) == 'examples [4, 4], and part 0 [4, 4, 1]'
    assert said(y=np.zeros(3, np.float32)) == 'targets [3] of float32'
    assert said(y=np.zeros((3, 2), np.int32)) == 'targets [3, 2] of int32'


def test_labels_are_as_many_as_the_part_with_the_most_where_all_are_known():
    part = {'kind': 'supervised', 'dataset': 'collections', 'target': 'class'}
    assert LabelledDomains(parts=({**part, 'classes': 2}, part), held=60, tested=60).labels() == 4
    assert LabelledDomains(parts=(part, {'kind': 'digits'}), held=60, tested=60).labels() is None


def test_a_part_that_gives_too_few_held_out_examples_is_named():
    task = labelled(held=120)
    with pytest.raises(ValueError, match=r'part 0 \(.*\) has 30 held-out examples, 40 are wanted; ask for fewer'):
        task.split(task.pool(), 0)


def test_eight_parts_have_shares_and_sixty_four_turns():
    part = {'kind': 'digits'}
    assert len(LabelledDomains(parts=(part,) * 8, lessons=SHARES, held=8, tested=8).knobs) == 9
    assert LabelledDomains(parts=(part,) * 64, lessons=IN_TURN, held=64, tested=64).knob_bounds == {'first_domain': (1, 64)}
    for lessons, count, most in ((SHARES, 9, 8), (IN_TURN, 65, 64)):
        with pytest.raises(ValueError, match=f'{count} parts under lessons .*; allowed: 2 to {most}; change the parts'):
            LabelledDomains(parts=(part,) * count, lessons=lessons, held=count, tested=count)


def test_shares_of_a_step_are_those_of_their_sum():
    domain = np.repeat([0, 1, 2], 4)
    shares = np.tile([0.125, 0.25, 0.625], (3, 1))
    one, other = (order_by_domain(2, np.arange(12), domain, times * shares, 8) for times in (1, 4))
    assert (one == other).all() and [np.bincount(row).tolist() for row in domain[one]] == [[1, 2, 5]] * 3


def test_an_order_of_no_examples_is_refused():
    with pytest.raises(ValueError, match='the training split has no examples; give the task more data'):
        batch_order(0, np.arange(0), 2, 2)
