"""Splits of supervised tasks: whole groups, classes on both sides, and what is said where there are none."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sweeps.datasets.prepared import Part, write
from sweeps.tasks import supervised, targets
from sweeps.tasks.arrays import Arrays
from sweeps.tasks.made import MADE
from sweeps.tasks.supervised import Supervised

WRITERS = {'dataset': 'writers', 'length': 128}
GROUPS = [274, 516, 535, 536, 935]
HELD = [[17, 19, 29, 38], [9, 17, 23, 28], [1, 3, 12, 18], [17, 23, 30, 32], [0, 7, 29, 30], [3, 15, 20, 23]]


def test_as_many_groups_as_are_left_are_all_of_them():
    pool = Supervised(**WRITERS).pool()
    train, held = Supervised(**WRITERS, held=64).split(pool, 1)
    left = len(np.unique(pool.group[train]))
    again = Supervised(**WRITERS, held=64, groups=left).split(pool, 1)
    assert sorted(again[0].tolist()) == sorted(train.tolist()) and again[1].tolist() == held.tolist()
    with pytest.raises(ValueError, match=f'groups={left + 1} of .*, of which {left} are left beside held=64; allowed: up to'):
        Supervised(**WRITERS, held=64, groups=left + 1).split(pool, 1)


def test_the_groups_of_a_seed_are_those_that_runs_were_trained_on():
    pool = Supervised(**WRITERS).pool()
    train, _ = Supervised(**WRITERS, held=64, groups=5).split(pool, 1)
    assert sorted(set(pool.group[train].tolist())) == GROUPS


def test_a_split_that_lacks_a_class_is_drawn_again_by_the_seeds_of_old():
    """Of forty examples three are of the second class: the first draws lack it on a side, and a later one has it."""
    y = np.isin(np.arange(40), [3, 17, 29]).astype(np.int32)
    pool = Arrays(np.zeros((40, 2), np.float32), y, np.arange(40))
    task = Supervised(dataset='writers', classes=2, length=128, metric='macro_f1', held=4)
    made = [task.split(pool, seed)[1] for seed in range(6)]
    assert all({0, 1} == set(y[held]) for held in made)
    assert [sorted(held.tolist()) for held in made] == HELD


@pytest.mark.parametrize(('train', 'held'), [([0, 1, 2], [3]), ([0, 1], [2, 3])])
def test_the_side_that_lacks_a_class_is_told_by_it(monkeypatch: pytest.MonkeyPatch, train: list, held: list):
    names = {0: MADE['writers'].names[0], 1: MADE['writers'].names[1]}
    task = Supervised(dataset='writers', classes=2, length=128, metric='macro_f1', held=4)
    pool = Arrays(np.zeros((4, 2), np.float32), np.array([0, 1, 0, 0], np.int32), np.arange(4))
    for sides, lacking in (((train, held), 1), ((held, train), 1)):
        monkeypatch.setattr(supervised, 'split_by_group', lambda *_, sides=sides: tuple(map(np.array, sides)))
        with pytest.raises(ValueError, match=re.escape(f"'macro_f1' needs of ['{names[lacking]}'] on both sides; give more")):
            task.split(pool, 0)


def test_rewritten_texts_need_not_be_cut_to_be_told_apart():
    """Those that become equal are of one group, and none of the test split is left that stands in the pool."""
    task = Supervised(**WRITERS, rewrite=('first_words:2',))
    pool, sealed = task.pool(), task.test()
    groups: dict[bytes, set[int]] = {}
    for row, group in zip(pool.x, pool.group, strict=True):
        groups.setdefault(row.tobytes(), set()).add(int(group))
    assert max(map(len, groups.values())) == 1 and not {row.tobytes() for row in sealed.x} & set(groups)


def test_what_mixes_images_is_for_classes_and_not_for_maps():
    mixed = ({'kind': 'mixup', 'alpha': 0.5},)
    assert Supervised(dataset='collections', augment=mixed).knobs == {'mixup_alpha': 0.5, 'mixup_probability': 1.0}
    with pytest.raises(ValueError, match='would not move a map'):
        Supervised(dataset='shapes', metric='mean_iou', augment=mixed).knobs  # noqa: B018
    # Whether one that is not prepared holds maps is not known before.
    assert Supervised(dataset='cifar10', metric='top5_accuracy', augment=mixed).knobs == {
        'mixup_alpha': 0.5,
        'mixup_probability': 1.0,
    }


def test_targets_of_a_class_that_are_known_in_few_examples_count_as_much_as_others():
    """Of four examples one has a value: the mean loss is its own."""
    target = supervised.TARGETS['values'](('x',), 'rmse', (0.0,), (1.0,))
    loss, _ = target.losses(jnp.array([[2.0], [5.0], [5.0], [5.0]]), jnp.array([[0.0], [np.nan], [np.nan], [np.nan]]))
    assert float(loss.mean()) == pytest.approx(4.0)


def test_of_equal_scores_the_first_class_is_the_higher_one_and_a_label_needs_more_than_0():
    target = supervised.TARGETS['class'](tuple('abcdefg'), 'top5_accuracy')
    _, right = jax.jit(target.losses)(jnp.zeros((3, 7)), jnp.array([0, 4, 5]))
    assert right.tolist() == [1, 1, 0]
    labels = supervised.TARGETS['labels'](('x', 'y'), 'accuracy')
    _, statistics = labels.losses(jnp.array([[0.0, 1e-3]]), jnp.array([[0.0, 1.0]]))
    assert statistics.tolist() == [[1, 1, 1, 1]]


def test_a_set_without_classes_has_none_to_control(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv('ARCHLAB_DATA', str(tmp_path))
    part = Part(np.random.default_rng(0).normal(size=(9, 3)).astype(np.float32), None, np.arange(9))
    write(tmp_path / 'prepared' / 'bare', {'kind': 'tables'}, part, part)
    for asked, name in (({'control': 'halves'}, 'control'), ({'classes': 2}, 'classes')):
        with pytest.raises(
            ValueError, match=f"of 'bare', whose examples have class; allowed: of a set of classes; leave {name} out"
        ):
            Supervised(dataset='bare', **asked).pool()


def test_classes_that_a_split_does_not_count_are_none_of_it():
    for counts, padded in (((3, 1), [3, 1, 0]), (None, [0, 0, 0]), ([], [0, 0, 0]), ([1, 2, 3], [1, 2, 3])):
        assert targets._padded(counts, 3).tolist() == padded
