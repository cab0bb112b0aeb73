"""Lanes: training steps of several trials in one process of one thread, in each way that lanes can run.

On CPU the lab trains lanes one after another (`strategy_for`); this shows what that rests on.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence

from benchmarks.body import TINY, body_of
from benchmarks.child import Child, spare_cores
from benchmarks.machine import machine
from benchmarks.measured import collect
from benchmarks.timing import plain, spread
from sweeps.training.population import strategy_for

WIDTHS = (2, 4, 8, 16)
SECONDS = 0.5
"""A measurement takes about so long."""
MIB = 1 << 20


def measure(name: str, sizes: Mapping[str, int], widths: Sequence[int], rounds: int, seconds: float = SECONDS) -> dict:
    """A body one after another, mapped and vectorised, in turns: lane-steps a CPU second, and what programs need."""
    given = {'body': name, 'sizes': dict(sizes)}
    ways = [('loop', 1), *((way, width) for width in widths for way in ('map', 'vmap'))]
    with contextlib.closing(Child('benchmarks.sides.lab_lanes:Lanes', spare_cores()[0], given)) as child:
        told = {way: child.call('prepare', way=way[0], width=way[1]) for way in ways}
        steps = {way: max(1, round(seconds / told[way]['step_s'])) for way in ways}
        rates: dict[tuple, list[float]] = {way: [] for way in ways}
        for _ in range(rounds):
            for way in ways:
                cpu, _ = child.call('train', way=way[0], width=way[1], steps=steps[way])
                rates[way].append(way[1] * steps[way] / cpu)
    taken = strategy_for('cpu')
    rows = [
        {
            'way': way,
            'lanes': width,
            'lane_steps': plain(spread(rates[way, width])),
            'times_one': plain(spread([one / other for one, other in zip(rates[way, width], rates['loop', 1], strict=True)])),
            'mib': round(told[way, width]['bytes'] / MIB, 2),
            'compile_s': round(told[way, width]['compile_s'], 1),
        }
        for way, width in ways
    ]
    fastest = max(rows, key=lambda row: row['lane_steps']['median'])
    return {'body': name, **given, 'taken': taken, 'fastest': [fastest['way'], fastest['lanes']], 'rows': rows}


def bench(
    rounds: int,
    only: Sequence[str] = (),
    sizes: Mapping[str, int] | None = None,
    widths: Sequence[int] = WIDTHS,
    save: Callable[[dict], None] | None = None,
) -> dict:
    """Some bodies, or the tiny ones, `save` being told after each. Raises ValueError on unknown names, sizes or lanes."""
    if any(width < 1 for width in widths):
        raise ValueError(f'lanes {list(widths)}; allowed: whole numbers from 1; leave it out for {list(WIDTHS)}')
    names = list(only) or list(TINY)
    for name in names:
        body_of(name, sizes or {})
    told = {'machine': machine(5), 'rounds': rounds}
    return collect(told, 'bodies', (measure(name, sizes or {}, widths, rounds) for name in names), save)


WAYS = {'loop': 'one after another', 'map': 'mapped', 'vmap': 'vectorised'}


def lines(results: Mapping) -> list[str]:
    """The results as text of at most 80 columns; `*` is what the lab takes."""
    told = results['machine']
    made = [
        f'{told["processor"]}, {told["cores"]} cores, load {told["load"]}',
        f'lane-steps a CPU second of one thread: median (least to greatest of {results["rounds"]})',
        f'  {"body":10}{"lanes":>6} {"":18}{"lane-steps":>24}{"times":>7}{"MiB":>10}',
    ]
    for body in results['bodies']:
        for row in body['rows']:
            rate = row['lane_steps']
            text = f'{rate["median"]:.4g} ({rate["least"]:.4g} to {rate["greatest"]:.4g})'
            mark = '*' if row['way'] == body['taken'] else ' '
            made.append(
                f'{mark} {body["body"]:10}{row["lanes"]:6} {WAYS[row["way"]]:18}{text:>24}'
                f'{row["times_one"]["median"]:7.2f}{row["mib"]:10.2f}'
            )
    return made


def panels(results: Mapping) -> dict[str, dict[str, dict]]:
    """Lane-steps a CPU second by body and way."""
    return {
        body['body']: {
            f'{WAYS[row["way"]]}, {row["lanes"]}' if row['way'] != 'loop' else WAYS['loop']: row['lane_steps']
            for row in body['rows']
        }
        for body in results['bodies']
    }
