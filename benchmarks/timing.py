"""Timing: programs that do the same, timed in turns, so that a busy moment of the machine slows all of them."""

import dataclasses
import functools
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


def plain(numbers: Spread) -> dict[str, float]:
    """A spread as plain data of four significant digits.

    >>> plain(spread([0.123456]))
    {'median': 0.1235, 'least': 0.1235, 'greatest': 0.1235}
    """
    return {name: float(f'{number:.4g}') for name, number in dataclasses.asdict(numbers).items()}


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


def spent(call: Callable[[], object], repeats: int = 1) -> tuple[float, float]:
    """CPU and wall seconds of one call of `repeats`, until its results are there."""
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(repeats):
        jax.block_until_ready(call())
    return (time.process_time() - cpu) / repeats, (time.perf_counter() - wall) / repeats


def repeats_for(call: Callable[[], object]) -> int:
    """How often a call is repeated so that a measurement takes some milliseconds; it has been called once before."""
    return max(1, min(50, round(0.005 / max(spent(call)[0], 1e-6))))


def least_cpu_seconds(call: Callable[[], object], rounds: int) -> float:
    """The least CPU seconds of a call in so many measurements; one call before them is not counted."""
    jax.block_until_ready(call())
    repeats = repeats_for(call)
    return min(spent(call, repeats)[0] for _ in range(rounds))


def wall_seconds(call: Callable[[], object], rounds: int = 5) -> dict[str, float]:
    """Median, least and greatest wall seconds of a call; one call before that is not counted.

    >>> sorted(wall_seconds(lambda: 1.0, rounds=1))
    ['greatest', 'least', 'median']
    """
    jax.block_until_ready(call())
    return dataclasses.asdict(spread([spent(call)[1] for _ in range(rounds)]))


def in_turns(functions: Mapping[str, Callable], inputs: Sequence[jax.Array], rounds: int) -> dict[str, Timing]:
    """Compile each function of the inputs, call all of them once, then time `rounds` calls of each, one function after another.

    A call is repeated until a measurement takes some milliseconds, and its time divided.
    """
    calls, compile_s, repeats, made, times = {}, {}, {}, {}, {name: [] for name in functions}
    for name, function in functions.items():
        began = time.process_time()
        program = jax.jit(function).lower(*inputs).compile()
        compile_s[name] = time.process_time() - began
        calls[name] = functools.partial(program, *inputs)
        made[name] = jax.block_until_ready(calls[name]())
        repeats[name] = repeats_for(calls[name])
    for _ in range(rounds):
        for name, call in calls.items():
            times[name].append(tuple(1e3 * part for part in spent(call, repeats[name])))
    spreads = {name: [spread(part) for part in zip(*measured, strict=True)] for name, measured in times.items()}
    return {name: Timing(*spreads[name], compile_s[name], made[name]) for name in functions}
