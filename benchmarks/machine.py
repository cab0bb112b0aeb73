"""Machine: what a measurement was made on."""

import importlib.metadata
import os
import platform
from pathlib import Path

import jax
import jax.numpy as jnp

from benchmarks.timing import in_turns
from sweeps.machine import cores

ROWS, SIDE = 4096, 384
"""The product by which the peak is measured: rows of a middle-sized model times a square matrix."""


def processor() -> str:
    """The name of the processor, as the system tells it."""
    told = Path('/proc/cpuinfo')
    if told.exists():
        for line in told.read_text(encoding='utf-8').splitlines():
            if line.startswith('model name'):
                return line.partition(':')[2].strip()
    return platform.processor() or platform.machine()


def peak_gflops(rounds: int) -> float:
    """Billions of operations a CPU second (two for each multiply-add) of one large matrix product, at its best."""
    inputs = (jnp.ones((ROWS, SIDE)), jnp.ones((SIDE, SIDE)))
    timing = in_turns({'product': jnp.matmul}, inputs, rounds)['product']
    return 2 * ROWS * SIDE**2 / timing.cpu_ms.least / 1e6


def machine(rounds: int) -> dict:
    """Processor, cores, load, versions and the measured peak of products, as plain data."""
    return {
        'processor': processor(),
        'cores': cores(),
        'load': round(os.getloadavg()[0], 1),
        'device': jax.devices()[0].device_kind,
        'python': platform.python_version(),
        'versions': {name: importlib.metadata.version(name) for name in ('jax', 'jaxlib')},
        'peak_gflops': round(peak_gflops(rounds), 1),
    }
