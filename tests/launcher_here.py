"""A launcher whose one worker is a thread of this process: it trains for real, without the seconds that a process takes."""

import io
import json
import queue
import threading
from pathlib import Path

from results.store import records
from sweeps.launch.launcher import Launcher, Order, checked
from sweeps.worker import serve


class LauncherHere(Launcher):
    """Takes orders one after the other, as the only worker of a local launcher does."""

    pause = 0.05

    def __init__(self, folder: Path, workers: int | None = None):
        self.folder, self.orders = folder, []
        self.commands: queue.Queue[str | None] = queue.Queue()
        self.answers = io.StringIO()
        self.worker = threading.Thread(target=serve, args=(iter(self.commands.get, None), self.answers))
        self.worker.start()

    def preflight(self, question: dict) -> dict:
        answers = io.StringIO()
        serve([json.dumps(question)], answers)
        return checked(json.loads(answers.getvalue()), 'this process')

    def submit(self, orders: list[Order]) -> None:
        self.orders += orders
        for order in orders:
            self.commands.put(json.dumps(order.command))

    def alive(self) -> set[str]:
        for answer in self.answers.getvalue().splitlines():
            checked(json.loads(answer), 'this process')
        return {one.name for one in self.orders if not (self.folder / records.FOLDER / f'{one.name}{records.PACK}').exists()}

    def cancel(self) -> None:
        while not self.commands.empty():
            self.commands.get_nowait()

    def close(self) -> None:
        self.commands.put(None)
        self.worker.join()
