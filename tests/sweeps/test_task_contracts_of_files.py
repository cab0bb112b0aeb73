"""Contracts of tasks of a user's own: a sound task keeps them all, and each is broken by what it is for."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from ablations.task_files import declared_in
from sweeps import task_contracts
from sweeps.datasets.own import prepare_declared
from sweeps.task_contracts import RULES, check_task
from sweeps.tasks.arrays import Arrays
from sweeps.training.preflight import task_of

FILE = (
    'import numpy as np\n'
    'from ablations.study import task\n'
    'from ablations.tasks import bases\n'
    'def make():\n'
    '    generator = np.random.default_rng({seed})\n'
    '    x = generator.normal(size=(80, 3))\n'
    "    return {{'x': x, 'y': (x[:, 0] > 0).astype(int)}}\n"
    "little = task(source=make, form='table', base=bases.rows({outputs}, width=8, depth=1), share=.25{more})\n"
)


@pytest.fixture
def checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The verdicts of rules on a task that a file declares, by rule."""
    monkeypatch.setenv('ARCHLAB_DATA', str(tmp_path / 'data'))

    def check(rules: tuple[str, ...], seed: str = '0', outputs: int = 2, more: str = '', prepared: bool = True) -> dict:
        (tmp_path / 'my_task.py').write_text(FILE.format(seed=seed, outputs=outputs, more=more))
        one = declared_in(tmp_path / 'my_task.py')['little']
        if prepared:
            prepare_declared(one, force=True)
        return {contract.rule: contract for contract in check_task(one, rules)}

    return check


def test_a_sound_task_keeps_every_rule(checked):
    verdicts = checked(tuple(RULES))
    assert list(verdicts) == ['prepared', *RULES]
    assert {rule: one.why for rule, one in verdicts.items() if not one.holds} == {}
    assert all(one.why for one in verdicts.values())


BROKEN = {
    'again': ({'seed': 'None'}, 'the function gives other arrays each time'),
    'metric': ({'more': ", metric='accuracy', data={'metric': 'macro_f1'}"}, r"the task says \['accuracy', 'higher'\]"),
    'chance': ({'more': ', chance=0.95'}, r'chance=0\.95, and an answer that is always the same gets'),
    'model': ({'outputs': 7}, r'need \[2\]'),
    'split': ({'more': ', held=500'}, 'does not give 500 held-out'),
    'derived': ({'more': ", metric='rmse'"}, "metric='rmse' of a target of form 'class'; allowed"),
}


@pytest.mark.parametrize(('rule', 'case'), BROKEN.items())
def test_what_breaks_a_rule_is_named(checked, rule: str, case: tuple):
    given, said = case
    verdict = checked((rule,), **given)[rule]
    assert not verdict.holds
    with pytest.raises(ValueError, match=said):
        raise ValueError(verdict.why)


def test_of_a_task_that_is_not_prepared_only_that_is_said(checked):
    (verdict,) = checked(tuple(RULES), prepared=False).values()
    assert verdict.rule == 'prepared' and not verdict.holds and 'archlab data prepare' in verdict.why


def test_a_task_over_a_set_that_is_prepared_already_is_not_prepared_again(checked, tmp_path: Path):
    checked(())
    (tmp_path / 'other.py').write_text("from ablations.study import task\nsame = task(dataset='little')\n")
    verdicts = check_task(declared_in(tmp_path / 'other.py')['same'], ('split', 'again', 'sealed'))
    assert [verdict.rule for verdict in verdicts if verdict.holds] == ['prepared', 'split', 'again', 'sealed']


X = np.arange(12, dtype=np.float32).reshape(6, 2)
Y = np.arange(6) % 2


def part(x: np.ndarray = X, y: np.ndarray = Y, group: np.ndarray | None = None) -> Arrays:
    return Arrays(x, y, np.arange(len(x)) if group is None else group)


class Torn:
    """A kind that gives both sides of a split the same examples."""

    def split(self, pool: Arrays, seed: int) -> tuple:
        return np.arange(4), np.arange(3, 6)


class Empty:
    """A kind that holds nothing out."""

    def split(self, pool: Arrays, seed: int) -> tuple:
        return np.arange(4), np.arange(0)


CASES = {
    'inputs that are texts': (task_contracts.arrays, {'pool': part(), 'test': part(X.astype(str))}, 'test holds <U'),
    'nothing held out': (task_contracts.split, {'pool': part(), 'kind': Empty()}, 'seed 0 gives 4 training and 0 held-out'),
    'inputs that are missing': (task_contracts.arrays, {'pool': part(X * np.nan), 'test': part()}, 'missing or infinite'),
    'targets that are infinite': (
        task_contracts.arrays,
        {'pool': part(), 'test': part(y=np.full(6, np.inf))},
        'test has targets',
    ),
    'no examples': (task_contracts.arrays, {'pool': part(X[:0], Y[:0]), 'test': part()}, 'pool has no examples'),
    'a group on both sides': (task_contracts.split, {'pool': part(), 'kind': Torn()}, '1 groups on both sides'),
    'a class past the outputs': (
        task_contracts.labels,
        {'pool': part(), 'test': part(y=Y + 1), 'task': SimpleNamespace(base={'head': {'outputs': 2}, 'stem': {}})},
        r"test has label 2 and 'head\.outputs' is 2",
    ),
    'a token past the table': (
        task_contracts.labels,
        {'pool': part(X.astype(int)), 'test': part(), 'task': SimpleNamespace(base={'head': {}, 'stem': {'vocabulary': 8}})},
        r"token 11 and 'stem\.vocabulary' is 8",
    ),
    'a loss that is no number': (
        task_contracts.gradient,
        {'first': (np.nan, None, {})},
        'the loss of the untrained base is nan',
    ),
    'a slope that is no number': (
        task_contracts.gradient,
        {'first': (1.0, None, {'a': np.full(3, np.inf)})},
        r"\['a'\].* not finite",
    ),
    'no slope': (task_contracts.learns, {'first': (1.0, None, {'a': X * 0}), 'start': ({'a': X}, {})}, 'the gradient is 0'),
    'a slope that leads up': (
        task_contracts.learns,
        {'first': (1.0, None, {'a': X}), 'start': ({'a': X}, {}), 'slope': lambda params, state: ((2.0, None), None)},
        'no step of .* lowers the loss of 1',
    ),
    'better than chance untrained': (
        task_contracts.chance,
        {'task': SimpleNamespace(chance=0.1, sign=1, dataset='none', metric='accuracy'), 'untrained': (0.9, 0.01)},
        r'the untrained base gets 0\.9, better than chance=0\.1: is the answer in the question',
    ),
    'a chance of another unit': (
        task_contracts.chance,
        {'task': SimpleNamespace(chance=0.5, sign=-1, dataset='none', metric='rmse'), 'untrained': (40.0, 1.0)},
        r'chance=0\.5 is far better; what is the unit',
    ),
}


@pytest.mark.parametrize(('rule', 'tried', 'said'), CASES.values(), ids=CASES)
@pytest.mark.filterwarnings('ignore:invalid value')
def test_each_rule_sees_what_it_is_for(rule, tried: dict, said: str):
    with pytest.raises(ValueError, match=said):
        raise ValueError(rule(SimpleNamespace(**tried)))


def test_a_test_example_in_the_pool_is_seen(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(task_contracts, 'task_of', lambda data: None)
    tried = SimpleNamespace(
        task=SimpleNamespace(data={}), pool=part(), test=part((X[4:] + [[0, 0], [1, 1]]).astype(np.float32), Y[4:])
    )
    assert task_contracts.sealed(tried) == '1 test examples stand in the pool too; prepare the set again'


def test_a_missing_target_is_no_fault_of_its_arrays():
    assert task_contracts.arrays(SimpleNamespace(pool=part(y=np.array([np.nan] * 6)), test=part())) == ''


class Drawn:
    """A kind whose pool and splits are as its data say."""

    def __init__(self, data: dict):
        self.data = data

    def pool(self) -> Arrays:
        return part(X + np.float32(self.data['offset']))

    def test(self) -> Arrays:
        return part(X + np.float32(9))

    def split(self, pool: Arrays, seed: int) -> tuple:
        return np.arange(4) + self.data['step'], np.arange(4, 6)


@pytest.mark.parametrize(
    ('other', 'said'),
    [
        ({'offset': 0, 'step': 0}, ''),
        ({'offset': 1, 'step': 0}, 'reading the set twice gives other arrays'),
        ({'offset': 0, 'step': 1}, 'one seed gives two splits'),
    ],
)
def test_what_differs_the_second_time_is_seen(monkeypatch: pytest.MonkeyPatch, other: dict, said: str):
    kind = Drawn({'offset': 0, 'step': 0})
    monkeypatch.setattr(task_contracts, 'task_of', lambda data: Drawn(other))
    tried = SimpleNamespace(task=SimpleNamespace(data={}), kind=kind, pool=kind.pool(), test=kind.test())
    assert task_contracts.repeatable(tried) == said


def test_what_reads_the_test_split_for_its_pool_is_seen(checked, monkeypatch: pytest.MonkeyPatch):
    """A kind whose pool is drawn from the test split, which must stay sealed until the end."""
    assert checked(('sealed',))['sealed'].holds

    def peeking(data: dict) -> object:
        kind = task_of(data)
        kind.__dict__['pool'] = lambda: kind.prepared.test()
        return kind

    monkeypatch.setattr(task_contracts, 'task_of', peeking)
    verdict = checked(('sealed',), prepared=False)['sealed']
    assert not verdict.holds and 'the test split is read for the pool or its split' in verdict.why


@pytest.mark.parametrize('stem', [{'vocabulary': 12}, {}])
def test_tokens_and_classes_that_fit_the_model_are_no_fault(stem: dict):
    base = {'head': {'outputs': 2}, 'stem': stem}
    tried = SimpleNamespace(pool=part(X.astype(int)), test=part(X.astype(int)), task=SimpleNamespace(base=base))
    assert task_contracts.labels(tried) == ''
    floats = SimpleNamespace(pool=part(X * 9), test=part(X * 9), task=SimpleNamespace(base=base))
    assert task_contracts.labels(floats) == '', 'numbers are no tokens'


@pytest.mark.parametrize(('untrained', 'holds'), [(0.62, True), (0.9, False)])
def test_who_guesses_by_the_classes_is_not_better_than_chance(monkeypatch: pytest.MonkeyPatch, untrained: float, holds: bool):
    """An untrained model may answer as a draw among the classes does, which can be better than the stated chance."""
    monkeypatch.setattr(task_contracts, 'facts_of', lambda dataset: {'classes': ['a', 'b']})
    monkeypatch.setattr(task_contracts, 'of_guesses', lambda metric, facts: 0.6)
    monkeypatch.setattr(task_contracts, 'score_of', lambda metric, facts: SimpleNamespace(chance=0.5))
    task = SimpleNamespace(chance=0.5, sign=1, dataset='mine', metric='accuracy')
    said = task_contracts.chance(SimpleNamespace(task=task, untrained=(untrained, 0.001)))
    assert (said == '') is holds and ('better than chance=0.5' in said) is not holds
