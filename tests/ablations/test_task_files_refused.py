"""Task files that are refused: no such task, a field that makes no sense, a set from another declaration, damaged facts."""

import dataclasses
from pathlib import Path

import pytest
from photo_task import STUDY, TASK, prepare, written

from ablations.study_files import load_study
from ablations.tasks import task


def test_a_set_that_was_prepared_from_another_declaration_is_refused(folder: Path):
    study = written(folder)
    prepare(folder)
    load_study(study)
    written(folder, task_file=TASK.format(more=', size=64'))
    with pytest.raises(
        ValueError, match=r'from another declaration than this one; prepare it again: .* my_task\.py:retina --force'
    ):
        load_study(study)
    prepare(folder, declared=None)
    with pytest.raises(ValueError, match='is prepared, but by another command than this one'):
        load_study(study)


def own(more: str) -> str:
    return f'from ablations.study import task\nretina = task({more})\n'


REFUSED = {
    'no file': ("'other.py:retina'", TASK.format(more=''), r'other\.py.* cannot be read \(No such file'),
    'no task': ("'my_task.py:retna'", TASK.format(more=''), r"has no task 'retna'.*Did you mean 'retina'"),
    'a file alone': ("'my_task.py'", TASK.format(more=''), r"is a file of tasks; name one of them.*allowed: \['retina'\]"),
    'a file without tasks': ("'my_task.py:retina'", 'x = 1\n', 'declares no task; write one at its top level'),
    'a file that breaks': ("'my_task.py:retina'", '1 / 0\n', 'does not load: ZeroDivisionError'),
    'a file that is no Python': ("'my_task.py:retina'", 'what?\n', 'does not load: SyntaxError'),
    'a file that exits': ("'my_task.py:retina'", 'raise SystemExit(0)\n', 'remove sys.exit'),
    "a built-in's name": ("'my_task.py:digits'", TASK.replace('retina', 'digits').format(more=''), 'name of a task of the lab'),
    'a name in capitals': (
        "'my_task.py:Retina'",
        TASK.replace('retina', 'Retina').format(more=''),
        'small letters, digits and _',
    ),
    'not prepared': ("'my_task.py:retina'", TASK.format(more=''), r'prepare them: archlab data prepare my_task\.py:retina '),
    'no source': ("'my_task.py:retina'", own(''), "without a source; give source='FOLDER'"),
    'a field that there is not': ("'my_task.py:retina'", own("sorce='a'"), "has no field 'sorce'.*Did you mean 'source'"),
    'a reader that there is not': ("'my_task.py:retina'", own("source='a', read='image_foldr'"), "Did you mean 'image_folder'"),
    'a reader that is not told': (
        "'my_task.py:retina'",
        own("source='photos'"),
        'how to read it is not told by its name; give read=',
    ),
    'an option of another reader': (
        *("'my_task.py:retina'", own("source='a', read='image_folder', target='b'")),
        "target=.*reader 'image_folder' takes no such option",
    ),
    'options without a source': ("'my_task.py:retina'", own("dataset='a', size=8"), r"\['size'\] would not be read"),
    'a reader of a function': (
        *("'my_task.py:retina'", 'def make():\n    pass\n' + own("source=make, read='csv'")),
        "read='csv' of a function",
    ),
    'half a step': ("'my_task.py:retina'", own("source='a.csv', steps=0.5"), r'steps=0\.5; allowed: a whole number'),
    'no held-out example': ("'my_task.py:retina'", own("source='a.csv', held=0"), 'held=0; allowed: 1 or more'),
    'no evaluation': ("'my_task.py:retina'", own("source='a.csv', evaluations=0"), 'evaluations=0; allowed: 1 or more'),
    'a number for a word': ("'my_task.py:retina'", own("source='a.csv', metric=3"), 'metric=3; allowed: a text in quotes'),
    'a word for a number': ("'my_task.py:retina'", own("source='a.csv', margin='small'"), "margin='small'; allowed: a number"),
    'a truth for a number': ("'my_task.py:retina'", own("source='a.csv', batch=True"), 'batch=True; allowed: a whole number'),
    'a word for a truth': ("'my_task.py:retina'", own("source='a.csv', grey='yes'"), "grey='yes'; allowed: True or False"),
    'a lambda': ("'my_task.py:retina'", own('source=lambda: {}'), r'a function of the file \(def\)'),
    'a function of Python': ("'my_task.py:retina'", own('source=print'), r'a function of the file \(def\)'),
    'the set of another': ("'my_task.py:retina'", own("source='a.csv', dataset='cifar10'"), "'cifar10' is a set of the lab"),
    'a set that the lab makes': ("'my_task.py:retina'", own("source='a.csv', dataset='friedman'"), 'is a set of the lab'),
    'a source of no kind': ("'my_task.py:retina'", own('source=3'), 'allowed: a path in quotes, a function'),
    'a direction of no kind': ("'my_task.py:retina'", own("source='a.csv', direction='up'"), "direction='up'; allowed"),
    'a form of no kind': ("'my_task.py:retina'", own("source='a.csv', form='tabel'"), "Did you mean 'table'"),
    'a column twice': ("'my_task.py:retina'", own("source='a.csv', inputs=('a', 'a')"), 'names a column twice'),
    'an empty column': ("'my_task.py:retina'", own("source='a.csv', inputs=''"), 'allowed: the name of a column'),
    'a size of half a pixel': ("'my_task.py:retina'", own("source='a', read='image_folder', size=0.5"), 'size=0.5; allowed'),
    'a base that is no data': (
        "'my_task.py:retina'",
        own("source='a.csv', base={'norm': object()}"),
        'base.norm: given object',
    ),
}


@pytest.mark.parametrize(('tasks', 'text', 'said'), REFUSED.values(), ids=REFUSED)
def test_a_task_that_cannot_be_had_is_refused(folder: Path, tasks: str, text: str, said: str):
    study = written(folder, tasks, text)
    with pytest.raises(ValueError, match=said):
        load_study(study)


def test_a_task_of_ones_own_outside_a_file_is_refused(folder: Path):
    quickstart = load_study('quickstart')
    with pytest.raises(ValueError, match=r"declared in a file; name it 'FILE\.py:NAME'"):
        dataclasses.replace(quickstart, tasks=(task(source='photos', read='image_folder'),))


def test_two_names_of_a_task_are_refused():
    with pytest.raises(ValueError, match='a task has one name'):
        task('digits', 'recall')


@pytest.mark.parametrize(
    ('lacking', 'said'),
    [
        ({'balance': None}, 'TypeError'),
        ({'sizes': {}}, "KeyError: 'pool'"),
        ({'shape': 3}, 'TypeError'),
        ({'balance': {'pool': []}}, 'IndexError'),
        ({'classes': 3}, 'TypeError'),
    ],
    ids=str,
)
def test_facts_that_are_damaged_are_told_with_the_command_that_mends_them(folder: Path, lacking: dict, said: str):
    study = written(folder)
    prepare(folder, **lacking)
    whole = (
        rf"task 'my_task\.py:retina': what is known of the set 'retina' is damaged \({said}.*prepare it again: archlab data "
    )
    with pytest.raises(ValueError, match=whole + r'prepare my_task\.py:retina --force'):
        load_study(study)


def test_a_task_stands_at_the_top_of_its_file_and_not_inside_a_study(folder: Path):
    inside = "task(source='photos', read='image_folder')"
    (folder / 'study.py').write_text(STUDY.format(tasks=inside).replace('import Study, swap', 'import Study, swap, task'))
    with pytest.raises(
        ValueError, match=r'study\.py: a task of your own stands at the top of the file, as NAME = task\(\.\.\.\)'
    ):
        load_study('study.py')
