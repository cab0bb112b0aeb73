"""What the accelerator's command tries at full size, and the whole of what it tells; nothing is trained."""

import contextlib
import itertools
import sys
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ablations.flagships import rung_study
from arch.ops.lowering import LOWERING
from benchmarks.accelerator import about, agreement, flagship, lanes, lowerings, memory, models, resume
from benchmarks.measured import Measured
from results.store import records


@pytest.fixture
def told(tmp_path: Path) -> Measured:
    return Measured(tmp_path / 'told.json', 300)


def test_the_machine_is_told_whole(told, monkeypatch):
    device = SimpleNamespace(platform='gpu', device_kind='abacus', memory_stats=lambda: {'bytes_limit': 7})
    monkeypatch.setattr(about.jax, 'devices', lambda: [device, None])
    monkeypatch.setattr(about.jax, 'device_count', lambda: 2)
    monkeypatch.setattr(about, 'PACKAGES', ('jax', 'nobody_has_this'))
    monkeypatch.setattr(
        about, 'product', lambda size, kind: {'bfloat16': 1.0, 'float32': 2.0, 'float32, exact': 3.0}[kind] * size
    )
    about.run(told, False)
    assert told.rows == [
        {
            **{'name': 'machine', 'platform': 'gpu', 'device': 'abacus', 'devices': 2, 'memory': 7},
            **{'python': about.platform.python_version(), 'machine': about.platform.machine()},
            'versions': {'jax': jax.__version__, 'nobody_has_this': None},
        },
        *({'name': f'product of {kind}', 'size': 8192, 'flops': 8192.0 * n} for n, kind in enumerate(about.KINDS, 1)),
    ]


def test_trees_are_compared_leaf_by_leaf():
    one = {'a': np.array([1e-6, 4e-6]), 'b': np.array([100.0])}
    assert agreement.apart({**one, 'a': np.array([1e-6, 3e-6])}, one) == pytest.approx(0.25)
    assert agreement.apart({'a': np.full(2, 1e-30)}, {'a': np.zeros(2)}) == 1


def test_distances_are_told_with_what_is_allowed(told, monkeypatch):
    monkeypatch.setattr(agreement, 'steps_on', lambda *given: ([2.0], {'a': np.ones(2)}, {'b': np.ones(2)}))
    agreement.run(told, False)
    whats = ('loss', 'gradient', 'after five steps')
    assert told.rows == [
        {'name': name, 'apart': dict.fromkeys(whats, 0.0), 'allowed': agreement.ALLOWED, 'agrees': True}
        for name in ('convolutions', 'attention')
    ]
    monkeypatch.setattr(agreement, 'ALLOWED', dict.fromkeys(whats, 0.0))
    agreement.run(told, False)
    assert [row['agrees'] for row in told.rows[2:]] == [True, True], 'what is allowed itself agrees'


class Given:
    """What is drawn: a shape, and what was added to it."""

    def __init__(self, shape, added=0):
        self.shape, self.added = shape, added

    def __add__(self, number):
        return Given(self.shape, self.added + number)


def test_lowerings_are_timed_at_their_sizes_each_under_its_own(told, monkeypatch):
    asked = []
    monkeypatch.setattr(lowerings, 'drawn', lambda *shape: Given(shape))
    monkeypatch.setattr(
        lowerings,
        'timed',
        lambda told, name, way, function, *given: asked.append(
            (name, way, LOWERING.get(), [one.shape for one in given], [one.added for one in given])
        ),
    )
    lowerings.run(told, False)
    tokens = {'197 tokens': (64, 197, 6, 64), '1024 tokens, causal': (8, 1024, 12, 64)}
    maps = {'8 x 8, 32 channels, 3 x 3': (16, 8, 32, 3), '14 x 14, 384 channels, 7 x 7': (32, 14, 384, 7)}
    assert asked == [
        (f'attention {name}', way, 'auto', [shape] * 3, [0, 1, 2])
        for name, shape in tokens.items()
        for way in ('attend', 'xla', 'cudnn')
    ] + [
        (
            *(f'depthwise {name}, {lanes} lanes', way, way),
            *([(lanes, batch, side, side, channels), (lanes, taps, taps, channels)], [0, 0]),
        )
        for name, (batch, side, channels, taps) in maps.items()
        for lanes in (1, 16)
        for way in lowerings.FORMS
    ]


def test_attention_is_causal_where_it_is_meant_to_be_by_each_way(told, monkeypatch):
    functions = {}
    monkeypatch.setattr(lowerings, 'attend', lambda q, k, v, seen: (q, k, v, seen))
    monkeypatch.setattr(lowerings.jax.nn, 'dot_product_attention', lambda *given, **how: (*given, how))
    monkeypatch.setattr(lowerings, 'TOKENS', {'all': (1, 5, 2, 4, False), 'past': (1, 5, 2, 4, True)})
    monkeypatch.setattr(lowerings, 'drawn', lambda *shape: Given(shape))
    monkeypatch.setattr(
        lowerings, 'timed', lambda told, name, way, function, *given: functions.setdefault(name, {}).update({way: function})
    )
    lowerings.attention(told, False)
    for causal, ways in enumerate(functions.values()):
        (*given, seen), *libraries = (ways[way]('q', 'k', 'v') for way in ('attend', 'xla', 'cudnn'))
        assert given == ['q', 'k', 'v'] and (seen is None) != causal and np.array_equal(seen, np.tri(5, dtype=bool)) == causal
        assert libraries == [('q', 'k', 'v', {'is_causal': bool(causal), 'implementation': way}) for way in ('xla', 'cudnn')]


def test_a_tiny_attention_has_sixteen_tokens(told, monkeypatch):
    asked = []
    monkeypatch.setattr(lowerings, 'drawn', lambda *shape: asked.append(shape) or Given(shape))
    monkeypatch.setattr(lowerings, 'timed', lambda *given: None)
    lowerings.run(told, True)
    assert asked[:3] == [(1, 16, 6, 64)] * 3
    assert asked[3:] == [one for lanes in (1, 2) for one in ((lanes, 16, 8, 8, 32), (lanes, 3, 3, 32))]


@pytest.mark.parametrize('error', [NotImplementedError, RuntimeError, ValueError, jax.errors.JaxRuntimeError])
def test_a_lowering_that_fails_says_why(told, monkeypatch, error):
    def gradient(*given):
        raise error('no such library')

    monkeypatch.setattr(lowerings, 'gradient', gradient)
    lowerings.timed(told, 'attention', 'cudnn', None)
    assert told.rows == [{'name': 'attention: cudnn', 'failed': 'no such library'}]


class Counted:
    """A population that loses a lane where there are many."""

    made = []

    def __init__(self, training, strategy, width):
        self.splits, self.most = 3, 64
        self.made.append((strategy, width))

    def run(self, lanes, pool, held):
        self.made.append(lanes[0])
        return lanes[:1023]


def test_memory_is_measured_on_a_middle_sized_decoder(told, monkeypatch):
    asked = []
    training = SimpleNamespace(
        begin=lambda lane, x: {'kept': jnp.zeros(1000)},
        advance=lambda lane, carry, pool, origin, first, stop: {'kept': carry['kept'] + stop},
    )
    monkeypatch.setattr(memory, 'make_training', lambda model, *given: asked.append(given[1:]) or training)
    monkeypatch.setattr(memory, 'build', lambda config: asked.append(config))
    monkeypatch.setattr(memory, 'Population', Counted)
    Counted.made.clear()
    monkeypatch.setattr(jax, 'devices', lambda: [SimpleNamespace(memory_stats=lambda: {'bytes_limit': 10**12})])
    memory.run(told, False)
    data = memory.task_of(memory.task('stdlib_bytes', base=asked[0], steps=2, batch=64, evaluations=1).data)
    split = memory.tuning_split(data, 'bench', 'stdlib_bytes', 0, data.pool())
    config, given = asked
    assert (config['body']['width'], config['body']['depth'], config['position']['length']) == (256, 8, 64)
    assert (config['channel']['ratio'], config['head']['outputs'], config['mixer']) == (
        4.0,
        256,
        memory.ATTENTION | config['mixer'],
    )
    assert given == ('adamw', 2, 64, 1)
    (strategy, width), lane = Counted.made
    assert (strategy, width) == ('vmap', 1024) and lane['seed'] == 0
    assert np.array_equal(lane['order'], memory.batch_order(0, split.train, 2, 64))
    assert {name: float(own) for name, own in lane['knobs'].items()} == pytest.approx({'lr': 1e-3, 'weight_decay': 1e-2})
    *needs, many, trained = told.rows
    assert [row['name'] for row in needs] == ['1 lanes', '4 lanes', '16 lanes'] and {row['limit'] for row in needs} == {10**12}
    each = (needs[2]['bytes'] - needs[0]['bytes']) / 15
    assert many == {'name': 'too many lanes', 'lanes': 1024, 'expected': each * 1024 / 10**12, 'splits': 3, 'most': 64}
    assert trained == {'name': 'all of them trained', 'trained': False}


def test_published_models_are_tried_at_their_usual_batches(told, monkeypatch):
    class Steps:
        def __init__(self, config, shape):
            self.shape = shape
            asked.add((config['stem']['kind'], config['body'].get('depth', 0), shape))

        def measure(self):
            if self.shape[0] > 64:
                raise jax.errors.JaxRuntimeError('RESOURCE_EXHAUSTED: ' + 'x' * 500)
            return {'flops': 5.0, 'loss': 1.0}

    asked = set()
    monkeypatch.setattr(models, 'Steps', Steps)
    monkeypatch.setattr(models, 'product', lambda side, kind: {(8192, 'bfloat16'): 20.0}[side, kind])
    models.run(told, False)
    known = {row['name']: row for row in told.rows}
    assert [(name, row.get('batch')) for name, row in known.items()] == [
        *(('gpt2', 16), ('vit_small_patch16_224, batch 256', None), ('vit_small_patch16_224, batch 128', None)),
        *(('vit_small_patch16_224', 64), ('convnext_tiny, batch 128', None), ('convnext_tiny', 64)),
        ('llama of 100 million', 16),
    ]
    assert known['gpt2'] == {'name': 'gpt2', 'batch': 16, 'share_of_peak': 0.25, 'flops': 5.0, 'loss': 1.0}
    assert known['convnext_tiny, batch 128']['failed'] == 'RESOURCE_EXHAUSTED: ' + 'x' * 280
    assert {shape for _, _, shape in asked} == {
        *((16, 1024), (256, 224, 224, 3), (128, 224, 224, 3), (64, 224, 224, 3)),
    }


def test_a_pack_of_eight_hundred_steps_is_the_first_of_its_study(told, tmp_path: Path, monkeypatch):
    long, short = (resume.command(tmp_path, steps) for steps in (100, 96))
    assert (long['strategy'], short['strategy']) == (resume.strategy_for('cpu'), 'vmap')
    program, lanes = long['pack']['program'], long['pack']['trials']
    assert {name: own for name, own in long.items() if name not in ('pack', 'name')} == {
        **{'flops': None, 'strategy': 'loop', 'blocks': None, 'folder': str(tmp_path), 'skip': []},
        'checkpoints': {'steps': 25},
    }
    assert (program['study'], program['task'], program['steps'], program['evaluations']) == ('resume', 'recall', 100, 4)
    assert {lane['replicate'] for lane in lanes} == {0} and len(lanes) == 4
    asked = []
    monkeypatch.setattr(resume, 'worker', lambda folder, steps: SimpleNamespace(wait=lambda: asked.append(steps) or 1))
    monkeypatch.setattr(resume, 'killed', lambda folder, steps: asked.append(steps) or False)
    monkeypatch.setattr(resume, 'recorded', lambda folder: [1])
    clock = iter([1.0, 3.5])
    monkeypatch.setattr(resume, 'time', SimpleNamespace(perf_counter=lambda: next(clock)))
    resume.run(told, False)
    assert asked == [800] * 3 and told.rows == [
        {'name': 'undisturbed', 'fine': False, 'seconds': 2.5, 'records': 1},
        {'name': 'killed and gone on', 'killed': False, 'fine': False, 'bitwise_the_same': True},
    ]


def test_a_worker_without_a_checkpoint_is_waited_for_a_minute(tmp_path: Path, monkeypatch):
    (tmp_path / resume.CHECKPOINTS / 'a folder').mkdir(parents=True)
    clock, slept = itertools.chain([100.0, 159.9], itertools.repeat(160.0)), []
    monkeypatch.setattr(resume, 'time', SimpleNamespace(monotonic=lambda: next(clock), sleep=slept.append))
    process = SimpleNamespace(poll=lambda: None, wait=lambda: 0, send_signal=pytest.fail)
    monkeypatch.setattr(resume, 'worker', lambda folder, steps: process)
    assert resume.killed(tmp_path, 8) is False and slept == [0.01]


def test_a_flagship_goes_on_for_the_time_that_is_left(told, tmp_path: Path, monkeypatch):
    """The packs that were there before are not told as trained."""
    study, calls = rung_study('shared_keys_small'), []
    folder = tmp_path / flagship.RUNS / study.name / records.FOLDER
    folder.mkdir(parents=True)
    (folder / f'one{records.PACK}').touch()

    def run(*given, saving):
        calls.append(('run', *given, saving.minutes))
        return lambda: [(folder / f'{name}{records.PACK}').touch() for name in ('two', 'three')]

    @contextlib.contextmanager
    def watch(own, console, outlives):
        assert console.file is sys.stdout
        yield ('watch', own.name, outlives)

    def at_most(seconds):
        calls.append(('at most', seconds))
        return contextlib.nullcontext()

    crew = SimpleNamespace(outlives=True)
    monkeypatch.setattr(flagship, 'waiting', lambda: ['a', 'b'])
    monkeypatch.setattr(
        flagship, 'furthest', lambda names, runs: study if (names, runs) == (['a', 'b'], folder.parents[1]) else 0
    )
    monkeypatch.setattr(flagship, 'make_launcher', lambda *given: calls.append(given) or crew)
    monkeypatch.setattr(flagship, 'Watch', watch)
    monkeypatch.setattr(flagship, 'Run', run)
    monkeypatch.setattr(flagship, '_at_most', at_most)
    flagship.run(told, False)
    assert told.rows == [
        {'name': 'begun', 'study': 'shared_keys_small', 'packs': 1},
        {'name': 'trained', 'study': 'shared_keys_small', 'packs': 2},
    ]
    assert calls == [
        *(('at most', 300 - flagship.MARGIN), ('local', folder.parent, None)),
        ('run', study, folder.parent, crew, ('watch', 'shared_keys_small', True), 1),
    ]
    tiny = flagship.tiny_study()
    base = study.tasks[0].base
    bytewise = {**base, 'stem': {**base['stem'], 'vocabulary': 256}, 'head': {**base['head'], 'outputs': 256}}
    assert [item.base for item in tiny.tasks] == [bytewise] and tiny.arms == study.arms
    monkeypatch.setattr(flagship, 'furthest', pytest.fail)
    monkeypatch.setattr(flagship, 'Run', lambda *given, saving: lambda: None)
    flagship.run(told, True)
    assert told.rows[2:] == [{'name': 'begun', 'study': 'tiny', 'packs': 0}, {'name': 'trained', 'study': 'tiny', 'packs': 0}]
    assert (tiny.name, tiny.trials, tiny.extension, tiny.replicates, tiny.seeds, tiny.looks) == ('tiny', 2, 0, 1, 1, (1,))
    assert [(item.steps, item.batch, item.evaluations) for item in tiny.tasks] == [(4, 4, 1)]


def test_the_clock_of_a_run_is_set_and_stopped(monkeypatch):
    """A time that is over already ends the run at once; whoever heard the alarm before hears it again."""
    asked, heard = [], []
    monkeypatch.setattr(flagship.signal, 'setitimer', lambda which, seconds: asked.append((which, seconds)))
    before = flagship.signal.signal(flagship.signal.SIGALRM, lambda *_: None)
    try:
        own = flagship.signal.getsignal(flagship.signal.SIGALRM)
        for seconds in (-5.0, 7.0):
            with flagship._at_most(seconds):
                heard.append(flagship.signal.getsignal(flagship.signal.SIGALRM))
                flagship.signal.raise_signal(flagship.signal.SIGALRM)
                pytest.fail('it goes on')
        assert own not in heard and flagship.signal.getsignal(flagship.signal.SIGALRM) is own
    finally:
        flagship.signal.signal(flagship.signal.SIGALRM, before)
    real = flagship.signal.ITIMER_REAL
    assert asked == [(real, 0.1), (real, 0), (real, 7.0), (real, 0)]


def test_programs_give_back_the_memory_of_what_they_replace(monkeypatch, told):
    """Parameters and moments are donated, as in the lab's own training."""
    asked = []
    compiled = SimpleNamespace(
        compile=lambda: SimpleNamespace(
            memory_analysis=lambda: SimpleNamespace(temp_size_in_bytes=1, argument_size_in_bytes=20)
        )
    )
    lowered = SimpleNamespace(lower=lambda *given: compiled)
    monkeypatch.setattr(models, 'build', lambda config: None)
    monkeypatch.setattr(jax, 'eval_shape', lambda *given: None)
    monkeypatch.setattr(jax, 'jit', lambda function, **given: asked.append(given) or lowered)
    ids = models.Steps({'body': {}, 'stem': {'vocabulary': 3}}, (2, 5))
    assert np.array_equal(ids.x, np.random.default_rng(0).integers(0, 3, (2, 5)))
    monkeypatch.setattr(memory, 'make_training', lambda *given: SimpleNamespace(begin=len, advance=len))
    monkeypatch.setattr(memory, 'build', lambda config: None)
    memory.run(told, True)
    assert asked == [{'donate_argnums': 0}, {'donate_argnums': 1}, {'donate_argnums': 1}]
    assert [row.get('bytes') for row in told.rows] == [21, 21, None]


def test_ten_products_follow_each_other_at_the_asked_precision(monkeypatch):
    asked = []
    monkeypatch.setattr(about, 'wall_seconds', lambda call: {'median': float(len(call()) > 0)})
    monkeypatch.setattr(jax.lax, 'fori_loop', lambda low, high, body, x: asked.append((low, high)) or body(low, x))
    monkeypatch.setattr(jnp, 'dot', lambda x, y, precision: asked.append((x.dtype, precision)) or x)
    assert [about.product(4, kind) for kind in about.KINDS] == [10 * 2 * 4**3] * 3
    assert asked == [
        *((0, 10), (jnp.bfloat16, 'default'), (0, 10), (jnp.float32, 'default'), (0, 10), (jnp.float32, 'highest')),
    ]


def test_what_is_drawn_is_the_same_each_time(told, monkeypatch):
    seen = []
    monkeypatch.setattr(agreement, 'steps_on', lambda device, config, x, y: seen.append((x, y)) or ([1.0], {}, {}))
    monkeypatch.setattr(agreement, 'apart', lambda one, other: 0.0)
    agreement.run(told, False)
    (images, classes), (ids, _) = seen[0], seen[2]
    draw, again = np.random.default_rng(0), np.random.default_rng(0)
    assert np.array_equal(images, draw.standard_normal((8, 32, 32, 3), np.float32))
    assert np.array_equal(classes, draw.integers(0, 10, 8)) and np.array_equal(ids, again.integers(0, 256, (8, 64)))
    bench = lanes.Bench.__new__(lanes.Bench)
    monkeypatch.setattr(lanes, 'make_training', lambda *given: None)
    monkeypatch.setattr(lanes, 'build', lambda config: None)
    bench.__init__('recall', 4)
    split = lanes.tuning_split(bench.data, 'bench', 'recall', 0, bench.data.pool())
    assert np.array_equal(bench.split.train, split.train) and np.array_equal(bench.held['x'], split.held.x)


def test_filters_are_not_causal(told, monkeypatch):
    asked = []
    monkeypatch.setattr(lowerings, 'drawn', lambda *shape: np.zeros(shape, np.float32))
    monkeypatch.setattr(lowerings, 'depthwise', lambda x, kernel, causal: asked.append((x.shape, kernel.shape, causal)) or x)
    monkeypatch.setattr(lowerings, 'timed', lambda told, name, way, function, *given: jax.eval_shape(function, *given))
    lowerings.filters(told, True)
    assert set(asked) == {((16, 8, 8, 32), (3, 3, 32), False)}


def test_sets_that_are_not_here_are_named_in_order(monkeypatch, told):
    studies = {name: SimpleNamespace(tasks=[SimpleNamespace(data=name)]) for name in ('one', 'two')}
    named = {'one': [f'set_{n}' for n in range(20, 0, -1)], 'two': ['a', 'here', 'set_1']}
    monkeypatch.setattr(flagship, 'sets_of', named.get)
    monkeypatch.setattr(flagship, 'facts_of', lambda name: {} if name == 'here' else None)
    monkeypatch.setattr(flagship, '_study', studies.get)
    monkeypatch.setattr(flagship, 'waiting', lambda: list(studies))
    assert flagship.absent(studies['one']) == sorted(named['one']) and flagship.absent(studies['two']) == ['a', 'set_1']
    flagship.run(told, False)
    assert told.rows == [{'name': 'no sets', 'absent': ['a', *sorted(named['one'])]}]
