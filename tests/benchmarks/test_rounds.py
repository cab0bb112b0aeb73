"""Rounds of the benchmarks: what is called warm ran before, sides take turns, and numbers come from the times told."""

import itertools
import json
from pathlib import Path

import pytest

from benchmarks import bodies, driver, lanes, machine, measured, peers, scale, spent, timing
from benchmarks.body import LargeDigits, body_of
from benchmarks.charts import bars
from results.figures.style import COLOURS

MACHINE = {'processor': 'abacus', 'cores': 1, 'load': 0.0}


@pytest.fixture(autouse=True)
def known_machine(monkeypatch):
    for module in (peers, lanes, bodies, driver, scale):
        monkeypatch.setattr(module, 'machine', lambda rounds: {**MACHINE, 'rounds': rounds})


def test_peers_take_turns_and_warm_ones_ran_before(monkeypatch):
    asked = []

    class Told(peers.Peers):
        def agree(self):
            return {'base': 2e-7}

        def side(self, name):
            asked.append(name)
            return {'wall_s': float(len(asked)), 'cpu_s': 2.0 * len(asked), 'tuned': 90, 'runs': 99}

    monkeypatch.setattr(peers, 'Peers', Told)
    monkeypatch.setattr(peers, 'needs_torch', lambda command: None)
    results = peers.bench(2, 4, ['lab, warm', 'each core'])
    assert asked == ['lab, warm', 'lab, warm', 'each core', 'lab, warm', 'each core']
    assert results['machine'] == {**MACHINE, 'rounds': 5} and results['rounds'] == 2 and results['apart'] == {'base': 2e-7}
    assert (results['trials'], results['tuned'], results['runs']) == (4, 32, 48)
    lab = results['sides']['lab, warm']
    # The second and the fourth call, of 2 and of 4 seconds.
    assert lab['wall_s'] == {'median': 3.0, 'least': 2.0, 'greatest': 4.0} and lab['cpu_s']['median'] == 6.0
    assert lab['tuned_an_hour'] == {'median': 121500.0, 'least': 81000.0, 'greatest': 162000.0}
    assert (lab['tuned'], lab['runs'], lab['measured']) == (90, 99, 99)
    asked.clear()
    peers.bench(1, 4)
    assert asked == [name for name in peers.SIDES if name.endswith('warm')] + list(peers.SIDES)


def test_results_of_each_body_are_saved_as_they_come(monkeypatch):
    monkeypatch.setattr(lanes, 'measure', lambda name, sizes, widths, rounds: {'body': name, 'sizes': sizes, 'rounds': rounds})
    seen = []
    results = lanes.bench(3, save=lambda told: seen.append(len(told['bodies'])))
    assert [body['body'] for body in results['bodies']] == list(lanes.TINY) and seen == [1, 2][: len(lanes.TINY)]
    assert (
        results['machine']['rounds'] == 5
        and results['rounds'] == 3
        and all(body['rounds'] == 3 and body['sizes'] == {} for body in results['bodies'])
    )
    monkeypatch.setattr(bodies, 'needs_torch', lambda command: None)
    monkeypatch.setattr(bodies, 'measure', lambda name, sizes, ways, processes, rounds, profile: [name, processes, profile])
    told = bodies.bench(2, processes=3, profile=True)
    assert told['bodies'] == [[name, 3, True] for name in bodies.BODIES] and told['processes'] == 3
    assert told['machine']['rounds'] == 5
    with pytest.raises(ValueError, match=r'sizes .* are given for .*; allowed: sizes of one body'):
        bodies.bench(2, sizes={'width': 8})
    monkeypatch.setattr(scale, 'measure', lambda trials, limit, only: (trials, limit, only))
    assert scale.bench([1000, 2000], 9.0, ['plan'])['studies'] == [(1000, 9.0, ['plan']), (2000, 9.0, ['plan'])]
    monkeypatch.setattr(driver, 'measure', lambda trials, workers, lost: (trials, workers, lost))
    driven = driver.bench([500], 7, 0.5)
    assert driven['runs'] == [(500, 7, 0.5)] and driven['machine']['rounds'] == 5


def test_calls_are_timed_until_their_results_are_there(monkeypatch):
    clock, waited = itertools.count(), []
    for name in ('process_time', 'perf_counter'):
        monkeypatch.setattr(timing.time, name, lambda: float(next(clock)))
    monkeypatch.setattr(timing.jax, 'block_until_ready', waited.append)
    # The clock ticks once a look: CPU 0 to 2, wall 1 to 3.
    assert timing.spent(lambda: 'made', 4) == (0.5, 0.5) and waited == ['made'] * 4
    # A call before is not counted, and every round has as many as take some milliseconds.
    monkeypatch.setattr(timing, 'repeats_for', lambda call: 3)
    waited.clear()
    assert timing.least_cpu_seconds(lambda: 'made', 2) == pytest.approx(2 / 3) and len(waited) == 1 + 2 * 3
    waited.clear()
    assert timing.wall_seconds(lambda: 'made', 3) == {'median': 2.0, 'least': 2.0, 'greatest': 2.0} and len(waited) == 1 + 3


@pytest.mark.parametrize(('seconds', 'repeats'), [(0.001, 5), (1.0, 1), (0.0, 50)])
def test_short_calls_are_repeated(monkeypatch, seconds, repeats):
    monkeypatch.setattr(timing, 'spent', lambda call: (seconds, seconds))
    assert timing.repeats_for(lambda: None) == repeats


def test_the_peak_counts_two_operations_for_each_multiply_add(monkeypatch):
    told = timing.Timing(timing.spread([4.0, 2.0]), timing.spread([9.0]), 0.123456, None)
    monkeypatch.setattr(machine, 'in_turns', lambda forms, inputs, rounds: dict.fromkeys(forms, told))
    assert machine.peak_gflops(3) == 2 * machine.ROWS * machine.SIDE**2 / 2e-3 / 1e9
    assert told.plain() == {
        'cpu_ms': {'median': 3.0, 'least': 2.0, 'greatest': 4.0},
        'wall_ms': {'median': 9.0, 'least': 9.0, 'greatest': 9.0},
        'compile_s': 0.1235,
    }


def test_a_file_of_measurements_is_whole_after_each(tmp_path: Path):
    path = tmp_path / 'measured.json'
    assert measured.read(path) == []
    told = measured.Measured(path)
    told.add('one', seconds=1.5)
    assert measured.read(path) == [{'name': 'one', 'seconds': 1.5}]
    told.add('two')
    assert [row['name'] for row in measured.read(path)] == ['one', 'two']


def test_bodies_that_published_numbers_are_of_keep_their_sizes():
    made = {name: body_of(name, {}) for name in bodies.BODIES}
    assert {name: body.batch for name, body in made.items()} == {
        'digits': 64,
        'bytes': 16,
        'vit': 64,
        'decoder': 16,
        'convnext': 64,
    }
    widths = {name: body.config['body'].get('widths', body.config['body'].get('width')) for name, body in made.items()}
    assert widths == {'digits': [16, 32], 'bytes': 32, 'vit': 96, 'decoder': 128, 'convnext': [64, 128]}
    depths = {name: body.config['body'].get('depths', body.config['body'].get('depth')) for name, body in made.items()}
    assert depths == {'digits': [1, 1], 'bytes': 2, 'vit': 4, 'decoder': 4, 'convnext': [2, 2]}
    assert made['vit'].config['position']['length'] == 64 and made['decoder'].config['mixer']['heads'] == 4
    assert made['vit'].config['mixer']['heads'] == 3 and made['convnext'].config['mixer']['kernel'] == 7
    assert made['digits'].config['mixer']['kernel'] == 3 and made['convnext'].config['stem']['patch'] == 2
    assert LargeDigits() == made['vit'].task == made['convnext'].task and LargeDigits().size == 32
    assert [body_of('bytes', {}).task.length, body_of('decoder', {}).task.length] == [32, 128]
    assert [name for name, body in made.items() if body.tokens] == ['bytes', 'decoder']


@pytest.mark.parametrize(
    ('returned', 'wall', 'said'),
    [(-9, 5.0, {'cut_off_after_s': 2.0}), (-9, 2.0, {'cut_off_after_s': 2.0}), (-9, 1.0, None), (0, 5.03125, None)],
)
def test_a_command_is_cut_off_by_its_own_clock_alone(monkeypatch, capfd, returned, wall, said):
    """A process that a signal ended before the limit, or that ended by itself, was not cut off."""
    used = type('Used', (), {'ru_utime': 1.23456, 'ru_stime': 0.5, 'ru_maxrss': 2048})

    class Process:
        pid, kill = 1, staticmethod(lambda: None)

        def __init__(self, command, stdout, stderr):
            stdout.write(b'what it says\xff')

    class Timer:
        def __init__(self, seconds, call):
            timers.append((seconds, call))

        def start(self):
            timers.append('start')

        def cancel(self):
            timers.append('cancel')

    timers, clock = [], iter([7.0, 7.0 + wall])
    monkeypatch.setattr(spent.subprocess, 'Popen', Process)
    monkeypatch.setattr(spent.os, 'wait4', lambda pid, flags: {(1, 0): (1, 0, used)}[pid, flags])
    monkeypatch.setattr(spent.threading, 'Timer', Timer)
    monkeypatch.setattr(spent.os, 'waitstatus_to_exitcode', lambda status: returned)
    monkeypatch.setattr(spent.time, 'perf_counter', lambda: next(clock))
    code = spent._measured(2.0, ['a', 'command'])
    out, err = capfd.readouterr()
    if said:
        assert (code, json.loads(out)) == (0, said)
    else:
        assert (code, json.loads(out)) == (returned, {'cpu_s': 1.735, 'wall_s': round(wall, 3), 'mib': 2.0})
        assert err == 'what it says\ufffd'
    assert timers == [(2.0, Process.kill), 'start', 'cancel']


def test_bars_are_medians_with_a_line_from_the_least_to_the_greatest():
    number = {'median': 20.0, 'least': 10.0, 'greatest': 40.0}
    panels = {'one': {'a': number, 'b': {**number, 'median': 30.0}}, 'two': {'b': number}, 'three': {'a': number}}
    figure = bars(panels, 'seconds', columns=2)
    shown = [place for place in figure.axes if place.get_visible()]
    assert [place.get_title(loc='left') for place in shown] == list(panels) and len(figure.axes) == 4
    assert [place.get_xlabel() for place in shown] == ['', 'seconds', 'seconds']
    first, second, _ = shown
    assert [bar.get_width() for bar in first.patches] == [20.0, 30.0] and first.get_xlim()[0] == 0
    assert [list(line.get_xdata()) for line in first.lines] == [[10.0, 40.0]] * 2
    assert [label.get_text() for label in first.get_yticklabels()] == ['a', 'b'] and first.yaxis_inverted()
    # A row has its colour in every panel, and none is that of the base.
    assert first.patches[1].get_facecolor() == second.patches[0].get_facecolor() != first.patches[0].get_facecolor()
    assert COLOURS[0] not in {bar.get_facecolor() for bar in first.patches}
    (place,) = bars({'one': {'a': number}}, 'seconds', logarithmic=True).axes
    assert place.get_xscale() == 'log' and not place.patches and list(place.lines[0].get_xdata()) == [20.0]
    assert place.xaxis.get_major_formatter()(100.0, 0) == '100' and place.xaxis.get_minor_formatter()(100.0, 0) == ''
