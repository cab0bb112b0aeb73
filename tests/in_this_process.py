"""A launcher whose worker is this process: real training without the seconds in which a new process imports jax."""

import json
from pathlib import Path

from sweeps import worker
from sweeps.launch.launcher import Launcher, Order
from sweeps.training.trainer import Trainer


class InThisProcess(Launcher):
    """Carries out each order where it is submitted, by the code of workers; made as those of LAUNCHERS are."""

    pause = 0.0

    def __init__(self, folder: Path | None = None, workers: int | None = None):
        self.trainer = Trainer('loop', None)

    def preflight(self, question: dict) -> dict:
        return worker._preflight(json.loads(json.dumps(question)))

    def submit(self, orders: list[Order]) -> None:
        for order in orders:
            assert worker._train(json.loads(json.dumps(order.command)), self.trainer)['reason'] == ''

    def alive(self) -> set[str]:
        return set()

    def cancel(self) -> None:
        pass

    def close(self) -> None:
        pass
