"""Bodies: training steps of tiny and middle-sized models by the lab and by PyTorch, from equal parameters on equal batches.

Losses of the first steps are compared before anything is timed. Then both sides train in turns on the same cores, each process
with one thread.
"""

import contextlib
import statistics
import tempfile
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.body import BODIES, body_of
from benchmarks.child import Child, spare_cores, together
from benchmarks.installed import needs_torch
from benchmarks.machine import machine
from benchmarks.measured import collect
from benchmarks.timing import plain, spread

FIRST = 10
"""So many first steps have their losses compared."""
STEPS = 100
"""The length of the schedule. The lab trains a whole stretch in one call, as a worker does between two evaluations."""
LEAST = 10
"""A measurement has at least so many steps: a call's memory is new, and touched for the first time, once."""
AGREE = 1e-4
"""How far losses of two sides may be apart, relatively."""
PROFILED = 8
"""Steps whose instructions are timed."""
SECONDS = 1.0
"""A measurement takes about so long."""
WAYS = ('eager', 'compiled')
"""How PyTorch runs a model."""


def apart(losses: Sequence[float], others: Sequence[float]) -> float:
    """The greatest relative difference of the losses of two sides, step by step.

    >>> apart([2.0, 4.0], [2.0, 3.0])
    0.25
    """
    return max(abs(one - other) / abs(one) for one, other in zip(losses, others, strict=True))


def agreeing(name: str, side: str, losses: Sequence[float], others: Sequence[float]) -> float:
    """How far a side's losses are from the lab's; raises ValueError if that is too far for rounding."""
    distance = apart(losses, others)
    if not distance <= AGREE:
        raise ValueError(
            f"body '{name}': the losses of {side} are {distance:.1e} from the lab's in the first {len(losses)} steps; "
            f'allowed: {AGREE:g}; mend the side, since two that train otherwise are not compared'
        )
    return distance


class Sides:
    """The lab and PyTorch with one body, `processes` of each side, with equal losses; all of them end with it.

    A `config` takes the place of the body's own.
    """

    def __init__(
        self, name: str, sizes: Mapping[str, int], ways: Sequence[str], processes: int = 1, config: dict | None = None
    ):
        self.name = name
        self.crews: dict[str, list[Child]] = {}
        self.told: dict[str, dict] = {}
        cores = spare_cores()
        self.cores = [cores[i % len(cores)] for i in range(processes)]
        self.common = {'body': name, 'sizes': dict(sizes), 'steps': STEPS, 'config': config}
        self.folder = tempfile.TemporaryDirectory()
        try:
            lab = self._hire('lab', 'benchmarks.sides.lab:Lab', {})
            file = str(Path(self.folder.name) / 'shared.npz')
            lab[0].call('share', file=file)
            for way in ways:
                self._hire(way, 'benchmarks.sides.pytorch:Pytorch', {'file': file, 'way': way})
        except BaseException:
            self.close()
            raise

    def _hire(self, side: str, place: str, given: dict) -> list[Child]:
        self.crews[side] = [Child(place, core, {**self.common, **given}) for core in self.cores]
        first = together(self.crews[side], 'losses', first=FIRST)[0]
        self.told[side] = {'compile_s': first['compile_s'], **self.crews[side][0].call('about')}
        lab = self.told['lab'].setdefault('losses', first['losses'])
        self.told[side]['apart'] = agreeing(self.name, side, lab, first['losses'])
        return self.crews[side]

    def steps(self, seconds: float) -> dict[str, int]:
        """How many steps of each side take about so long, from LEAST to STEPS; each crew is warm afterwards."""
        counts = {}
        for side, crew in self.crews.items():
            _, wall = max(together(crew, 'train', steps=2))
            counts[side] = min(STEPS, max(LEAST, round(seconds * 2 / wall)))
        return counts

    def train(self, counts: Mapping[str, int]) -> dict[str, tuple[float, float]]:
        """CPU and wall milliseconds of a step of each side, one side after another; the mean over its processes."""
        spent = {}
        for side, crew in self.crews.items():
            times = together(crew, 'train', steps=counts[side])
            spent[side] = tuple(1e3 * statistics.mean(part) / counts[side] for part in zip(*times, strict=True))
        return spent

    def profiles(self) -> dict[str, dict[str, float]]:
        """Milliseconds of a step by group, of the lab and of PyTorch uncompiled."""
        return {side: crew[0].call('profile', steps=PROFILED) for side, crew in self.crews.items() if side != 'compiled'}

    def close(self) -> None:
        for crew in self.crews.values():
            for child in crew:
                child.close()
        self.folder.cleanup()


def measure(
    name: str,
    sizes: Mapping[str, int],
    ways: Sequence[str],
    processes: int,
    rounds: int,
    profile: bool = False,
    seconds: float = SECONDS,
) -> dict:
    """A body by the lab and by PyTorch, as plain data. Raises ValueError where their losses differ."""
    with contextlib.closing(Sides(name, sizes, ways, processes)) as sides:
        counts = sides.steps(seconds)
        measured = [sides.train(counts) for _ in range(rounds)]
        told, flops = sides.told, sides.told['lab']['flops']
        profiles = sides.profiles() if profile else {}
    made = {}
    for side in told:
        cpu, wall = (spread([one[side][part] for one in measured]) for part in (0, 1))
        reached = flops / cpu.median / 1e6
        made[side] = {
            'cpu_ms': plain(cpu),
            'wall_ms': plain(wall),
            'steps_per_cpu_second': round(1e3 / cpu.median, 2),
            'peak_gflops': round(told[side]['peak_gflops'], 1),
            'share_of_peak': round(reached / told[side]['peak_gflops'], 4),
            'compile_s': round(told[side]['compile_s'], 1),
            'apart': float(f'{told[side]["apart"]:.1e}'),
        }
    best = min(ways, key=lambda way: made[way]['cpu_ms']['median'])
    ratios = spread([one[best][0] / one['lab'][0] for one in measured])
    body = body_of(name, sizes)
    return {
        'body': name,
        'sizes': dict(sizes),
        'batch': body.batch,
        'parameters': told['lab']['parameters'],
        'mflop_a_step': round(flops / 1e6, 1),
        'losses': told['lab']['losses'],
        'sides': made,
        'best': best,
        'ratio': plain(ratios),
        **({'profile': profiles} if profile else {}),
    }


def bench(
    rounds: int,
    only: Sequence[str] = (),
    sizes: Mapping[str, int] | None = None,
    processes: int = 1,
    ways: Sequence[str] = WAYS,
    profile: bool = False,
    save: Callable[[dict], None] | None = None,
) -> dict:
    """Some bodies, or all, `save` being told after each. Raises ValueError without torch, or for sizes of several bodies."""
    needs_torch('archlab bench bodies')
    names = list(only) or list(BODIES)
    if sizes and len(names) > 1:
        raise ValueError(f'sizes {dict(sizes)} are given for {names}; allowed: sizes of one body; name it by --only')
    for name in names:
        body_of(name, sizes or {})
    told = {'machine': machine(5), 'rounds': rounds, 'processes': processes}
    measured = (measure(name, sizes or {}, ways, processes, rounds, profile) for name in names)
    return collect(told, 'bodies', measured, save)


def lines(results: Mapping) -> list[str]:
    """The results as text of at most 80 columns."""
    told = results['machine']
    made = [
        f'{told["processor"]}, {told["cores"]} cores, load {told["load"]}',
        f'CPU ms a step: median (least to greatest of {results["rounds"]}); on each side {results["processes"]} of one thread',
        f'{"body":10}{"side":10}{"CPU ms a step":>32}{"wall ms":>10}{"peak":>7}{"compiled":>11}',
    ]
    for body in results['bodies']:
        for side, one in body['sides'].items():
            ms = one['cpu_ms']
            text = f'{ms["median"]:.4g} ({ms["least"]:.4g} to {ms["greatest"]:.4g})'
            share, wall = f'{one["share_of_peak"]:.0%}', f'{one["wall_ms"]["median"]:.4g}'
            made.append(f'{body["body"]:10}{side:10}{text:>32}{wall:>10}{share:>7}{one["compile_s"]:>9.1f} s')
        ratio, sizes = body['ratio'], ''.join(f', {name} {value}' for name, value in body['sizes'].items())
        text = f'{ratio["median"]:.2f} ({ratio["least"]:.2f} to {ratio["greatest"]:.2f})'
        made.append(f'{"":10}the lab is {text} times as fast as {body["best"]}')
        made.append(f'{"":10}{body["mflop_a_step"]:,.0f} MFLOP a step, {body["parameters"]:,} parameters{sizes}')
        for side, groups in body.get('profile', {}).items():
            text = ', '.join(f'{group} {ms:.3g}' for group, ms in groups.items() if ms)
            made += [f'{"":10}{line}' for line in textwrap.wrap(f'{side}, ms: {text}', 70)]
    return made


def panels(results: Mapping) -> dict[str, dict[str, dict]]:
    """CPU milliseconds of a step by body and side."""
    return {body['body']: {side: one['cpu_ms'] for side, one in body['sides'].items()} for body in results['bodies']}
