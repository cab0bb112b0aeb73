"""Programs, trials and schedules: steps and costs by batch, what a trial's address holds, and who takes part in a look."""

import dataclasses

import pytest

from ablations.trial import COMPILED, OF_MODEL, PHASES, TEST, TUNING, Program, Schedule, Trial

ONE = Program('s', 'a', 't', 'd', 'adamw', steps=60, batch=32, evaluations=5, data={'kind': 'x'}, model={'body': {}})
TRIAL = Trial(ONE, 1, (('lr', 0.1),), 7, TUNING, 'tune')


@pytest.mark.parametrize('batch', [8, 16, 32, 64, 96])
def test_another_batch_sees_as_many_examples_at_the_same_price(batch: int):
    made = ONE.at({'batch': float(batch), 'lr': 0.1})
    assert made is ONE.at({'batch': batch}) and (made is ONE) == (batch == 32)
    assert (made.batch, made.steps, made.times_the_batch) == (batch, 60 * 32 // batch, batch / 32)
    assert made.flops(None) is None and made.flops(100.0) == 100 * batch / 32
    assert made.flops(100.0) * made.steps == pytest.approx(100 * 60)
    assert made.with_steps({batch: 11, 24: 5}).at({'batch': batch}) is made and made.at({'batch': 24}).steps == 5


def test_each_field_of_a_program_is_of_its_id_and_those_that_are_compiled_of_its_signature():
    changed = {'data': {'kind': 'y'}, 'model': {'body': {'width': 1}}, 'steps': 30, 'batch': 64, 'evaluations': 6}
    for field in dataclasses.fields(ONE):
        other = dataclasses.replace(ONE, **{field.name: changed.get(field.name, 'other')})
        assert other.id != ONE.id
        assert (other.signature != ONE.signature) == (field.name in COMPILED), field.name
        assert (other.needs.program != ONE.needs.program) == (field.name in COMPILED), field.name
        assert (other.needs.model != ONE.needs.model) == (field.name in OF_MODEL), field.name


def test_each_field_of_a_trial_but_its_phase_is_of_its_id():
    other = {
        'program': dataclasses.replace(ONE, arm='b'),
        'replicate': 2,
        'knobs': (('lr', 0.2),),
        'seed': 8,
        'held': TEST,
        'until': 9,
    }
    for name, value in other.items():
        assert dataclasses.replace(TRIAL, **{name: value}).id != TRIAL.id, name
    assert {*other, 'phase'} == {field.name for field in dataclasses.fields(Trial)}
    for phase in PHASES:
        own = dataclasses.replace(TRIAL, phase=phase)
        assert own.id == TRIAL.id and own.extends == (phase in ('extend_1', 'extend_2'))


@pytest.mark.parametrize(('share', 'steps'), [(0.5, 30), (0.25, 15), (0.01, 1), (1e-9, 1), (0.99, 59), (0.49, 29)])
def test_a_run_that_stops_is_the_same_run(share: float, steps: int):
    part = TRIAL.up_to(share)
    assert (part.until, part.steps, part.arm, part.task) == (steps, steps, 'a', 't')
    assert part.whole() == TRIAL and TRIAL.whole() is TRIAL and TRIAL.steps == 60


def test_who_takes_part_in_a_look():
    made = Schedule((), {}, {}, {}, {}, {}, look=3, complete=False, parts={(3, 't'): ('a',), (5, 't'): ('b',)})
    assert [made.takes_part('b', 't', look) for look in (2, 3, 5)] == [True, False, True]
    assert made.takes_part('b', 'other', 3)
    assert [made.reached(arm, 't', (2, 3, 5)) for arm in ('a', 'b')] == [3, 2]
    assert dataclasses.replace(made, look=0).reached('a', 't', (2, 3, 5)) == 2
    assert dataclasses.replace(made, look=5).reached('b', 't', (2, 3, 5)) == 5
