"""Evidence: what half-finished studies show, and looks that share the error rate."""

import dataclasses
import json

import numpy as np
import pytest
from told_study import around, one, study

from ablations.shapes import factorial
from ablations.study import Study
from ablations.tasks import task
from results.evidence import Finding, claim_level, findings
from results.looks import ENTRY, Looks, looks_of
from results.noise import Noise
from results.sequential import levels, shares_of
from results.store.reading import Reading
from results.student_looks import student_levels
from sweeps.protocol.plan import schedule
from sweeps.protocol.simulate import World, simulate, simulated_record


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
        planned = schedule(asked, records, {})
        made = findings(Reading(asked, planned, records))
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
            if not planned.complete:
                assert (finding.verdict, finding.overall) == ('undecided', 'undecided')
                assert finding.reason == 'unfinished: not all runs of the first look are recorded'
                assert (finding.p, finding.p_adjusted, finding.p_equivalent) == (None, None, None)
    last = findings(Reading(asked, schedule(asked, stages[-1], {}), stages[-1]))
    assert all(finding.p is not None for finding in last)
    tuned = findings(Reading(asked, schedule(asked, stages[2], {}), stages[2]))
    assert all(finding.diverged_share == 0.0 and finding.value is None for finding in tuned)


def test_a_finished_task_of_an_unfinished_study_shows_its_values():
    asked = study(tasks=('digits', 'recall'))
    planned, records = simulate(asked, World(), seed=0)
    of_digits = {t.id: records[t.id] for t in planned.trials if t.task == 'digits'}
    digits, recall = findings(Reading(asked, schedule(asked, of_digits, {}), of_digits))
    assert digits.value is not None
    assert digits.effect is not None
    assert (digits.p, digits.verdict, recall.value) == (None, 'undecided', None)


def _p(wanted: float) -> np.ndarray:
    """Values whose p against the others' is `wanted`."""
    low, high, base = 0.5, 0.7, around(0.5, 0.02)
    for _ in range(60):
        middle = (low + high) / 2
        p = Noise({'base': base, 'arm': around(middle, 0.02, 1)}).difference('arm', 'base').p()
        low, high = (middle, high) if p > wanted else (low, middle)
    return around(low, 0.02, 1)


def _design(*looks: int) -> dict:
    return {'looks': list(looks), 'shares': list(shares_of(looks)), 'alpha': 0.05}


LAST = levels((3, 5), shares_of((3, 5)), 0.05)[-1]


@pytest.mark.parametrize(
    ('looks', 'manifest', 'p', 'verdict'),
    [
        ((5,), {}, 0.04, 'better'),
        ((5,), {'looks': [5], 'design': _design(5)}, 0.04, 'better'),
        ((3, 5), {}, LAST * 1.05, 'undecided'),
        ((3, 5), {}, LAST * 0.95, 'better'),
        ((3, 5), {'looks': [3, 5], 'design': _design(3, 5)}, LAST * 0.95, 'better'),
        ((2, 3, 4, 5), {}, LAST * 0.95, 'undecided'),
        # What was declared after the first read claims nothing, however small p is there.
        ((2, 5), {'looks': [2], 'design': _design(2)}, 0.001, 'undecided'),
        ((5,), {'looks': [3, 5], 'design': _design(3, 5)}, LAST * 1.05, 'undecided'),
        ((5,), {'looks': [3, 5], 'design': _design(3, 5)}, LAST * 0.95, 'better'),
    ],
)
def test_looks_share_the_error_rate(looks, manifest, p, verdict):
    values = {('arm', 'digits'): _p(p), ('base', 'digits'): around(0.5, 0.02)}
    early = Noise({'arm': values['arm', 'digits'][:3], 'base': values['base', 'digits'][:3]}).difference('arm', 'base').p()
    finding = one(study(looks=looks), values, manifest=manifest)
    assert finding.verdict == verdict
    if looks == (5,) and len(manifest.get('looks', [])) < 2:
        assert finding.p == pytest.approx(p, rel=1e-3)
    assert early > 0.01, 'the first three replicates alone claim nothing'


def test_shares_are_the_studys():
    early = {
        ('arm', 'digits'): np.array([0.6, 0.62, 0.61, 0.5, 0.5]),
        ('base', 'digits'): np.array([0.5, 0.51, 0.515, 0.51, 0.5]),
    }
    assert one(study(looks=(3, 5), shares=(0.9, 0.1)), early).verdict == 'better'
    assert one(study(looks=(3, 5), shares=(0.001, 0.999)), early).verdict == 'undecided'


def test_what_an_early_look_claimed_stands():
    values = {('arm', 'digits'): np.array([0.7, 0.7001, 0.7002, 0.1, 0.1]), ('base', 'digits'): np.full(5, 0.5)}
    finding = one(study(looks=(3, 5)), values)
    assert (finding.verdict, finding.decided_at) == ('better', 3)
    assert finding.effect < 0, 'what all replicates say is shown beside it'


def test_an_early_look_reads_its_own_replicates_only():
    asked = study(looks=(3, 5))
    plan, records = simulate(asked, World(), seed=0)
    early = {t.id: records[t.id] for t in plan.trials if t.replicate < 3}
    planned = schedule(asked, early, {})
    assert (planned.look, planned.complete) == (3, False)
    (finding,) = findings(Reading(asked, planned, early))
    assert finding.replicates == 3
    assert finding.p is not None
    (late,) = findings(Reading(asked, plan, records))
    assert late.replicates == 5


@pytest.mark.parametrize(('alpha', 'verdict'), [(0.05, 'better'), (0.01, 'undecided')])
def test_alpha_is_the_studys(alpha, verdict):
    values = {('arm', 'digits'): _p(0.03), ('base', 'digits'): around(0.5, 0.02)}
    assert one(study(alpha=alpha), values).verdict == verdict


@pytest.mark.parametrize(
    ('fields', 'manifest', 'level'),
    [
        ({}, {}, 0.05),
        ({'alpha': 0.1, 'looks': (3, 5)}, {}, 0.1),
        ({'alpha': 0.1}, {'design': _design(5)}, 0.05),
        (factorial({'a': {'x': (), 'y': ()}, 'b': {'u': (), 'v': ()}}), {}, 0.025),
    ],
    ids=['one', 'looks are in the p-values', 'frozen', 'factorial'],
)
def test_the_error_rate_is_shared_with_the_effects_of_a_factorial(fields, manifest, level):
    assert claim_level(study(**fields), manifest) == pytest.approx(level)


def test_many_looks_have_the_levels_of_t_statistics_and_looks_that_were_frozen_keep_theirs():
    few, many = study(replicates=5, looks=(3, 4, 5)), study(replicates=6, looks=(3, 4, 5, 6))
    assert not looks_of(few, {}).student and 'student' not in looks_of(few, {}).to_dict()
    made = looks_of(many, {})
    assert made.worth(student_levels(many.looks, shares_of(many.looks), 0.05)[-1], 6) == pytest.approx(0.05, rel=0.01)
    assert looks_of(many, {ENTRY: made.to_dict()}) == made
    before = {name: value for name, value in made.to_dict().items() if name != 'student'}
    frozen = looks_of(many, {ENTRY: before})
    assert frozen.worth(levels(many.looks, shares_of(many.looks), 0.05)[-1], 6) == pytest.approx(0.05, rel=0.01)


def test_levels_are_those_of_normal_statistics_unless_told():
    many, shares = (2, 3, 4, 5), shares_of((2, 3, 4, 5))
    looks, student = Looks(many, shares, 0.05), Looks(many, shares, 0.05, student=True)
    assert looks.worth(levels(many, shares, 0.05)[-1], 5) == pytest.approx(0.05, rel=1e-3)
    assert student.worth(student_levels(many, shares, 0.05)[-1], 5) == pytest.approx(0.05, rel=1e-2)
    assert student.worth(0.03, 5) > 1.02 * looks.worth(0.03, 5)
    assert student.to_dict()['student'] and looks.to_dict() == {'looks': [*many], 'shares': [*shares], 'alpha': 0.05}


@pytest.mark.parametrize(('recorded', 'taken'), [(0, ()), (2, ()), (3, (3,)), (4, (3,)), (5, (3, 5)), (9, (3, 5))])
def test_looks_are_taken_once_their_replicates_are_there(recorded, taken):
    assert Looks((3, 5), (0.36, 0.64), 0.05).until(recorded) == taken


@pytest.mark.parametrize('p', [0.001, 0.02, 0.2, 0.49])
def test_a_one_sided_p_value_is_worth_half_of_a_two_sided_one(p):
    looks = Looks((3, 5), (0.36, 0.64), 0.05)
    assert looks.worth_one_sided(p, 5) == looks.worth(2 * p, 5) / 2
    assert looks.worth_one_sided(1 - p, 5) == 1 - p and looks.worth_one_sided(0.5, 3) == 0.5
    assert looks.worth_one_sided(None, 3) is None and looks.worth(None, 3) is None


def test_a_study_read_at_another_look_than_was_declared_claims_nothing():
    """Only the look at five was declared when findings were read first; three replicates are recorded."""
    asked = study(looks=(3, 5))
    plan, records = simulate(asked, World(), seed=0)
    early = {t.id: records[t.id] for t in plan.trials if t.replicate < 3}
    reading = Reading(asked, schedule(asked, early, {}), early, {ENTRY: _design(5)})
    (finding,) = findings(reading)
    assert (finding.verdict, finding.p, finding.reason) == (
        'undecided',
        None,
        'no declared look is complete, so nothing is tested',
    )
    assert finding.effect is not None and finding.effect_interval is not None
