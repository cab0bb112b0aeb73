"""Commands to workers: what they hold of a study, and what is no command of the lab."""

import json
from pathlib import Path

import pytest

from ablations.config import swap
from ablations.study import Study
from sweeps.commands import checked, metrics_of, preflight_command, programs_of, reaches_of, train_command
from sweeps.protocol.pack import Pack
from sweeps.protocol.plan import schedule
from sweeps.training.saving import Saving

STUDY = Study(
    name='asked',
    question='What is asked of a worker?',
    arms={'base': (), 'other': swap('norm', 'rms_norm')},
    tasks=('digits', 'friedman'),
    trials=2,
    extension=0,
    replicates=1,
    looks=(1,),
)
ITEM = Pack((schedule(STUDY, {}, {}).trials[0],))
COSTS = {arm: {task: {'flops': 12.0} for task in ('digits', 'friedman')} for arm in STUDY.arms}


def command(**manifest: object) -> dict:
    told = {'costs': COSTS, 'strategy': 'loop', **manifest}
    made = train_command(STUDY, told, Path('runs'), ITEM, 'a name', iter(['x', 'y']), Saving())
    return json.loads(json.dumps(made))


def test_programs_stand_by_task_and_arm():
    told = [(one.task, one.arm) for one in programs_of(STUDY)]
    assert told == [('digits', 'base'), ('digits', 'other'), ('friedman', 'base'), ('friedman', 'other')]
    asked = preflight_command(STUDY)
    assert [(one['task'], one['arm']) for one in asked['preflight']] == told and asked['blocks'] is None
    assert asked['metrics'] == metrics_of(STUDY) == {'digits': ['accuracy', 'higher'], 'friedman': ['rmse', 'lower']}
    assert asked['knobs'] == reaches_of(STUDY) and set(asked['knobs']) == {'base', 'other'}
    low, high = asked['knobs']['base']['adamw']['lr']
    assert 0 < low < high


def test_a_pack_is_asked_for_with_all_that_its_records_hold():
    made = command()
    assert (made['name'], made['folder'], made['skip'], made['strategy']) == ('a name', 'runs', ['x', 'y'], 'loop')
    assert made['flops'] == ITEM.program.flops(12.0) and made['sets'] == {} and Pack.from_dict(made['pack']).id == ITEM.id
    assert command(costs={})['flops'] is None and command(costs={'base': {}})['flops'] is None
    assert checked(made) is made and checked(json.loads(json.dumps(preflight_command(STUDY))))


@pytest.mark.parametrize('lacking', ['flops', 'strategy', 'blocks', 'folder', 'name', 'skip', 'pack'])
def test_an_order_to_train_that_lacks_a_part_is_none(lacking: str):
    made = command()
    del made[lacking]
    with pytest.raises(ValueError, match=rf'it is no order of the lab \(.*{lacking}'):
        checked(made)


@pytest.mark.parametrize('lacking', ['knobs', 'metrics', 'blocks'])
def test_an_order_to_check_models_that_lacks_a_part_is_none(lacking: str):
    made = preflight_command(STUDY)
    del made[lacking]
    with pytest.raises(ValueError, match=rf"it is no order of the lab \(TypeError: it lacks \['{lacking}'\]\)"):
        checked(made)


@pytest.mark.parametrize(
    'order',
    [
        *(None, 5, [], '', {}, {'preflight': 3}, {'preflight': [3]}, {'preflight': [{}]}, {'pack': {}}, {'pack': None}),
        {**preflight_command(STUDY), 'preflight': []},
        {**preflight_command(STUDY), 'preflight': [{**preflight_command(STUDY)['preflight'][0], 'data': 'digits'}]},
        {**preflight_command(STUDY), 'preflight': [{**preflight_command(STUDY)['preflight'][0], 'model': None}]},
    ],
)
def test_what_is_no_order_is_told_so(order: object):
    with pytest.raises(ValueError, match='it is no order of the lab'):
        checked(order)
