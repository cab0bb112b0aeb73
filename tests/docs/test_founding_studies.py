"""The studies of docs/founding: each asks a question in under 60 lines, and every model of it builds."""

from pathlib import Path

import pytest

from ablations.study_files import load_study
from arch.model import build
from sweeps.forecast import costs_of

STUDIES = sorted((Path(__file__).parents[2] / 'docs' / 'founding').glob('*.py'))


@pytest.mark.parametrize('path', STUDIES, ids=lambda path: path.stem)
def test_a_founding_study_is_short_and_its_models_build(path: Path):
    assert len(path.read_text().splitlines()) < 60
    study = load_study(str(path))
    assert study.name == path.stem and study.question.splitlines()[0].endswith('?')
    for arm in study.arms:
        for task in study.tasks:
            build(study.model(arm, task.name))


@pytest.mark.slow
@pytest.mark.parametrize('path', STUDIES, ids=lambda path: path.stem)
def test_a_founding_study_can_be_planned(path: Path):
    study = load_study(str(path))
    costs = costs_of(study)
    assert all(costs[arm][task.name]['params'] > 0 for arm in study.arms for task in study.tasks)


def test_there_are_some():
    assert 'world_model' in [path.stem for path in STUDIES]
