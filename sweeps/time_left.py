"""Time left: how long a run still takes, by what its own packs took; nothing is told before that can be known."""

import statistics
from collections.abc import Iterable, Mapping, Sequence

from ablations.trial import Program
from results.budgets import step_flops
from sweeps.pace import trained_seconds
from sweeps.protocol.duration import estimated_seconds
from sweeps.protocol.pack import Pack


class TimeLeft:
    """The time that a run still takes: what is left to train and to compile, by as many packs at a time as were at work so far.

    It is known once a program's second pack has ended, because what its first pack took is mostly compiling. Where packs may
    wait in a `queue`, those under way do not tell how many are at work. `programs` are all of the study.
    """

    def __init__(self, programs: Iterable[Program], queue: bool = False):
        self.programs, self.queue = {_key(program): program for program in programs}, queue
        self.running: dict[str, tuple[Pack, float]] = {}
        self.began: float | None = None
        self.ended = self.busy = self.compiling = 0.0
        self.seen: set[str] = set()
        self.is_known = False
        self.trained: dict[str, list[float]] = {}

    def started(self, pack: Pack, now: float) -> None:
        """A worker has the pack, or it waits in the queue."""
        self.began = now if self.began is None else self.began
        self.running[pack.id] = pack, now

    def finished(self, pack: Pack, records: Sequence[Mapping], now: float) -> None:
        """The pack is committed; `records` are its new ones. A failed one, or one committed by another run, tells less."""
        of_this_run = self.running.pop(pack.id, None) is not None
        took = sum((record.get('cost') or {}).get('seconds') or 0.0 for record in records)
        if not took:
            return
        if of_this_run:
            self.ended, self.busy = now, self.busy + took
        signature = self._signature(pack.program)
        if signature in self.seen:
            self.is_known = True
        else:
            compiled = max((record.get('pack') or {}).get('compile_seconds') or 0.0 for record in records)
            self.compiling += min(compiled, took)
        self.seen.add(signature)
        known = [seconds for record in records if (seconds := trained_seconds(record)) is not None]
        if known:
            total = self.trained.setdefault(pack.program.task, [0.0, 0.0])
            total[0], total[1] = total[0] + sum(known), total[1] + len(known)

    def seconds(self, left: Mapping[str, int], costs: Mapping, now: float) -> float | None:
        """Seconds until so many trials of each task are trained; None where that is not known yet."""
        known = {task: spent / count for task, (spent, count) in self.trained.items()}
        if not self.is_known or not known or not self.busy:
            return None
        wanted = {task: count for task, count in left.items() if count > 0}
        of_trial = {task: self._of_task(task, known, costs) for task in wanted}
        to_compile, each = self._to_compile(wanted), self.compiling / len(self.seen)
        at_work, done = 0.0, 0.0
        for pack, since in () if self.queue else self.running.values():
            expected = len(pack.trials) * of_trial.get(pack.program.task, 0.0)
            expected += each if self._signature(pack.program) in to_compile else 0.0
            # A pack that takes longer than it should has not done more.
            at_work, done = at_work + now - since, done + min(now - since, expected)
        at_a_time = (self.busy + at_work) / max((self.ended if self.queue else now) - self.began, 1e-9)
        training = sum(count * of_trial[task] for task, count in wanted.items())
        return max(0.0, training + len(to_compile) * each - done) / max(at_a_time, 1e-9)

    def _to_compile(self, tasks: Iterable[str]) -> set[str]:
        return {one.signature for one in self.programs.values() if one.task in tasks} - self.seen

    def _signature(self, program: Program) -> str:
        return self.programs.get(_key(program), program).signature

    def _of_task(self, task: str, known: Mapping[str, float], costs: Mapping) -> float:
        """Seconds of a trial of a task; before the first end, by its FLOPs beside those of other tasks."""
        if task in known:
            return known[task]
        return sum(known.values()) / sum(self._estimate(one, costs) for one in known) * self._estimate(task, costs)

    def _estimate(self, task: str, costs: Mapping) -> float:
        own = [one for one in self.programs.values() if one.task == task]
        return statistics.mean(estimated_seconds(one.steps, step_flops(costs, one.arm, task)) for one in own)


def _key(program: Program) -> tuple[str, str, str]:
    return program.arm, program.task, program.optimizer
