"""What the benchmarks measure, whole: operations, lanes, peers, the machine, and how bars look."""

import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from matplotlib.colors import to_rgba

from benchmarks import lanes, machine, measured, ops, peers, timing
from benchmarks.charts import bars
from results.figures.style import COLOURS
from sweeps.tasks.digits import Digits
from sweeps.training.splits import tuning_split

MACHINE = {'processor': 'abacus', 'cores': 1, 'load': 0.0, 'peak_gflops': 1.0}
CASES = {
    'product': lambda: ops._product(2, 3, 4, features=5),
    'gelu': lambda: ops._gelu(2, 3, 4),
    'layer_norm': lambda: ops._layer_norm(2, 3, 4),
    'rms_norm': lambda: ops._rms_norm(2, 3, 4),
    'softmax': lambda: ops._softmax(2, 3, 4),
}


@pytest.mark.parametrize('name', CASES)
def test_all_forms_of_an_operation_give_the_same(name):
    """Of norms also where numbers are next to nothing, so that what is added to their variance shows."""
    case, draw = CASES[name](), np.random.default_rng(0)
    inputs = [jnp.asarray(draw.normal(size=shape), jnp.float32) for shape in case.shapes]
    if 'norm' in name:
        inputs[0] = inputs[0] * 1e-3
    with jax.numpy_rank_promotion('allow'):
        made = {form: function(*inputs) for form, function in case.forms.items()}
    assert len(made) > 1 and all(ops.apart(made[case.taken], own) < 1e-5 for own in made.values())


@pytest.mark.parametrize(('taken', 'extra'), [('shifts', []), ('library', ['library'])])
def test_depthwise_forms_are_called_alike(monkeypatch, taken, extra):
    """None is causal, and all have a stride of one; the form that is taken is there though no model tells its cost."""
    forms = ('toeplitz', 'shifts', 'library')
    monkeypatch.setattr(ops, 'FORMS', {name: lambda *given, name=name: (name, *given) for name in forms})
    monkeypatch.setattr(ops, 'expected_ns', lambda spatial, sizes: {'toeplitz': 1e6 * sum(spatial), 'shifts': 1e6 * sum(sizes)})
    monkeypatch.setattr(ops, 'form_of', lambda spatial, sizes: taken)
    case = ops._depthwise(2, 5, 6, 4, taps=3)
    assert {name: form('x', 'kernel') for name, form in case.forms.items()} == {
        name: (name, 'x', 'kernel', False, 1) for name in ('toeplitz', 'shifts', *extra)
    }
    assert case.expected_ms == {'toeplitz': 11.0 * 8, 'shifts': 6.0 * 8} and case.shapes == ((2, 5, 6, 4), (3, 3, 4))


def test_a_form_runs_forward_and_backward():
    made, slopes = ops._slopes(lambda x, y: x * y)(jnp.float32([1.0, 10.0]), jnp.float32([2.0, 3.0]), jnp.float32([4.0, 5.0]))
    assert made.tolist() == [8.0, 15.0] and [slope.tolist() for slope in slopes] == [[4.0, 50.0], [2.0, 30.0]]


def test_small_numbers_are_compared_by_their_own_size():
    assert ops.apart([np.array([1e-6, 4e-6])], [np.array([1e-6, 3e-6])]) == pytest.approx(0.25)
    assert ops.apart([np.zeros(2), np.ones(2)], [np.zeros(2), np.ones(2)]) == 0
    assert ops.apart([np.zeros(2)], [np.full(2, 1e-30)]) == 1


def timing_of(cpu: float, made: object) -> timing.Timing:
    return timing.Timing(timing.spread([cpu]), timing.spread([2 * cpu]), 0.25, made)


def test_all_that_is_measured_of_an_operation(monkeypatch):
    case = ops.Case('double', '2 x 3', ((2, 3),), {'sum': lambda x: x + x, 'product': lambda x: 2 * x}, 'sum', {'sum': 0.54321})
    seen = []

    def in_turns(functions, inputs, rounds):
        seen.append((list(functions), [(one.shape, one.dtype) for one in inputs], rounds))
        return {name: timing_of(5.0 if name == 'sum' else 4.0, [np.array([1.0, by[name]])]) for name in functions}

    by = {'sum': 4.0, 'product': 3.0}
    monkeypatch.setattr(ops, 'in_turns', in_turns)
    monkeypatch.setattr(ops, 'AGREE', 0.25)
    told = ops.measure(case, 7)
    assert told == {
        **{'operation': 'double', 'size': '2 x 3', 'taken': 'sum', 'fastest': 'product', 'expected_ms': {'sum': 0.5432}},
        'forms': {name: timing_of(cpu, None).plain() for name, cpu in (('sum', 5.0), ('product', 4.0))},
    }
    # A slope of the output comes before the inputs, in random numbers of single precision.
    assert seen == [(['sum', 'product'], [((2, 3), jnp.float32)] * 2, 7)]
    by['product'] = 2.9
    with pytest.raises(
        ValueError, match=r"^double of 2 x 3: form 'product' gives numbers that are 2\.8e-01 from those of 'sum'"
    ):
        ops.measure(case, 7)


def depthwise() -> list[ops.Case]:
    return [ops._depthwise(2, 3, 3, 4, taps=3), ops._depthwise(2, 5, 4, taps=3)]


def test_operations_are_those_of_one_name_or_all(monkeypatch):
    monkeypatch.setattr(ops, 'cases', lambda: [*(CASES[name]() for name in ('product', 'gelu')), *depthwise()])
    monkeypatch.setattr(ops, 'machine', lambda rounds: {**MACHINE, 'rounds': rounds})
    monkeypatch.setattr(ops, 'measure', lambda case, rounds: [case.size, rounds])
    told = ops.bench(3, 'depthwise')
    assert told == {
        **{'machine': {**MACHINE, 'rounds': 3}, 'rounds': 3},
        'cases': [['2 x 3 x 3 x 4, 3 x 3 taps', 3], ['2 x 5 x 4, 3 taps', 3]],
    }
    assert [size for size, _ in ops.bench(1)['cases']][:2] == ['2 x 3 x 4 to 5', '2 x 3 x 4']
    with pytest.raises(ValueError, match=r"^--only 'waltz'; allowed: \['product', 'gelu', 'depthwise'\]; leave it out"):
        ops.bench(1, 'waltz')


class Lanes:
    """A child of lanes: a step takes as many milliseconds as there are lanes, mapped ones half of that."""

    made = []

    def __init__(self, place, core, given):
        self.made.append((place, core, given, self))
        self.calls, self.closed = [], False

    def call(self, method, way, width, steps=None):
        self.calls.append((method, way, width, steps))
        if method == 'prepare':
            return {'step_s': 0.2 * width, 'bytes': 1234567 * width, 'compile_s': 1.26}
        return [0.001 * steps * width * {'loop': 1.0, 'map': 0.5, 'vmap': 2.0}[way], 99.0]

    def close(self):
        self.closed = True


def test_all_that_is_measured_of_lanes(monkeypatch):
    Lanes.made.clear()
    monkeypatch.setattr(lanes, 'Child', Lanes)
    monkeypatch.setattr(lanes, 'spare_cores', lambda: [3, 5])
    told = lanes.measure('bytes', {'width': 8}, [2], 2)

    def row(way: str, width: int, rate: float, mib: float) -> dict:
        same = ('median', 'least', 'greatest')
        one = {'lane_steps': dict.fromkeys(same, rate), 'times_one': dict.fromkeys(same, rate / 1000)}
        return {'way': way, 'lanes': width, **one, 'mib': mib, 'compile_s': 1.3}

    rows = [row('loop', 1, 1000.0, 1.18), row('map', 2, 2000.0, 2.35), row('vmap', 2, 500.0, 2.35)]
    assert told == {
        **{'body': 'bytes', 'sizes': {'width': 8}, 'taken': lanes.strategy_for('cpu'), 'fastest': ['map', 2], 'rows': rows},
    }
    ((place, core, given, child),) = Lanes.made
    assert (place, core, given) == ('benchmarks.sides.lab_lanes:Lanes', 3, {'body': 'bytes', 'sizes': {'width': 8}})
    ways = [('loop', 1), ('map', 2), ('vmap', 2)]
    # Half a second is two or three steps of one lane, and one of two lanes.
    steps = {way: max(1, round(0.5 / (0.2 * way[1]))) for way in ways}
    assert child.closed and child.calls == [('prepare', *way, None) for way in ways] + [
        ('train', *way, steps[way]) for way in ways + ways
    ]
    with pytest.raises(ValueError, match=r'^lanes \[2, 0\]; allowed'):
        lanes.bench(1, widths=[2, 0])
    monkeypatch.setattr(lanes, 'machine', lambda rounds: MACHINE)
    monkeypatch.setattr(lanes, 'measure', lambda name, sizes, widths, rounds: [name, sizes, widths, rounds])
    told = lanes.bench(2, ['vit'], {'depth': 1}, [1])
    assert told == {'machine': MACHINE, 'rounds': 2, 'bodies': [['vit', {'depth': 1}, [1], 2]]}
    with pytest.raises(ValueError, match='allowed'):
        lanes.bench(2, ['vit'], {'hight': 1}, save=pytest.fail)


@pytest.fixture(scope='module')
def study(tmp_path_factory: pytest.TempPathFactory) -> peers.Peers:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('OF_THE_USER', '1')
        return peers.Peers(4, tmp_path_factory.mktemp('peers'))


@pytest.fixture
def asked(monkeypatch) -> list:
    told = []
    monkeypatch.setattr(peers, 'cores', lambda: 2)
    monkeypatch.setattr(peers, 'timed', lambda commands, environment: told.append((commands, environment)) or (10.0, 20.0))
    return told


def test_every_side_gets_the_splits_of_the_lab(study):
    given, task = np.load(study.examples), Digits()
    pool, test = task.pool(), task.test()
    assert set(given.files) == {'x', 'y', 'test_x', 'test_y', 'train_0', 'held_0', 'train_1', 'held_1'}
    assert study.examples == study.folder / 'examples.npz' and study.file == study.folder / 'peers.py'
    for name, own in {'x': pool.x, 'y': pool.y, 'test_x': test.x, 'test_y': test.y}.items():
        assert (given[name] == own).all()
    assert given['y'].dtype == given['test_y'].dtype == np.int64
    for replicate in range(2):
        split = tuning_split(task, 'peers', 'digits', replicate, pool)
        assert (given[f'train_{replicate}'] == split.train).all() and len(given[f'held_{replicate}']) == task.held
    assert list(study.arms) == ['base', 'rms_norm', 'no_mixer', 'wider']
    assert study.arms['base']['shapes']['head/head/bias'] == [10] and study.task == 'digits'


def test_the_lab_runs_the_study_with_its_programs_known_or_not(study, asked, monkeypatch):
    def read(folder, name):
        read_from.append((folder, name))
        return {n: {'held': 'tuning' if n < 3 else 'test'} for n in range(5)}, []

    read_from = []
    monkeypatch.setattr(peers, 'read_folder', read)
    assert study.side('lab, warm') == study.side('lab, cold') == {'wall_s': 10.0, 'cpu_s': 20.0, 'tuned': 3, 'runs': 5}
    for number, (commands, environment) in enumerate(asked, 1):
        runs = study.folder / f'runs_{number}'
        assert commands == [(*study.python, 'archlab', 'run', str(study.file), '--runs', str(runs))]
        assert environment['XDG_CACHE_HOME'] == str(study.folder / ('cache' if number == 1 else 'cache_2'))
        assert environment['PYTHONPATH'] == str(peers.ROOT) and environment['PYTHONSAFEPATH'] == '1'
        assert environment['OF_THE_USER'] == '1' and read_from[number - 1] == (runs / 'peers', 'peers')
    assert study.python == (peers.sys.executable, '-P', '-m')


@pytest.mark.parametrize(('side', 'processes'), [('one process', 1), ('each core', 2)])
def test_optuna_shares_the_arms_out_among_its_processes(study, asked, side, processes):
    assert study.side(side) == {'wall_s': 10.0, 'cpu_s': 20.0, 'tuned': 32, 'runs': 48}
    ((commands, environment),) = asked
    assert len(commands) == processes and environment == {**study.open, 'OMP_NUM_THREADS': '1'}
    jobs = [[arm, replicate] for replicate in range(2) for arm in study.arms]
    item = study.study.tasks[0]
    for number, (*command, given) in enumerate(commands):
        assert command == [*study.python, 'benchmarks.sides.optuna_study']
        assert json.loads(given) == {
            **{'arms': study.arms, 'file': str(study.examples), 'jobs': jobs[number::processes], 'trials': 4, 'seeds': 2},
            **{'steps': item.steps, 'batch': item.batch},
        }


@pytest.mark.parametrize(('side', 'cold'), [('process each, warm', False), ('process each, cold', True)])
def test_a_process_each_trains_the_base(study, asked, side, cold):
    # Four of 48 runs are timed, in two batches of ten seconds.
    assert study.side(side) == {'wall_s': 240.0, 'cpu_s': 480.0, 'tuned': 32, 'runs': 48, 'measured': 4}
    own = peers.worker_environment(None)
    item, cache = study.study.tasks[0], {'JAX_COMPILATION_CACHE_DIR': str(study.folder / 'trial_cache')}
    assert [environment for _, environment in asked] == [
        {**own, **({'JAX_ENABLE_COMPILATION_CACHE': 'false'} if cold else cache)}
    ] * 2
    given = {'model': study.study.model('base', 'digits'), 'steps': item.steps, 'batch': item.batch}
    calls = [command for commands, _ in asked for command in commands]
    assert [call[:-1] for call in calls] == [(*study.python, 'benchmarks.sides.one_trial')] * 4
    assert [json.loads(call[-1]) for call in calls] == [{**given, 'seed': seed} for seed in range(4)]


def test_every_arm_is_compared_with_pytorch_before(study, monkeypatch):
    made = []

    class Sides:
        def __init__(self, name, sizes, ways, config):
            made.append((name, sizes, ways, config))
            self.told = {'lab': {'apart': 0.0}, 'eager': {'apart': 1.26e-7 * len(made)}}

        def close(self):
            made.append('closed')

    monkeypatch.setattr(peers, 'Sides', Sides)
    assert study.agree() == {'base': 1.3e-7, 'rms_norm': 3.8e-7, 'no_mixer': 6.3e-7, 'wider': 8.8e-7}
    assert made == [
        one for arm in study.arms for one in (('digits', {}, ['eager'], study.study.model(arm, 'digits')), 'closed')
    ]


@pytest.mark.parametrize(
    ('said', 'told'), [(b'x' * 3000 + b'why\xff', 'x' * 1996 + 'why\ufffd'), (b'why', 'why')], ids=['long', 'short']
)
def test_seconds_are_those_of_all_processes_of_a_side(monkeypatch, said, told):
    used = SimpleNamespace(ru_utime=1.25, ru_stime=0.5)

    class Process:
        def __init__(self, command, env, stdout, stderr):
            assert env == {'A': '1'} and stdout is stderr
            self.pid = int(command[0])
            stdout.write(said if self.pid == 2 else b'')

    clock = iter([7.0, 9.5, 7.0])
    monkeypatch.setattr(peers, 'time', SimpleNamespace(perf_counter=lambda: next(clock)))
    monkeypatch.setattr(peers.subprocess, 'Popen', Process)
    monkeypatch.setattr(peers.os, 'wait4', lambda pid, flags: (pid, {(1, 0): 0, (2, 0): 256, (3, 0): 0}[pid, flags], used))
    assert peers.timed([['1'], ['3']], {'A': '1'}) == (2.5, 3.5)
    with pytest.raises(RuntimeError, match=rf'^a side ended with an error: {told}$'):
        peers.timed([['1'], ['2']], {'A': '1'})


def test_runs_that_stand_for_others_are_told(monkeypatch):
    class Told(peers.Peers):
        def __init__(self, trials, folder):
            self.study = SimpleNamespace(arms=['base'], trials=trials, replicates=2, seeds=3)

        def agree(self):
            return {'base': 0.0}

        def side(self, name):
            more = {'measured': 4} if name.startswith('process') else {}
            return {'wall_s': 10.0, 'cpu_s': 20.0, 'tuned': 8, 'runs': 14, **more}

    asked = []
    monkeypatch.setattr(peers, 'Peers', Told)
    monkeypatch.setattr(peers, 'needs_torch', asked.append)
    monkeypatch.setattr(peers, 'machine', lambda rounds: MACHINE)
    told = peers.bench(1, 4, ['process each, cold', 'one process'])
    own = {
        name: dict.fromkeys(('median', 'least', 'greatest'), number)
        for name, number in (('tuned_an_hour', 2880.0), ('wall_s', 10.0), ('cpu_s', 20.0))
    }
    assert told == {
        **{'machine': MACHINE, 'rounds': 1, 'apart': {'base': 0.0}, 'trials': 4, 'arms': ['base'], 'tuned': 8, 'runs': 14},
        'sides': {
            'process each, cold': {**own, 'runs': 14, 'tuned': 8, 'measured': 4},
            'one process': {**own, 'runs': 14, 'tuned': 8, 'measured': 14},
        },
    }
    assert asked == ['archlab bench peers']


@pytest.mark.parametrize(('told', 'processor'), [('', 'of the machine'), ('another', 'another')])
def test_a_processor_without_a_name_is_that_of_the_machine(monkeypatch, tmp_path: Path, told, processor):
    cpuinfo = tmp_path / 'cpuinfo'
    monkeypatch.setattr(machine, 'Path', lambda name: {'/proc/cpuinfo': cpuinfo}[name])
    monkeypatch.setattr(machine.platform, 'processor', lambda: told)
    monkeypatch.setattr(machine.platform, 'machine', lambda: 'of the machine')
    cpuinfo.write_text('cores: 7\n')
    assert machine.processor() == processor


def test_the_peak_is_of_a_large_product(monkeypatch):
    def in_turns(forms, inputs, rounds):
        assert [one.shape for one in inputs] == [(4096, 384), (384, 384)] and rounds == 3
        assert forms == {'product': jnp.matmul} and all(bool((np.asarray(one) == 1).all()) for one in inputs)
        return dict.fromkeys(forms, timing_of(2.0, None))

    monkeypatch.setattr(machine, 'in_turns', in_turns)
    monkeypatch.setattr(machine.os, 'getloadavg', lambda: (1.26, 5.0, 6.0))
    assert machine.peak_gflops(3) == 2 * 4096 * 384**2 / 2e-3 / 1e9
    assert machine.machine(3) == {
        **{'processor': machine.processor(), 'cores': machine.cores(), 'load': 1.3},
        **{'device': jax.devices()[0].device_kind, 'python': machine.platform.python_version()},
        'versions': {name: machine.importlib.metadata.version(name) for name in ('jax', 'jaxlib')},
        'peak_gflops': 604.0,
    }


def test_a_file_of_measurements_is_told_in_lines(tmp_path: Path):
    told = measured.Measured(tmp_path / 'told.json')
    told.add('one', seconds=1.5)
    assert (tmp_path / 'told.json').read_text() == '[\n {\n  "name": "one",\n  "seconds": 1.5\n }\n]\n'
    assert told.seconds == 480 and measured.Measured(tmp_path, 7).seconds == 7
    assert measured.collect({'rounds': 3}, 'rows', iter([{'a': 1}, {'a': 2}]), None) == {
        'rounds': 3,
        'rows': [{'a': 1}, {'a': 2}],
    }


def test_bars_are_drawn_in_the_colours_and_sizes_of_the_lab():
    number, rows = {'median': 20.0, 'least': 10.0, 'greatest': 40.0}, len(COLOURS) + 1
    panel = {f'row {n}': number for n in range(rows)}
    figure = bars(dict.fromkeys('abcd', panel), 'seconds')
    (width, height), shown = figure.get_size_inches(), [place for place in figure.axes if place.get_visible()]
    assert (width, height) == pytest.approx((3 * 2.5 + 0.6, (0.24 * rows + 0.75) * 2)) and len(figure.axes) == 6
    assert [place.get_xlabel() for place in shown] == ['', 'seconds', 'seconds', 'seconds']
    first = shown[0]
    own = [*COLOURS[1:], *COLOURS[1:3]][:rows]
    assert [bar.get_facecolor() for bar in first.patches] == [to_rgba(colour) for colour in own]
    assert {round(bar.get_height(), 6) for bar in first.patches} == {0.6}
    assert {(line.get_color(), line.get_linewidth()) for line in first.lines} == {('black', 0.8)}
    assert [list(line.get_ydata()) for line in first.lines] == [[n, n] for n in range(rows)]
    assert not any(line.get_visible() for line in first.yaxis.get_gridlines())
    (place,) = bars({'one': panel}, 'seconds', logarithmic=True).axes
    points, ends = place.lines[::2], place.lines[1::2]
    assert place.get_xlabel() == 'seconds' and {point.get_marker() for point in points} == {'o'}
    assert [to_rgba(point.get_color()) for point in points] == [to_rgba(colour) for colour in own]
    assert [list(point.get_ydata()) for point in points] == [[n] for n in range(rows)]
    assert all(list(line.get_xdata()) == [10.0, 40.0] for line in ends)


@pytest.mark.parametrize(('seconds', 'repeats'), [(0.0001, 50), (0.0002, 25), (0.004, 1), (0.0021, 2)])
def test_a_call_is_repeated_for_five_milliseconds(monkeypatch, seconds, repeats):
    monkeypatch.setattr(timing, 'spent', lambda call: (seconds, 99.0))
    assert timing.repeats_for(lambda: None) == repeats


def test_numbers_are_told_to_four_digits():
    assert timing.plain(timing.spread([1.23456, 0.000123456, 98765.4])) == {
        **{'median': 1.235, 'least': 0.0001235, 'greatest': 98770.0},
    }
    told = dataclasses.replace(timing_of(1.23456789, None), compile_s=0.123456)
    assert told.plain()['cpu_ms'] == {'median': 1.2346, 'least': 1.2346, 'greatest': 1.2346}
    assert SimpleNamespace(**told.plain()).compile_s == 0.1235
