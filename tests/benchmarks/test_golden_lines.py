"""Benchmarks tell what they told, of made-up measurements: their lines, what their figures show, and their cases."""

import json

import golden_texts
import pytest

from benchmarks import bodies, driver, lanes, ops, peers, scale

MACHINE = {'processor': 'abacus', 'cores': 2, 'load': 0.5, 'peak_gflops': 50.0}


def number(median: float) -> dict[str, float]:
    return {'median': median, 'least': 0.75 * median, 'greatest': 1.5 * median}


def side(ms: float, share: float) -> dict:
    return {'cpu_ms': number(ms), 'wall_ms': number(2 * ms), 'share_of_peak': share, 'compile_s': 3.21}


def row(way: str, count: int, times: float) -> dict:
    rate = number(1234.5 * times)
    return {'way': way, 'lanes': count, 'lane_steps': rate, 'times_one': number(times), 'mib': 1.25 * count, 'compile_s': 2.0}


LANED = (('digits', 'loop'), ('bytes', 'map'))
ROWS = [row('loop', 1, 1.0), row('map', 4, 1.25), row('vmap', 4, 0.5)]
BODY = {
    **{'body': 'vit', 'sizes': {'depth': 3, 'width': 96}, 'best': 'compiled', 'ratio': number(0.5), 'mflop_a_step': 12345.6},
    **{'parameters': 1234567, 'sides': {'lab': side(20.0, 0.5), 'eager': side(15.0, 0.6), 'compiled': side(10.0, 0.75)}},
    'profile': {'lab': {'products': 12.5, 'attention': 3.25, 'rest': 0.0}, 'eager': {'products': 9.0, 'norms': 0.125}},
}
COSTS = {'cpu_s': 2.5, 'wall_s': 3.75, 'mib': 250.4}
COMMANDS = {
    'plan': {'first': COSTS, 'again': {**COSTS, 'cpu_s': 1.5}},
    'table': {'first': COSTS, 'again': {'cut_off_after_s': 9.0}},
    'report': {'first': {'cut_off_after_s': 300.0}},
}
RUN = {
    **{'trials': 100_000, 'packs': 25_000, 'workers': 1000, 'lost': 84, 'worker_hours': 1666.6, 'driver_cpu_s': 250.4},
    **{'overhead': 0.000125, 'waiting': 0.0625, 'mib': 512, 'idle_worker_hours': 12.5},
}
PEER = {'tuned_an_hour': number(4000.0), 'wall_s': number(90.0), 'cpu_s': number(150.0), 'runs': 48, 'tuned': 32}
RESULTS = {
    bodies: {'rounds': 3, 'processes': 2, 'bodies': [BODY, {**BODY, 'body': 'bytes', 'sizes': {}, 'parameters': 99}]},
    driver: {'runs': [RUN, {**RUN, 'trials': 500, 'idle_worker_hours': 0.0}]},
    lanes: {'rounds': 3, 'bodies': [{'body': name, 'taken': taken, 'rows': ROWS} for name, taken in LANED]},
    ops: {
        'rounds': 5,
        'cases': [
            {
                **{'operation': operation, 'size': '64 x 8 x 8 x 384', 'taken': 'own', 'fastest': 'library'},
                'forms': {name: {**side(2.0 * ms, 0.0), 'compile_s': 0.1234} for ms, name in ((1.0, 'own'), (0.5, 'library'))},
                'expected_ms': {'own': 1.5},
            }
            for operation in ('gelu', 'another')
        ],
    },
    peers: {
        **{'arms': ['base', 'wider'], 'tuned': 32, 'runs': 48, 'apart': {'base': 3e-7, 'wider': 2e-6}},
        'sides': {name: {**PEER, 'measured': 4 if 'each,' in name else 48} for name in peers.SIDES},
    },
    scale: {'studies': [{'trials': n, 'commit': {**COSTS, 'packs': 250}, 'commands': COMMANDS} for n in (2000, 1000)]},
}  # fmt: skip


@pytest.mark.parametrize('bench', RESULTS, ids=lambda bench: bench.__name__.rpartition('.')[2])
def test_a_benchmark_tells_what_it_told(bench):
    results = {'machine': MACHINE, **RESULTS[bench]}
    told = [*bench.lines(results), 'what the figure shows']
    if hasattr(bench, 'panels'):
        told += [
            f'{panel}, {name}: {json.dumps(own)}' for panel, rows in bench.panels(results).items() for name, own in rows.items()
        ]
    golden_texts.hold(f'bench_{bench.__name__.rpartition(".")[2]}', '\n'.join(told))


def test_operations_are_tried_at_the_sizes_that_they_were():
    told = [
        f'{case.operation} {case.size} {case.shapes} {sorted(case.forms)} by {case.taken} {case.expected_ms}'
        for case in ops.cases()
    ]
    golden_texts.hold('bench_cases', '\n'.join(told))
