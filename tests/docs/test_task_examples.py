"""The examples of docs/examples on made files of the same form: prepared, planned, and one trained for a few steps."""

import csv
import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import made_sets as made
import pytest

from ablations.study_files import load_study
from ablations.task_files import declared_in
from ablations.tasks.own_task import READERS, OwnTask
from sweeps.task_contracts import check_task

EXAMPLES = Path(__file__).parents[2] / 'docs' / 'examples'
TESTS = ('NR-AR', 'NR-AR-LBD', 'NR-AhR', 'NR-Aromatase', 'NR-ER', 'NR-ER-LBD', 'NR-PPAR-gamma', 'SR-ARE', 'SR-ATAD5', 'SR-HSE',
         'SR-MMP', 'SR-p53')  # fmt: skip


def twelve_labels(path: Path) -> Path:
    """The made table of three labels with each of them four times, under the names of the twelve tests."""
    with open(made.tox21(path), encoding='utf-8') as file:
        rows = list(csv.reader(file))[1:]
    return made.table(path, [[*TESTS, 'mol_id', 'smiles'], *([*row[:3] * 4, *row[3:]] for row in rows)])


DATA: dict[str, Callable[[Path], Path] | None] = {
    'photos': lambda at: made.images(at / 'photos', 25, 20),
    'solubility': lambda at: made.esol(at / 'delaney.csv'),
    'toxicity': lambda at: twelve_labels(at / 'tox21.csv'),
    'motions': lambda at: made.series(at / 'motions'),
    'customers': lambda at: made.rows(at / 'customers.csv'),
    'names': lambda at: made.names(at / 'names.txt'),
    'proteins': lambda at: made.proteins(at / 'proteins.fasta'),
    'reviews': lambda at: made.reviews(at / 'reviews.jsonl'),
    'patches': lambda at: made.masked(at / 'patches'),
    'waves': None,
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv('ARCHLAB_DATA', str(tmp_path / 'data'))
    for path in EXAMPLES.glob('*.py'):
        shutil.copy(path, tmp_path)
    return tmp_path


def test_every_example_is_tried_and_short():
    assert set(DATA) == {path.stem for path in EXAMPLES.glob('*.py')}
    assert {path.name: count for path in EXAMPLES.glob('*.py') if (count := len(path.read_text().splitlines())) >= 25} == {}


@pytest.mark.parametrize('name', DATA)
def test_an_example_is_prepared_and_its_models_build(folder: Path, called: Callable, name: str):
    if DATA[name]:
        DATA[name](folder)
    made_it = called('data', 'prepare', f'{name}.py', cwd=folder)
    assert made_it.returncode == 0, made_it.stderr
    assert 'declared' not in made_it.stdout and '(sealed)' in made_it.stdout
    (one,) = declared_in(folder / f'{name}.py').values()
    verdicts = check_task(one, ('split', 'metric', 'model', 'labels'))
    assert {verdict.rule: verdict.why for verdict in verdicts if not verdict.holds} == {} and len(verdicts) == 5
    if name != 'waves':
        study = load_study(str(folder / f'{name}.py'))
        # What is derived of a task never refuses an arm of the example.
        assert all(study.model(arm, task.name) for arm in study.arms for task in study.tasks)


def test_an_example_is_planned_in_two_commands(folder: Path, called: Callable):
    made.series(folder / 'motions')
    asked = called('plan', 'motions.py', cwd=folder)
    assert asked.returncode == 2 and 'archlab data prepare motions.py:motions' in asked.stderr
    assert called('data', 'prepare', 'motions.py:motions', cwd=folder).returncode == 0
    planned = called('plan', 'motions.py', cwd=folder)
    assert planned.returncode == 0 and '36 trials in 6 packs would run now' in planned.stdout, planned.stderr


def test_an_example_trains(folder: Path, called: Callable):
    from sweeps.protocol.pack import Pack
    from sweeps.protocol.plan import schedule
    from sweeps.training.trainer import Trainer

    made.rows(folder / 'customers.csv')
    assert called('data', 'prepare', 'customers.py', cwd=folder).returncode == 0
    study = load_study(str(folder / 'customers.py'))
    study = dataclasses.replace(study, tasks=(dataclasses.replace(study.tasks[0], steps=8, evaluations=1),))
    trial = next(one for one in schedule(study, {}, {}).trials if one.arm == 'no_mixer')
    (record,) = Trainer('loop', None).train(Pack((trial,)))
    assert record['status'] == 'ok' and record['declared'] == study.tasks[0].declared and 0 <= record['score'] <= 1


def test_what_the_page_declares_is_a_task(folder: Path):
    page = (EXAMPLES.parent / 'tasks.md').read_text(encoding='utf-8')
    block = next(one.partition('```')[0] for one in page.split('```python\n')[1:] if 'task(' in one)
    (folder / 'page.py').write_text(block)
    assert list(declared_in(folder / 'page.py')) == ['photos']
    for name in READERS:
        assert name == 'function' or f'`{name}`' in page, f'{name} is not on the page'
    for field in dataclasses.fields(OwnTask):
        assert f'`{field.name}' in page or field.name in NOT_TOLD, f'{field.name} is not on the page'


NOT_TOLD = ('spacing', 'tokens', 'vocabulary', 'tokenizer', 'augment', 'domain', 'token_type', 'separator')
"""Fields that the help of Python tells, and the examples show."""
