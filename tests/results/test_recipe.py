"""Recipe: the selected values of an arm, as they were confirmed."""

import dataclasses

import pytest

from ablations.config import swap
from ablations.spaces import choice, log
from ablations.study import Study
from results.recipe import in_words, recipe
from results.store.reading import Reading
from sweeps.protocol.plan import plan, schedule
from sweeps.protocol.simulate import World, simulated_record

COSTS = {
    'costs': {arm: {t: {'flops': f} for t in ('digits', 'stdlib_bytes')} for arm, f in {'base': 2.0, 'other': 4.0}.items()}
}


def study(**fields: object) -> Study:
    given = {'name': 'used', 'question': 'What to use?', 'arms': {'base': (), 'other': swap('norm', 'rms_norm')}}
    return Study(**{**given, 'tasks': ('digits', 'stdlib_bytes'), 'trials': 8, 'replicates': 2, **fields})


def run(asked: Study, world: World | None = None, manifest: dict | None = None):
    records: dict[str, dict] = {}
    while wanted := plan(asked, records, manifest or {}):
        records |= {t.id: simulated_record(asked, world or World(cliff=2.0), t, 0) for t in wanted}
    return schedule(asked, records, manifest or {})


@pytest.mark.parametrize(
    ('fields', 'steps', 'replicates'),
    [
        ({}, (140, 180), 2),
        ({'base_factor': 3}, (140, 180), 2),
        ({'recipe': 'same'}, (140, 180), 2),
        ({'budget': 'compute'}, (70, 90), 2),
    ],
    ids=['plain', 'base_factor', 'same', 'compute'],
)
def test_a_recipe_is_what_was_confirmed(fields, steps, replicates):
    asked = study(**fields, fixed={'b1': 0.8})
    planned = run(asked, manifest=COSTS)
    facts = recipe(Reading(asked, planned, {}), 'other')
    assert [fact['steps'] for fact in facts.values()] == list(steps)
    for task, fact in facts.items():
        assert fact['model']['norm']['kind'] == 'rms_norm'
        assert [point['replicate'] for point in fact['replicates']] == list(range(replicates))
        for point in fact['replicates']:
            (trial, *_) = planned.asked['confirm', 'other', task, point['replicate']]
            assert point['knobs'] == dict(trial.knobs)
            assert (point['optimizer'], point['how']) == ('adamw', 'surface')
            sign = asked.task(task).sign
            selected = planned.selections['other', task, point['replicate']]
            assert point['score'] == pytest.approx(sign * selected.score, rel=1e-5)
    assert len(recipe(Reading(asked, planned, {}), 'base')['digits']['replicates']) == 2 * asked.base_factor
    assert in_words('other', facts)[0] == f'digits  {steps[0]} steps of 64'


def test_choices_are_values_of_the_choice():
    asked = study(tune={'adamw': {'lr': log(1e-3, 1e-1), 'b2': choice(0.9, 0.99)}})
    points = recipe(Reading(asked, run(asked), {}), 'base')['digits']['replicates']
    assert {point['knobs']['b2'] for point in points} <= {0.9, 0.99}


def test_an_arm_that_always_diverges_has_no_recipe():
    asked = study()
    made = recipe(Reading(asked, run(asked, World(cliff=-9.0)), {}), 'other')
    how, points = 'every tuning run diverged or failed', made['digits']['replicates']
    assert points == [{'replicate': r, 'optimizer': None, 'knobs': {}, 'score': None, 'how': how} for r in range(2)]
    assert in_words('other', made)[1:3] == [f'  replicate {r}: none, {how}' for r in range(2)]


def test_before_tuning_is_over_there_is_none_and_an_unknown_arm_is_refused():
    asked = study()
    assert recipe(Reading(asked, schedule(asked, {}, {}), {}), 'base') == {}
    assert in_words('base', {}) == ['base: nothing is selected yet; the tuning of no task is over']
    with pytest.raises(ValueError, match=r"no arm 'othr'.*Did you mean 'other'"):
        recipe(Reading(asked, run(asked), {}), 'othr')


def test_a_tuned_batch_stands_among_the_knobs_and_steps_are_those_of_the_tasks_own_batch():
    space = {'lr': log(1e-3, 1e-1), 'weight_decay': log(1e-4, 1e-2), 'batch': choice(32, 64)}
    asked = study(tune={'adamw': space}, tasks=('digits',))
    facts = recipe(Reading(asked, run(asked), {}), 'other')
    assert (facts['digits']['steps'], facts['digits']['batch']) == (140, 64)
    assert {point['knobs']['batch'] for fact in facts.values() for point in fact['replicates']} <= {32, 64}
    assert in_words('other', facts)[0] == 'digits  140 steps of 64, or as many as make 8,960 examples'


def test_with_a_screening_the_trials_of_each_optimizer_are_told():
    space = study().tune['adamw']
    asked = study(tune={'adamw': space, 'muon': space}, screening=4, extension=0)
    for fields, arm in (({}, 'other'), ({'recipe': 'same'}, 'other')):
        own = dataclasses.replace(asked, **fields)
        made = recipe(Reading(own, run(own), {}), arm)
        for point in made['digits']['replicates']:
            assert point['trials'][point['optimizer']] == 8 and sorted(point['trials'].values()) == [4, 8]
        line = in_words(arm, made)[1]
        assert (
            line.startswith('  replicate 0: ')
            and '(surface, ' in line
            and ' trials of adamw' in line
            and '4 trials of ' in line
        )
    assert 'trials' not in recipe(Reading(study(), run(study()), {}), 'other')['digits']['replicates'][0]


def test_words_of_a_recipe():
    point = {'replicate': 3, 'optimizer': 'sgd', 'knobs': {'lr': 0.01234567, 'b1': 0.9}, 'score': 0.5, 'how': 'best trial'}
    facts = {'digits': {'model': {}, 'steps': 1400, 'batch': 64, 'replicates': [point]}}
    assert in_words('arm', facts) == ['digits  1400 steps of 64', '  replicate 3: sgd  lr 0.01235, b1 0.9  (best trial)']


def test_a_batch_that_one_replicate_chose_is_told_though_others_have_none():
    known = {'replicate': 0, 'optimizer': 'sgd', 'knobs': {'batch': 32}, 'score': 0.5, 'how': 'best trial'}
    none = {'replicate': 1, 'optimizer': None, 'knobs': {}, 'score': None, 'how': 'every run diverged'}
    for points in ([known, none], [none, known]):
        facts = {'digits': {'model': {}, 'steps': 10, 'batch': 64, 'replicates': points}}
        first, *lines = in_words('arm', facts)
        assert first == 'digits  10 steps of 64, or as many as make 640 examples'
        assert sorted(lines) == ['  replicate 0: sgd  batch 32  (best trial)', '  replicate 1: none, every run diverged']
