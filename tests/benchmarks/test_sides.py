"""What the sides of the benchmarks do around PyTorch, which need not be installed for it: schedule, groups, steps, tuning."""

import contextlib
import importlib
import math
import sys
from types import ModuleType, SimpleNamespace

import jax.numpy as jnp
import numpy as np
import numpy_torch
import pytest

from sweeps.training.schedules import warmup_cosine

CALLS = []


class AdamW:
    def __init__(self, groups, lr, betas, eps, fused):
        self.given, self.param_groups = (lr, betas, eps, fused), groups

    def zero_grad(self, set_to_none):
        CALLS.append('zero_grad')

    def step(self):
        CALLS.append(('step', [group['lr'] for group in self.param_groups]))


class Generator:
    """Numbers of a seed."""

    def manual_seed(self, seed):
        self.draw = np.random.default_rng(seed)
        return self


def trunc_normal(leaf, std, a, b, generator):
    CALLS.append((std, a, b))
    leaf[...] = generator.draw.normal(size=leaf.shape).clip(-1, 1)


@pytest.fixture
def sides(monkeypatch):
    """The modules of PyTorch's side, with as much of PyTorch as they call here."""
    torch, model = numpy_torch.install(monkeypatch), ModuleType('benchmarks.sides.pytorch_model')
    torch.nn.utils = SimpleNamespace(clip_grad_norm_=lambda parameters, most: CALLS.append(('clip', parameters, most)))
    torch.nn.init = SimpleNamespace(trunc_normal_=trunc_normal)
    torch.Generator, torch.inference_mode = Generator, contextlib.nullcontext
    torch.randperm = lambda count, generator: numpy_torch.tensor(generator.draw.permutation(count))
    torch.ones, torch.zeros = (
        lambda *shape, fill=fill: numpy_torch.tensor(np.full(shape if isinstance(shape[0], int) else shape[0], fill))
        for fill in (1.0, 0.0)
    )
    profiler = ModuleType('torch.profiler')
    profiler.profile, profiler.ProfilerActivity = Profile, SimpleNamespace(CPU='the processor')
    monkeypatch.setitem(sys.modules, 'torch.profiler', profiler)
    torch.optim = SimpleNamespace(AdamW=AdamW, Optimizer=AdamW)
    torch.set_num_threads = lambda count: CALLS.append(('threads', count))
    torch.compile = lambda function: ('compiled', function)
    model.Model = object
    monkeypatch.setitem(sys.modules, model.__name__, model)
    names = ('pytorch_training', 'optuna_study', 'pytorch_profile', 'pytorch')
    for name in names:
        monkeypatch.delitem(sys.modules, f'benchmarks.sides.{name}', raising=False)
    yield SimpleNamespace(**{name: importlib.import_module(f'benchmarks.sides.{name}') for name in names})
    for name in names:
        # Made with a PyTorch that is none: no other test may find them.
        sys.modules.pop(f'benchmarks.sides.{name}')
    CALLS.clear()


class Profile:
    """What PyTorch tells of its operations."""

    def __init__(self, activities, record_shapes):
        assert (activities, record_shapes) == (['the processor'], True)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        CALLS.append('profiled')

    def events(self):
        names = ('aten::mm', 'aten::gelu_backward', 'aten::convolution_backward', 'aten::native_layer_norm', 'aten::add')
        times = enumerate(names, 1)
        return [SimpleNamespace(name=name, input_shapes=[[n]], self_cpu_time_total=1000.0 * n) for n, name in times]


def test_the_schedule_is_that_of_the_lab(sides):
    lab = warmup_cosine(jnp.arange(40), 40, jnp.float32(0.1))
    assert sides.pytorch_training.schedule(40) == pytest.approx(lab.tolist(), rel=1e-5, abs=1e-6)
    assert sides.pytorch_training.schedule(7)[0] == 1


def test_vectors_do_not_decay_and_a_step_clips_before_it_moves(sides):
    class Loss:
        def backward(self):
            CALLS.append('backward')

        def detach(self):
            return 'detached'

    parts = [SimpleNamespace(ndim=ndim) for ndim in (1, 2, 4, 1)]
    model = SimpleNamespace(parameters=lambda: iter(parts), loss=lambda x, y: CALLS.append((x, y)) or Loss())
    trained = sides.pytorch_training.Trained(model, 0.5, 0.25)
    decayed, others = trained.optimizer.param_groups
    assert trained.optimizer.given == (0.5, (0.9, 0.99), 1e-8, True)
    assert (decayed['params'], decayed['weight_decay']) == (parts[1:3], 0.25)
    assert (others['params'], others['weight_decay']) == ([parts[0], parts[3]], 0.0)
    assert trained.step('x', 'y', 0.1) == 'detached'
    told = [('x', 'y'), 'zero_grad', 'backward', ('clip', parts, 1.0), ('step', [0.05, 0.05])]
    assert told == CALLS
    assert sides.pytorch_training.Trained(model, 0.5, 0.25, 'compiled').loss == ('compiled', model.loss)
    alone = SimpleNamespace(parameters=lambda: iter(parts[:1]), loss=None)
    assert len(sides.pytorch_training.optimizer_of(alone, 0.5, 0.25).param_groups) == 1


def test_the_best_recipe_of_tuning_is_confirmed_by_fresh_seeds(sides, monkeypatch):
    class Tuned:
        def __init__(self, arm, examples, replicate, steps, batch):
            self.known = (arm, examples, replicate, steps, batch)

        def score(self, seed, recipe, test):
            asked.append((*self.known, seed, recipe, test))
            return float(seed) if test else -abs(math.log(recipe['lr'] / 0.01))

    asked = []
    monkeypatch.setattr(sides.optuna_study, 'Tuned', Tuned)
    monkeypatch.setattr(sides.optuna_study, 'Examples', lambda file: ('of', file))
    means = sides.optuna_study.run({'base': 'a', 'wide': 'b'}, 'file', [('wide', 3)], trials=9, seeds=2, steps=5, batch=8)
    assert means == {'wide, 3': 10**6 + 3000.5} and CALLS == [('threads', 1)]
    assert {one[:5] for one in asked} == {('b', ('of', 'file'), 3, 5, 8)}
    tuning, confirmed = asked[:9], asked[9:]
    assert [one[5] for one in tuning] == list(range(3000, 3009)) and not any(one[7] for one in tuning)
    assert all(1e-3 <= one[6]['lr'] <= 1e-1 and 1e-3 <= one[6]['weight_decay'] <= 1 for one in tuning)
    rates = np.log([one[6]['lr'] for one in tuning])
    best = tuning[int(np.argmin(np.abs(rates - math.log(0.01))))][6]
    assert [one[5:] for one in confirmed] == [(10**6 + 3000 + seed, best, True) for seed in range(2)]
    logging = sides.optuna_study.optuna.logging
    assert logging.get_verbosity() == logging.WARNING
    # Rates are drawn evenly in their logarithm, by the number of the replicate.
    recipes = []
    for replicate in (3, 4):
        asked.clear()
        sides.optuna_study.run({'base': 'a'}, 'file', [('base', replicate)], trials=9, seeds=1, steps=5, batch=8)
        recipes.append([one[6] for one in asked[:9]])
    assert recipes[0] == [one[6] for one in tuning] != recipes[1]
    for name, middle in (('lr', 1e-2), ('weight_decay', 10**-1.5)):
        assert sum(one[name] < middle for own in recipes for one in own) >= 6


def test_a_side_trains_on_the_batches_of_the_file_from_its_parameters(sides, monkeypatch, tmp_path):
    class Trained:
        def __init__(self, model, lr, weight_decay, way):
            asked.append((model, lr, weight_decay, way))

        def step(self, x, y, share):
            steps.append((x.tolist(), y.tolist(), share))
            return float(len(steps))

    asked, steps, side = [], [], sides.pytorch
    monkeypatch.setattr(side, 'Trained', Trained)
    monkeypatch.setattr(side, 'Model', lambda config, params: (config['body']['kind'], params))
    order = np.array([[1, 3], [0, 2], [3, 3]])
    file = tmp_path / 'given.npz'
    np.savez(file, x=10 * np.arange(4), y=np.arange(4) % 2, order=order, **{'params/head/bias': np.ones(2)})
    made = side.Pytorch('digits', {}, 3, str(file), 'compiled')
    ((kind, params), *recipe) = asked[0]
    assert CALLS == [('threads', 1)]
    assert kind == 'hierarchical' and list(params) == ['head/bias'] and params['head/bias'].tolist() == [1, 1]
    assert recipe == [*(side.KNOBS[name] for name in ('lr', 'weight_decay')), 'compiled']
    told = made.losses(2)
    assert told['losses'] == [1.0, 2.0] and 0 <= told['compile_s'] < 9
    shares = sides.pytorch_training.schedule(3)
    assert steps == [([10, 30], [1, 1], shares[0]), ([0, 20], [0, 0], shares[1])]
    cpu, wall = made.train(3)
    assert len(steps) == 5 and steps[2:4] == steps[:2] and steps[4][0] == [30, 30] and wall >= 0 <= cpu


def test_a_side_tells_the_seconds_of_its_first_step_and_of_all(sides, monkeypatch):
    side, steps = object.__new__(sides.pytorch.Pytorch), []
    side._step = lambda step: steps.append(step) or float(step)
    cpu, wall = iter([1.0, 4.0, 20.0, 25.0]), iter([7.0, 9.0])
    monkeypatch.setattr(sides.pytorch, 'time', SimpleNamespace(process_time=lambda: next(cpu), perf_counter=lambda: next(wall)))
    assert side.losses(2) == {'losses': [0.0, 1.0], 'compile_s': 3.0}
    assert side.train(3) == (5.0, 2.0) and steps == [0, 1, 0, 1, 2]


def test_recipes_are_drawn_from_the_space_of_the_lab(sides, monkeypatch):
    asked, optuna = [], sides.optuna_study.optuna

    class Searched:
        best_params = {'lr': 0.5, 'weight_decay': 0.25}

        def optimize(self, objective, n_trials):
            draw = lambda name, low, high, log: asked.append((name, low, high, log)) or high  # noqa: E731
            asked.append((n_trials, objective(SimpleNamespace(suggest_float=draw, number=0))))

    class Tuned:
        def __init__(self, *given):
            pass

        def score(self, seed, recipe, test):
            return 0.5

    monkeypatch.setattr(optuna, 'create_study', lambda **given: asked.append(given.pop('direction')) or Searched())
    monkeypatch.setattr(sides.optuna_study, 'Tuned', Tuned)
    monkeypatch.setattr(sides.optuna_study, 'Examples', lambda file: file)
    sides.optuna_study.run({'base': 'a'}, 'file', [('base', 3)], trials=9, seeds=2, steps=5, batch=8)
    assert asked == ['maximize', ('lr', 1e-3, 1e-1, True), ('weight_decay', 1e-3, 1.0, True), (9, 0.5)]


def test_operations_are_grouped_by_how_their_names_begin(sides):
    told = list(sides.pytorch_profile.timed(lambda: CALLS.append('run')))
    groups = ['products', 'activation', 'depthwise', 'norms', 'rest']
    assert CALLS == ['run', 'profiled']
    assert [one[0] for one in told] == groups and [one[2] for one in told] == [1000.0, 2000.0, 3000.0, 4000.0, 5000.0]
    assert told[1][1] == 'aten::gelu_backward [[2]]'
    side = object.__new__(sides.pytorch.Pytorch)
    side._step = CALLS.append
    assert side.profile(2) == {
        **{'products': 0.5, 'attention': 0.0, 'depthwise': 1.5, 'norms': 2.0, 'activation': 1.0, 'rest': 2.5}
    }
    assert CALLS[2:] == [0, 1, 'profiled']


def test_the_peak_of_a_side_counts_two_operations_for_each_multiply_add(sides, monkeypatch):
    def least(call, rounds):
        assert call().shape == (side.ROWS, side.SIDE) and rounds == 5
        return 0.5

    side = sides.pytorch
    monkeypatch.setattr(side, 'ROWS', 8)
    monkeypatch.setattr(side, 'SIDE', 4)
    monkeypatch.setattr(side, 'least_cpu_seconds', least)
    made = object.__new__(side.Pytorch)
    made.trained = SimpleNamespace(parameters=[numpy_torch.tensor(np.ones(shape)) for shape in ((2, 3), (4,))])
    assert made.about() == {'peak_gflops': 2 * 8 * 4**2 / 0.5 / 1e9, 'parameters': 10}


def test_first_parameters_have_the_deviation_of_their_fan_in(sides):
    drawn = sides.optuna_study.drawn
    params = drawn({'up/kernel': [5, 20, 3], 'norm/scale': [3], 'up/bias': [2]}, 0)
    ((deviation, *ends),) = CALLS
    assert deviation == pytest.approx(0.1 / 0.87962566) and ends == [-2 * deviation, 2 * deviation]
    assert params['norm/scale'].tolist() == [1, 1, 1] and params['up/bias'].tolist() == [0, 0]
    again, other = (drawn({'up/kernel': [5, 20, 3]}, seed)['up/kernel'] for seed in (0, 1))
    assert (params['up/kernel'] == again).all() and (again != other).any()


def test_a_recipe_is_trained_on_shuffled_epochs_and_scored_on_what_it_did_not_see(sides, monkeypatch, tmp_path):
    class Trained:
        def __init__(self, model, lr, weight_decay):
            self.model = lambda x: np.eye(2)[x % 2]
            asked.append((model, lr, weight_decay))

        def step(self, x, y, share):
            steps.append((x.tolist(), y.tolist(), share))

    asked, steps, study = [], [], sides.optuna_study
    monkeypatch.setattr(study, 'Trained', Trained)
    monkeypatch.setattr(study, 'Model', lambda config, params: (config, list(params)))
    file, x = tmp_path / 'examples.npz', np.arange(10)
    parts = {'train_0': x[5:], 'held_0': x[:5], 'train_1': x[:5], 'held_1': x[5:9]}
    np.savez(file, x=x, y=(x == 6) * 1, test_x=x[:4], test_y=x[:4] % 2, **parts)
    tuned = study.Tuned({'config': 'c', 'shapes': {'head/bias': [2]}}, study.Examples(str(file)), 1, steps=4, batch=3)
    # Of the four that are held out (5, 6, 7, 8) the classes told are those of 6 and 8.
    assert tuned.score(3, {'lr': 0.5, 'weight_decay': 0.25}, test=False) == 0.25
    assert asked == [(('c', ['head/bias']), 0.5, 0.25)]
    seen = [i for own, _, _ in steps for i in own]
    assert len(steps) == 4 and sorted(seen[:5]) == sorted(seen[5:10]) == [0, 1, 2, 3, 4] and seen[:5] != seen[5:10]
    assert [share for _, _, share in steps] == sides.pytorch_training.schedule(4)
    assert all(labels == [int(i == 6) for i in own] for own, labels, _ in steps)
    assert tuned.score(3, {'lr': 0.5, 'weight_decay': 0.25}, test=True) == 1.0
    assert steps[4:] == steps[:4]
    tuned.score(4, {'lr': 0.5, 'weight_decay': 0.25}, test=True)
    assert steps[8:] != steps[:4]
