"""The page on origins: its files for one's own answers, from outputs of eight models to splits by prompt and a figure."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ablations.study_files import load_study
from arch.model import build
from results.figures.amount import amounts_of
from sweeps.training.preflight import task_of

PAGE = Path(__file__).parents[2] / 'docs' / 'origins.md'


def block(word: str) -> str:
    blocks = re.findall(r'```python\n(.*?)```', PAGE.read_text(encoding='utf-8'), flags=re.S)
    return next(one for one in blocks if word in one)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Both files of the page beside answers of eight models to 800 prompts, one of them empty."""
    monkeypatch.setenv('ARCHLAB_DATA', str(tmp_path / 'data'))
    (tmp_path / 'answers.py').write_text(block('COLUMNS = '))
    (tmp_path / 'answers_amounts.py').write_text(block("name='answers_amounts'"))
    words = np.random.default_rng(0).choice(['yes', 'no', 'maybe', 'certainly', 'here', 'is', 'it'], (8, 800, 20))
    for number, model in enumerate(words):
        rows = [
            {'instruction': f'prompt {place}', 'output': f'{number} {" ".join(said)}', 'generator': f'model {number}'}
            for place, said in enumerate(model)
        ]
        rows[0]['output'] = '' if number == 0 else rows[0]['output']
        place = tmp_path / 'outputs' / f'model_{number}' / 'model_outputs.json'
        place.parent.mkdir(parents=True)
        place.write_text(json.dumps(rows))
    return tmp_path


def test_answers_of_ones_own_are_prepared_and_split_by_prompt(folder: Path, called: Callable, monkeypatch):
    monkeypatch.chdir(folder)
    made = called('data', 'prepare', 'answers.py', cwd=folder)
    assert made.returncode == 0, made.stderr
    assert '1 damaged examples were left out' in made.stdout
    study = load_study(str(folder / 'answers_amounts.py'))
    assert [one.name for one in study.tasks[:4]] == [f'start_groups_{count}' for count in (75, 150, 300, 605)]
    assert amounts_of(study.tasks[:4]) == amounts_of(study.tasks[4:]) == 'groups'
    for one in (study.tasks[0], study.tasks[3]):
        task = task_of(one.data)
        pool = task.pool()
        train, held = task.split(pool, 1)
        prompts = np.unique(pool.group[train])
        assert len(prompts) == one.data['groups'] and not np.isin(pool.group[held], prompts).any()
        assert 8 * len(prompts) - 1 <= len(train) <= 8 * len(prompts)
    assert study.tasks[4].data['rewrite'] == ['first_words:16']
    for arm in study.arms:
        build(study.model(arm, 'start_groups_75'))
