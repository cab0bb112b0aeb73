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
    bytes, `link` the bytes that it sends to its neighbours in a second: half of what data sheets give for both directions.
    """

    peak: float
    share: float
    memory: float
    link: float


DEVICES = {
    # TF32 products, which float32 models run in on these; BF16 has twice as much. NVLink: 600 and 900 GB/s, there and back.
    'a100': Device(156e12, 0.3, 80e9, 300e9),
    'h100': Device(494e12, 0.25, 80e9, 450e9),
    # BF16, which a TPU takes for the products of float32 models too. Between chips: 400 GB/s, there and back.
    'tpu-v5e': Device(197e12, 0.3, 16e9, 200e9),
}


BYTES_OF_A_PARAMETER = 24
"""In float32 a parameter, its gradient, two moments, and two more numbers while they change: so compiled programs take it
(24.0 to 25.2 bytes for each of 6 and 28 million, at a batch of 32, on one device and on eight that the processor played)."""
BYTES_OF_A_NUMBER = 4


@dataclasses.dataclass(frozen=True)
class Memory:
    """What one trial takes of each of several devices, in bytes.

    The work of a step is shared by `sharing` of them: all, unless they do not divide its batch. Parameters, gradients and
    moments, `weights` on each device, are spread over `model`: the fewest with which it fits, or all where it does not.
    """

    arm: str
    task: str
    weights: float
    activations: float
    sharing: int
    model: int
    fits: bool


def memory_of(arm: str, task: str, cost: Mapping[str, float], size: int, device: Device, count: int) -> Memory:
    """The memory of a trial with batches of a size, by its counted parameters and activations, on so many devices.

    >>> cost = {'params': 10**9, 'activation_bytes': 500e9, 'largest_bytes': 12e9}
    >>> needs = memory_of('large', 'text', cost, 64, DEVICES['h100'], 8)
    >>> needs.weights, needs.activations, needs.sharing, needs.model, needs.fits
    (14000000000.0, 64000000000.0, 8, 4, True)
    """
    for model in (model for model in range(1, count + 1) if count % model == 0):
        weights, activations, sharing = bytes_of(cost, size, count, model)
        needed = Memory(arm, task, weights, activations, sharing, model, weights + activations <= device.memory)
        if needed.fits:
            break
    return needed


def bytes_of(cost: Mapping[str, float], size: int, count: int, model: int) -> tuple[float, float, int]:
    """Bytes on each device of parameters spread over `model` devices, with what belongs to them, and of activations, for
    batches of a size; and the number of devices that share the work.

    Where parameters are spread, a step gathers them, and they and their gradients are whole for a while. Beside the activations
    stands the gradient of the largest of them.
    """
    gathered = 2 * BYTES_OF_A_NUMBER * cost['params'] if model > 1 else 0
    sharing = max((part for part in (count, count // model, model) if size % part == 0), default=1)
    activations = cost['activation_bytes'] + cost.get('largest_bytes', 0)
    return BYTES_OF_A_PARAMETER * cost['params'] / model + gathered, activations / sharing, sharing


def exchange_seconds(params: float, model: int, device: Device, count: int) -> float:
    """The seconds of a step in which devices send parameters and gradients around a ring, at the full speed of their links.

    Gradients are summed over all devices; where parameters are spread over `model` of them, they are gathered before.

    >>> [round(1e3 * exchange_seconds(300e6, model, DEVICES['a100'], 8), 3) for model in (1, 2, 8)]
    [7.0, 7.0, 7.0]
    """
    size, data = BYTES_OF_A_NUMBER * params, count // model
    gathered = (model - 1) / model * size
    summed_in_parts = gathered
    parts_summed = 2 * (data - 1) / data * size / model
    return (gathered + summed_in_parts + parts_summed) / device.link


def on_device(reading: Reading, costs: Mapping, name: str, count: int = 1) -> dict:
    """What is left of a study on one device, or several that train each trial together: its name, `seconds`, the peak and share
    that they rest on, without compiling; how many of them devices exchange numbers, as if they did nothing else meanwhile;
    and the `memory` of the trial that takes most.

    Raises ValueError on an unknown device.
    """
    if name not in DEVICES:
        raise ValueError(f"--device '{name}'; allowed: {list(DEVICES)}.{closest(name, DEVICES)}")
    study, schedule, records, device = reading.study, reading.schedule, reading.records, DEVICES[name]
    needed, counted, exchanged = {}, {}, {}
    for one in programs_of(study):
        cost = costs[one.arm][one.task]
        sharing, exchange = count, 0.0
        # Manifests of older versions count FLOPs alone.
        if {'params', 'activation_bytes'} <= {*cost}:
            needs = memory_of(one.arm, one.task, cost, one.batch, device, count)
            # Devices that all train the whole batch have the same gradients by themselves.
            sharing, together = needs.sharing, max(needs.sharing, needs.model)
            exchange = exchange_seconds(cost['params'], needs.model, device, together)
            needed[one.arm, one.task] = needs
        computed = step_flops(costs, one.arm, one.task) / (device.peak * device.share * sharing)
        counted.setdefault(one.task, []).append(one.steps * (computed + exchange))
        exchanged.setdefault(one.task, []).append(one.steps * exchange)
    foreseen = expected_trials(study, schedule) - len(schedule.trials)
    wanted = [one.task for one in schedule.trials if one.id not in records]

    def left(by_task: Mapping[str, list[float]]) -> float:
        trial = {task: statistics.mean(seconds) for task, seconds in by_task.items()}
        return sum(trial[task] for task in wanted) + foreseen * statistics.mean(trial.values())

    most = max(needed.values(), key=lambda one: (not one.fits, one.weights + one.activations), default=None)
    return {
        'device': name,
        'devices': count,
        'seconds': round(left(counted), 1),
        'exchange_seconds': round(left(exchanged), 1),
        **dataclasses.asdict(device),
        'needs': most and dataclasses.asdict(most),
    }
