"""Trainer: what a run costs, labels that a model has no output for, and where examples lie while it trains."""

import json
import types

import numpy as np
import pytest

from ablations.trial import TUNING, Program, Trial
from sweeps.tasks.arrays import Arrays
from sweeps.training import trainer as trainers
from sweeps.training.trainer import Trainer

DATA = {'kind': 'digits'}


def given(**parts: np.ndarray) -> Trainer:
    """A trainer that has loaded arrays with these targets, by the part that they are."""
    trainer = Trainer('loop', None)
    for part, y in parts.items():
        trainer.arrays[json.dumps(DATA, sort_keys=True), part] = Arrays(np.zeros((len(y), 2), np.float32), y, np.arange(len(y)))
    return trainer


def program(outputs: int | None) -> types.SimpleNamespace:
    head = {'kind': 'classifier'} if outputs is None else {'kind': 'classifier', 'outputs': outputs}
    return types.SimpleNamespace(model={'head': head}, data=DATA, arm='wide', task='mine')


@pytest.mark.parametrize(('until', 'steps'), [(0, 12), (7, 7)])
@pytest.mark.parametrize(('flops', 'each'), [(None, None), (5.0, 5.0)])
def test_a_run_costs_its_own_steps(until: int, steps: int, flops: float | None, each: float | None):
    trial = Trial(Program('s', 'base', 'digits', 'digits', 'adamw', 12, 8, 2, {}, {}), 0, (), 1, TUNING, 'tune', until)
    told = trainers._cost(trial, flops, 1.23456)
    assert (told['steps'], told['examples'], told['seconds']) == (steps, 8 * steps, 1.2346)
    assert told['flops'] == (None if each is None else each * steps) and told['peak_memory'] > 0


@pytest.mark.parametrize(
    ('outputs', 'pool', 'test', 'sealed', 'said'),
    [
        (3, [0, 2], [2], True, ''),
        (3, [0, 3], [2], False, "the pool has label 3 and 'head.outputs' is 3; put('head.outputs', 4)"),
        (3, [0, 2], [5], False, ''),
        (3, [0, 2], [5], True, "the test has label 5 and 'head.outputs' is 3; put('head.outputs', 6)"),
        (None, [0, 9], [9], True, ''),
        (3, [0.5, 9.5], [9.5], True, ''),
        (3, [[0, -1], [-1, 3]], [], False, "the pool has label 3 and 'head.outputs' is 3"),
    ],
)
def test_a_label_without_an_output_is_refused(outputs: int | None, pool: list, test: list, sealed: bool, said: str):
    trainer = given(pool=np.array(pool), test=np.array(test, int if not test else None))
    if not said:
        trainer._check_labels(program(outputs), sealed)
        return
    with pytest.raises(ValueError) as refused:
        trainer._check_labels(program(outputs), sealed)
    assert str(refused.value).startswith(f"arm 'wide' on task 'mine': {said}")


def test_a_part_without_examples_has_no_label():
    given(pool=np.zeros(0, np.int32))._check_labels(program(1), False)


@pytest.mark.parametrize(('room', 'streamed'), [(24, False), (23, True)])
def test_examples_that_do_not_fit_are_streamed(monkeypatch: pytest.MonkeyPatch, room: int, streamed: bool):
    """Two examples of two numbers of four bytes, with a target of four bytes each."""
    monkeypatch.setattr(trainers, 'device_memory', lambda: room)
    trainer = given(pool=np.array([1, 2], np.int32))
    source, told = trainer._source(DATA)
    assert told == streamed and isinstance(source['x'], np.ndarray) == streamed and source['y'].tolist() == [1, 2]
    assert (trainer._source(DATA)[0] is source) != streamed, 'placed once'
