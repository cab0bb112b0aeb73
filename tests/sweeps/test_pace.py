"""Pace: what runs took on this machine is what the next ones are expected to take."""

import json
from pathlib import Path

import pytest

from ablations.config import swap
from ablations.study import Study
from sweeps.pace import COMPILE_SECONDS, FILE, Pace
from sweeps.protocol.duration import estimated_seconds

STUDY = Study(
    name='paced', question='How fast?', arms={'base': (), 'again': (), 'other': swap('norm', 'rms_norm')}, tasks=('digits',)
)
BASE, OTHER = (STUDY.program(arm, 'digits', 'adamw', 100) for arm in ('base', 'other'))
FLOPS = 1e7
ESTIMATE = estimated_seconds(100, FLOPS)


def records(compiled: float, *seconds: float) -> list[dict]:
    about = {'compile_seconds': compiled}
    return [{'status': 'ok', 'cost': {'seconds': one}, 'pack': {**about, 'lane': lane}} for lane, one in enumerate(seconds)]


def test_a_machine_that_trained_nothing_is_estimated(tmp_path: Path):
    pace = Pace(tmp_path)
    assert pace.platform == 'cpu' and not pace.measured(BASE)
    assert (pace.trial_seconds(BASE, FLOPS), pace.compile_seconds(BASE)) == (ESTIMATE, COMPILE_SECONDS)


def test_what_was_measured_is_told_again_and_corrects_the_rest(tmp_path: Path):
    pace = Pace(tmp_path)
    pace.note(BASE, FLOPS, records(6.0, 99.0, 0.5, 0.7, 0.6))
    pace.save()
    again = Pace(tmp_path)
    assert again.measured(STUDY.program('again', 'digits', 'adamw', 100)), 'the same model under another name'
    assert again.trial_seconds(BASE, FLOPS) == 0.6, 'the first run of a pack has the compiling in it'
    assert again.trial_seconds(OTHER, 2 * FLOPS) == pytest.approx(0.6 / ESTIMATE * estimated_seconds(100, 2 * FLOPS))
    assert (again.compile_seconds(BASE), again.compile_seconds(OTHER)) == (6.0, 6.0)


def test_a_program_that_was_kept_is_compiled_faster_than_a_new_one(tmp_path: Path):
    pace = Pace(tmp_path)
    for compiled in (6.0, 0.0, 0.4):
        pace.note(BASE, FLOPS, records(compiled, 1.0, 0.5))
    assert (pace.compile_seconds(BASE), pace.compile_seconds(OTHER)) == (0.4, 6.0)


def test_runs_and_platforms_side_by_side_lose_nothing(tmp_path: Path):
    one, other, device = Pace(tmp_path), Pace(tmp_path), Pace(tmp_path, 'gpu')
    one.note(BASE, FLOPS, records(1.0, 1.0, 0.5))
    other.note(OTHER, FLOPS, records(1.0, 1.0, 0.25))
    device.note(BASE, FLOPS, records(1.0, 1.0, 0.125))
    for pace in (one, other, device):
        pace.save()
    cpu, last = Pace(tmp_path, 'cpu'), Pace(tmp_path)
    assert (cpu.trial_seconds(BASE, FLOPS), cpu.trial_seconds(OTHER, FLOPS)) == (0.5, 0.25)
    assert (last.platform, last.trial_seconds(BASE, FLOPS)) == ('gpu', 0.125)


def test_lanes_that_run_together_have_a_share_of_compiling_each(tmp_path: Path):
    pace = Pace(tmp_path)
    told = records(8.0, 2.5, 2.5, 2.5, 2.5)
    pace.note(BASE, FLOPS, [{**one, 'pack': {**one['pack'], 'strategy': 'vmap', 'lanes': 4}} for one in told])
    assert (pace.trial_seconds(BASE, FLOPS), pace.compile_seconds(BASE)) == (0.5, 8.0)


def test_runs_that_failed_or_diverged_say_nothing(tmp_path: Path):
    pace = Pace(tmp_path)
    pace.note(BASE, FLOPS, [{**one, 'status': 'diverged'} for one in records(1.0, 1.0, 0.5)])
    pace.note(BASE, FLOPS, [{'status': 'failed', 'cost': None}])
    assert not pace.measured(BASE)


@pytest.mark.parametrize(
    'content',
    [
        'no JSON',
        '[]',
        '[' * 100_000,
        '{"cpu": 3}',
        '{"cpu": {"SIGNATURE": {"seconds": [], "compile": [], "estimate": 1}}}',
        '{"cpu": {"SIGNATURE": {"seconds": ["1"], "compile": [1], "estimate": 1}}}',
        '{"cpu": {"SIGNATURE": {"seconds": [1], "compile": [1], "estimate": 0}}}',
        '{"cpu": {"SIGNATURE": {"seconds": [Infinity], "compile": [1], "estimate": 1}}}',
        '{"cpu": {"SIGNATURE": {"seconds": 1, "compile": [true], "estimate": 1}}}',
    ],
)
def test_a_damaged_file_is_as_good_as_none(tmp_path: Path, content: str):
    (tmp_path / FILE).write_text(content.replace('SIGNATURE', BASE.signature))
    pace = Pace(tmp_path)
    assert (pace.trial_seconds(BASE, FLOPS), pace.compile_seconds(BASE)) == (ESTIMATE, COMPILE_SECONDS)
    pace.note(BASE, FLOPS, records(1.0, 1.0, 0.5))
    pace.save()
    assert list(json.loads((tmp_path / FILE).read_text())['cpu']) == [BASE.signature]


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path: Path):
    (tmp_path / 'file').touch()
    pace = Pace(tmp_path / 'file')
    pace.note(BASE, FLOPS, records(1.0, 1.0, 0.5))
    pace.save()
