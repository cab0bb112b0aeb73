"""Asked: every trial once, whoever asks, and answered only where it has no record."""

import types

import pytest

from sweeps.protocol.asked import Asked


def trial(name: str, phase: str = 'tune') -> types.SimpleNamespace:
    return types.SimpleNamespace(id=name, phase=phase)


def test_without_answers_trials_wait_for_their_records():
    asked, first = Asked({'a': {}}), trial('b')
    assert asked.ask([trial('a')]) and asked.ask([])
    assert not asked.ask([first, trial('a')]) and not asked.ask([trial('b', 'confirm')])
    assert list(asked.trials) == ['a', 'b'] and asked.trials['b'] is first, 'as it was asked for first'
    asked.records['b'] = {}
    assert asked.ask([trial('b')])


def test_only_what_has_no_record_is_answered_and_once():
    answered = []

    def answer(trials: list) -> list[dict]:
        answered.append([one.id for one in trials])
        return [{'id': one.id, 'score': 1} for one in trials]

    records = {'a': {'id': 'a', 'score': 0}}
    asked = Asked(records, answer)
    assert asked.ask([trial('b'), trial('a'), trial('b'), trial('c')]) and asked.ask([trial('b')])
    assert answered == [['b', 'c'], []] and {name: one['score'] for name, one in records.items()} == {'a': 0, 'b': 1, 'c': 1}


def run(until: int = 0, times: float = 1, steps: int = 10, batch: int = 4) -> types.SimpleNamespace:
    return types.SimpleNamespace(
        until=until, steps=until or steps, program=types.SimpleNamespace(times_the_batch=times, batch=batch)
    )


@pytest.mark.parametrize(
    ('trials', 'counted'),
    [
        ([], (0, 0, 0, 0)),
        ([run(), run()], (2, 20, 80, 60.0)),
        ([run(), run(until=3)], (2, 13, 52, 39.0)),
        # Twice the batch in half of the steps: as many examples.
        ([run(), run(times=2, steps=5, batch=8)], (2, 15, 80, 60.0)),
        # Half a step of the task's batch over.
        ([run(until=3, batch=6)], (1, 3, 18, 13.5)),
    ],
)
def test_a_budget_counts_trials_steps_and_examples_and_flops_by_examples(trials: list, counted: tuple):
    asked = Asked({})
    asked.by_phase = {
        ('tune', 'arm', 'mine', 0): trials,
        ('confirm', 'arm', 'mine', 0): [run()],
        ('tune', 'other', 'mine', 0): [run()],
    }
    task = types.SimpleNamespace(name='mine', batch=4)
    for costs, flops in (({'arm': {'mine': {'flops': 3.0}}}, counted[3]), ({}, None), ({'arm': {}}, None)):
        told = asked.budgets(['arm'], [task], {('arm', 'mine'): 10}, costs)
        assert told == {
            ('arm', 'mine'): dict(zip(('trials', 'steps', 'examples', 'flops'), (*counted[:3], flops), strict=True))
        }
