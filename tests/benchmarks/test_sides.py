"""What the sides of the benchmarks do around PyTorch, which need not be installed for it: schedule, groups, steps, tuning."""

import importlib
import math
import sys
from types import ModuleType, SimpleNamespace

import jax.numpy as jnp
import numpy as np
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


class Tensor(np.ndarray):
    """An array that knows what the sides ask of PyTorch's."""

    def __new__(cls, array):
        return np.asarray(array).view(cls)

    def long(self):
        return self.astype(np.int64)


@pytest.fixture
def sides(monkeypatch):
    """The modules of PyTorch's side, with as much of PyTorch as they call here."""
    torch, model = ModuleType('torch'), ModuleType('benchmarks.sides.pytorch_model')
    profile = ModuleType('benchmarks.sides.pytorch_profile')
    torch.nn = SimpleNamespace(
        Module=object, utils=SimpleNamespace(clip_grad_norm_=lambda parameters, most: CALLS.append(('clip', parameters, most)))
    )
    torch.optim = SimpleNamespace(AdamW=AdamW, Optimizer=AdamW)
    torch.Tensor, torch.set_num_threads = object, lambda count: CALLS.append(('threads', count))
    torch.compile = lambda function: ('compiled', function)
    torch.from_numpy = lambda array: Tensor(array)
    model.Model, profile.timed = object, None
    for name, module in (('torch', torch), (model.__name__, model), (profile.__name__, profile)):
        monkeypatch.setitem(sys.modules, name, module)
    names = ('pytorch_training', 'optuna_study', 'pytorch')
    for name in names:
        monkeypatch.delitem(sys.modules, f'benchmarks.sides.{name}', raising=False)
    yield SimpleNamespace(**{name: importlib.import_module(f'benchmarks.sides.{name}') for name in names})
    for name in names:
        # Made with a PyTorch that is none: no other test may find them.
        sys.modules.pop(f'benchmarks.sides.{name}')
    CALLS.clear()


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
    assert kind == 'hierarchical' and list(params) == ['head/bias'] and params['head/bias'].tolist() == [1, 1]
    assert recipe == [*(side.KNOBS[name] for name in ('lr', 'weight_decay')), 'compiled']
    told = made.losses(2)
    assert told['losses'] == [1.0, 2.0] and 0 <= told['compile_s'] < 9
    shares = sides.pytorch_training.schedule(3)
    assert steps == [([10, 30], [1, 1], shares[0]), ([0, 20], [0, 0], shares[1])]
    cpu, wall = made.train(3)
    assert len(steps) == 5 and steps[2:4] == steps[:2] and steps[4][0] == [30, 30] and wall >= 0 <= cpu
