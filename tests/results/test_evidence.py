"""Evidence: every verdict, for its own reason, from records whose truth is known."""

import math

import numpy as np
import pytest
from scipy import stats
from told_study import NOISE, around, one, several, study, told

from ablations.shapes import path
from ablations.tasks import task
from results.evidence import findings
from results.noise import Noise
from results.statistics import detectable, holm
from results.store.reading import Reading
from sweeps.protocol.simulate import World, simulate

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
    finding = one(study(), {('arm', 'digits'): around(0.5 + effect, deviation, 1), ('base', 'digits'): around(0.5, deviation)})
    assert finding.verdict == verdict
    assert said in finding.reason
    assert finding.effect == pytest.approx(effect, abs=1e-12)
    assert ('negligible' in finding.reason) == (verdict in ('better', 'worse') and abs(effect) < 0.01)


def test_numbers_are_those_of_the_test_it_names():
    arm, base = around(0.55, 0.01, 2), around(0.5, 0.03)
    finding = one(study(), {('arm', 'digits'): arm, ('base', 'digits'): base})
    theirs = stats.ttest_rel(arm, base)
    assert finding.test == 'moderated paired t over replicates', 'with two arms nothing is borrowed'
    assert finding.p == pytest.approx(theirs.pvalue)
    assert finding.p_adjusted == pytest.approx(theirs.pvalue)
    assert finding.effect_interval == pytest.approx(tuple(theirs.confidence_interval(0.95)))
    assert (finding.value, finding.base_value) == pytest.approx((arm.mean(), base.mean()))
    assert finding.interval == pytest.approx(stats.t.interval(0.95, 4, arm.mean(), stats.sem(arm)))
    assert finding.base_interval == pytest.approx(stats.t.interval(0.95, 4, base.mean(), stats.sem(base)))
    assert (finding.replicates, finding.seeds, finding.n_test, finding.test_error) == (5, 2, 1000, 0.0)
    assert (finding.diverged, finding.confirmed, finding.p_diverged) == (0, 10, 1.0)


def test_all_comparisons_share_one_error_rate():
    """Differences step by step, as nothing else is said of these; equivalence at the level of one among all."""
    asked, values = several()
    made = told(asked, values)
    assert len(made) == 6
    margins = {'digits': 0.01, 'recall': 0.02}
    for finding in made:
        noise = Noise({arm: values[arm, finding.task] for arm in asked.arms})
        difference = noise.difference(finding.arm, 'base')
        assert finding.p == pytest.approx(difference.p())
        assert finding.effect_interval == pytest.approx(difference.interval(0.95))
        assert finding.family_interval == pytest.approx(difference.interval(1 - 0.05 / 6))
        assert finding.detectable == pytest.approx(detectable(difference, 0.05 / 6))
        assert finding.p_equivalent == pytest.approx(min(1, 6 * difference.p_within(margins[finding.task])))
    assert [f.p_adjusted for f in made] == pytest.approx(
        [
            adjusted if abs(f.effect) >= f.margin or f is made[0] else f.p_adjusted
            for f, adjusted in zip(made, holm([f.p for f in made]), strict=True)
        ]
    )


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


@pytest.mark.parametrize('sign', [1, -1])
def test_where_lower_is_better_the_sign_turns(sign):
    """Effects point in the good direction; values and their intervals stay in the metric's own."""
    lower = study(tasks=('stdlib_bytes',))
    arm, base = around(2.0 - sign * 0.3, 0.02, 1), around(2.0, 0.02)
    finding = one(lower, {('arm', 'stdlib_bytes'): arm, ('base', 'stdlib_bytes'): base})
    assert finding.verdict == ('better' if sign > 0 else 'worse')
    assert finding.effect == pytest.approx(sign * 0.3)
    assert (finding.value, finding.base_value) == pytest.approx((arm.mean(), base.mean()))
    assert finding.interval == pytest.approx(stats.t.interval(0.95, 4, arm.mean(), stats.sem(arm)))
    assert finding.effect_interval[0] < finding.effect < finding.effect_interval[1]
    assert finding.effect_interval[0] * sign > 0 or finding.effect_interval[1] * sign > 0


@pytest.mark.parametrize(
    ('arm', 'base', 'said'),
    [
        (0.5, 0.5, 'zero variance: all 5 replicates of both gave the same value, no test is defined'),
        (0.6, 0.5, 'zero variance: all 5 replicates of both gave values a constant apart, no test is defined'),
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
    planned, _ = simulate(asked, World(), seed=0)
    unequal = {('tune', arm, 'digits', 0): planned.asked['tune', arm, 'digits', 0][1:] for arm in ('lost', 'gone')}
    made = told(asked, {('arm', 'digits'): around(0.52, 0.01)}, asked={**planned.asked, **unequal})
    assert [finding.verdict for finding in made[1:]] == ['not comparable'] * 2
    assert made[0].p_adjusted == pytest.approx(3 * made[0].p)


# Over tasks.


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
    made = told(asked, values)
    assert {f.arm: f.overall for f in made} == {'good': 'better', 'mixed': 'undecided'}
    good, mixed = ({f.arm: f for f in made}[name] for name in ('good', 'mixed'))
    assert 5 < good.overall_interval[0] < good.overall_effect < good.overall_interval[1]
    assert mixed.overall_interval[0] < 0 < mixed.overall_interval[1], 'in margins, +20 and -15'


# What else a finding says.


def test_optimism_is_the_tuning_score_less_the_confirmed_one():
    asked = study(tasks=('digits', 'stdlib_bytes'))
    planned, records = simulate(asked, World(), seed=0)
    for finding in findings(Reading(asked, planned, records)):
        sign = task(finding.task).sign
        gaps = []
        for replicate in range(5):
            runs = [records[t.id]['score'] for t in planned.asked['confirm', 'arm', finding.task, replicate]]
            gaps.append(planned.selections['arm', finding.task, replicate].score - sign * np.mean(runs))
        assert finding.optimism == pytest.approx(np.mean(gaps))


def test_the_shared_effect_is_the_arm_at_the_bases_values():
    asked = study()
    planned, records = simulate(asked, World(), seed=0)
    shared = [np.mean([records[t.id]['score'] for t in planned.asked['share', 'arm', 'digits', r]]) for r in range(5)]
    base = [np.mean([records[t.id]['score'] for t in planned.asked['confirm', 'base', 'digits', r]]) for r in range(5)]
    (finding,) = findings(Reading(asked, planned, records))
    assert finding.shared_effect == pytest.approx(np.mean(shared) - np.mean(base))
    assert finding.shared_effect != finding.effect
    theirs = stats.ttest_rel(shared, base).confidence_interval(0.95)
    assert finding.shared_interval == pytest.approx(tuple(theirs))


def test_a_shared_run_that_failed_leaves_no_shared_effect():
    asked = study()
    planned, records = simulate(asked, World(), seed=0)
    trial = planned.asked['share', 'arm', 'digits', 1][0]
    records[trial.id] = {**records[trial.id], 'status': 'failed', 'score': None}
    (finding,) = findings(Reading(asked, planned, records))
    assert (finding.shared_effect, finding.shared_interval, finding.shared_verdict) == (None, None, '')
    assert finding.p is not None, 'the claim stands: its own runs did not fail'


@pytest.mark.parametrize(('effect', 'verdict'), [(0.3, 'better'), (-0.3, 'worse'), (0.0, 'undecided')])
def test_what_one_recipe_for_all_would_have_concluded(effect, verdict):
    """By the same test; the study's own claim is another."""
    asked = study()
    planned, records = simulate(asked, World(noise=0.01, split=0.0, cliff=2.0), seed=1)
    for replicate in range(5):
        for trial in planned.asked['share', 'arm', 'digits', replicate]:
            records[trial.id] = {**records[trial.id], 'score': effect + 0.01 * NOISE[replicate - 2]}
        for trial in planned.asked['share', 'base', 'digits', replicate]:
            records[trial.id] = {**records[trial.id], 'score': 0.01 * NOISE[-1 - replicate]}
    (finding,) = findings(Reading(asked, planned, records))
    assert finding.shared_verdict == verdict
    assert finding.shared_effect == pytest.approx(effect, abs=1e-9)


def test_a_negligible_difference_is_marked_and_an_undecided_one_says_what_it_needs():
    small = one(study(), {('arm', 'digits'): around(0.506, 0.001, 1), ('base', 'digits'): around(0.5, 0.001)})
    assert (small.verdict, small.negligible, small.needed) == ('better', True, None)
    assert small.detectable < 0.006
    large = one(study(), {('arm', 'digits'): around(0.52, 0.03, 1), ('base', 'digits'): around(0.5, 0.03)})
    assert (large.verdict, large.negligible) == ('undecided', False)
    assert large.needed > 5
    assert f'about {large.needed} replicates' in large.reason
    assert large.detectable > 0.02


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


def test_numbers_are_rounded_for_the_page():
    plain = one(study(), {('arm', 'digits'): around(0.5 + 1 / 3000, 0.01)}).to_dict()
    numbers = [value for value in plain.values() if isinstance(value, float)]
    numbers += [end for value in plain.values() if isinstance(value, list) for end in value if isinstance(end, float)]
    assert len(numbers) > 10
    assert all(value == float(f'{value:.6g}') and math.isfinite(value) for value in numbers)


def test_one_more_diverged_run_of_the_better_side_is_counted_at_chance():
    """Of ten runs each: the arm's mean less chance (0.1) over ten runs is what one of them at chance takes away."""
    better = one(study(), {('arm', 'digits'): around(0.7, 0.01, 1), ('base', 'digits'): around(0.5, 0.01)})
    assert better.one_more_diverged == pytest.approx(better.effect - (0.7 - 0.1) / 10)
    worse = one(study(), {('arm', 'digits'): around(0.3, 0.01, 1), ('base', 'digits'): around(0.5, 0.01)})
    assert worse.one_more_diverged == pytest.approx(worse.effect + (0.5 - 0.1) / 10)
    assert one(study(), {('arm', 'digits'): around(0.5, 0.03, 1)}).one_more_diverged is None


def test_an_undecided_finding_says_what_would_decide_it():
    few = one(study(), {('arm', 'digits'): around(0.52, 0.018, 2), ('base', 'digits'): around(0.5, 0.01)})
    assert few.verdict == 'undecided' and few.resolved and few.needed is not None
    said = 'more replicates would be needed' if few.needed <= 5 else f'about {few.needed} replicates would likely decide it'
    assert said in few.reason and few.reason.startswith('+0.02 share of images, adjusted p ')
    never = one(study(), {('arm', 'digits'): around(0.505, 1.0, 1), ('base', 'digits'): around(0.5, 1.0)})
    assert never.needed is None and '; more than 1000 replicates would be needed at this effect; 5 cannot show' in never.reason


def test_what_is_only_described_may_be_left_out():
    asked = study(arms={'base': (), 'arm': ()}, tasks=('digits', 'recall'))
    reading = Reading(asked, *simulate(asked, World(cliff=2.0), seed=0))
    whole, bare = findings(reading), findings(reading, described=False)
    for full, short in zip(whole, bare, strict=True):
        assert (short.lr_sensitivity, short.base_lr_sensitivity, short.optimism, short.base_optimism) == (None,) * 4
        assert (short.needed, short.overall_effect) == (None, None) and full.lr_sensitivity > 0 and full.optimism is not None
        same = ('verdict', 'p', 'p_adjusted', 'effect', 'effect_interval', 'overall', 'detectable', 'value', 'interval')
        assert [getattr(short, name) for name in same] == [getattr(full, name) for name in same]


def test_a_mean_over_datasets_needs_all_of_them():
    asked = study(arms={'base': (), 'arm': ()}, tasks=('digits', 'recall'))
    values = {(arm, name): around(0.5, 0.01, turn) for turn, (arm, name) in enumerate((('arm', 'digits'), ('arm', 'recall')))}
    assert told(asked, values)[0].overall_effect is not None
    still = {**values, ('arm', 'recall'): np.full(5, 0.4), ('base', 'recall'): np.full(5, 0.5)}
    assert told(asked, still)[0].overall_effect is None, 'without a test on a dataset there is no mean'
    unfit = {('tune', 'arm', 'recall', 0): []}
    planned, _ = simulate(asked, World(), seed=0)
    assert told(asked, values, asked={**planned.asked, **unfit})[0].overall_effect is None


def test_sizes_are_ratios_to_the_base_of_the_study():
    asked = study(**path({'base': (), 'a': (), 'b': ()}))
    costs = {arm: {'digits': {'params': count, 'macs': 10 * count}} for arm, count in {'base': 100, 'a': 200, 'b': 300}.items()}
    a, b = told(asked, {('b', 'digits'): around(0.5, 0.01, 2)}, manifest={'costs': costs})
    assert (b.base, b.params, b.params_ratio, b.macs_ratio) == ('a', 300, 3.0, 3.0) and a.params_ratio == 2.0
    del costs['base']
    assert {one.params for one in told(asked, {}, manifest={'costs': costs})} == {None}


def test_one_more_diverged_run_is_one_of_those_that_ended():
    asked = study()
    planned, records = simulate(asked, World(cliff=2.0), seed=0)
    for (phase, arm, _, replicate), trials in planned.asked.items():
        for number, trial in enumerate(trials if phase == 'confirm' else ()):
            score = around(0.7 if arm == 'arm' else 0.5, 0.01, len(arm))[replicate]
            lost = arm == 'arm' and (replicate, number) == (0, 1)
            end = {'status': 'diverged', 'score': None} if lost else {'status': 'ok', 'score': float(score)}
            records[trial.id] = {**records[trial.id], **end}
    (finding,) = findings(Reading(asked, planned, records))
    assert (finding.verdict, finding.diverged, finding.confirmed) == ('better', 1, 10)
    assert finding.one_more_diverged == pytest.approx(finding.effect - (finding.value - 0.1) / 9)
