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


@pytest.fixture
def sides(monkeypatch):
    """The modules of PyTorch's side, with as much of PyTorch as they call here."""
    torch, model = ModuleType('torch'), ModuleType('benchmarks.sides.pytorch_model')
    torch.nn = SimpleNamespace(
        Module=object, utils=SimpleNamespace(clip_grad_norm_=lambda parameters, most: CALLS.append(('clip', parameters, most)))
    )
    torch.optim = SimpleNamespace(AdamW=AdamW, Optimizer=AdamW)
    torch.Tensor, torch.set_num_threads = object, lambda count: CALLS.append(('threads', count))
    torch.compile = lambda function: ('compiled', function)
    model.Model = object
    for name, module in (('torch', torch), ('benchmarks.sides.pytorch_model', model)):
        monkeypatch.setitem(sys.modules, name, module)
    names = ('pytorch_training', 'optuna_study')
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
