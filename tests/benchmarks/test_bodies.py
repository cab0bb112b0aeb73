"""The benchmark of bodies: the same models on both sides, the same steps, and nothing timed where losses differ."""

import importlib.util

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ablations.tasks import TASKS
from arch.model import build
from archlab import BAD_INPUT, main
from benchmarks import bodies
from benchmarks.body import BODIES, body_of, flat
from benchmarks.charts import bars
from benchmarks.child import Child
from benchmarks.sides.lab_profile import groups
from results.figures.style import rendered
from sweeps.training.optimizers import make_optimizer
from sweeps.training.schedules import warmup_cosine

SMALL = {
    'digits': {'width': 4, 'batch': 2},
    'bytes': {'width': 4, 'depth': 1, 'length': 6, 'batch': 2},
    'vit': {'width': 8, 'depth': 1, 'heads': 2, 'size': 8, 'batch': 2},
    'decoder': {'width': 8, 'depth': 1, 'heads': 2, 'length': 6, 'batch': 2},
    'convnext': {'width': 4, 'depth': 1, 'kernel': 3, 'size': 8, 'batch': 2},
}
MACHINE = {'processor': 'abacus', 'cores': 1, 'load': 0.0, 'peak_gflops': 1.0}


def test_tiny_bodies_are_those_of_the_tasks():
    assert body_of('digits', {}).config == TASKS['digits'].base
    assert body_of('bytes', {}).config == TASKS['stdlib_bytes'].base
    assert [body_of(name, {}).batch for name in ('digits', 'bytes')] == [TASKS['digits'].batch, TASKS['stdlib_bytes'].batch]


def test_large_digits_are_the_digits():
    small, large = (body_of(name, {}).task.pool() for name in ('digits', 'vit'))
    assert large.x.shape[1:] == (32, 32, 3) and (large.y == small.y).all()
    assert (large.x[:, ::4, ::4, :1] == small.x).all() and (large.x[:, 3::4, 3::4, 2:] == small.x).all()


@pytest.mark.parametrize(
    ('name', 'sizes', 'said'),
    [
        ('vti', {}, "unknown body 'vti'; allowed: ['digits'"),
        ('vit', {'hight': 2}, "body 'vit' has no size ['hight']; allowed: ['width', 'depth'"),
        ('vit', {'depth': 0}, "body 'vit': depth=0; allowed: whole numbers from 1"),
    ],
)
def test_unknown_bodies_and_sizes_are_refused(name, sizes, said):
    with pytest.raises(ValueError, match='allowed') as error:
        body_of(name, sizes)
    assert said in str(error.value)


def test_instructions_are_grouped_by_what_they_compute():
    text = """HloModule jit_advance

%fused_computation.1 (p0: f32[2,2]) -> f32[2] {
  ROOT %dot.7 = f32[2,2]{1,0} dot(%p0, %p0), metadata={op_name="x"}
}

ENTRY %main (p0: f32[2,2]) -> f32[2] {
  %up.1 = f32[2]{0} fusion(%p0), kind=kLoop, calls=%fused_computation.1, metadata={op_name="jvp(B)/block_0/norm/reduce_sum"}
  %norm.2 = f32[2]{0} fusion(%p0), kind=kLoop, calls=%fused_computation.9, metadata={op_name="jvp(B)/block_0/norm/reduce_sum"}
  %loop.3 = (s32[], f32[2]{0}) while(%p0), condition=%a, body=%b, metadata={op_name="jvp(B)/mixer/depthwise/while"}
  ROOT %adam.4 = f32[2]{0} multiply(%p0, %p0), metadata={op_name="jit(advance)/while/body/mul"}
}
"""
    assert groups(text) == {'dot.7': 'products', 'up.1': 'products', 'norm.2': 'norms', 'adam.4': 'rest'}


class Answers:
    """A child that answers from a table instead of training."""

    def __init__(self, place, core, given):
        self.side = given.get('way', 'lab')
        self.seconds = {'lab': 0.001, 'eager': 0.003, 'compiled': 0.002}[self.side]
        self.losses = [2.0, 1.0]
        self.sent = []

    def send(self, method, **given):
        self.sent.append((method, given))

    def answer(self):
        method, given = self.sent.pop(0)
        return {
            'share': None,
            'losses': {'losses': self.losses, 'compile_s': 1.0},
            'about': {'peak_gflops': 50.0, 'flops': 10**7, 'parameters': 7},
            'profile': {'products': 0.5, 'rest': 0.0},
            'train': [self.seconds * given.get('steps', 0)] * 2,
        }[method]

    def call(self, method, **given):
        self.send(method, **given)
        return self.answer()

    def close(self):
        pass


def test_a_body_is_measured_in_turns_and_told_in_eighty_columns(monkeypatch):
    monkeypatch.setattr(bodies, 'Child', Answers)
    measured = bodies.measure('digits', {'depth': 3}, bodies.WAYS, processes=2, rounds=3, profile=True)
    assert measured['best'] == 'compiled' and measured['ratio']['median'] == 2.0
    told = {'median': 1.0, 'least': 1.0, 'greatest': 1.0}
    assert measured['sides']['lab'] == {
        **{'cpu_ms': told, 'wall_ms': told, 'steps_per_cpu_second': 1000.0, 'peak_gflops': 50.0},
        **{'share_of_peak': 0.2, 'compile_s': 1.0, 'apart': 0.0},  # 1e7 operations in a millisecond, of 50e9 in a second
    }
    results = {'machine': MACHINE, 'rounds': 3, 'processes': 2, 'bodies': [measured]}
    text = bodies.lines(results)
    assert measured['profile'] == {side: {'products': 0.5, 'rest': 0.0} for side in ('lab', 'eager')}
    assert 'the lab is 2.00 (2.00 to 2.00) times as fast as compiled' in '\n'.join(text)
    assert max(map(len, text)) <= 80
    page = rendered(bars(bodies.panels(results), 'CPU ms a step'), 'svg')
    assert len(page) < 100_000


def test_sides_that_train_otherwise_are_not_timed(monkeypatch):
    def other(place, core, given):
        child = Answers(place, core, given)
        child.losses = [2.0, 1.0 if child.side == 'lab' else 1.001]
        return child

    monkeypatch.setattr(bodies, 'Child', other)
    with pytest.raises(ValueError, match=r"body 'digits': the losses of eager are 1\.0e-03 from the lab's in the first 2"):
        bodies.measure('digits', {}, ['eager'], 1, 1)
    with pytest.raises(ValueError, match='from the lab'):
        bodies.agreeing('digits', 'eager', [1.0], [float('nan')])


def test_a_child_is_called_in_its_own_process():
    child = Child('collections:Counter', None, {'given': {'a': 2, 'b': 1}})
    assert child.call('most_common', n=1) == [['given', {'a': 2, 'b': 1}]]
    child.send('no_such_method')
    with pytest.raises(RuntimeError, match='no_such_method'):
        child.answer()
    child.close()


def test_without_torch_the_command_says_how_to_get_it(monkeypatch, capsys):
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: None)
    for command in ('bodies', 'peers'):
        assert main(['bench', command]) == BAD_INPUT
        said = capsys.readouterr().err
        assert "torch is not installed; pip install -e '.[bench]'" in ' '.join(said.split())


@pytest.mark.parametrize(
    ('given', 'said'),
    [
        (['bodies', '--size', 'depth=many'], "--size 'depth=many'; allowed: NAME=NUMBER with a whole number"),
        (['bodies', '--out', '.'], "--out '.' is a folder; give the name of a file"),
        (['lanes', '--only', 'waltz'], "unknown body 'waltz'; allowed: ['digits'"),
        (['peers', '--out', 'x.svg'], "--out 'x.svg' would be the figure's own name"),
        (['scale', '--only', 'waltz'], "unknown commands ['waltz']; allowed: ['plan'"),
        (['scale', '--trials', '3'], '[3] trials; allowed: from 500'),
    ],
)
def test_bad_requests_are_refused(given, said, capsys):
    assert main(['bench', *given]) == BAD_INPUT
    assert said in ' '.join(capsys.readouterr().err.split())


def test_sizes_of_several_bodies_are_refused(monkeypatch):
    monkeypatch.setattr(bodies, 'needs_torch', lambda command: None)
    with pytest.raises(ValueError, match='allowed: sizes of one body; name it by --only'):
        bodies.bench(1, ['vit', 'digits'], {'depth': 2})


torch_only = pytest.mark.skipif(importlib.util.find_spec('torch') is None, reason="PyTorch is not installed ('.[bench]')")


@torch_only
@pytest.mark.parametrize('name', BODIES)
def test_both_sides_give_the_same_loss_of_the_same_parameters(name):
    """Uncompiled on both sides; all parameters are moved from their first values, so that none is 0 or 1."""
    import torch

    from benchmarks.sides.pytorch_model import Model

    body = body_of(name, SMALL[name])
    pool, model = body.task.pool(), build(body.config)
    x, y = pool.x[: body.batch], pool.y[: body.batch]
    generator = np.random.default_rng(0)
    shapes, state = jax.eval_shape(lambda: model.init(jax.random.key(0), jnp.asarray(x), {}))
    params = jax.tree.map(lambda leaf: jnp.asarray(generator.normal(size=leaf.shape), jnp.float32), shapes)
    scores, _, _ = model.apply(params, state, jnp.asarray(x), knobs={}, key=jax.random.key(1), train=True)
    loss = float(body.task.losses(scores, jnp.asarray(y))[0].mean())
    given = {path: np.asarray(leaf) for path, leaf in flat(params).items()}
    other = Model(body.config, given)
    assert sum(one.numel() for one in other.parameters()) == sum(leaf.size for leaf in given.values())
    with torch.no_grad():
        assert float(other.loss(torch.from_numpy(x), torch.from_numpy(y).long())) == pytest.approx(loss, rel=1e-5)
    with pytest.raises(ValueError, match=r"no place for \['more/kernel'\]"):
        Model(body.config, {**given, 'more/kernel': np.zeros(2)})


@torch_only
def test_both_sides_take_the_same_steps():
    """AdamW with clipping, decay of matrices alone, and the schedule, on given gradients."""
    import torch

    from benchmarks.sides.pytorch_training import Trained, schedule

    steps, lr, decay = 5, 0.1, 0.3
    generator = np.random.default_rng(0)
    params = {'kernel': generator.normal(size=(3, 2)), 'bias': generator.normal(size=2)}
    slopes = [{name: generator.normal(size=leaf.shape) for name, leaf in params.items()} for _ in range(steps)]
    roles = {'kernel': 'matrix', 'bias': 'vector'}
    knobs = {'lr': lr, 'weight_decay': decay, 'b1': 0.9, 'b2': 0.99, 'eps': 1e-8, 'clip': 1.0}
    direction, move = make_optimizer('adamw', roles, knobs)

    class Sloped(torch.nn.Module):
        """A model whose gradients are given: its loss is their sum with the parameters."""

        def __init__(self):
            super().__init__()
            self.kernel, self.bias = (torch.nn.Parameter(torch.tensor(params[name])) for name in ('kernel', 'bias'))

        def loss(self, x, y):
            return sum((getattr(self, name) * torch.tensor(slopes[x][name])).sum() for name in params)

    model = Sloped()
    trained, shares = Trained(model, lr, decay), schedule(steps)
    with jax.enable_x64():
        own = {name: jnp.asarray(leaf) for name, leaf in params.items()}
        moments = direction.init(own)
        for step in range(steps):
            trained.step(step, None, shares[step])
            updates, moments = direction.update({name: jnp.asarray(leaf) for name, leaf in slopes[step].items()}, moments, own)
            own = move(updates, own, warmup_cosine(step, steps, 0.1))
            for name, leaf in own.items():
                assert getattr(model, name).detach().numpy() == pytest.approx(np.asarray(leaf), rel=1e-5)


@torch_only
@pytest.mark.slow
def test_a_small_body_is_measured():
    """Both sides in processes of their own."""
    measured = bodies.measure('bytes', {'width': 8, 'depth': 1}, ['eager'], processes=1, rounds=2, seconds=0.05)
    assert measured['sides']['eager']['apart'] < 1e-5 and measured['ratio']['median'] > 0
