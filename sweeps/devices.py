"""Devices: the time and the memory that a study takes on absent accelerators, by their data sheets and an assumed share."""

import dataclasses
import statistics
from collections.abc import Mapping

from ablations.config import closest
from results.budgets import step_flops
from results.store.reading import Reading
from sweeps.commands import programs_of
from sweeps.progress import expected_trials


@dataclasses.dataclass(frozen=True)
class Device:
    """An accelerator: FLOP/s at its `peak` without sparsity, by its data sheet, and the `share` of it that is assumed.

    Models of some million parameters reach such shares; smaller ones are held up by their host, and take longer. `memory` is in
    bytes.
    """

    peak: float
    share: float
    memory: float


DEVICES = {
    # TF32 products, which float32 models run in on these; BF16 has twice as much.
    'a100': Device(156e12, 0.3, 80e9),
    'h100': Device(494e12, 0.25, 80e9),
    # BF16, which a TPU takes for the products of float32 models too.
    'tpu-v5e': Device(197e12, 0.3, 16e9),
}


BYTES_OF_A_PARAMETER = 24
"""In float32 a parameter, its gradient, two moments, and two more numbers while they change: so compiled programs take it
(24.0 to 25.2 bytes for each of 6 and 28 million, at a batch of 32, on one device and on eight that the processor played)."""


@dataclasses.dataclass(frozen=True)
class Memory:
    """What one trial takes of each of several devices, in bytes, before the compiler saves some of it.

    Its batch is spread over all of them. Its parameters, gradients and moments, `weights` in all, are spread over `model` of
    them: the fewest with which it fits, or all where it does not.
    """

    arm: str
    task: str
    weights: float
    activations: float
    model: int
    fits: bool


def memory_of(arm: str, task: str, cost: Mapping[str, float], device: Device, count: int) -> Memory:
    """The memory of a trial by its counted parameters and activations, on so many devices.

    >>> memory_of('large', 'text', {'params': 10**10, 'activation_bytes': 80e9}, DEVICES['h100'], 8)
    Memory(arm='large', task='text', weights=60000000000.0, activations=10000000000.0, model=4, fits=True)
    """
    activations, weights = cost['activation_bytes'] / count, float(BYTES_OF_A_PARAMETER * cost['params'])
    shares = [model for model in range(1, count + 1) if count % model == 0]
    fitting = [model for model in shares if weights / model + activations <= device.memory]
    model = fitting[0] if fitting else count
    return Memory(arm, task, weights / model, activations, model, bool(fitting))


def on_device(reading: Reading, costs: Mapping, name: str, count: int = 1) -> dict:
    """What is left of a study on one device, or several that train each trial together: its name, `seconds`, the peak and share
    that they rest on, without compiling; and the `memory` of the trial that takes most.

    Raises ValueError on an unknown device.
    """
    if name not in DEVICES:
        raise ValueError(f"--device '{name}'; allowed: {list(DEVICES)}.{closest(name, DEVICES)}")
    study, schedule, records, device = reading.study, reading.schedule, reading.records, DEVICES[name]
    by_task: dict[str, list[float]] = {}
    for one in programs_of(study):
        by_task.setdefault(one.task, []).append(one.steps * step_flops(costs, one.arm, one.task))
    trial = {task: statistics.mean(flops) for task, flops in by_task.items()}
    wanted = sum(trial[one.task] for one in schedule.trials if one.id not in records)
    later = (expected_trials(study, schedule) - len(schedule.trials)) * statistics.mean(trial.values())
    # Manifests of older versions count FLOPs alone.
    needed = [
        memory_of(arm, task, cost, device, count)
        for arm, own in costs.items()
        for task, cost in own.items()
        if {'params', 'activation_bytes'} <= {*cost}
    ]
    most = max(needed, key=lambda one: (not one.fits, one.weights + one.activations), default=None)
    return {
        'device': name,
        'devices': count,
        'seconds': round((wanted + later) / (device.peak * device.share * count), 1),
        **dataclasses.asdict(device),
        'needs': most and dataclasses.asdict(most),
    }
