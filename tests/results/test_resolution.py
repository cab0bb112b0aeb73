"""Resolution: margins that a test split cannot resolve are named beforehand, by what is known or by what is assumed."""

import dataclasses
import math

import pytest
from told_study import study

from ablations.study import task
from results.evidence import findings
from results.resolution import ASSUMED, FROM_RUNS, MEASURED, item_errors, resolutions, small_splits
from results.statistics import Difference, detectable
from results.store.reading import Reading
from sweeps.protocol.simulate import World, simulate

BOTH = study(tasks=(task('digits', margin=0.01), task('stdlib_bytes')))
SIZES = {'digits': 360, 'stdlib_bytes': 512}
LEVEL = 0.05 / 2


def runs(held: str, where: str, errors: list[float], count: int = 100) -> dict[str, dict]:
    """Records of a task, with the standard errors of their scores."""
    about = {'status': 'ok', 'held': held, 'task': where, 'n_held': count}
    return {f'{held} {where} {place}': {**about, 'score_se': error} for place, error in enumerate(errors)}


def test_before_any_run_an_accuracy_is_assumed_and_nothing_else():
    digits, bytes_ = resolutions(BOTH, {}, {}, SIZES)
    assert digits.error == pytest.approx(math.sqrt(2 * 0.9 * 0.1 / 360)) and digits.source == ASSUMED
    assert digits.finds == pytest.approx(detectable(Difference(0.0, digits.error, 359.0), LEVEL))
    assert digits.resolves is False
    assert digits.sentence().startswith(
        'digits: 360 test examples give effects a standard error of up to 2.2 points (assumed: 90 %'
    )
    assert digits.sentence().endswith('; margin 1.0')
    assert (bytes_.examples, bytes_.error, bytes_.finds, bytes_.resolves) == (512, None, None, None)
    assert bytes_.sentence() == 'stdlib_bytes: what its test split can resolve is not known before its first runs'
    told = small_splits([digits, bytes_])
    assert told.startswith('test splits that cannot resolve their margin: digits (360 examples find ') and 'stdlib' not in told
    unknown = resolutions(BOTH, {}, {}, {'digits': None})[0]
    assert (unknown.examples, unknown.resolves) == (None, None)


def test_a_large_test_split_resolves_its_margin():
    digits, _ = resolutions(BOTH, {}, {}, {**SIZES, 'digits': 100_000})
    assert digits.resolves and digits.sentence() == '' and small_splits([digits]) == ''
    assert digits.to_dict()['resolves'] is True and digits.to_dict()['sentence'] == ''


def test_tuning_runs_say_what_examples_vary_by():
    """In any metric; of many runs the middle of the better half, and never what was seen on test data."""
    records = runs('tuning', 'stdlib_bytes', [0.5, 0.03, 0.02, 0.04, 0.9]) | runs('test', 'digits', [9.0], count=359)
    digits, bytes_ = resolutions(BOTH, records, {}, SIZES)
    assert bytes_.error == pytest.approx(math.sqrt(2 * 0.03**2 * 100 / 512)) and bytes_.source == FROM_RUNS
    assert (digits.examples, digits.source) == (359, ASSUMED), 'how many were scored is known then'


def test_records_of_single_examples_say_it_best():
    full = Reading(study(), *simulate(study(), World(height=0.9, noise=0.01, cliff=2.0, fixed=360, liking=0.1), seed=3))
    errors = item_errors(full, full.study.tasks[0])
    assert errors == [finding.test_split_error for finding in findings(full)]
    (digits,) = resolutions(full.study, {}, {}, SIZES, {'digits': max(errors)})
    assert (digits.error, digits.source) == (max(errors), MEASURED)
    bare = {key: {name: v for name, v in one.items() if name != 'item_scores'} for key, one in full.records.items()}
    assert item_errors(dataclasses.replace(full, records=bare), full.study.tasks[0]) == []


@pytest.mark.parametrize(
    ('changed', 'examples'),
    [({}, 99), ({'status': 'diverged'}, 360), ({'task': None}, 360), ({'n_held': None}, 360), ({'n_held': 0}, 360)],
)
def test_records_that_say_nothing_of_the_split_are_left_out(changed, examples):
    asked = study(tasks=(task('digits', margin=0.01),))
    (one,) = resolutions(asked, {'a': {**runs('test', 'digits', [0.1], 99)['test digits 0'], **changed}}, {}, SIZES)
    assert (one.examples, one.source) == (examples, ASSUMED)


def test_of_the_variances_of_single_examples_the_middle_of_the_better_half_counts():
    """Of one it is that, of four the second; runs without an error of their score tell none."""
    for errors, middle in (([0.5], 0.5), ([0.5, 0.3, 0.4], 0.3), ([0.5, 0.3, 0.4, 0.2], 0.3), ([None, 0.4], 0.4)):
        _, bytes_ = resolutions(BOTH, runs('tuning', 'stdlib_bytes', errors), {}, SIZES)
        assert bytes_.error == pytest.approx(math.sqrt(2 * middle**2 * 100 / 512))
    digits, _ = resolutions(BOTH, runs('tuning', 'digits', [0.02]), {}, SIZES, {'digits': 0.003})
    assert (digits.error, digits.source) == (0.003, MEASURED), 'what was measured goes before what is foretold'


def test_one_test_example_or_an_effect_without_error_finds_nothing():
    one, none = (resolutions(BOTH, {}, {}, {'digits': size})[0] for size in (1, 0))
    assert one.error > 0 and one.finds is None and one.resolves is None
    assert (none.error, none.source, none.resolves) == (None, '', None)
    exact = resolutions(BOTH, {}, {}, SIZES, {'digits': 0.0})[0]
    assert (exact.error, exact.source, exact.finds) == (0.0, MEASURED, None)


def test_an_effect_of_just_the_margin_is_resolved():
    digits, bytes_ = resolutions(BOTH, runs('tuning', 'stdlib_bytes', [0.5]), {}, SIZES)
    assert dataclasses.replace(digits, finds=0.01).resolves and not dataclasses.replace(digits, finds=0.0101).resolves
    assert bytes_.resolves is False and ' nats per byte (from the spread within tuning runs' in bytes_.sentence()
    assert small_splits([digits, bytes_]).count('examples find') == 2
