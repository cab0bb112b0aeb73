"""Effects on fixed items: the error of the test split enters whatever is said of an effect, and nothing where it is unknown."""

import dataclasses
import functools

import numpy as np
import pytest
from told_study import study

from ablations.shapes import factorial
from ablations.study import swap
from results.doubts import doubts
from results.evidence import findings
from results.factorial import factorials
from results.family import PValues, adjusted
from results.finding import Finding
from results.looks import looks_of
from results.noise import Noise
from results.report.sentences import sentence
from results.runs import Runs
from results.side import Side
from results.store.item_scores import unpacked
from results.store.reading import Reading
from results.store.records import ITEMS
from results.tables.notes import note
from sweeps.protocol.simulate import World, simulate

FIXED = World(height=0.9, curvature=0.05, noise=0.01, split=0.01, cliff=2.0, fixed=360, liking=0.05)


@functools.cache
def reading(**fields: object) -> Reading:
    """A study of a world with a fixed test split; it shares, so that every arm has two sides."""
    asked = study(arms=dict.fromkeys(('base', 'a', 'b', 'c'), ()), **fields)
    return Reading(asked, *simulate(asked, FIXED, seed=3))


def without(full: Reading) -> Reading:
    """The same as recorded by an older version."""
    bare = {key: {name: v for name, v in record.items() if name != ITEMS} for key, record in full.records.items()}
    return dataclasses.replace(full, records=bare)


def noise_of(full: Reading, look: int = 5, phase: str = 'confirm') -> Noise:
    task = full.study.tasks[0]
    sides = {arm: Side(full, arm, task) for arm in full.study.arms}
    items = {arm: side.items(phase)[:look] for arm, side in sides.items()}
    return Noise({arm: side.confirmed(phase)[:look] for arm, side in sides.items()}, items)


def test_a_simulated_record_holds_what_its_score_is_the_mean_of():
    for record in reading().records.values():
        assert (ITEMS in record) == (record['held'] == 'test')
        if ITEMS in record:
            assert unpacked(record[ITEMS]).mean() == pytest.approx(record['score'], abs=1e-4)


def test_items_of_replicates_are_means_over_seeds():
    full = reading()
    runs = Runs(full, 'a', full.study.tasks[0])
    items = runs.items()
    assert items.shape == (5, 360)
    np.testing.assert_allclose(items.mean(1), runs.confirmed(), atol=1e-4)
    own = [unpacked(record[ITEMS]) for record in runs.records_of(runs.asked('confirm', 2))]
    assert len(own) == 2
    np.testing.assert_allclose(items[2], np.mean(own, 0), rtol=1e-6)


def test_runs_that_diverged_enter_no_items():
    full = reading()
    runs = Runs(full, 'a', full.study.tasks[0])
    lost = {trial.id for trial in (*runs.asked('confirm', 1)[:1], *runs.asked('confirm', 3))}
    records = {
        key: {**one, 'status': 'diverged', 'score': None, ITEMS: None} if key in lost else one
        for key, one in full.records.items()
    }
    items = Runs(dataclasses.replace(full, records=records), 'a', full.study.tasks[0]).items()
    left = full.records[runs.asked('confirm', 1)[1].id]
    np.testing.assert_allclose(items[1], unpacked(left[ITEMS]), rtol=1e-6)
    assert np.isnan(items[3]).all() and np.isfinite(items[[0, 2, 4]]).all()


def test_every_number_about_an_effect_has_the_error_of_the_items():
    full = reading()
    made, noise, shared = findings(full), noise_of(full), noise_of(full, phase='share')
    for finding in made:
        difference, recipe = noise.difference(finding.arm, 'base'), shared.difference(finding.arm, 'base')
        assert finding.effect == pytest.approx(difference.effect)
        assert finding.test_split_error == difference.items.error > 0
        assert finding.effect_interval == difference.interval(0.95)
        assert finding.shared_interval == recipe.interval(0.95) and recipe.items.error > 0
        assert finding.p == difference.p() > difference.alone.p()
        within = adjusted({('x', 'y'): PValues(p_within=difference.p_within(0.01))}, 3, 0.05)
        assert finding.p_equivalent == pytest.approx(within['x', 'y'].p_within)


@pytest.mark.parametrize('lacking', ['all', 'one'])
def test_records_without_items_give_the_findings_they_always_gave(lacking):
    """Also where one confirmation of the arm lacks them: half known is not known."""
    full = reading()
    if lacking == 'all':
        effects = findings(without(full))
    else:
        gone = {Runs(full, arm, full.study.tasks[0]).asked('confirm', 4)[0].id for arm in full.study.arms}
        records = {key: without(full).records[key] if key in gone else one for key, one in full.records.items()}
        effects = findings(dataclasses.replace(full, records=records))
    noise = noise_of(full)
    for finding in effects:
        difference = noise.difference(finding.arm, 'base')
        assert finding.test_split_error is None
        assert finding.effect_interval == difference.alone.interval(0.95)
        assert finding.p == difference.alone.p()


def test_each_look_has_the_items_of_its_replicates():
    full = reading(looks=(3, 5), replicates=5)
    looks = looks_of(full.study, {})
    for finding in findings(full):
        taken = [look for look in (3, 5) if look <= finding.replicates]
        ps = [looks.worth(noise_of(full, look).difference(finding.arm, 'base').p(), look) for look in taken]
        assert finding.p == pytest.approx(min(ps))


def test_effects_of_factors_have_it_too():
    shape = factorial(
        {'norm': {'layer': (), 'rms': swap('norm', 'rms_norm')}, 'gate': {'no': (), 'yes': swap('norm', 'identity')}}
    )
    asked = study(**shape)
    full = Reading(asked, *simulate(asked, FIXED, seed=4))
    ((made,), (bare,)) = (factorials(one, asked.levels) for one in (full, without(full)))
    assert len(made.effects) == 3
    for one, other in zip(made.effects, bare.effects, strict=True):
        assert one.difference.alone == other.difference and one.difference.items.error > 0
        assert one.interval[0] < other.interval[0] and one.p > other.p


def test_what_no_number_of_replicates_can_decide_is_said():
    loud = dataclasses.replace(FIXED, liking=0.5)
    asked = study()
    (finding,) = findings(Reading(asked, *simulate(asked, loud, seed=1)))
    assert (finding.verdict, finding.needed, finding.resolved) == ('undecided', None, False)
    assert 'no number of replicates would decide it at this effect: the test split has an error of 0.0' in finding.reason
    assert finding.reason.endswith('; no number of them can show equivalence within the margin at this noise')
    assert 'no number of replicates would likely decide it' in sentence(finding)
    assert 'The test split alone gives this effect a standard error of' in sentence(finding)
    (bare,) = findings(without(Reading(asked, *simulate(asked, loud, seed=1))))
    assert bare.resolved and 'no number' not in bare.reason


def test_a_table_says_whether_effects_hold_it():
    made, bare = findings(reading()), findings(without(reading()))
    largest = max(finding.test_split_error for finding in made)
    assert f'Errors of effects include that of the test split, at most: digits {100 * largest:.1f} points.' in note(made)
    absent = 'The sampling error of the test split is part of no effect: records do not hold what single examples scored.'
    assert absent in note(bare) and absent not in note(made)
    mixed = [*made, *(dataclasses.replace(finding, task='other') for finding in bare)]
    assert absent.replace('effect:', 'effect on other:') in note(mixed)
    nothing = [Finding('s', 'a', 'base', 'digits', 'digits', 'accuracy', 'share', 'higher', 0.01)]
    assert 'test split' not in note(nothing)


def test_a_split_too_small_for_its_margin_is_named_with_the_error_of_effects():
    loud = dataclasses.replace(FIXED, liking=0.25)
    full = Reading(study(), *simulate(study(), loud, seed=1))
    error = findings(full)[0].test_split_error
    assert error > 0.01
    (told,) = doubts(full)
    assert told.startswith(
        f'digits: the test split alone gives effects a standard error of up to {100 * error:.1f}, more than the'
    )
    assert not any('test split' in one for one in doubts(reading()))
