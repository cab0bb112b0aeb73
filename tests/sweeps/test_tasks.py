"""Tasks: fixed and sealed test splits, replicates that draw their own training data."""

import gc

import numpy as np
import pytest

from ablations.tasks import TASKS as DECLARED
from sweeps.tasks import TASKS
from sweeps.tasks.arrays import Arrays, split_by_group
from sweeps.tasks.digits import Digits
from sweeps.tasks.probes.recall import Recall
from sweeps.tasks.stdlib_bytes import StdlibBytes
from sweeps.training.preflight import task_of
from sweeps.training.splits import confirmation_split, tuning_split

# Update only if you meant to change the sealed examples: every published finding rests on them.
GOLDEN = {'digits': '3a9222652c446a49', 'recall': 'fe1f21be86503e99'}


# The three that came first; tests/sweeps/tasks has the others, by what the lab declares.
@pytest.fixture(scope='module', params=['digits', 'recall', 'stdlib_bytes'])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


def rows(arrays: Arrays) -> set[bytes]:
    return {row.tobytes() + np.asarray(target).tobytes() for row, target in zip(arrays.x, arrays.y, strict=True)}


def test_every_kind_is_declared_and_documented(kind: str):
    assert kind in {task.data['kind'] for task in DECLARED.values()}
    for word in ('licence', 'Metric', 'chance', 'better'):
        assert word in TASKS[kind].__doc__, word


def test_splits_are_drawn_per_replicate_and_overlap_nowhere(kind: str):
    task = TASKS[kind]()
    pool = task.pool()
    first, held = task.split(pool, 1)
    assert len(first) == task.train == len(set(first)) and len(held) == task.held == len(set(held))
    assert not set(pool.group[first]) & set(pool.group[held])
    again, other = task.split(pool, 1), task.split(pool, 2)
    np.testing.assert_array_equal(again[0], first)
    assert set(other[1]) != set(held)


def test_the_test_split_is_fixed_and_disjoint(kind: str):
    task = TASKS[kind]()
    sealed, pool = task.test(), task.pool()
    assert sealed.checksum == TASKS[kind]().test().checksum
    assert len(sealed.x) == task.TEST
    if kind != 'recall':  # two random sequences of a small vocabulary may be equal
        assert not rows(sealed) & rows(pool)
    if kind in GOLDEN:
        assert sealed.checksum == GOLDEN[kind]


def reachable(start: object) -> list[np.ndarray]:
    """Every array that can be reached from an object through any reference."""
    seen, stack, arrays = set(), [start], []
    while stack:
        item = stack.pop()
        if id(item) in seen or isinstance(item, type) or hasattr(item, '__globals__') or type(item).__name__ == 'module':
            continue
        seen.add(id(item))
        if isinstance(item, np.ndarray):
            arrays.append(item)
            if item.base is not None:
                stack.append(item.base)
        stack.extend(gc.get_referents(item))
    return arrays


def test_tuning_cannot_reach_test_arrays(kind: str):
    task = task_of({'kind': kind})
    pool, sealed = task.pool(), task.test()
    split = tuning_split(task, 'study', kind, 0, pool)
    secret = {row.tobytes() for row in sealed.x}
    arrays = reachable(split)
    assert arrays
    for array in arrays:
        assert not np.shares_memory(array, sealed.x)
        if kind != 'recall' and array.shape[1:] == sealed.x.shape[1:]:
            assert not secret & {row.tobytes() for row in array}
    confirmed = confirmation_split(task, 'study', kind, 0, pool, sealed)
    assert any(np.shares_memory(array, sealed.x) for array in reachable(confirmed))
    np.testing.assert_array_equal(confirmed.train, split.train)


def test_digits_are_images():
    pool = Digits().pool()
    assert pool.x.shape == (1437, 8, 8, 1) and pool.x.dtype == np.float32
    assert pool.x.min() >= -1 and pool.x.max() <= 1
    assert set(pool.y) == set(range(10))


def test_changed_images_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Digits, 'CHECKSUM', 'something else')
    with pytest.raises(ValueError, match='install the locked version'):
        Digits().test()


def test_recall_is_answerable_from_what_was_told():
    task = Recall(pairs=3, keys=8, values=4, train=50, held=10)
    arrays = task.pool()
    for x, y in zip(arrays.x, arrays.y, strict=True):
        told = dict(zip(x[0:6:2], x[1:6:2], strict=True))
        assert (y[:6] == -1).all()
        assert [told[key] for key in x[6:]] == list(y[6:])
    assert arrays.x.max() < 8 + 4
    with pytest.raises(ValueError, match='pairs'):
        Recall(pairs=9, keys=8)


def test_bytes_are_windows_of_sources_split_by_file():
    task = StdlibBytes(length=32, train=256, held=64)
    pool = task.pool()
    np.testing.assert_array_equal(pool.x[:, 1:], pool.y[:, :-1])
    assert pool.x.max() < 256
    assert b'import' in pool.x.astype(np.uint8).tobytes()
    assert not set(pool.group) & set(task.test().group)


def test_a_pool_that_is_too_small_is_refused():
    pool = Arrays(np.zeros((10, 2)), np.zeros(10), np.arange(10))
    with pytest.raises(ValueError, match='ask for fewer'):
        split_by_group(pool, 0, held=5, train=6)
    with pytest.raises(ValueError, match='one of each'):
        Arrays(np.zeros(3), np.zeros(2), np.zeros(3))


@pytest.mark.parametrize('data', [{'kind': 'digit'}, {'kind': 'recall', 'pair': 3}, {'kind': 'recall', 'pairs': '3'}])
def test_bad_data_specs_are_refused(data: dict):
    with pytest.raises(ValueError, match='allowed'):
        task_of(data)


def test_digits_without_what_ships_them_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr('importlib.util.find_spec', lambda name: None)
    with pytest.raises(
        ValueError, match='digits: scikit-learn, which ships the images, is not installed; install the lab with'
    ):
        Digits().pool()


@pytest.mark.parametrize(('turns', 'name'), [(0, 'digits'), (1, 'digits_turned_90'), (3, 'digits_turned_270')])
def test_turned_digits_are_a_domain_of_their_own(turns: int, name: str):
    assert Digits(quarter_turns=turns).domain_name == name and Digits(quarter_turns=turns).pool_size() == 1437
