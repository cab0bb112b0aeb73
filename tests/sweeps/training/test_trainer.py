"""Trainer: what a run costs, labels that a model has no output for, and where examples lie while it trains."""

import json
import types

import numpy as np
import pytest

from ablations.trial import TUNING, Program, Trial
from sweeps.protocol.pack import Pack
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


@pytest.mark.parametrize(('strategy', 'used'), [('loop', 1), ('vmap', 2)])
def test_a_program_has_the_devices_of_its_worker_and_is_made_once(monkeypatch: pytest.MonkeyPatch, strategy: str, used: int):
    made = []
    monkeypatch.setattr(trainers.jax, 'devices', lambda: ['one', 'two'])
    trainer = Trainer(strategy, 'blocks.py')
    assert trainer.devices == ['one', 'two'][:used]
    monkeypatch.setattr(trainers, 'model_of', lambda program, blocks: ('model', blocks))
    monkeypatch.setattr(trainers, 'task_of', lambda data: 'task')
    monkeypatch.setattr(trainers, 'make_training', lambda *given: given)
    monkeypatch.setattr(trainers, 'Population', lambda *given, **more: made.append((given, more)) or len(made))
    monkeypatch.setattr(trainer, '_source', lambda data: ({}, data['streamed']))
    programs = [
        Program('s', 'base', 'digits', 'digits', 'adamw', 12, 8, 2, {'streamed': streamed}, {}) for streamed in (False, True)
    ]
    assert [trainer.population(program) for program in (*programs, programs[0])] == [1, 2, 1]
    assert made == [
        (
            ((('model', 'blocks.py'), 'task', 'adamw', 12, 8, 2, streamed, strategy == 'vmap'), strategy),
            {'streamed': streamed, 'devices': trainer.devices},
        )
        for streamed in (False, True)
    ]


def test_data_of_another_declaration_are_not_trained_on(monkeypatch: pytest.MonkeyPatch):
    def refuse(program: Program) -> None:
        raise ValueError(f'{program.task} was declared otherwise')

    monkeypatch.setattr(trainers, 'check_declared', refuse)
    trial = Trial(Program('s', 'base', 'mine', 'mine', 'adamw', 12, 8, 2, {}, {}), 0, (), 1, TUNING, 'tune')
    with pytest.raises(ValueError, match='mine was declared otherwise'):
        Trainer('loop', None).train(Pack((trial,)))
