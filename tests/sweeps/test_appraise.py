"""Appraisal: every study of the lab can be built, without computing anything."""

import pytest

from ablations.catalog import STUDIES
from sweeps.appraise import appraise, model_of


@pytest.mark.parametrize('study', STUDIES.values(), ids=lambda study: study.name)
def test_every_study_builds(study):
    programs = [study.program(a, t.name, o) for t in study.tasks for a in study.arms for o in study.tune]
    knobs = {optimizer: [*space, *study.fixed] for optimizer, space in study.tune.items()}
    metrics = {task.name: [task.metric, task.direction] for task in study.tasks}
    costs = appraise(programs, knobs, metrics, study.blocks)
    for arm in study.arms:
        for task in study.tasks:
            assert costs[arm][task.name]['params'] > 0 and costs[arm][task.name]['flops'] > 0
            causal = model_of(study.program(arm, task.name, next(iter(study.tune))), study.blocks).causal
            assert causal == (task.base['head']['kind'] == 'next_token'), 'a model of a language must not see ahead'
