"""Task files: tasks of a user's own by file and name, their hash in study and trial, and studies whose data are elsewhere."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from photo_task import STUDY, TASK, prepare, written

from ablations import task_files
from ablations.study_files import load_study
from ablations.task_files import Unprepared, declared_in
from ablations.tasks import TASKS, task
from archlab.study_runs import open_study
from results.store import defined
from sweeps import manifest as manifests


def test_what_is_not_stated_follows_from_the_set(folder: Path):
    study = written(folder)
    prepare(folder)
    one = load_study(study).task('retina')
    assert (one.metric, one.direction, one.unit) == ('accuracy', 'higher', 'share of images')
    assert one.chance == pytest.approx(60 / 90) and one.base['head']['outputs'] == 2 and one.base['stem']['patch'] == 4
    assert one.data == {'kind': 'images', 'dataset': 'retina', 'held': 18} and one.steps % one.evaluations == 0
    assert one.declared == declared_in(folder / 'my_task.py')['retina'].hash


STATED = {
    'margin': 0.05,
    'chance': 0.25,
    'unit': 'share of eyes',
    'steps': 24,
    'batch': 8,
    'evaluations': 2,
    'domain': 'medicine',
    'held': 7,
    'train': 20,
    'augment': [{'kind': 'flip'}],
    'base': TASKS['digits'].base,
}


@pytest.mark.parametrize('field', STATED)
def test_what_is_stated_wins(folder: Path, field: str):
    study = written(folder, task_file=TASK.format(more=f', {field}={STATED[field]!r}'))
    prepare(folder)
    one = load_study(study).task('retina')
    assert (one.data if field in ('held', 'train', 'augment') else dataclasses.asdict(one))[field] == STATED[field]


def test_one_file_may_hold_task_and_study(folder: Path):
    text = STUDY.format(tasks="'digits', retina").replace(
        'import Study, swap\n', f'import Study, swap, task\n{TASK.format(more="").splitlines()[1]}\n'
    )
    (folder / 'both.py').write_text(text)
    with pytest.raises(ValueError, match=r'archlab data prepare both\.py:retina'):
        load_study('both.py')
    prepare(folder, 'both.py')
    assert [one.name for one in load_study('both.py').tasks] == ['digits', 'retina']
    (folder / 'both.py').write_text(text.replace('retina,)', "'both.py:retina',)"))
    first = load_study('both.py')
    # A study that grows in the same file keeps its trials.
    (folder / 'both.py').write_text((folder / 'both.py').read_text().replace("name='own'", "name='own', replicates=7"))
    grown = load_study('both.py')
    assert grown.replicates == 7
    assert grown.program('none', 'retina', 'adamw').id == first.program('none', 'retina', 'adamw').id


FUNCTION = (
    'from ablations.study import task\n'
    'count = {count}\n'
    'def make():\n'
    '    return dict(x=[[0] * 8] * count)\n'
    'retina = task(source=make)\n'
    'other = task(source={other!r}, read="image_folder")\n'
)


@pytest.mark.parametrize(
    ('first', 'second', 'same'),
    [
        (TASK.format(more=''), TASK.format(more=' ') + '# a note\n', True),
        (TASK.format(more=''), TASK.format(more=', margin=0.3'), True),
        (TASK.format(more=''), TASK.format(more=', size=64'), False),
        (TASK.format(more=''), TASK.format(more='').replace('photos', 'pictures'), False),
        (TASK.format(more=''), TASK.format(more=', split="hash"'), False),
        (FUNCTION.format(count=3, other='a'), FUNCTION.format(count=3, other='b'), True),
        (FUNCTION.format(count=3, other='a'), FUNCTION.format(count=4, other='a'), False),
        (FUNCTION.format(count=3, other='a'), FUNCTION.format(count=3, other='a').replace('[0]', '[1]'), False),
    ],
    ids=['layout', 'margin', 'size', 'source', 'split', 'another task', 'what a function reads', 'the function'],
)
def test_the_hash_is_of_what_the_data_are_made_of(folder: Path, first: str, second: str, same: bool):
    written(folder, task_file=first)
    before = declared_in(folder / 'my_task.py')['retina'].hash
    written(folder, task_file=second)
    assert (declared_in(folder / 'my_task.py')['retina'].hash == before) == same


def test_a_declaration_is_part_of_study_and_trial_and_that_of_others_is_not(folder: Path):
    study = written(folder)
    prepare(folder)
    one = load_study(study)
    other = dataclasses.replace(one, tasks=(dataclasses.replace(one.task('retina'), declared='0' * 16),))
    assert one.digest != other.digest
    ids = [each.program('base', 'retina', 'adamw').id for each in (one, other)]
    assert ids[0] != ids[1] and 'declared' not in task('digits').to_dict()


def test_the_runs_of_a_study_tell_its_tasks_where_their_data_are_elsewhere(folder: Path):
    study = written(folder)
    prepare(folder)
    ran = load_study(study)
    (folder / 'data' / 'prepared' / 'retina' / 'about.json').unlink()
    before = task_files.DEFINITION_OF.set(lambda name: ran.to_dict() if name == 'own' else None)
    try:
        assert load_study(study).digest == ran.digest
        written(folder, task_file=TASK.format(more=', size=64'))
        with pytest.raises(ValueError, match='its data are not prepared'):
            load_study(study)
    finally:
        task_files.DEFINITION_OF.reset(before)


def test_a_ladder_of_ones_own_task(folder: Path):
    rungs = "{'narrow': put('body.widths', [8, 16]), 'wide': ()}"
    written(folder, tasks=f"*ladder('my_task.py:retina', {rungs})")
    text = (
        (folder / 'study.py')
        .read_text()
        .replace('import Study, swap\n', 'import Study, put, swap\nfrom ablations.shapes import ladder\n')
    )
    (folder / 'study.py').write_text(text)
    prepare(folder)
    one = load_study('study.py')
    assert [each.name for each in one.tasks] == ['retina_narrow', 'retina_wide']
    assert {each.declared for each in one.tasks} == {declared_in(folder / 'my_task.py')['retina'].hash}


def test_a_set_that_is_prepared_already_needs_no_source(folder: Path):
    study = written(folder, task_file="from ablations.study import task\nretina = task(dataset='eyes', steps=40)\n")
    with pytest.raises(ValueError, match='--as READER --name eyes'):
        load_study(study)
    prepare(folder)
    (folder / 'data' / 'prepared' / 'retina').rename(folder / 'data' / 'prepared' / 'eyes')
    one = load_study(study).task('retina')
    assert (one.dataset, one.declared, one.steps) == ('eyes', '', 40)


def test_a_study_that_waits_for_its_data_does_not_hide_its_tasks(folder: Path):
    (folder / 'both.py').write_text(STUDY.format(tasks="'both.py:retina'").replace('"""\n', '"""\n' + TASK.format(more=''), 1))
    assert list(declared_in(folder / 'both.py')) == ['retina']
    with pytest.raises(Unprepared):
        declared_in(folder / 'both.py')['retina'].task()


def test_a_set_that_its_task_cannot_be_made_of_can_be_prepared_again(folder: Path):
    """Else nothing but removing its folder by hand would help."""
    tasks = TASK.format(more=", metric='top5_accuracy'")
    (folder / 'both.py').write_text(STUDY.format(tasks='retina').replace('"""\n', '"""\n' + tasks, 1))
    prepare(folder, 'both.py')
    assert list(declared_in(folder / 'both.py')) == ['retina']
    with pytest.raises(ValueError, match=r"task 'both\.py:retina': metric='top5_accuracy' of 2 classes"):
        declared_in(folder / 'both.py')['retina'].task()
    with pytest.raises(ValueError, match="metric='top5_accuracy' of 2 classes"):
        load_study('both.py')


def test_a_task_of_another_name_than_its_variable_is_known_by_that_name(folder: Path):
    named = "retina = task(source='photos', read='image_folder', name='eyes')\n"
    text = STUDY.format(tasks="'digits', retina").replace('import Study, swap\n', f'import Study, swap, task\n{named}')
    (folder / 'both.py').write_text(text)
    assert list(declared_in(folder / 'both.py')) == ['eyes'] and declared_in(folder / 'both.py')['eyes'].dataset == 'eyes'
    prepare(folder, 'both.py', 'eyes')
    assert [one.name for one in load_study('both.py').tasks] == ['digits', 'eyes']


@pytest.mark.parametrize('home', [True, False])
def test_data_lie_beside_the_file_that_declares_them_or_where_it_says(folder: Path, home: bool):
    source = '~/photos' if home else 'photos'
    more = f"from ablations.study import task\nretina = task(source={source!r}, read='image_folder', dataset='eyes')\n"
    (folder / 'inner').mkdir()
    (folder / 'inner' / 'my_task.py').write_text(more + 'def make():\n    pass\nown = task(source=make)\n')
    declared = declared_in(folder / 'inner' / 'my_task.py')
    assert declared['retina'].source == (Path.home() if home else folder / 'inner') / 'photos'
    assert declared['own'].source == folder / 'inner' / 'my_task.py'
    assert (declared['retina'].dataset, declared['own'].dataset) == ('eyes', 'own')
    assert declared['own'].address == 'inner/my_task.py:own'


@pytest.mark.parametrize(
    'tasks',
    [None, 'retina', ['retina'], [{'name': 'retina'}], [{'name': 'other'}], [{'name': 'retina', 'declared': 'x'}]],
    ids=str,
)
def test_a_definition_of_what_ran_that_does_not_tell_the_task_is_passed_over(folder: Path, tasks: object):
    study = written(folder)
    hashed = declared_in(folder / 'my_task.py')['retina'].hash
    if tasks == [{'name': 'retina'}]:  # of this declaration, and not whole
        tasks = [{'name': 'retina', 'declared': hashed}]
    before = task_files.DEFINITION_OF.set(lambda name: {'tasks': tasks})
    try:
        with pytest.raises(Unprepared, match='its data are not prepared'):
            declared_in(folder / 'my_task.py')['retina'].task('own')
        with pytest.raises(ValueError, match='its data are not prepared'):
            load_study(study)
    finally:
        task_files.DEFINITION_OF.reset(before)


def test_what_ran_is_asked_only_for_the_study_that_is_meant(folder: Path):
    written(folder)
    prepare(folder)
    one = declared_in(folder / 'my_task.py')['retina']
    whole = one.task().to_dict()
    (folder / 'data' / 'prepared' / 'retina' / 'about.json').unlink()
    asked = []
    before = task_files.DEFINITION_OF.set(lambda name: asked.append(name) or {'tasks': [{'name': 'other'}, whole]})
    try:
        assert one.task('mine').to_dict() == whole and asked == ['mine']
        with pytest.raises(Unprepared):
            one.task()
        assert asked == ['mine']
    finally:
        task_files.DEFINITION_OF.reset(before)


def test_what_ran_is_opened_without_its_data(folder: Path, called: Callable):
    """From the runs and from a bundle; a bundle's settings may name no file of tasks, whatever else is given."""
    study = written(folder)
    prepare(folder)
    ran = load_study(study)
    (folder / 'runs' / 'own').mkdir(parents=True)
    manifests.update(folder / 'runs' / 'own', study='own', digest=ran.digest)
    defined.save(folder / 'runs' / 'own', ran)
    (folder / 'data' / 'prepared' / 'retina' / 'about.json').unlink()
    assert open_study(study, Path('runs')).study.digest == ran.digest
    refused = called('run', study)
    assert refused.returncode == 2 and 'archlab data prepare my_task.py:retina' in refused.stderr
    bundle = folder / 'published' / 'own'
    (bundle / 'records').mkdir(parents=True)
    (bundle / 'manifest.json').write_bytes((folder / 'runs' / 'own' / 'manifest.json').read_bytes())
    about = {'study': 'own', 'digest': ran.digest, 'settings': [], 'definition': ran.to_dict(), 'failing': [], 'versions': {}}
    for settings in ([], ["tasks=('my_task.py:retina',)"]):
        told = {**about, 'settings': settings, 'source': '', 'records': {}, 'files': {}}
        (bundle / 'bundle.json').write_text(json.dumps(told))
        assert open_study(study, Path('published')).study.digest == ran.digest
        (folder / 'blocks.py').write_text('NORMS = {}\n')
        for more in ([], ['--blocks', 'blocks.py']):
            done = called('reproduce', bundle, '--study', study, *more)
            assert ('data may not run code' in done.stderr) == bool(settings), done.stderr
            assert done.returncode == (2 if settings else 1), done.stderr
