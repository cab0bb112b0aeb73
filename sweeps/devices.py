"""Devices: the time of a study on an absent accelerator, by its peak and an assumed share of it."""

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

    Models of some million parameters reach such shares; smaller ones are held up by their host, and take longer.
    """

    peak: float
    share: float


DEVICES = {
    # TF32 products, which float32 models run in on these; BF16 has twice as much.
    'a100': Device(156e12, 0.3),
    'h100': Device(494e12, 0.25),
    # BF16, which a TPU takes for the products of float32 models too.
    'tpu-v5e': Device(197e12, 0.3),
}


def on_device(reading: Reading, costs: Mapping, name: str) -> dict:
    """What is left of a study on one device: its name, `seconds`, and the peak and share that they rest on; without compiling.

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
    return {'device': name, 'seconds': round((wanted + later) / (device.peak * device.share), 1), **dataclasses.asdict(device)}
