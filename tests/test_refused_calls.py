"""Refusals at the door: exit status 2 and one line that says what is wrong."""

from collections.abc import Callable
from pathlib import Path

import pytest
from launcher_here import LauncherHere
from refused import refuse

from sweeps.launch import LAUNCHERS

HEAD = (
    '"""A question?"""\n'
    'from ablations.spaces import log, linear\n'
    'from ablations.study import Study, put, swap, task\n'
    "arms = {'base': ()}\n"
    "tasks = ('digits', 'recall')\n"
    "tune = {'adamw': {'lr': log(1e-3, 1e-2), 'weight_decay': log(1e-3, 1)}}\n"
    'more = {}\n'
)
TAIL = "study = Study(name='bad', question=__doc__, arms=arms, tasks=tasks, tune=tune, **more)\n"
BAD_STUDIES = [
    ("tasks = ('digit',)", "unknown task 'digit'"),
    ("arms['x'] = swap('nrom', 'rms_norm')", "has no 'nrom'"),
    ("arms['x'] = put('channel.ratio', '4')", 'allowed float'),
    ("arms['x'] = put('body.widths', [8, 8])", "task 'recall'"),
    ("arms['x'] = put('norm', None)", 'is a spec, not a value'),
    ("tune['adamw']['seed'] = linear(0, 9)", 'seeds are never tuned'),
    ("tune['adamw']['lr'] = log(1e-2, 1e-2)", 'is empty'),
    ("tune['adamw']['lr'] = linear(0, 1)", 'allowed: above 0 (learning rate at the peak'),
    ("tune['adamw']['lr'] = log(-1, 1)", 'needs low > 0'),
    ("more['trials'] = '16'", "trials='16'"),
    ("more['replicates'] = True", 'replicates=True'),
    ("more['trails'] = 16", 'trails'),
    ("more['blocks'] = 'nowhere.py'", 'no such file'),
]
BAD_MODELS = [
    ("arms['x'] = swap('norm', 'rmsnorm')", "unknown kind 'rmsnorm'"),
    ("arms['x'] = swap('norm', 'rms_norm', epz=1e-6)", "unknown field 'epz'"),
    ("arms['x'] = swap('norm', 'rms_norm', eps='small')", "eps='small' is a str"),
    ("arms['x'] = swap('mixer', 'attention', heads=3)", 'heads=3 does not divide width=16'),
    ("tune['adamm'] = tune['adamw']", "unknown optimizer 'adamm'"),
    ("tune['adamw']['lrr'] = log(1e-3, 1)", 'is read by nothing'),
]


def write(folder: Path, line: str) -> Path:
    path = folder / 'bad_study.py'
    path.write_text(HEAD + line + '\n' + TAIL)
    return path


@pytest.mark.parametrize(('line', 'message'), BAD_STUDIES)
def test_bad_studies_are_refused(called: Callable, tmp_path: Path, line: str, message: str):
    refuse(called('status', write(tmp_path, line)), message)


@pytest.mark.parametrize(('line', 'message'), BAD_MODELS)
def test_models_that_cannot_be_built_are_refused(called: Callable, tmp_path: Path, line: str, message: str):
    refuse(called('plan', write(tmp_path, line)), message)


def test_a_run_refuses_them_too_and_leaves_no_records(called: Callable, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setitem(LAUNCHERS, 'local', LauncherHere)
    path = write(tmp_path, BAD_MODELS[3][0])
    done = called('run', path, '--runs', tmp_path / 'runs')
    assert done.returncode == 2 and 'heads=3 does not divide' in done.stderr and 'Traceback' not in done.stderr
    assert not list((tmp_path / 'runs').glob('*/records/*'))


BAD_CALLS = [
    (['run', 'quickstrat'], "Did you mean 'quickstart'"),
    (['run', 'nowhere.py'], 'no such file'),
    (['run', 'quickstart', '--launcher', 'slurn'], "launcher 'slurn'"),
    (['run', 'quickstart', '--workers', '0'], '--workers 0'),
    (['run', 'quickstart', '--set', 'trials'], 'path=value'),
    (['run', 'quickstart', '--set', 'trails=3'], "Did you mean 'trials'"),
    (['run', 'quickstart', '--set', 'tasks.digits.step=3'], "no field 'step'"),
    (['run', 'quickstart', '--set', 'trials=many'], "trials='many'"),
    (['describe', 'quickstart/rmsnorm'], "no arm 'rmsnorm'"),
    (['describe', 'digitz'], "Did you mean 'digits'"),
    (['describe', 'digits', '--length', '9'], 'no sequences'),
    (['describe', 'digits', '--image-size', '9'], 'patch=2 does not divide'),
    (['describe', 'digits', 'recall', '--draw'], 'draws one model'),
    (['match', 'gpt2'], '--to'),
    (['match', 'quickstart'], 'quickstart/ARM'),
    (['list', 'block'], "Did you mean 'blocks'"),
    (['table', 'quickstart'], 'run it first'),
    (['recipe', 'quickstart'], 'names no arm'),
    (['recipe', 'my/study.py'], "'my/study.py' names no arm; give STUDY/ARM, e.g. my/study.py/base"),
    (['tabel', 'quickstart'], 'No such command'),
    (['plan'], 'Missing argument'),
    (['plan', 'quickstart', '--budget', '6'], "--budget '6'; allowed: hours, minutes and seconds"),
    (['plan', 'quickstart', '--budget', '0h'], "--budget '0h'; allowed: hours, minutes and seconds"),
    (['plan', 'quickstart', '--budget', '6h later'], "--budget '6h later'; allowed"),
    (['table', 'quickstart', '--format', 'docx'], "format 'docx'"),
]


@pytest.mark.parametrize(('call', 'message'), BAD_CALLS)
def test_bad_calls_are_refused(called: Callable, tmp_path: Path, call: list[str], message: str):
    refuse(called(*call, cwd=tmp_path), message)


FLAGSHIP_CALLS = [
    (
        ('report', 'shared_keys', '--out', 'page.html'),
        "no runs of flagship 'shared_keys' in runs; run one of ['shared_keys_small',",
    ),
    (('report', 'shared_keys', '--out', 'page.html', '--live'), '--live with several studies; it takes one'),
    (('table', 'shared_keys', '--set', 'trials=3'), '--set with several studies; it takes one'),
    (('table', 'quickstart', 'norms', '--format', 'word'), "format 'word'; allowed: ['terminal', 'md',"),
    (('status', 'shared_keys'), "'shared_keys' is a flagship, which has a study for each rung; allowed: ['shared_keys_small',"),
    (('describe', 'shared_keys'), "'shared_keys' is a flagship, which has a study for each rung"),
    (('describe', 'shared_keys_smal'), "Did you mean 'shared_keys_small'"),
    (('plan', 'shared_keys_smal'), "a flagship's rung (archlab list flagships)"),
]


@pytest.mark.parametrize(('call', 'message'), FLAGSHIP_CALLS)
def test_a_flagship_is_asked_for_by_its_rungs(
    called: Callable, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, call: tuple, message: str
):
    monkeypatch.chdir(tmp_path)
    refuse(called(*call), message)
    assert not (tmp_path / 'page.html').exists()
