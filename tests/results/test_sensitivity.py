"""Learning-rate sensitivity by hand, and over the replicates of a study."""

import dataclasses
import json

import numpy as np
import pytest
from scipy import stats

from ablations.study import Study
from results import remembered, selection
from results.sensitivity import lr_sensitivity, sensitivities
from results.store.reading import Reading
from results.surface import fits
from sweeps.protocol.simulate import World, simulate


def _sensitivity(losses: list, initial: float | np.ndarray) -> float | None:
    units = np.linspace(0, 1, len(losses))[:, None]
    return lr_sensitivity(units, np.array(losses, float), np.broadcast_to(np.asarray(initial, float), len(losses)), [True])


@pytest.mark.parametrize(
    ('losses', 'initial', 'wanted'),
    [
        ([1.0] * 5, 2.0, 0.0),
        ([], 3.0, None),
        ([0.5], 3.0, 0.0),
        # A loss above that of initialisation, and a diverged run, count as if nothing had been learned.
        ([1.0, 1.0, 1.0, 1.0, 9.0], 3.0, (4 + 3) / 5 - 1),
        ([1.0, 1.0, 1.0, 1.0, np.inf], 3.0, (4 + 3) / 5 - 1),
        ([1.0, 1.0, 1.0, 1.0, np.nan], 3.0, (4 + 3) / 5 - 1),
        # Nothing can be said of rates at which nothing was learned at all.
        ([np.inf, np.nan], 3.0, None),
        ([1.0, np.inf, np.inf], [2.0, 3.0, 5.0], (1 + 3 + 5) / 3 - 1),
    ],
    ids=str,
)
def test_mean_loss_over_the_range_less_the_best(losses, initial, wanted):
    result = _sensitivity(losses, initial)
    assert result == (None if wanted is None else pytest.approx(wanted, abs=0.03))


@pytest.mark.parametrize('curve', [0.0, 1.0])
def test_noise_does_not_look_like_sensitivity(curve):
    """Sixteen trials with noise of .05 on a flat line: the luckiest trial alone would make it .09."""
    generator, units = np.random.default_rng(0), np.linspace(0, 1, 16)
    made = [_sensitivity(0.5 + curve * (units - 0.5) ** 2 + generator.normal(0, 0.05, 16), 2.3) for _ in range(40)]
    truth = curve * np.mean((units - 0.5) ** 2)
    assert np.mean(made) == pytest.approx(truth, abs=0.025)


STUDY = Study(name='told', question='Is it?', arms={'base': (), 'arm': ()}, tasks=('digits', 'recall'), trials=8, replicates=3)


def test_one_number_a_replicate_and_an_interval_over_them():
    schedule, records = simulate(STUDY, World(top={'arm': 0.3}), seed=2)
    lines = sensitivities(Reading(STUDY, schedule, records))
    assert [(one.task, one.arm) for one in lines] == [(t, a) for t in ('digits', 'recall') for a in ('base', 'arm')]
    for one in lines:
        wanted = list(one.replicates)
        for replicate, value in enumerate(wanted):
            runs = [records[t.id] for t in schedule.asked['tune', one.arm, one.task, replicate]]
            losses = [2.0 if run['status'] == 'diverged' else min(run['final_loss'], 2.0) for run in runs]
            assert 0 < value <= sum(losses) / len(losses) - min(losses) + 1e-12
        assert one.value == pytest.approx(np.mean(wanted))
        assert one.interval == pytest.approx(stats.t.interval(0.95, 2, np.mean(wanted), stats.sem(wanted)))
        assert (one.optimizer, one.selected, one.left_out) == ('adamw', 3, 0)
        assert list(json.loads(json.dumps(one.to_dict(), allow_nan=False))) == [field.name for field in dataclasses.fields(one)]


def test_surfaces_of_all_arms_and_replicates_are_fitted_in_one_call(monkeypatch):
    schedule, records = simulate(STUDY, World(), seed=1)
    asked = []
    monkeypatch.setattr(remembered, 'KNOWN', {})
    monkeypatch.setattr(selection, 'fits', lambda trials: asked.append(len(trials)) or fits(trials))
    assert sensitivities(Reading(STUDY, schedule, records))
    assert asked == [len(STUDY.arms) * len(STUDY.tasks) * STUDY.replicates]


def test_runs_that_failed_are_left_out_and_counted():
    schedule, records = simulate(STUDY, World(), seed=0)
    broken = schedule.asked['tune', 'base', 'digits', 1][:2]
    failed = {t.id: {'id': t.id, 'status': 'failed', 'score': None, 'environment': {}} for t in broken}
    one = sensitivities(Reading(STUDY, schedule, {**records, **failed}))[0]
    before = sensitivities(Reading(STUDY, schedule, records))[0]
    assert (one.arm, one.left_out) == ('base', 2)
    assert one.replicates[::2] == before.replicates[::2]
    left = [records[t.id] for t in schedule.asked['tune', 'base', 'digits', 1][2:]]
    losses = np.array([np.inf if r['final_loss'] is None else r['final_loss'] for r in left])
    assert 0 <= one.replicates[1] <= np.minimum(losses, 2).mean() - losses.min()
    assert one.replicates[1] != before.replicates[1]


def test_nothing_recorded_is_nothing_found():
    schedule, records = simulate(STUDY, World(), seed=0)
    assert sensitivities(Reading(STUDY, schedule, {})) == []
    gone = schedule.asked['tune', 'base', 'digits', 0][0].id
    lines = sensitivities(Reading(STUDY, schedule, {key: record for key, record in records.items() if key != gone}))
    assert [len(one.replicates) for one in lines] == [2, 3, 3, 3], 'a replicate counts once it is whole'


def test_one_replicate_has_no_interval():
    study = dataclasses.replace(STUDY, replicates=1, looks=())
    schedule, records = simulate(study, World(), seed=0)
    assert {one.interval for one in sensitivities(Reading(study, schedule, records))} == {None}
