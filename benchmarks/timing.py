"""Timing: programs that do the same, timed in turns, so that a busy moment of the machine meets all of them."""

import dataclasses
import statistics
import time
from collections.abc import Callable, Mapping, Sequence

import jax


@dataclasses.dataclass(frozen=True)
class Spread:
    """Median, least and greatest of some measurements."""

    median: float
    least: float
    greatest: float


def spread(numbers: Sequence[float]) -> Spread:
    """The spread of some numbers.

    >>> spread([3.0, 1.0, 2.0])
    Spread(median=2.0, least=1.0, greatest=3.0)
    """
    return Spread(statistics.median(numbers), min(numbers), max(numbers))


@dataclasses.dataclass(frozen=True)
class Timing:
    """One program: CPU and wall milliseconds of a call, the CPU seconds of tracing and compiling it, and what it gave."""

    cpu_ms: Spread
    wall_ms: Spread
    compile_s: float
    made: object = dataclasses.field(repr=False)

    def plain(self) -> dict:
        """As plain data of four decimals, without what it gave."""
        spreads = {'cpu_ms': self.cpu_ms, 'wall_ms': self.wall_ms}
        plain = {name: {part: round(ms, 4) for part, ms in dataclasses.asdict(one).items()} for name, one in spreads.items()}
        return {**plain, 'compile_s': round(self.compile_s, 4)}


def in_turns(functions: Mapping[str, Callable], inputs: Sequence[jax.Array], rounds: int) -> dict[str, Timing]:
    """Compile each function of the inputs, call all of them once, then time `rounds` calls of each, one function after another.

    A call is repeated until a measurement takes some milliseconds, and its time divided.
    """
    programs, compile_s, repeats, made, times = {}, {}, {}, {}, {name: [] for name in functions}
    for name, function in functions.items():
        began = time.process_time()
        programs[name] = jax.jit(function).lower(*inputs).compile()
        compile_s[name] = time.process_time() - began
        jax.block_until_ready(programs[name](*inputs))
        began = time.process_time()
        made[name] = jax.block_until_ready(programs[name](*inputs))
        repeats[name] = max(1, min(50, round(0.005 / max(time.process_time() - began, 1e-6))))
    for _ in range(rounds):
        for name, program in programs.items():
            cpu, wall = time.process_time(), time.perf_counter()
            for _ in range(repeats[name]):
                jax.block_until_ready(program(*inputs))
            spent = time.process_time() - cpu, time.perf_counter() - wall
            times[name].append(tuple(1e3 * part / repeats[name] for part in spent))
    spreads = {name: [spread(part) for part in zip(*measured, strict=True)] for name, measured in times.items()}
    return {name: Timing(*spreads[name], compile_s[name], made[name]) for name in functions}
