"""Arms may differ in a value of training, such as the schedule: what is refused, what is planned, and what is said of it."""

import dataclasses

import pytest
from simulated_study import data, read

from ablations.definition import study_of
from ablations.digest import digest
from ablations.schedules import number_of
from ablations.spaces import log
from ablations.study import Study
from results.claims.setting import setting_of
from results.recipe import recipe
from results.report.arm_changes import arm_changes
from sweeps.protocol.plan import plan

PLAIN = Study(
    name='schedules',
    question='Is a linear schedule better than a cosine?',
    arms={'cosine': (), 'linear': ()},
    tasks=('digits', 'stdlib_bytes'),
    tune={'adamw': {'lr': log(1e-3, 3e-2)}},
    fixed={'warmup_fraction': 0.1},
    trials=4,
    extension=0,
    replicates=3,
    share=True,
)
STUDY = dataclasses.replace(PLAIN, arm_fixed={'linear': {'schedule': 'linear', 'warmup_fraction': 0.2}})


def test_every_trial_of_an_arm_has_its_values():
    assert STUDY.arm_fixed == {'linear': {'schedule': number_of('linear'), 'warmup_fraction': 0.2}}
    reading, _ = read(*data(STUDY, {}))
    trials = reading.schedule.trials
    assert {trial.phase for trial in trials} == {'tune', 'confirm', 'share'}
    for trial in trials:
        own = {name: value for name, value in trial.knobs if name != 'lr'}
        assert own == ({'warmup_fraction': 0.1} if trial.arm == 'cosine' else STUDY.arm_fixed['linear'])
    (point, *_) = recipe(reading, 'linear')['digits']['replicates']
    assert point['knobs']['schedule'] == number_of('linear') and point['knobs']['warmup_fraction'] == 0.2


def test_without_it_nothing_changes():
    for empty in ({}, {'linear': {}}):
        same = dataclasses.replace(PLAIN, arm_fixed=empty)
        assert same.digest == PLAIN.digest and 'arm_fixed' not in same.to_dict()
    bases = [[trial.id for trial in plan(study, {}, {}) if trial.arm == 'cosine'] for study in (PLAIN, STUDY)]
    assert bases[0] == bases[1] and STUDY.digest != PLAIN.digest
    lrs = [[dict(trial.knobs)['lr'] for trial in plan(study, {}, {})] for study in (PLAIN, STUDY)]
    assert lrs[0] == lrs[1], 'points of a search are those that they were'


def test_a_study_as_data_becomes_the_same_study():
    again = study_of(STUDY.to_dict())
    assert again.arm_fixed == STUDY.arm_fixed and digest(again.to_dict()) == digest(STUDY.to_dict())


def test_it_is_told_what_an_arm_changes():
    assert arm_changes(STUDY)['linear'] == 'schedule linear, not the usual value; warmup_fraction 0.2, not 0.1'
    differences = setting_of(STUDY, 'linear', 'digits', {}).differences
    assert differences == (
        {'path': 'training.schedule', 'from': None, 'to': 'linear'},
        {'path': 'training.warmup_fraction', 'from': '0.1', 'to': '0.2'},
    )


@pytest.mark.parametrize(
    ('given', 'said'),
    [
        ({'linaer': {'schedule': 'linear'}}, r"arm_fixed\['linaer'\] is of no arm; allowed: \['cosine', 'linear'\]"),
        ({'linear': {'lr': 0.1}}, 'it is tuned as well; remove it from one of them'),
        ({'linear': {'seed': 1}}, 'no seeds'),
        ({'linear': {'warmup_fraction': True}}, 'allowed: numbers'),
        ({'linear': {'warmup_fraction': float('nan')}}, 'allowed: numbers'),
        ({'linear': {'warmup_fraction': 5.0}}, 'warmup_fraction'),
        ({'linear': {'batch': 8}}, 'the batch of all trials is that of a task'),
        ({'linear': 0.1}, r'give \{arm: \{value: number\}\}'),
        ([], r'give \{arm: \{value: number\}\}'),
    ],
)
def test_wrong_values_are_refused(given, said):
    with pytest.raises(ValueError, match=said):
        dataclasses.replace(PLAIN, arm_fixed=given)


def test_what_an_arm_tunes_has_no_fixed_value():
    own = {'linear': {'warmup_fraction': log(0.01, 0.5)}}
    with pytest.raises(ValueError, match='it is tuned as well'):
        dataclasses.replace(PLAIN, fixed={}, own=own, arm_fixed={'linear': {'warmup_fraction': 0.2}})
