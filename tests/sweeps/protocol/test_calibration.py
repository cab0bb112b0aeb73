"""Calibration in small: on identical arms the lab does not claim, and what is planted it finds; and the counting is right.

Worlds with a known truth go through the same plan, selection and evidence as real runs do. `archlab calibrate` does it at
length.
"""

import contextlib
import dataclasses
import functools
import json
import math
import os
import types

import numpy as np
import pytest

from ablations.trial import TEST, TUNING
from results.calibration import limit, markdown, shortfalls, table_of, to_dict
from results.evidence import findings
from results.regret import regrets
from results.store.reading import Reading
from sweeps.protocol import calibrate, tally
from sweeps.protocol.calibrate import conclusions_of
from sweeps.protocol.cells import DEVIATION, FORMS, PARTS, PLANTED, REPLICATES, SIZES, Cell
from sweeps.protocol.false_words import _overall, false_words, held
from sweeps.protocol.rough_worlds import ROUGH, VERY_ROUGH
from sweeps.protocol.simulate import Hill, World, simulate
from sweeps.protocol.world_studies import Conclusion, conclusion_of, study_of
from sweeps.protocol.worlds import ARMS, BEYOND, FLAT, MORE, WORLDS

STUDIES = 20


@functools.cache
def _seen(name: str) -> list[Conclusion]:
    return [conclusion_of(number, WORLDS[name], {}) for number in range(STUDIES)]


@pytest.mark.parametrize(
    'name',
    ['plain', *(pytest.param(name, marks=pytest.mark.slow) for name in ('edge', 'below', 'one loud arm'))],
)
def test_arms_of_equal_worth_are_seldom_told_apart(name):
    """Of 20 studies at 5 % more than three claim with a chance of 2 %; the studies are fixed by their numbers."""
    claimed = [number for number, seen in enumerate(_seen(name)) if seen.claims]
    assert len(claimed) <= 3, f'studies {claimed} of {STUDIES} claim a difference between arms of equal worth'


def test_a_loss_of_three_replicate_deviations_is_found():
    deviation = np.sqrt(np.mean([np.var(seen.values['base'], ddof=1) for seen in _seen('plain')]))
    conclusions = [conclusion_of(100 + number, World(top={'third': -3 * deviation}), {}) for number in range(STUDIES // 2)]
    assert sum(seen.claims.get('third') == 'worse' for seen in conclusions) >= 7
    assert sum(any(arm != 'third' for arm in seen.claims) for seen in conclusions) <= 2


@pytest.mark.parametrize('direction', [1, -1])
def test_the_found_effect_is_the_planted_one(direction):
    """Over studies the effects average to the truth: no side is favoured, neither is the base."""
    effects = [conclusion_of(number, World(top={'second': direction * 0.3}), {}).effects['second'] for number in range(8)]
    assert abs(np.mean(effects) - direction * 0.3) < 4 * np.std(effects) / math.sqrt(len(effects))


def test_the_surface_loses_less_than_the_best_trial():
    pairs = np.array([pair for seen in _seen('plain') for pair in seen.regrets])
    assert pairs.min() >= 0 and STUDIES * 22 < len(pairs) <= STUDIES * 25
    assert pairs[:, 0].mean() < pairs[:, 1].mean() / 2


def test_an_optimum_past_every_extension_is_censored():
    world = World(optimum=(3.0, 0.4), cliff=9.0, noise=0.02)
    study = study_of(0, world)
    for finding in findings(Reading(study, *simulate(study, world, 0))):
        assert finding.verdict == 'not comparable' and finding.reason.startswith('censored')


def test_a_value_that_does_not_matter_is_not_censored():
    seen = [conclusion_of(number, WORLDS['decay idle'], {'looks': (5,), 'arms': 3}) for number in range(6)]
    assert not any(one.censored for one in seen)


def test_a_hill_falls_as_declared():
    hill = Hill(
        height=1.0, optimum=(0.5, 0.25), curvature=(2.0, 4.0), skew=3.0, cliff=0.3, shift={'sgd': -0.1}, move={'sgd': 0.2}
    )
    assert hill.truth('adamw', [0.5, 0.25]) == 1.0
    assert hill.truth('adamw', [0.4, 0.25]) == pytest.approx(1 - 2 * 0.01)
    assert hill.truth('adamw', [0.6, 0.35]) == pytest.approx(1 - 2 * 0.01 * 3 - 4 * 0.01)
    assert hill.truth('adamw', [0.81, 0.25]) is None
    assert hill.truth('sgd', [0.7, 0.25]) == pytest.approx(0.9)
    assert Hill(depth=0.3, curvature=100.0).truth('adamw', [0.0, 0.0]) == pytest.approx(-0.3, abs=1e-6)


def test_noise_is_that_of_the_world():
    world = World(hills={'second': Hill(noise=0.2, curvature=0.0, cliff=9.0)}, noise=0.05, curvature=0.0, split=0.0, cliff=9.0)
    study = study_of(0, world)
    schedule, records = simulate(study, world, 0)
    for arm, noise in (('base', 0.05), ('second', 0.2)):
        scores = [records[trial.id]['score'] for trial in schedule.trials if trial.arm == arm]
        assert np.std(scores) == pytest.approx(noise, rel=0.25)


def test_a_split_does_the_same_to_all_runs_of_a_replicate_and_suits_each_arm_on_its_own():
    calm = {'noise': 0.0, 'curvature': 0.0, 'cliff': 9.0}
    for world, alike in ((World(split=0.1, **calm), True), (World(split=0.0, suits=0.1, **calm), False)):
        study = study_of(0, world)
        schedule, records = simulate(study, world, 0)
        scores_of = {}
        for trial in schedule.trials:
            scores_of.setdefault((trial.arm, trial.replicate), set()).add(records[trial.id]['score'])
        assert all(len(scores) == 1 for scores in scores_of.values())
        by_arm = [[scores_of[arm, replicate] for replicate in range(5)] for arm in study.arms]
        assert all(len(set(map(tuple, row))) == 5 for row in by_arm)
        assert (by_arm[0] == by_arm[1]) == alike


@pytest.mark.slow
def test_tuned_procedures_are_made_worth_the_same():
    world = World(hills={'second': Hill(height=0.5, curvature=4.0)})
    added = calibrate.levels_of(world, 20)
    assert added['second'] < -0.4 and added.keys() <= {*ARMS, *MORE}
    conclusions = conclusions_of(dataclasses.replace(world, top=added), 20, 1000)
    effects = [seen.effects['second'] for seen in conclusions]
    assert abs(np.mean(effects)) < 5 * np.std(effects) / math.sqrt(20)
    assert calibrate.levels_of(WORLDS['plain'], 20) == {}


def test_studies_are_the_same_in_one_process_and_in_several():
    small = {'trials': 4, 'replicates': 2, 'arms': 2}
    alone = [conclusion_of(number, WORLDS['quiet'], small) for number in range(22)]
    assert conclusions_of(WORLDS['quiet'], 22, fields=small) == alone
    with calibrate._crew() as crew:
        assert conclusions_of(WORLDS['quiet'], 22, fields=small, crew=crew) == alone


def test_the_usual_protocol_claims_more_than_the_lab():
    seen = [conclusion_of(number, WORLDS['quiet'], {}) for number in range(10)]
    assert sum(bool(one.usual) for one in seen) >= 3 > sum(bool(one.claims) for one in seen)
    assert all(set(one.bare) >= set(one.usual) for one in seen)


def test_the_usual_protocol_compares_five_fresh_seeds_of_the_best_trial():
    asked = []

    @dataclasses.dataclass(frozen=True)
    class Watched(World):
        def scores(self, study, trials, seed):
            asked.append(trials)
            return super().scores(study, trials, seed)

    conclusion_of(0, Watched(), {'trials': 4, 'replicates': 2, 'arms': 2})
    fresh = [trials for trials in asked if {trial.seed for trial in trials} == set(range(1_000_000, 1_000_005))]
    assert [{(trial.arm, trial.knobs) for trial in trials} for trials in fresh] == [{(t[0].arm, t[0].knobs)} for t in fresh]
    assert [trials[0].arm for trials in fresh] == ['base', 'second'] and {t.held for one in fresh for t in one} == {TEST}


def test_allowed_claims_are_those_of_the_promise():
    assert limit(2000) == 113
    assert limit(100) == 7


def _facts(part: str = 'cover', name: str = 'a storm, 3 replicates', **row: object) -> dict:
    told = tally.new(Cell('a storm', World(about='a storm')))
    told |= {'studies': 2000, 'false': 100, 'difference': 90, 'usual': 300, 'uncorrected': 700, 'runs': 700_000}
    told |= {'held': {'second': [1880, 2000], 'third': [1920, 2000]}, 'found': [1600, 2000], 'replicates': 10_000}
    told |= {'regret': [10.0, 30.0, 2000], 'power': {'studies': 200, 'found': [150, 200]}}
    return {'levels': {}, 'cells': {part: {name: {**told, **row}}}}


@pytest.mark.parametrize(
    ('row', 'words'),
    [
        ({}, ''),
        ({'false': 113}, ''),
        ({'false': 114}, 'allowed 113'),
        ({'false': 114, 'promised': False}, ''),
        ({'false': 120, 'again': {'studies': 8000, 'false': 446}}, ''),
        ({'false': 120, 'again': {'studies': 8000, 'false': 447}}, '447 of 8,000 studies say a false word; allowed 446'),
        ({'held': {'second': [1820, 2000]}}, '91.0% of the intervals of second'),
        ({'held': {'second': [1980, 2000]}}, 'hold the truth'),
        ({'regret': [21.0, 30.0, 2000]}, 'regret is 0.70'),
        ({'regret': [21.0, 30.0, 2000], 'curved': False}, ''),
        ({'regret': [34.0, 30.0, 2000], 'curved': False}, 'promised 1.10'),
    ],
)
def test_what_falls_short_is_said(row, words):
    facts = _facts(**row)
    short = shortfalls(facts)
    assert bool(short) == bool(words) and all(words in sentence for sentence in short)
    page = markdown(facts)
    assert ('Nothing of what is promised' in page) == (not words)
    assert '## Promised worlds' in page and '- **a storm**: a storm.' in page
    assert to_dict(facts)['shortfalls'] == short


def test_a_loss_that_is_found_too_seldom_falls_short():
    assert shortfalls(_facts('found', 'equal noise', **{'found': [1400, 2000]})) == [
        'equal noise: a loss of three deviations is found in 70.0%; promised 78%'
    ]
    assert shortfalls(_facts('found', 'equal noise')) == []


def test_the_page_and_the_terminal_show_the_same_numbers():
    facts = _facts(again={'studies': 8000, 'false': 400})
    row = ['a storm, 3 replicates', '2,000', '100 (5.0%); again 400 of 8,000 (5.0%)', '90 / 0 / 0 / 0 / 0', '15.0%', '35.0%']
    row += ['75.0%', '94.0% to 96.0%', '0.33', '350', '5.0']
    assert f'| {" | ".join(row)} |' in markdown(facts)
    shown = [next(iter(column.cells)) for column in table_of(facts).columns]
    assert shown == [row[place] for place in (0, 1, 2, 4, 6, 7, 9)]


def test_cells_cross_every_promised_world_with_replicates_and_arms():
    cover = PARTS['cover'].values()
    assert len(cover) <= 120
    assert {cell.name for cell in cover} >= {*WORLDS, *ROUGH}
    assert {(cell.fields['replicates'], cell.fields['arms']) for cell in cover} == {(r, a) for r in REPLICATES for a in SIZES}
    for world in WORLDS:
        own = [cell.fields for cell in cover if cell.name == world]
        assert {f['replicates'] for f in own} == set(REPLICATES) and {f['arms'] for f in own} == set(SIZES)


def test_a_tally_counts_what_studies_said():
    cell = Cell('plain', World(), planted={'third': -3.0})
    study, first = study_of(0, World()), _seen('plain')[0]
    words = dict.fromkeys(first.words, ('undecided', False))
    conclusion = dataclasses.replace(first, words=words | {('third', 'digits'): ('worse', False)}, overall={}, factorial=())
    wrong = dataclasses.replace(conclusion, words=words | {('second', 'digits'): ('better', False)})
    told = tally.new(cell)
    tally.add(told, cell, study, [conclusion, wrong, dataclasses.replace(conclusion, factorial=('f0: 1',))])
    assert (told['studies'], told['false'], told['difference'], told['factorial'], told['found']) == (3, 2, 1, 1, [1 + 1, 3])
    assert told['runs'] == 3 * first.trials and told['regret'][2] == 3 * len(first.regrets)
    assert all(count == 3 for _, count in told['held'].values())
    quiet = Cell('plain', World())
    tally.add(other := tally.new(quiet), quiet, study, [dataclasses.replace(conclusion, words=words)])
    assert other['found'] == [0, 4], 'where nothing is planted, equivalence is what can be found'


@pytest.mark.parametrize(
    ('word', 'effect', 'false'),
    [
        (('better', False), 0.0, {'difference'}),
        (('better', False), 0.02, set()),
        (('worse', False), 0.02, {'difference'}),
        (('worse', False), 0.0, {'difference'}),
        (('worse', False), -0.02, set()),
        (('equivalent', False), -0.02, {'equivalence'}),
        (('undecided', True), 0.02, {'equivalence'}),
        (('equivalent', False), 0.02, {'equivalence'}),
        (('equivalent', False), 0.005, set()),
        (('better', True), 0.02, {'equivalence'}),
        (('unstable', False), 0.0, {'unstable'}),
        (('undecided', False), 0.02, set()),
    ],
)
def test_false_words_are_those_that_the_world_denies(word, effect, false):
    cell = Cell('plain', World(), planted={'second': effect / DEVIATION})
    study, seen = study_of(0, World()), _seen('plain')[0]
    said = {key: (word if key[0] == 'second' else ('undecided', False)) for key in seen.words}
    assert false_words(study, cell, dataclasses.replace(seen, words=said, overall={})) == false


def test_verdicts_over_datasets_are_judged_by_all_of_them():
    cell = Cell('plain', World(), {'tasks': 3}, {'second': (4.0, 4.0, -2.0), 'third': (4.0, 4.0, 0.0)})
    study, seen = study_of(0, World(), tasks=3), dataclasses.replace(_seen('plain')[0], words={})
    for arm, verdict, false in (('second', 'better', True), ('third', 'better', False), ('third', 'equivalent', True)):
        told = dataclasses.replace(seen, overall={arm: verdict})
        assert (false_words(study, cell, told) == {'overall'}) == false


def test_divergence_that_differs_is_no_false_word():
    cell = Cell('lost', World(hills={'second': Hill(lost=0.1)}))
    seen = dataclasses.replace(_seen('plain')[0], words={('second', 'digits'): ('unstable', False)}, overall={})
    assert false_words(study_of(0, World()), cell, seen) == set()


def test_who_adds_replicates_after_reading_gains_no_claim():
    """Whatever the further replicates say, what was frozen at the first read decides."""
    for number in range(3):
        once, again = (conclusion_of(number, WORLDS['quiet'], {'trials': 4}, after) for after in ((), (6, 8)))
        assert again.claims == once.claims
        assert again.replicates >= once.replicates


@pytest.mark.parametrize('hill', [dict(tails=3), dict(high=0.5, fall=0.4), dict(lost=0.5), dict(near_cliff=3.0)], ids=str)
def test_rough_noise_is_as_declared(hill):
    world = World(curvature=0.0, split=0.0, cliff=2.0, **hill)
    study = study_of(0, world, trials=8)
    schedule, records = simulate(study, world, 0)
    tuned = [records[t.id] for t in schedule.trials if t.held == TUNING]
    confirmed = [records[t.id] for t in schedule.trials if t.held == TEST]
    assert all(record['status'] == 'ok' for record in tuned), 'only confirmation runs are lost'
    scores = np.array([record['score'] for record in tuned])
    if 'high' in hill:
        assert np.mean(scores < -0.2) == pytest.approx(0.5, abs=0.1)
    elif 'lost' in hill:
        assert np.mean([record['status'] == 'diverged' for record in confirmed]) == pytest.approx(0.5, abs=0.2)
    elif 'tails' in hill:
        assert np.mean(np.abs(scores) < 0.03) > 0.55, 'most noise is small, some is large'
    else:
        assert np.std(scores) == pytest.approx(0.05, rel=0.2)


def test_families_answer_a_split_alike_and_items_round():
    world = World(families={'base': 0, 'second': 0, 'third': 1}, kin=0.5, noise=0.0, curvature=0.0, split=0.0, cliff=9.0)
    study = study_of(0, world, trials=4)
    schedule, records = simulate(study, world, 0)
    first = {t.arm: records[t.id]['score'] for t in schedule.trials if t.replicate == 1}
    assert first['base'] == first['second'] != first['third']
    whole = World(height=0.9, items=360, curvature=0.0, cliff=9.0)
    schedule, records = simulate(study, whole, 0)
    assert all((360 * record['score']) % 1 == pytest.approx(0, abs=1e-9) for record in records.values())


def test_studies_are_added_to_those_that_are_known(monkeypatch):
    """In the order of their numbers, whatever the number of calls."""
    monkeypatch.setattr(calibrate, 'cores', lambda: 1)
    monkeypatch.setitem(PARTS, 'forms', {'small': Cell('quiet', WORLDS['quiet'], {'trials': 4, 'replicates': 2, 'arms': 2})})
    *_, whole = calibrate.calibrate(5, ['small'])
    *_, few = calibrate.calibrate(2, ['small'])
    *_, facts = calibrate.calibrate(5, ['small'], json.loads(json.dumps(few)))
    assert facts == whole and facts['cells']['forms']['small']['studies'] == 5
    monkeypatch.setattr(calibrate, 'conclusions_of', None)
    assert all(again == whole for again in calibrate.calibrate(5, ['small'], facts))


def test_too_many_false_words_are_counted_again(monkeypatch):
    monkeypatch.setattr(calibrate, 'cores', lambda: 1)
    loud = Cell('lost', World(top={'second': 9.0}), {'trials': 4, 'replicates': 2, 'arms': 2, 'seeds': 1})
    monkeypatch.setitem(PARTS, 'forms', {'unlike': loud})
    *_, facts = calibrate.calibrate(2, ['unlike'])
    told = facts['cells']['forms']['unlike']
    assert told['false'] == 2 and (told['again']['studies'], told['again']['false']) == (8, 8)
    assert '8 of 8 studies' in shortfalls(facts)[0]


def test_an_unknown_world_is_said_with_the_likely_one():
    with pytest.raises(ValueError, match=r"unknown world 'plian'.*Did you mean 'plain'"):
        list(calibrate.calibrate(20, ['plian']))


def test_worlds_are_declared_once_and_know_their_arms():
    names = [*WORLDS, *BEYOND, *ROUGH, *VERY_ROUGH]
    assert len(set(names)) == len(names) and set(FLAT) <= set(names)
    for world in (*WORLDS.values(), *BEYOND.values(), *ROUGH.values(), *VERY_ROUGH.values()):
        assert world.about and set(world.hills) <= set(ARMS)
    for name, cell in {**FORMS, **PLANTED}.items():
        assert set(cell.planted) <= set(ARMS), name
        assert study_of(0, cell.world, **cell.fields).arms.keys() >= cell.planted.keys()


def test_studies_of_other_shapes_are_paths_and_factorials():
    steps = study_of(0, World(), shape='path')
    assert [steps.reference(arm) for arm in steps.arms] == ['base', *ARMS[:-1]]
    whole = study_of(0, World(), arms=8, shape='factorial')
    assert len({tuple(own.values()) for own in whole.levels.values()}) == 8
    effects = Cell('plain', World(), planted={'second': 2.0}).effects(steps)
    assert effects['second', 'digits'] == pytest.approx(-effects['third', 'digits']) == pytest.approx(2 * DEVIATION)


def test_regret_of_a_real_study_is_near_the_truth():
    study = study_of(1, WORLDS['quiet'])
    schedule, records = simulate(study, WORLDS['quiet'], 1)
    (regret,) = regrets(Reading(study, schedule, records))
    truth = np.array(conclusion_of(1, WORLDS['quiet'], {}).regrets).mean(0)
    assert regret.cases == 25
    assert regret.best_trial == pytest.approx(truth[1], rel=0.2)
    assert regret.selected < regret.best_trial / 10 and regret.interval[0] > 0


def test_values_that_act_together_cost_less_along_their_ridge():
    hill = Hill(optimum=(0.5, 0.5), ridge=0.5)
    along, across = hill.truth('adamw', [0.4, 0.4]), hill.truth('adamw', [0.4, 0.6])
    assert along == pytest.approx(-0.01) and across == pytest.approx(-0.03)
    assert hill.truth('adamw', [0.4]) == Hill(optimum=(0.5, 0.5)).truth('adamw', [0.4]), 'one value has no ridge'


@pytest.mark.parametrize(
    ('hills', 'own', 'added'),
    [
        ({}, {'second': 9.0}, {}),
        ({'second': Hill()}, {'second': 0.5, 'third': 0.25}, {'second': -0.5, 'third': -0.25}),
        ({'base': Hill()}, {'base': 0.5}, dict.fromkeys((*ARMS[1:], *MORE), 0.5)),
    ],
)
def test_tops_are_raised_until_tuned_arms_are_worth_the_same(monkeypatch, hills: dict, own: dict, added: dict):
    """Further arms are raised as an arm without a hill of its own is."""
    asked = []

    def seen(world: World, studies: int, first: int, crew: object) -> list:
        asked.append((studies, first))
        values = {arm: [own.get(arm, 0.0) + world.top.get(arm, 0.0)] * 2 for arm in ARMS}
        return [types.SimpleNamespace(values=values)] * 2

    monkeypatch.setattr(calibrate, 'conclusions_of', seen)
    assert calibrate.levels_of(World(hills=hills), 7) == pytest.approx(added)
    assert asked == ([(7, 10_000_000), (7, 20_000_000)] if hills else [])


def test_cells_are_asked_for_by_their_name_or_by_that_of_their_world():
    everything = calibrate.wanted(None)
    assert {part for part, _ in everything} == {'cover', 'forms', 'found', 'published'}, 'not those that are halved'
    assert calibrate.wanted(['six tasks']) == [('forms', 'six tasks')]
    edge = calibrate.wanted(['edge'])
    assert edge and all(PARTS[part][name].name == 'edge' for part, name in edge)
    assert {part for part, _ in calibrate.wanted(['curves'])} == {'halved'}
    assert set(calibrate.wanted(['edge', 'six tasks'])) == {*edge, ('forms', 'six tasks')}


def test_studies_of_another_protocol_are_not_added_to():
    for known, said in (({}, '1 or 2'), ({calibrate.ENTRY: 3 if calibrate.NOW != 3 else 4}, r'\d')):
        if not known:
            known = {'levels': {}}
        with pytest.raises(ValueError, match=rf'counted under protocol {said}, this is protocol {calibrate.NOW}; give another'):
            next(calibrate.calibrate(1, ['six tasks'], known))


@pytest.mark.parametrize(
    ('arms', 'arm'), [({}, 'third'), ({'arms': 5}, 'third'), ({'arms': 3}, 'third'), ({'arms': 2}, 'second')]
)
def test_a_loss_is_planted_in_the_third_arm_where_there_is_one(arms: dict, arm: str):
    assert Cell('plain', World(), arms).with_a_loss().planted == {arm: -3.0}


def test_studies_in_which_every_run_diverged_have_no_regret_and_nobody_claims_anything():
    seen = conclusion_of(0, World(cliff=-9.0), {'trials': 4, 'replicates': 2, 'arms': 2, 'seeds': 1})
    assert seen.regrets == [] and seen.usual == seen.bare == () and seen.claims == {}


@pytest.mark.parametrize(
    ('verdict', 'effects', 'true'),
    [
        ('better', (0.2, 0.2, 0.0), True),
        ('better', (0.2, 0.0, 0.0), False),
        ('better', (0.2, 0.2, -0.1), False),
        ('better', (0.2, 0.2, -0.09), True),
        ('worse', (-0.2, -0.2, 0.09), True),
        ('worse', (-0.2, -0.2, 0.1), False),
        ('worse', (0.2, 0.2, 0.0), False),
        ('equivalent', (0.09, -0.09, 0.0), True),
        ('equivalent', (0.0, -0.1, 0.0), False),
        ('undecided', (0.5, -0.5, 0.0), True),
        ('not comparable', (0.5, 0.0, 0.0), True),
    ],
)
def test_a_verdict_over_datasets_is_true_by_all_of_their_effects(verdict: str, effects: tuple, true: bool):
    assert _overall(verdict, dict(zip('abc', effects, strict=True)), 0.1) == true


def test_an_interval_holds_the_truth_up_to_its_ends_and_arms_without_one_are_left_out():
    cell, study = Cell('plain', World(), planted={'second': 1.0}), study_of(0, World())
    (truth, ends) = cell.effect('second', 0), {'third': (-0.1, 0.0), 'fourth': (0.01, 0.1), 'fifth': None}
    for low, high, holds in ((truth, 1.0, True), (0.0, truth, True), (truth + 1e-9, 1.0, False), (0.0, truth - 1e-9, False)):
        seen = dataclasses.replace(_seen('plain')[0], intervals={'second': (low, high), **ends})
        assert held(study, cell, seen) == {'second': holds, 'third': True, 'fourth': False}


def test_where_fresh_seeds_do_not_vary_the_usual_protocol_has_no_test_and_claims_nothing():
    world = World(noise=0.0, split=0.0, hills={'second': Hill(cliff=-9.0)})
    seen = conclusion_of(0, world, {'trials': 4, 'replicates': 2, 'arms': 2, 'seeds': 1})
    assert seen.usual == seen.bare == ()


def test_effects_and_intervals_of_a_study_of_two_tasks_are_those_of_the_first():
    world = World(noise=0.01, on_task={'digits_2': {'second': 9.0}})
    seen = conclusion_of(0, world, {'tasks': 2, 'trials': 4, 'replicates': 2, 'arms': 2, 'seeds': 1})
    assert set(seen.words) == {('second', 'digits'), ('second', 'digits_2')} and set(seen.overall) == {'second'}
    assert abs(seen.effects['second']) < 1 and max(map(max, seen.values.values())) < 1


@pytest.mark.parametrize(
    ('part', 'wrong', 'promised', 'more'),
    [
        ('forms', 0, True, []),
        ('cover', 0, True, [(25, 30_000_000)]),
        ('forms', 250, True, [(100, 90_000_000 + 100 * n) for n in range(10)]),
        ('forms', 250, False, []),
    ],
)
def test_studies_are_counted_a_hundred_at_a_time_and_others_have_numbers_of_their_own(monkeypatch, part, wrong, promised, more):
    """A tenth as many with a planted loss, and four times as many again where too many said a false word."""
    asked = []
    monkeypatch.setattr(
        calibrate, 'conclusions_of', lambda world, studies, first, *_: asked.append((studies, first)) or [None] * studies
    )
    counted = {'false': wrong}
    monkeypatch.setattr(
        tally, 'add', lambda told, cell, study, seen: told.update(studies=told['studies'] + len(seen), **counted)
    )
    cell = Cell('quiet', WORLDS['quiet'], {'trials': 4, 'replicates': 2, 'arms': 2}, promised=promised)
    monkeypatch.setitem(PARTS, part, {'small': cell})
    facts = {'levels': {'quiet': {}}, 'cells': {}}
    *_, told = calibrate.Calibration(250, facts).run(part, 'small')
    assert asked == [(100, 70_000_000), (100, 70_000_100), (50, 70_000_200), *more]
    assert told['cells'][part]['small']['studies'] == 250


@pytest.mark.parametrize('cores', [1, 2])
def test_a_crew_has_a_thread_for_each_core_and_leaves_the_environment_as_it_was(monkeypatch, cores: int):
    monkeypatch.setattr(calibrate, 'cores', lambda: cores)
    monkeypatch.setattr(
        calibrate.concurrent.futures, 'ProcessPoolExecutor', lambda count, _: contextlib.nullcontext(f'{count} processes')
    )
    monkeypatch.setenv('OMP_NUM_THREADS', '7')
    monkeypatch.delenv('MKL_NUM_THREADS', raising=False)
    with calibrate._crew() as crew:
        assert crew == (None if cores == 1 else '2 processes')
        assert os.environ['OMP_NUM_THREADS'] == ('7' if cores == 1 else '1')
    assert os.environ['OMP_NUM_THREADS'] == '7' and 'MKL_NUM_THREADS' not in os.environ


def test_values_beyond_those_of_a_hill_have_its_last_curvature_and_their_best_in_the_middle():
    hill = Hill(optimum=(0.3,), curvature=(1.0, 2.0), move={'sgd': 0.1}, cliff=0.4)
    assert hill.truth('adamw', [0.3, 0.5, 0.5]) == 0.0
    assert hill.truth('adamw', [0.3, 0.6, 0.5]) == pytest.approx(-0.02) == pytest.approx(hill.truth('adamw', [0.3, 0.5, 0.4]))
    assert hill.truth('sgd', [0.4, 0.5]) == pytest.approx(0.0) and hill.truth('sgd', [0.4, 0.6]) == pytest.approx(-0.02)
    assert hill.truth('adamw', [0.69, 0.5]) is not None and hill.truth('adamw', [0.71, 0.5]) is None
    assert hill.truth('sgd', [0.79, 0.5]) is not None and hill.truth('sgd', [0.81, 0.5]) is None


@pytest.mark.parametrize(
    ('hill', 'optimizer', 'place', 'times'),
    [
        (Hill(noise=2.0), 'adamw', 0.9, 2.0),
        (Hill(noise=2.0, optimum=(0.5,), cliff=0.4, near_cliff=3.0), 'adamw', 0.85, 6.0),
        (Hill(noise=2.0, optimum=(0.5,), cliff=0.4, near_cliff=3.0), 'adamw', 0.79, 2.0),
        (Hill(noise=2.0, optimum=(0.5,), cliff=0.4, near_cliff=3.0, move={'sgd': 0.1}), 'sgd', 0.85, 2.0),
        (Hill(noise=2.0, optimum=(0.5,), cliff=0.4, near_cliff=3.0, move={'sgd': 0.1}), 'sgd', 0.95, 6.0),
    ],
)
def test_noise_grows_close_to_a_cliff(hill: Hill, optimizer: str, place: float, times: float):
    drawn = np.random.default_rng(4).standard_normal()
    assert hill.noise_of(optimizer, [place, 0.5], np.random.default_rng(4)) == pytest.approx(times * drawn)


def test_noise_of_heavy_tails_has_the_variance_of_normal_noise():
    chance = np.random.default_rng(0)
    drawn = np.array([Hill(noise=0.5, tails=8).noise_of('adamw', [0.5], chance) for _ in range(4000)])
    assert drawn.std() == pytest.approx(0.5, rel=0.08) and abs(drawn.mean()) < 0.04
