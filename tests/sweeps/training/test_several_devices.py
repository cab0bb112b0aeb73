"""Layout: over several devices lanes become what they become on one. Eight devices are played by this processor."""

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from sweeps.training.device import join

PROGRAM = Path(__file__).with_name('on_devices.py')
TOLERANCE = 1e-5
"""Of a step, whose sums over a batch are taken in another order in float32; relative to the largest number. What a step rounds
stays in the moments, so five steps may be five times as far."""


def start(*arguments: object) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, 'TF_CPP_MIN_LOG_LEVEL': '3'},
    )


def told(process: subprocess.Popen) -> dict:
    said, errors = process.communicate(timeout=500)
    assert process.returncode == 0, errors[-2000:]
    # Libraries print there too where several processes train.
    return next((json.loads(line) for line in said.splitlines() if line.startswith('{')), {})


def check(distances: dict, cases: str) -> None:
    assert sorted(distances) == sorted(cases.split(','))
    for case, moments in distances.items():
        assert sorted(moments) == ['after 0', 'after 1', 'after 5']
        assert max(moments['after 0'], moments['after 1'], moments['after 5'] / 5) < TOLERANCE, case


def test_lanes_batches_and_parameters_are_spread_without_changing_a_number():
    check(told(start('tiny:2x2x2')), 'tiny:2x2x2')


@pytest.mark.slow
@pytest.mark.parametrize('body', ['attention', 'convolutional', 'recurrent', 'experts'])
def test_every_kind_of_body_is_spread_in_every_way(body: str):
    """Lanes over devices; a lane's batch; parameters and moments too."""
    cases = ','.join(f'{body}:{sizes}' for sizes in ('4x2x1', '1x8x1', '1x2x4'))
    check(told(start(cases)), cases)


def in_two_processes(cases: str) -> None:
    with socket.socket() as free:
        free.bind(('localhost', 0))
        address = f'localhost:{free.getsockname()[1]}'
    with start(cases, 0, 2, address) as one, start(cases, 1, 2, address) as other:
        first, second = told(one), told(other)
    check(first, cases)
    assert second == {}


@pytest.mark.slow
def test_two_processes_train_one_lane():
    in_two_processes('tiny:1x8x1,tiny:1x2x4,tiny:4x2x1')


@pytest.mark.slow
@pytest.mark.parametrize('body', ['attention', 'convolutional', 'recurrent', 'experts'])
def test_two_processes_train_every_kind_of_body(body: str):
    """Its batch and parameters are spread over both."""
    in_two_processes(f'{body}:1x2x4')


@pytest.mark.slow
def test_plans_foresee_the_memory_that_compiled_steps_take():
    """Lanes over devices, a lane's batch, and its parameters too, wholly or in part."""
    for case, share in told(start('planned')).items():
        assert 0.75 < share < 1.35, case


@pytest.mark.slow
def test_what_does_not_fit_one_device_is_spread_over_several_or_refused():
    done = told(start('memory'))
    assert done['layout']['model'] > 1 and done['layout']['lane'] == 1
    assert done['distance'] < TOLERANCE
    assert 'GB of a device; allowed' in done['said'] and 'give a worker more devices' in done['said']


@pytest.mark.slow
def test_a_pack_over_several_devices_goes_on_to_the_same_bits():
    assert told(start('resumed')) == {'1x2x4': True, '4x2x1': True}


@pytest.mark.parametrize(
    ('given', 'said'),
    [
        ({'PROCESSES': 'two'}, "ARCHLAB_PROCESSES is 'two'; allowed: a whole number from 1 on"),
        ({'PROCESSES': '0'}, "ARCHLAB_PROCESSES is '0'; allowed: a whole number from 1 on"),
        ({'PROCESSES': '2'}, "ARCHLAB_PROCESS is ''; allowed: a whole number from 0 on"),
        ({'PROCESSES': '2', 'PROCESS': '2'}, 'ARCHLAB_PROCESS is 2 of 2 processes; allowed: 0 to 1; count from 0'),
        ({'PROCESSES': '2', 'PROCESS': '1'}, 'ARCHLAB_COORDINATOR is not set; it is the address of process 0'),
    ],
)
def test_processes_that_cannot_find_each_other_are_told_why(monkeypatch: pytest.MonkeyPatch, given: dict, said: str):
    for name, value in given.items():
        monkeypatch.setenv(f'ARCHLAB_{name}', value)
    with pytest.raises(ValueError, match=re.escape(said)):
        join()
