"""Views: a task's controls and rewritten texts, on sets whose answer is known."""

import types

import numpy as np
import pytest

from sweeps.tasks.made import MADE
from sweeps.tasks.set_views import CONTROLS, first_classes, halves, leaking
from sweeps.tasks.supervised import Supervised


def texts(**fields: object) -> Supervised:
    return Supervised(dataset='writers', target='class', held=512, length=128, cut=True, **fields)


def test_halves_are_even_within_every_class_and_split_no_example():
    real, made = MADE['writers'], halves(MADE['writers'])
    for split in ('pool', 'test'):
        of, part = getattr(real, split)(), getattr(made, split)()
        assert np.array_equal(of.x, part.x) and np.array_equal(of.group, part.group)
        for one in range(8):
            share = part.y[of.y == one].mean()
            assert abs(share - 0.5) < 4 * 0.5 / (of.y == one).sum() ** 0.5
    again = {bytes(part.example(n)): part.y[n] for n in range(len(part))}
    assert all(again[bytes(part.example(n))] == part.y[n] for n in range(len(part))), 'equal examples are of one half'


def test_a_task_of_halves_has_two_classes_and_no_more():
    task = texts(control='halves')
    assert task.labels() == 2 and set(np.unique(task.pool().y)) == set(np.unique(task.test().y)) == {0, 1}


def test_a_leak_stands_in_every_example_and_nowhere_else():
    real, made = MADE['collections'].pool(), leaking(MADE['collections']).pool()
    assert [np.unique(made.x[real.y == one, 0]).tolist() for one in range(4)] == [[0], [85], [170], [255]]
    assert np.array_equal(made.x[:, 1:], real.x[:, 1:]) and not np.array_equal(made.x, real.x)
    real, made = MADE['writers'].test(), leaking(MADE['writers']).test()
    for number in (0, 5, len(real) - 1):
        mark = bytes([ord('a') + real.y[number]]) * 3
        assert bytes(made.example(number)) == mark + bytes(real.example(number))


@pytest.mark.parametrize(('name', 'count'), [('collections', 3), ('writers', 2)])
def test_the_first_classes_are_there_whole_and_no_other(name, count):
    real, made = MADE[name], first_classes(MADE[name], count)
    for split in ('pool', 'test'):
        of, part = getattr(real, split)(), getattr(made, split)()
        rows = np.flatnonzero(of.y < count)
        assert len(part) == len(rows) and np.array_equal(part.y, of.y[rows]) and np.array_equal(part.group, of.group[rows])
        for number in (0, len(rows) // 2, len(rows) - 1):
            assert np.array_equal(part.example(number), of.example(rows[number]))
    assert made.about['classes'] == list(real.about['classes'])[:count]
    assert made.about['sizes'] == {'pool': len(made.pool()), 'test': len(made.test())}
    assert made.about['balance']['pool'] == np.bincount(made.pool().y).tolist()


def test_a_task_of_the_first_classes_has_as_many_and_a_control_on_them():
    assert texts(classes=3).labels() == 3 and set(np.unique(texts(classes=3).test().y)) == {0, 1, 2}
    assert texts(classes=8).labels() == texts().labels() == 8, 'all of them'
    assert texts(classes=3, control='halves').pool_size() == texts(classes=3).pool_size() < texts().pool_size()


def test_texts_that_rewriting_makes_equal_are_of_one_group_and_leave_the_test_split():
    task = texts(rewrite=('first_words:3',))
    pool, test = task.pool(), task.test()
    groups: dict[bytes, set[int]] = {}
    for row, group in zip(pool.x, pool.group, strict=True):
        groups.setdefault(row.tobytes(), set()).add(int(group))
    assert max(map(len, groups.values())) == 1 and len(groups) < len(pool.x)
    assert not {row.tobytes() for row in test.x} & set(groups)


def test_what_cannot_be_viewed_so_is_refused():
    with pytest.raises(ValueError, match=r"rewrite=\['lower_case'\] of a set of images; allowed: of texts"):
        Supervised(dataset='collections', target='class', rewrite=('lower_case',)).pool()
    with pytest.raises(ValueError, match="control='halves' of 'friedman', whose examples have values"):
        Supervised(dataset='friedman', metric='rmse', target='values', control='halves').pool()
    with pytest.raises(ValueError, match=r"control='leek'; allowed: \['', 'halves', 'leak'\]"):
        texts(control='leek')
    for count in (1, 9):
        with pytest.raises(ValueError, match=f'classes={count} of a set with 8; allowed: 2 to 8, or 0 for all'):
            texts(classes=count).pool()
    with pytest.raises(ValueError, match=r"classes=2 of 'friedman', whose examples have values; .*leave classes out"):
        Supervised(dataset='friedman', metric='rmse', target='values', classes=2).pool()
    assert set(CONTROLS) == {'halves', 'leak'}


def facts(kind: str, classes: int, **more: object) -> types.SimpleNamespace:
    return types.SimpleNamespace(about={'kind': kind, 'classes': [str(n) for n in range(classes)], **more})


@pytest.mark.parametrize(('kind', 'classes', 'fine'), [('texts', 26, True), ('texts', 27, False), ('tables', 2, False)])
def test_a_leak_needs_images_or_texts_of_up_to_26_classes(kind: str, classes: int, fine: bool):
    if fine:
        assert leaking(facts(kind, classes)).about['kind'] == kind
        return
    with pytest.raises(ValueError, match=f"control='leak' of a set of {kind} with {classes} classes; allowed: images or texts"):
        leaking(facts(kind, classes))


def test_what_is_not_counted_of_a_test_split_is_as_in_the_pool():
    of = facts('images', 3, balance={'pool': [30, 10, 60]}, sizes={'pool': 100, 'test': 51})
    assert first_classes(of, 2).about['sizes'] == {'pool': 40, 'test': 20}
    assert first_classes(of, 2).about['balance'] == {'pool': [30, 10]}
    counted = facts('images', 3, balance={'pool': [30, 10, 60], 'test': [1, 2, 3]}, sizes={'pool': 100, 'test': 6})
    assert first_classes(counted, 2).about['sizes'] == {'pool': 40, 'test': 3}
    assert halves(of).about['balance'] == {'pool': [50, 50]}
    odd = facts('images', 3, balance={'pool': [1, 2], 'test': [1]}, sizes={'pool': 3, 'test': 1})
    assert halves(odd).about['balance'] == {'pool': [2, 2], 'test': [1, 1]}
