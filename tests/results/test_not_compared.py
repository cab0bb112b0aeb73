"""Evidence: what is not compared, and why: lost arms, unequal budgets and sources, censored and failed runs."""

import dataclasses
import json

import numpy as np
import pytest
from told_study import DIGITS, NOISE, around, one, several, study, told

from ablations.study import Study
from ablations.trial import TEST
from results.comparability import censored_side
from results.evidence import findings
from results.store.reading import Reading
from sweeps.protocol.simulate import World, simulate


@pytest.mark.parametrize('place', [1, 3], ids=['first', 'last'])
@pytest.mark.parametrize('why', ['diverged', 'failed'])
def test_an_arm_that_is_lost_lends_no_variance(place, why):
    """Wherever it stands: its values are chance, which does not vary. It stays in the family."""
    names = ['base', 'a', 'b', 'c']
    names.insert(place, 'lost')
    asked, values = several(('digits',))
    alone = {f.arm: f for f in told(asked, values)}
    asked = study(arms=dict.fromkeys(names, ()), tasks=(DIGITS,))
    planned, records = simulate(asked, Lost(('lost',)) if why == 'diverged' else World(cliff=2.0), seed=0)
    for (phase, arm, _, replicate), trials in planned.asked.items():
        for number, trial in enumerate(trials if phase == 'confirm' and arm != 'lost' else ()):
            records[trial.id] = {**records[trial.id], 'score': values[arm, 'digits'][replicate] + 0.01 * (2 * number - 1)}
    if why == 'failed':
        trial = planned.asked['confirm', 'lost', 'digits', 0][0]
        records[trial.id] = {**records[trial.id], 'status': 'failed', 'score': None}
    made = {f.arm: f for f in findings(Reading(asked, planned, records))}
    assert made['lost'].verdict == ('unstable' if why == 'diverged' else 'not comparable')
    assert {arm: made[arm].p for arm in alone} == pytest.approx({arm: f.p for arm, f in alone.items()})
    first = min(alone.values(), key=lambda f: f.p)
    family = 5 if why == 'diverged' else 4  # four differences, and one rate that may be claimed
    assert made[first.arm].p_adjusted == pytest.approx(family * first.p)


class Lost(World):
    """A world in which runs of the named arms diverge, all or one replicate's."""

    def __init__(self, arms: tuple, replicates: tuple = (0, 1, 2, 3, 4), held: str = ''):
        super().__init__(cliff=2.0)
        for name, value in {'arms': arms, 'replicates': replicates, 'held': held}.items():
            object.__setattr__(self, name, value)

    def score(self, asked: Study, trial, seed: int, chance: np.random.Generator) -> float | None:
        if trial.arm in self.arms and trial.replicate in self.replicates and self.held in ('', trial.held):
            return None
        return super().score(asked, trial, seed, chance)


@pytest.mark.parametrize(
    ('arms', 'named'), [(('arm',), "'arm'"), (('base',), "'base'"), (('arm', 'base'), "'arm'")], ids=['arm', 'base', 'all']
)
@pytest.mark.parametrize('tasks', [('digits',), ('stdlib_bytes', 'recall')])
def test_where_every_tuning_run_diverged_no_score_is_compared(arms, named, tasks):
    """With five replicates against none that is a difference in how often they diverge; of both there is nothing to say."""
    for finding in told(study(tasks=tasks), {}, world=Lost(arms)):
        if len(arms) == 2:
            assert finding.verdict == 'not comparable'
            assert f'every tuning run of {named} diverged (40 of 40)' in finding.reason
        else:
            counts = {
                'arm': '10 of 10 confirmation runs of arm against 0 of 10',
                'base': '0 of 10 confirmation runs of arm against 10',
            }
            assert (finding.verdict, finding.p_diverged < 0.05) == ('unstable', True)
            assert finding.reason.startswith(counts[arms[0]])
        assert (finding.p, finding.p_adjusted, finding.p_equivalent, finding.effect) == (None, None, None, None)
        assert finding.diverged_share == (1.0 if 'arm' in arms else finding.diverged_share)
        assert (finding.value is None, finding.base_value is None) == ('arm' in arms, 'base' in arms)
        assert finding.overall == 'undecided'


def test_too_few_replicates_to_say_that_one_diverges_more_often():
    (finding,) = told(study(replicates=3), {}, world=Lost(('arm',)))
    assert finding.verdict == 'not comparable'
    assert finding.reason == "every tuning run of 'arm' diverged (24 of 24)"


def test_a_replicate_that_diverged_in_tuning_has_no_value_and_counts_as_diverged():
    finding = one(study(), {}, world=Lost(('arm',), replicates=(2,), held='tuning'))
    left = np.arange(5) != 2
    assert finding.value == pytest.approx((0.5 + NOISE / 100)[left].mean())
    assert finding.effect == pytest.approx(0.0, abs=0.02)
    assert finding.verdict == 'undecided'
    assert (finding.diverged, finding.confirmed) == (2, 10)
    assert finding.diverged_share == pytest.approx(8 / (40 + 8))


def test_confirmation_runs_that_diverge_enter_no_mean_and_are_counted():
    finding = findings(_reading(study(), Lost(('arm',), held=TEST)))[0]
    assert (finding.value, finding.effect, finding.verdict) == (None, None, 'unstable')
    assert (finding.diverged, finding.confirmed, finding.base_diverged) == (10, 10, 0)
    assert finding.diverged_interval[0] == pytest.approx(0.6915, abs=1e-3)
    assert finding.diverged_share == pytest.approx(10 / 50)
    assert finding.base_diverged_share == 0.0


def test_rare_divergence_changes_no_mean():
    """One run in ten of an arm diverges: its mean is that of the others, and no rate is claimed on so little."""
    asked, values = study(), {('arm', 'digits'): around(0.7, 0.01, 1), ('base', 'digits'): around(0.5, 0.01)}
    finding = one(asked, values, world=Lost(('arm',), replicates=(3,), held=TEST), rewritten=False)
    assert finding.verdict == 'better'
    assert (finding.diverged, finding.confirmed) == (2, 10)
    assert finding.one_more_diverged < finding.effect, 'with one more at chance the lead would be smaller'


def _reading(asked: Study, world: World) -> Reading:
    planned, records = simulate(asked, world, seed=0)
    return Reading(asked, planned, records)


def test_unequal_budgets_are_not_compared():
    asked = study()
    planned, records = simulate(asked, World(), seed=0)
    key = 'tune', 'arm', 'digits', 2
    (finding,) = findings(
        Reading(asked, dataclasses.replace(planned, asked={**planned.asked, key: planned.asked[key][1:]}), records)
    )
    assert finding.verdict == 'not comparable'
    assert finding.reason == 'unequal budgets, tune: arm replicate 2: 7 trials; base replicate 0: 8'
    assert finding.p is None


def test_an_arm_that_is_not_compared_leaves_the_others_as_strict_as_they_were():
    """It stays in the family with a p-value of one, however far its values are from the base's."""
    asked, values = several(('digits',))
    planned, _ = simulate(asked, World(), seed=0)
    whole = {one.arm: one for one in told(asked, values)}
    first, second, *_ = sorted(whole.values(), key=lambda one: one.p)
    key = 'tune', first.arm, 'digits', 2
    left = {one.arm: one for one in told(asked, values, asked={**planned.asked, key: planned.asked[key][1:]})}
    assert (left[first.arm].verdict, left[first.arm].p, left[first.arm].p_adjusted) == ('not comparable', None, None)
    assert left[second.arm].p == pytest.approx(second.p)
    assert left[second.arm].p_adjusted == pytest.approx(min(3 * second.p, 1)) and 3 * second.p < 1
    assert second.p_adjusted == pytest.approx(2 * second.p)
    begun = told(asked, values, asked={**planned.asked, key: planned.asked[key][1:]}, look=0)
    assert {(one.verdict, one.p, one.p_adjusted, one.decided_at) for one in begun} == {('undecided', None, None, None)}
    assert {one.reason for one in begun} == {'unfinished: not all runs of the first look are recorded'}


@pytest.mark.parametrize('phase', ['tune', 'confirm'])
def test_records_of_two_versions_are_not_compared(phase):
    asked = study()
    planned, records = simulate(asked, World(), seed=0)
    trial = planned.asked[phase, 'arm', 'digits', 0][0]
    records[trial.id] = {**records[trial.id], 'environment': {'source': 'other'}}
    (finding,) = findings(Reading(asked, planned, records))
    assert finding.verdict == 'not comparable'
    assert finding.reason.startswith('unequal sources: the records come from 2 versions')


@pytest.mark.parametrize(
    ('effect', 'deviation', 'who', 'verdict'),
    [
        # A better recipe beyond the edge could only help the arm whose optimum lies there.
        (-0.1, 0.01, 'arm', 'not comparable'),
        (-0.1, 0.01, 'base', 'worse'),
        (0.1, 0.01, 'base', 'not comparable'),
        (0.1, 0.01, 'arm', 'better'),
        (0.0, 0.003, 'arm', 'not comparable'),
        (0.0, 0.003, 'base', 'not comparable'),
        (0.02, 0.03, 'arm', 'not comparable'),
        (0.02, 0.03, 'base', 'not comparable'),
    ],
)
def test_a_censored_loser_is_not_compared(effect, deviation, who, verdict):
    values = {('arm', 'digits'): around(0.5 + effect, deviation, 1), ('base', 'digits'): around(0.5, deviation)}
    finding = one(study(), values, censored={(who, 'digits'): ['adamw lr high']})
    assert finding.verdict == verdict
    assert (finding.censored if who == 'arm' else finding.base_censored) == ('adamw lr high',)
    if verdict == 'not comparable':
        assert finding.reason == f"censored: the optimum of '{who}' lies at the edge of its range (adamw lr high)"


@pytest.mark.parametrize('phase', ['tune', 'confirm'])
@pytest.mark.parametrize('who', ['arm', 'base'])
def test_failed_runs_are_no_evidence(phase, who):
    """A run that failed says nothing of its arm: a machine that ran out of memory must not decide between models."""
    asked = study()
    planned, records = simulate(asked, World(cliff=2.0), seed=0)
    trial = planned.asked[phase, who, 'digits', 0][0]
    records[trial.id] = {**records[trial.id], 'status': 'failed', 'score': None, 'score_se': None, 'final_loss': None}
    (finding,) = findings(Reading(asked, planned, records))
    assert finding.verdict == 'not comparable'
    assert f"1 runs of '{who}' failed (not diverged)" in finding.reason
    assert '--retry-failed' in finding.reason
    assert (finding.diverged_share if who == 'arm' else finding.base_diverged_share) == pytest.approx(1 / 50)
    json.dumps(finding.to_dict(), allow_nan=False)


@pytest.mark.parametrize('cliff', [-10.0, -0.55])
def test_a_world_where_everything_diverges_ends_in_findings(cliff):
    """At -0.55 a run in a hundred lives: there are selections, on next to nothing."""
    asked = study(
        arms={'base': (), 'a': ()},
        tasks=('digits', 'stdlib_bytes'),
        tune={'adamw': dict(study().tune['adamw']), 'sgd': dict(study().tune['adamw'])},
        extension=0,
    )
    planned, records = simulate(asked, World(cliff=cliff), seed=3)
    assert planned.complete
    for finding in findings(Reading(asked, planned, records)):
        json.dumps(finding.to_dict(), allow_nan=False)
        assert finding.verdict == ('not comparable' if cliff < -1 else finding.verdict)
        assert finding.diverged_share > 0.7


def incomparable_for(**changes: object) -> str:
    """The reason for which the arm is not compared where one of its tuning runs differs so."""
    asked = study()
    planned, records = simulate(asked, World(cliff=2.0), seed=0)
    trial = planned.asked['tune', 'arm', 'digits', 0][0]
    own = {**records[trial.id], **changes}
    (finding,) = findings(Reading(asked, planned, {**records, trial.id: own}))
    assert (finding.verdict, finding.p_adjusted) == ('not comparable', None)
    return finding.reason


def test_sources_and_flags_that_differ_are_named():
    assert incomparable_for(environment={'source': 'newer'}) == (
        'unequal sources: the records come from 2 versions of the sources that train'
    )
    assert incomparable_for(environment={'source': 'simulated', 'flags': '--b'}) == 'unequal compiler flags: --b and none'


@pytest.mark.parametrize(
    ('effect', 'censored', 'base_censored', 'said'),
    [
        (1.0, ('lr high',), (), ''),
        (1.0, (), ('lr low', 'wd low'), "censored: the optimum of 'base' lies at the edge of its range (lr low, wd low)"),
        (-1.0, ('lr high',), (), "censored: the optimum of 'arm' lies at the edge of its range (lr high)"),
        (-1.0, (), ('lr low',), ''),
        (0.0, (), ('lr low',), "censored: the optimum of 'base' lies at the edge of its range (lr low)"),
    ],
)
def test_the_side_that_loses_must_not_lie_at_an_edge(effect, censored, base_censored, said):
    known = {'arm': 'arm', 'base': 'base', 'censored': censored, 'base_censored': base_censored}
    assert censored_side(effect, known) == said


def test_how_every_tuning_run_was_lost_is_told():
    asked = study(replicates=3)
    planned, records = simulate(asked, Lost(('arm',), (0, 1, 2)), seed=0)
    tuned = [trial.id for r in range(3) for trial in planned.asked['tune', 'arm', 'digits', r]]
    (finding,) = findings(Reading(asked, planned, records))
    assert finding.reason == f"every tuning run of 'arm' diverged ({len(tuned)} of {len(tuned)})"
    both = {**records, tuned[0]: {**records[tuned[0]], 'status': 'stopped'}}
    (finding,) = findings(Reading(asked, planned, both))
    assert finding.reason == f"every tuning run of 'arm' diverged ({len(tuned)} of {len(tuned)})"


def test_how_every_confirmation_run_was_lost_is_told():
    asked = study(replicates=3, seeds=1)
    planned, records = simulate(asked, Lost(('arm',), (0, 1, 2), TEST), seed=0)
    (finding,) = findings(Reading(asked, planned, records))
    assert finding.reason == "every confirmation run of 'arm' diverged (3 of 3)"
