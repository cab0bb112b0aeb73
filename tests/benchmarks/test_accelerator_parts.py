"""Parts of the accelerator's command: what is tried, in which sizes, and what is told of it; nothing is trained."""

import dataclasses
from pathlib import Path

import jax
import numpy as np
import pytest

from benchmarks import spent, timing
from benchmarks.accelerator import agreement, lanes, lowerings, models, resume
from benchmarks.measured import Measured


@pytest.fixture
def told(tmp_path: Path) -> Measured:
    return Measured(tmp_path / 'part.json')


def rows(told: Measured) -> dict[str, dict]:
    assert len({row['name'] for row in told.rows}) == len(told.rows)
    return {row['name']: row for row in told.rows}


def test_agreement_is_asked_of_random_batches_at_the_highest_precision(told, monkeypatch):
    seen, apart = [], {'loss': 0.0, 'gradient': 0.0, 'parameters': 0.0}

    def steps_on(device, config, x, y):
        assert jax.config.jax_default_matmul_precision == 'highest'
        seen.append((config['body']['kind'], x, y))
        first = len(seen) % 2
        return [2.0 + first * apart['loss'], 9.0 * first], {'a': np.ones(3) + first * apart['gradient']}, {
            'b': np.full(2, 4.0) + first * apart['parameters']
        }  # fmt: skip

    monkeypatch.setattr(agreement, 'steps_on', steps_on)
    agreement.run(told, True)
    assert [kind for kind, _, _ in seen] == ['hierarchical'] * 2 + ['isotropic'] * 2
    for (_, x, y), (_, again, also) in (seen[:2], seen[2:]):
        assert (x == again).all() and (y == also).all()
    (_, images, classes), (_, tokens, following) = seen[0], seen[2]
    assert images.shape == (8, 32, 32, 3) and images.dtype == np.float32 and images.std() == pytest.approx(1, abs=0.05)
    assert classes.shape == (8,) and len(set(classes.tolist())) > 3 and classes.max() < 10
    assert tokens.shape == (8, 64) and tokens.dtype == np.int32 and 200 < tokens.max() < 256
    assert (following[:, :-1] == tokens[:, 1:]).all()
    assert all(row['agrees'] and set(row['apart'].values()) == {0} for row in told.rows)
    for what, (by, limit) in {'loss': (4e-5, 1e-5), 'gradient': (2e-4, 1e-4), 'parameters': (8e-3, 1e-3)}.items():
        apart.update(dict.fromkeys(apart, 0.0) | {what: by})
        agreement.run(told, True)
        measured = told.rows[-1]['apart'][{'parameters': 'after five steps'}.get(what, what)]
        assert measured == pytest.approx(2 * limit) and told.rows[-1]['agrees'] is False
        apart[what] = by / 4
        agreement.run(told, True)
        assert told.rows[-1]['agrees'] is True


def test_lanes_are_compared_with_one_alone(told, monkeypatch):
    class Bench:
        def __init__(self, name, steps):
            self.name, self.steps = name, steps

        def measure(self, strategy, width):
            made.append((self.name, self.steps, strategy, width))
            loss = 2.0 if width < 256 else 2.0 + 4e-5
            return {'lane_steps': 100.0 * width**0.5}, [{'loss': [loss, 0.0]}, {'loss': [7.0]}]

    made = []
    monkeypatch.setattr(lanes, 'Bench', Bench)
    lanes.run(told, True)
    assert made == [('recall', 4, 'vmap', 1), ('recall', 4, 'vmap', 4)]
    assert rows(told)['recall, 4 lanes'] | {'name': ''} == {
        'name': '', 'strategy': 'vmap', 'times_one': 2.0, 'apart': 0.0, 'agrees': True, 'lane_steps': 200.0
    }  # fmt: skip
    made.clear()
    lanes.run(told, False)
    assert [one[0] for one in made] == [name for name in ('digits', 'stdlib_bytes', 'recall') for _ in range(5)]
    assert {one[1:3] for one in made} == {(64, lanes.strategy_for('gpu'))}
    assert [one[3] for one in made[:5]] == [1, 4, 16, 64, 256]
    last = told.rows[-1]
    assert last['times_one'] == 16 and last['apart'] == pytest.approx(2e-5) and last['agrees'] is False


def test_every_lowering_is_timed_and_one_that_fails_is_told(told, monkeypatch):
    def gradient(function, *given):
        if function.__name__ == 'function' and function.__defaults__[0] == 'cudnn':
            raise RuntimeError('no such library' * 99)
        assert jax.eval_shape(function, *given).shape[:-1] == given[0].shape[:-1]
        return lambda: None

    monkeypatch.setattr(lowerings, 'gradient', gradient)
    monkeypatch.setattr(lowerings, 'drawn', lambda *shape: np.zeros(shape, np.float32))
    monkeypatch.setattr(lowerings, 'wall_seconds', lambda call, rounds: {'median': float(rounds)})
    lowerings.run(told, True)
    known = rows(told)
    failed = {name: row for name, row in known.items() if 'failed' in row}
    assert list(failed) == ['attention 197 tokens: cudnn'] and len(failed['attention 197 tokens: cudnn']['failed']) == 200
    assert {row['median'] for name, row in known.items() if name not in failed} == {lowerings.REPEATS}
    maps = [f'depthwise 8 x 8, 32 channels, 3 x 3, {count} lanes: {way}' for count in (1, 2) for way in lowerings.FORMS]
    assert list(known) == [f'attention 197 tokens: {way}' for way in ('attend', 'xla', 'cudnn')] + maps


def test_a_model_that_does_not_fit_is_tried_at_half_its_batch(told, monkeypatch):
    asked = []

    class Steps:
        def __init__(self, config, shape):
            self.shape, self.kind = shape, config['body']['kind']
            asked.append((self.kind, shape))

        def measure(self):
            if self.kind == 'hierarchical':
                raise jax.errors.JaxRuntimeError('INTERNAL: no')
            if self.shape[0] > 1:
                raise jax.errors.JaxRuntimeError('RESOURCE_EXHAUSTED: memory')
            return {'flops': 5.0}

    monkeypatch.setattr(models, 'Steps', Steps)
    monkeypatch.setattr(models, 'product', lambda side, kind: {(128, 'bfloat16'): 20.0}[side, kind])
    models.run(told, True)
    known = rows(told)
    assert list(known) == ['decoder, batch 2', 'decoder', 'convnext, batch 2']
    assert known['decoder'] == {'name': 'decoder', 'batch': 1, 'share_of_peak': 0.25, 'flops': 5.0}
    assert sorted(asked) == [('hierarchical', (2, 32, 32, 3)), ('isotropic', (1, 16)), ('isotropic', (2, 16))]


@pytest.mark.parametrize(('same', 'count'), [(True, 1), (False, 1), (True, 0)])
def test_a_pack_gone_on_with_is_the_same_only_where_there_are_records(told, monkeypatch, same, count):
    class Worker:
        def __init__(self, folder, steps):
            begun.append((folder.name, steps))
            assert (folder / resume.records.FOLDER).is_dir()

        def wait(self):
            return 0

    def recorded(folder):
        return [{'id': 'a', 'score': 1.0 if same else len(folder.name)}] * count

    begun = []
    monkeypatch.setattr(resume, 'worker', Worker)
    monkeypatch.setattr(resume, 'killed', lambda folder, steps: begun.append((folder.name, 'killed')) is None)
    monkeypatch.setattr(resume, 'recorded', recorded)
    resume.run(told, True)
    assert begun == [('whole', 32), ('cut', 'killed'), ('cut', 32)]
    known = rows(told)
    assert known['undisturbed']['fine'] is True and known['undisturbed']['records'] == count
    assert known['killed and gone on'] | {'name': ''} == {
        'name': '', 'killed': True, 'fine': True, 'bitwise_the_same': same and count > 0
    }  # fmt: skip


def test_a_pack_is_killed_once_it_has_left_a_checkpoint(tmp_path: Path, monkeypatch):
    class Worker:
        def __init__(self, status):
            self.status, self.signals = status, []

        def poll(self):
            # The checkpoint is there at the third look.
            looks.append(self)
            if len(looks) == 3:
                (tmp_path / resume.CHECKPOINTS / 'step').mkdir(parents=True)
                (tmp_path / resume.CHECKPOINTS / 'step' / 'file').touch()
            return self.status

        def send_signal(self, number):
            self.signals.append(number)

        def wait(self):
            return -self.signals[-1] if self.signals else self.status

    looks = []
    for status, signals, died in ((None, [resume.signal.SIGKILL], True), (0, [], False)):
        process = Worker(status)
        monkeypatch.setattr(resume, 'worker', lambda folder, steps, process=process: process)
        assert resume.killed(tmp_path, 8) is died and process.signals == signals
    assert len(looks) == 4
    told = resume.command(tmp_path, 800)
    assert told['checkpoints'] == {'steps': 200} and told['folder'] == str(tmp_path) and len(told['pack']['trials']) == 4


@pytest.mark.parametrize('said', [{'cpu_s': 1.75, 'wall_s': 2.0, 'mib': 30.0}, {'cut_off_after_s': 5.0}])
def test_what_a_command_took_is_what_its_measurer_prints(monkeypatch, said):
    asked = []

    def run(call, env, capture_output, text):
        asked.append((call, env))
        failed = int(call[-1] == 'fails')
        return type('Done', (), {'returncode': failed, 'stdout': spent.json.dumps(said), 'stderr': 'x' * 3000 + 'why'})

    monkeypatch.setattr(spent.subprocess, 'run', run)
    assert spent.spent(['a', 'command'], {'A': '1'}, 5.0) == said
    assert asked == [((spent.sys.executable, '-P', '-m', 'benchmarks.spent', '5.0', 'a', 'command'), {'A': '1'})]
    with pytest.raises(RuntimeError, match=r'^a fails ended with an error: x{1997}why$'):
        spent.spent(['a', 'fails'], {}, 5.0)


def test_forms_are_measured_in_turns(monkeypatch):
    calls, order = {'once': 7, 'twice': 2}, []

    def spent_on(call, repeats):
        order.append(repeats)
        return len(order) / 1e3, len(order) / 1e2

    monkeypatch.setattr(timing, 'repeats_for', lambda call: calls['once' if float(call()) == 3 else 'twice'])
    monkeypatch.setattr(timing, 'spent', spent_on)
    told = timing.in_turns({'once': lambda x: x, 'twice': lambda x: 2 * x}, [np.float32(3)], 3)
    assert order == [7, 2] * 3 and [float(told[name].made) for name in told] == [3, 6]
    assert dataclasses.astuple(told['once'].cpu_ms) == (3.0, 1.0, 5.0)
    assert dataclasses.astuple(told['twice'].wall_ms) == (40.0, 20.0, 60.0)
