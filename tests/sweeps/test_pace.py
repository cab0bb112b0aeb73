"""Pace: what runs took on this machine is what the next ones are expected to take."""

import json
import statistics
from pathlib import Path

import numpy as np
import pytest

from ablations.config import swap
from ablations.study import Study
from sweeps.pace import COMPILE_SECONDS, FILE, LATEST, MOST, Pace, trained_seconds
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


@pytest.mark.parametrize('seed', range(5))
def test_the_latest_runs_count_and_the_first_and_last_compiling(tmp_path: Path, seed: int):
    random, pace = np.random.default_rng(seed), Pace(tmp_path)
    took, compiling = [], []
    for _ in range(6):
        compiled, runs = float(random.choice([0.0, 3.0, 7.0])), random.uniform(1, 9, int(random.integers(1, 5))).tolist()
        told = records(compiled, *runs)
        pace.note(BASE, FLOPS, told)
        took += [seconds for one in told if (seconds := trained_seconds(one)) is not None]
        compiling.append(compiled)
        if took:
            assert pace.trial_seconds(BASE, FLOPS) == statistics.median(took[-LATEST:])
            assert pace.correction == pytest.approx(statistics.median(took[-LATEST:]) / ESTIMATE)
        told_of = [own for number, own in enumerate(compiling) if own or number == 0]
        assert pace.known[BASE.signature]['compile'] == [told_of[0], *told_of[1:][-1:]]
        assert pace.compile_seconds(BASE) == told_of[-1] and pace.compile_seconds(OTHER) == told_of[0]


def test_the_programs_of_late_are_kept(tmp_path: Path):
    pace = Pace(tmp_path)
    pace.known = {str(number): {'seconds': [1.0], 'compile': [2.0], 'estimate': 1.0} for number in range(MOST + 3)}
    pace.save()
    assert list(Pace(tmp_path).known) == [str(number) for number in range(3, MOST + 3)]
    pace.note(BASE, FLOPS, records(1.0, 2.0, 3.0))
    assert list(pace.known)[-1] == BASE.signature
