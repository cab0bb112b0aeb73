"""The expected best of k trials: against every subset, and on studies whose truth is known."""

import dataclasses
import itertools
import json
import math

import numpy as np
import pytest
from scipy import stats

from ablations.study import Study
from ablations.tasks import task
from ablations.trial import AFTER_SCREENING
from results.expected_best import curves, expected_best, order_settles, running_best, settled_orders
from results.store.reading import Reading
from sweeps.protocol.simulate import Hill, World, simulate

SCORES = [0.3, -math.inf, 0.9, 0.3, math.nan, 0.7, 0.05]


def by_subsets(groups: list, chance: float, k: int) -> float:
    """Every way of taking k of each group."""
    groups = [[value if math.isfinite(value) else chance for value in group] for group in groups]
    ways = itertools.product(*(itertools.combinations(group, k) for group in groups))
    return float(np.mean([max(itertools.chain(*way)) for way in ways]))


@pytest.mark.parametrize('chance', [0.1, -1.0, 0.5])
@pytest.mark.parametrize(
    'groups', [[SCORES], [SCORES, [0.2, 0.8, 0.8, 0.1]], [[1.0, 2.0], [3.0, -math.inf], [0.0, 2.5]], [[-math.inf] * 3], [[0.4]]]
)
def test_equals_the_mean_over_every_subset(groups, chance):
    result = expected_best([np.array(group) for group in groups], chance)
    wanted = [by_subsets(groups, chance, k) for k in range(1, min(map(len, groups)) + 1)]
    assert result == pytest.approx(wanted, abs=1e-12)
    assert (np.diff(result) >= -1e-12).all()


def test_is_unbiased_where_drawing_with_replacement_is_not():
    """Uniform scores: the best of k has the mean k / (k + 1)."""
    generator, n, k = np.random.default_rng(0), 6, 5
    draws = np.sort(generator.random((4000, n)), axis=1)
    ours = np.mean([expected_best([row], 0.0)[k - 1] for row in draws])
    ranks = np.arange(1, n + 1) / n
    replaced = np.mean(draws @ (ranks**k - (ranks - 1 / n) ** k))
    error = 0.15 / math.sqrt(4000)
    assert abs(ours - k / (k + 1)) < 4 * error
    assert replaced < k / (k + 1) - 10 * error


@pytest.mark.parametrize('groups', [[], [np.array([])], [np.array([1.0]), np.array([])]], ids=['none', 'empty', 'one_empty'])
def test_no_scores_are_refused(groups):
    with pytest.raises(ValueError, match=r'allowed: one or more in each; leave empty ones out'):
        expected_best(groups, 0.0)


def test_running_best_keeps_the_order():
    result = running_best([np.array([0.1, math.nan, 0.5, 0.4]), np.array([0.2, 0.3, -math.inf])], 0.25)
    assert result == pytest.approx([0.2, 0.3, 0.5])


# Whole studies.


def asked(**fields: object) -> Study:
    arms = {'base': (), 'arm': ()}
    return Study(
        **{'name': 'told', 'question': 'Is it?', 'arms': arms, 'tasks': ('digits',), 'trials': 10, 'extension': 4, **fields}
    )


def test_curves_hold_the_first_trials_of_every_optimizer_alone():
    study = asked(tune={'adamw': asked().tune['adamw'], 'sgd': asked().tune['adamw']}, replicates=3)
    schedule, records = simulate(study, World(optimum=(2.0, 0.5), noise=0.02, cliff=9.0), seed=1)
    assert any(trial.phase == 'extend_1' for trial in schedule.trials), 'the world must make the study extend'
    by_arm = curves(Reading(study, schedule, records))
    assert [(c.optimizer, c.arm) for c in by_arm] == [(o, a) for o in ('adamw', 'sgd', 'all') for a in ('base', 'arm')]
    for curve in by_arm:
        optimizers = ['adamw', 'sgd'] if curve.optimizer == 'all' else [curve.optimizer]
        for replicate, values in zip(curve.numbers, curve.replicates, strict=True):
            trials = [t for t in schedule.trials if (t.arm, t.replicate, t.phase) == (curve.arm, replicate, 'tune')]
            groups = [[records[t.id]['score'] for t in trials if t.program.optimizer == o] for o in optimizers]
            assert list(map(len, groups)) == [6] * len(optimizers)
            assert values == pytest.approx([by_subsets(groups, 0.1, k) for k in range(1, 7)])
        assert curve.trials == tuple(len(optimizers) * k for k in range(1, 7))
        assert curve.mean == pytest.approx(np.mean(curve.replicates, axis=0))
        last = np.array(curve.replicates)[:, -1]
        assert (curve.low[-1], curve.high[-1]) == pytest.approx(stats.t.interval(0.95, 2, last.mean(), stats.sem(last)))
        assert list(json.loads(json.dumps(curve.to_dict(), allow_nan=False))) == [
            field.name for field in dataclasses.fields(curve)
        ]


def test_where_lower_is_better_curves_fall_and_diverged_runs_count_as_chance():
    study = asked(tasks=('stdlib_bytes',), replicates=2)
    schedule, records = simulate(study, World(cliff=0.0, noise=0.0, split=0.0), seed=0)
    lost = [t for t in schedule.trials if t.phase == 'tune' and records[t.id]['status'] == 'diverged']
    assert lost, 'the world must make runs diverge'
    for curve in curves(Reading(study, schedule, records)):
        assert (np.diff(curve.mean) <= 1e-12).all()
        mine = [t for t in schedule.trials if (t.arm, t.phase, t.replicate) == (curve.arm, 'tune', 0)]
        scores = [records[t.id]['score'] if records[t.id]['status'] == 'ok' else math.log(256) for t in mine]
        assert curve.replicates[0][0] == pytest.approx(np.mean(scores))
        assert curve.replicates[0][-1] == pytest.approx(min(scores))
        assert curve.good[0] == pytest.approx(-np.array(curve.replicates[0]))


def test_an_unfinished_replicate_is_left_out():
    study = asked(replicates=3)
    schedule, records = simulate(study, World(), seed=0)
    gone = next(t for t in schedule.trials if (t.arm, t.replicate) == ('arm', 1))
    left = {key: record for key, record in records.items() if key != gone.id}
    by_arm = {curve.arm: curve for curve in curves(Reading(study, schedule, left))}
    assert (by_arm['base'].numbers, by_arm['arm'].numbers) == ((0, 1, 2), (0, 2))
    both = settled_orders(list(by_arm.values()))['digits']
    cut = {arm: curve.good[[curve.numbers.index(n) for n in (0, 2)]] for arm, curve in by_arm.items()}
    assert both == order_settles(cut)
    assert curves(Reading(study, schedule, {})) == []


def test_nothing_is_expected_of_an_arm_whose_runs_all_diverged_nor_of_a_replicate_with_a_failed_one():
    study = asked(replicates=3)
    schedule, records = simulate(study, World(hills={'arm': Hill(cliff=-9.0)}), seed=0)
    assert {curve.arm for curve in curves(Reading(study, schedule, records))} == {'base'}
    schedule, records = simulate(study, World(), seed=0)
    lost = next(t.id for t in schedule.trials if (t.arm, t.replicate) == ('arm', 1))
    failed = {**records, lost: {**records[lost], 'status': 'failed', 'score': None}}
    assert {curve.arm: curve.numbers for curve in curves(Reading(study, schedule, failed))} == {
        'base': (0, 1, 2),
        'arm': (0, 2),
    }


def test_all_optimizers_together_need_all_of_them():
    study = asked(tune={'adamw': asked().tune['adamw'], 'sgd': asked().tune['adamw']}, replicates=2)
    schedule, records = simulate(study, World(), seed=0)
    gone = next(t for t in schedule.trials if (t.arm, t.replicate, t.program.optimizer) == ('arm', 1, 'sgd'))
    by_arm = curves(Reading(study, schedule, {key: record for key, record in records.items() if key != gone.id}))
    numbers = {curve.optimizer: curve.numbers for curve in by_arm if curve.arm == 'arm'}
    assert numbers == {'adamw': (0, 1), 'sgd': (0,), 'all': (0,)}


def test_an_optimizer_with_which_all_runs_diverged_has_no_curve_and_counts_as_chance_beside_others():
    both = {'adamw': asked().tune['adamw'], 'sgd': asked().tune['adamw']}
    study = asked(tune=both, replicates=2, tasks=(task('digits', chance=-9.0),))
    schedule, records = simulate(study, World(cliff=9.0), seed=0)
    lost = {t.id for t in schedule.trials if (t.arm, t.program.optimizer) == ('arm', 'sgd')}
    told = {key: {**row, 'status': 'diverged', 'score': None} if key in lost else row for key, row in records.items()}
    made = {(one.arm, one.optimizer): one for one in curves(Reading(study, schedule, told))}
    assert set(made) == {('base', 'adamw'), ('base', 'sgd'), ('arm', 'adamw'), ('base', 'all'), ('arm', 'all')}
    assert made['arm', 'all'].trials == (2, 4, 6, 8, 10, 12)
    for one, other in zip(made['arm', 'all'].replicates, made['arm', 'adamw'].replicates, strict=True):
        assert one == pytest.approx(other), 'the other optimizer adds nothing but chance'


def test_replicates_of_unequal_lengths_are_told_as_far_as_all_of_them_go():
    study = asked(replicates=3)
    schedule, records = simulate(study, World(), seed=0)
    key = 'tune', 'arm', 'digits', 1
    shorter = {**schedule.asked, key: schedule.asked[key][1:]}
    whole = {one.arm: one for one in curves(Reading(study, schedule, records))}
    cut = {one.arm: one for one in curves(Reading(study, dataclasses.replace(schedule, asked=shorter), records))}
    assert cut['base'] == whole['base'] and len(whole['arm'].trials) == 6 and cut['arm'].trials == (1, 2, 3, 4, 5)
    assert cut['arm'].numbers == (0, 1, 2) and {len(one) for one in cut['arm'].replicates} == {5}
    assert [cut['arm'].replicates[n] for n in (0, 2)] == [whole['arm'].replicates[n][:5] for n in (0, 2)]
    assert settled_orders(list(cut.values()))['digits'].of == 5


def test_an_adaptive_search_is_followed_in_its_own_order():
    study = asked(replicates=2)
    schedule, records = simulate(study, World(), seed=0)
    by_arm = curves(Reading(dataclasses.replace(study, search='tpe'), schedule, records))
    assert {curve.how for curve in by_arm} == {'running'}
    mine = [t for t in schedule.asked['tune', 'base', 'digits', 1] if t.phase == 'tune']
    scores = [records[t.id]['score'] if records[t.id]['status'] == 'ok' else 0.1 for t in mine]
    assert by_arm[0].replicates[1] == pytest.approx([max(scores[:k]) for k in range(1, 7)])


# When the order settles.


def flat(*means: float, replicates: int = 3, noise: float = 0.0) -> np.ndarray:
    rise = noise * np.arange(replicates)[:, None]
    return np.array(means)[None, :] + rise


def test_the_last_change_of_order_decides():
    arms = {'a': flat(1, 2, 3, 4, 5), 'b': flat(2, 1, 4, 3, 4), 'c': flat(0, 0, 0, 0, 0)}
    settled = order_settles(arms)
    assert (settled.trials, settled.of, settled.order) == (4, 5, ('a', 'b', 'c'))
    assert order_settles(arms, (2, 4, 6, 8, 10)).trials == 8
    assert order_settles({'a': arms['a'], 'c': arms['c']}).trials == 1
    assert (settled.share, settled.noise) == (1.0, False), 'replicates that agree leave no doubt'


def test_a_share_of_all_replicates_in_common_is_no_noise():
    """The data split moves both arms alike: only what differs between them counts."""
    common = np.array([[5.0], [0.0], [-5.0]])
    apart = np.array([[0.01], [-0.01], [0.0]])
    settled = order_settles({'a': common + 0.1 + apart, 'b': common - apart})
    assert settled.order[0] == 'a'
    assert not settled.noise
    assert order_settles({'a': common + 0.1, 'b': common[::-1]}).noise


def test_identical_arms_are_seldom_told_apart():
    generator, wrong = np.random.default_rng(3), 0
    for _ in range(200):
        values = generator.normal(size=(2, 4, 1)) + 3 * generator.normal(size=(4, 1))
        wrong += not order_settles({'a': values[0], 'b': values[1]}).noise
    assert wrong <= 20, 'two-sided level of 5 %; four standard errors of chance allowed'


def test_one_replicate_says_nothing_of_noise():
    settled = order_settles({'a': flat(1, 2, replicates=1), 'b': flat(0, 1, replicates=1)})
    assert (settled.order, settled.share, settled.noise) == (('a', 'b'), None, True)


@pytest.mark.parametrize('arms', [{'a': flat(1, 2)}, {'a': flat(1, 2), 'b': flat(1, 2, 3)}], ids=['one', 'unequal'])
def test_curves_that_cannot_be_ordered_are_refused(arms):
    with pytest.raises(ValueError, match=r'allowed: two arms or more, the same shape for each; cut the longer ones'):
        order_settles(arms)


def test_after_a_screening_the_better_optimizer_goes_on_alone():
    study = asked(tune={'adamw': asked().tune['adamw'], 'sgd': asked().tune['adamw']}, screening=4, extension=0, replicates=2)
    schedule, records = simulate(study, World(), seed=0)
    made = {(curve.optimizer, curve.arm): curve for curve in curves(Reading(study, schedule, records))}
    assert {made[name, arm].trials for name in ('adamw', 'sgd') for arm in ('base', 'arm')} == {(1, 2, 3, 4)}
    curve = made['all', 'arm']
    assert curve.trials == (2, 4, 6, 8, 9, 10, 11, 12, 13, 14) and curve.numbers == (0, 1)
    tuned = schedule.asked['tune', 'arm', 'digits', 1]
    best_of_all = max(records[trial.id]['score'] for trial in tuned if records[trial.id]['status'] == 'ok')
    assert curve.replicates[1][-1] == pytest.approx(best_of_all)
    # A replicate whose screening is just over has no such curve yet; those of single optimizers need no more.
    cut = [trial for trial in tuned if trial.phase != AFTER_SCREENING]
    early = dataclasses.replace(schedule, asked={**schedule.asked, ('tune', 'arm', 'digits', 1): cut})
    made = {(curve.optimizer, curve.arm): curve for curve in curves(Reading(study, early, records))}
    assert made['all', 'arm'].numbers == (0,) and made['sgd', 'arm'].numbers == (0, 1)
    assert made['all', 'arm'].low is None and made['all', 'base'].numbers == (0, 1)


def test_two_replicates_tell_how_sure_the_first_place_is():
    settled = order_settles({'a': flat(1, 2, replicates=2), 'b': flat(0, 1, replicates=2)})
    assert (settled.share, settled.noise) == (1.0, False)


def test_the_order_is_told_of_all_optimizers_together_where_there_are_several():
    study = asked(tune={'adamw': asked().tune['adamw'], 'sgd': asked().tune['adamw']}, tasks=('digits', 'recall'), replicates=2)
    made = curves(Reading(study, *simulate(study, World(), seed=0)))
    orders = settled_orders(made)
    assert list(orders) == ['digits', 'recall'] and {one.of for one in orders.values()} == {12}
    alone = [curve for curve in made if curve.optimizer == 'sgd' and curve.task == 'recall']
    mixed = settled_orders([*(curve for curve in made if curve.task == 'digits'), *alone])
    assert mixed['digits'] == orders['digits'] and mixed['recall'].of == 6, 'of one optimizer its own curves'
    assert settled_orders(alone[:1]) == {}
    apart = [dataclasses.replace(alone[0], numbers=(0,), replicates=alone[0].replicates[:1])]
    apart += [dataclasses.replace(alone[1], numbers=(1,), replicates=alone[1].replicates[1:])]
    assert settled_orders(apart) == {}, 'no replicate is in common'


def test_when_an_order_settles_is_plain_data():
    plain = order_settles({'a': flat(1, 2, replicates=2), 'b': flat(0, 1, replicates=2)}).to_dict()
    assert plain == {'trials': 1, 'of': 2, 'order': ['a', 'b'], 'share': 1.0, 'noise': False}
