"""Launchers without processes, for the tests of runs: they carry out orders in this process, by made-up records."""

import json
from collections.abc import Callable
from pathlib import Path

from ablations.study import Study
from ablations.trial import Needs
from results.store.records import commit
from sweeps.launch.launcher import Launcher, Order
from sweeps.protocol.pack import Pack
from sweeps.protocol.simulate import World, simulated_record
from sweeps.training.record import describe, lines


class Silent:
    """A watch that says nothing."""

    def __getattr__(self, name: str) -> Callable:
        return lambda *_: None


class MadeUp(Launcher):
    """Carries out the oldest order at each look, and is honest about it."""

    pause = 0.0
    patience = 1000
    """How often nothing may be submitted, so that a run that hangs is seen."""

    def __init__(self, study: Study, world: World):
        self.study, self.world = study, world
        self.orders: list[Order] = []
        self.submissions: list[str] = []
        self.calls: list[str] = []

    def preflight(self, question: dict) -> dict:
        told = json.loads(json.dumps(question))
        costs = {arm: {task: {'flops': 10, 'params': 10, 'macs': 10} for task in told['metrics']} for arm in self.study.arms}
        return {'costs': costs, 'platform': 'cpu', 'strategy': 'loop', 'devices': 1}

    def submit(self, orders: list[Order]) -> None:
        self.patience -= not orders
        assert self.patience, 'the run asks again and again, and nothing happens'
        self.orders += orders
        self.submissions += [order.name for order in orders]

    def alive(self) -> set[str] | None:
        if self.orders:
            self.carry_out(self.orders.pop(0))
        return {order.name for order in self.orders}

    def cancel(self) -> None:
        self.calls.append('cancel')
        self.orders.clear()

    def close(self) -> None:
        self.calls.append('close')

    def carry_out(self, order: Order) -> bool:
        """What a worker does with a command; whether it was the first to commit."""
        told = json.loads(json.dumps(order.command))
        pack = Pack.from_dict(told['pack'])
        made = [describe(trial) | simulated_record(self.study, self.world, trial, 0) for trial in pack.trials]
        how = {'strategy': told['strategy'], 'lanes': len(pack.trials)}
        return commit(Path(told['folder']), told['name'], lines(made, pack, told['skip'], how))


class InTheDark(MadeUp):
    """Cannot know what is alive."""

    def alive(self) -> None:
        super().alive()


class Losing(MadeUp):
    """Loses the first two submissions of each order."""

    def carry_out(self, order: Order) -> bool:
        return self.submissions.count(order.name) > 2 and super().carry_out(order)


class Poisoned(MadeUp):
    """Loses the packs of one arm however often they are submitted."""

    arm = 'second'

    def carry_out(self, order: Order) -> bool:
        return order.command['pack']['program']['arm'] != self.arm and super().carry_out(order)

    def ended(self, name: str) -> str:
        return f'exit status 9; see {name}.log'


class Late(MadeUp):
    """Gives all orders up for lost, carries them out a look later all the same, and once more when they come again."""

    def __init__(self, study: Study, world: World):
        super().__init__(study, world)
        self.due: list[Order] = []
        self.won: list[bool] = []

    def alive(self) -> set[str]:
        self.won += [self.carry_out(order) for order in self.due]
        self.due, self.orders = self.orders, []
        return set()


class Forgetful(MadeUp):
    """Commits an order before it notices itself, and until it is asked once more it has no room for the next."""

    free = True

    def choose(self, waiting: list[Needs]) -> list[int]:
        return [0] if self.free and waiting else []

    def alive(self) -> set[str]:
        names, self.free = {order.name for order in self.orders}, not self.orders
        while self.orders:
            self.carry_out(self.orders.pop())
        return names


class Dying(MadeUp):
    """Dies after a number of orders, as when its cluster goes away."""

    lives = 5

    def alive(self) -> set[str]:
        self.lives -= 1
        if not self.lives:
            raise ConnectionError('the cluster is gone')
        return super().alive()
