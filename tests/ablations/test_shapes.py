"""Shapes: which arms a path, add-one, drop-one and factorial study have, and what each is compared with."""

import itertools

import pytest

from ablations.config import put, swap
from ablations.shapes import add_one, amounts, drop_one, factorial, ladder, path
from ablations.study import Study
from ablations.tasks import task

RMS = swap('norm', 'rms_norm')
WIDE = put('channel.ratio', 2.0)
BARE = swap('mixer', 'identity')
PARTS = {'rms': RMS, 'wide': WIDE, 'bare': (BARE,)}
FACTORS = {
    'norm': {'layer': (), 'rms': RMS, 'tanh': swap('norm', 'dynamic_tanh')},
    'mixer': {'mixed': (), 'bare': BARE},
}


def study(**fields: object) -> Study:
    return Study(**{'name': 'shaped', 'question': 'What of it?', 'tasks': ('digits', 'recall'), **fields})


def references(made: Study) -> dict:
    return {arm: made.reference(arm) for arm in made.arms if arm != made.base}


def test_a_path_adds_one_change_a_step_and_compares_with_the_step_before():
    made = study(**path({'base': (), 'rms': RMS, 'wide': (WIDE,), 'bare': BARE}))
    assert made.arms == {'base': (), 'rms': (RMS,), 'wide': (RMS, WIDE), 'bare': (RMS, WIDE, BARE)}
    assert references(made) == {'rms': 'base', 'wide': 'rms', 'bare': 'wide'}
    assert made.shape == 'path'
    last = made.model('bare', 'digits')
    assert (last['norm']['kind'], last['mixer']['kind'], last['channel']['ratio']) == ('rms_norm', 'identity', 2.0)


def test_a_step_may_take_back_what_an_earlier_one_did():
    made = study(**path({'base': (), 'rms': RMS, 'layer': swap('norm', 'layer_norm', eps=1e-6)}))
    assert made.model('layer', 'digits')['norm']['kind'] == 'layer_norm'


def test_add_one_compares_every_part_and_all_of_them_with_the_base():
    made = study(**add_one(PARTS))
    assert made.arms == {
        'base': (),
        'with_rms': (RMS,),
        'with_wide': (WIDE,),
        'with_bare': (BARE,),
        'all': (RMS, WIDE, BARE),
    }
    assert set(references(made).values()) == {'base'}
    assert made.shape == 'add_one'


def test_drop_one_compares_what_is_left_with_the_full_model():
    made = study(**drop_one(PARTS, base='plain', full='whole'))
    assert made.arms == {
        'plain': (),
        'whole': (RMS, WIDE, BARE),
        'without_rms': (WIDE, BARE),
        'without_wide': (RMS, BARE),
        'without_bare': (RMS, WIDE),
    }
    assert references(made) == {'whole': 'plain', **{f'without_{name}': 'whole' for name in PARTS}}
    assert (made.base, made.shape) == ('plain', 'drop_one')


def test_a_factorial_has_every_combination_once():
    made = study(**factorial(FACTORS))
    assert list(made.arms) == ['base', 'bare', 'rms', 'rms_and_bare', 'tanh', 'tanh_and_bare']
    wanted = [dict(zip(FACTORS, levels, strict=True)) for levels in itertools.product(*FACTORS.values())]
    assert [made.levels[arm] for arm in made.arms] == wanted
    for arm, levels in made.levels.items():
        model = made.model(arm, 'digits')
        norms = {'layer': 'layer_norm', 'rms': 'rms_norm', 'tanh': 'dynamic_tanh'}
        assert model['norm']['kind'] == norms[levels['norm']]
        assert (model['mixer']['kind'] == 'identity') == (levels['mixer'] == 'bare')
    assert set(references(made).values()) == {'base'}
    assert made.shape == 'factorial'


def test_three_factors_and_another_name_for_the_base():
    made = factorial({**FACTORS, 'ratio': {'narrow': (), 'wide': WIDE}}, base='plain')
    assert len(made['arms']) == 12
    assert next(iter(made['arms'])) == 'plain'
    assert made['arms']['tanh_and_bare_and_wide'][-1] == WIDE


def test_a_ladder_is_one_task_at_several_sizes():
    sizes = {'narrow': put('body.widths', [8, 16]), 'own': (), 'wide': (put('body.widths', [24, 48]),)}
    rungs = ladder('digits', sizes)
    assert [item.name for item in rungs] == ['digits_narrow', 'digits_own', 'digits_wide']
    assert {(item.dataset, item.ladder) for item in rungs} == {('digits', 'digits')}
    assert [item.base['body']['widths'] for item in rungs] == [[8, 16], [16, 32], [24, 48]]
    assert task('digits').ladder == ''
    made = study(arms={'base': (), 'rms': RMS}, tasks=(*rungs, 'recall'))
    assert len({item.dataset for item in made.tasks}) == 2, 'a ladder counts as one dataset'
    programs = {made.program('rms', item.name, 'adamw').id for item in made.tasks}
    assert len(programs) == 4
    again = ladder(task('digits', name='images'), {'a': (), 'b': ()})
    assert [(item.name, item.ladder, item.dataset) for item in again] == [
        ('images_a', 'images', 'digits'),
        ('images_b', 'images', 'digits'),
    ]


@pytest.mark.parametrize(
    ('make', 'said'),
    [
        (lambda: path({'base': ()}), 'and one more'),
        (lambda: path({}), 'path is {}'),
        (lambda: path([RMS, WIDE]), 'give {name: changes}'),
        (lambda: path({'rms': RMS, 'wide': WIDE}), "path: the first, 'rms', is the base and changes nothing; give it ()"),
        (lambda: add_one({'rms': RMS}), 'two or more parts'),
        (lambda: add_one([RMS, WIDE]), 'add_one is ['),
        (lambda: drop_one({}), 'drop_one is {}'),
        (lambda: add_one(PARTS, base='all'), "both called 'all'"),
        (lambda: drop_one(PARTS, base='x', full='x'), 'name them apart'),
        (lambda: add_one({'rms': RMS, 'wide': WIDE}, base='with_wide'), "add_one: the arm of part 'wide' would be called as"),
        (lambda: add_one({'rms': RMS, 'wide': WIDE}, full='with_rms'), "part 'rms' would be called as the base or the full"),
        (lambda: drop_one({'rms': RMS, 'wide': WIDE}, full='without_wide'), "drop_one: the arm of part 'wide' would be"),
        (lambda: factorial({'norm': FACTORS['norm']}), 'two or more factors'),
        (lambda: factorial(['norm', 'mixer']), 'give {factor: {level: changes}}'),
        (lambda: factorial({**FACTORS, 'ratio': {'wide': WIDE}}), "factor 'ratio' is"),
        (lambda: factorial({**FACTORS, 'ratio': {'wide': WIDE, 'own': ()}}), "factor 'ratio': the first, 'wide'"),
        (lambda: factorial({'a': {'x': (), 'on': RMS}, 'b': {'y': (), 'on': BARE}}), "two combinations are called 'on'"),
        (lambda: ladder('digits', {'own': ()}), 'two or more sizes'),
        (lambda: ladder('digit', {'a': (), 'b': ()}), "Did you mean 'digits'?"),
        (lambda: ladder('digits', {'a': (), 'b': put('body.width', [8])}), "has no 'width'"),
        (lambda: ladder('digits', {'a': (), 'B c': ()}), 'rename the task'),
    ],
)
def test_shapes_that_are_none_are_refused(make, said):
    with pytest.raises(ValueError) as caught:
        make()
    assert said in str(caught.value)
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize(
    ('fields', 'said'),
    [
        (path({'base': (), 'Rms norm': RMS}), 'rename it'),
        (path({'base': (), 'other': ('norm', 'rms_norm')}), 'is not a change'),
        (path({'base': (), 'rms': RMS, 'typo': put('norm.epss', 1.0)}), "arm 'typo' does not apply to the base of task"),
        ({**factorial(FACTORS), 'arms': {'base': (), 'more': RMS}}, 'not of every arm'),
        ({**path({'base': (), 'rms': RMS}), 'shape': 'factorial'}, 'make both by factorial()'),
    ],
    ids=['name', 'change', 'path', 'levels', 'shape'],
)
def test_a_study_refuses_arms_of_a_shape_that_do_not_fit(fields, said):
    with pytest.raises(ValueError, match=said.replace('(', r'\(').replace(')', r'\)')):
        study(**fields)


@pytest.mark.parametrize(
    ('name', 'counts', 'said'),
    [
        ('digits', {}, r"amounts\('digits', \[\]\); allowed: one of \['train', 'groups', 'classes', 'horizon'\]"),
        ('digits', {'train': [8, 16], 'classes': [2, 4]}, 'allowed: one of'),
        ('digits', {'steps': [8, 16]}, r"\['steps'\]\); allowed: one of"),
        ('digits', {'train': [8, 8]}, r'train=\[8, 8\]; allowed: two or more whole numbers'),
        ('digits', {'train': [8, 0]}, 'two or more whole numbers from 1'),
        ('digits', {'train': 8}, 'two or more whole numbers'),
        ('tiny_shakespeare', {'classes': [2, 4]}, 'allowed: a task of classes with as many'),
    ],
)
def test_amounts_that_are_none_are_refused(name, counts, said):
    with pytest.raises(ValueError, match=said):
        amounts(name, **counts)


def test_amounts_are_tasks_of_one_set_and_of_one_ladder():
    few, many = amounts('collections', train=[100, 1000])
    assert few.dataset == many.dataset and few.ladder == many.ladder == 'collections_train' and few.base == many.base
    assert (few.data['train'], many.data['train']) == (100, 1000) and few.chance == many.chance == 0.25
    prompts = amounts('writers', groups=[75, 150])
    assert [(one.name, one.data['groups'], one.ladder) for one in prompts] == [
        ('writers_groups_75', 75, 'writers_groups'),
        ('writers_groups_150', 150, 'writers_groups'),
    ]
    pair = amounts('collections', classes=[2, 3])
    assert [(one.base['head']['outputs'], round(1 / one.chance), one.ladder) for one in pair] == [
        (2, 2, 'collections_classes'),
        (3, 3, 'collections_classes'),
    ]
