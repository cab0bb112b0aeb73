"""Facts: one value a key whatever stands around it, no key in two chapters, every fact told and asked."""

import numpy as np
import pytest

from ablations.tasks import TASKS
from sweeps.tasks.probes.facts import FILLERS, PLACES, VALUES, Facts
from sweeps.training.preflight import task_of


def told(arrays) -> dict[tuple, set]:
    """{key: its values}"""
    made: dict[tuple, set] = {}
    for row, value in zip(arrays.x, arrays.y[:, -1], strict=True):
        made.setdefault(tuple(row[1:3].tolist()), set()).add(int(value))
    return made


@pytest.mark.parametrize('chapter', [1, 10])
def test_a_fact_is_the_same_in_all_surroundings_and_splits(chapter: int):
    task = Facts(chapter=chapter)
    pool, sealed = told(task.pool()), told(task.test())
    assert pool == sealed and len(pool) == 24 and all(len(values) == 1 for values in pool.values())
    assert all(task.names + FILLERS < value < task.token_count() for (value,) in pool.values())


def test_chapters_share_no_key_and_values_are_all_used():
    chapters = [told(Facts(chapter=number).pool()) for number in range(1, 7)]
    assert len(set().union(*chapters)) == 6 * 24
    values = [value for chapter in chapters for (value,) in chapter.values()]
    assert len(set(values)) == VALUES and max(np.bincount(values)) < len(values) / 2


def test_only_the_mark_asks_and_every_filling_is_there_once():
    task = Facts()
    pool, sealed = task.pool(), task.test()
    assert len(pool.x) + len(sealed.x) == 24 * FILLERS**PLACES and 0.1 < len(sealed.x) / len(pool.x) < 0.18
    assert len(np.unique(np.concatenate([pool.x, sealed.x]), axis=0)) == 24 * FILLERS**PLACES
    assert (pool.x[:, -1] == task.names + FILLERS).all() and (pool.y[:, :-1] == -1).all()
    train, held = task.split(pool, 0)
    assert not set(train) & set(held) and len(held) == 96 and len(told(task.part(pool, train))) == 24


def test_the_tasks_of_the_lab_teach_six_chapters_in_turn():
    for name, often in (('facts_told_often', 100), ('facts_told_seldom', 20)):
        task = TASKS[name]
        made = task_of(task.data)
        assert made.domain_names == tuple(f'chapter_{number}' for number in range(1, 7))
        turns = made.turns(task.steps, {})
        assert all((end - first) * task.batch / 24 == often for _, first, end in turns) and task.chance == 1 / VALUES


def test_as_many_facts_as_there_are_keys_are_allowed():
    task = Facts(chapter=16, facts=16)
    assert len(set().union(*(told(Facts(chapter=number, facts=16).pool()) for number in range(1, 17)))) == task.names**2


@pytest.mark.parametrize(
    ('fields', 'said'),
    [
        ({'chapter': 11}, 'chapter=11 of facts=24 needs 264 keys, and 16 names make 256'),
        ({'train': -1}, 'train=-1; allowed: 0'),
        ({'chapter': 0}, 'chapter'),
        ({'facts': 0}, 'facts'),
    ],
)
def test_chapters_that_cannot_be_are_refused(fields: dict, said: str):
    with pytest.raises(ValueError, match=said):
        Facts(**fields)


def test_answers_are_among_all_tokens():
    assert Facts(names=5, facts=4).labels() == Facts(names=5, facts=4).token_count() == 5 + 8 + 1 + 4
