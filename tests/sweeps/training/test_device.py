"""Device: how much memory there is, who else trains, and what says that memory was not enough."""

from types import SimpleNamespace

import jax
import numpy as np
import pytest
from jax.experimental import multihost_utils

from sweeps.training import device
from sweeps.training.faults import ModelFault, lacks_memory, of_model
from sweeps.training.population import strategy_for, too_large, width_of
from sweeps.training.shortage import says_shortage, shortage


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch):
    """Set the lab's own variables of the environment, all others of it are not there."""
    names = ('DEVICE_BYTES', 'RESIDENT_BYTES', 'PROCESSES', 'PROCESS', 'COORDINATOR')
    for name in (*(f'ARCHLAB_{name}' for name in names), 'SLURM_STEP_NUM_TASKS', 'SLURM_GPUS_ON_NODE'):
        monkeypatch.delenv(name, raising=False)
    device.device_memory.cache_clear()
    yield lambda **told: [monkeypatch.setenv(name, value) for name, value in told.items()]
    device.device_memory.cache_clear()


@pytest.mark.parametrize(
    ('told', 'limit', 'resident'),
    [
        ({}, None, 1 << 30),
        ({'ARCHLAB_DEVICE_BYTES': ''}, None, 1 << 30),
        ({'ARCHLAB_DEVICE_BYTES': '1000'}, 1000, 250),
        ({'ARCHLAB_DEVICE_BYTES': ' 1000 '}, 1000, 250),
        ({'ARCHLAB_DEVICE_BYTES': '1000', 'ARCHLAB_RESIDENT_BYTES': '7'}, 1000, 7),
    ],
)
def test_examples_may_take_a_quarter_of_a_device_or_what_is_given(given, told: dict, limit: int | None, resident: int):
    given(**told)
    assert (device.memory_limit(), device.device_memory()) == (limit, resident)


def test_what_a_device_tells_of_its_memory_is_heeded(given, monkeypatch: pytest.MonkeyPatch):
    class Told:
        def __init__(self, **stats: int):
            self.memory_stats = lambda: stats or None

    monkeypatch.setattr(jax, 'local_devices', lambda: [Told(bytes_limit=800, peak_bytes_in_use=300), Told(bytes_limit=1)])
    assert (device.memory_limit(), device.device_memory(), device.peak_memory()) == (800, 200, 300)
    monkeypatch.setattr(jax, 'local_devices', lambda: [Told()])
    assert device.memory_limit() is None and device.peak_memory() > 10_000_000


@pytest.mark.parametrize('name', ['ARCHLAB_DEVICE_BYTES', 'ARCHLAB_RESIDENT_BYTES'])
@pytest.mark.parametrize('value', ['1e9', '-1', '1.5', ' '])
def test_bytes_that_are_no_number_are_refused(given, name: str, value: str):
    given(**{name: value})
    with pytest.raises(ValueError, match=f"{name} is '{value}'; allowed: a whole number of bytes, such as 1000000000"):
        device.device_memory()


@pytest.mark.parametrize(
    ('told', 'call'),
    [
        ({}, None),
        ({'SLURM_STEP_NUM_TASKS': '1', 'SLURM_GPUS_ON_NODE': '4'}, None),
        ({'SLURM_STEP_NUM_TASKS': '2'}, ((), {'local_device_ids': None})),
        ({'SLURM_STEP_NUM_TASKS': '2', 'SLURM_GPUS_ON_NODE': '0'}, ((), {'local_device_ids': None})),
        ({'SLURM_STEP_NUM_TASKS': '2', 'SLURM_GPUS_ON_NODE': '3'}, ((), {'local_device_ids': range(3)})),
        (
            {'ARCHLAB_PROCESSES': '3', 'ARCHLAB_PROCESS': '2', 'ARCHLAB_COORDINATOR': 'a:9', 'SLURM_STEP_NUM_TASKS': '2'},
            (('a:9', 3, 2), {}),
        ),
        ({'ARCHLAB_PROCESSES': '1', 'ARCHLAB_PROCESS': '0', 'ARCHLAB_COORDINATOR': 'a:9'}, (('a:9', 1, 0), {})),
    ],
)
def test_processes_join_those_of_their_order(given, monkeypatch: pytest.MonkeyPatch, told: dict, call: tuple | None):
    calls = []
    monkeypatch.setattr(jax.distributed, 'initialize', lambda *names, **more: calls.append((names, more)))
    given(**told)
    device.join()
    assert calls == ([] if call is None else [call])


def test_alone_a_process_has_its_own_word_and_arrays():
    assert device.word_of_first(True) == 1 and device.word_of_first(7) == 7
    (made,) = device.on_host([jax.numpy.arange(3)])
    assert isinstance(made, np.ndarray) and made.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ('platform', 'devices', 'strategy'),
    [('cpu', 1, 'loop'), ('cpu', 2, 'vmap'), ('gpu', 1, 'vmap'), ('tpu', 8, 'vmap')],
)
def test_lanes_run_one_by_one_on_one_processor_and_else_together(platform: str, devices: int, strategy: str):
    assert strategy_for(platform, devices) == strategy


@pytest.mark.parametrize(
    ('count', 'most', 'width'), [(1, 256, 1), (2, 256, 4), (4, 256, 4), (5, 256, 16), (17, 256, 64), (300, 256, 256), (5, 3, 3)]
)
def test_programs_have_a_power_of_four_lanes_up_to_the_most(count: int, most: int, width: int):
    assert width_of(count, most) == width


def test_a_lane_that_does_not_fit_is_told_with_its_size_and_what_helps():
    assert too_large(3_456_000_000, 1_000_000_000, 1).startswith('a lane takes 3.46 GB of a device; allowed: 1 GB; give a')
    assert 'GB of each of 2 devices, over which its parameters and its batch are spread; allowed' in too_large(1, 1, 2)


SHORT = (
    'RESOURCE_EXHAUSTED: Out of memory',
    'INTERNAL: out of memory',
    "terminate called after throwing an instance of 'std::bad_alloc'",
    'OSError: [Errno 12] Cannot allocate memory',
    'LLVM ERROR: Unable to allocate section memory!',
    'Unable to allocate 3 GiB for an array',
)


@pytest.mark.parametrize('told', SHORT)
def test_a_shortage_is_heard_in_the_words_of_whoever_tells_of_it(told: str):
    assert says_shortage(told) and lacks_memory(jax.errors.JaxRuntimeError(told)) and lacks_memory(MemoryError())
    assert not lacks_memory(ValueError(told)), 'an error of a model that speaks of memory is none'
    assert not says_shortage('INVALID_ARGUMENT: shapes') and not lacks_memory(jax.errors.JaxRuntimeError('INVALID_ARGUMENT'))


def test_a_shortage_is_told_with_arm_and_task_and_no_more_than_a_line_of_why():
    said = str(shortage('wide', 'digits', 'x' * 500))
    assert said.startswith(
        "memory is not enough for a lane of arm 'wide' on 'digits' (" + 'x' * 160 + '); nothing of this pack'
    )


@pytest.mark.parametrize(
    ('raised', 'passes'),
    [
        (ValueError('x'), ModelFault),
        (ZeroDivisionError(), ModelFault),
        (KeyboardInterrupt(), ModelFault),
        (MemoryError(), MemoryError),
        (jax.errors.JaxRuntimeError('x'), jax.errors.JaxRuntimeError),
    ],
)
def test_what_a_model_raises_is_its_fault_and_what_the_device_says_is_not(raised: BaseException, passes: type):
    with pytest.raises(passes) as told, of_model():
        raise raised
    assert type(told.value) is passes


def test_of_several_processes_the_first_has_the_word_and_arrays_come_from_everywhere(monkeypatch: pytest.MonkeyPatch):
    asked = []

    def gathered(leaf: SimpleNamespace, tiled: bool) -> np.ndarray:
        asked.append((leaf.is_fully_addressable, tiled))
        return np.arange(4)

    monkeypatch.setattr(jax, 'process_count', lambda: 2)
    monkeypatch.setattr(multihost_utils, 'broadcast_one_to_all', lambda value: value + np.int32(5))
    monkeypatch.setattr(multihost_utils, 'process_allgather', gathered)
    word = device.word_of_first(True)
    assert word == 6 and type(word) is int
    made = device.on_host({'here': jax.numpy.arange(3), 'spread': SimpleNamespace(is_fully_addressable=False)})
    assert isinstance(made['here'], np.ndarray) and made['here'].tolist() == [0, 1, 2]
    assert made['spread'].tolist() == [0, 1, 2, 3] and asked == [(False, True)], 'and parts are joined, not stacked'


def test_what_helps_against_a_shortage_is_said_to_the_end():
    helps = (
        'allowed: 1 GB; give a worker more devices (--devices, or --gpus of a cluster), make the batch or the model smaller, '
    )
    helps += "or put('body.remat', True) and put('body.compute', 'bfloat16')"
    assert too_large(2_000_000_000, 1_000_000_000, 1) == f'a lane takes 2 GB of a device; {helps}'
    each = 'each of 2 devices, over which its parameters and its batch are spread'
    assert too_large(2_000_000_000, 1_000_000_000, 2) == f'a lane takes 2 GB of {each}; {helps}'
    assert str(shortage('wide', 'digits', 'MemoryError: ')) == (
        "memory is not enough for a lane of arm 'wide' on 'digits' (MemoryError); nothing of this pack is recorded; free "
        'memory, start fewer workers (--workers) or make batch or model smaller, and run again'
    )
