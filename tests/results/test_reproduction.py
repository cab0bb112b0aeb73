"""Reproduction: two trainings of a study beside each other, finding by finding and trial by trial."""

import dataclasses
import math

import pytest
from told_study import DIGITS, study

from results.evidence import findings
from results.reproduction import Pair, Trials, environment_differences, pairs, trials
from results.store.reading import Reading
from sweeps.protocol.simulate import World, simulate

ASKED = study(tasks=(DIGITS,))
SCHEDULE, RECORDS = simulate(ASKED, World(noise=0.01, cliff=2.0), seed=0)


class Whole(dict):
    """Records as a folder gives them: whole on demand."""

    def whole(self, name: str) -> dict:
        return self[name]


def reading(records: dict | None = None, **changes: object) -> Reading:
    known = RECORDS if records is None else records
    full = {key: {'diverged_at': None, 'curve': {'score': [record['score']]}, **record} for key, record in known.items()}
    return Reading(ASKED, SCHEDULE, Whole({key: {**record, **changes.get(key, {})} for key, record in full.items()}))


ALL = reading()
IDS = [trial.id for trial in SCHEDULE.trials]
FINDINGS = findings(ALL)


def pair(now: list, before: list = FINDINGS, other: Reading = ALL) -> Pair:
    (made,) = pairs(ALL, other, before, now)
    return made


def test_the_same_findings_are_the_same():
    made = pair(FINDINGS)
    assert (made.difference, made.distance, made.holds) == (0.0, 0.0, True) and made.error > 0
    assert made.sentence().startswith('same  arm on digits: published ') and ' standard errors apart; ' in made.sentence()
    (one,) = FINDINGS
    other = dataclasses.replace(one, verdict='better')
    assert pair([other]).sentence().endswith(f'; {one.verdict}, now better') and pair([other]).holds, 'words are no numbers'


@pytest.mark.parametrize(('errors', 'holds'), [(2.9, True), (3.1, False), (-2.9, True), (-3.1, False)])
def test_findings_may_lie_three_standard_errors_apart(errors, holds):
    (one,) = FINDINGS
    moved = dataclasses.replace(one, effect=one.effect + errors * pair(FINDINGS).error)
    made = pair([moved])
    assert made.distance == pytest.approx(abs(errors)) and made.holds is holds
    assert made.difference == pytest.approx(errors * made.error), 'now less published'
    assert made.sentence().startswith('same' if holds else 'differs')


def test_a_finding_of_one_side_alone_differs_and_two_without_an_effect_are_the_same():
    (one,) = FINDINGS
    gone, new = pair([]), pair(FINDINGS, [])
    assert (gone.published, gone.now, gone.holds, gone.verdict) == (one.effect, None, False, 'not found')
    assert (new.published, new.now, new.holds, new.published_verdict) == (None, one.effect, False, 'not published')
    assert gone.sentence().endswith(f'now none; {one.verdict}, now not found')
    none = [dataclasses.replace(one, effect=None)]
    assert pair(none, none).holds and not pair(none).holds and not pair(FINDINGS, none).holds
    assert not pair(none, []).holds and not pair([], none).holds, 'nothing at all is not the same as no effect'
    assert pair(none, none).sentence() == f'same  arm on digits: published none, now none; {one.verdict}'


def test_without_noise_only_the_same_effect_holds_and_unknown_noise_judges_nothing():
    still = {trial.id: {'score': 0.5} for trial in SCHEDULE.trials}
    flat, (one,) = reading(**still), FINDINGS
    given = [dataclasses.replace(one, effect=0.0)]
    (same,) = pairs(flat, flat, given, given)
    (other,) = pairs(flat, flat, given, [dataclasses.replace(one, effect=1e-9)])
    assert (same.error, same.distance, same.holds) == (0.0, 0.0, True)
    assert (other.distance, other.holds) == (math.inf, False)
    (unknown,) = pairs(reading({}), ALL, FINDINGS, given)
    assert (unknown.error, unknown.distance, unknown.holds) == (
        None,
        None,
        True,
    ) and 'noise not known apart' in unknown.sentence()


def test_trials_with_the_same_bits():
    made = trials(ALL, ALL)
    assert (made.shared, made.same, made.near, made.far, made.missing) == (len(IDS), len(IDS), 0, (), 0)
    assert made.judged and made.agree
    assert made.sentences() == [f'{len(IDS)} trials were trained by both: {len(IDS)} gave the same bits, 0 did not']


SCORE = RECORDS[IDS[0]]['score']


@pytest.mark.parametrize(
    ('changed', 'tolerance', 'near'),
    [
        ({'score': SCORE + 0.01}, None, 0),
        ({'score': SCORE + 0.01}, 0.02, 1),
        ({'score': SCORE - 0.01}, 0.02, 1),
        ({'score': SCORE + 0.01}, 0.005, 0),
        ({'curve': {'score': [0.0]}}, None, 0),
        ({'curve': {'score': [0.0]}}, 0.0, 0),
        ({'curve': {'score': [0.0]}}, 1e-9, 1),
        ({'diverged_at': 3}, 1e-9, 1),
        ({'status': 'diverged', 'score': None}, 1e9, 0),
        ({'status': 'diverged'}, 1e9, 0),
        ({'score': None}, 1e9, 0),
    ],
)
def test_a_trial_that_ended_otherwise(changed, tolerance, near):
    made = trials(ALL, reading(**{IDS[0]: changed}), tolerance)
    assert (made.same, made.near, len(made.far)) == (len(IDS) - 1, near, 1 - near)
    assert made.judged and made.agree is bool(near)
    if near:
        assert ', 1 within the tolerance, 0 did not' in made.sentences()[0]
    else:
        first = SCHEDULE.trials[0]
        told = f"differs  trial {IDS[0]} of arm '{first.arm}' on 'digits' ({first.phase}): ok {SCORE} and "
        assert made.sentences()[1].startswith(told)


def test_another_processor_is_judged_only_by_a_tolerance():
    """Where most trials have other bits, whole runs drift apart: single ones say nothing."""
    half = IDS[: len(IDS) // 2]
    moved = {key: {'score': RECORDS[key]['score'] + 0.1} for key in half}
    made = trials(ALL, reading(**moved))
    assert len(made.far) == len(half) and not made.judged and made.agree
    assert made.sentences()[1:] == [
        'other processors and versions round differently, and whole runs then drift apart: findings are compared, '
        'single trials only by --tolerance'
    ]
    assert trials(ALL, reading(**moved), 0.05).judged and not trials(ALL, reading(**moved), 0.05).agree
    assert trials(ALL, reading(**{key: moved[key] for key in half[1:]})).judged, 'one more than half has the same bits'


def test_trials_that_are_not_recorded_or_failed_are_missing():
    some = {key: record for key, record in RECORDS.items() if key not in IDS[:2]}
    made = trials(ALL, reading(some, **{IDS[2]: {'status': 'failed'}}))
    assert (made.shared, made.missing, made.agree) == (len(IDS) - 2, 3, False)
    assert made.sentences()[-1] == 'missing  3 planned trials are not recorded or failed'
    assert trials(reading(some), ALL).missing == 0 and trials(reading(some), ALL).shared == len(IDS) - 2
    assert not Trials(0, 0, 0, (), 0, False).sentences()[1:]


def test_environments_are_compared_entry_by_entry():
    old = {'platform': 'cpu', 'versions': {'jax': '1', 'numpy': '2'}, 'gone': True}
    new = {'platform': 'cpu', 'versions': {'jax': '3', 'numpy': '2'}, 'here': 8}
    before, after = (reading(**{key: {'environment': given} for key in IDS}) for given in (old, new))
    assert environment_differences(before, after) == [
        'gone: published True, now None',
        'here: published None, now 8',
        'versions.jax: published 1, now 3',
    ]
    some = Whole({**before.records, IDS[0]: {**before.records[IDS[0]], 'environment': None}})
    mixed = dataclasses.replace(before, records=some)
    assert environment_differences(before, mixed) == []
    both = Whole({**before.records, IDS[0]: after.records[IDS[0]]})
    told = environment_differences(before, dataclasses.replace(before, records=both))
    assert 'versions.jax: published 1, now 1, 3' in told


def test_a_distance_of_just_the_tolerance_is_within_it():
    moved = reading(**{IDS[0]: {'score': SCORE + 0.01}})
    off = abs(SCORE - (SCORE + 0.01))
    assert trials(ALL, moved, off).near == 1 and trials(ALL, moved, math.nextafter(off, 0)).near == 0
