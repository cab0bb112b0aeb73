"""Evidence: every verdict, for its own reason, from records whose truth is known."""

import dataclasses
import json
import math

import numpy as np
import pytest
from scipy import stats

from ablations.shapes import factorial
from ablations.study import Study
from ablations.tasks import task
from ablations.trial import TEST
from results.evidence import VERDICTS, Finding, across, claim_level, findings
from results.statistics import detectable, holm, moderated, spread, welch
from sweeps.plan import schedule
from sweeps.simulate import World, simulate, simulated_record

DIGITS = task('digits', margin=0.01, chance=0.1)
NOISE = np.array([-1.2, -0.4, 0.1, 0.6, 0.9])
"""Replicates in deviations around their mean: small, skewed and the same in every test."""


def study(**fields: object) -> Study:
    return Study(
        **{'name': 'told', 'question': 'Is it?', 'arms': {'base': (), 'arm': ()}, 'tasks': (DIGITS,), 'trials': 8, **fields}
    )


def told(asked: Study, values: dict, world: World | None = None, manifest: dict | None = None, **changes: object):
    """The findings where arms confirm at `values[arm, task]`: one number a replicate, in the task's own metric.

    `changes` replaces parts of the schedule. Arms not named confirm at 0.5 with NOISE / 100.
    """
    found, records = simulate(asked, world or World(), seed=0)
    for (phase, arm, where, replicate), trials in found.asked.items():
        if phase != 'confirm':
            continue
        wanted = values.get((arm, where), 0.5 + NOISE / 100)[replicate]
        for trial, apart in zip(trials, (-0.01, 0.01), strict=False):
            records[trial.id] = {**records[trial.id], 'score': float(wanted + (apart if len(trials) > 1 else 0.0))}
    made = findings(asked, dataclasses.replace(found, **changes), records, manifest or {})
    for finding in made:
        plain = finding.to_dict()
        json.dumps(plain, allow_nan=False)
        assert set(plain) == {field.name for field in dataclasses.fields(Finding)}
        assert finding.verdict in VERDICTS
        assert finding.overall in VERDICTS
        assert finding.reason
        assert finding.overall_reason
    return made


def one(*arguments, **named) -> Finding:
    (finding,) = told(*arguments, **named)
    return finding


def around(mean: float, deviation: float, turn: int = 0) -> np.ndarray:
    """Replicates around a mean; turned, so that those of two arms do not rise and fall together."""
    return mean + np.roll(NOISE, turn) / NOISE.std(ddof=1) * deviation


# Every verdict.


@pytest.mark.parametrize(
    ('effect', 'deviation', 'verdict', 'said'),
    [
        (0.1, 0.01, 'better', '+0.1 share of images, adjusted p'),
        (-0.1, 0.01, 'worse', '-0.1 share of images, adjusted p'),
        (0.006, 0.001, 'better', 'negligible: within the margin'),
        (-0.006, 0.001, 'worse', 'negligible: within the margin'),
        (0.0, 0.003, 'equivalent', 'within the margin, adjusted p'),
        (0.001, 0.003, 'equivalent', 'within the margin, adjusted p'),
        (0.02, 0.03, 'undecided', 'replicates would likely decide it'),
        (0.0, 0.03, 'undecided', '5 cannot show equivalence within the margin at this noise'),
        (0.005, 1.0, 'undecided', 'more than 1000 replicates would be needed'),
    ],
)
def test_verdicts(effect, deviation, verdict, said):
    finding = one(study(), {('arm', 'digits'): around(0.5 + effect, deviation), ('base', 'digits'): around(0.5, deviation)})
    assert finding.verdict == verdict
    assert said in finding.reason
    assert finding.effect == pytest.approx(effect, abs=1e-12)
    assert ('negligible' in finding.reason) == (verdict in ('better', 'worse') and abs(effect) < 0.01)


def test_numbers_are_those_of_the_test_it_names():
    arm, base = around(0.55, 0.01), around(0.5, 0.03)
    finding = one(study(), {('arm', 'digits'): arm, ('base', 'digits'): base})
    theirs = stats.ttest_ind(arm, base, equal_var=False)
    assert finding.test == 'moderated Welch t over replicates', 'with two arms nothing is borrowed'
    assert finding.p == pytest.approx(theirs.pvalue)
    assert finding.p_adjusted == pytest.approx(theirs.pvalue)
    assert finding.effect_interval == pytest.approx(tuple(theirs.confidence_interval(0.95)))
    assert (finding.value, finding.base_value) == pytest.approx((arm.mean(), base.mean()))
    assert finding.interval == pytest.approx(stats.t.interval(0.95, 4, arm.mean(), stats.sem(arm)))
    assert finding.base_interval == pytest.approx(stats.t.interval(0.95, 4, base.mean(), stats.sem(base)))
    assert (finding.replicates, finding.seeds, finding.n_test, finding.test_error) == (5, 2, 1000, 0.0)


def several(tasks: tuple = ('digits', 'recall')) -> tuple[Study, dict]:
    """A study of four arms, and values of all of them with noise of their own."""
    asked = study(arms={'base': (), 'a': (), 'b': (), 'c': ()}, tasks=(DIGITS, task('recall', margin=0.02))[: len(tasks)])
    effects = {('a', 'digits'): 0.02, ('b', 'digits'): 0.01, ('c', 'digits'): 0.0, ('a', 'recall'): 0.005}
    rows = [(arm, name) for arm in asked.arms for name in tasks]
    chance = np.random.default_rng(5)
    return asked, {row: 0.5 + effects.get(row, 0.0) + chance.normal(0, 0.01, 5) for row in rows}


def test_holm_runs_over_all_arms_and_tasks():
    asked, values = several()
    made = told(asked, values)
    assert len(made) == 6
    assert [f.p_adjusted for f in made] == pytest.approx(holm([f.p for f in made]))
    margins = {'digits': 0.01, 'recall': 0.02}
    within = []
    for finding in made:
        samples = {arm: values[arm, finding.task] for arm in asked.arms}
        difference = moderated(samples, finding.arm, 'base', spread(samples))
        assert finding.p == pytest.approx(difference.p())
        assert finding.effect_interval == pytest.approx(difference.interval(0.95))
        assert finding.detectable == pytest.approx(detectable(difference, 0.05 / 6))
        within.append(difference.p_within(margins[finding.task]))
    assert [f.p_equivalent for f in made] == pytest.approx(holm(within)), 'a family of its own'


@pytest.mark.parametrize('seed', range(4))
def test_who_is_called_better_has_an_interval_above_zero(seed):
    chance = np.random.default_rng(seed)
    asked, _ = several()
    rows = [(arm, item.name) for arm in asked.arms for item in asked.tasks]
    deviation = {'base': 0.01, 'a': 0.003, 'b': 0.03, 'c': 0.01}
    values = {row: chance.normal(0.5 + chance.normal(0, 0.03), deviation[row[0]], 5) for row in rows}
    made = told(asked, values)
    assert all(f.p_adjusted >= f.p for f in made)
    for finding in made:
        if finding.verdict in ('better', 'worse'):
            assert finding.effect_interval[0] * finding.effect_interval[1] > 0
            assert (finding.effect > 0) == (finding.verdict == 'better')


@pytest.mark.parametrize('place', [1, 3], ids=['first', 'last'])
@pytest.mark.parametrize('why', ['diverged', 'failed'])
def test_an_arm_that_is_lost_lends_no_variance(place, why):
    """Wherever it stands: its values are chance, which does not vary. It stays in the family."""
    names = ['base', 'a', 'b', 'c']
    names.insert(place, 'lost')
    asked, values = several(('digits',))
    alone = {f.arm: f for f in told(asked, values)}
    asked = study(arms=dict.fromkeys(names, ()), tasks=(DIGITS,))
    found, records = simulate(asked, Lost(('lost',)) if why == 'diverged' else World(cliff=2.0), seed=0)
    for (phase, arm, _, replicate), trials in found.asked.items():
        for number, trial in enumerate(trials if phase == 'confirm' and arm != 'lost' else ()):
            records[trial.id] = {**records[trial.id], 'score': values[arm, 'digits'][replicate] + 0.01 * (2 * number - 1)}
    if why == 'failed':
        trial = found.asked['confirm', 'lost', 'digits', 0][0]
        records[trial.id] = {**records[trial.id], 'status': 'failed', 'score': None}
    made = {f.arm: f for f in findings(asked, found, records, {})}
    assert made['lost'].verdict == 'not comparable'
    assert {arm: made[arm].p for arm in alone} == pytest.approx({arm: f.p for arm, f in alone.items()})
    assert sorted(f.p_adjusted for f in made.values() if f.p) == pytest.approx(
        sorted(holm([1.0, *(f.p for f in alone.values())])[1:])
    )


@pytest.mark.parametrize('sign', [1, -1])
def test_where_lower_is_better_the_sign_turns(sign):
    """Effects point in the good direction; values and their intervals stay in the metric's own."""
    lower = study(tasks=('stdlib_bytes',))
    arm, base = around(2.0 - sign * 0.3, 0.02), around(2.0, 0.02)
    finding = one(lower, {('arm', 'stdlib_bytes'): arm, ('base', 'stdlib_bytes'): base})
    assert finding.verdict == ('better' if sign > 0 else 'worse')
    assert finding.effect == pytest.approx(sign * 0.3)
    assert (finding.value, finding.base_value) == pytest.approx((arm.mean(), base.mean()))
    assert finding.interval == pytest.approx(stats.t.interval(0.95, 4, arm.mean(), stats.sem(arm)))
    assert finding.effect_interval[0] < finding.effect < finding.effect_interval[1]
    assert finding.effect_interval[0] * sign > 0 or finding.effect_interval[1] * sign > 0


# Nothing to compare.


class Lost(World):
    """A world in which runs of the named arms diverge, all or one replicate's."""

    def __init__(self, arms: tuple, replicates: tuple = (0, 1, 2, 3, 4), held: str = ''):
        super().__init__(cliff=2.0)
        for name, value in {'arms': arms, 'replicates': replicates, 'held': held}.items():
            object.__setattr__(self, name, value)

    def score(self, asked: Study, trial, seed: int) -> float | None:
        if trial.arm in self.arms and trial.replicate in self.replicates and self.held in ('', trial.held):
            return None
        return super().score(asked, trial, seed)


@pytest.mark.parametrize(
    ('arms', 'named'), [(('arm',), "'arm'"), (('base',), "'base'"), (('arm', 'base'), "'arm'")], ids=['arm', 'base', 'all']
)
@pytest.mark.parametrize('tasks', [('digits',), ('stdlib_bytes', 'recall')])
def test_where_every_tuning_run_diverged_nothing_is_compared(arms, named, tasks):
    for finding in told(study(tasks=tasks), {}, world=Lost(arms)):
        assert finding.verdict == 'not comparable'
        assert f'every tuning run of {named} diverged (40 of 40)' in finding.reason
        assert (finding.p, finding.p_adjusted, finding.p_equivalent) == (None, None, None)
        assert finding.diverged_share == (1.0 if 'arm' in arms else finding.diverged_share)
        chance = task(finding.task).chance
        assert finding.value == (pytest.approx(chance) if 'arm' in arms else finding.value)
        assert finding.base_value == (pytest.approx(chance) if 'base' in arms else finding.base_value)
        assert finding.overall == 'undecided'


def test_one_replicate_that_diverged_scores_chance():
    finding = one(study(), {}, world=Lost(('arm',), replicates=(2,), held='tuning'))
    expected = 0.5 + NOISE / 100
    expected[2] = 0.1
    assert finding.value == pytest.approx(expected.mean())
    assert finding.verdict != 'not comparable'
    assert finding.diverged_share == pytest.approx(8 / (40 + 8))


def test_confirmation_runs_that_diverge_score_chance_and_are_counted():
    finding = findings(*_arguments(study(), Lost(('arm',), held=TEST)))[0]
    assert finding.value == pytest.approx(0.1)
    assert finding.diverged_share == pytest.approx(10 / 50)
    assert finding.base_diverged_share == 0.0


def _arguments(asked: Study, world: World) -> tuple:
    found, records = simulate(asked, world, seed=0)
    return asked, found, records, {}


def test_unequal_budgets_are_not_compared():
    found, _ = simulate(study(), World(), seed=0)
    budgets = {**found.budgets, ('arm', 'digits'): {**found.budgets['arm', 'digits'], 'trials': 44}}
    finding = one(study(), {('arm', 'digits'): around(0.9, 0.01)}, budgets=budgets)
    assert (finding.verdict, finding.reason) == ('not comparable', 'unequal budgets: 44 tuning trials against 40')
    assert finding.p is None


@pytest.mark.parametrize('phase', ['tune', 'confirm'])
def test_records_of_two_versions_are_not_compared(phase):
    asked = study()
    found, records = simulate(asked, World(), seed=0)
    trial = found.asked[phase, 'arm', 'digits', 0][0]
    records[trial.id] = {**records[trial.id], 'environment': {'source': 'other'}}
    (finding,) = findings(asked, found, records, {})
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
    values = {('arm', 'digits'): around(0.5 + effect, deviation), ('base', 'digits'): around(0.5, deviation)}
    finding = one(study(), values, censored={(who, 'digits'): ['adamw lr high']})
    assert finding.verdict == verdict
    assert (finding.censored if who == 'arm' else finding.base_censored) == ('adamw lr high',)
    if verdict == 'not comparable':
        assert finding.reason == f"censored: the optimum of '{who}' lies at the edge of its range (adamw lr high)"


@pytest.mark.parametrize(
    ('arm', 'base', 'said'),
    [
        (0.5, 0.5, 'zero variance: all 5 replicates of both gave the same value'),
        (0.6, 0.5, 'zero variance: all 5 replicates of both gave two values'),
        (0.0, 0.0, 'zero variance'),
    ],
)
def test_zero_variance_is_a_verdict(arm, base, said):
    finding = one(study(), {('arm', 'digits'): np.full(5, arm), ('base', 'digits'): np.full(5, base)})
    assert finding.verdict == 'undecided'
    assert said in finding.reason
    assert finding.effect == pytest.approx(arm - base)
    assert (finding.p, finding.p_adjusted, finding.p_equivalent, finding.effect_interval) == (None, None, None, None)


def test_one_side_without_variance_is_tested():
    finding = one(study(), {('arm', 'digits'): np.full(5, 0.9), ('base', 'digits'): around(0.5, 0.01)})
    assert finding.verdict == 'better'


@pytest.mark.parametrize('seeds', [1, 3])
def test_one_replicate_measures_no_noise(seeds):
    finding = one(study(replicates=1, seeds=seeds), {})
    assert finding.verdict == 'undecided'
    assert finding.reason == '1 replicate: noise cannot be measured with fewer than two'
    assert finding.effect is not None
    assert (finding.p, finding.interval, finding.effect_interval) == (None, None, None)


def test_comparisons_without_a_test_stay_in_the_family():
    """Which comparisons can be tested is found out by running; the family is fixed before."""
    asked = study(arms={'base': (), 'arm': (), 'lost': (), 'gone': ()})
    found, _ = simulate(asked, World(), seed=0)
    budgets = {key: {**budget, 'trials': 1 if key[0] in ('lost', 'gone') else 40} for key, budget in found.budgets.items()}
    made = told(asked, {('arm', 'digits'): around(0.52, 0.01)}, budgets=budgets)
    assert [finding.verdict for finding in made[1:]] == ['not comparable'] * 2
    assert made[0].p_adjusted == pytest.approx(3 * made[0].p)


# Half-finished studies.


def _stages(asked: Study) -> list[dict]:
    """What is recorded after each round of planning, and after half of each."""
    records, stages = {}, [{}]
    while True:
        wanted = [trial for trial in schedule(asked, records, {}).trials if trial.id not in records]
        if not wanted:
            return stages
        for part in (wanted[::2], wanted[1::2]):
            records = {**records, **{trial.id: simulated_record(asked, World(cliff=2.0), trial, 0) for trial in part}}
            stages.append(records)


def test_a_half_finished_study_gives_the_same_keys_and_claims_nothing():
    asked = study(arms={'base': (), 'a': (), 'b': ()}, tasks=('digits', 'stdlib_bytes'))
    stages = _stages(asked)
    assert len(stages) >= 5
    for records in stages:
        found = schedule(asked, records, {})
        made = findings(asked, found, records, {})
        assert [(f.arm, f.task) for f in made] == [
            ('a', 'digits'),
            ('b', 'digits'),
            ('a', 'stdlib_bytes'),
            ('b', 'stdlib_bytes'),
        ]
        for finding in made:
            plain = finding.to_dict()
            json.dumps(plain, allow_nan=False)
            assert set(plain) == {field.name for field in dataclasses.fields(Finding)}
            assert (finding.dataset, finding.margin, finding.replicates, finding.seeds) == (
                finding.task,
                task(finding.task).margin,
                5,
                2,
            )
            if not found.complete:
                assert (finding.verdict, finding.overall) == ('undecided', 'undecided')
                assert finding.reason == 'unfinished: not all runs of the first look are recorded'
                assert (finding.p, finding.p_adjusted, finding.p_equivalent) == (None, None, None)
    last = findings(asked, schedule(asked, stages[-1], {}), stages[-1], {})
    assert all(finding.p is not None for finding in last)
    tuned = findings(asked, schedule(asked, stages[2], {}), stages[2], {})
    assert all(finding.diverged_share == 0.0 and finding.value is None for finding in tuned)


def test_a_finished_task_of_an_unfinished_study_shows_its_values():
    asked = study(tasks=('digits', 'recall'))
    found, records = simulate(asked, World(), seed=0)
    kept = {t.id: records[t.id] for t in found.trials if t.task == 'digits'}
    digits, recall = findings(asked, schedule(asked, kept, {}), kept, {})
    assert digits.value is not None
    assert digits.effect is not None
    assert (digits.p, digits.verdict, recall.value) == (None, 'undecided', None)


# Looks.


def _p(wanted: float) -> np.ndarray:
    """Values whose Welch p against the others' is `wanted`."""
    low, high = 0.5, 0.7
    for _ in range(60):
        middle = (low + high) / 2
        p = welch(around(middle, 0.02), around(0.5, 0.02)).p()
        low, high = (middle, high) if p > wanted else (low, middle)
    return around(low, 0.02)


@pytest.mark.parametrize(
    ('looks', 'taken', 'p', 'verdict'),
    [
        ((5,), [], 0.04, 'better'),
        ((5,), [5], 0.04, 'better'),
        ((5,), [5, 5, 5], 0.04, 'better'),
        ((3, 5), [3, 5], 0.04, 'undecided'),
        ((3, 5), [3, 5], 0.02, 'better'),
        ((3, 4, 5), [], 0.02, 'undecided'),
        ((3, 4, 5), [], 0.015, 'better'),
        # Looks taken that were not declared (the study grew after looking) cost the same.
        ((5,), [3, 5], 0.04, 'undecided'),
        ((5,), [3, 5], 0.02, 'better'),
        ((5,), [2, 3, 4, 5], 0.015, 'undecided'),
        ((5,), [2, 3, 4, 5], 0.012, 'better'),
    ],
)
def test_looks_share_the_error_rate(looks, taken, p, verdict):
    values = {('arm', 'digits'): _p(p), ('base', 'digits'): around(0.5, 0.02)}
    finding = one(study(looks=looks), values, manifest={'looks': taken})
    assert finding.p == pytest.approx(p, rel=1e-3)
    assert finding.verdict == verdict


def test_an_early_look_reads_its_own_replicates_only():
    asked = study(looks=(3, 5))
    found, records = simulate(asked, World(), seed=0)
    early = {t.id: records[t.id] for t in found.trials if t.replicate < 3}
    planned = schedule(asked, early, {})
    assert (planned.look, planned.complete) == (3, False)
    (finding,) = findings(asked, planned, early, {})
    assert finding.replicates == 3
    assert finding.p is not None
    (late,) = findings(asked, found, records, {})
    assert late.replicates == 5


@pytest.mark.parametrize(('alpha', 'verdict'), [(0.05, 'better'), (0.01, 'undecided')])
def test_alpha_is_the_studys(alpha, verdict):
    values = {('arm', 'digits'): _p(0.03), ('base', 'digits'): around(0.5, 0.02)}
    assert one(study(alpha=alpha), values).verdict == verdict


# Over tasks.

TWICE = (task('digits'), task('digits', name='digits_again'))


@pytest.mark.parametrize(
    ('tasks', 'verdicts', 'overall', 'said'),
    [
        (('digits', 'recall'), ('better', 'better'), 'better', 'better on 2 of 2 datasets, worse on none'),
        (('digits', 'recall'), ('worse', 'worse'), 'worse', 'worse on 2 of 2 datasets, better on none'),
        (('digits', 'recall'), ('better', 'worse'), 'undecided', 'better on 1, worse on 1 of 2 datasets'),
        (('digits', 'recall'), ('better', 'undecided'), 'undecided', 'two or more'),
        (('digits', 'recall'), ('better', 'equivalent'), 'undecided', 'better on 1, equivalent on 1'),
        (('digits', 'recall'), ('equivalent', 'equivalent'), 'equivalent', 'equivalent on all 2 datasets'),
        (('digits', 'recall'), ('equivalent', 'undecided'), 'undecided', 'two or more'),
        (('digits', 'recall'), ('not comparable', 'better'), 'undecided', 'better on 1, not comparable on 1'),
        (('digits', 'recall', 'stdlib_bytes'), ('better', 'better', 'undecided'), 'better', 'better on 2 of 3'),
        (('digits', 'recall', 'stdlib_bytes'), ('better', 'better', 'not comparable'), 'better', 'better on 2 of 3'),
        (('digits', 'recall', 'stdlib_bytes'), ('better', 'better', 'worse'), 'undecided', 'none against'),
        (('digits', 'recall', 'stdlib_bytes'), ('equivalent', 'equivalent', 'better'), 'undecided', ''),
        # One dataset, however many tasks: no claim.
        (('digits',), ('better',), 'undecided', 'withheld: one dataset only'),
        (TWICE, ('better', 'better'), 'undecided', 'withheld: one dataset only'),
        ((*TWICE, 'recall'), ('better', 'better', 'undecided'), 'undecided', 'better on 1, undecided on 1 of 2 datasets'),
        ((*TWICE, 'recall'), ('better', 'undecided', 'better'), 'better', 'better on 2 of 2'),
        ((*TWICE, 'recall'), ('equivalent', 'undecided', 'equivalent'), 'undecided', ''),
        ((*TWICE, 'recall'), ('better', 'worse', 'better'), 'undecided', ''),
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_arms_verdict_over_tasks(tasks, verdicts, overall, said):
    asked = study(tasks=tasks)
    found, reason = across(asked, dict(zip((item.name for item in asked.tasks), verdicts, strict=True)))
    assert found == overall
    assert said in reason


def test_findings_carry_the_verdict_over_tasks():
    asked = study(arms={'base': (), 'good': (), 'mixed': ()}, tasks=('digits', 'stdlib_bytes'))
    values = {
        ('base', 'digits'): around(0.5, 0.01),
        ('base', 'stdlib_bytes'): around(2.0, 0.01),
        ('good', 'digits'): around(0.7, 0.01, 1),
        ('good', 'stdlib_bytes'): around(1.7, 0.01, 1),
        ('mixed', 'digits'): around(0.7, 0.01, 2),
        ('mixed', 'stdlib_bytes'): around(2.3, 0.01, 2),
    }
    assert {f.arm: f.overall for f in told(asked, values)} == {'good': 'better', 'mixed': 'undecided'}


# What else a finding says.


def test_optimism_is_the_tuning_score_less_the_confirmed_one():
    asked = study(tasks=('digits', 'stdlib_bytes'))
    found, records = simulate(asked, World(), seed=0)
    for finding in findings(asked, found, records, {}):
        sign = task(finding.task).sign
        gaps = []
        for replicate in range(5):
            runs = [records[t.id]['score'] for t in found.asked['confirm', 'arm', finding.task, replicate]]
            gaps.append(found.selections['arm', finding.task, replicate].score - sign * np.mean(runs))
        assert finding.optimism == pytest.approx(np.mean(gaps))


def test_the_shared_effect_is_the_arm_at_the_bases_values():
    asked = study()
    found, records = simulate(asked, World(), seed=0)
    shared = [np.mean([records[t.id]['score'] for t in found.asked['share', 'arm', 'digits', r]]) for r in range(5)]
    base = [np.mean([records[t.id]['score'] for t in found.asked['confirm', 'base', 'digits', r]]) for r in range(5)]
    (finding,) = findings(asked, found, records, {})
    assert finding.shared_effect == pytest.approx(np.mean(shared) - np.mean(base))
    assert finding.shared_effect != finding.effect
    assert finding.shared_interval == pytest.approx(welch(np.array(shared), np.array(base)).interval(0.95))


def test_a_shared_run_that_failed_leaves_no_shared_effect():
    asked = study()
    found, records = simulate(asked, World(), seed=0)
    trial = found.asked['share', 'arm', 'digits', 1][0]
    records[trial.id] = {**records[trial.id], 'status': 'failed', 'score': None}
    (finding,) = findings(asked, found, records, {})
    assert (finding.shared_effect, finding.shared_interval, finding.shared_verdict) == (None, None, '')
    assert finding.p is not None, 'the claim stands: its own runs did not fail'


@pytest.mark.parametrize(('effect', 'verdict'), [(0.3, 'better'), (-0.3, 'worse'), (0.0, 'undecided')])
def test_what_one_recipe_for_all_would_have_concluded(effect, verdict):
    """By the same test; the study's own claim is another."""
    asked = study()
    found, records = simulate(asked, World(noise=0.01, split=0.0, cliff=2.0), seed=1)
    for replicate in range(5):
        for trial in found.asked['share', 'arm', 'digits', replicate]:
            records[trial.id] = {**records[trial.id], 'score': effect + 0.01 * NOISE[replicate]}
        for trial in found.asked['share', 'base', 'digits', replicate]:
            records[trial.id] = {**records[trial.id], 'score': 0.01 * NOISE[-1 - replicate]}
    (finding,) = findings(asked, found, records, {})
    assert finding.shared_verdict == verdict
    assert finding.shared_effect == pytest.approx(effect, abs=1e-9)


def test_a_negligible_difference_is_marked_and_an_undecided_one_says_what_it_needs():
    small = one(study(), {('arm', 'digits'): around(0.506, 0.001), ('base', 'digits'): around(0.5, 0.001)})
    assert (small.verdict, small.negligible, small.needed) == ('better', True, None)
    assert small.detectable < 0.006
    large = one(study(), {('arm', 'digits'): around(0.52, 0.03), ('base', 'digits'): around(0.5, 0.03)})
    assert (large.verdict, large.negligible) == ('undecided', False)
    assert large.needed > 5
    assert f'about {large.needed} replicates' in large.reason
    assert large.detectable > 0.02


@pytest.mark.parametrize(
    ('fields', 'taken', 'level'),
    [
        ({}, [], 0.05),
        ({'alpha': 0.1, 'looks': (3, 5)}, [], 0.05),
        ({'looks': (3, 5)}, [1, 3, 5], 0.05 / 3),
        (factorial({'a': {'x': (), 'y': ()}, 'b': {'u': (), 'v': ()}}), [], 0.025),
        ({**factorial({'a': {'x': (), 'y': ()}, 'b': {'u': (), 'v': ()}}), 'looks': (3, 5)}, [3], 0.0125),
    ],
    ids=['one', 'declared', 'taken', 'factorial', 'both'],
)
def test_the_error_rate_is_shared_by_looks_and_by_the_effects_of_a_factorial(fields, taken, level):
    assert claim_level(study(**fields), {'looks': taken}) == pytest.approx(level)


def test_sizes_come_from_the_manifest():
    costs = {'base': {'digits': {'params': 100, 'macs': 1000}}, 'arm': {'digits': {'params': 105, 'macs': 900}}}
    finding = one(study(), {}, manifest={'costs': costs})
    assert (finding.params, finding.params_ratio, finding.macs, finding.macs_ratio) == (105, 1.05, 900, 0.9)
    assert one(study(), {}).params_ratio is None


def test_sensitivity_is_that_of_the_selected_optimizer():
    sharp = one(study(), {}, world=World(curvature=2.0))
    blunt = one(study(), {}, world=World(curvature=0.5))
    assert sharp.lr_sensitivity > blunt.lr_sensitivity > 0
    assert sharp.base_lr_sensitivity > 0


@pytest.mark.parametrize('phase', ['tune', 'confirm'])
@pytest.mark.parametrize('who', ['arm', 'base'])
def test_failed_runs_are_no_evidence(phase, who):
    """A run that failed says nothing of its arm: a machine that ran out of memory must not decide between models."""
    asked = study()
    found, records = simulate(asked, World(cliff=2.0), seed=0)
    trial = found.asked[phase, who, 'digits', 0][0]
    records[trial.id] = {**records[trial.id], 'status': 'failed', 'score': None, 'score_se': None, 'final_loss': None}
    (finding,) = findings(asked, found, records, {})
    assert finding.verdict == 'not comparable'
    assert f"1 runs of '{who}' failed (not diverged)" in finding.reason
    assert '--retry-failed' in finding.reason
    assert (finding.diverged_share if who == 'arm' else finding.base_diverged_share) == pytest.approx(1 / 50)
    json.dumps(finding.to_dict(), allow_nan=False)


def test_numbers_are_rounded_for_the_page():
    plain = one(study(), {('arm', 'digits'): around(0.5 + 1 / 3000, 0.01)}).to_dict()
    numbers = [value for value in plain.values() if isinstance(value, float)]
    numbers += [end for value in plain.values() if isinstance(value, list) for end in value if isinstance(end, float)]
    assert len(numbers) > 10
    assert all(value == float(f'{value:.6g}') and math.isfinite(value) for value in numbers)


@pytest.mark.parametrize('cliff', [-10.0, -0.55])
def test_a_world_where_everything_diverges_ends_in_findings(cliff):
    """At -0.55 a run in a hundred lives: there are selections, on next to nothing."""
    asked = study(
        arms={'base': (), 'a': ()},
        tasks=('digits', 'stdlib_bytes'),
        tune={'adamw': dict(study().tune['adamw']), 'sgd': dict(study().tune['adamw'])},
    )
    found, records = simulate(asked, World(cliff=cliff), seed=3)
    assert found.complete
    for finding in findings(asked, found, records, {}):
        json.dumps(finding.to_dict(), allow_nan=False)
        assert finding.verdict == ('not comparable' if cliff < -1 else finding.verdict)
        assert finding.diverged_share > 0.7
