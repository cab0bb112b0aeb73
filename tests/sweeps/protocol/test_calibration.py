"""Calibration in small: on identical arms the lab does not claim, and what is planted it finds; and the counting is right.

Worlds with a known truth go through the same plan, selection and evidence as real runs do. `archlab calibrate` does it at
length.
"""

import dataclasses
import functools
import math

import numpy as np
import pytest

from ablations.trial import TEST
from results.calibration import limit, markdown, shortfalls, table_of, to_dict
from results.evidence import findings
from results.regret import regrets
from results.store.reading import Reading
from sweeps.protocol import tally, world_studies
from sweeps.protocol.cells import DEVIATION, PARTS, REPLICATES, SIZES, Cell
from sweeps.protocol.false_words import _overall, false_words, held
from sweeps.protocol.rough_worlds import ROUGH
from sweeps.protocol.simulate import Hill, World, simulate
from sweeps.protocol.world_studies import Conclusion, conclusion_of, study_of
from sweeps.protocol.worlds import ARMS, WORLDS

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


def test_an_effect_as_large_as_the_margin_is_not_equivalent():
    study, cell = study_of(0, World(), margin=DEVIATION), Cell('plain', World(), planted={'second': 1.0})
    said = {key: ('equivalent' if key[0] == 'second' else 'undecided', False) for key in _seen('plain')[0].words}
    assert false_words(study, cell, dataclasses.replace(_seen('plain')[0], words=said, overall={})) == {'equivalence'}


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


def test_studies_of_other_shapes_are_paths_and_factorials():
    steps = study_of(0, World(), shape='path')
    assert [steps.reference(arm) for arm in steps.arms] == ['base', *ARMS[:-1]]
    whole = study_of(0, World(), arms=8, shape='factorial')
    assert len({tuple(own.values()) for own in whole.levels.values()}) == 8
    effects = Cell('plain', World(), planted={'second': 2.0}).effects(steps)
    assert effects['second', 'digits'] == pytest.approx(-effects['third', 'digits']) == pytest.approx(2 * DEVIATION)


@pytest.mark.parametrize('some', [True, False])
def test_one_range_is_enough_to_be_told_as_censored_or_extended(monkeypatch: pytest.MonkeyPatch, some: bool):
    """And words of findings are not asked for, which nobody reads here."""
    sides, asked = {('second', 'adamw', 0): [[('lr', 'high')], []]} if some else {}, []

    def planned(*given: object) -> tuple:
        schedule, records = simulate(*given)
        edges = {('second', 'digits'): ['adamw lr high'] if some else [], ('base', 'digits'): []}
        return dataclasses.replace(schedule, extended={'digits': {}, 'digits_2': sides}, censored=edges), records

    def concluded(reading: Reading, described: bool = True) -> list:
        asked.append(described)
        return findings(reading, described=described)

    monkeypatch.setattr(world_studies, 'simulate', planned)
    monkeypatch.setattr(world_studies, 'findings', concluded)
    small = {'tasks': 2, 'trials': 4, 'replicates': 2, 'arms': 2, 'seeds': 1}
    seen = conclusion_of(0, World(), small, (3,))
    assert (seen.censored, seen.extended) == (some, some) and asked == [False, False]


def test_one_arm_whose_hill_knows_an_optimizer_is_enough_to_tune_it():
    assert list(study_of(0, World()).tune) == ['adamw']
    for hill in (Hill(shift={'sgd': 0.1}), Hill(move={'adamw': 0.1}), Hill(shift={'adamw': 0.1})):
        assert list(study_of(0, World(hills={'fourth': hill})).tune) == ['adamw', 'sgd']
    assert list(study_of(0, World(hills={'fourth': Hill(shift={'lion': 0.1})})).tune) == ['adamw']


def test_regret_of_a_real_study_is_near_the_truth():
    study = study_of(1, WORLDS['quiet'])
    schedule, records = simulate(study, WORLDS['quiet'], 1)
    (regret,) = regrets(Reading(study, schedule, records))
    truth = np.array(conclusion_of(1, WORLDS['quiet'], {}).regrets).mean(0)
    assert regret.cases == 25
    assert regret.best_trial == pytest.approx(truth[1], rel=0.2)
    assert regret.selected < regret.best_trial / 10 and regret.interval[0] > 0


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
