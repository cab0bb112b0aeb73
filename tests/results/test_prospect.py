"""Prospects: settings find what the lab's own test finds and cost what is planned, and the best one is best."""

import dataclasses
import functools
import json
import math

import numpy as np
import pytest

from ablations.config import swap
from ablations.settings import override
from ablations.spaces import SPACES
from ablations.study import Study
from results.components import EXPLAINED, Components, Setting, _components, components_of
from results.evidence import claim_level, findings
from results.noise import Noise
from results.prospect import (
    Price,
    _foretold,
    best,
    candidates,
    finds,
    prospect,
    reach,
    replicates_for_equivalence,
    runs_of,
    seconds,
    settings_of,
    with_more,
)
from results.regret import losses_of_half
from results.statistics import Difference, ItemError, detectable, replicates_to_decide
from results.store.reading import Reading
from results.tables.prospects import lines
from sweeps.progress import clock, expected_trials
from sweeps.protocol.plan import schedule
from sweeps.protocol.simulate import World, simulate

STUDY = Study(
    name='foretold',
    question='How long?',
    arms={'base': (), 'other': swap('norm', 'rms_norm'), 'third': ()},
    tasks=('digits', 'recall'),
    trials=8,
    replicates=3,
    seeds=3,
    extension=0,
)
WORLD = World(cliff=2.0, noise=0.05, split=0.0)
PRICE = Price({'digits': 2.0, 'recall': 1.0}, {'digits': 2.0, 'recall': 1.0}, cores=2)
LEVEL = 0.05 / 4


@functools.cache
def read(seed: int = 0) -> Reading:
    return Reading(STUDY, *simulate(STUDY, WORLD, seed))


def known(**fields: object) -> Components:
    given = dict(measured=Setting(8, 3, 5), difference=Difference(0.3, 0.02, 7.0), seeds=0.5, tuning=0.1, lost=0.01)
    return Components('other', 'base', STUDY.tasks[0], **{**given, **fields})


# What settings find.


def test_at_the_studys_own_setting_it_is_what_the_findings_say():
    reading, own = read(), Setting.of(STUDY)
    components = {(one.arm, one.task.name): one for one in components_of(reading)}
    told = findings(reading)
    assert set(components) == {(one.arm, one.task) for one in told}
    for one in told:
        mine = components[one.arm, one.task]
        assert finds(mine, own, claim_level(STUDY, {}) / 4) == pytest.approx(one.detectable, rel=1e-9)
        alike = dataclasses.replace(mine.difference, effect=0.0)
        assert replicates_for_equivalence(mine, own, LEVEL) == replicates_to_decide(alike, 3, mine.task.margin, LEVEL)


def test_each_part_of_the_noise_falls_with_what_it_comes_from():
    one, own = known(), Setting(8, 3, 5)
    square = one.difference.error**2
    assert one.at(own).error == pytest.approx(0.02) and one.at(own).freedom == pytest.approx(7.0)
    assert one.at(Setting(8, 6, 5)).error ** 2 == pytest.approx(square * (1 - 0.5 / 2))
    assert one.at(Setting(16, 3, 5)).error ** 2 == pytest.approx(square * (1 - 0.1 * 3 / 4))
    assert one.at(Setting(8, 3, 20)).error == pytest.approx(0.01) and one.at(Setting(8, 3, 20)).freedom == pytest.approx(22)
    # With three replicates a test borrows for two, not for four.
    assert one.at(Setting(8, 3, 3)).freedom == pytest.approx(2 + 1.5)
    assert one.lost_at(Setting(16, 3, 5)) == pytest.approx(0.005) and known(lost=None).lost_at(own) == 0


def test_what_no_setting_takes_away_stays():
    alone = Difference(0.3, 0.01, 7.0)
    one = known(difference=alone.with_items(ItemError(math.sqrt(0.0003), 360)))
    assert one.at(Setting(8, 3, 5)).error == pytest.approx(0.02)
    assert one.at(Setting(64, 16, 10**6)).error == pytest.approx(math.sqrt(0.0003), rel=1e-3)
    assert replicates_for_equivalence(one, Setting(8, 3, 5), LEVEL) is None
    assert replicates_for_equivalence(known(), Setting(8, 3, 5), LEVEL) is not None


def test_seeds_that_cannot_be_told_from_the_rest_are_not_traded():
    study = dataclasses.replace(STUDY, seeds=1)
    components = components_of(Reading(study, *simulate(study, WORLD, 0)))
    assert components and all(one.seeds is None for one in components)
    assert best(study, components, PRICE, 600.0, LEVEL).seeds == 1
    one = components[0]
    assert one.at(Setting(8, 9, 3)).error == pytest.approx(one.difference.error)
    assert best(STUDY, [known(seeds=None)], PRICE, 600.0, LEVEL).seeds == STUDY.seeds


def test_variances_are_told_apart(monkeypatch):
    """One third of what replicates vary by comes from three seeds of noise, two thirds from what a split does to an arm."""
    monkeypatch.setattr('results.components.losses_of_half', lambda reading: {'digits': None})
    world = dataclasses.replace(WORLD, curvature=0.0, suits=0.05 * math.sqrt(2 / 3))
    study = dataclasses.replace(STUDY, tasks=('digits',), replicates=60, looks=(60,), trials=1)
    components = components_of(Reading(study, *simulate(study, world, 0)))
    each = [one.difference.error**2 * 60 for one in components]
    assert np.mean(each) == pytest.approx(2 * 0.05**2, rel=0.25)
    assert np.mean([one.seeds for one in components]) == pytest.approx(1 / 3, abs=0.12)
    # No share is so large that nothing is left.
    alone = components_of(Reading(study, *simulate(study, dataclasses.replace(world, suits=0.0), 0)))
    assert np.mean([one.seeds for one in alone]) > 0.7 and max(one.seeds for one in alone) <= EXPLAINED


def test_a_replicate_without_a_value_does_not_count():
    values = {'base': np.array([0.1, 0.3, 0.2, 0.5]), 'other': np.array([0.2, np.nan, 0.1, 0.4, 0.7])}
    difference = Noise(values).difference('other', 'base')
    one = _components(STUDY, 'other', 'base', STUDY.tasks[0], difference, values, {'base': 0.01, 'other': 0.02}, None)
    assert one.measured == Setting(8, 3, 3)
    assert one.seeds == pytest.approx(0.03 / 3 / (difference.error**2 * 3))


@pytest.mark.parametrize(('curvature', 'low', 'high'), [(2.0, 0.005, 0.1), (0.0, 0.0, 0.004)], ids=['hill', 'plain'])
def test_what_half_of_a_tuning_loses_is_judged_by_the_other_replicates(curvature, low, high):
    study = dataclasses.replace(STUDY, tasks=('digits',), replicates=4, looks=(4,))
    world = dataclasses.replace(WORLD, curvature=curvature, noise=0.02)
    assert low <= losses_of_half(Reading(study, *simulate(study, world, 1)))['digits'] <= high
    assert losses_of_half(Reading(study, schedule(study, {}, {}), {})) == {'digits': None}


def test_a_half_that_selects_the_same_point_loses_nothing(monkeypatch):
    monkeypatch.setattr('results.regret._half', list)
    study = dataclasses.replace(STUDY, tasks=('digits',), replicates=2, looks=(2,))
    assert losses_of_half(Reading(study, *simulate(study, WORLD, 1))) == {'digits': 0.0}


# What settings cost.


@pytest.mark.parametrize(
    'fields',
    [
        {},
        {'share': True, 'base_factor': 2},
        {'share': True, 'recipe': 'same'},
        {'tune': {name: SPACES[name] for name in ('adamw', 'sgd')}, 'trials': 8, 'screening': 5},
    ],
    ids=['plain', 'share', 'same', 'screening'],
)
def test_runs_are_those_that_a_plan_foresees(fields):
    study = dataclasses.replace(STUDY, **fields)
    for change in ({}, {'trials': 12, 'seeds': 2}):
        asked = dataclasses.replace(study, **change)
        runs = runs_of(study, Setting.of(asked))
        assert sum(map(sum, runs.values())) == expected_trials(asked, schedule(asked, {}, {}))


def test_time_is_that_of_all_runs_on_all_cores():
    setting = Setting(10, 4, 5)
    dearer = dataclasses.replace(PRICE, confirmation={'digits': 3.0, 'recall': 1.0})
    assert seconds(STUDY, setting, PRICE) == 3 * 5 * (10 + 4) * (2 + 1) / 2
    assert seconds(STUDY, setting, dearer) == 3 * 5 * ((10 * 2 + 4 * 3) + (10 + 4)) / 2


def test_settings_fill_the_budget_and_an_hour_more_buys_what_it_pays_for():
    budget = 900.0
    made = list(candidates(STUDY, PRICE, budget))
    assert len({(one.trials, one.seeds) for one in made}) == len(made) > 20
    for one in made:
        more = dataclasses.replace(one, replicates=one.replicates + 1)
        assert one.replicates >= 3 and seconds(STUDY, one, PRICE) <= budget < seconds(STUDY, more, PRICE)
    assert best(STUDY, [known()], PRICE, 60.0, LEVEL) is None
    three = seconds(STUDY, Setting(8, 3, 3), PRICE)
    for paid, counts in ((three, [3]), (three - 0.1, []), (1e9, [200])):
        made_of = [one.replicates for one in candidates(STUDY, PRICE, paid, (3,)) if one.trials == 8]
        assert made_of == counts
    screened = dataclasses.replace(STUDY, tune={name: SPACES[name] for name in ('adamw', 'sgd')}, trials=20, screening=10)
    assert {one.trials for one in candidates(screened, PRICE, 1e9)} == {12, 16, 20, 24, 32, 48, 64}
    for lever in ('trials', 'seeds', 'replicates'):
        setting, each = with_more(STUDY, PRICE, lever, extra=100.0)
        count = getattr(setting, lever) - getattr(STUDY, lever)
        assert count * each <= 100 < (count + 1) * each and count > 0
        assert seconds(STUDY, setting, PRICE) - seconds(STUDY, Setting.of(STUDY), PRICE) == pytest.approx(count * each)


@pytest.mark.parametrize(
    'fields', [{}, {'looks': (1, 2, 3), 'shares': (0.2, 0.2, 0.6)}, {'replicates': 6, 'looks': (4, 6)}], ids=str
)
def test_what_is_told_to_be_set_can_be_set(fields):
    study = dataclasses.replace(STUDY, **fields)
    setting = Setting(trials=12, seeds=5, replicates=7)
    made = override(study, settings_of(study, setting))
    assert Setting.of(made) == setting and made.looks == (3, 7)
    assert settings_of(study, Setting.of(study), ['share=True']) == ['share=True']
    assert settings_of(study, setting, ['seeds=2', 'share=True'])[0] == 'share=True'


# Which setting is best.


def test_the_recommended_setting_finds_more_than_others_of_the_same_cost():
    """Drawn anew with these variances, and judged by the lab's test: it finds what it says, and others find that less often."""
    study = dataclasses.replace(STUDY, tasks=('digits',), arms=dict.fromkeys(('base', 'a', 'b', 'c', 'd'), ()))
    price, between, run, level = Price({'digits': 1.0}, {'digits': 1.0}), 0.3, 1.0, 0.05 / 4
    each = 2 * (between**2 + run**2 / 4)
    one = known(
        measured=Setting(10, 4, 5),
        difference=Difference(0, math.sqrt(each / 5), 7.0),
        seeds=run**2 / 2 / each,
        tuning=0,
        lost=0,
    )
    chosen = best(study, [one], price, 5 * 22 * 8.0, level)
    assert chosen.trials == 8, 'where tuning loses nothing the fewest trials are best'
    effect, generator = finds(one, chosen, level), np.random.default_rng(0)

    def power(setting: Setting, count: int = 250) -> float:
        deviation = math.sqrt(between**2 + run**2 / setting.seeds)
        hits = 0
        for values in deviation * generator.standard_normal((count, 5, setting.replicates)):
            values[1] += effect
            p = Noise(dict(zip(study.arms, values, strict=True))).difference('a', 'base').p()
            hits += p <= level
        return hits / count

    own = power(chosen)
    assert own == pytest.approx(0.8, abs=0.07)
    fills = {(s.trials, s.seeds): s for s in candidates(study, price, 5 * 22 * 8.0)}
    others = [(8, 2), (8, 3), (24, 2), (24, chosen.seeds)]
    assert max(power(fills[other]) for other in others) < own - 0.05


def test_where_tuning_loses_much_more_trials_are_worth_their_time():
    little, much = known(lost=0.0, tuning=0.0), known(lost=0.15, tuning=0.4, seeds=0.2)
    trials = [best(STUDY, [one], PRICE, 3000.0, LEVEL).trials for one in (little, much)]
    assert trials[0] == 8 < trials[1]


# What is told.


def test_it_is_told_for_programs_and_on_eighty_columns():
    facts = prospect(read(), PRICE, 600.0, ['extension=0'])
    json.dumps(facts, allow_nan=False)
    assert facts['known'] and facts['declared']['seconds'] == seconds(STUDY, Setting.of(STUDY), PRICE)
    assert set(facts['declared']['tasks']) == {'digits', 'recall'} and facts['best']['seconds'] <= 600
    assert facts['best']['reach'] <= facts['declared']['reach'] and facts['best']['set'][0] == 'extension=0'
    assert set(facts['next_hour']) == {'trials', 'seeds', 'replicates', 'steps'}
    assert facts['next_hour']['steps']['times'] == pytest.approx(1 + 3600 / facts['declared']['seconds'], rel=1e-5)
    told = [line for line in lines(facts, clock, 'mine.py') if isinstance(line, str)]
    assert any(line.startswith('  archlab run mine.py --set extension=0') for line in told)
    assert 'name another' not in ' '.join(told)
    poor = prospect(read(), PRICE, 1.0)
    assert poor['best'] is None and 'pay for no three replicates' in ' '.join(map(str, lines(poor, clock, 'mine.py')))
    untimed = prospect(read(), None, 600.0)
    assert 'best' not in untimed and untimed['declared']['seconds'] is None


def test_without_records_nothing_is_made_up():
    facts = prospect(Reading(STUDY, schedule(STUDY, {}, {}), {}), None, 600.0)
    assert not facts['known'] and facts['pilot']['replicates'] == 3 and facts['pilot']['seconds'] is None
    assert 'best' not in facts and 'tasks' not in facts['declared']
    alone = Difference(0.0, math.sqrt(2 / 3 / 3), 2.0)
    assert facts['assumed'] == pytest.approx(detectable(alone, LEVEL), rel=1e-5)
    told = ' '.join(lines(facts, clock, 'mine.py'))
    assert 'not known' in told and 'first look as a pilot' in told and 'Assumed, not measured' in told


def test_a_pilot_is_the_first_look_and_not_the_whole_study():
    asked = dataclasses.replace(STUDY, replicates=5, looks=(3, 5))
    facts = prospect(Reading(asked, schedule(asked, {}, {}), {}), None, 600.0)
    told = ' '.join(lines(facts, clock, 'mine.py'))
    pilot, own = facts['pilot']['runs'], facts['declared']['runs']
    assert pilot < own and f'3 replicates, {pilot:,} runs' in told and f'{own:,} runs in all' in told


def test_of_a_study_whose_findings_were_read_it_is_said():
    reading = dataclasses.replace(read(), manifest={'design': {'looks': [3], 'shares': [1.0], 'alpha': 0.05}})
    assert 'claim nothing' in str(lines(prospect(reading, PRICE, 600.0), clock, 'mine.py')[-1])


def test_a_setting_in_which_no_test_finds_anything_is_the_worst():
    still = known(difference=Difference(0.3, 0.0, 0.0))
    setting = Setting(8, 3, 5)
    assert reach([known(), still], setting, LEVEL) == math.inf and finds(still, setting, LEVEL) is None
    smallest, lost = finds(known(), setting, LEVEL), known().lost_at(setting)
    assert reach([known()], setting, LEVEL) == pytest.approx(math.hypot(smallest, lost))
    pair = [known(), known(difference=Difference(0.3, 0.08, 7.0), lost=None)]
    alone = [reach([one], setting, LEVEL) for one in pair]
    assert reach(pair, setting, LEVEL) == pytest.approx(math.sqrt(alone[0] * alone[1])), 'a geometric mean'


def test_with_one_seed_nothing_is_told_of_seeds():
    study = dataclasses.replace(STUDY, seeds=1)
    facts = prospect(Reading(study, *simulate(study, WORLD, 0)), PRICE, 600.0)
    assert facts['next_hour']['seeds']['unknown'] == 'with one seed a replicate nobody knows what seeds do'
    assert set(facts['next_hour']['seeds']) == {'one_more_seconds', 'unknown'} and facts['best']['seeds'] == 1
    assert (
        'unknown' not in facts['next_hour']['trials'] and 'unknown' not in prospect(read(), PRICE, 600.0)['next_hour']['seeds']
    )


def test_of_one_replicate_or_one_arm_nothing_is_assumed():
    one = dataclasses.replace(STUDY, replicates=1, looks=())
    facts = prospect(Reading(one, schedule(one, {}, {}), {}), None, 600.0)
    assert facts['assumed'] is None and facts['pilot']['replicates'] == 1
    alone = dataclasses.replace(STUDY, arms={'base': ()})
    facts = prospect(Reading(alone, schedule(alone, {}, {}), {}), None, 600.0)
    assert facts['level'] == 0.05 and not facts['known'] and facts['assumed'] > 0


def test_comparisons_of_which_nothing_is_known_are_named():
    reading = read()
    gone = {t.id for key, trials in reading.schedule.asked.items() if key[1:3] == ('third', 'recall') for t in trials}
    lost = {key: {**row, 'status': 'failed', 'score': None} if key in gone else row for key, row in reading.records.items()}
    facts = prospect(dataclasses.replace(reading, records=lost), PRICE, 600.0)
    assert facts['without'] == ['third on recall'] and prospect(reading, PRICE, 600.0)['without'] == []
    assert facts['measured']['replicates'] == 3 and facts['measured']['within_factor'] > 1
    told = facts['declared']['tasks']
    assert told['recall']['hardest'] == 'other' and set(told) == {'digits', 'recall'}


def test_what_a_task_is_told_is_that_of_all_its_arms():
    components = [one for one in components_of(read()) if one.task.name == 'digits']
    setting = Setting(12, 4, 6)
    told = _foretold(components, setting, LEVEL)['tasks']['digits']
    smallest = {one.arm: finds(one, setting, LEVEL) for one in components}
    assert told['finds'] == pytest.approx(math.sqrt(math.prod(smallest.values())))
    assert told['hardest'] == max(smallest, key=smallest.get) and told['hardest_finds'] == max(smallest.values())
    needed = [replicates_for_equivalence(one, setting, LEVEL) for one in components]
    assert told['equivalence_replicates'] == (None if None in needed else max(needed))
    wide = [dataclasses.replace(one, task=dataclasses.replace(one.task, margin=9.0)) for one in components]
    assert _foretold(wide, setting, LEVEL)['tasks']['digits']['equivalence'] is True
    narrow = [dataclasses.replace(one, task=dataclasses.replace(one.task, margin=1e-9)) for one in components]
    none = _foretold(narrow, setting, LEVEL)['tasks']['digits']
    assert (none['equivalence'], none['equivalence_replicates']) == (False, None)
    unknown = _foretold([dataclasses.replace(one, lost=None) for one in components], setting, LEVEL)['tasks']['digits']
    assert unknown['lost'] is None and told['lost'] == components[0].lost_at(setting)


def test_settings_that_are_as_declared_are_not_set_again():
    assert settings_of(STUDY, Setting.of(STUDY)) == [] and settings_of(STUDY, Setting.of(STUDY), ['x=1']) == ['x=1']
    made = settings_of(STUDY, dataclasses.replace(Setting.of(STUDY), trials=9), ['trials = 5', 'alpha=0.1'])
    assert made == ['alpha=0.1', 'trials=9']
    shared = dataclasses.replace(STUDY, replicates=4, looks=(3, 4), shares=(0.5, 0.5))
    assert 'shares=()' not in settings_of(shared, Setting(8, 3, 8)) and 'looks=(3, 8)' in settings_of(shared, Setting(8, 3, 8))
    assert settings_of(shared, Setting(8, 3, 3))[-2:] == ['looks=(3,)', 'shares=()']
