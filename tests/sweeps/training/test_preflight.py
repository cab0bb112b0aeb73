"""Appraisal: every study of the lab can be built, without computing anything."""

import pytest

from ablations.spaces import choice, log
from ablations.studies import STUDIES
from ablations.study import Study, swap
from sweeps.training.preflight import known_knobs, model_of, preflight


@pytest.mark.parametrize('study', STUDIES.values(), ids=lambda study: study.name)
def test_every_study_builds(study):
    programs = [study.program(a, t.name, o) for t in study.tasks for a in study.arms for o in study.tune]
    knobs = {optimizer: [*space, *study.fixed] for optimizer, space in study.tune.items()}
    metrics = {task.name: [task.metric, task.direction] for task in study.tasks}
    costs = preflight(programs, knobs, metrics, study.blocks)
    for arm in study.arms:
        for task in study.tasks:
            assert costs[arm][task.name]['params'] > 0 and costs[arm][task.name]['flops'] > 0
            causal = model_of(study.program(arm, task.name, next(iter(study.tune))), study.blocks).causal
            assert causal == (task.base['head']['kind'] == 'next_token'), 'a model of a language must not see ahead'


def asked(name: str, optimizer: str = 'adamw') -> dict:
    """Costs of a small study that tunes a value of this name."""
    study = Study(
        name='asked',
        question='What?',
        arms={'base': (), 'squashed': swap('norm', 'dynamic_tanh')},
        tasks=('digits',),
        tune={optimizer: {'lr': log(1e-3, 1e-1), name: choice(0.1, 0.2)}},
    )
    programs = [study.program(arm, 'digits', optimizer) for arm in study.arms]
    knobs = {optimizer: list(study.tune[optimizer])}
    return preflight(programs, knobs, {'digits': [study.tasks[0].metric, study.tasks[0].direction]}, None)


@pytest.mark.parametrize('name', ['b1', 'b2', 'eps', 'clip', 'weight_decay', 'warmup_fraction', 'final_fraction'])
def test_values_of_optimizer_and_schedule_can_be_tuned(name):
    assert name in known_knobs('adamw') and set(asked(name)) == {'base', 'squashed'}


@pytest.mark.parametrize('name', ['label_smoothing', 'init_scale', 'drop_path', 'alpha0'])
def test_values_of_the_loss_and_of_some_model_can_be_tuned(name):
    assert set(asked(name)) == {'base', 'squashed'}


@pytest.mark.parametrize(
    ('name', 'optimizer', 'said'),
    [
        ('label_smooth', 'adamw', "'label_smooth' of optimizer 'adamw' is read by nothing; .* Did you mean 'label_smoothing'"),
        ('momentum', 'adamw', r"'momentum' of optimizer 'adamw' is read by nothing; allowed: \['b1', 'b2', 'clip', 'eps', "),
        ('eps', 'lion', "'eps' of optimizer 'lion' is read by nothing"),
        ('alpha1', 'adamw', r"of the models here \['alpha0', 'alpha0_mixer', 'drop_path', 'init_scale'\]; rename or remove it"),
        ('b1', 'adam', "unknown optimizer 'adam'; allowed: .'adamw', 'lion', 'muon', 'sgd'"),
    ],
)
def test_values_that_nothing_reads_are_refused(name, optimizer, said):
    with pytest.raises(ValueError, match=said):
        asked(name, optimizer)
