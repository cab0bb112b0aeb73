"""Studies: what is refused, by a sentence that names the fix, before a single run is planned."""

import dataclasses
import math

import pytest
from fine_study import FINE

from ablations.config import put, swap
from ablations.spaces import linear, log
from ablations.studies import STUDIES
from ablations.study import Study
from ablations.tasks import TASKS, task

LR = log(1e-3, 1e-1)


def test_a_study_of_few_words_gets_the_whole_protocol():
    study = Study(**FINE)
    assert (study.trials, study.replicates, study.seeds, study.looks, study.alpha) == (10, 5, 4, (3, 5), 0.05)
    assert study.share is False, 'one recipe for all is shown where it is asked for'
    assert study.base == 'base'
    assert [item.name for item in study.tasks] == ['digits', 'recall']
    assert list(study.tune) == ['adamw']


@pytest.mark.parametrize(
    ('fields', 'said'),
    [
        # Names and question.
        ({'name': 'Quick Start'}, 'rename the study'),
        ({'name': 'a/b'}, 'rename the study'),
        ({'name': ''}, 'rename the study'),
        ({'name': None}, 'rename the study'),
        ({'name': 3}, 'rename the study'),
        ({'question': ''}, 'has no question'),
        ({'question': '  \n'}, 'has no question'),
        ({'question': None}, 'has no question'),
        ({'question': 5}, 'has no question'),
        # Arms.
        ({'arms': {}}, 'the base first'),
        ({'arms': None}, 'the base first'),
        ({'arms': ['base', 'other']}, 'the base first'),
        ({'arms': 'base'}, 'the base first'),
        ({'arms': {'Base': ()}}, 'rename it'),
        ({'arms': {'a/b': ()}}, 'rename it'),
        ({'arms': {3: ()}}, 'rename it'),
        ({'arms': {'base': None}}, "arm 'base' is None"),
        ({'arms': {'base': (), 'other': None}}, "arm 'other' is None"),
        ({'arms': {'base': (), 'other': 5}}, 'give () or a tuple of put(path, value) and swap(path, kind, ...)'),
        ({'arms': {'base': (), 'other': 'rms_norm'}}, 'give () or a tuple of put'),
        ({'arms': {'base': (), 'other': {'norm': 'rms_norm'}}}, 'give () or a tuple of put'),
        ({'arms': {'base': (), 'other': ('norm', 'rms_norm')}}, 'is not a change'),
        ({'arms': {'other': swap('norm', 'rms_norm'), 'base': ()}}, "the first arm 'other' is the base and changes nothing"),
        ({'arms': {'other': [put('norm.eps', 1e-3)]}}, "the first arm 'other' is the base and changes nothing"),
        # Changes that apply to the base of one task but not of another: arm and task are named.
        ({'arms': {'base': (), 'wide': put('mixer.kernel', 7)}}, "arm 'wide' does not apply to the base of task 'recall'"),
        ({'arms': {'base': (), 'heads': put('mixer.heads', 4)}}, "arm 'heads' does not apply to the base of task 'digits'"),
        ({'arms': {'base': (), 'deep': put('body.depths', [2, 2])}}, "does not apply to the base of task 'recall'"),
        ({'arms': {'base': (), 'typo': swap('nrom', 'rms_norm')}}, "Did you mean 'norm'?"),
        # Tasks.
        ({'tasks': ()}, 'give a tuple of task names or tasks'),
        ({'tasks': 'digits'}, 'give a tuple of task names or tasks'),
        ({'tasks': TASKS['digits']}, 'give a tuple of task names or tasks'),
        ({'tasks': {'digits', 'recall'}}, 'give a tuple of task names or tasks'),
        ({'tasks': None}, 'give a tuple of task names or tasks'),
        ({'tasks': 5}, 'give a tuple of task names or tasks'),
        ({'tasks': ('digit',)}, "'zinc']. Did you mean 'digits'?"),
        ({'tasks': (5,)}, "unknown task '5'"),
        ({'tasks': (['digits'],)}, 'unknown task'),
        ({'tasks': (None,)}, 'unknown task'),
        ({'tasks': ('digits', 'digits')}, 'repeat a name'),
        # Counts.
        ({'trials': 0}, 'trials=0; allowed: a whole number from 1 to 100,000'),
        ({'trials': 8.0}, 'trials=8.0'),
        ({'trials': '8'}, "trials='8'"),
        ({'trials': True}, 'trials=True'),
        ({'trials': None}, 'trials=None'),
        ({'extension': -1}, 'extension=-1; allowed: a whole number from 0 to 100,000'),
        ({'screening': None}, 'screening=None; allowed: a whole number from 0 to 100,000'),
        ({'halvings': None}, 'halvings=None; allowed: rising shares of the steps between 0 and 1'),
        ({'halvings': (0.5, 0.3)}, 'allowed: rising shares'),
        ({'halvings': (1.0,)}, 'allowed: rising shares'),
        ({'halvings': (0.333,)}, 'allowed: whole numbers of steps, such as 0.33'),
        ({'extension': 1.5}, 'extension=1.5'),
        ({'replicates': 0}, 'replicates=0'),
        ({'trials': 10**12}, 'trials=1000000000000; allowed'),
        ({'replicates': 10**9}, 'replicates=1000000000; allowed: a whole number from 1 to 1,000'),
        ({'seeds': 10**6}, 'seeds=1000000; allowed'),
        ({'base_factor': 101}, 'base_factor=101; allowed'),
        ({'replicates': '3'}, "replicates='3'"),
        ({'seeds': 0}, 'seeds=0'),
        ({'seeds': [1, 2]}, 'seeds=[1, 2]'),
        # Looks.
        ({'looks': (3,)}, 'change looks or replicates'),
        ({'looks': (5, 3)}, 'rising'),
        ({'looks': (3, 3, 5)}, 'rising'),
        ({'shares': 0.5}, 'adding up to 1'),
        ({'shares': (0.5, 0.25, 0.25)}, 'a number from 0 to 1 for each of the looks'),
        ({'share': 1}, 'True or False'),
        ({'own': 5}, 'give {arm: {value: range}}'),
        ({'own': {'other': 5}}, 'give {arm: {value: range}}'),
        ({'share': None}, 'True or False'),
        ({'looks': (3, 5), 'shares': (0.5, 0.6)}, 'adding up to 1'),
        ({'looks': (3, 5), 'shares': (1.0, 0.0)}, 'the last above 0'),
        ({'looks': (3, 5), 'shares': ('a', 1)}, 'a number from 0 to 1'),
        ({'looks': (0, 5)}, 'rising'),
        ({'looks': (3.0, 5)}, 'rising'),
        ({'looks': (True, 5)}, 'rising'),
        ({'looks': '5'}, 'rising'),
        ({'looks': 4}, 'rising'),
        ({'looks': None}, 'rising'),
        ({'looks': {'first': 5}}, 'rising'),
        # What arms are compared with, levels and choices.
        ({'against': ['other']}, 'against and levels are {arm: ...}'),
        ({'against': None}, 'against and levels are {arm: ...}'),
        ({'against': {'othr': 'base'}}, "names no arm 'othr'; allowed: ['base', 'other']. Did you mean 'other'?"),
        ({'against': {'other': 'bse'}}, "names no arm 'bse'"),
        ({'against': {'other': ['base']}}, "names no arm '['base']'"),
        ({'against': {'other': None}}, "names no arm 'None'"),
        ({'against': {3: 'base'}}, "names no arm '3'"),
        ({'against': {'base': 'other'}}, "'base' is compared with 'other', which does not stand before it"),
        ({'against': {'other': 'other'}}, 'change the order of arms'),
        ({'against': {'base': 'base'}}, 'the base is compared with nothing'),
        ({'levels': ['base']}, 'against and levels are {arm: ...}'),
        ({'levels': {'base': {'norm': 'layer'}}, 'shape': 'factorial'}, "levels of ['base'], not of every arm"),
        ({'levels': {3: {}, 'base': {}}, 'shape': 'factorial'}, 'make them by factorial()'),
        ({'levels': {'base': 'layer', 'other': 'rms'}, 'shape': 'factorial'}, 'levels are {arm: {factor: level}}'),
        ({'levels': {'base': {'norm': 'layer'}, 'other': {'norm': 'rms'}}}, "shape='one_swap' with levels of 2 arms"),
        ({'shape': 'factorial'}, "shape='factorial' with levels of 0 arms"),
        ({'shape': 'paths'}, "Did you mean 'path'?"),
        ({'shape': None}, 'shape=None; allowed'),
        ({'shape': ['path']}, "shape=['path']; allowed"),
        ({'search': 'sobl'}, "Did you mean 'sobol'?"),
        ({'search': 3}, 'search=3; allowed'),
        ({'budget': 'flops'}, "budget='flops'; allowed: ['trials', 'compute']"),
        ({'recipe': 'shared'}, "recipe='shared'; allowed: ['own', 'same']"),
        ({'base_factor': 0}, 'base_factor=0; allowed: a whole number from 1 to 100'),
        ({'base_factor': 1.5}, 'base_factor=1.5'),
        ({'base_factor': True}, 'base_factor=True'),
        # Alpha.
        ({'alpha': 0}, 'usually 0.05'),
        ({'alpha': 1}, 'usually 0.05'),
        ({'alpha': 5}, 'usually 0.05'),
        ({'alpha': -0.05}, 'usually 0.05'),
        ({'alpha': math.nan}, 'usually 0.05'),
        ({'alpha': '0.05'}, 'usually 0.05'),
        ({'alpha': True}, 'usually 0.05'),
        ({'alpha': None}, 'usually 0.05'),
        # The tuned space.
        ({'tune': {}}, 'is empty'),
        ({'tune': None}, 'is empty'),
        ({'tune': ['adamw']}, 'give {optimizer: {value: range}}'),
        ({'tune': {'adamw': {}}}, 'is not a space'),
        ({'tune': {'adamw': LR}}, 'is not a space'),
        ({'tune': {3: {'lr': LR}}}, 'an optimizer is given by its name in quotes'),
        ({'tune': {'adamw': {'lr': LR, 3: LR}}}, 'a tuned value is given by its name in quotes'),
        ({'tune': {'adamw': {'weight_decay': LR}}}, "has no 'lr'"),
        ({'tune': {'adamw': {'lr': 1e-3}}}, 'is not a range; use log(low, high)'),
        ({'tune': {'adamw': {'lr': (1e-3, 1e-1)}}}, 'is not a range'),
        ({'tune': {'adamw': {'lr': LR, 'seed': linear(0, 9)}}}, 'seeds are never tuned'),
        ({'tune': {'adamw': {'lr': LR, 'init_seed': linear(0, 9)}}}, 'seeds are never tuned'),
        ({'tune': {'adamw': {'lr': LR, 'SEEDS': linear(0, 9)}}}, 'seeds are never tuned'),
        ({'tune': {'adamw': {'lr': linear(0, 0.1)}}}, 'allowed: above 0 (learning rate'),
        ({'tune': {'adamw': {'lr': linear(-1, 0.1)}}}, 'allowed: above 0 (learning rate'),
        ({'tune': {'adamw': {'lr': LR, 'b1': linear(0.5, 1.5)}}}, 'allowed: 0 to below 1'),
        ({'tune': {'adamw': {'lr': LR, 'weight_decay': linear(-1, 1)}}}, 'allowed: 0 or more'),
        # Fixed values.
        ({'fixed': {'lr': 0.1}}, "'lr' is both fixed and tuned"),
        ({'fixed': {'weight_decay': 0.1}}, "'weight_decay' is both fixed and tuned"),
        ({'fixed': {'seed': 3}}, 'no seeds'),
        ({'fixed': {'b1': '0.9'}}, 'allowed: numbers'),
        ({'fixed': {'b1': True}}, 'allowed: numbers'),
        ({'fixed': {'b1': None}}, 'allowed: numbers'),
        ({'fixed': {'b1': math.nan}}, 'allowed: numbers'),
        ({'fixed': {3: 0.9}}, 'allowed: numbers'),
        ({'fixed': ['b1']}, 'give {name: number}'),
        ({'fixed': None}, 'give {name: number}'),
        # Values of an arm; more in tests/ablations/test_arm_fixed.py.
        ({'arm_fixed': ['b1']}, 'give {arm: {value: number}}'),
        ({'arm_fixed': None}, 'give {arm: {value: number}}'),
        ({'arm_fixed': {3: {'b1': 0.9}}}, 'arm_fixed[3] is of no arm'),
        ({'arm_fixed': {'other': {3: 0.9}}}, 'allowed: numbers'),
        # The optimizers of an arm; more in tests/sweeps/protocol/test_arm_optimizers.py.
        ({'optimizers': ['adamw']}, 'give {arm: (optimizer, ...)}, names of tune'),
        ({'optimizers': None}, 'give {arm: (optimizer, ...)}, names of tune'),
        (
            {'optimizers': {'othr': ('adamw',)}},
            "optimizers['othr'] is of no arm; allowed: ['base', 'other']. Did you mean 'other'?",
        ),
        ({'optimizers': {3: ('adamw',)}}, 'optimizers[3] is of no arm'),
        ({'optimizers': {'other': 3}}, "optimizers['other']=3; allowed: one or more of ['adamw']"),
        ({'optimizers': {'other': ()}}, 'leave the arm out where it has all of them'),
        ({'optimizers': {'other': ('adamw', 'adamw')}}, 'each once'),
        (
            {'optimizers': {'other': ('adam',)}},
            "has 'adam', which tune does not have; allowed: ['adamw']. Did you mean 'adamw'?",
        ),
        ({'optimizers': {'other': (3,)}}, 'has 3, which tune does not have'),
        # Blocks.
        ({'blocks': 'nowhere.py'}, 'no such file'),
        ({'blocks': '.'}, 'no such file'),
        ({'blocks': 3}, 'in quotes'),
        ({'blocks': ['a.py']}, 'in quotes'),
    ],
)
def test_a_study_that_cannot_be_answered_is_refused(fields, said):
    with pytest.raises(ValueError) as caught:
        Study(**{**FINE, **fields})
    assert said in str(caught.value)
    assert '\n' not in str(caught.value).replace('\\n', '')


def test_every_field_of_a_study_is_tried_above_with_a_wrong_type():
    cases = test_a_study_that_cannot_be_answered_is_refused.pytestmark[0].args[1]
    assert {name for fields, _ in cases for name in fields} == {field.name for field in dataclasses.fields(Study)}


def test_an_arm_is_compared_with_the_base_unless_the_study_says_otherwise():
    arms = {'base': (), 'one': swap('norm', 'rms_norm'), 'two': ()}
    assert [Study(**{**FINE, 'arms': arms}).reference(arm) for arm in arms] == ['base'] * 3
    study = Study(**{**FINE, 'arms': arms}, against={'two': 'one'})
    assert [study.reference(arm) for arm in arms] == ['base', 'base', 'one']
    assert study.digest != Study(**{**FINE, 'arms': arms}).digest


def test_the_base_may_have_several_times_the_replicates():
    study = Study(**FINE, looks=(2, 5), base_factor=3)
    assert [(study.count('base', look), study.count('other', look)) for look in study.looks] == [(6, 2), (15, 5)]
    assert Study(**FINE).count('base', 5) == 5


@pytest.mark.parametrize(
    'change', [{'search': 'tpe'}, {'budget': 'compute'}, {'recipe': 'same'}, {'base_factor': 2}, {'shape': 'path'}], ids=str
)
def test_what_changes_the_protocol_changes_the_digest_and_no_program(change):
    plain, other = Study(**FINE), Study(**FINE, **change)
    assert other.digest != plain.digest
    assert other.program('other', 'digits', 'adamw').id == plain.program('other', 'digits', 'adamw').id
    assert {name: other.to_dict()[name] for name in change} == change


def test_an_unknown_field_of_a_study_is_an_error():
    with pytest.raises(TypeError, match='trails'):
        Study(**FINE, trails=3)


@pytest.mark.parametrize('looks', [(5,), [5], (3, 5), (1, 3, 5), ()])
def test_looks_that_may_be_declared(looks):
    assert Study(**FINE, looks=looks).looks == (tuple(looks) or (3, 5))


def test_names_that_are_not_there_are_answered_with_those_that_are():
    study = Study(**FINE)
    with pytest.raises(ValueError, match=r"no arm 'othr'; allowed: \['base', 'other'\]. Did you mean 'other'"):
        study.model('othr', 'digits')
    with pytest.raises(ValueError, match=r"no task 'digit'; allowed: \['digits', 'recall'\]. Did you mean 'digits'"):
        study.task('digit')


def test_a_study_cannot_be_changed_through_what_it_hands_out():
    study = Study(**FINE)
    before = study.digest, study.program('other', 'digits', 'adamw').id
    study.model('base', 'digits')['norm']['eps'] = 1.0
    study.program('base', 'digits', 'adamw').model['norm']['eps'] = 1.0
    study.to_dict()['tasks'][0]['base']['norm']['eps'] = 1.0
    study.to_dict()['arms']['other'].append('more')
    again = dataclasses.replace(study)
    assert (again.digest, again.program('other', 'digits', 'adamw').id) == before


def test_a_study_cannot_be_changed_through_what_it_was_made_of():
    space = {'lr': LR}
    data = {'kind': 'digits', 'train': 100}
    tune, arms, fixed = {'adamw': space}, {'base': (), 'other': ()}, {'b1': 0.8}
    against, levels = {'other': 'base'}, {'base': {'norm': 'layer'}, 'other': {'norm': 'rms'}}
    fields = {'tune': tune, 'arms': arms, 'fixed': fixed, 'against': against, 'levels': levels, 'shape': 'factorial'}
    study = Study(**{**FINE, **fields, 'tasks': (task('digits', data=data),)})
    before = dataclasses.replace(study).digest
    space['weight_decay'] = LR
    tune['sgd'] = space
    arms['third'] = ()
    fixed['b2'] = 0.8
    data['train'] = 5
    against.clear()
    levels['other']['norm'] = 'batch'
    assert dataclasses.replace(study).digest == before


def test_the_learning_rate_comes_first():
    """Selection fits the first tuned value last of all; it has to be the learning rate however the space is written."""
    study = Study(**FINE, tune={'adamw': {'weight_decay': log(1e-3, 1), 'b1': linear(0.5, 1), 'lr': LR}})
    assert list(study.tune['adamw']) == ['lr', 'b1', 'weight_decay']


# Tasks.


# Ranges.


@pytest.mark.parametrize('study', STUDIES.values(), ids=lambda study: study.name)
def test_built_in_studies(study):
    import inspect

    from ablations.studies import mixers, norms, null, quickstart

    module = {'quickstart': quickstart, 'norms': norms, 'null': null, 'mixers': mixers}[study.name]
    source = inspect.getsource(module).splitlines()
    assert len(source) < 60, 'a study is read at a glance'
    assert study.question == module.__doc__
    assert len({item.dataset for item in study.tasks}) >= 2
    assert f'Run: archlab run {study.name}' in study.question
    copies = [arm for arm, changes in study.arms.items() if not changes]
    assert len(copies) >= 2, 'the base and a null arm'
    assert study.extension > 0


def test_the_name_of_a_study_is_no_setting():
    from ablations.settings import override
    from ablations.studies import STUDIES

    with pytest.raises(ValueError, match='--set name=other: the name of a study is that of its runs'):
        override(STUDIES['quickstart'], ['name=other'])


def test_a_setting_may_be_a_range_as_in_a_study_file():
    from ablations.settings import override
    from ablations.spaces import choice, log
    from ablations.studies import STUDIES

    settings = ['tune.adamw.lr=log(1e-4, 1e-2)', "fixed={'beta1': 0.8}", 'tune.adamw.weight_decay=choice(0.0, 0.1)']
    asked = override(STUDIES['quickstart'], settings)
    assert asked.tune['adamw'] == {'lr': log(1e-4, 1e-2), 'weight_decay': choice(0.0, 0.1)} and asked.fixed == {'beta1': 0.8}
    for text, said in (('log(1e-3)', "missing 1 required positional argument: 'high'"), ('open("x")', 'is not a range')):
        with pytest.raises(ValueError, match=said):
            override(STUDIES['quickstart'], [f'tune.adamw.lr={text}'])
