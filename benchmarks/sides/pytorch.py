"""PyTorch: the same training in PyTorch, from the lab's first parameters on the same batches."""

import time

import numpy as np
import torch

from benchmarks.body import KNOBS, body_of
from benchmarks.machine import ROWS, SIDE
from benchmarks.sides.profiled import grouped
from benchmarks.sides.pytorch_model import Model
from benchmarks.sides.pytorch_profile import timed
from benchmarks.sides.pytorch_training import Trained, schedule
from benchmarks.timing import least_cpu_seconds


class Pytorch:
    """Training steps of AdamW on PyTorch's side, `way` being 'eager' or 'compiled'; the process has one thread."""

    def __init__(self, body: str, sizes: dict[str, int], steps: int, file: str, way: str, config: dict | None = None):
        torch.set_num_threads(1)
        told = np.load(file)
        self.x, self.y = torch.from_numpy(told['x']), torch.from_numpy(told['y']).long()
        self.order, self.shares = torch.from_numpy(told['order']).long(), schedule(steps)
        params = {name.removeprefix('params/'): told[name] for name in told.files if name.startswith('params/')}
        self.trained = Trained(Model(body_of(body, sizes, config).config, params), **KNOBS, way=way)

    def _step(self, step: int) -> torch.Tensor:
        index = self.order[step]
        return self.trained.step(self.x[index], self.y[index], self.shares[step])

    def losses(self, first: int) -> dict:
        """The training loss of each of the first steps, and the CPU seconds of the very first, which may be compiled."""
        began, compile_s, losses = time.process_time(), None, []
        for step in range(first):
            losses.append(float(self._step(step)))
            compile_s = compile_s or time.process_time() - began
        return {'losses': losses, 'compile_s': compile_s}

    def train(self, steps: int) -> tuple[float, float]:
        """CPU and wall seconds of so many steps, from the schedule's first."""
        cpu, wall = time.process_time(), time.perf_counter()
        for step in range(steps):
            self._step(step)
        return time.process_time() - cpu, time.perf_counter() - wall

    def profile(self, steps: int) -> dict[str, float]:
        """CPU milliseconds of a step by group."""
        return grouped(timed(lambda: self.train(steps)), steps)

    def about(self) -> dict:
        """The peak of products on this side, and how many parameters there are."""
        left, right = torch.ones(ROWS, SIDE), torch.ones(SIDE, SIDE)
        seconds = least_cpu_seconds(lambda: left @ right, rounds=5)
        return {
            'peak_gflops': 2 * ROWS * SIDE**2 / seconds / 1e9,
            'parameters': sum(one.numel() for one in self.trained.parameters),
        }
