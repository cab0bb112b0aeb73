"""Studies by name and by path, and settings from the command line."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from ablations.config import swap
from ablations.settings import _parsed, override, until_decided, without_code
from ablations.spaces import choice, integer, log
from ablations.studies import STUDIES
from ablations.study import Study
from ablations.study_files import load_study
from ablations.tasks import TASKS

ROOT = Path(__file__).parents[2]
STUDY = Study(
    name='settings',
    question='What if?',
    arms={'base': (), 'rms_norm': swap('norm', 'rms_norm')},
    tasks=('digits', 'recall'),
    tune={'adamw': {'lr': log(1e-3, 5e-2)}, 'sgd': {'lr': log(3e-2, 3.0)}},
    replicates=3,
)
OWN = '''"""Is mine better?"""

from ablations.study import Study, swap

study = Study(
    name='mine',
    question=__doc__,
    arms={'base': (), 'own': swap('norm', 'my_norm')},
    tasks=('digits', 'recall'),
    blocks='blocks/my_block.py',
)
'''


def _own(folder: Path) -> Path:
    (folder / 'blocks').mkdir()
    (folder / 'blocks' / 'my_block.py').write_text('NORMS = {}\n')
    file = folder / 'my_study.py'
    file.write_text(OWN)
    return file


@pytest.mark.parametrize('name', STUDIES)
def test_built_in_studies_load_by_name(name):
    assert load_study(name) is STUDIES[name]
    assert load_study(str(ROOT / 'ablations' / 'studies' / f'{name}.py')).digest == STUDIES[name].digest


def test_a_study_of_ones_own_loads_by_path(tmp_path, monkeypatch):
    file = _own(tmp_path)
    study = load_study(str(file))
    assert (study.name, study.question) == ('mine', 'Is mine better?')
    assert Path(study.blocks) == tmp_path / 'blocks' / 'my_block.py', 'a block file lies beside the study, wherever we are'
    monkeypatch.chdir(tmp_path)
    relative = load_study('my_study.py')
    assert relative.digest == study.digest
    assert Path(relative.blocks).is_absolute(), 'workers start in other folders'


def test_a_path_in_one_study_file_does_not_leak_into_the_next(tmp_path, monkeypatch):
    load_study(str(_own(tmp_path)))
    elsewhere = tmp_path / 'elsewhere'
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    with pytest.raises(ValueError, match=r"blocks='blocks/my_block.py': no such file"):
        exec(OWN, {'__doc__': 'Is mine better?'})
    (elsewhere / 'broken.py').write_text('1 / 0')
    with pytest.raises(ValueError, match='ZeroDivisionError'):
        load_study('broken.py')
    with pytest.raises(ValueError, match='no such file'):
        exec(OWN, {'__doc__': 'Is mine better?'})


@pytest.mark.parametrize(
    ('content', 'said'),
    [
        ('', 'defines no study; end the file with study = Study(...)'),
        ('study = {"name": "x"}', 'defines no study'),
        ('stduy = 3', 'defines no study'),
        ('study = Study(', 'SyntaxError'),
        ('import nowhere_to_be_found', 'ModuleNotFoundError'),
        ('1 / 0', 'ZeroDivisionError'),
        ('from ablations.study import Study\nstudy = Study(name="x")', 'TypeError'),
        ('from ablations.study import Study\nstudy = Study("x", "q", {"a": ()}, ("digit",))', "Did you mean 'digits'?"),
        ('from ablations.study import Study\nstudy = Study("x", "q", {"a": ()}, ("digits",), blocks="b.py")', 'no such file'),
        ('\x00', 'does not load'),
    ],
)
def test_a_broken_study_file_is_one_sentence_that_names_it(tmp_path, content, said):
    file = tmp_path / 'broken.py'
    file.write_text(content)
    with pytest.raises(ValueError) as caught:
        load_study(str(file))
    assert said in str(caught.value)
    assert str(file) in str(caught.value)
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize(
    ('name', 'said'),
    [
        (
            'quikstart',
            "unknown study 'quikstart'; allowed: ['mixers', 'norms', 'null', 'quickstart']",
        ),
        ('quikstart', "Did you mean 'quickstart'?"),
        ('shared_kys_small', "Did you mean 'shared_keys_small'?"),
        ('', 'unknown study'),
        ('study.txt', 'unknown study'),
        ('nowhere/study.py', 'no such file; check the path'),
    ],
)
def test_an_unknown_study_is_refused(name, said):
    with pytest.raises(ValueError) as caught:
        load_study(name)
    assert said in str(caught.value)


def test_a_folder_is_not_a_study(tmp_path):
    (tmp_path / 'folder.py').mkdir()
    with pytest.raises(ValueError, match='no such file'):
        load_study(str(tmp_path / 'folder.py'))


@pytest.mark.parametrize('setting', ['name=other', ' name = other'])
def test_the_name_of_a_study_is_no_setting(setting):
    with pytest.raises(ValueError, match='the name of a study is that of its runs; change it in a study file of your own'):
        override(STUDY, [setting])


@pytest.mark.parametrize(
    ('setting', 'read', 'value'),
    [
        ('trials=8', lambda s: s.trials, 8),
        (' trials = 8', lambda s: s.trials, 8),
        ('replicates=2', lambda s: (s.replicates, s.looks), (2, (2,))),
        ('alpha=0.01', lambda s: s.alpha, 0.01),
        ('looks=(2, 3)', lambda s: s.looks, (2, 3)),
        ('tasks=["digits"]', lambda s: [item.name for item in s.tasks], ['digits']),
        ('tasks.digits.steps=20', lambda s: [s.tasks[0].steps, s.task('recall')], [20, TASKS['recall']]),
        ('tasks.digits.base.channel.ratio=2', lambda s: s.model('rms_norm', 'digits')['channel']['ratio'], 2.0),
        ('tasks.digits.base.body.widths=(8, 16)', lambda s: s.model('rms_norm', 'digits')['body']['widths'], [8, 16]),
        ('tasks.recall.data.pairs=3', lambda s: s.task('recall').data['pairs'], 3),
        ('tune.adamw.lr.high=0.1', lambda s: s.tune['adamw']['lr'].high, 0.1),
        ('tune.adamw.lr.scale=linear', lambda s: s.tune['adamw']['lr'].scale, 'linear'),
        ('fixed={"b1": 0.8}', lambda s: s.fixed, {'b1': 0.8}),
        ('question=What is "=" for?', lambda s: s.question, 'What is "=" for?'),
    ],
)
def test_settings(setting, read, value):
    study = STUDY
    before = study.digest
    changed_study = override(study, [setting])
    assert read(changed_study) == value
    assert changed_study.digest != before
    assert study.digest == before
    assert isinstance(changed_study, Study)


def test_settings_apply_in_order():
    changed_study = override(STUDY, ['trials=8', 'trials=9', 'tasks.digits.evaluations=1', 'tasks.digits.steps=7'])
    assert (changed_study.trials, changed_study.task('digits').steps) == (9, 7)
    assert override(STUDY, []) is STUDY


MIXED = dataclasses.replace(
    STUDY,
    tune={'adamw': {'lr': log(1e-3, 5e-2), 'b2': choice(0.9, 0.99), 'warmup': integer(1, 6)}},
    replicates=5,
    looks=(2, 3, 5),
)


@pytest.mark.parametrize(
    ('settings', 'read', 'value'),
    [
        (['tune.adamw.warmup.high=9'], lambda s: s.tune['adamw']['warmup'], integer(1, 9)),
        (['tune.adamw.warmup.low=2', 'tune.adamw.warmup.log=True'], lambda s: s.tune['adamw']['warmup'], integer(2, 6, True)),
        (['tune.adamw.b2.values=(0.9, 0.95, 0.999)'], lambda s: s.tune['adamw']['b2'], choice(0.9, 0.95, 0.999)),
        (['replicates=7', 'looks=(3, 7)'], lambda s: (s.replicates, s.looks), (7, (3, 7))),
        (['looks=(3, 7)', 'replicates=7'], lambda s: (s.replicates, s.looks), (7, (3, 7))),
        (['replicates=5'], lambda s: (s.replicates, s.looks), (5, (2, 3, 5))),
        (['replicates=7', 'looks=()'], lambda s: (s.replicates, s.looks), (7, (3, 7))),
        # What fits only together may stand in any order.
        (['tasks.digits.steps=7', 'tasks.digits.evaluations=1'], lambda s: s.task('digits').steps, 7),
        (['tune.adamw.lr.low=0.1', 'tune.adamw.lr.high=1'], lambda s: s.tune['adamw']['lr'], log(0.1, 1)),
        (['tune.adamw.lr.low=0', 'tune.adamw.lr.low=0.01'], lambda s: s.tune['adamw']['lr'], log(0.01, 5e-2)),
        (['tasks=("digits",)', 'tasks.digits.batch=8'], lambda s: [(t.name, t.batch) for t in s.tasks], [('digits', 8)]),
        (['fixed={"b1": 0.8}', 'fixed.b1=0.7'], lambda s: s.fixed, {'b1': 0.7}),
        (['base_factor=2', 'search=tpe', 'recipe=same'], lambda s: (s.base_factor, s.search, s.recipe), (2, 'tpe', 'same')),
    ],
    ids=lambda value: 'read' if callable(value) else str(value),
)
def test_settings_are_checked_together(settings, read, value):
    before = MIXED.digest
    assert read(override(MIXED, settings)) == value
    assert MIXED.digest == before


@pytest.mark.parametrize(
    ('settings', 'said'),
    [
        (['replicates=7'], "set both: --set replicates=7 --set 'looks=(2, 3, 7)'"),
        (['replicates=3'], "set both: --set replicates=3 --set 'looks=(2, 3)'"),
        (['replicates=1'], "--set 'looks=(1,)'"),
        (['replicates=7', 'looks=(3, 5)'], 'change looks or replicates'),
        (['replicates=many'], 'replicates=many'),
        (['tune.adamw.warmup.low=7'], 'is empty'),
        (['tune.adamw.warmup.scale=log'], "no field 'scale'"),
        (['tune.adamw.b2.values=0.9'], 'two or more numbers'),
        (['tune.adamw.b2.low=0.9'], "no field 'low'"),
        (['tasks=digits', 'tasks.digits.steps=8'], "nothing lies below 'digits'"),
        (['tasks.digits=5', 'tasks.digits.steps=8'], "nothing lies below 'steps'"),
        (['against={"rms_norm": "bse"}'], "names no arm 'bse'"),
    ],
    ids=str,
)
def test_settings_that_do_not_fit_together_are_refused(settings, said):
    with pytest.raises(ValueError) as caught:
        override(MIXED, settings)
    assert said in str(caught.value)
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize(
    ('setting', 'said'),
    [
        ('trials', 'write path=value'),
        ('=8', 'write path=value'),
        ('', 'write path=value'),
        ('trails=8', "no field 'trails'"),
        ('trails=8', "Did you mean 'trials'?"),
        ('trials=many', "trials='many'"),
        ('trials=-1', 'trials=-1'),
        ('trials=', "trials=''"),
        ('trials=None', 'trials=None'),
        ('trials={[]: 1}', 'trials='),
        ('trials.more=1', "nothing lies below 'more'"),
        ('tasks=digits', 'give a tuple'),
        ('tasks.digit.steps=80', "no 'digit'; allowed: ['digits', 'recall']. Did you mean 'digits'?"),
        ('tasks.digits=5', 'unknown task'),
        ('tasks.digits.step=80', "no field 'step'"),
        ('tasks.digits.steps=83', 'not a multiple'),
        ('tasks.digits.steps=fast', "steps='fast'"),
        ('tasks.digits.base=x', "base='x'"),
        ('tasks.digits.base.norm.epss=1', "norm has no 'epss'"),
        ('tasks.digits.base.norm.eps=tiny', 'given str, allowed float'),
        ('tasks.digits.base.mixer.kernel=3.5', 'given float, allowed int'),
        ('tasks.digits.base.mixer.kernel=None', 'a config holds only'),
        ('tasks.digits.base.norm.kind=rms_norm', "use swap('norm', 'rms_norm')"),
        ('tasks.digits.base.norm=rms_norm', "use swap('norm', kind, ...)"),
        ('tasks.recall.data.pairs=few', 'given str, allowed int'),
        ('tasks.recall.data.pair=1', "Did you mean 'pairs'?"),
        ('tune.adamw.lr.low=0', 'a log range needs low > 0'),
        ('tune.adamw.lr.low=1', 'is empty'),
        ('tune.adamw.lr.low=tiny', 'finite numbers'),
        ('tune.adamw.lr.lo=1', "no field 'lo'"),
        ('tune.adam.lr.low=1', "Did you mean 'adamw'?"),
        ('tune.adamw.lr=0.1', 'is not a range'),
        ('fixed.b1=0.9', "no 'b1'"),
        ('fixed={"b1": "x"}', 'allowed: numbers'),
        ('fixed={"lr": 0.1}', 'both fixed and tuned'),
        ('arms.rms_norm=5', "arm 'rms_norm' is 5"),
        ('arms.rms_norm.x=5', "nothing lies below 'x'"),
        ('looks=(1, 2)', 'change looks or replicates'),
        ('replicates=2.5', 'replicates=2.5'),
        ('name=other', 'change it in a study file of your own'),
    ],
)
def test_settings_that_do_not_fit_are_refused(setting, said):
    with pytest.raises(ValueError) as caught:
        override(STUDY, [setting])
    assert said in str(caught.value)
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize(
    ('declared', 'replicates', 'looks'),
    [
        # A study that declares no looks gets those of its new number; one that looks but once, goes on doing so.
        ((3, ()), 7, (3, 7)),
        ((3, ()), 4, (4,)),
        ((5, ()), 8, (3, 8)),
        ((5, ()), 2, (2,)),
        ((5, (5,)), 8, (8,)),
        ((5, (5,)), 2, (2,)),
        ((5, (2, 5)), 5, (2, 5)),
    ],
)
def test_looks_follow_a_new_number_of_replicates(declared, replicates, looks):
    study = dataclasses.replace(STUDY, replicates=declared[0], looks=declared[1])
    assert override(study, [f'replicates={replicates}']).looks == looks


@pytest.mark.parametrize(('at_most', 'looks'), [(3, '(3,)'), (4, '(3, 4)')])
def test_a_study_that_goes_on_looks_from_three_replicates_on(at_most: int, looks: str):
    assert until_decided(at_most) == [f'replicates={at_most}', f'looks={looks}', 'shares=()']
    assert override(STUDY, until_decided(at_most)).replicates == at_most


@pytest.mark.parametrize('at_most', [0, 2, 1001])
def test_a_study_can_go_on_only_to_as_many_replicates_as_a_study_may_have(at_most: int):
    assert until_decided(1000)[0] == 'replicates=1000'
    with pytest.raises(ValueError, match=f'--at-most {at_most}; allowed: from 3 to 1000 replicates'):
        until_decided(at_most)


@pytest.mark.parametrize(
    ('text', 'value'),
    [
        ('log(1e-3, high=1e-2)', log(1e-3, 1e-2)),
        ('integer(1, 6, log=True)', integer(1, 6, log=True)),
        ('{"lr": log(1e-3, 1), "b1": choice(0.8, 0.9)}', {'lr': log(1e-3, 1), 'b1': choice(0.8, 0.9)}),
        ('{"a": {"b": log(1e-3, 1)}}', {'a': {'b': log(1e-3, 1)}}),
        ('-3', -3),
        ('(1, 2)', (1, 2)),
        ('None', None),
        ('', ''),
        ('{**x}', '{**x}'),
        ('x.log(1, 2)', 'x.log(1, 2)'),
        ('print(1)', 'print(1)'),
        ('1 +', '1 +'),
        ('{[]: 1}', '{[]: 1}'),
        ('[' * 10_000, '[' * 10_000),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_value_is_a_literal_or_a_range_or_a_text(text: str, value: object):
    assert _parsed(text) == value


def test_studies_load_without_jax():
    code = (
        'import sys\n'
        'from ablations import studies, study_files\n'
        'print(sorted({"jax", "flax", "optax", "scipy", "arch"} & set(sys.modules)))'
    )
    done = subprocess.run([sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == '[]'


@pytest.mark.parametrize('setting', ['blocks=evil.py', ' blocks = evil.py', 'blocks.x=evil.py'])
def test_settings_that_are_data_may_not_name_code(setting):
    assert without_code(['trials=8', 'tasks.digits.steps=80'], 'bundle.json') == ['trials=8', 'tasks.digits.steps=80']
    with pytest.raises(ValueError, match=r'bundle.json has the setting .*data may not run code.*--blocks FILE'):
        without_code(['trials=8', setting], 'bundle.json', '--blocks FILE')


@pytest.mark.parametrize(
    'setting',
    [
        "tasks=('evil.py:x',)",
        "tasks=['digits', 'ev' 'il.py:x']",
        'tasks.digits=evil.py:x',
        'tasks=evil.py',
        " tasks = ('\\x65vil.py:x',)",
        "tasks={'a': {'b': ('digits', 'evil.py:x')}}",
        "tasks={'a': 'digits', 'b': 'evil.py:x'}",
        "tasks={'digits', 'evil.py'}",
    ],
)
def test_settings_that_are_data_may_not_name_a_file_of_tasks(setting):
    assert without_code(["tasks=('digits',)", 'tasks.digits.unit=share'], 'bundle.json')
    with pytest.raises(ValueError, match=r'bundle.json has the setting .*data may not run code.*in the tasks of a study file'):
        without_code(['trials=8', setting], 'bundle.json', '--blocks FILE')
