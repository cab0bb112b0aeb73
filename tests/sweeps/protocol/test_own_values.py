"""Values of an arm's own: it tunes what only it has, at the same number of trials."""

import dataclasses
import json

import numpy as np
import pytest
from planned_study import extended_sides

from ablations.config import swap
from ablations.spaces import log
from ablations.study import Study
from results.evidence import findings
from results.good_window import windows
from results.regret import regrets
from results.report.trial_table import trials
from results.sensitivity import sensitivities
from results.store.reading import Reading
from results.verify import verify
from sweeps.commands import reaches_of
from sweeps.protocol.plan import schedule
from sweeps.protocol.simulate import World, simulate

TANH = swap('norm', 'dynamic_tanh')
PLAIN = Study(
    name='own',
    question='Is it?',
    arms={'base': (), 'tanh': TANH, 'other': ()},
    tasks=('digits', 'recall'),
    trials=8,
    seeds=2,
    replicates=3,
    share=True,
)
OWN = dataclasses.replace(PLAIN, own={'tanh': {'alpha0': log(0.1, 2.0)}})
WORLD = World(cliff=2.0)


@pytest.fixture(scope='module')
def finished() -> Reading:
    planned, records = simulate(OWN, WORLD, 0)
    for t in planned.trials:
        records[t.id] |= {'arm': t.arm, 'task': t.task, 'replicate': t.replicate, 'phase': t.phase, 'checksum': 'same'}
    costs = {'other': {'digits': {'params': 1, 'unread': ['weight_decay']}}}
    return Reading(OWN, planned, records, {'costs': costs})


def test_only_that_arm_tunes_it_and_trials_are_as_many(finished):
    schedule = finished.schedule
    for trial in schedule.trials:
        assert ('alpha0' in dict(trial.knobs)) == (trial.arm == 'tanh' and trial.phase != 'share')
    counts = {arm: sum(t.arm == arm and t.phase == 'tune' for t in schedule.trials) for arm in OWN.arms}
    assert len(set(counts.values())) == 1
    own = [dict(t.knobs)['alpha0'] for t in schedule.trials if t.arm == 'tanh' and t.phase == 'tune']
    assert 0.1 <= min(own) < 0.3 and 1.0 < max(own) <= 2.0
    assert len({budget['trials'] for budget in schedule.budgets.values()}) == 1


def test_trials_of_the_other_arms_are_what_they_were():
    before, after = (schedule(study, {}, {}).trials for study in (PLAIN, OWN))
    assert {t.id for t in before if t.arm != 'tanh'} == {t.id for t in after if t.arm != 'tanh'}
    assert not {t.id for t in before if t.arm == 'tanh'} & {t.id for t in after if t.arm == 'tanh'}


def test_the_selected_point_has_it(finished):
    chosen = finished.schedule.selections['tanh', 'digits', 0]
    assert 0.1 <= dict(chosen.knobs)['alpha0'] <= 2.0 and len(chosen.unit) == 3
    assert 'alpha0' not in dict(finished.schedule.selections['base', 'digits', 0].knobs)
    best = finished.schedule.asked['confirm', 'tanh', 'digits', 0][0]
    assert dict(best.knobs)['alpha0'] == dict(chosen.knobs)['alpha0']


def test_extensions_are_of_shared_values_alone():
    study = dataclasses.replace(OWN, extension=3)
    planned, _ = simulate(study, World(optimum=(1.25, 0.4), cliff=2.0, noise=0.01), 0)
    extended = [t for t in planned.trials if t.extends and t.arm == 'tanh']
    assert extended and all(0.1 <= dict(t.knobs)['alpha0'] <= 2.0 for t in extended)
    assert {name for name, _ in extended_sides(planned.extended['digits'])} <= {'lr', 'weight_decay'}
    assert reaches_of(study)['tanh']['adamw']['alpha0'] == (0.1, 2.0)
    assert 'alpha0' not in reaches_of(study)['base']['adamw']


def test_everything_that_reads_points_can_read_it(finished):
    assert {f.verdict for f in findings(finished)}
    for facts in (windows(finished), regrets(finished), sensitivities(finished)):
        assert facts
        json.dumps([one.to_dict() for one in facts], allow_nan=False)
    assert 'alpha0' in json.dumps(trials(finished))


def test_verify_names_both(finished):
    (rule,) = [check for check in verify(finished) if check.rule == 'every arm has its own recipe']
    assert rule.holds
    assert 'tanh alone tunes alpha0' in rule.why
    assert 'other does not read weight_decay' in rule.why


@pytest.mark.parametrize('search', ['random', 'grid', 'tpe'])
def test_other_searches_tune_it_too(search):
    study = dataclasses.replace(OWN, search=search, replicates=1, looks=(1,), tasks=('digits',))
    planned, _ = simulate(study, WORLD, 0)
    own = {dict(t.knobs)['alpha0'] for t in planned.trials if t.arm == 'tanh' and t.phase.startswith('tune')}
    assert len(own) > 1 and planned.complete


@pytest.mark.parametrize(
    ('own', 'said'),
    [
        ({'tnh': {'alpha0': log(0.1, 2)}}, "own['tnh'] is of no arm; allowed: ['base', 'tanh', 'other']. Did you mean 'tanh'"),
        ({'tanh': {}}, 'give {arm: {value: range}}'),
        ({'tanh': {'alpha0': 3}}, 'is not a range'),
        ({'tanh': {'seed': log(1, 2)}}, 'seeds are never tuned'),
        ({'tanh': {'lr': log(1e-3, 1)}}, "'lr' is tuned or fixed for all arms too"),
        ('tanh', 'give {arm: {value: range}}'),
    ],
)
def test_what_cannot_be_an_arms_own_is_refused(own, said):
    with pytest.raises(ValueError) as caught:
        dataclasses.replace(PLAIN, own=own)
    assert said in str(caught.value)


def test_it_is_part_of_the_study_and_not_of_those_without():
    assert OWN.digest != PLAIN.digest
    assert 'own' not in PLAIN.to_dict()
    with pytest.raises(ValueError, match="own with recipe='same'"):
        dataclasses.replace(OWN, recipe='same')


def test_points_of_an_arms_own_values_fill_the_cube():
    planned = schedule(dataclasses.replace(OWN, trials=64, extension=0), {}, {})
    own = np.log([dict(t.knobs)['alpha0'] for t in planned.asked['tune', 'tanh', 'digits', 0]])
    shares = np.histogram(own, bins=4, range=(np.log(0.1), np.log(2.0)))[0]
    assert shares.tolist() == [16, 16, 16, 16]
