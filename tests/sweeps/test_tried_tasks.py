"""Tried tasks: what the contracts of tasks work out of a task, and where exactly each of their bounds lies."""

import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from arch.contracts import Contract
from sweeps import task_contracts
from sweeps.task_contracts import BATCH, Tried, check_task
from sweeps.tasks.arrays import Arrays

X = np.arange(12, dtype=np.float32).reshape(6, 2)
Y = np.arange(6) % 2


def part(x: np.ndarray = X, y: np.ndarray = Y) -> Arrays:
    return Arrays(x, y, np.arange(len(x)) + 10)


class Kind:
    """A kind whose training examples are the last ones of the pool, in the other order."""

    measure = None

    def split(self, pool: Arrays, seed: int) -> tuple[np.ndarray, np.ndarray]:
        assert seed == 0
        return np.arange(len(pool.x))[:1:-1], np.arange(2)

    def part(self, pool: Arrays, chosen: np.ndarray) -> Arrays:
        return Arrays(pool.x[chosen], pool.y[chosen], pool.group[chosen], scale=10.0)


def test_a_batch_is_the_first_training_examples_in_the_order_of_the_pool():
    x, y, group = Tried.batch.func(SimpleNamespace(kind=Kind(), pool=part()))
    assert (x.tolist(), y.tolist(), group.tolist()) == (X[2:].tolist(), Y[2:].tolist(), [12, 13, 14, 15])
    many = part(np.zeros((99, 2), np.float32), np.zeros(99))
    assert len(Tried.batch.func(SimpleNamespace(kind=Kind(), pool=many))[0]) == BATCH


def test_the_score_of_an_untrained_model_is_in_the_unit_of_its_metric():
    tried = SimpleNamespace(kind=Kind(), pool=part(), batch=(X, Y, 'groups'), first=(1.0, np.array([1.0, 0.0, 0.0, 1.0]), {}))
    assert Tried.untrained.fget(tried) == (5.0, 10 * 0.5 / 2)

    class Measured(Kind):
        """A kind whose score is no mean."""

        measure = SimpleNamespace(scored=lambda metric, group: SimpleNamespace(score=metric.sum(), error=group))

    tried.kind = Measured()
    assert Tried.untrained.fget(tried) == (2.0, 'groups')


@pytest.mark.parametrize(('slope', 'step'), [([[3.0, 4.0]], 0.3 / 5), ([[0.3, 0.4]], 0.3)])
def test_a_step_goes_along_the_gradient_no_further_than_its_rate(slope: list, step: float):
    asked = []

    def loss(params: dict, state: str) -> tuple:
        asked.append((params['a'], state))
        return (0.5 if len(asked) > 1 else 1.0, None), None

    tried = SimpleNamespace(
        first=(1.0, None, {'a': np.array(slope)}), start=({'a': np.array([[1.0, 2.0]])}, 'state'), slope=loss
    )
    assert task_contracts.learns(tried) == '', 'the second rate lowers the loss, the first one leaves it'
    assert len(asked) == 2 and {state for _, state in asked} == {'state'}
    np.testing.assert_allclose(asked[0][0], np.array([[1.0, 2.0]]) - step * np.array(slope))
    np.testing.assert_allclose(asked[1][0], np.array([[1.0, 2.0]]) - step / 3 * np.array(slope))


def test_what_is_not_finite_is_named_up_to_three():
    slope = {name: np.array([1.0, np.nan if name < 'e' else 2.0]) for name in 'abcdef'}
    said = task_contracts.gradient(SimpleNamespace(first=(1.0, None, slope)))
    assert said == """the gradients of ["['a']", "['b']", "['c']"] are not finite"""
    assert task_contracts.gradient(SimpleNamespace(first=(1.0, None, {'a': X}))) == ''
    assert task_contracts.gradient(SimpleNamespace(first=(math.inf, None, {'a': X}))).endswith('untrained base is inf')


BETTER, SAME, UNIT = 'the untrained base gets', 'chance=', 'what is the unit of chance?'


@pytest.mark.parametrize(
    ('sign', 'stated', 'same', 'untrained', 'said'),
    [
        # Stated, and what an answer gets that is always the same: a tenth of that is room, or of 0.1 where it is less.
        (1, 0.54, 0.5, (0.5, 0.0), ''),
        (1, 0.56, 0.5, (0.5, 0.0), SAME),
        (1, 0.025, 0.02, (0.02, 0.0), ''),
        (1, 0.035, 0.02, (0.02, 0.0), SAME),
        (-1, 0.95, 1.0, (1.0, 0.0), ''),
        (-1, 0.85, 1.0, (1.0, 0.0), SAME),
        # Untrained: four standard errors and a tenth.
        (1, 0.5, None, (0.94, 0.1), ''),
        (1, 0.5, None, (0.96, 0.1), BETTER),
        (1, 0.5, None, (0.56, math.nan), BETTER),
        (-1, 1.0, None, (0.51, 0.1), ''),
        (-1, 1.0, None, (0.49, 0.1), BETTER),
        # Where lower is better a score may be so many times the chance.
        (-1, 1.0, None, (3.3, 0.1), ''),
        (-1, 1.0, None, (3.5, 0.1), UNIT),
        (-1, 0.0, None, (100.0, 0.1), ''),
        (1, 1.0, None, (0.0, 0.1), ''),
    ],
)
def test_where_the_bounds_of_chance_lie(monkeypatch: pytest.MonkeyPatch, sign, stated, same, untrained, said):
    """`same` is None where nothing is known of the set."""
    monkeypatch.setattr(task_contracts, 'facts_of', lambda dataset: {'classes': ['a']} if same is not None else None)
    monkeypatch.setattr(task_contracts, 'of_guesses', lambda metric, facts: None)
    monkeypatch.setattr(task_contracts, 'score_of', lambda metric, facts: SimpleNamespace(chance=same))
    task = SimpleNamespace(chance=stated, sign=sign, dataset='mine', metric='accuracy')
    told = task_contracts.chance(SimpleNamespace(task=task, untrained=untrained))
    assert (told == '') == (said == '') and said in told
    if said == SAME:
        assert told == f'chance={stated:g}, and an answer that is always the same gets {same:g}; leave chance out'
    other = SimpleNamespace(chance=stated, sign=sign, dataset='mine', metric='a metric of another form')
    if said == SAME:
        assert task_contracts.chance(SimpleNamespace(task=other, untrained=untrained)) == '', 'nothing is known of that one'


def test_examples_of_large_splits_are_not_compared_one_by_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(task_contracts, 'task_of', lambda data: None)
    tried = SimpleNamespace(task=SimpleNamespace(data={}), pool=part(), test=part())
    assert task_contracts.sealed(tried).startswith('6 test examples stand in the pool too')
    for bytes_of_both, is_looked_at in ((X.nbytes, True), (X.nbytes - 1, False)):
        monkeypatch.setattr(task_contracts, 'COMPARED_BYTES', bytes_of_both)
        assert bool(task_contracts.sealed(tried)) is is_looked_at
        missing = SimpleNamespace(pool=part(X * np.nan), test=part())
        assert bool(task_contracts.arrays(missing)) is is_looked_at


@pytest.mark.parametrize('size', [6, 7])
@pytest.mark.parametrize('folder', [False, True])
def test_a_source_is_prepared_again_where_it_is_small(monkeypatch, tmp_path: Path, size: int, folder: bool):
    source = tmp_path / 'source'
    files = [source / 'a', source / 'b' / 'c'] if folder else [source]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b'x' * (size if not folder else 3 if file.name == 'a' else size - 3))
    monkeypatch.setattr(task_contracts, 'AGAIN', 6)
    monkeypatch.setattr(
        task_contracts, 'prepare_declared', lambda declared, place: (SimpleNamespace(about={'digest': 'new'}), None)
    )
    for known, own, said in (
        (
            {'digest': 'old'},
            {'source': 'there', 'sets': ()},
            f'{source} prepared again gives new, not old: it has changed; fix',
        ),
        ({'digest': 'old'}, {'source': len, 'sets': ()}, 'not old: the function gives other arrays each time, or others now;'),
        (None, {'source': 'there', 'sets': ()}, 'gives new, not None'),
        ({'digest': 'new'}, {'source': 'there', 'sets': ()}, ''),
        ({'digest': 'old'}, {'source': None, 'sets': ()}, ''),
        ({'digest': 'old'}, {'source': 'there', 'sets': ('another',)}, ''),
    ):
        monkeypatch.setattr(task_contracts, 'facts_of', lambda dataset, known=known: known)
        declared = SimpleNamespace(own=SimpleNamespace(**own), source=source, dataset='mine')
        told = task_contracts.again(SimpleNamespace(declared=declared))
        assert (told == '') == (size > 6 or not said) and (size > 6 or said in told)
    gone = SimpleNamespace(own=SimpleNamespace(source='there', sets=()), source=tmp_path / 'nowhere', dataset='mine')
    assert task_contracts.again(SimpleNamespace(declared=gone)) == ''


@pytest.mark.parametrize(
    ('broken', 'told'),
    [
        (None, ['arrays', 'repeatable', 'sealed', 'model', 'labels', 'gradient', 'learns', 'chance']),
        ('arrays', ['arrays', 'model', 'labels', 'gradient', 'learns', 'chance']),
        ('model', ['arrays', 'repeatable', 'sealed', 'model', 'learns', 'chance']),
        ('labels', ['arrays', 'repeatable', 'sealed', 'model', 'labels', 'learns', 'chance']),
        ('gradient', ['arrays', 'repeatable', 'sealed', 'model', 'labels', 'gradient']),
    ],
)
def test_a_rule_is_tried_only_where_those_before_it_hold(monkeypatch: pytest.MonkeyPatch, broken: str | None, told: list[str]):
    def rule(tried: object) -> str:
        """It holds.

        Always.
        """
        return ''

    def wrong(tried: object) -> str:
        raise KeyError('x') if broken == 'model' else ValueError('mend it')

    names = ('arrays', 'repeatable', 'sealed', 'model', 'labels', 'gradient', 'learns', 'chance')
    monkeypatch.setattr(task_contracts, 'RULES', {name: wrong if name == broken else rule for name in names})
    verdicts = check_task(SimpleNamespace(task=lambda: None), names)
    says = 'its data are prepared from this declaration'
    assert verdicts == [
        Contract('prepared', True, says),
        *(Contract(name, name != broken, verdict(name == broken, broken)) for name in told),
    ]


def verdict(is_broken: bool, rule: str | None) -> str:
    """What is said of a rule: what it states where it holds."""
    return 'It holds. Always.' if not is_broken else "KeyError: 'x'" if rule == 'model' else 'mend it'


def base(**sockets: dict) -> SimpleNamespace:
    return SimpleNamespace(base={'head': {}, 'stem': {}, **sockets})


class Splits:
    """A kind with the same split for every seed."""

    def __init__(self, train: list[int], held: list[int]):
        self.sides = np.array(train, int), np.array(held, int)

    def split(self, pool: Arrays, seed: int) -> tuple[np.ndarray, np.ndarray]:
        return self.sides


SENTENCES = [
    (task_contracts.arrays, {'pool': part(X[:0], Y[:0]), 'test': part()}, 'pool has no examples'),
    (task_contracts.arrays, {'pool': part(), 'test': part(y=Y.astype(str))}, 'test holds float32 and <U21; allowed: numbers'),
    (
        task_contracts.arrays,
        {'pool': part(X + np.array([0, np.inf], np.float32)), 'test': part()},
        'pool has inputs that are missing or infinite; fill them in',
    ),
    (
        task_contracts.arrays,
        {'pool': part(), 'test': part(y=np.full(6, -np.inf))},
        'test has targets that are infinite; mend them',
    ),
    (
        task_contracts.split,
        {'pool': part(), 'kind': Splits([], [1, 2])},
        'seed 0 gives 0 training and 2 held-out examples',
    ),
    (task_contracts.split, {'pool': part(), 'kind': Splits([0, 1, 2], [1, 2])}, 'seed 0 puts 2 groups on both sides'),
    (task_contracts.split, {'pool': part(), 'kind': Splits([0, 1], [2])}, ''),
    (
        task_contracts.labels,
        {'pool': part(y=Y + 4), 'test': part(), 'task': base(head={'outputs': 5})},
        "pool has label 5 and 'head.outputs' is 5; give a base with 6 outputs",
    ),
    (
        task_contracts.labels,
        {'pool': part(X.astype(int)), 'test': part(), 'task': base(stem={'vocabulary': 11})},
        "the pool has token 11 and 'stem.vocabulary' is 11; give a base with 12 tokens",
    ),
    (
        task_contracts.metric,
        {
            'task': SimpleNamespace(metric='accuracy', direction='lower'),
            'kind': SimpleNamespace(METRIC=('accuracy', 'higher')),
        },
        "the task says ['accuracy', 'lower'] and its data give ['accuracy', 'higher']; leave both out",
    ),
    (
        task_contracts.learns,
        {'first': (1.0, None, {'a': X * 0}), 'start': ({'a': X}, {})},
        'the gradient is 0: nothing that the base reads tells the targets apart',
    ),
    (
        task_contracts.learns,
        {'first': (0.123456, None, {'a': X}), 'start': ({'a': X}, {}), 'slope': lambda *given: ((0.123456, None), None)},
        'no step of [0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0001] along the gradient lowers the loss of 0.1235',
    ),
    (
        task_contracts.chance,
        {'task': SimpleNamespace(chance=0.1, sign=1, dataset='none', metric='r2'), 'untrained': (0.98765, 0.01)},
        'the untrained base gets 0.9877, better than chance=0.1: is the answer in the question, or chance wrong?',
    ),
    (
        task_contracts.chance,
        {'task': SimpleNamespace(chance=0.5, sign=-1, dataset='none', metric='a metric'), 'untrained': (40.0, 1.0)},
        'the untrained base gets 40, and chance=0.5 is far better; what is the unit of chance?',
    ),
]


@pytest.mark.parametrize(('rule', 'tried', 'said'), SENTENCES)
def test_what_is_to_be_changed_is_said_to_the_end(rule, tried: dict, said: str):
    assert rule(SimpleNamespace(**tried)) == said
